"""An append-only journal on disk: what has been acknowledged is here before it is in the database.

``append`` is one ``write`` system call: when it has returned, the entries survive the death of the process (they are in the
kernel's page cache), and with ``FsyncPolicy.ALWAYS`` the death of the machine. It never waits for the database.

Files of a journal folder: segments ``<first number>.log``; ``checkpoint``, up to which number everything is stored
elsewhere; ``rejected.log``, entries that could not be stored; ``lock``. A line of a segment is

    <number> <bytes of payload> <CRC-32 of number and payload, hex> <payload>\n

A process that starts never touches an older segment, it begins one of its own; a torn last line was never acknowledged and
is passed over.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from zlib import crc32

SEGMENT_BYTES = 8 * 1024 * 1024
_SUFFIX = ".log"
_REJECTED = "rejected.log"
_CHECKPOINT = "checkpoint"
_READ_BYTES = 256 * 1024


class FsyncPolicy(StrEnum):
    """When written entries are forced to the disk. ``INTERVAL``: by ``sync``, which the writer calls once a second."""

    NEVER = "never"
    INTERVAL = "interval"
    ALWAYS = "always"


class JournalLocked(Exception):
    """Another process writes this journal."""


class JournalFailed(Exception):
    """The entries are not in the journal, e.g. because the disk is full; they must not be acknowledged."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``number`` counts from 1 and never repeats in a journal."""

    number: int
    payload: bytes


def encode_line(entry: Entry) -> bytes:
    return b"%d %d %08x %b\n" % (
        entry.number,
        len(entry.payload),
        _crc(entry.number, entry.payload),
        entry.payload,
    )


def decode_line(line: bytes) -> Entry | None:
    """None for a torn or damaged line."""
    parts = line.split(b" ", 3)
    if len(parts) != 4 or not line.endswith(b"\n"):
        return None
    payload = parts[3][:-1]
    try:
        number, size, crc = int(parts[0]), int(parts[1]), int(parts[2], 16)
    except ValueError:
        return None
    whole = size == len(payload) and crc == _crc(number, payload)
    return Entry(number, payload) if whole else None


def _crc(number: int, payload: bytes) -> int:
    return crc32(payload, crc32(b"%d" % number))


class Journal:
    """One process at a time. ``append`` is for one thread; reading and ``sync`` may happen in another.

    Raises JournalLocked when another process has it open.
    """

    def __init__(
        self, folder: Path, fsync: FsyncPolicy = FsyncPolicy.INTERVAL, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._fsync = fsync
        self._segment_bytes = segment_bytes
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalLocked(str(folder)) from error
        self._files = threading.Lock()
        self._stored = self._read_checkpoint()
        self._last = max(self._stored, self._last_number())
        self._segment = -1
        self._size = 0
        self._unsynced = self._unsynced_folder = False
        self._ended: list[int] = []
        self.on_append: Callable[[], None] | None = None

    @property
    def last_number(self) -> int:
        """Of the newest entry."""
        return self._last

    @property
    def stored_number(self) -> int:
        """Everything up to this entry is stored elsewhere."""
        return self._stored

    @property
    def waiting(self) -> int:
        """How many entries are not stored elsewhere yet."""
        return self._last - self._stored

    def append(self, payloads: Sequence[bytes]) -> int:
        """All or none; the number of the last one. Payloads hold no line feed. Raises JournalFailed."""
        first = self._last + 1
        data = b"".join(encode_line(Entry(first + at, payload)) for at, payload in enumerate(payloads))
        try:
            if self._segment < 0 or self._size >= self._segment_bytes:
                self._begin_segment(first)
            self._write(data)
        except OSError as error:
            raise JournalFailed(os.strerror(error.errno or 0)) from error
        self._size += len(data)
        self._last += len(payloads)
        if self.on_append is not None:
            self.on_append()
        return self._last

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.write(self._segment, data[written:])
            if self._fsync is FsyncPolicy.ALWAYS:
                os.fdatasync(self._segment)
        except OSError:
            # Half a line must not become the beginning of the next one.
            self._abandon_segment()
            raise
        self._unsynced = self._fsync is FsyncPolicy.INTERVAL

    def _begin_segment(self, first: int) -> None:
        with self._files:
            path = self._folder / f"{first:020d}{_SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            segment = os.open(path, flags, 0o600)
            if self._segment >= 0:
                self._ended.append(self._segment)
            self._segment, self._size = segment, 0
            self._unsynced_folder = True
        if self._fsync is not FsyncPolicy.INTERVAL:
            self.sync()

    def _abandon_segment(self) -> None:
        with self._files:
            segment, self._segment = self._segment, -1
            os.ftruncate(segment, self._size)
            os.close(segment)
            if self._size == 0:
                (self._folder / f"{self._last + 1:020d}{_SUFFIX}").unlink(missing_ok=True)

    def sync(self) -> None:
        """Force what is written to the disk, also of segments that ended. Takes as long as the disk takes, which may be half
        a second: with ``FsyncPolicy.INTERVAL`` the thread that appends never does it."""
        with self._files:
            ended, self._ended = self._ended, []
            if self._unsynced and self._segment >= 0:
                ended.append(os.dup(self._segment))
            folder, self._unsynced, self._unsynced_folder = self._unsynced_folder, False, False
        for segment in ended:
            try:
                if self._fsync is not FsyncPolicy.NEVER:
                    os.fdatasync(segment)
            finally:
                os.close(segment)
        if folder:
            self._sync_folder()

    def checkpoint(self, number: int) -> None:
        """Everything up to ``number`` is stored elsewhere: segments with nothing else are deleted."""
        if number <= self._stored:
            return
        temporary = self._folder / f"{_CHECKPOINT}.new"
        temporary.write_bytes(b"%d %08x\n" % (number, _crc(number, b"")))
        temporary.replace(self._folder / _CHECKPOINT)
        self._stored = number
        with self._files:
            segments = self.segments()
            for (_, path), (next_first, _) in pairwise(segments):
                if next_first <= number + 1:
                    path.unlink(missing_ok=True)

    def reject(self, entry: Entry) -> None:
        """Keep an entry that cannot be stored, for a person to look at."""
        with (self._folder / _REJECTED).open("ab") as file:
            file.write(encode_line(entry))

    def segments(self) -> list[tuple[int, Path]]:
        """By the number of their first entry, in order."""
        found = [(int(path.stem), path) for path in self._folder.glob(f"*{_SUFFIX}") if path.stem.isdigit()]
        return sorted(found)

    def rejected(self) -> list[Entry]:
        path = self._folder / _REJECTED
        return list(_entries(path)) if path.exists() else []

    def close(self) -> None:
        self.sync()
        if self._segment >= 0:
            os.close(self._segment)
            self._segment = -1
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _read_checkpoint(self) -> int:
        try:
            number, crc = (self._folder / _CHECKPOINT).read_bytes().split()
            return int(number) if int(crc, 16) == _crc(int(number), b"") else 0
        except (FileNotFoundError, ValueError):
            return 0

    def _last_number(self) -> int:
        for first, path in reversed(self.segments()):
            last = max((entry.number for entry in _entries(path)), default=0)
            if last:
                return last
            # Empty or torn from the start; its name must not be used again.
            path.unlink() if path.stat().st_size == 0 else path.rename(path.with_name(f"torn-{first}"))
        return 0

    def _sync_folder(self) -> None:
        if self._fsync is FsyncPolicy.NEVER:
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for line in file:
            entry = decode_line(line)
            if entry is not None:
                yield entry


class JournalReader:
    """Reads entries in order behind the writer of the same process. Damaged lines are counted and passed over."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._after = journal.stored_number
        self._segment: int | None = None
        self._offset = 0
        self.damaged = 0

    def read(self, limit: int) -> list[Entry]:
        """The next entries, at most ``limit``; empty when there is nothing further yet.

        Never further than what ``append`` has acknowledged: what lies behind may be taken back.
        """
        acknowledged = self._journal.last_number
        found: list[Entry] = []
        while len(found) < limit:
            segments = self._journal.segments()
            here = self._position(segments)
            if here is None:
                break
            path, following = here
            if self._read_from(path, limit - len(found), acknowledged, found):
                continue
            # A segment may have begun after ``acknowledged`` was looked up: the rest of this one comes first, next time.
            if following is None or following > acknowledged:
                break
            self._segment, self._offset = following, 0
        return found

    def _position(self, segments: list[tuple[int, Path]]) -> tuple[Path, int | None] | None:
        """The segment to read in, and the first number of the one after it."""
        if not segments:
            return None
        if self._segment is None:
            # The last one that begins at or before the first entry wanted.
            self._segment = max(
                (first for first, _ in segments if first <= self._after + 1), default=segments[0][0]
            )
        for at, (first, path) in enumerate(segments):
            if first == self._segment:
                return path, segments[at + 1][0] if at + 1 < len(segments) else None
        self._segment = next((first for first, _ in segments if first > (self._segment or 0)), None)
        self._offset = 0
        return None if self._segment is None else self._position(segments)

    def _read_from(self, path: Path, limit: int, acknowledged: int, found: list[Entry]) -> bool:
        """Whether it got any further in this segment."""
        with path.open("rb") as file:
            file.seek(self._offset)
            moved = False
            for line in file.readlines(_READ_BYTES):
                entry = decode_line(line)
                beyond = entry is not None and entry.number > acknowledged
                if limit == 0 or beyond or not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                moved = True
                if entry is None:
                    self.damaged += 1
                elif entry.number > self._after:
                    self._after = entry.number
                    found.append(entry)
                    limit -= 1
        return moved
