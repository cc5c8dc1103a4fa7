"""What is kept of people's conversations: the words between rooms and the record (``ports.RecordsPort``).

Every one of these is whole: the later one of the same id replaces the earlier. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sessions.model import InteractionContext, Message
from signaling.sessions.policy import SessionKind
from signaling.sessions.queue_states import AgentStatus, GoneReason, StatusReason, Ticket
from signaling.sessions.states import (
    CloseReason,
    Consent,
    EndReason,
    InteractionKind,
    InteractionPhase,
    InvitationPhase,
    Role,
    TransferPhase,
)


@dataclass(frozen=True, slots=True)
class KeptInteraction:
    """``taxpayer_name`` is masked. ``agent_id`` serves it, or did last. A collaboration has no taxpayer: both are empty."""

    interaction_id: str
    taxpayer_id: str
    taxpayer_name: str
    centre_id: str | None
    agent_id: str | None
    phase: InteractionPhase
    opened_at: int
    context: InteractionContext
    closed_at: int | None = None
    closed_by: str | None = None
    close_reason: CloseReason | None = None
    wrap_up_code: str | None = None
    wrap_up_note: str | None = None
    kind: InteractionKind = InteractionKind.SERVICE


@dataclass(frozen=True, slots=True)
class KeptMember:
    """``left_at`` None while they are in it. ``guest_of``, ``history_from`` and ``in_call`` as in ``model.Member``;
    ``history_to`` is the last line a guest who has gone could read."""

    interaction_id: str
    person_id: str
    role: Role
    display_name: str
    joined_at: int
    left_at: int | None = None
    guest_of: str | None = None
    history_from: int = 1
    history_to: int | None = None
    in_call: bool = False


@dataclass(frozen=True, slots=True)
class KeptMessage:
    interaction_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class KeptCall:
    """An assistance or a call. ``paused``: the share was held back by the taxpayer."""

    call_id: str
    interaction_id: str
    kind: SessionKind
    started_by: str
    requested_at: int
    accepted_at: int | None = None
    connected_at: int | None = None
    paused: bool = False
    ended_at: int | None = None
    ended_by: str | None = None
    end_reason: EndReason | None = None


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """The recording of a call. ``ended_at`` None while it runs, or when the server stopped during it."""

    recording_id: str
    interaction_id: str
    started_by: str
    started_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptConsent:
    """What somebody answered; every answer is kept, the last one counts."""

    recording_id: str
    interaction_id: str
    person_id: str
    consent: Consent
    at: int


@dataclass(frozen=True, slots=True)
class KeptTransfer:
    """``note`` is what the agent who hands on wrote for the next one."""

    transfer_id: str
    interaction_id: str
    from_agent: str
    to_agent: str | None
    to_centre: str | None
    phase: TransferPhase
    asked_at: int
    decided_at: int | None = None
    taken_by: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeptInvitation:
    """``note`` is what the inviting agent wrote for the invited one."""

    invitation_id: str
    interaction_id: str
    from_agent: str
    from_number: str
    to_agent: str
    to_number: str
    authority: str
    phase: InvitationPhase
    asked_at: int
    share_history: bool
    note: str = ""
    decided_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class KeptRating:
    """The first one of an interaction counts."""

    interaction_id: str
    taxpayer_id: str
    agent_id: str | None
    resolved: bool
    comment: str | None
    rated_at: int


@dataclass(frozen=True, slots=True)
class KeptTicket:
    """A place in the queue. ``gone_at`` None while it waits, rings or is served. ``taxpayer_name`` is masked."""

    ticket: Ticket
    taxpayer_name: str
    context: InteractionContext
    gone_at: int | None = None
    gone_reason: GoneReason | None = None


@dataclass(frozen=True, slots=True)
class KeptAgentStatus:
    """``status`` is the presented one, ``chosen`` what it comes from (``queue_messages.AgentChanged``)."""

    agent_id: str
    status: AgentStatus
    reason: StatusReason
    at: int
    chosen: AgentStatus


@dataclass(frozen=True, slots=True)
class KeptAudit:
    """What must be answerable for later: a supervisor listened, joined, left. ``subject`` is the interaction."""

    at: int
    actor_id: str
    action: str
    subject: str
    detail: str | None = None


Kept = (
    KeptInteraction
    | KeptMember
    | KeptMessage
    | KeptCall
    | KeptRecording
    | KeptConsent
    | KeptTransfer
    | KeptInvitation
    | KeptRating
    | KeptTicket
    | KeptAgentStatus
    | KeptAudit
)


OPEN_INVITATIONS = (InvitationPhase.RINGING, InvitationPhase.ACCEPTED)


@dataclass(frozen=True, slots=True)
class OpenInteraction:
    """As it was kept last. ``messages`` are the last ones, in order; ``calls``, ``transfer`` and ``invitation`` had not
    ended."""

    interaction: KeptInteraction
    members: tuple[KeptMember, ...]
    messages: tuple[Message, ...]
    last_seq: int
    calls: tuple[KeptCall, ...] = ()
    transfer: KeptTransfer | None = None
    invitation: KeptInvitation | None = None


@dataclass(frozen=True, slots=True)
class OpenWork:
    """Everything that was open when the server stopped."""

    interactions: tuple[OpenInteraction, ...] = ()
    tickets: tuple[KeptTicket, ...] = ()
    agents: tuple[KeptAgentStatus, ...] = ()
    """The last status of everybody who had not signed out."""
    to_wrap_up: tuple[KeptInteraction, ...] = ()
    """Closed lately and not wrapped up: their agents may be in after-work time."""


@dataclass(frozen=True, slots=True)
class ClosedInteraction:
    """``staff_number`` of who served last."""

    interaction: KeptInteraction
    staff_number: str | None
    rating: KeptRating | None = None
