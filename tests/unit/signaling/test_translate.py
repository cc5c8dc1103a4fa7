"""From the wire to commands, from any exception to an answer."""

from __future__ import annotations

import json

import pytest

from signaling.errors import SENTENCES, BadInput, ErrorCode, RateLimited, Refused
from signaling.sessions import commands, meeting_commands
from signaling.sessions.states import DeviceProblem
from signaling.wire import requests
from signaling.wire.base import MAX_MESSAGE_BYTES, Request
from signaling.wire.meeting_translate import to_deed
from signaling.wire.translate import parse_handshake, parse_request, to_command, to_wire_error


def code_of(event: str, payload: str) -> ErrorCode:
    with pytest.raises(BadInput) as caught:
        parse_request(event, payload)
    return caught.value.code


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("nothing.such", "{}", ErrorCode.UNKNOWN_MESSAGE),
        ("call.ask", "{}", ErrorCode.BAD_MESSAGE),
        ("call.ask", "{", ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": "i"}, {}', ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": "\\ud800"}', ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": "\ud800"}', ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": NaN}', ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": "好"}', ErrorCode.BAD_MESSAGE),
        ("call.ask", "{1: 2}", ErrorCode.BAD_MESSAGE),
        ("call.ask", deep(MAX_MESSAGE_BYTES // 2), ErrorCode.BAD_MESSAGE),
        ("call.ask", '{"interaction_id": "%s"}' % ("a" * MAX_MESSAGE_BYTES), ErrorCode.MESSAGE_TOO_LARGE),
    ],
    ids=[
        "unknown",
        "missing",
        "cut off",
        "two of them",
        "half a character",
        "half a character as it is",
        "no number",
        "no identifier",
        "no name",
        "deep",
        "long",
    ],
)
def test_what_cannot_be_read(event: str, payload: object, code: ErrorCode) -> None:
    assert code_of(event, payload) is code


def test_a_refused_request_is_logged_by_its_shape_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    code_of("message.send", '{"interaction_id": "i", "client_message_id": "m", "text": {"密码": "1234"}}')
    assert caplog.records
    for record in caplog.records:
        assert "1234" not in str(vars(record))
        assert "密码" not in str(vars(record))


DEEDS: dict[type[Request], type[commands.Deed]] = {
    requests.SendMessage: commands.PostMessage,
    requests.CloseInteraction: commands.CloseInteraction,
    requests.ReadMessages: commands.ReadUpTo,
    requests.RequestAssistance: commands.RequestAssistance,
    requests.AcceptAssistance: commands.AcceptAssistance,
    requests.DeclineAssistance: commands.DeclineAssistance,
    requests.ReportAssistanceProblem: commands.ReportAssistanceProblem,
    requests.PauseAssistance: commands.PauseAssistance,
    requests.ResumeAssistance: commands.ResumeAssistance,
    requests.HangUpAssistance: commands.HangUpAssistance,
    requests.AskCall: commands.AskCall,
    requests.StartCall: commands.StartCall,
    requests.AcceptCall: commands.AcceptCall,
    requests.DeclineCall: commands.DeclineCall,
    requests.HangUpCall: commands.HangUpCall,
    requests.ReportCallProblem: commands.ReportCallProblem,
    requests.Mute: commands.MuteSource,
    requests.StartRecording: commands.StartRecording,
    requests.StopRecording: commands.StopRecording,
    requests.AnswerRecording: commands.AnswerRecording,
    requests.CancelInvitation: commands.EndInvitation,
    requests.LeaveInvitation: commands.LeaveInvited,
}
"""What a member does in an interaction. All other requests are answered by the queue, the desk, the record or the media
desk and stand for no command."""

VALUES: dict[str, object] = {
    "interaction_id": "i",
    "ticket_id": "i",
    "agent_id": "a",
    "to_agent": "a",
    "client_message_id": "m",
    "text": "好",
    "seq": 1,
    "problem": "device_busy",
    "source": "camera",
    "muted": True,
    "typing": True,
    "resolved": True,
    "code": "c",
    "mode": "barge",
    "status": "free",
    "sdp": "v=0",
    "tracks": [],
    "fresh": True,
    "transport": "publish",
    "candidate": "",
    "publisher_id": "p",
    "width": 1,
    "height": 1,
    "meeting_id": "m",
    "person_id": "p",
    "meeting_role": "observer",
    "locked": True,
    "hold": True,
    "take_over": True,
    "raised": False,
    "update": "AAA=",
    "vector": "AA==",
    "authority": "340100",
    "business": "迁移",
    "confirmation_id": "f",
    "filling": {},
    "decision": "complete",
    "recording_id": "r",
    "given": True,
    "check_id": "c",
}

MEETING_DEEDS: dict[type[Request], type[meeting_commands.MeetingDeed]] = {
    requests.AdmitToMeeting: meeting_commands.Admit,
    requests.RefuseEntry: meeting_commands.RefuseEntry,
    requests.RemoveFromMeeting: meeting_commands.RemoveMember,
    requests.LockMeeting: meeting_commands.SetLock,
    requests.SetMeetingRole: meeting_commands.SetMeetingRole,
    requests.HandOverMeeting: meeting_commands.HandOver,
    requests.MuteInMeeting: meeting_commands.MuteMember,
    requests.AskUnmute: meeting_commands.AskUnmute,
    requests.ShareInMeeting: meeting_commands.StartShare,
    requests.StopShareInMeeting: meeting_commands.StopShare,
    requests.RaiseHand: meeting_commands.RaiseHand,
    requests.StartRecording: meeting_commands.StartMeetingRecording,
    requests.StopRecording: meeting_commands.StopMeetingRecording,
    requests.AnswerRecording: meeting_commands.AnswerMeetingRecording,
    requests.EndMeeting: meeting_commands.EndMeeting,
    requests.SendMessage: meeting_commands.SayInMeeting,
    requests.Mute: meeting_commands.MuteSelf,
}
"""What a member does in a meeting."""


@pytest.mark.parametrize("model", requests.REQUESTS, ids=lambda model: model.EVENT)
def test_every_deed_of_the_wire_has_its_command(model: type[Request]) -> None:
    given = {name: VALUES[name] for name in model.model_fields if name in VALUES}
    command = to_command(parse_request(model.EVENT, json.dumps(given)), "who")
    assert type(command) is DEEDS.get(model, type(None))
    if command is not None:
        assert command.actor_id == "who"


@pytest.mark.parametrize("model", requests.REQUESTS, ids=lambda model: model.EVENT)
def test_every_deed_of_a_meeting_has_its_command(model: type[Request]) -> None:
    given = {name: VALUES[name] for name in model.model_fields if name in VALUES}
    deed = to_deed(parse_request(model.EVENT, json.dumps(given)), "who")
    assert type(deed) is MEETING_DEEDS.get(model, type(None))
    if isinstance(deed, meeting_commands.SetMeetingRole):
        assert (deed.actor_id, deed.person_id) == ("who", "p")


def test_nobody_is_given_the_host_role_but_by_handing_it_over() -> None:
    given = {"meeting_id": "m", "person_id": "p", "meeting_role": "host"}
    assert code_of("meeting.admit", json.dumps(given)) is ErrorCode.BAD_MESSAGE
    assert code_of("meeting.set_role", json.dumps(given)) is ErrorCode.BAD_MESSAGE


def test_a_meeting_takes_no_file() -> None:
    given = {"interaction_id": "m", "client_message_id": "c", "file_id": "f"}
    with pytest.raises(Refused) as caught:
        to_deed(parse_request("message.send", json.dumps(given)), "who")
    assert caught.value.code is ErrorCode.FILE_NOT_FOUND


def test_a_problem_taken_back() -> None:
    request = parse_request("call.problem", '{"interaction_id": "i", "problem": null}')
    assert to_command(request, "a") == commands.ReportCallProblem("a", None)
    request = parse_request("call.problem", '{"interaction_id": "i", "problem": "unsupported"}')
    assert to_command(request, "a") == commands.ReportCallProblem("a", DeviceProblem.UNSUPPORTED)


def test_a_handshake_is_bounded() -> None:
    with pytest.raises(BadInput):
        parse_handshake({"version": 1, "token": "x" * MAX_MESSAGE_BYTES})


def test_errors_become_answers() -> None:
    refused = to_wire_error(Refused(ErrorCode.AGENT_BUSY))
    assert (refused.code, refused.message) == (ErrorCode.AGENT_BUSY, SENTENCES[ErrorCode.AGENT_BUSY])
    assert to_wire_error(RateLimited(700)).retry_after_ms == 700


def test_a_fault_of_ours_says_where_and_not_what(caplog: pytest.LogCaptureFixture) -> None:
    def failing() -> None:
        raise ValueError("could not read 13400000000")

    try:
        failing()
    except ValueError as error:
        answer = to_wire_error(error)
    assert answer.code is ErrorCode.INTERNAL_ERROR
    record = caplog.records[-1]
    assert record.error_type == "ValueError"  # type: ignore[attr-defined]
    assert record.at.endswith("failing")  # type: ignore[attr-defined]
    assert "13400000000" not in str(vars(record))
