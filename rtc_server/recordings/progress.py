"""How far composing is, beside the files of a recording, so that any process may tell without what composing needs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

PROGRESS = "composition.json"


class CompositionState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """``share``: 0 to 1."""

    state: CompositionState
    share: float


def note(folder: Path, progress: Progress) -> None:
    place = folder / f"{PROGRESS}.new"
    place.write_text(json.dumps(asdict(progress)), encoding="utf-8")
    os.replace(place, folder / PROGRESS)


def noted(folder: Path) -> Progress | None:
    """None when none was ever begun."""
    try:
        found = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        return Progress(CompositionState(found["state"]), float(found["share"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
