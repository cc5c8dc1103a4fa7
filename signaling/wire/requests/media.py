"""Transports, tracks and what of them is shown."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from media.types import Source, TransportKind
from signaling.wire.base import AnswerSdp, Empty, Identifier, Mid, OfferSdp, Request, WireModel
from signaling.wire.requests.base import InteractionRequest
from signaling.wire.views import IceServerView


class PublishedTrack(WireModel):
    mid: Mid
    source: Source


class Answer(WireModel):
    sdp: str


class Publish(InteractionRequest):
    """The browser's offer on its publish peer connection. ``tracks`` names the source of every sending m-line;
    inactive m-lines need none. ``fresh`` true for a new RTCPeerConnection. Errors: ``outside_grant``, ``bad_sdp``."""

    EVENT: ClassVar[str] = "media.publish"
    RESPONSE: ClassVar[type[WireModel]] = Answer
    sdp: OfferSdp
    tracks: Annotated[list[PublishedTrack], Field(max_length=8)]
    fresh: bool


class SlotView(WireModel):
    """What a receive slot carries."""

    mid: str
    publisher_id: str | None
    source: Source | None


class Offer(WireModel):
    sdp: str
    slots: list[SlotView]
    ice_servers: list[IceServerView] = []


class Subscribe(InteractionRequest):
    """Ask for the server's offer of the subscribe peer connection. ``fresh`` true for a new RTCPeerConnection,
    false for an ICE restart of the one there is."""

    EVENT: ClassVar[str] = "media.subscribe"
    RESPONSE: ClassVar[type[WireModel]] = Offer
    fresh: bool


class AnswerSubscribe(InteractionRequest):
    EVENT: ClassVar[str] = "media.answer"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    sdp: AnswerSdp


class AddCandidate(InteractionRequest):
    """Trickle ICE (RFC 8838): the candidate attribute of RTCIceCandidate; empty for end of candidates.
    The server's own candidates are all in its SDP."""

    EVENT: ClassVar[str] = "media.candidate"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    transport: TransportKind
    candidate: Annotated[str, Field(max_length=512)]


class Mute(InteractionRequest):
    """Mute or unmute one's own source; enforced by the engine."""

    EVENT: ClassVar[str] = "media.mute"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    source: Source
    muted: bool


class View(InteractionRequest):
    """How large a track is shown, in device pixels; 0 × 0 when not visible. The simulcast layer follows."""

    EVENT: ClassVar[str] = "media.view"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    publisher_id: Identifier
    source: Source
    width: Annotated[int, Field(ge=0, le=8192)]
    height: Annotated[int, Field(ge=0, le=8192)]


class IceServers(WireModel):
    ice_servers: list[IceServerView]


class GetIceServers(Request):
    """Fresh TURN credentials (they expire)."""

    EVENT: ClassVar[str] = "media.ice_servers"
    RESPONSE: ClassVar[type[WireModel]] = IceServers
