"""What meetings keep comes back as it was, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import URL

from media.types import Source
from rtc_server.records.keeper import Records
from rtc_server.records.meeting_recording import MeetingRecording
from rtc_server.records.recording import Recording
from signaling.rooms.kept import KeptAudit
from signaling.rooms.kept_meetings import (
    KeptApplication,
    KeptMeeting,
    KeptMeetingMember,
    KeptMeetingMessage,
    KeptMeetingStream,
    KeptMeetingWaiting,
    KeptNotes,
    KeptNotesUpdate,
    OpenMeeting,
)
from signaling.sessions import mediation
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase, MeetingRole
from signaling.sessions.meeting_streams import StreamAccess
from signaling.sessions.model import Message
from signaling.sessions.states import MessageKind, Role

APPLIED = MediationApplication(
    "app1", "TJSQ4400002026112100001", "p1", "张*", "440000", "争议", "详情", 1_000
)
OTHER = replace(APPLIED, application_id="app2", number="TJSQ4400002026112100002")
DISPATCHED = mediation.dispatch(APPLIED, "a1", "lead", "m1", 1_100)
MEETING = KeptMeeting("m1", "app1", MeetingPhase.RUNNING, "a1", True, 1_200, None, None, None)
BOTH = frozenset({Source.MICROPHONE, Source.CAMERA})
MEMBERS = (
    KeptMeetingMember(
        "m1", "a1", Role.AGENT, "101", MeetingRole.PARTICIPANT, 1_200, None, False, BOTH, 1_250
    ),
    KeptMeetingMember("m1", "p1", Role.TAXPAYER, "张*", MeetingRole.OBSERVER, 1_201, 1_300, True),
)
WAITING = KeptMeetingWaiting("m1", "p2", Role.TAXPAYER, "李*", 1_260)
LINK = KeptMeetingStream(
    "m1", "s1", StreamAccess.PUBLISH, "会议室", Source.CAMERA, "a1", Role.AGENT, 1_270, 9_999_999
)
MESSAGES = (
    Message(1, None, None, "会议已开始。", 1_200, MessageKind.SYSTEM),
    Message(2, "p1", "c1", "您好", 1_210, MessageKind.TEXT, Role.TAXPAYER, "张*"),
    Message(3, "a1", "c1", "请讲", 1_220, MessageKind.TEXT, Role.AGENT, "101"),
)
NOTES = KeptNotes("m1", 1, b"\x00\x01\xff", "笔记")
EDITS = tuple(KeptNotesUpdate("m1", seq, "a1", 1_200 + seq, bytes([seq, 255])) for seq in (1, 2, 3))


async def opened(url: URL, folder: Path) -> Recording:
    return Recording(await Records.open(url, folder / "journal"), lambda _: None)


async def test_a_restart_finds_the_meeting_as_it_was(ready_url: URL, tmp_path: Path) -> None:
    first = await opened(ready_url, tmp_path)
    meetings = MeetingRecording(first)
    meetings.keep_meeting(KeptApplication(APPLIED), KeptApplication(OTHER))
    meetings.keep_meeting(KeptApplication(DISPATCHED), replace(MEETING, locked=False))
    meetings.keep_meeting(MEETING, *MEMBERS, KeptAudit(1_300, "a1", "meeting_member_removed", "m1", "p1"))
    meetings.keep_meeting(*(KeptMeetingMessage("m1", message) for message in MESSAGES))
    meetings.keep_meeting(*EDITS, NOTES)
    meetings.keep_meeting(WAITING, replace(WAITING, person_id="p3"), LINK, replace(LINK, stream_id="s2"))
    meetings.keep_meeting(
        replace(WAITING, person_id="p3", left_at=1_280), replace(LINK, stream_id="s2", ended_at=1_290)
    )
    before = first._revision
    await first.records.close()

    second = await opened(ready_url, tmp_path)
    second._clock_us = lambda: 0
    found = await MeetingRecording(second).open_meetings(kept_messages=2)
    assert found.applications == (OTHER,)
    assert found.meetings == (
        OpenMeeting(DISPATCHED, MEETING, MEMBERS, MESSAGES[1:], 3, NOTES, EDITS[1:], (WAITING,), (LINK,)),
    )
    # What is written now is newer than everything of it, even with a clock that was set back.
    assert second.next_revision() > before
    again = MeetingRecording(second)
    page = await again.meeting_messages("m1", before_seq=3, after_seq=None, limit=1)
    assert list(page) == [MESSAGES[1]]
    page = await again.meeting_messages("m1", before_seq=None, after_seq=1, limit=9)
    assert list(page) == list(MESSAGES[1:])
    ended = replace(
        MEETING, phase=MeetingPhase.ENDED, ended_at=1_400, ended_by="a1", end_reason=MeetingEnd.HOST_ENDED
    )
    again.keep_meeting(KeptApplication(mediation.finish(DISPATCHED, 1_400)), ended)
    left = await again.open_meetings(kept_messages=2)
    assert (left.applications, left.meetings) == ((OTHER,), ())
    await second.records.close()
