"""A device that speaks WHIP or WHEP, with aiortc as its media: the exchange as RFC 9725 has it, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from media.types import MediaKind
from tests.harness.media_peer import peer_connection
from tests.harness.reception import Reception

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


@dataclass
class Device:
    """``endpoint`` and ``token`` as the host copied them."""

    endpoint: str
    token: str
    connection: RTCPeerConnection = field(default_factory=peer_connection)
    received: dict[str, Reception] = field(default_factory=dict)
    session: str = ""
    etag: str = ""
    links: list[str] = field(default_factory=list)
    _http: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)
    _pumps: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self.connection.close()
        await self._http.close()

    async def publish(self, *tracks: MediaStreamTrack) -> None:
        for track in tracks:
            self.connection.addTransceiver(track, direction="sendonly")
        await self._begin()

    async def watch(self, *kinds: MediaKind) -> None:
        for kind in kinds:
            self.connection.addTransceiver(kind.value, direction="recvonly")
        await self._begin()
        for transceiver in self.connection.getTransceivers():
            reception = self.received[transceiver.kind] = Reception()
            self._pumps.append(asyncio.create_task(_pump(transceiver.receiver.track, reception)))

    async def _begin(self) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self.post(self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def post(self, offer: str) -> str:
        status, headers, body = await self.send("POST", self.endpoint, offer, {"Content-Type": SDP})
        assert status == 201, (status, body)
        origin = self.endpoint.split("/api/")[0]
        self.session, self.etag = origin + headers["Location"], headers["ETag"]
        self.links = headers.getall("Link", [])
        return body

    async def patch(self, fragment: str, if_match: str | None = None) -> tuple[int, str]:
        headers = {"Content-Type": FRAGMENT, "If-Match": if_match or self.etag}
        status, answered, body = await self.send("PATCH", self.session, fragment, headers)
        self.etag = answered.get("ETag", self.etag)
        return status, body

    async def delete(self) -> int:
        return (await self.send("DELETE", self.session, None, {}))[0]

    async def send(
        self, method: str, url: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, Any, str]:
        authorised = {"Authorization": f"Bearer {self.token}", **headers}
        async with self._http.request(method, url, data=body, headers=authorised) as response:
            return response.status, response.headers, await response.text()


async def _pump(track: MediaStreamTrack, reception: Reception) -> None:
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        reception.add(frame)
