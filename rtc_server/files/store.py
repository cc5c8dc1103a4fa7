"""Files on disk: pieces of running uploads, and whole files that were found good.

``uploading/<file id>`` grows by appending and ``<file id>.json`` beside it says what it is to become, so that an upload goes
on after a restart; ``stored/<first two letters>/<file id>`` is whole. Ids are ours and random: nothing a person sends
ever becomes part of a path.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_ID = re.compile(r"^f[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True)
class Upload:
    """``size`` in bytes is what was announced; ``began_at`` in ms since the epoch. ``interaction_id`` None: to be attached
    to a case of the personal centre."""

    file_id: str
    interaction_id: str | None
    sender_id: str
    name: str
    size: int
    began_at: int


class FileStore:
    """Blocking: call it in a thread. File ids were made by us or matched ``FILE_ID``."""

    def __init__(self, folder: Path) -> None:
        self._uploading = folder / "uploading"
        self._stored = folder / "stored"
        for each in (self._uploading, self._stored):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)

    def begin(self, upload: Upload) -> None:
        draft = self._uploading / f"{upload.file_id}.json.new"
        draft.write_text(json.dumps(asdict(upload)), encoding="utf-8")
        self.part(upload.file_id).touch(mode=0o600)
        draft.replace(self._sheet(upload.file_id))

    def unfinished(self) -> Iterator[tuple[Upload, int, float]]:
        """Each with its offset and when it last grew, in seconds since the epoch. What cannot be read is deleted."""
        for sheet in sorted(self._uploading.glob("*.json")):
            try:
                upload = Upload(**json.loads(sheet.read_text(encoding="utf-8")))
                state = self.part(upload.file_id).stat()
            except (OSError, ValueError, TypeError):
                sheet.unlink(missing_ok=True)
                continue
            yield upload, state.st_size, state.st_mtime

    def append(self, file_id: str, offset: int, piece: bytes) -> None:
        """At ``offset`` exactly; what a crash left beyond it is overwritten."""
        with self.part(file_id).open("r+b") as file:
            file.seek(offset)
            file.write(piece)
            file.truncate()

    def keep(self, file_id: str) -> None:
        """The upload becomes a stored file; forced to the disk first."""
        part, target = self.part(file_id), self.path(file_id)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(mode=0o700, exist_ok=True)
        part.replace(target)
        self._sheet(file_id).unlink(missing_ok=True)

    def drop(self, file_id: str) -> None:
        """Forget an upload."""
        self._sheet(file_id).unlink(missing_ok=True)
        for left in (self.part(file_id), self.part(file_id).with_name(f"{file_id}.new")):
            left.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._uploading).free

    def part(self, file_id: str) -> Path:
        return self._uploading / file_id

    def path(self, file_id: str) -> Path:
        """Where a stored file lies."""
        return self._stored / file_id[1:3] / file_id

    def _sheet(self, file_id: str) -> Path:
        return self._uploading / f"{file_id}.json"
