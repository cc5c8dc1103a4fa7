"""What may be asked of the queue (commands) and what it answers (effects); the words are in ``queue_states``."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sessions.queue_states import (
    AgentStatus,
    AssignedBy,
    CentreSettings,
    GoneReason,
    OfferEnd,
    QueueErrorCode,
    StatusReason,
    WaitNotice,
)

# Commands


@dataclass(frozen=True, slots=True)
class ConfigureCentre:
    centre_id: str
    settings: CentreSettings


@dataclass(frozen=True, slots=True)
class RemoveCentre:
    centre_id: str


@dataclass(frozen=True, slots=True)
class Join:
    """【人工】. ``centre_id`` is None when no centre serves the authority; ``hours_open`` and ``last_agent`` are looked up
    by the caller. A taxpayer who is in the queue already keeps that ticket and is told the position again."""

    ticket_id: str
    taxpayer_id: str
    centre_id: str | None
    hours_open: bool
    skills: frozenset[str] = frozenset()
    last_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    taxpayer_id: str


@dataclass(frozen=True, slots=True)
class TaxpayerDropped:
    taxpayer_id: str


@dataclass(frozen=True, slots=True)
class TaxpayerReturned:
    taxpayer_id: str


@dataclass(frozen=True, slots=True)
class AgentSignedIn:
    agent_id: str
    centres: frozenset[str]
    skills: frozenset[str]
    capacity: int
    status: AgentStatus = AgentStatus.FREE
    guesting: frozenset[str] = frozenset()
    """As in ``Agent``."""


@dataclass(frozen=True, slots=True)
class AgentSignedOut:
    """Conversations still open go to the head of their centre's line."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class SetAgentStatus:
    agent_id: str
    status: AgentStatus


@dataclass(frozen=True, slots=True)
class AgentDropped:
    agent_id: str


@dataclass(frozen=True, slots=True)
class AgentReturned:
    agent_id: str


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    agent_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    agent_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Pick:
    """【呼叫】: an agent takes a waiting ticket out of turn. Skills are the agent's own judgement here."""

    agent_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class TransferToCentre:
    """The agent keeps the conversation until another has accepted."""

    agent_id: str
    ticket_id: str
    centre_id: str | None
    hours_open: bool
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TransferToAgent:
    agent_id: str
    ticket_id: str
    to_agent: str


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    agent_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class ConversationEnded:
    ticket_id: str


@dataclass(frozen=True, slots=True)
class WrapUpDone:
    agent_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class GuestChanged:
    """The agent became a guest of a conversation, or is none any more."""

    agent_id: str
    interaction_id: str
    present: bool


@dataclass(frozen=True, slots=True)
class Tick:
    pass


Command = (
    ConfigureCentre
    | RemoveCentre
    | Join
    | Cancel
    | TaxpayerDropped
    | TaxpayerReturned
    | AgentSignedIn
    | AgentSignedOut
    | SetAgentStatus
    | AgentDropped
    | AgentReturned
    | AcceptOffer
    | DeclineOffer
    | Pick
    | TransferToCentre
    | TransferToAgent
    | CancelTransfer
    | ConversationEnded
    | WrapUpDone
    | GuestChanged
    | Tick
)


# Effects


@dataclass(frozen=True, slots=True)
class Queued:
    """In the line, or told again where. ``back`` says that it was in an agent's hands and came back to its place."""

    ticket_id: str
    taxpayer_id: str
    centre_id: str
    ahead: int
    back: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    ticket_id: str
    taxpayer_id: str
    ahead: int


@dataclass(frozen=True, slots=True)
class PositionsChanged:
    centre_id: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class OfferMade:
    ticket_id: str
    taxpayer_id: str
    centre_id: str
    agent_id: str
    deadline_ms: int
    directed: bool


@dataclass(frozen=True, slots=True)
class OfferEnded:
    ticket_id: str
    agent_id: str
    reason: OfferEnd


@dataclass(frozen=True, slots=True)
class Assigned:
    """``previous_agent`` gave it over by transfer and leaves the conversation now."""

    ticket_id: str
    taxpayer_id: str
    centre_id: str
    agent_id: str
    by: AssignedBy
    waited_ms: int
    previous_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    ticket_id: str
    taxpayer_id: str
    centre_id: str
    reason: GoneReason


@dataclass(frozen=True, slots=True)
class WaitedTooLong:
    """Offer 留言 or 预约; the place is kept."""

    ticket_id: str
    taxpayer_id: str
    notice: WaitNotice
    waited_ms: int


@dataclass(frozen=True, slots=True)
class AgentLost:
    """The agent of a running conversation is gone; the ticket waits at the head of the line, or a transfer that runs goes on."""

    ticket_id: str
    taxpayer_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """``status`` is the presented one, ``chosen`` what it comes from and goes back to: a free agent is presented as busy
    while there is no place left."""

    agent_id: str
    status: AgentStatus
    reason: StatusReason
    chosen: AgentStatus


@dataclass(frozen=True, slots=True)
class Refused:
    person_id: str
    code: QueueErrorCode
    ticket_id: str | None = None


Effect = (
    Queued
    | PositionsChanged
    | OfferMade
    | OfferEnded
    | Assigned
    | Gone
    | WaitedTooLong
    | AgentLost
    | AgentChanged
    | Refused
)
