"""Rules of streams: devices that take part in a meeting over HTTP, by a link the host made. Pure.

A link to publish (WHIP, RFC 9725) brings a camera or a screen with its sound; a link to view (WHEP) is an observer that
everybody sees. A device has no signalling connection: it is there while its transport is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from media.types import Source, TransportState
from signaling.errors import ErrorCode, Refused
from signaling.sessions.meeting_states import MeetingPhase, MeetingRole
from signaling.sessions.policy import SCREEN, VOICE_AND_FACE
from signaling.sessions.states import Presence, Role

if TYPE_CHECKING:
    from signaling.sessions.meeting_model import MeetingMember, MeetingState

PERSON_PREFIX = "stream-"


class StreamAccess(StrEnum):
    PUBLISH = "publish"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Stream:
    """One link. ``source`` is what its picture counts as: camera or screen; of a link to view it says nothing."""

    stream_id: str
    access: StreamAccess
    name: str
    source: Source
    created_by: str
    creator_role: Role
    created_at: int
    expires_at: int

    @property
    def person_id(self) -> str:
        """Of the member it is while it is there."""
        return PERSON_PREFIX + self.stream_id

    @property
    def sources(self) -> frozenset[Source]:
        if self.access is StreamAccess.VIEW:
            return frozenset()
        return SCREEN if self.source is Source.SCREEN else VOICE_AND_FACE


def find(state: MeetingState, stream_id: str) -> Stream | None:
    return next((s for s in state.streams if s.stream_id == stream_id), None)


def add(state: MeetingState, stream: Stream) -> MeetingState:
    """Raises ``Refused`` with ``too_many_streams``."""
    if len(state.streams) >= state.settings.max_streams:
        raise Refused(ErrorCode.TOO_MANY_STREAMS)
    return replace(state, streams=(*state.streams, stream))


def revoke(state: MeetingState, stream_id: str, now_ms: int) -> MeetingState:
    """The link and whoever is there by it. Raises ``Refused`` with ``not_found``."""
    stream = find(state, stream_id)
    if stream is None:
        raise Refused(ErrorCode.NOT_FOUND)
    changed = replace(state, streams=tuple(s for s in state.streams if s.stream_id != stream_id))
    member = changed.find(stream.person_id)
    return changed if member is None or not member.present else changed.with_member(member.gone(now_ms))


def expire(state: MeetingState, stream_id: str, now_ms: int) -> MeetingState:
    stream = find(state, stream_id)
    if stream is None or now_ms < stream.expires_at:
        return state
    return revoke(state, stream_id, now_ms)


def enter(state: MeetingState, stream_id: str, new_member: MeetingMember, now_ms: int) -> MeetingState:
    """The device comes, or comes anew in place of itself. It is ``reconnecting`` until its transport is there. Raises
    ``Refused``: ``meeting_ended``, ``stream_revoked``, ``meeting_full``, ``share_taken``."""
    if state.phase is not MeetingPhase.RUNNING:
        raise Refused(ErrorCode.MEETING_ENDED)
    stream = find(state, stream_id)
    if stream is None or now_ms >= stream.expires_at:
        raise Refused(ErrorCode.STREAM_REVOKED)
    known = state.find(stream.person_id)
    if (known is None or not known.present) and len(state.present) >= state.settings.max_present:
        raise Refused(ErrorCode.MEETING_FULL)
    if known is None and len(state.members) >= state.settings.max_known:
        raise Refused(ErrorCode.MEETING_FULL)
    screen = Source.SCREEN in stream.sources
    if screen and state.sharer_id not in (None, stream.person_id):
        raise Refused(ErrorCode.SHARE_TAKEN)
    back = known or new_member
    member = replace(
        back.without_media(),
        presence=Presence.RECONNECTING,
        reconnect_by=now_ms + state.settings.reconnect_grace_ms,
        joined_at=back.joined_at if back.present else now_ms,
        left_at=None,
        stream=stream,
        meeting_role=seat_of(stream),
        peer_epoch=back.peer_epoch + 1,
    )
    changed = state.with_member(member)
    return replace(changed, sharer_id=stream.person_id, share_by=None) if screen else changed


def seat_of(stream: Stream) -> MeetingRole:
    return MeetingRole.OBSERVER if stream.access is StreamAccess.VIEW else MeetingRole.PARTICIPANT


def moved(
    state: MeetingState, member: MeetingMember, transport: TransportState, now_ms: int
) -> MeetingMember:
    """Its transport is its presence."""
    if transport is TransportState.CONNECTED:
        return replace(member, presence=Presence.ONLINE, reconnect_by=None)
    if transport is TransportState.CONNECTING or member.presence is not Presence.ONLINE:
        return member
    reconnect_by = now_ms + state.settings.reconnect_grace_ms
    return replace(member, presence=Presence.RECONNECTING, reconnect_by=reconnect_by)


def settle(state: MeetingState, now_ms: int) -> MeetingState:
    """A stream that is a screen is there as long as the screen is its own."""
    for member in state.present:
        stream = member.stream
        if stream is not None and Source.SCREEN in stream.sources and state.sharer_id != member.person_id:
            state = state.with_member(member.gone(now_ms))
    return state
