"""Views of the queue, of agents' desks and of what supervisors see."""

from __future__ import annotations

from signaling.sessions.queue_states import AgentStatus, GoneReason, OfferEnd, StatusReason, WaitNotice
from signaling.sessions.states import AssistancePhase, CallPhase, QueuePhase, SupervisionMode
from signaling.wire.base import WireModel
from signaling.wire.views import ContextView, ProfileView

__all__ = [
    "AgentStateView",
    "CentreOverview",
    "CentreView",
    "ConversationRow",
    "DeskView",
    "OfferEnd",
    "OfferView",
    "StatusReason",
    "TicketView",
    "WaitingRow",
    "WaitingView",
]


class CentreView(WireModel):
    """An operating centre (服务运营中心)."""

    centre_id: str
    name: str


class TicketView(WireModel):
    """One's own place in the queue."""

    ticket_id: str
    """Also the id of the interaction it becomes."""
    phase: QueuePhase
    centre: CentreView
    ahead: int | None
    """当前等候人数: how many are before; None when nobody waits for anything any more."""
    waiting_since: int
    wait_notice: WaitNotice | None = None
    """Offer 留言 or 预约; ``queue.stay`` takes it back."""
    gone_reason: GoneReason | None = None


class OfferView(WireModel):
    """A ticket that rings at this agent, or a transfer."""

    ticket_id: str
    centre: CentreView
    profile: ProfileView
    context: ContextView
    waiting_since: int
    deadline: int
    transfer: bool = False
    from_staff_number: str | None = None
    note: str = ""


class WaitingRow(WireModel):
    ticket_id: str
    name: str
    """Masked."""
    context: ContextView
    skills: list[str]
    waiting_since: int
    offered: bool
    """Rings at somebody now: it cannot be picked."""
    transfer: bool
    """Handed on by another agent who still holds it."""


class WaitingView(WireModel):
    """Who waits at one centre: the first 50, in order, and how many in all."""

    centre: CentreView
    total: int
    rows: list[WaitingRow]


class DeskView(WireModel):
    """The agent's own state. ``signed_in`` False: nothing is offered."""

    signed_in: bool
    status: AgentStatus
    capacity: int
    load: int
    """Conversations, rings and after-work places taken."""
    interactions: list[str]
    wrapping: list[str]
    """Interactions whose after-work time runs."""
    wrapping_until: int | None
    offer: OfferView | None


class AgentStateView(WireModel):
    """An agent who is signed in."""

    agent_id: str
    staff_number: str
    centres: list[str]
    status: AgentStatus
    load: int
    capacity: int


class ConversationRow(WireModel):
    """A running conversation, for the supervisor."""

    interaction_id: str
    agent_id: str | None
    staff_number: str | None
    taxpayer_name: str
    """Masked."""
    opened_at: int
    last_message_at: int | None
    assistance: AssistancePhase
    call: CallPhase
    transferring: bool
    supervision: SupervisionMode | None
    """How oneself takes part."""


class CentreOverview(WireModel):
    """One centre, live."""

    waiting: WaitingView
    longest_waiting_since: int | None
    agents: list[AgentStateView]
    conversations: list[ConversationRow]
