"""The state of one meeting, whole: frozen. Times are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from media.types import Source, TransportKind, TransportState
from signaling.errors import ErrorCode, Refused
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase, MeetingRole
from signaling.sessions.meeting_streams import Stream
from signaling.sessions.model import Message, RecordingState
from signaling.sessions.states import MessageKind, Presence, Role

STAFF = frozenset({Role.AGENT, Role.SUPERVISOR})
"""Who may host."""


@dataclass(frozen=True, slots=True)
class MeetingSettings:
    """Times in milliseconds."""

    reconnect_grace_ms: int = 30_000
    share_timeout_ms: int = 60_000
    """So long the one screen stays kept for somebody whose picture does not come."""
    hostless_timeout_ms: int = 600_000
    """After so long without anybody who could host the meeting ends."""
    max_present: int = 50
    max_waiting: int = 50
    max_known: int = 500
    """People one meeting has ever admitted."""
    max_streams: int = 8
    """Links of devices one meeting has at a time."""
    kept_messages: int = 200
    """Lines of the chat kept in memory."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody in the lobby."""

    person_id: str
    role: Role
    display_name: str
    since: int
    presence: Presence = Presence.ONLINE
    reconnect_by: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingMember:
    """Somebody who was admitted, also when they have left."""

    person_id: str
    role: Role
    display_name: str
    joined_at: int
    meeting_role: MeetingRole = MeetingRole.PARTICIPANT
    """``participant`` or ``observer``: the host is named by the meeting."""
    presence: Presence = Presence.ONLINE
    reconnect_by: int | None = None
    left_at: int | None = None
    removed: bool = False
    """By a host; does not come back."""
    peer_epoch: int = 0
    """Counts pages: another number is another peer for the engine."""
    offered: frozenset[Source] = frozenset()
    tracks: frozenset[Source] = frozenset()
    """What has arrived at the engine."""
    muted: frozenset[Source] = frozenset()
    held: frozenset[Source] = frozenset()
    """Of what is muted, what only the host can free."""
    hand_raised_at: int | None = None
    links: Mapping[TransportKind, TransportState] = field(default_factory=dict)
    qualities: Mapping[TransportKind, int] = field(default_factory=dict)
    stream: Stream | None = None
    """Set for a device that takes part over HTTP; ``role`` is then that of who made its link."""

    @property
    def present(self) -> bool:
        return self.presence is not Presence.LEFT

    @property
    def media_connected(self) -> bool:
        lost = (TransportState.DISCONNECTED, TransportState.FAILED)
        return not any(state in lost for state in self.links.values())

    @property
    def quality(self) -> int | None:
        return min(self.qualities.values(), default=None)

    def without_media(self) -> MeetingMember:
        return replace(self, offered=frozenset(), tracks=frozenset(), links={}, qualities={})

    def gone(self, now_ms: int) -> MeetingMember:
        """Role and mute stay for who comes back; a raised hand and the media do not."""
        return replace(
            self.without_media(),
            presence=Presence.LEFT,
            reconnect_by=None,
            left_at=now_ms,
            hand_raised_at=None,
        )

    @property
    def may_host(self) -> bool:
        person = self.stream is None and self.role in STAFF
        return person and self.present and self.meeting_role is MeetingRole.PARTICIPANT


@dataclass(frozen=True, slots=True)
class MeetingState:
    meeting_id: str
    application: MediationApplication
    settings: MeetingSettings = field(default_factory=MeetingSettings)
    phase: MeetingPhase = MeetingPhase.SCHEDULED
    host_id: str | None = None
    hostless_since: int | None = None
    """While it runs without a host."""
    locked: bool = False
    sharer_id: str | None = None
    """Who alone may share a screen now."""
    share_by: int | None = None
    """When that is given back unless the picture has come."""
    members: tuple[MeetingMember, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    streams: tuple[Stream, ...] = ()
    """Links of devices that hold."""
    messages: tuple[Message, ...] = ()
    next_seq: int = 1
    recording: RecordingState = field(default_factory=RecordingState)
    started_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    end_reason: MeetingEnd | None = None

    def find(self, person_id: str | None) -> MeetingMember | None:
        return next((m for m in self.members if m.person_id == person_id), None)

    def member(self, person_id: str) -> MeetingMember:
        """Who is there. Raises ``Refused`` with ``not_found``."""
        found = self.find(person_id)
        if found is None or not found.present:
            raise Refused(ErrorCode.NOT_FOUND)
        return found

    def find_waiting(self, person_id: str) -> Waiting | None:
        return next((w for w in self.waiting if w.person_id == person_id), None)

    @property
    def present(self) -> tuple[MeetingMember, ...]:
        return tuple(m for m in self.members if m.present)

    def seat(self, member: MeetingMember) -> MeetingRole:
        return MeetingRole.HOST if member.person_id == self.host_id else member.meeting_role

    def with_member(self, changed: MeetingMember) -> MeetingState:
        if self.find(changed.person_id) is None:
            return replace(self, members=(*self.members, changed))
        return replace(
            self, members=tuple(changed if m.person_id == changed.person_id else m for m in self.members)
        )

    def with_waiting(self, changed: Waiting) -> MeetingState:
        if self.find_waiting(changed.person_id) is None:
            return replace(self, waiting=(*self.waiting, changed))
        return replace(
            self, waiting=tuple(changed if w.person_id == changed.person_id else w for w in self.waiting)
        )

    def without_waiting(self, person_id: str) -> MeetingState:
        return replace(self, waiting=tuple(w for w in self.waiting if w.person_id != person_id))

    def with_message(self, message: Message) -> MeetingState:
        kept = (*self.messages, message)[-self.settings.kept_messages :]
        return replace(self, messages=kept, next_seq=self.next_seq + 1)

    def with_line(self, text: str, now_ms: int) -> MeetingState:
        return self.with_message(Message(self.next_seq, None, None, text, now_ms, MessageKind.SYSTEM))

    def sent_before(self, sender_id: str, client_message_id: str) -> Message | None:
        """The message this one repeats."""
        return next(
            (
                m
                for m in reversed(self.messages)
                if m.sender_id == sender_id and m.client_message_id == client_message_id
            ),
            None,
        )
