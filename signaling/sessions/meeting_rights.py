"""What follows for media from the table of rights and the state of a meeting. Pure."""

from __future__ import annotations

from media.types import Source
from signaling.sessions.meeting_model import MeetingMember, MeetingState
from signaling.sessions.policy import SCREEN, SessionKind, rule


def grant(state: MeetingState, member: MeetingMember) -> frozenset[Source]:
    """What the member may publish now: of the screen only who shares."""
    if not member.present:
        return frozenset()
    allowed = rule(SessionKind.MEETING, state.phase, state.seat(member)).publish
    if member.stream is not None:
        allowed &= member.stream.sources
    return allowed if state.sharer_id == member.person_id else allowed - SCREEN


def silenced(state: MeetingState, member: MeetingMember) -> frozenset[Source]:
    """What of the grant the engine holds back: muted by its owner or by the host."""
    return grant(state, member) & member.muted
