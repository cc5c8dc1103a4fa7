"""The process that writes one recording: frames from the engine's pipe into files, one for each track.

    python -m rtc_server.recordings.writer FOLDER DESCRIPTOR

Which track a number stands for comes as lines of JSON on standard input. The end of the pipe is the end of the recording,
also when the server died: then the files are closed as well as at an ordinary end. Killed itself, it loses at most the
second that was not written yet.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

import av

from rtc_server.recordings.frames import FrameReader, Kind, Piece
from rtc_server.recordings.index import Index, TrackEntry, load, save
from rtc_server.recordings.track_file import CannotRecord, TrackFile, suffix

READ_BYTES = 1 << 20
SAVE_EVERY_US = 2_000_000
_STDIN = 0


class Writer:
    """Pieces in, files out. A folder that already holds a recording is continued with further files."""

    def __init__(self, folder: Path, recording_id: str) -> None:
        self._folder = folder
        self.index = load(folder) or Index(recording_id)
        self.index.finished = False
        self._sent_by: dict[int, tuple[str, str]] = {}
        self._files: dict[int, TrackFile] = {}
        self._entries: dict[int, TrackEntry] = {}
        self._refused: set[int] = set()
        self._lost_before = self.index.lost_packets
        self._saved_us = 0

    def announce(self, number: int, person_id: str, source: str) -> None:
        self._sent_by[number] = (person_id, source)

    def knows(self, number: int) -> bool:
        return number in self._sent_by

    def take(self, piece: Piece) -> None:
        match piece.kind:
            case Kind.FRAME:
                self._write(piece)
                if piece.time_us - self._saved_us > SAVE_EVERY_US:
                    self._saved_us = piece.time_us
                    self._save()
            case Kind.END:
                self._close(piece.track)
                self._save()
            case Kind.LOST:
                self.index.lost_packets = self._lost_before + piece.time_us

    def _write(self, piece: Piece) -> None:
        number = piece.track
        if number in self._refused or number not in self._sent_by:
            return
        file = self._files.get(number)
        if file is None:
            if not piece.key:
                return
            file = self._begin(piece)
            if file is None:
                return
        file.write(piece)

    def _begin(self, first: Piece) -> TrackFile | None:
        person_id, source = self._sent_by[first.track]
        place = len(self.index.tracks) + 1
        entry = TrackEntry(
            place, person_id, source, first.codec.name.lower(), None, first.time_us, first.time_us
        )
        try:
            entry.file = f"track-{place:03}.{suffix(first.codec)}"
            file = TrackFile(self._folder / entry.file, first)
        except CannotRecord as error:
            entry.file = None
            self.index.tracks.append(entry)
            self._refused.add(first.track)
            say(f"track {place} is not recorded: {error}")
            return None
        entry.width, entry.height = file.width, file.height
        self.index.tracks.append(entry)
        self._files[first.track], self._entries[first.track] = file, entry
        self._save()
        return file

    def _close(self, number: int) -> None:
        file = self._files.pop(number, None)
        if file is None:
            return
        self._note(number, file)
        self._entries.pop(number)
        try:
            file.close()
        except av.FFmpegError as error:
            say(f"a file could not be closed: {error}")

    def _note(self, number: int, file: TrackFile) -> None:
        entry = self._entries[number]
        entry.ended_us, entry.frames, entry.bytes = file.ended_us, file.frames, file.bytes

    def _save(self) -> None:
        for number, file in self._files.items():
            self._note(number, file)
        save(self._folder, self.index)

    def finish(self) -> None:
        for number in list(self._files):
            self._close(number)
        self.index.finished = True
        self._save()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the server logs it


class _Announcements:
    """Lines of JSON from standard input, as far as they have come."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._rest = b""
        self.open = True

    def read(self) -> None:
        data = os.read(_STDIN, 65_536)
        self.open = bool(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self._writer.announce(int(said["number"]), str(said["person_id"]), str(said["source"]))


def run(folder: Path, descriptor: int) -> None:
    writer = Writer(folder, folder.name)
    announcements = _Announcements(writer)
    reader = FrameReader()
    while True:
        watched = [descriptor, _STDIN] if announcements.open else [descriptor]
        ready, _, _ = select.select(watched, [], [])
        # A number is announced before its tap is opened: what is known is read before the frames.
        if _STDIN in ready:
            announcements.read()
        if descriptor not in ready:
            continue
        data = os.read(descriptor, READ_BYTES)
        if not data:
            break
        for piece in reader.feed(data):
            while announcements.open and piece.kind is Kind.FRAME and not writer.knows(piece.track):
                announcements.read()
            writer.take(piece)
    writer.finish()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
