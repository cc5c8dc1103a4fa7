"""Events of the engine, in order, as frozen dataclasses; ``parse_events`` reads a batch of JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from media.types import MediaKind, Source, TransportKind, TransportState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineFault:
    """Why a command failed. ``code`` is stable; ``message`` is for logs and holds no SDP or address."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one command. Exactly one follows every command, in the order of the commands of a room."""

    type: Literal["reply"]
    request_id: int
    error: EngineFault | None = None
    sdp: str | None = None
    worker: int | None = None


@dataclass(frozen=True, slots=True)
class TransportChanged:
    """A transport's state; with ``connected`` also how it is connected."""

    type: Literal["transport_changed"]
    room_id: str
    peer_id: str
    transport: TransportKind
    state: TransportState
    protocol: Literal["udp", "tcp"] | None = None
    srtp_profile: str | None = None


@dataclass(frozen=True, slots=True)
class TrackPublished:
    """The first packet of a track came in."""

    type: Literal["track_published"]
    room_id: str
    peer_id: str
    source: Source
    kind: MediaKind
    codec: str
    layers: int = 1


@dataclass(frozen=True, slots=True)
class TrackUnpublished:
    type: Literal["track_unpublished"]
    room_id: str
    peer_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class SlotAssigned:
    """What a receive slot (m-line ``mid`` of the subscribe transport) of ``peer_id`` carries from now on;
    ``publisher_id`` and ``source`` are None when it is free again."""

    type: Literal["slot_assigned"]
    room_id: str
    peer_id: str
    mid: str
    publisher_id: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class LayersWanted:
    """The simulcast layers of a camera that anybody wants, lowest first; the sender may leave out the others. Told when
    the track begins (all of them) and when it changes: more at once, fewer after five seconds."""

    type: Literal["layers_wanted"]
    room_id: str
    peer_id: str
    source: Source
    rids: list[str]


@dataclass(frozen=True, slots=True)
class ActiveSpeakers:
    """Who speaks now, loudest first, by the audio level header extension (RFC 6464)."""

    type: Literal["active_speakers"]
    room_id: str
    peer_ids: list[str]


@dataclass(frozen=True, slots=True)
class TransportStats:
    """Figures of one transport over the last interval. Dropped first when the queue is full.

    ``quality`` is 0 (lost) to 4 (excellent), from loss and round trip time.
    """

    type: Literal["transport_stats"]
    room_id: str
    peer_id: str
    transport: TransportKind
    rtt_ms: float | None
    loss: float
    bitrate_in: int
    bitrate_out: int
    estimate: int | None
    quality: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """A transport's session hit a fault of the engine and was closed; others go on."""

    type: Literal["session_failed"]
    room_id: str
    peer_id: str
    transport: TransportKind
    reason: str


@dataclass(frozen=True, slots=True)
class StatsDropped:
    """So many statistics events were dropped since the last batch, because nobody took them in time."""

    type: Literal["stats_dropped"]
    count: int


MediaEvent = Annotated[
    Reply
    | TransportChanged
    | TrackPublished
    | TrackUnpublished
    | SlotAssigned
    | LayersWanted
    | ActiveSpeakers
    | TransportStats
    | SessionFailed
    | StatsDropped,
    Field(discriminator="type"),
]

_BATCH: TypeAdapter[list[MediaEvent]] = TypeAdapter(list[MediaEvent])


def parse_events(batch: bytes) -> list[MediaEvent]:
    """Read what ``Engine.poll_events`` returned.

    An event that cannot be read is a fault of ours, logged by its type and left out: the state changes beside it
    in the batch must not be lost with it.
    """
    try:
        return _BATCH.validate_json(batch)
    except ValidationError:
        return [event for item in json.loads(batch) if (event := _parse_event(item)) is not None]


def _parse_event(item: dict[str, Any]) -> MediaEvent | None:
    try:
        return _BATCH.validate_python([item])[0]
    except ValidationError as error:
        _log.error(
            "unreadable event of the media engine",
            extra={"event_type": item.get("type"), "faults": [fault["loc"] for fault in error.errors()]},
        )
        return None
