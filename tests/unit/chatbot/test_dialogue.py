"""One conversation with 悦悦: who is answered, who is asked back, when a person is offered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.dialogue import MAX_ROUNDS, Asker, DialogueState, ReplyKind, choose, pick, say, wants_human
from chatbot.index import Index
from chatbot.knowledge import Clarification, KnowledgeBase
from tests.unit.chatbot.conftest import TODAY

pytestmark = pytest.mark.unit


def _clarification(index: Index, state: DialogueState) -> Clarification:
    found = index.base.clarification(state.clarification_id or "")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    ["人工", "【人工】", "转人工", "人工客服", "我要转人工！", "请转接人工", "请问，转人工", " 人工 。"],
)
def test_words_of_handing_over(text: str) -> None:
    assert wants_human(text)


@pytest.mark.parametrize(
    "text", ["人工几点上班", "怎么转人工", "不要转人工", "人工智能是什么", "手工费怎么开票", ""]
)
def test_words_that_only_sound_like_it(text: str) -> None:
    assert not wants_human(text)


def test_a_known_phrasing_is_answered_with_related_questions(index: Index, asker: Asker) -> None:
    state, reply = say(DialogueState(misses=1), "请问，怎样开具数电票？", index, asker)
    assert reply.kind is ReplyKind.ANSWER
    assert index.base.by_id[reply.question_ids[0]].title == "怎样开具数电票"
    assert len(reply.question_ids) == 4
    assert len(set(reply.question_ids)) == 4
    assert state == DialogueState()


def test_a_word_alone_is_asked_back_and_a_click_leads_on(index: Index, asker: Asker) -> None:
    state, reply = say(DialogueState(), "发票", index, asker)
    assert reply.kind is ReplyKind.CLARIFY
    assert reply.clarification_id == "invoice"
    state, reply = choose(state, "invoice", 1, index, asker)
    assert (reply.kind, reply.clarification_id) == (ReplyKind.CLARIFY, "invoice-wrong")
    assert reply.offer_human
    state, reply = choose(state, "invoice-wrong", 3, index, asker)
    assert reply.kind is ReplyKind.ANSWER
    assert index.base.by_id[reply.question_ids[0]].title == "数电票可以作废吗"
    assert state == DialogueState()


def test_an_option_may_be_typed(index: Index, asker: Asker) -> None:
    state, _ = say(DialogueState(), "报税", index, asker)
    state, reply = say(state, "增值税", index, asker)
    assert reply.clarification_id == "declare-vat"
    _, reply = say(state, "小规模纳税人", index, asker)
    assert index.base.by_id[reply.question_ids[0]].title == "小规模纳税人怎样申报增值税"


def test_still_unclear_is_asked_again_then_a_person_is_offered(index: Index, asker: Asker) -> None:
    state, reply = say(DialogueState(), "退税", index, asker)
    kinds = [reply.kind]
    for _ in range(MAX_ROUNDS):
        state, reply = say(state, "嗯这个嘛", index, asker)
        kinds.append(reply.kind)
    assert kinds == [*[ReplyKind.CLARIFY] * MAX_ROUNDS, ReplyKind.OFF_SUBJECT]
    assert reply.offer_human
    assert state.clarification_id is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("你好", ReplyKind.GREETING),
        ("您好！", ReplyKind.GREETING),
        ("在吗？", ReplyKind.GREETING),
        ("谢谢", ReplyKind.THANKS),
        ("好的，谢谢。", ReplyKind.THANKS),
    ],
)
def test_a_courtesy_is_answered_as_one_and_changes_nothing(
    index: Index, asker: Asker, text: str, kind: ReplyKind
) -> None:
    """在吗 was answered with the tax on income from abroad, 你好 with an apology."""
    asked_back, _ = say(DialogueState(), "退税", index, asker)
    for state in (DialogueState(misses=1), asked_back):
        after, reply = say(state, text, index, asker)
        assert (reply.kind, reply.question_ids, reply.offer_human) == (kind, (), False)
        assert after == state
    assert say(DialogueState(), f"{text} 发票丢失了怎么办", index, asker)[1].kind not in (
        kind,
        ReplyKind.HUMAN,
    )


@pytest.mark.parametrize("text", ["第二个", "2", "选2", "第2项", "选择第二个"])
def test_an_option_may_be_named_by_its_place(index: Index, asker: Asker, text: str) -> None:
    state, _ = say(DialogueState(), "发票", index, asker)
    assert say(state, text, index, asker) == choose(state, "invoice", 1, index, asker)


def test_an_option_is_found_in_what_is_said_around_it(index: Index, asker: Asker) -> None:
    state, _ = say(DialogueState(), "个税", index, asker)
    options = [one.label for one in _clarification(index, state).options]
    at = options.index("纳税记录")
    _, clicked = choose(state, _clarification(index, state).clarification_id, at, index, asker)
    _, reply = say(state, "我要那个纳税记录的", index, asker)
    assert reply.kind is ReplyKind.ANSWER
    assert reply.question_ids[0] == clicked.question_ids[0]


def test_a_choice_may_be_named_by_its_place(index: Index, asker: Asker) -> None:
    state, reply = say(DialogueState(), "企业 资料 怎么 处理", index, asker)
    assert reply.kind is ReplyKind.CHOICES
    _, second = say(state, "第二个", index, asker)
    assert (second.kind, second.question_ids[0]) == (ReplyKind.ANSWER, reply.question_ids[1])
    # Without anything to choose from it is no answer to anything.
    assert say(DialogueState(), "第二个", index, asker)[1].kind is not ReplyKind.HUMAN


def test_what_is_near_is_shown_also_while_a_question_back_is_open(index: Index, asker: Asker) -> None:
    state, _ = say(DialogueState(), "退税", index, asker)
    after, reply = say(state, "企业 资料 怎么 处理", index, asker)
    assert reply.kind is ReplyKind.CHOICES
    assert after.clarification_id == state.clarification_id


def test_two_turns_without_an_answer_offer_a_person(index: Index, asker: Asker) -> None:
    state, first = say(DialogueState(), "企业 资料 怎么 处理", index, asker)
    assert first.kind is ReplyKind.CHOICES
    assert not first.offer_human
    _, second = say(state, "公司 信息 怎么 办理", index, asker)
    assert second.offer_human


def test_what_is_not_in_force_is_not_found(index: Index, base: KnowledgeBase) -> None:
    here = replace(
        base,
        questions=(
            replace(base.questions[0], regions=("340000",), valid_until=date(2026, 1, 1)),
            *base.questions[1:],
        ),
    )
    other = Index.build(here, None)
    title = base.questions[0].title
    for asker in (Asker("442000", TODAY), Asker("340100", TODAY), Asker(None, date(2025, 1, 1))):
        _, reply = say(DialogueState(), title, other, asker)
        assert base.questions[0].question_id not in reply.question_ids
        with pytest.raises(LookupError):
            pick(base.questions[0].question_id, other, asker)
    _, reply = say(DialogueState(), title, other, Asker("340100", date(2025, 1, 1)))
    assert reply.question_ids[0] == base.questions[0].question_id


def test_a_click_on_what_is_gone_is_refused(index: Index, asker: Asker) -> None:
    with pytest.raises(LookupError):
        choose(DialogueState(), "invoice", 99, index, asker)
    with pytest.raises(LookupError):
        choose(DialogueState(), "none", 0, index, asker)
    with pytest.raises(LookupError):
        pick("none", index, asker)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60), st.sampled_from(["发票", "退税", "人工", "跨省", "嗯", "你好", "第一个"])
        ),
        max_size=6,
    )
)
def test_whatever_is_said_gets_a_reply_that_can_be_shown(index: Index, texts: list[str]) -> None:
    state, asker = DialogueState(), Asker("442000", TODAY)
    for text in texts:
        state, reply = say(state, text, index, asker)
        assert all(one in index.base.by_id for one in reply.question_ids)
        assert (reply.kind is ReplyKind.CLARIFY) == (reply.clarification_id is not None)
        assert (reply.kind in (ReplyKind.ANSWER, ReplyKind.CHOICES)) == bool(reply.question_ids)
        assert state.rounds <= MAX_ROUNDS
        if reply.kind in (ReplyKind.OFF_SUBJECT, ReplyKind.HUMAN):
            assert reply.offer_human
