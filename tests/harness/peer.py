"""A person at a server without a browser: signs in as a demo account, speaks the ordinary wire, sends and receives media."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import aiohttp
import socketio
from aiortc import RTCConfiguration

from media.types import Source
from signaling.wire.base import WIRE_VERSION, Empty, Notification, Request, WireError, WireModel
from signaling.wire.notifications import (
    NOTIFICATIONS,
    AssistanceChanged,
    CallChanged,
    InteractionChanged,
    MemberChanged,
    MessagePosted,
    SessionClosed,
    SlotChanged,
    TransportChanged,
    Welcome,
)
from signaling.wire.requests import (
    Answer,
    AnswerSubscribe,
    Offer,
    Opened,
    OpenInteraction,
    Publish,
    PublishedTrack,
    SlotView,
    Subscribe,
)
from signaling.wire.views import (
    AssistanceView,
    CallView,
    InteractionView,
    MemberView,
    PersonView,
)
from tests.harness.media_peer import MediaPeer, MediaPort

R = TypeVar("R", bound=WireModel)
N = TypeVar("N", bound=Notification)


def _read(model: type[R], payload: Any) -> R:
    """As strictly as JSON is read: nothing is coerced, nothing unknown is passed over."""
    return model.model_validate_json(json.dumps(payload))


class Media(Protocol):
    """What an interaction's media is told, and that it can be closed."""

    def slot_changed(self, mid: str, publisher_id: str | None, source: Source | None) -> None: ...

    async def close(self) -> None: ...


class RequestFailed(Exception):
    """The server said no. ``error.code`` is the stable code."""

    def __init__(self, event: str, error: WireError) -> None:
        super().__init__(f"{event}: {error.code}: {error.message}")
        self.error = error

    @property
    def code(self) -> str:
        return self.error.code


@dataclasses.dataclass(frozen=True, slots=True)
class DemoSession:
    """What a page gets when it is opened as a demo account."""

    person_id: str
    token: str


_TOKENS: dict[tuple[str, str], str] = {}
"""By server and account: signing in is limited per address, and all tests come from one."""


async def demo_session(http: aiohttp.ClientSession, url: str, account: str) -> DemoSession:
    """Sign in as a demo account by address, as a page does."""
    async with http.get(f"{url}/demo/as/{account}", params={"to": "/api/session"}) as response:
        response.raise_for_status()
        body = await response.json()
    return DemoSession(person_id=body["person"]["person_id"], token=body["token"])


class SyntheticPeer:
    """``async with SyntheticPeer(url, "taxpayer01") as peer``: connected and welcomed.

    The state others tell it of is in ``interactions``, kept up to date by notifications; ``wait`` waits for a
    condition on it. Media of an interaction: ``await peer.join(interaction_id)``, then see ``MediaPeer``.
    """

    def __init__(self, url: str, account: str, *, token: str | None = None) -> None:
        self.url = url
        self.account = account
        self.welcome: Welcome | None = None
        self.closed: SessionClosed | None = None
        self.interactions: dict[str, InteractionView] = {}
        self.notifications: list[Notification] = []
        self.media: dict[str, Media] = {}
        self.token = token
        self.resume_token: str | None = None
        self._news = asyncio.Event()
        self._http: aiohttp.ClientSession | None = None
        self.socket = socketio.AsyncClient(reconnection=False)
        self._listen()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # an address as host
        try:
            if self.token is None:
                known = (self.url, self.account)
                if known not in _TOKENS:
                    _TOKENS[known] = (await demo_session(self._http, *known)).token
                self.token = _TOKENS[known]
            await self.connect()
        except BaseException:
            await self._http.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for media in self.media.values():
            await media.close()
        await self.socket.disconnect()
        if self._http:
            await self._http.close()

    # Signalling

    async def connect(self, **auth: Any) -> None:
        """Connect, with the resume token if there is one, and wait for the welcome."""
        self.welcome = None
        credentials: dict[str, Any] = {"token": self.token, "version": WIRE_VERSION}
        if self.resume_token is not None:
            credentials["resume_token"] = self.resume_token
        for left in reversed(range(5)):
            try:
                await self.socket.connect(
                    self.url, auth={**credentials, **auth}, transports=["websocket"], wait_timeout=10
                )
                break
            except socketio.exceptions.ConnectionError:
                # One person of quick tests that share a server comes more often than people do (``RateSettings.connects``).
                if left == 0:
                    raise
                await asyncio.sleep(2)
        await self.wait(lambda peer: peer.welcome is not None)

    async def cut(self) -> None:
        """Lose the connection without a good-bye; ``connect`` comes back."""
        await self.socket.eio.disconnect(abort=True)
        self.socket = socketio.AsyncClient(reconnection=False)
        self._listen()

    @property
    def person(self) -> PersonView:
        assert self.welcome is not None
        return self.welcome.person

    async def request(self, event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send any payload and give back ``data`` of the acknowledgement. Raises ``RequestFailed``."""
        acknowledgement = await self.socket.call(event, dict(payload), timeout=15)
        if acknowledgement.get("ok") is True:
            return dict(acknowledgement["data"])
        raise RequestFailed(event, _read(WireError, acknowledgement["error"]))

    async def send(self, request: Request, response: type[R]) -> R:
        """Send a request of the wire and read its response strictly."""
        data = await self.request(request.EVENT, request.model_dump(mode="json"))
        return _read(response, data)

    async def do(self, request: Request) -> None:
        """Send a request whose response says only that it was done."""
        await self.send(request, Empty)

    async def wait(self, condition: Callable[[Self], bool], within: float = 15) -> None:
        """Until ``condition(self)`` holds, looked at after every notification."""
        try:
            async with asyncio.timeout(within):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            recent = [type(notification).__name__ for notification in self.notifications[-8:]]
            raise TimeoutError(f"{self.account}: not within {within} s; last heard {recent}") from None

    def heard(self, kind: type[N]) -> list[N]:
        """Notifications of this kind so far, in order."""
        return [notification for notification in self.notifications if isinstance(notification, kind)]

    async def open(self, agent_id: str) -> str:
        """Begin an interaction with an agent, or come back to it: its id."""
        opened = await self.send(OpenInteraction(agent_id=agent_id), Opened)
        self._keep(opened.interaction)
        return opened.interaction.interaction_id

    def assistance(self, interaction_id: str) -> AssistanceView:
        return self.interactions[interaction_id].assistance

    def call(self, interaction_id: str) -> CallView:
        return self.interactions[interaction_id].call

    def member(self, interaction_id: str, person_id: str) -> MemberView:
        return next(m for m in self.interactions[interaction_id].members if m.person_id == person_id)

    # Media

    def join(
        self,
        interaction_id: str,
        *,
        video_codec: str | None = None,
        configuration: RTCConfiguration | None = None,
    ) -> MediaPeer:
        """The two peer connections for this interaction, not offered yet."""
        media = MediaPeer(self.port(interaction_id), video_codec=video_codec, configuration=configuration)
        self.media[interaction_id] = media
        return media

    def port(self, interaction_id: str) -> MediaPort:
        """Where media of another kind sends its offers; ``media[interaction_id]`` is then told of slots."""
        return _WirePort(self, interaction_id)

    # Notifications

    def _listen(self) -> None:
        for kind in NOTIFICATIONS:
            self.socket.on(kind.EVENT, self._listener(kind))

    def _listener(self, kind: type[Notification]) -> Callable[[Any], Any]:
        async def heard(payload: Any) -> None:
            notification = _read(kind, payload)
            self.notifications.append(notification)
            self._apply(notification)
            self._news.set()

        return heard

    def _apply(self, notification: Notification) -> None:
        match notification:
            case Welcome():
                self.welcome = notification
                self.resume_token = notification.resume_token
                self.interactions = {i.interaction_id: i for i in notification.interactions}
            case SessionClosed():
                self.closed = notification
            case InteractionChanged(interaction=interaction):
                self._keep(interaction)
            case AssistanceChanged(interaction_id=id, assistance=assistance):
                self._update(id, assistance=assistance)
            case CallChanged(interaction_id=id, call=call):
                self._update(id, call=call)
            case MessagePosted(interaction_id=id, message=message):
                if id in self.interactions:
                    self._update(id, messages=[*self.interactions[id].messages, message])
            case MemberChanged(interaction_id=id, member=member):
                if id in self.interactions:
                    others = [m for m in self.interactions[id].members if m.person_id != member.person_id]
                    self._update(id, members=[*others, member])
            case SlotChanged(interaction_id=id, mid=mid, publisher_id=publisher_id, source=source):
                if id in self.media:
                    self.media[id].slot_changed(mid, publisher_id, source)
            case TransportChanged():
                pass

    def _keep(self, interaction: InteractionView) -> None:
        self.interactions[interaction.interaction_id] = interaction

    def _update(self, interaction_id: str, **fields: Any) -> None:
        if interaction_id in self.interactions:
            self._keep(self.interactions[interaction_id].model_copy(update=fields))


class _WirePort:
    """Offers and answers of one interaction over the wire."""

    def __init__(self, peer: SyntheticPeer, interaction_id: str) -> None:
        self._peer = peer
        self._interaction_id = interaction_id

    async def publish(self, sdp: str, tracks: Sequence[tuple[str, Source]], fresh: bool) -> str:
        named = [PublishedTrack(mid=mid, source=source) for mid, source in tracks]
        request = Publish(interaction_id=self._interaction_id, sdp=sdp, tracks=named, fresh=fresh)
        return (await self._peer.send(request, Answer)).sdp

    async def subscribe(self, fresh: bool) -> tuple[str, Sequence[SlotView]]:
        request = Subscribe(interaction_id=self._interaction_id, fresh=fresh)
        offer = await self._peer.send(request, Offer)
        return offer.sdp, offer.slots

    async def answer(self, sdp: str) -> None:
        await self._peer.do(AnswerSubscribe(interaction_id=self._interaction_id, sdp=sdp))


__all__ = ["DemoSession", "RequestFailed", "SyntheticPeer", "demo_session"]
