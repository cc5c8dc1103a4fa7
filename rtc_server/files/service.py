"""Uploads from their beginning to a stored file; implements ``signaling.rooms.ports.FilesPort``."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import limits
import structlog
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from rtc_server.config import FileSettings
from rtc_server.files.kinds import TYPES, FileType, Good, clean_name, ending, endings
from rtc_server.files.scanner import Scanner
from rtc_server.files.store import FileStore, Upload
from rtc_server.records import files as rows
from rtc_server.records.conversion import file_ref_of
from rtc_server.records.files import File, FileState
from rtc_server.records.recording import Recording
from signaling.errors import BadInput, DomainError, ErrorCode, RateLimited, Refused
from signaling.rooms.ports import RecordsUnavailable
from signaling.sessions.model import FileRef

_PIECE = 256 * 1024
_REMEMBERED = 2_000
_INSPECTED_AT_ONCE = 2
_MEGABYTE = 1024 * 1024
_CLEANING_EVERY_S = 60.0
_DAY_MS = 24 * 60 * 60 * 1000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    upload: Upload
    offset: int
    touched_at: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class FileService:
    """``start`` before the first request; ``stop`` at the end."""

    def __init__(self, settings: FileSettings, folder: Path, recording: Recording, scanner: Scanner) -> None:
        self.settings = settings
        self._store = FileStore(folder)
        self._recording = recording
        self._scanner = scanner
        self._running: dict[str, _Running] = {}
        self._recent: OrderedDict[str, File] = OrderedDict()
        self._inspecting = asyncio.Semaphore(_INSPECTED_AT_ONCE)
        self._begins = MovingWindowRateLimiter(MemoryStorage())
        self._cleaner: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for upload, offset, touched_at in await asyncio.to_thread(lambda: list(self._store.unfinished())):
            self._running[upload.file_id] = _Running(upload, offset, touched_at)
        self._cleaner = asyncio.create_task(self._clean_now_and_then(), name="files-cleaner")

    async def stop(self) -> None:
        cleaner, self._cleaner = self._cleaner, None
        if cleaner is not None:
            cleaner.cancel()
            await asyncio.gather(cleaner, return_exceptions=True)

    # Uploads

    async def begin(
        self, interaction_id: str | None, sender_id: str, name: str, size: int, blocked: frozenset[str]
    ) -> Upload:
        """``blocked`` are the endings the centre does not take. The caller has checked who asks.

        Raises ``BadInput`` (``file_too_large``, ``file_type_refused``), ``RateLimited``, ``Refused``
        (``quota_exceeded``) and ``DomainError`` (``files_unavailable``).
        """
        clean = clean_name(name)
        if clean is None or endings(clean) & blocked:
            raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
        _type_of(clean)
        if size >= self.settings.max_bytes:
            raise BadInput(ErrorCode.FILE_TOO_LARGE)
        if size == 0:
            raise BadInput(ErrorCode.FILE_DAMAGED)
        mine = sum(1 for each in self._running.values() if each.upload.sender_id == sender_id)
        if mine >= self.settings.uploads_at_once:
            raise Refused(ErrorCode.QUOTA_EXCEEDED)
        await self._count_begin(sender_id)
        upload = Upload(f"f{secrets.token_hex(16)}", interaction_id, sender_id, clean, size, _now_ms())
        # Counted from now on, so that several begun at once cannot each be within the quota.
        self._running[upload.file_id] = _Running(upload, 0, time.time())
        try:
            await self._check_room_for(upload)
            await asyncio.to_thread(self._store.begin, upload)
        except BaseException as error:
            del self._running[upload.file_id]
            if isinstance(error, OSError):
                raise self._unavailable(error) from error
            raise
        return upload

    async def progress(self, file_id: str, sender_id: str) -> tuple[int, int]:
        """How many bytes have arrived, of how many. Raises ``Refused`` with ``file_not_found`` for somebody else's."""
        running = self._running.get(file_id)
        if running is None:
            done = await self._done(file_id, sender_id)
            return done.size, done.size
        running = self._own(file_id, sender_id)
        return running.offset, running.upload.size

    async def append(
        self, file_id: str, sender_id: str, offset: int, body: AsyncIterator[bytes]
    ) -> tuple[int, FileRef | None]:
        """What has arrived is kept, also when ``body`` breaks off. With the last byte the file is checked and stored;
        who did not hear of that may ask again and is told the same.

        Raises ``Refused`` (``file_not_found``, ``upload_conflict``), and what ``inspect`` and the scanner raise: then the
        upload is gone, unless it is ``files_unavailable``.
        """
        if file_id not in self._running:
            done = await self._done(file_id, sender_id)
            return done.size, file_ref_of(done)
        running = self._own(file_id, sender_id)
        if running.turn.locked():
            raise Refused(ErrorCode.UPLOAD_CONFLICT)
        async with running.turn:
            if self._running.get(file_id) is not running or offset != running.offset:
                raise Refused(ErrorCode.UPLOAD_CONFLICT)
            await self._take(running, body)
            if running.offset < running.upload.size:
                return running.offset, None
            return running.offset, await self._finish(running)

    async def cancel(self, file_id: str, sender_id: str) -> None:
        """Raises ``Refused`` with ``file_not_found`` or, while a piece arrives, ``upload_conflict``."""
        running = self._own(file_id, sender_id)
        if running.turn.locked():
            raise Refused(ErrorCode.UPLOAD_CONFLICT)
        await self._drop(running)

    # Stored files

    async def find(self, file_id: str) -> File | None:
        """A stored file."""
        known = self._recent.get(file_id)
        if known is None:
            async with self._recording.read() as connection:
                known = await rows.get(connection, file_id)
        return known if known is not None and known.state is FileState.STORED else None

    async def stored(self, file_id: str, interaction_id: str, sender_id: str) -> FileRef | None:
        """Implements ``FilesPort``."""
        found = await self.find(file_id)
        if found is None or found.interaction_id != interaction_id or found.sender_id != sender_id:
            return None
        return file_ref_of(found)

    def path(self, file_id: str) -> Path:
        return self._store.path(file_id)

    # Inside

    def _own(self, file_id: str, sender_id: str) -> _Running:
        running = self._running.get(file_id)
        if running is None or running.upload.sender_id != sender_id:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
        return running

    async def _done(self, file_id: str, sender_id: str) -> File:
        """The stored file an upload has become."""
        found = await self.find(file_id)
        if found is None or found.sender_id != sender_id:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
        return found

    async def _count_begin(self, sender_id: str) -> None:
        rate = limits.parse(self.settings.rate)
        if not await self._begins.hit(rate, "begin", sender_id):
            window = await self._begins.get_window_stats(rate, "begin", sender_id)
            raise RateLimited(max(1, int((window.reset_time - time.time()) * 1000)))

    async def _check_room_for(self, upload: Upload) -> None:
        """On the disk, and in what one person may send in 24 hours."""
        if await asyncio.to_thread(self._store.free_bytes) < self.settings.min_free_bytes + upload.size:
            log.error("file_store_full")
            raise DomainError(ErrorCode.FILES_UNAVAILABLE)
        sent = await self._sent_bytes(upload.sender_id, upload.began_at - _DAY_MS)
        sender_id = upload.sender_id
        running = sum(r.upload.size for r in self._running.values() if r.upload.sender_id == sender_id)
        if sent + running > self.settings.daily_megabytes * _MEGABYTE:
            raise Refused(ErrorCode.QUOTA_EXCEEDED)

    async def _sent_bytes(self, sender_id: str, created_from: int) -> int:
        """By the records; while those are away by what this process remembers, so that people can go on."""
        try:
            async with self._recording.read() as connection:
                return await rows.sent_bytes(connection, sender_id, created_from)
        except RecordsUnavailable:
            return sum(
                known.size
                for known in self._recent.values()
                if known.sender_id == sender_id and known.created_at >= created_from
            )

    async def _take(self, running: _Running, body: AsyncIterator[bytes]) -> None:
        upload = running.upload
        held = bytearray()

        async def write() -> None:
            try:
                await asyncio.to_thread(self._store.append, upload.file_id, running.offset, bytes(held))
            except OSError as error:
                raise self._unavailable(error) from error
            running.offset += len(held)
            running.touched_at = time.time()
            held.clear()

        try:
            async for piece in body:
                held += piece
                if running.offset + len(held) > upload.size:
                    held.clear()
                    raise BadInput(ErrorCode.FILE_TOO_LARGE)
                if len(held) >= _PIECE:
                    await write()
        finally:
            if held:
                # Also when the connection broke: the next request goes on behind it.
                await asyncio.shield(write())

    async def _finish(self, running: _Running) -> FileRef:
        upload = running.upload
        part = self._store.part(upload.file_id)
        try:
            await self._scanner.scan(part)
            async with self._inspecting:
                good = await asyncio.to_thread(
                    _inspect, part, upload.name, _type_of(upload.name), self.settings.max_pixels
                )
            size, digest = await asyncio.to_thread(_measure, part)
            if size >= self.settings.max_bytes:
                raise BadInput(ErrorCode.FILE_TOO_LARGE)
            await asyncio.to_thread(self._store.keep, upload.file_id)
        except OSError as error:
            raise self._unavailable(error) from error
        except BadInput as refusal:
            await self._drop(running)
            refused = _record(upload, Good(upload.name, "application/octet-stream"), upload.size, None)
            self._keep(replace(refused, state=FileState.REFUSED, refusal=refusal.code.value))
            log.info("file_refused", code=refusal.code.value)
            raise
        record = _record(upload, good, size, digest)
        self._keep(record)
        del self._running[upload.file_id]
        return file_ref_of(record)

    def _keep(self, record: File) -> None:
        revised = replace(record, revision=self._recording.next_revision())
        self._recording.keep_rows(revised)
        self._recent[record.file_id] = revised
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    async def _drop(self, running: _Running) -> None:
        self._running.pop(running.upload.file_id, None)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._store.drop, running.upload.file_id)

    def _unavailable(self, error: OSError) -> DomainError:
        log.error("file_store_failed", error=type(error).__name__, errno=error.errno)
        return DomainError(ErrorCode.FILES_UNAVAILABLE)

    async def _clean_now_and_then(self) -> None:
        while True:
            await self.clean(time.time())
            await asyncio.sleep(_CLEANING_EVERY_S)

    async def clean(self, now: float) -> None:
        """Delete uploads nobody went on with."""
        for running in list(self._running.values()):
            if not running.turn.locked() and running.touched_at + self.settings.abandoned_s < now:
                await self._drop(running)
                log.info("upload_abandoned")


def _type_of(name: str) -> FileType:
    kind = TYPES.get(ending(name))
    if kind is None:
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
    return kind


def _inspect(part: Path, name: str, kind: FileType, max_pixels: int) -> Good:
    # Imported by the first file: decoders of pictures are nothing a server that starts should wait for.
    from rtc_server.files.inspection import inspect

    return inspect(part, name, kind, max_pixels)


def _record(upload: Upload, good: Good, size: int, digest: str | None) -> File:
    return File(
        file_id=upload.file_id,
        revision=0,
        interaction_id=upload.interaction_id,
        sender_id=upload.sender_id,
        name=good.name,
        media_type=good.media_type,
        size=size,
        sha256=digest,
        state=FileState.STORED,
        created_at=upload.began_at,
        width=good.width,
        height=good.height,
    )


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
