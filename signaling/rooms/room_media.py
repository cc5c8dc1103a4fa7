"""The media of one room as its members use it: what they ask the engine for, what it reports, what they are told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from media.control import MediaControl
from media.events import (
    LayersWanted,
    SessionFailed,
    SlotAssigned,
    TrackPublished,
    TrackUnpublished,
    TransportChanged,
    TransportStats,
)
from media.types import Slots, Source, TransportKind, TransportState
from signaling.errors import BadInput, ErrorCode
from signaling.rooms.clock import Clock
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.ports import IceServerSource, Outbound, SignalingMetrics
from signaling.sessions import commands
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.present import ice_server_views

_log = logging.getLogger(__name__)

Told = SlotAssigned | LayersWanted
"""What concerns one member alone."""
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
        match request:
            case requests.Subscribe(fresh=fresh):
                if fresh:
                    self._joining[(person_id, TransportKind.SUBSCRIBE)] = self._clock.now_ms()
                sdp, slots = await self.desk.subscribe(person_id, fresh)
                servers = ice_server_views(self._ice_servers.ice_servers(person_id))
                return requests.Offer(sdp=sdp, slots=slots, ice_servers=servers)
            case requests.AnswerSubscribe(sdp=sdp):
                await self.desk.answer(person_id, sdp)
            case requests.AddCandidate(transport=transport, candidate=candidate):
                await self.desk.add_candidate(person_id, transport, candidate)
            case requests.View():
                await self.desk.set_view(person_id, request)
            case _:
                raise BadInput(ErrorCode.UNKNOWN_MESSAGE)
        return Empty()

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
        own = self._room_id
        match event:
            case SlotAssigned(mid=mid, publisher_id=publisher_id, source=source):
                slot = notifications.SlotChanged(
                    interaction_id=own, mid=mid, publisher_id=publisher_id, source=source
                )
                self._outbound.notify(event.peer_id, slot)
            case LayersWanted(source=source, rids=rids):
                layers = notifications.LayersWantedChanged(interaction_id=own, source=source, rids=rids)
                self._outbound.notify(event.peer_id, layers)


def sources_of(request: requests.Publish) -> frozenset[Source]:
    """Of the tracks that are offered. Raises ``BadInput`` when two are of one source or of one line."""
    sources = [track.source for track in request.tracks]
    mids = {track.mid for track in request.tracks}
    if len(set(sources)) != len(sources) or len(mids) != len(sources):
        raise BadInput(ErrorCode.BAD_MESSAGE)
    return frozenset(sources)
