"""Meetings: the lobby, who may what, the screen, hands, notes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, StringConstraints

from media.types import Source
from signaling.sessions.meeting_states import MeetingRole
from signaling.wire.base import Empty, Identifier, Request, WireModel
from signaling.wire.meeting_views import MeetingView, MeetingWaitingView
from signaling.wire.views import MessageView

Base64 = Annotated[str, StringConstraints(max_length=90_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


def _given(role: MeetingRole) -> MeetingRole:
    if role is MeetingRole.HOST:
        raise ValueError("the host role is handed over, not given")
    return role


GivenRole = Annotated[MeetingRole, AfterValidator(_given)]


class MeetingRequest(Request):
    """A request about one meeting."""

    meeting_id: Identifier


class Entered(WireModel):
    """In the lobby the rest is empty."""

    meeting: MeetingView
    messages: list[MessageView] = []
    """The last 50; earlier ones by ``message.list``."""
    last_seq: int = 0
    waiting: list[MeetingWaitingView] = []
    """For the host."""
    media_epoch: int | None = None
    """Another number than before: the server holds none of this page's transports any more, they are made anew."""


class EnterMeeting(MeetingRequest):
    """Knock, or come back, or ask for the truth, whole. The agent it was dispatched to, and whoever was admitted once,
    are in at once; others wait in the lobby. Errors: ``meeting_locked``, ``meeting_full``, ``meeting_removed``,
    ``meeting_ended``."""

    EVENT: ClassVar[str] = "meeting.enter"
    RESPONSE: ClassVar[type[WireModel]] = Entered


class LeaveMeeting(MeetingRequest):
    """The room or the lobby. When the host leaves, the member of staff who has been there longest becomes host."""

    EVENT: ClassVar[str] = "meeting.leave"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class AdmitToMeeting(MeetingRequest):
    """By the host. ``person_id`` null: everybody in the lobby, as far as there is room."""

    EVENT: ClassVar[str] = "meeting.admit"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier | None
    meeting_role: GivenRole = MeetingRole.PARTICIPANT


class RefuseEntry(MeetingRequest):
    """By the host: out of the lobby. One may knock again."""

    EVENT: ClassVar[str] = "meeting.refuse"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier


class RemoveFromMeeting(MeetingRequest):
    """By the host. Whoever was removed does not come back."""

    EVENT: ClassVar[str] = "meeting.remove"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier


class LockMeeting(MeetingRequest):
    """By the host: nobody new gets into the lobby. Who was admitted before may still come back."""

    EVENT: ClassVar[str] = "meeting.lock"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    locked: bool


class SetMeetingRole(MeetingRequest):
    """By the host. An observer hears and sees, and is neither heard nor seen."""

    EVENT: ClassVar[str] = "meeting.set_role"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier
    meeting_role: GivenRole


class HandOverMeeting(MeetingRequest):
    """The host role, to another member of staff. Errors: ``host_must_be_staff``."""

    EVENT: ClassVar[str] = "meeting.hand_over"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier


class MuteInMeeting(MeetingRequest):
    """By the host; enforced by the engine. ``person_id`` null: all others. ``hold``: they cannot unmute themselves until
    they are asked to; ``media.mute`` is then refused with ``muted_by_host``."""

    EVENT: ClassVar[str] = "meeting.mute"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier | None
    source: Source
    hold: bool = False


class AskUnmute(MeetingRequest):
    """By the host: frees what was held and asks. Only the person themselves unmutes. ``person_id`` null: all others."""

    EVENT: ClassVar[str] = "meeting.ask_unmute"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    person_id: Identifier | None
    source: Source


class ShareInMeeting(MeetingRequest):
    """Before ``media.publish`` of a screen: one at a time. It is given back when no picture has come within a minute.
    ``take_over``: the host takes it from who has it. Errors: ``share_taken``."""

    EVENT: ClassVar[str] = "meeting.share"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    take_over: bool = False


class StopShareInMeeting(MeetingRequest):
    """One's own; the host anybody's."""

    EVENT: ClassVar[str] = "meeting.stop_share"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class RaiseHand(MeetingRequest):
    """``person_id`` null is oneself; the host lowers the hand of another."""

    EVENT: ClassVar[str] = "meeting.hand"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    raised: bool
    person_id: Identifier | None = None


class Notes(WireModel):
    """``update`` and ``vector`` are a Yjs update and state vector in Base64 (RFC 4648 §4)."""

    update: str
    """What the asker lacks."""
    vector: str
    """What the server has."""


class GetNotes(MeetingRequest):
    """``vector`` is the page's own; null: everything. The notes are a Yjs document; its text is the root ``notes``."""

    EVENT: ClassVar[str] = "meeting.notes"
    RESPONSE: ClassVar[type[WireModel]] = Notes
    vector: Base64 | None = None


class NotesKept(WireModel):
    vector: str


class EditNotes(MeetingRequest):
    """An update with everything the server lacks, by the state vector it gave last. Errors: ``notes_too_long``; the page
    then gives up its own edit and asks with ``meeting.notes``."""

    EVENT: ClassVar[str] = "meeting.edit_notes"
    RESPONSE: ClassVar[type[WireModel]] = NotesKept
    update: Base64


class EndMeeting(MeetingRequest):
    """By the host: over for all."""

    EVENT: ClassVar[str] = "meeting.end"
    RESPONSE: ClassVar[type[WireModel]] = Empty


MEETING_REQUESTS: tuple[type[Request], ...] = (
    EnterMeeting,
    LeaveMeeting,
    AdmitToMeeting,
    RefuseEntry,
    RemoveFromMeeting,
    LockMeeting,
    SetMeetingRole,
    HandOverMeeting,
    MuteInMeeting,
    AskUnmute,
    ShareInMeeting,
    StopShareInMeeting,
    RaiseHand,
    GetNotes,
    EditNotes,
    EndMeeting,
)
