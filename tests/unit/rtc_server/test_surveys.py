"""Surveys and what follows a meeting: rules without I/O."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rtc_server.casework.mediations import told_of
from rtc_server.casework.surveys import MAX_WORDS_SHOWN, fits, in_words, tally
from rtc_server.records.mediations import MediationRecord
from rtc_server.records.meetings import MeetingMemberRecord, MeetingRecord
from signaling.sessions.meeting_states import MediationPhase, MeetingPhase, MeetingRole
from signaling.sessions.states import Role

SURVEY = (
    {"question": "满意吗", "options": ["满意", "一般"], "multiple": False},
    {"question": "渠道", "options": ["网上", "电话", "窗口"], "multiple": True},
    {"question": "建议", "options": [], "multiple": False},
)


def choice(*options: int, words: str = "") -> dict[str, Any]:
    return {"options": list(options), "words": words}


def test_answers_fit_only_as_asked() -> None:
    good = [choice(0), choice(0, 2), choice(words="好")]
    assert fits(SURVEY, good)
    wrong = (
        good[:2],
        [choice(), *good[1:]],
        [choice(0, 1), *good[1:]],
        [choice(2), *good[1:]],
        [choice(0, words="x"), *good[1:]],
        [good[0], choice(1, 1), good[2]],
        [good[0], choice(), good[2]],
        [*good[:2], choice(words="  ")],
        [*good[:2], choice(0)],
    )
    for one in wrong:
        assert not fits(SURVEY, one), one
    assert not fits((), [])


def test_a_sheet_reads_answers_in_words() -> None:
    assert in_words(SURVEY[1], choice(0, 2)) == "网上；窗口"
    assert in_words(SURVEY[2], choice(words="延长")) == "延长"


ANSWERS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.lists(st.integers(0, 2), min_size=1, unique=True),
        st.text(min_size=1, max_size=3),
    ),
    max_size=30,
)


@given(ANSWERS)
def test_a_tally_counts_everybody_once(people: list[tuple[int, list[int], str]]) -> None:
    one, several, words = tally(SURVEY, ([choice(a), choice(*b), choice(words=c)] for a, b, c in people))
    assert sum(count for _, count in one.options) == len(people)
    assert [count for _, count in several.options] == [sum(n in b for _, b, _ in people) for n in range(3)]
    assert list(words.words) == [c for _, _, c in people]
    assert [option for option, _ in several.options] == ["网上", "电话", "窗口"]


def test_words_are_shown_up_to_a_limit() -> None:
    given_words = [[choice(0), choice(0), choice(words=str(number))] for number in range(MAX_WORDS_SHOWN + 5)]
    *_, words = tally(SURVEY, given_words)
    assert words.words == tuple(str(number) for number in range(MAX_WORDS_SHOWN))


def application(agent_id: str | None = "agent01") -> MediationRecord:
    return MediationRecord(
        "a1", 1, "TJSQ1", "taxpayer01", "张*", None, "争议", "详情", 1, MediationPhase.DONE, "m1", agent_id
    )


def member(person_id: str, role: Role) -> MeetingMemberRecord:
    return MeetingMemberRecord("m1", person_id, 1, role, person_id, MeetingRole.PARTICIPANT, 1)


def test_of_a_meetings_end_hear_the_applicant_and_the_staff_each_once() -> None:
    held = MeetingRecord("m1", 1, "a1", MeetingPhase.ENDED, "agent01", False, 1_000, 1_000 + 35 * 60_000)
    people = [
        member("agent01", Role.AGENT),
        member("taxpayer01", Role.TAXPAYER),
        member("company01", Role.TAXPAYER),
        member("lead01", Role.SUPERVISOR),
        member("stream-s1", Role.AGENT),
    ]
    told = told_of(application(), held, people)
    assert [one.person_id for one in told] == ["taxpayer01", "agent01", "lead01"]
    assert all("历时 35 分钟" in one.body and "TJSQ1" in one.body for one in told)
    assert told[0].link[1] == "/centre/mediations?number=TJSQ1"
    assert {one.link[1] for one in told[1:]} == {"/desk/records/mediations?number=TJSQ1"}
    assert "争议" not in told[0].body, "on a locked screen it says no more than it must"


def test_who_it_was_given_to_hears_it_also_when_they_did_not_come() -> None:
    never = MeetingRecord("m1", 1, "a1", MeetingPhase.ENDED, None, False, None, 5_000)
    told = told_of(application("agent02"), never, [])
    assert [one.person_id for one in told] == ["taxpayer01", "agent02"]
    assert "历时" not in told[0].body
    assert [one.person_id for one in told_of(application(None), never, [])] == ["taxpayer01"]
