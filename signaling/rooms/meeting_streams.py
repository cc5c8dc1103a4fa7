"""Devices of one meeting that speak HTTP (WHIP, WHEP): their sessions, beside the rules in ``sessions.meeting_streams``.

One session a link: a device that comes anew takes its own place, and the resource of before is gone. The resource and the
entity tag of its ICE session live as long as the room; nothing of it is kept.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from media.types import Source, TransportKind
from signaling.errors import BadInput, DomainError, ErrorCode, Refused
from signaling.rooms.clock import Clock
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.ports import IceServer, IceServerSource, Person
from signaling.rooms.stream_sdp import Fragment, StreamOffer, fragment_of, one_way, restarted, tracks_of
from signaling.sessions import meeting, meeting_streams
from signaling.sessions import meeting_commands as c
from signaling.sessions.meeting_model import MeetingState
from signaling.sessions.meeting_streams import Stream, StreamAccess

_REFUSED_LINE = re.compile(r"^m=\S+ 0 ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NewStream:
    """What a host asks for; ``lifetime_ms`` is checked by the caller."""

    access: StreamAccess
    name: str
    source: Source
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """``live``: a device is there by it."""

    stream: Stream
    live: bool


@dataclass(frozen=True, slots=True)
class Opened:
    session_id: str
    sdp: str
    etag: str
    ice_servers: Sequence[IceServer]


@dataclass(frozen=True, slots=True)
class Restarted:
    """``fragment`` is the server's side (RFC 8840)."""

    fragment: str
    etag: str


@dataclass(frozen=True, slots=True)
class _Session:
    session_id: str
    stream: Stream
    peer_epoch: int
    offer: StreamOffer
    etag: str


class MeetingStreams:
    """Every method runs in the room's own order (``MeetingRoom.do``) and may raise ``DomainError``."""

    def __init__(
        self,
        state: Callable[[], MeetingState],
        apply: Callable[[c.MeetingCommand], None],
        desk: MediaDesk,
        ice_servers: IceServerSource,
        clock: Clock,
    ) -> None:
        self._state = state
        self._apply = apply
        self._desk = desk
        self._ice_servers = ice_servers
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    # Of the host

    def add(self, host: Person, asked: NewStream) -> Stream:
        now_ms = self._clock.now_ms()
        stream = Stream(
            stream_id=secrets.token_hex(8),
            access=asked.access,
            name=asked.name,
            source=asked.source,
            created_by=host.person_id,
            creator_role=host.role,
            created_at=now_ms,
            expires_at=now_ms + asked.lifetime_ms,
        )
        self._apply(c.AddStream(host.person_id, stream))
        return stream

    def listed(self, host: Person) -> list[StreamStatus]:
        state = self._state()
        meeting.check_deed(state, c.ListStreams(host.person_id))
        found = []
        for stream in state.streams:
            member = state.find(stream.person_id)
            found.append(StreamStatus(stream, member is not None and member.present))
        return found

    def revoke(self, host: Person, stream_id: str) -> None:
        self._apply(c.RevokeStream(host.person_id, stream_id))

    # Of the device

    async def open(self, stream_id: str, offer: StreamOffer) -> Opened:
        """Come in, in place of whoever came by this link before. All of the offer is taken or nothing."""
        state = self._state()
        stream = meeting_streams.find(state, stream_id)
        if stream is None:
            raise Refused(ErrorCode.STREAM_REVOKED)
        tracks = tracks_of(offer, stream)
        offer = one_way(offer, stream.access)
        self._apply(c.EnterStream(stream_id))
        self._sessions.pop(stream_id, None)
        try:
            sdp = await self._negotiate(stream, offer, tracks, fresh=True)
        except DomainError:
            self._apply(c.Leave(stream.person_id))
            raise
        session = _Session(
            session_id=secrets.token_urlsafe(18),
            stream=stream,
            peer_epoch=self._state().member(stream.person_id).peer_epoch,
            offer=offer,
            etag=_new_etag(),
        )
        self._sessions[stream_id] = session
        servers = self._ice_servers.ice_servers(stream.person_id)
        return Opened(session.session_id, sdp, session.etag, servers)

    async def patch(
        self, stream_id: str, session_id: str, if_match: str, fragment: Fragment
    ) -> Restarted | None:
        """Candidates, or new credentials, which restart ICE (RFC 9725 section 4.3.2 and 4.3.3). ``if_match`` is an entity tag
        or ``*``. None: the candidates were taken."""
        session = self._session(stream_id, session_id)
        if if_match not in ("*", session.etag):
            raise Refused(ErrorCode.PRECONDITION_FAILED)
        offer = session.offer
        if not set(fragment.mids) <= {line.mid for line in offer.lines}:
            raise Refused(ErrorCode.SDP_UNSUPPORTED)
        restarting = fragment.ufrag is not None and (fragment.ufrag, fragment.pwd) != (offer.ufrag, offer.pwd)
        result: Restarted | None = None
        if restarting:
            result = await self._restart(session, fragment)
        transport = (
            TransportKind.SUBSCRIBE if session.stream.access is StreamAccess.VIEW else TransportKind.PUBLISH
        )
        for candidate in fragment.candidates:
            await self._desk.add_candidate(session.stream.person_id, transport, candidate)
        return result

    def close(self, stream_id: str, session_id: str) -> None:
        session = self._session(stream_id, session_id)
        self._apply(c.Leave(session.stream.person_id))
        self._sessions.pop(stream_id, None)

    async def _restart(self, session: _Session, fragment: Fragment) -> Restarted:
        """A refusal leaves the session as it was (RFC 9725 section 4.3.3)."""
        offer = restarted(session.offer, fragment)
        tracks = tracks_of(offer, session.stream)
        sdp = await self._negotiate(session.stream, offer, tracks, fresh=False)
        changed = _Session(session.session_id, session.stream, session.peer_epoch, offer, _new_etag())
        self._sessions[session.stream.stream_id] = changed
        return Restarted(fragment_of(sdp), changed.etag)

    async def _negotiate(
        self, stream: Stream, offer: StreamOffer, tracks: list[tuple[str, Source]], *, fresh: bool
    ) -> str:
        own = stream.person_id
        if stream.access is StreamAccess.VIEW:
            return _whole(await self._desk.subscribe_offered(own, offer.sdp, fresh=fresh))
        sources = c.OfferMeetingMedia(own, frozenset(source for _, source in tracks), fresh)
        meeting.check_offer(self._state(), sources)
        answer = _whole(await self._desk.publish_offer(own, offer.sdp, tracks, fresh=fresh))
        self._apply(sources)
        return answer

    def _session(self, stream_id: str, session_id: str) -> _Session:
        """Of a device that is still there. Raises ``Refused`` with ``not_found``."""
        session = self._sessions.get(stream_id)
        member = self._state().find(session.stream.person_id) if session is not None else None
        if (
            session is None
            or member is None
            or not member.present
            or member.peer_epoch != session.peer_epoch
            or not secrets.compare_digest(session.session_id.encode(), session_id.encode())
        ):
            raise Refused(ErrorCode.NOT_FOUND)
        return session


def _whole(answer: str) -> str:
    """No partly successful answers (RFC 9725 section 4.4.3). Raises ``BadInput``."""
    if _REFUSED_LINE.search(answer):
        raise BadInput(ErrorCode.SDP_UNSUPPORTED)
    return answer


def _new_etag() -> str:
    """A strong validator (RFC 9110 section 8.8.3)."""
    return f'"{secrets.token_hex(8)}"'
