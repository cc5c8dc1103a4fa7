"""The index of a recording: which file holds what, and when it began. JSON beside the files, replaced as a whole."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

INDEX = "index.json"
COMPOSITION = "composition.webm"
RECORDING_ID = re.compile(r"^[0-9a-f]{24}$")
TRACK_FILE = re.compile(r"^track-[0-9]{3}\.(webm|mp4)$")
_VERSION = 1


@dataclass(slots=True)
class TrackEntry:
    """``began_us``, ``ended_us``: of the first and the last frame, µs since 1970. ``file`` None: the codec cannot be
    recorded here."""

    number: int
    person_id: str
    source: str
    codec: str
    file: str | None
    began_us: int
    ended_us: int
    width: int | None = None
    height: int | None = None
    frames: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Index:
    """``finished`` False: it runs, or was broken off. ``lost_packets``: what the engine could not hand over."""

    recording_id: str
    tracks: list[TrackEntry] = field(default_factory=list)
    lost_packets: int = 0
    finished: bool = False

    @property
    def began_us(self) -> int | None:
        return min((track.began_us for track in self.tracks), default=None)

    @property
    def ended_us(self) -> int | None:
        return max((track.ended_us for track in self.tracks), default=None)


def load(folder: Path) -> Index | None:
    """None when there is none yet, or it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if found.pop("version") != _VERSION:
            return None
        tracks = [TrackEntry(**track) for track in found.pop("tracks")]
        return Index(tracks=tracks, **found)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(folder: Path, index: Index) -> None:
    """Raises ``OSError``."""
    place = folder / f"{INDEX}.new"
    place.write_text(json.dumps({"version": _VERSION} | asdict(index)), encoding="utf-8")
    os.replace(place, folder / INDEX)
