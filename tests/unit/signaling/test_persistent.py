"""The persistent containers against the plain ones they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.sessions.persistent import PersistentMap, SortedLine

KEYS = st.text(alphabet="abcdef", min_size=1, max_size=3)


@given(st.lists(st.tuples(st.booleans(), KEYS, st.integers())))
def test_map_is_a_dict_that_never_changes(steps: list[tuple[bool, str, int]]) -> None:
    model: dict[str, int] = {}
    shared: PersistentMap[int] = PersistentMap()
    for put, key, value in steps:
        before, old = dict(shared.items()), shared
        if put:
            shared = shared.set(key, value)
            model[key] = value
        else:
            shared = shared.remove(key)
            model.pop(key, None)
        assert dict(old.items()) == before
        assert dict(shared.items()) == model
        assert len(shared) == len(model)
        assert shared.get(key) == model.get(key)
    assert shared == PersistentMap(model.items())


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=500))
def test_line_is_a_sorted_set_that_never_changes(steps: list[tuple[bool, int]]) -> None:
    model: set[tuple[int]] = set()
    line: SortedLine[tuple[int]] = SortedLine()
    for put, number in steps:
        entry, before, old = (number,), len(line), line
        line = line.add(entry) if put else line.remove(entry)
        model = model | {entry} if put else model - {entry}
        assert len(old) == before
        assert len(line) == len(model)
        assert (entry in line) == (entry in model)
        assert line.count_before(entry) == sum(other < entry for other in model)
        assert line.first() == min(model, default=None)
    assert list(line) == sorted(model)


def test_a_long_line_splits_its_blocks_and_keeps_order() -> None:
    line: SortedLine[tuple[int]] = SortedLine()
    for number in range(1_000):
        line = line.add(((number * 7_919) % 1_000,))
    assert [entry[0] for entry in line] == list(range(1_000))
    assert line.count_before((500,)) == 500
