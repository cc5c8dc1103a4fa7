"""Notifications of the server."""

from __future__ import annotations

from typing import ClassVar

from media.types import Source, TransportKind, TransportState
from signaling.sessions.queue_states import AgentStatus, OfferEnd, StatusReason
from signaling.sessions.states import InvitationPhase, LeftReason
from signaling.wire.base import Notification, WireError
from signaling.wire.centre_notifications import CENTRE_NOTIFICATIONS
from signaling.wire.check_notifications import CHECK_NOTIFICATIONS
from signaling.wire.confirmation_views import ConfirmationView
from signaling.wire.invitation_views import InvitationRing, InvitationView
from signaling.wire.meeting_notifications import MEETING_NOTIFICATIONS
from signaling.wire.queue_views import CentreOverview, DeskView, OfferView, TicketView, WaitingView
from signaling.wire.views import (
    AftercareView,
    AssistanceView,
    CallView,
    IceServerView,
    InteractionView,
    MemberView,
    MessageView,
    PersonView,
    RecordingView,
    TransferView,
)


class Welcome(Notification):
    """First after every connect: who one is, all one's open interactions as they are now, and the token that makes
    the next connection a resumption."""

    EVENT: ClassVar[str] = "session.welcome"
    version: int
    person: PersonView
    resume_token: str
    resumed: bool
    interactions: list[InteractionView]
    ice_servers: list[IceServerView]
    ticket: TicketView | None = None
    """A taxpayer's place in the queue."""
    desk: DeskView | None = None
    """An agent's desk; it stays signed in over a reload and over a restart of the server within the grace period."""
    waiting: list[WaitingView] = []
    """The waiting lists of an agent's centres."""
    aftercare: list[AftercareView] = []
    rings: list[InvitationRing] = []
    """Invitations that ring at this agent."""
    confirmations: list[ConfirmationView] = []
    """Service confirmation forms that concern this person and are not over."""


class SessionClosed(Notification):
    """Last before the server closes this connection: ``signed_in_elsewhere``, ``token_expired``, ``server_stopping``."""

    EVENT: ClassVar[str] = "session.closed"
    reason: WireError


class InteractionChanged(Notification):
    """Opened, or closed, or its members changed."""

    EVENT: ClassVar[str] = "interaction.changed"
    interaction: InteractionView


class MemberChanged(Notification):
    """Presence, media or quality of a member."""

    EVENT: ClassVar[str] = "member.changed"
    interaction_id: str
    member: MemberView


class MessagePosted(Notification):
    EVENT: ClassVar[str] = "message.posted"
    interaction_id: str
    message: MessageView


class AssistanceChanged(Notification):
    EVENT: ClassVar[str] = "assistance.changed"
    interaction_id: str
    assistance: AssistanceView


class CallChanged(Notification):
    EVENT: ClassVar[str] = "call.changed"
    interaction_id: str
    call: CallView


class RecordingChanged(Notification):
    """A recording of the call, or of the meeting of this id, began or ended, or somebody answered."""

    EVENT: ClassVar[str] = "recording.changed"
    interaction_id: str
    recording: RecordingView


class SlotChanged(Notification):
    """A receive slot of one's subscribe transport carries something else from now on."""

    EVENT: ClassVar[str] = "media.slot"
    interaction_id: str
    mid: str
    publisher_id: str | None
    source: Source | None


class LayersWantedChanged(Notification):
    """The simulcast layers of one's own source that anybody wants, by rid, lowest first. A page need not send the others."""

    EVENT: ClassVar[str] = "media.layers_wanted"
    interaction_id: str
    source: Source
    rids: list[str]


class TransportChanged(Notification):
    """How the server sees one of one's own transports; ``failed`` asks the browser for an ICE restart or a new one."""

    EVENT: ClassVar[str] = "media.transport"
    interaction_id: str
    transport: TransportKind
    state: TransportState


class ActiveSpeakersChanged(Notification):
    EVENT: ClassVar[str] = "media.speakers"
    interaction_id: str
    person_ids: list[str]


class ReadChanged(Notification):
    EVENT: ClassVar[str] = "read.changed"
    interaction_id: str
    person_id: str
    seq: int


class TypingChanged(Notification):
    """To the others. Forget it after five seconds without another."""

    EVENT: ClassVar[str] = "typing.changed"
    interaction_id: str
    person_id: str
    typing: bool


class SilenceChanged(Notification):
    """``ends_at`` is when it will be ended for silence; None: somebody wrote."""

    EVENT: ClassVar[str] = "silence.changed"
    interaction_id: str
    ends_at: int | None


class TransferChanged(Notification):
    EVENT: ClassVar[str] = "transfer.changed"
    interaction_id: str
    transfer: TransferView


class InvitationChanged(Notification):
    """To the members."""

    EVENT: ClassVar[str] = "invitation.changed"
    interaction_id: str
    invitation: InvitationView


class InvitationRang(Notification):
    """To the invited agent."""

    EVENT: ClassVar[str] = "invitation.rang"
    ring: InvitationRing


class InvitationEnded(Notification):
    """To the invited agent: it rings no longer."""

    EVENT: ClassVar[str] = "invitation.ended"
    interaction_id: str
    invitation_id: str
    phase: InvitationPhase


class ConfirmationChanged(Notification):
    """A service confirmation form, whole, to those it concerns."""

    EVENT: ClassVar[str] = "confirmation.changed"
    confirmation: ConfirmationView


class InteractionLeft(Notification):
    """One is no member any more; the interaction goes on without."""

    EVENT: ClassVar[str] = "interaction.left"
    interaction_id: str
    reason: LeftReason


class QueueChanged(Notification):
    """The taxpayer's own place."""

    EVENT: ClassVar[str] = "queue.changed"
    ticket: TicketView


class OfferRang(Notification):
    EVENT: ClassVar[str] = "offer.rang"
    offer: OfferView


class OfferEnded(Notification):
    """It stopped ringing and was not accepted here."""

    EVENT: ClassVar[str] = "offer.ended"
    ticket_id: str
    reason: OfferEnd


class DeskChanged(Notification):
    """The agent's own state, whole."""

    EVENT: ClassVar[str] = "desk.changed"
    desk: DeskView


class WaitingChanged(Notification):
    """The waiting list of one centre, to its agents, once a second at most."""

    EVENT: ClassVar[str] = "waiting.changed"
    waiting: WaitingView


class AgentStatusChanged(Notification):
    """One's own status, with why: chosen, or set away for a missed offer."""

    EVENT: ClassVar[str] = "agent.status"
    status: AgentStatus
    reason: StatusReason


class SupervisionChanged(Notification):
    """To supervisors who asked with ``supervise.list``: a centre, whole; once a second at most."""

    EVENT: ClassVar[str] = "supervise.changed"
    centre: CentreOverview


NOTIFICATIONS: tuple[type[Notification], ...] = (
    Welcome,
    SessionClosed,
    InteractionChanged,
    MemberChanged,
    MessagePosted,
    AssistanceChanged,
    CallChanged,
    RecordingChanged,
    SlotChanged,
    LayersWantedChanged,
    TransportChanged,
    ActiveSpeakersChanged,
    ReadChanged,
    TypingChanged,
    SilenceChanged,
    TransferChanged,
    InvitationChanged,
    InvitationRang,
    InvitationEnded,
    ConfirmationChanged,
    InteractionLeft,
    QueueChanged,
    OfferRang,
    OfferEnded,
    DeskChanged,
    WaitingChanged,
    AgentStatusChanged,
    SupervisionChanged,
    *MEETING_NOTIFICATIONS,
    *CENTRE_NOTIFICATIONS,
    *CHECK_NOTIFICATIONS,
)
