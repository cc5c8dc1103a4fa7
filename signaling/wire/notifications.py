"""Notifications of the server."""

from __future__ import annotations

from typing import ClassVar

from media.types import Source, TransportKind, TransportState
from signaling.wire.base import Notification, WireError
from signaling.wire.views import (
    AssistanceView,
    CallView,
    IceServerView,
    InteractionView,
    MemberView,
    MessageView,
    PersonView,
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


class SlotChanged(Notification):
    """A receive slot of one's subscribe transport carries something else from now on."""

    EVENT: ClassVar[str] = "media.slot"
    interaction_id: str
    mid: str
    publisher_id: str | None
    source: Source | None


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


NOTIFICATIONS: tuple[type[Notification], ...] = (
    Welcome,
    SessionClosed,
    InteractionChanged,
    MemberChanged,
    MessagePosted,
    AssistanceChanged,
    CallChanged,
    SlotChanged,
    TransportChanged,
    ActiveSpeakersChanged,
)
