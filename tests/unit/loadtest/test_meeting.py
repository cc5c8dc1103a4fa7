"""Who looks at whom in a meeting of synthetic peers, and whom one must hear."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.types import Source
from rtc_server.loadtest.callers import Caller, Group
from rtc_server.loadtest.meeting import MAX_PEOPLE, PAGE, looked_at, speaking, wanted
from signaling.sessions.meeting_model import MeetingSettings

pytestmark = pytest.mark.unit


@given(st.integers(2, MAX_PEOPLE))
def test_every_camera_is_looked_at_and_nobody_looks_at_more_than_a_page(people: int) -> None:
    pages = [looked_at(seat, people) for seat in range(people)]
    assert frozenset().union(*pages) == frozenset(range(people))
    for seat, page in enumerate(pages):
        assert seat not in page
        assert min(PAGE, people) - 1 <= len(page) <= PAGE
    if people > PAGE:
        assert all(one != other for one, other in pairwise(pages))


@given(st.integers(2, MAX_PEOPLE))
def test_few_speak_and_all_others_must_hear_them(people: int) -> None:
    voices = speaking(people)
    assert 1 <= len(voices) <= 4
    ids = tuple(f"p{seat}" for seat in range(people))
    for seat, own in enumerate(ids):
        heard = {person for person, source in wanted(ids)[own] if source == Source.MICROPHONE}
        assert heard == {ids[voice] for voice in voices - {seat}}


def test_what_a_room_expects_is_what_is_wanted() -> None:
    people = [Caller(f"p{seat}") for seat in range(20)]
    group = Group(0, people[0], people[1], attendees=tuple(people[2:]))
    group.publishes = {one.person_id: (Source.MICROPHONE, Source.CAMERA) for one in people}
    assert len(list(group.expected())) == 20 * 19 * 2
    group.wanted = wanted(tuple(one.person_id for one in group.people))
    of_first = [track for track in group.expected() if track[0] == "p0"]
    assert len(of_first) == 15 + 3
    assert ("p0", "p19", "camera") not in of_first


def test_as_many_as_the_rules_let_in() -> None:
    assert MeetingSettings().max_present == MAX_PEOPLE
