"""The media of one room as its members use it: what they ask the engine for, what it reports, what they are told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from media.control import MediaControl
from media.events import (
    SessionFailed,
    TrackPublished,
    TrackUnpublished,
    TransportChanged,
    TransportStats,
)
from media.types import Slots, Source, TransportKind, TransportState
from signaling.errors import BadInput, ErrorCode
from signaling.rooms.clock import Clock
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.negotiation import Told, negotiate, news_of
from signaling.rooms.ports import IceServerSource, Outbound, SignalingMetrics
from signaling.sessions import commands
from signaling.wire import requests
from signaling.wire.base import Request, WireModel

_log = logging.getLogger(__name__)

Happened = TransportChanged | TrackPublished | TrackUnpublished | TransportStats | SessionFailed
"""What the rules hear of."""
MediaReport = (
    commands.TransportMoved | commands.TrackStarted | commands.TrackStopped | commands.QualityMeasured
)


class RoomMedia:
    """One per room, before its desk. ``on_stuck``: see ``MediaDesk``."""

    def __init__(
        self,
        room_id: str,
        slots: Slots,
        *,
        control: MediaControl,
        outbound: Outbound,
        ice_servers: IceServerSource,
        metrics: SignalingMetrics,
        clock: Clock,
        on_stuck: Callable[[], None],
    ) -> None:
        self.desk = MediaDesk(room_id, control, slots, on_stuck)
        self._room_id = room_id
        self._outbound = outbound
        self._ice_servers = ice_servers
        self._metrics = metrics
        self._clock = clock
        self._joining: dict[tuple[str, TransportKind], int] = {}

    # What members ask for

    async def publish(self, person_id: str, request: requests.Publish) -> requests.Answer:
        if request.fresh:
            self._joining[(person_id, TransportKind.PUBLISH)] = self._clock.now_ms()
        return await self.desk.publish(person_id, request)

    async def negotiate(self, person_id: str, request: Request) -> WireModel:
        """All but ``Publish``. Raises ``MediaError``, and ``BadInput`` for what is nothing of media."""
        if isinstance(request, requests.Subscribe) and request.fresh:
            self._joining[(person_id, TransportKind.SUBSCRIBE)] = self._clock.now_ms()
        peers = dict.fromkeys(TransportKind, person_id)
        return await negotiate(self.desk, peers, request, lambda: self._ice_servers.ice_servers(person_id))

    # What the engine reports

    def report_of(self, event: Happened) -> MediaReport:
        match event:
            case TransportChanged():
                self._count_join(event)
                return commands.TransportMoved(event.peer_id, event.transport, event.state)
            case SessionFailed():
                _log.warning("media session failed", extra={"room_id": self._room_id, "reason": event.reason})
                return commands.TransportMoved(event.peer_id, event.transport, TransportState.FAILED)
            case TrackPublished():
                return commands.TrackStarted(event.peer_id, event.source)
            case TrackUnpublished():
                return commands.TrackStopped(event.peer_id, event.source)
            case TransportStats():
                return commands.QualityMeasured(event.peer_id, event.transport, event.quality)

    def _count_join(self, event: TransportChanged) -> None:
        if event.state is not TransportState.CONNECTED:
            return
        _log.info(
            "media transport connected",
            extra={
                "room_id": self._room_id,
                "person_id": event.peer_id,
                "transport": event.transport.value,
                "protocol": event.protocol,
                "srtp_profile": event.srtp_profile,
            },
        )
        began = self._joining.pop((event.peer_id, event.transport), None)
        if began is not None:
            self._metrics.joined((self._clock.now_ms() - began) / 1000)

    # What members are told

    def hear(self, event: Told) -> None:
        self.desk.hear(event)
        self._tell(event)

    def tell_again(self, person_id: str) -> None:
        """Everything that holds now, to a page that was without its connection for a while: nothing of this is in its
        welcome, and what changed meanwhile was told to nobody."""
        for event in self.desk.holds_for(person_id):
            self._tell(event)

    def _tell(self, event: Told) -> None:
        self._outbound.notify(event.peer_id, news_of(self._room_id, event))


def sources_of(request: requests.Publish) -> frozenset[Source]:
    """Of the tracks that are offered. Raises ``BadInput`` when two are of one source or of one line."""
    sources = [track.source for track in request.tracks]
    mids = {track.mid for track in request.tracks}
    if len(set(sources)) != len(sources) or len(mids) != len(sources):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    return frozenset(sources)
