"""Notes edited by several at once: no edit is lost, nothing hostile is taken."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from signaling.errors import BadInput, DomainError, ErrorCode
from signaling.rooms.meeting_note_update import check_update
from signaling.rooms.meeting_notes import MAX_CHARACTERS, MAX_UPDATE_BYTES, ROOT, MeetingNotes


class Page:
    """A browser with the notes open: sends what the server lacks by the vector it gave last."""

    def __init__(self, server: MeetingNotes) -> None:
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get(ROOT, type=Text)
        self.server = server
        self.known = b"\x00"

    def pull(self) -> None:
        self.doc.apply_update(self.server.since(self.doc.get_state()))
        self.known = self.server.vector()

    def push(self) -> None:
        self.server.merge(self.doc.get_update(self.known))
        self.known = self.server.vector()


def test_two_who_write_beside_each_other_lose_nothing() -> None:
    server = MeetingNotes()
    first, second = Page(server), Page(server)
    first.text.insert(0, "甲方意见。")
    second.text.insert(0, "乙方意见。")
    first.push()
    second.push()
    first.pull()
    second.pull()
    assert str(first.text) == str(second.text) == server.text()
    assert sorted(server.text()) == sorted("甲方意见。乙方意见。")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["type", "delete", "push", "pull"]),
            st.integers(0, 30),
            st.text("abcd", min_size=1, max_size=4),
        ),
        max_size=40,
    )
)
def test_all_see_the_same_in_the_end(steps: list[tuple[int, str, int, str]]) -> None:
    server = MeetingNotes()
    pages = [Page(server) for _ in range(3)]
    typed = deleted = 0
    for who, what, at, words in steps:
        page = pages[who]
        length = len(str(page.text))
        if what == "type":
            page.text.insert(min(at, length), words)
            typed += len(words)
        elif what == "delete" and length:
            del page.text[min(at, length - 1)]
            deleted += 1
        elif what == "push":
            page.push()
        elif what == "pull":
            page.pull()
    for page in pages:
        page.push()
    for page in pages:
        page.pull()
        assert str(page.text) == server.text()
    # Two may delete the same letter; no other letter is ever gone.
    assert typed - deleted <= len(server.text()) <= typed
    assert MeetingNotes(server.since()).text() == server.text()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_update_changes_nothing(data: bytes) -> None:
    notes = MeetingNotes()
    page = Page(notes)
    page.text.insert(0, "笔记")
    page.push()
    if data == b"\x00\x00":
        return  # an update with nothing in it
    with contextlib.suppress(BadInput):
        notes.merge(data)
        # By chance it can be read: then it is an edit of ours or waits for one that is not there.
        check_update(data, ROOT)
    assert notes.text() in ("笔记", "")


@settings(deadline=None)
@given(st.integers(0, 120), st.integers(0, 255))
def test_a_damaged_update_is_read_or_refused(at: int, byte: int) -> None:
    source: Doc[Text] = Doc()
    text = source.get(ROOT, type=Text)
    text.insert(0, "调解笔记 notes")
    del text[0:3]
    text.insert(2, "x")
    update = bytearray(source.get_update())
    update[at % len(update)] = byte
    with contextlib.suppress(BadInput):
        MeetingNotes().merge(bytes(update))


@pytest.mark.parametrize(
    "bomb",
    [b"\x80\x80\x80q", b"\xff\xff\xff\xff\x0f", b"\x01\xff\xff\xff\xff\x07\x01\x00", b"\x00\xff\xff\xff\x7f"],
)
def test_a_few_bytes_that_promise_much_are_refused_at_once(bomb: bytes) -> None:
    with pytest.raises(BadInput):
        MeetingNotes().merge(bomb)
    with pytest.raises(BadInput):
        MeetingNotes().since(bomb)


def test_only_the_text_is_edited() -> None:
    other: Doc[Text] = Doc()
    other.get("hidden", type=Text).insert(0, "x")
    with pytest.raises(BadInput):
        MeetingNotes().merge(other.get_update())
    formatted: Doc[Text] = Doc()
    formatted.get(ROOT, type=Text).insert(0, "x", {"bold": True})
    with pytest.raises(BadInput):
        MeetingNotes().merge(formatted.get_update())
    mapped: Doc[Map] = Doc()
    mapped.get(ROOT, type=Map)["key"] = "value"
    with pytest.raises(BadInput):
        MeetingNotes().merge(mapped.get_update())


@given(st.binary(max_size=60))
def test_any_vector_is_answered_or_refused(vector: bytes) -> None:
    with contextlib.suppress(BadInput):
        MeetingNotes().since(vector)


def test_too_long_is_refused_and_shortening_is_always_taken() -> None:
    notes = MeetingNotes()
    page = Page(notes)
    page.text.insert(0, "长" * MAX_CHARACTERS)
    page.push()
    over = Page(notes)
    over.pull()
    over.text.insert(0, "多")
    with pytest.raises(DomainError) as caught:
        over.push()
    assert caught.value.code is ErrorCode.NOTES_TOO_LONG
    assert len(notes.text()) == MAX_CHARACTERS
    page.text.clear()
    page.push()
    assert notes.text() == ""
    with pytest.raises(DomainError):
        notes.merge(b"\x01" * (MAX_UPDATE_BYTES + 1))


def test_half_an_update_is_not_kept_back() -> None:
    """What refers to an edit that never came takes no memory."""
    notes = MeetingNotes()
    page = Page(notes)
    page.text.insert(0, "a")
    missing = page.doc.get_state()
    page.text.insert(1, "b")
    before = len(notes.since())
    notes.merge(page.doc.get_update(missing))
    assert notes.text() == ""
    assert len(notes.since()) == before
