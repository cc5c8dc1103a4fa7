"""Checks of devices and network: for each a media room of one person, whose own media comes back to them.

Two peers of the engine stand for the one person, so that packets go the way they go in a call: ``sender`` may publish and
receives nothing, ``receiver`` receives what ``sender`` publishes. Nothing is kept and nobody else is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from media import events as media_events
from media.types import Slots, Source, TransportKind, TransportState
from signaling.errors import DomainError, ErrorCode, MediaError, RateLimited, Refused
from signaling.ratelimit import Buckets
from signaling.rooms.clock import TimerHandle
from signaling.rooms.live_room import Respond, RoomPorts
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.negotiation import negotiate, news_of
from signaling.rooms.ports import Person
from signaling.sessions import effects
from signaling.sessions.states import Role
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.check_notifications import CheckEnded, CheckFigures
from signaling.wire.present import ice_server_views

_log = logging.getLogger(__name__)

SENDER = "sender"
RECEIVER = "receiver"
_PEERS: Mapping[TransportKind, str] = MappingProxyType(
    {TransportKind.PUBLISH: SENDER, TransportKind.SUBSCRIBE: RECEIVER}
)
_GRANT = frozenset({Source.MICROPHONE, Source.CAMERA, Source.SCREEN})
"""The screen's place is for the test picture, whose bitrate does not depend on what the camera sees."""
_SLOTS = Slots(audio=1, video=2)
_MAY_CHECK = frozenset({Role.TAXPAYER, Role.AGENT, Role.SUPERVISOR})
_FULL_RETRY_MS = 15_000

EndReason = Literal["time_over", "failed"]


@dataclass(frozen=True, slots=True)
class _Check:
    check_id: str
    person_id: str
    desk: MediaDesk
    timer: TimerHandle


class Checks:
    """One check a person at a time, a bounded number altogether."""

    def __init__(self, ports: RoomPorts, new_id: Callable[[], str]) -> None:
        """``ports.outbound`` reaches the pages that check."""
        self._ports = ports
        self._new_id = new_id
        self._by_person: dict[str, _Check] = {}
        self._starts = Buckets(ports.settings.checks.starts)
        self._opening = 0
        self.draining = False

    def __len__(self) -> int:
        return len(self._by_person)

    async def dispatch(self, person: Person, request: Request, respond: Respond) -> None:
        """Calls ``respond`` once. Raises nothing but what is a fault of ours."""
        try:
            respond(await self._handle(person, request))
        except DomainError as error:
            respond(error)

    async def _handle(self, person: Person, request: Request) -> WireModel:
        match request:
            case requests.StartCheck():
                return await self._start(person)
            case requests.EndCheck(check_id=check_id):
                known = self._by_person.get(person.person_id)
                if known is not None and known.check_id == check_id:
                    self._end(known, None)
                return Empty()
            case requests.GetIceServers():
                servers = self._ports.ice_servers.ice_servers(person.person_id)
                return requests.IceServers(ice_servers=ice_server_views(servers))
            case requests.InteractionRequest(interaction_id=check_id):
                known = self._by_person.get(person.person_id)
                if known is None or known.check_id != check_id:
                    raise Refused(ErrorCode.NOT_FOUND)
                return await self._negotiate(known, request)
            case _:
                raise Refused(ErrorCode.UNKNOWN_MESSAGE)

    def disconnected(self, person_id: str) -> None:
        """A check does not outlive its page."""
        known = self._by_person.get(person_id)
        if known is not None:
            self._end(known, None)

    def stop(self) -> None:
        for known in list(self._by_person.values()):
            self._end(known, None)

    async def _start(self, person: Person) -> requests.CheckStarted:
        own, settings, now_ms = person.person_id, self._ports.settings.checks, self._ports.clock.now_ms()
        if person.role not in _MAY_CHECK:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if self.draining:
            raise Refused(ErrorCode.SERVER_STOPPING)
        others = len(self._by_person) + self._opening - (own in self._by_person)
        if others >= settings.max_running:
            raise RateLimited(_FULL_RETRY_MS)
        wait_ms = self._starts.of(own, now_ms).take(now_ms)
        if wait_ms is not None:
            raise RateLimited(wait_ms)
        check_id = f"check-{self._new_id()}"
        desk = MediaDesk(check_id, self._ports.media, _SLOTS, lambda: self._stuck(own, check_id))
        self._ports.media.listen(check_id, lambda event: self._media_event(own, check_id, event))
        self._opening += 1
        try:
            await desk.open()
        except MediaError:
            self._ports.media.forget(check_id)
            raise
        finally:
            self._opening -= 1
        desk.run(effects.AddPeer(SENDER))
        desk.run(effects.AddPeer(RECEIVER))
        desk.run(effects.SetGrant(SENDER, _GRANT, narrows=False))
        if not self._ports.outbound.is_online(own):
            # The page went while the room was made.
            self._close(check_id, desk)
            raise Refused(ErrorCode.NOT_FOUND)
        # Also one that another page of theirs began meanwhile.
        self.disconnected(own)
        ends_at = self._ports.clock.now_ms() + settings.max_s * 1000
        timer = self._ports.clock.call_at(ends_at, lambda: self._time_over(own, check_id))
        self._by_person[own] = _Check(check_id, own, desk, timer)
        servers = ice_server_views(self._ports.ice_servers.ice_servers(own))
        return requests.CheckStarted(check_id=check_id, ends_at=ends_at, ice_servers=servers)

    async def _negotiate(self, check: _Check, request: Request) -> WireModel:
        if isinstance(request, requests.Publish):
            return await check.desk.publish(SENDER, request)
        person_id = check.person_id
        return await negotiate(
            check.desk, _PEERS, request, lambda: self._ports.ice_servers.ice_servers(person_id)
        )

    def _media_event(self, person_id: str, check_id: str, event: media_events.MediaEvent) -> None:
        check = self._by_person.get(person_id)
        if check is None or check.check_id != check_id:
            return
        match event:
            case media_events.SlotAssigned():
                check.desk.hear(event)
                self._ports.outbound.notify(check.person_id, news_of(check_id, event))
            case media_events.TransportChanged():
                self._tell_transport(check, event.transport, event.state)
            case media_events.SessionFailed():
                _log.warning("media session failed", extra={"room_id": check_id, "reason": event.reason})
                self._tell_transport(check, event.transport, TransportState.FAILED)
            case media_events.TransportStats() if event.peer_id == _PEERS[event.transport]:
                figures = CheckFigures(
                    check_id=check_id,
                    transport=event.transport,
                    rtt_ms=event.rtt_ms,
                    loss=event.loss,
                    bitrate_in=event.bitrate_in,
                    bitrate_out=event.bitrate_out,
                    estimate=event.estimate,
                )
                self._ports.outbound.notify(check.person_id, figures)
            case _:
                pass

    def _tell_transport(self, check: _Check, transport: TransportKind, state: TransportState) -> None:
        changed = notifications.TransportChanged(
            interaction_id=check.check_id, transport=transport, state=state
        )
        self._ports.outbound.notify(check.person_id, changed)

    def _time_over(self, person_id: str, check_id: str) -> None:
        self._end_if_current(person_id, check_id, "time_over")

    def _stuck(self, person_id: str, check_id: str) -> None:
        self._end_if_current(person_id, check_id, "failed")

    def _end_if_current(self, person_id: str, check_id: str, reason: EndReason) -> None:
        check = self._by_person.get(person_id)
        if check is not None and check.check_id == check_id:
            self._end(check, reason)

    def _end(self, check: _Check, reason: EndReason | None) -> None:
        """``reason`` None: nobody has to be told."""
        del self._by_person[check.person_id]
        check.timer.cancel()
        self._close(check.check_id, check.desk)
        if reason is not None:
            ended = CheckEnded(check_id=check.check_id, reason=reason)
            self._ports.outbound.notify(check.person_id, ended)

    def _close(self, check_id: str, desk: MediaDesk) -> None:
        desk.run(effects.CloseMedia())
        self._ports.media.forget(check_id)
