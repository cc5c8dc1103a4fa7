"""From the wire: a request about a meeting to the deed it stands for."""

from __future__ import annotations

from signaling.errors import ErrorCode, Refused
from signaling.sessions import meeting_commands as c
from signaling.wire import requests
from signaling.wire.base import Request


def to_deed(request: Request, actor_id: str) -> c.MeetingDeed | None:  # noqa: PLR0912 - one arm per request
    """None for queries and negotiations of media. Raises ``Refused`` for a file: a meeting has none."""
    match request:
        case requests.AdmitToMeeting(person_id=person_id, meeting_role=meeting_role):
            return c.Admit(actor_id, person_id, meeting_role)
        case requests.RefuseEntry(person_id=person_id):
            return c.RefuseEntry(actor_id, person_id)
        case requests.RemoveFromMeeting(person_id=person_id):
            return c.RemoveMember(actor_id, person_id)
        case requests.LockMeeting(locked=locked):
            return c.SetLock(actor_id, locked)
        case requests.SetMeetingRole(person_id=person_id, meeting_role=meeting_role):
            return c.SetMeetingRole(actor_id, person_id, meeting_role)
        case requests.HandOverMeeting(person_id=person_id):
            return c.HandOver(actor_id, person_id)
        case requests.MuteInMeeting(person_id=person_id, source=source, hold=hold):
            return c.MuteMember(actor_id, person_id, source, hold)
        case requests.AskUnmute(person_id=person_id, source=source):
            return c.AskUnmute(actor_id, person_id, source)
        case requests.ShareInMeeting(take_over=take_over):
            return c.StartShare(actor_id, take_over)
        case requests.StopShareInMeeting():
            return c.StopShare(actor_id)
        case requests.RaiseHand(raised=raised, person_id=person_id):
            return c.RaiseHand(actor_id, raised, person_id)
        case requests.StartRecording():
            return c.StartMeetingRecording(actor_id)
        case requests.StopRecording():
            return c.StopMeetingRecording(actor_id)
        case requests.AnswerRecording(given=given):
            return c.AnswerMeetingRecording(actor_id, given)
        case requests.EndMeeting():
            return c.EndMeeting(actor_id)
        case requests.SendMessage(client_message_id=client_message_id, text=text):
            if text is None:
                raise Refused(ErrorCode.FILE_NOT_FOUND)
            return c.SayInMeeting(actor_id, client_message_id, text)
        case requests.Mute(source=source, muted=muted):
            return c.MuteSelf(actor_id, source, muted)
        case _:
            return None
