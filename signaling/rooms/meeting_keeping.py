"""What of a meeting is kept, from the difference between two of its states; and back after a restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from signaling.rooms.kept import KeptAudit
from signaling.rooms.kept_meetings import (
    KeptApplication,
    KeptMeeting,
    KeptMeetingConsent,
    KeptMeetingMember,
    KeptMeetingMessage,
    KeptMeetingRecording,
    KeptMeetingStream,
    KeptMeetingWaiting,
    KeptOfMeetings,
    OpenMeeting,
)
from signaling.sessions.meeting_model import MeetingMember, MeetingSettings, MeetingState, Waiting
from signaling.sessions.meeting_states import MeetingPhase
from signaling.sessions.meeting_streams import PERSON_PREFIX, Stream
from signaling.sessions.recording_changes import answers_between
from signaling.sessions.states import Presence


def of_opening(state: MeetingState) -> tuple[KeptOfMeetings, ...]:
    """Also of an end that no rule made."""
    return (KeptApplication(state.application), meeting_of(state))


def between(old: MeetingState, new: MeetingState, now_ms: int) -> tuple[KeptOfMeetings | KeptAudit, ...]:
    """Nothing for what is forgotten with the process anyway: presence, and what pages say again themselves (their mutes)."""
    own = new.meeting_id
    found: list[KeptOfMeetings | KeptAudit] = []
    if old.application != new.application:
        found.append(KeptApplication(new.application))
    if meeting_of(old) != meeting_of(new):
        found.append(meeting_of(new))
    if old.members is not new.members:
        for member in new.members:
            before = old.find(member.person_id)
            if before is None or member_of(own, before) != member_of(own, member):
                found.append(member_of(own, member))
            if member.removed and (before is None or not before.removed):
                audit = KeptAudit(now_ms, old.host_id or "", "meeting_member_removed", own, member.person_id)
                found.append(audit)
    found += _of_lobby(old, new, now_ms)
    found += _of_links(old, new, now_ms)
    found += _of_streams(old, new, now_ms)
    if old.phase is not new.phase and new.phase is MeetingPhase.ENDED and new.ended_by is not None:
        found.append(KeptAudit(now_ms, new.ended_by, "meeting_ended", own))
    if old.recording is not new.recording:
        found += _of_recording(old, new, now_ms)
    fresh = new.next_seq - old.next_seq
    if fresh:
        found += [KeptMeetingMessage(own, message) for message in new.messages[-fresh:]]
    return tuple(found)


def _of_lobby(old: MeetingState, new: MeetingState, now_ms: int) -> Iterator[KeptMeetingWaiting]:
    if old.waiting is new.waiting:
        return
    own = new.meeting_id
    left = {one.person_id for one in new.waiting}
    for one in old.waiting:
        if one.person_id not in left:
            yield waiting_of(own, one, now_ms)
    for one in new.waiting:
        before = old.find_waiting(one.person_id)
        if before is None or before.since != one.since:
            yield waiting_of(own, one)


def _of_links(old: MeetingState, new: MeetingState, now_ms: int) -> Iterator[KeptMeetingStream]:
    if old.streams is new.streams:
        return
    own = new.meeting_id
    known = {stream.stream_id for stream in old.streams}
    left = {stream.stream_id for stream in new.streams}
    for stream in old.streams:
        if stream.stream_id not in left:
            yield stream_of(own, stream, now_ms)
    for stream in new.streams:
        if stream.stream_id not in known:
            yield stream_of(own, stream)


def _of_streams(old: MeetingState, new: MeetingState, now_ms: int) -> list[KeptAudit]:
    """Whoever lets a device in, takes that back, and when it came."""
    own, found = new.meeting_id, []
    if old.streams is not new.streams and new.phase is not MeetingPhase.ENDED:
        known = {stream.stream_id: stream for stream in old.streams}
        left = {stream.stream_id for stream in new.streams}
        for stream in new.streams:
            if stream.stream_id not in known:
                detail = f"{stream.stream_id} {stream.access}"
                found.append(KeptAudit(now_ms, stream.created_by, "meeting_stream_added", own, detail))
        for stream in known.values():
            if stream.stream_id not in left and now_ms < stream.expires_at:
                host = old.host_id or ""
                found.append(KeptAudit(now_ms, host, "meeting_stream_revoked", own, stream.stream_id))
    for member in new.members if old.members is not new.members else ():
        before = old.find(member.person_id)
        if member.stream is not None and (before is None or before.peer_epoch != member.peer_epoch):
            found.append(KeptAudit(now_ms, member.person_id, "meeting_stream_entered", own))
    return found


def _of_recording(
    old: MeetingState, new: MeetingState, now_ms: int
) -> Iterator[KeptMeetingRecording | KeptMeetingConsent]:
    before, after = old.recording, new.recording
    own, recording_id = new.meeting_id, after.recording_id
    if recording_id is None or after.started_by is None or after.started_at is None:
        return
    if before.running != after.running or before.recording_id != recording_id:
        ended_at = None if after.running else now_ms
        yield KeptMeetingRecording(recording_id, own, after.started_by, after.started_at, ended_at)
    for person_id, consent in answers_between(before, after):
        yield KeptMeetingConsent(recording_id, own, person_id, consent, now_ms)


def meeting_of(state: MeetingState) -> KeptMeeting:
    return KeptMeeting(
        meeting_id=state.meeting_id,
        application_id=state.application.application_id,
        phase=state.phase,
        host_id=state.host_id,
        locked=state.locked,
        started_at=state.started_at,
        ended_at=state.ended_at,
        ended_by=state.ended_by,
        end_reason=state.end_reason,
    )


def member_of(meeting_id: str, member: MeetingMember) -> KeptMeetingMember:
    return KeptMeetingMember(
        meeting_id=meeting_id,
        person_id=member.person_id,
        role=member.role,
        display_name=member.display_name,
        meeting_role=member.meeting_role,
        joined_at=member.joined_at,
        left_at=member.left_at,
        removed=member.removed,
        # A device cannot say itself that it was muted: what the host muted the host frees.
        held=member.held if member.stream is None else member.held | member.muted,
        hand_raised_at=member.hand_raised_at,
    )


def waiting_of(meeting_id: str, waiting: Waiting, left_at: int | None = None) -> KeptMeetingWaiting:
    return KeptMeetingWaiting(
        meeting_id, waiting.person_id, waiting.role, waiting.display_name, waiting.since, left_at
    )


def stream_of(meeting_id: str, stream: Stream, ended_at: int | None = None) -> KeptMeetingStream:
    return KeptMeetingStream(
        meeting_id=meeting_id,
        stream_id=stream.stream_id,
        access=stream.access,
        name=stream.name,
        source=stream.source,
        created_by=stream.created_by,
        creator_role=stream.creator_role,
        created_at=stream.created_at,
        expires_at=stream.expires_at,
        ended_at=ended_at,
    )


def restored(known: OpenMeeting, settings: MeetingSettings, now_ms: int) -> MeetingState:
    """The meeting as it was; who was in it or in its lobby has the grace period to come back. A device comes back by its link,
    with an offer of its own (docs/whip.md)."""
    meeting = known.meeting
    state = MeetingState(
        meeting_id=meeting.meeting_id,
        application=known.application,
        settings=settings,
        phase=meeting.phase,
        host_id=meeting.host_id,
        locked=meeting.locked,
        members=tuple(_member_back(member, settings, now_ms) for member in known.members),
        waiting=tuple(_waiting_back(one, settings, now_ms) for one in known.waiting),
        streams=tuple(_stream_back(one) for one in known.streams if now_ms < one.expires_at),
        messages=known.messages,
        next_seq=known.last_seq + 1,
        started_at=meeting.started_at,
    )
    running = state.phase is MeetingPhase.RUNNING
    return replace(state, hostless_since=now_ms) if running and state.host_id is None else state


def _member_back(kept: KeptMeetingMember, settings: MeetingSettings, now_ms: int) -> MeetingMember:
    # A device comes back by no page of its own.
    device = kept.person_id.startswith(PERSON_PREFIX)
    gone = kept.left_at is not None or device
    return MeetingMember(
        person_id=kept.person_id,
        role=kept.role,
        display_name=kept.display_name,
        joined_at=kept.joined_at,
        meeting_role=kept.meeting_role,
        presence=Presence.LEFT if gone else Presence.RECONNECTING,
        reconnect_by=None if gone else now_ms + settings.reconnect_grace_ms,
        left_at=now_ms if device and kept.left_at is None else kept.left_at,
        removed=kept.removed,
        # A page says itself what it has muted; of what the host holds it could say anything.
        muted=kept.held,
        held=kept.held,
        hand_raised_at=None if gone else kept.hand_raised_at,
        # Other than any the last run has told: it began at 0, or at the time of its own start.
        peer_epoch=now_ms,
    )


def _waiting_back(kept: KeptMeetingWaiting, settings: MeetingSettings, now_ms: int) -> Waiting:
    return Waiting(
        person_id=kept.person_id,
        role=kept.role,
        display_name=kept.display_name,
        since=kept.since,
        presence=Presence.RECONNECTING,
        reconnect_by=now_ms + settings.reconnect_grace_ms,
    )


def _stream_back(kept: KeptMeetingStream) -> Stream:
    return Stream(
        stream_id=kept.stream_id,
        access=kept.access,
        name=kept.name,
        source=kept.source,
        created_by=kept.created_by,
        creator_role=kept.creator_role,
        created_at=kept.created_at,
        expires_at=kept.expires_at,
    )
