"""The journal alone: what is appended comes back in order, whatever happened to the file or the process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.records.journal import (
    Entry,
    FsyncPolicy,
    Journal,
    JournalFailed,
    JournalLocked,
    JournalReader,
    decode_line,
    encode_line,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def read_all(journal: Journal, limit: int = 10) -> list[Entry]:
    reader, found = JournalReader(journal), []
    while entries := reader.read(limit):
        found += entries
    return found


def entries(*payloads: bytes, first: int = 1) -> list[Entry]:
    return [Entry(first + at, payload) for at, payload in enumerate(payloads)]


@given(st.integers(1, 2**60), st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"")))
def test_a_line_comes_back_and_a_changed_one_does_not(number: int, payload: bytes) -> None:
    line = encode_line(Entry(number, payload))
    assert decode_line(line) == Entry(number, payload)
    assert decode_line(line[:-1]) is None
    for at in range(len(line)):
        changed = bytes((*line[:at], line[at] ^ 1, *line[at + 1 :]))
        found = decode_line(changed)
        # The case of a hexadecimal digit and such may change without changing the meaning.
        assert found is None or found == Entry(number, payload)


def test_in_order_over_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=200)
    reader = JournalReader(journal)
    found = []
    for number in range(50):
        assert journal.append([b"payload %d" % number]) == number + 1
        if number % 3 == 0:
            found += reader.read(2)
    while more := reader.read(7):
        found += more
    assert found == entries(*(b"payload %d" % number for number in range(50)))
    assert len(journal.segments()) > 5
    assert reader.read(10) == []
    journal.append([b"a", b"b"])
    assert reader.read(10) == entries(b"a", b"b", first=51)
    journal.close()


def test_a_segment_that_ends_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    """The reader looks how far it may go, then which segments there are; between the two the writer begins a new one."""
    journal = Journal(tmp_path, segment_bytes=100)
    reader = JournalReader(journal)
    list_segments = journal.segments

    def while_the_writer_goes_on() -> list[tuple[int, Path]]:
        journal.segments = list_segments  # type: ignore[method-assign]
        while len(list_segments()) < 2:
            journal.append([b"entry"])
        return list_segments()

    journal.append([b"entry"])
    journal.segments = while_the_writer_goes_on  # type: ignore[method-assign]
    found: list[Entry] = []
    while len(found) < journal.last_number and (more := reader.read(10)):
        found += more
    journal.close()
    assert [entry.number for entry in found] == list(range(1, journal.last_number + 1))


def test_appending_never_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk under load takes half a second for it, and every conversation would stand still so long."""
    forced: list[str] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _fd, name=name: forced.append(name))
    journal = Journal(tmp_path, FsyncPolicy.INTERVAL, segment_bytes=100)
    for _ in range(20):
        journal.append([b"entry"])
    assert len(journal.segments()) > 2
    assert not forced
    journal.sync()
    assert forced.count("fdatasync") == len(journal.segments())
    assert "fsync" in forced
    journal.close()


def test_continues_after_a_restart(tmp_path: Path) -> None:
    for start in range(3):
        journal = Journal(tmp_path)
        assert journal.append([b"x%d" % start, b"y%d" % start]) == 2 * start + 2
        journal.close()
    journal = Journal(tmp_path)
    assert read_all(journal) == entries(b"x0", b"y0", b"x1", b"y1", b"x2", b"y2")
    journal.close()


def test_the_checkpoint_forgets_what_is_stored(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=1)
    for number in range(6):
        journal.append([b"%d" % number])
    journal.checkpoint(4)
    journal.checkpoint(2)
    assert journal.waiting == 2
    assert [first for first, _ in journal.segments()] == [5, 6]
    journal.close()
    journal = Journal(tmp_path)
    assert read_all(journal) == entries(b"4", b"5", first=5)
    journal.checkpoint(6)
    assert journal.append([b"6"]) == 7
    journal.close()
    journal = Journal(tmp_path)
    assert read_all(journal) == entries(b"6", first=7)
    journal.close()


def test_numbers_go_on_when_everything_is_stored(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=1)
    journal.append([b"a"])
    journal.append([b"b"])
    journal.checkpoint(2)
    journal.close()
    journal = Journal(tmp_path)
    assert read_all(journal) == []
    assert journal.append([b"c"]) == 3
    assert read_all(journal) == entries(b"c", first=3)
    journal.close()


@pytest.mark.parametrize("cut", [1, 5, 12, 20])
def test_a_torn_last_line_is_passed_over(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    journal.append([b"first"])
    journal.append([b"second"])
    (_, path), *_ = journal.segments()
    journal.close()
    os.truncate(path, path.stat().st_size - cut)
    journal = Journal(tmp_path)
    assert journal.append([b"third"]) == 2
    assert read_all(journal) == entries(b"first", b"third")
    journal.close()


def test_a_segment_torn_from_the_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([b"only"])
    (_, path), *_ = journal.segments()
    journal.close()
    os.truncate(path, 3)
    journal = Journal(tmp_path)
    journal.append([b"new"])
    assert read_all(journal) == entries(b"new")
    journal.close()


def test_damage_in_the_middle_costs_one_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([b"first", b"second", b"third"])
    (_, path), *_ = journal.segments()
    journal.close()
    path.write_bytes(path.read_bytes().replace(b"second", b"sEcond"))
    journal = Journal(tmp_path)
    reader = JournalReader(journal)
    assert reader.read(10) == [Entry(1, b"first"), Entry(3, b"third")]
    assert reader.damaged == 1
    journal.close()


def test_a_damaged_checkpoint_means_from_the_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([b"a", b"b"])
    journal.checkpoint(1)
    journal.close()
    (tmp_path / "checkpoint").write_bytes(b"2 00000000\n")
    journal = Journal(tmp_path)
    assert read_all(journal) == entries(b"a", b"b")
    journal.close()


def test_two_processes_cannot_write_it(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalLocked):
        Journal(tmp_path / "journal")


def test_rejected_entries_are_kept(journal: Journal) -> None:
    assert journal.rejected() == []
    journal.reject(Entry(7, b"strange"))
    assert journal.rejected() == [Entry(7, b"strange")]


def test_a_full_disk_refuses_and_spoils_nothing(tmp_path: Path) -> None:
    """The limit of the file size stands for the full disk: both stop a write half way."""
    journal = Journal(tmp_path, FsyncPolicy.ALWAYS)
    reader = JournalReader(journal)
    journal.append([b"x" * 100])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(JournalFailed):
            journal.append([b"y" * 600, b"z" * 2_000])
        assert journal.last_number == 1
        with pytest.raises(JournalFailed):
            journal.append([b"z" * 2_000])
        assert journal.append([b"small"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    journal.append([b"y" * 2_000])
    expected = entries(b"x" * 100, b"small", b"y" * 2_000)
    assert reader.read(10) == expected
    journal.close()
    journal = Journal(tmp_path)
    assert read_all(journal) == expected
    journal.close()


@pytest.mark.parametrize("policy", list(FsyncPolicy))
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, policy: FsyncPolicy) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from rtc_server.records.journal import FsyncPolicy, Journal\n"
        "journal = Journal(Path(sys.argv[1]), FsyncPolicy(sys.argv[2]), segment_bytes=4096)\n"
        "number = journal.last_number\n"
        "while True:\n"
        "    number += 1\n"
        "    journal.append([b'payload %d' % number])\n"
        "    sys.stdout.write(f'{number}\\n'); sys.stdout.flush()\n"
    )
    acknowledged = 0
    for lines in (1, 100, 700):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), policy.value], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                acknowledged = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:
                acknowledged = int(line) if line.endswith("\n") else acknowledged
    journal = Journal(tmp_path)
    found = read_all(journal, 100)
    assert len(found) >= acknowledged
    assert found == entries(*(b"payload %d" % number for number in range(1, len(found) + 1)))
    journal.close()
