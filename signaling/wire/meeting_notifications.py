"""Notifications of meetings."""

from __future__ import annotations

from typing import ClassVar

from media.types import Source
from signaling.sessions.meeting_states import MeetingLeft
from signaling.wire.base import Notification
from signaling.wire.meeting_views import MeetingMemberView, MeetingView, MeetingWaitingView, OwnMeetingView


class MeetingChanged(Notification):
    """Phase, host, lock or who shares. When ``place`` turns from ``lobby`` to ``room`` one was admitted: ask with
    ``meeting.enter`` for the chat."""

    EVENT: ClassVar[str] = "meeting.changed"
    meeting: MeetingView


class MeetingMemberChanged(Notification):
    """A member came, changed or left."""

    EVENT: ClassVar[str] = "meeting.member"
    meeting_id: str
    member: MeetingMemberView


class LobbyChanged(Notification):
    """To the host: who waits, whole."""

    EVENT: ClassVar[str] = "meeting.lobby"
    meeting_id: str
    waiting: list[MeetingWaitingView]


class UnmuteAsked(Notification):
    """The host asks one to speak, or to be seen. One does it oneself, with ``media.mute``, or not."""

    EVENT: ClassVar[str] = "meeting.unmute_asked"
    meeting_id: str
    source: Source


class NotesChanged(Notification):
    """An edit of somebody else: a Yjs update in Base64."""

    EVENT: ClassVar[str] = "meeting.notes_changed"
    meeting_id: str
    update: str


class MeetingLeftNotice(Notification):
    """One is out of it."""

    EVENT: ClassVar[str] = "meeting.left"
    meeting_id: str
    reason: MeetingLeft


class MediationChanged(Notification):
    """To the window and the desk: the meetings one should come to, whole. Also after the welcome, when there are any. For
    who applied those that run, for the agent who holds them also those that have not begun."""

    EVENT: ClassVar[str] = "mediation.changed"
    meetings: list[OwnMeetingView]


MEETING_NOTIFICATIONS: tuple[type[Notification], ...] = (
    MeetingChanged,
    MeetingMemberChanged,
    LobbyChanged,
    UnmuteAsked,
    NotesChanged,
    MeetingLeftNotice,
    MediationChanged,
)
