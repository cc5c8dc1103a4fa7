"""悦悦 over REST: what is asked is answered, recorded and judged; silent while a human serves, who sees what was asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatbot.indexer import Indexer
from rtc_server.assistant import service
from rtc_server.rest.knowledge_work import without_numbers
from tests.rest.conftest import House, OpenHouse

ME = "taxpayer01"
TURNS = "/api/assistant/turns"


async def send(house: House, method: str, path: str, account: str = ME, **more: Any) -> tuple[int, Any]:
    response = await house.client.request(method, path, headers=house.headers(account), **more)
    return response.status, await response.json() if response.status != 204 else None


async def ask(house: House, account: str = ME, **said: Any) -> Any:
    status, turn = await send(house, "POST", TURNS, account, json=said)
    assert status == 200, turn
    return turn


@pytest.fixture
async def ready(house: House) -> House:
    assert await asyncio.to_thread(house.desk.knowledge.indexer.settled, 100)
    return house


async def test_sure_answers_with_what_is_related(ready: House) -> None:
    turn = await ask(ready, text="怎样开具数电票", page="发票")
    assert (turn["kind"], turn["via"], turn["answer"]["question_id"]) == ("answer", "typed", "fapiao-001")
    assert turn["answer"]["text"].startswith("登录电子税务局")
    assert 1 <= len(turn["questions"]) <= 3
    near = turn["questions"][0]
    clicked = await ask(ready, question_id=near["question_id"])
    assert (clicked["kind"], clicked["via"], clicked["asked"]) == ("answer", "question", near["title"])
    status, body = await send(ready, "POST", TURNS, json={"question_id": "nothing"})
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_asks_back_again_and_then_offers_a_person(ready: House) -> None:
    turn = await ask(ready, text="发票")
    assert (turn["kind"], turn["clarification"]["clarification_id"]) == ("clarify", "invoice")
    options = turn["clarification"]["options"]
    deeper = await ask(ready, clarification_id="invoice", option=options.index("查询、下载或查验"))
    assert deeper["clarification"]["clarification_id"] == "invoice-find"
    assert (deeper["asked"], deeper["offer_human"]) == ("查询、下载或查验", True)
    # Said in words instead of clicked.
    assert (await ask(ready, text="查验真伪"))["answer"]["question_id"] == "fapiao-008"
    status, _ = await send(ready, "POST", TURNS, json={"clarification_id": "invoice", "option": 77})
    assert status == 404


async def test_history_goes_back_beyond_what_is_shown_at_first(ready: House) -> None:
    asked = [await ask(ready, question_id="fapiao-001") for _ in range(3)]
    for turn in (asked[1], asked[0]):
        _, before = await send(ready, "GET", f"{TURNS}?before={turn['at']}")
        ids = [one["turn_id"] for one in before["turns"]]
        assert ids == [one["turn_id"] for one in asked if one["at"] < turn["at"]]
    _, others = await send(ready, "GET", f"{TURNS}?before={asked[2]['at']}", "taxpayer02")
    assert others["turns"] == []
    for wrong in ("-1", "x", str(2**60)):
        assert (await send(ready, "GET", f"{TURNS}?before={wrong}"))[0] == 400


async def test_courtesies_are_no_questions_for_the_figures_and_the_work_list(ready: House) -> None:
    for words, kind in (("你好", "greeting"), ("谢谢", "thanks"), ("怎样开具数电票", "answer")):
        turn = await ask(ready, text=words)
        assert (turn["kind"], turn["offer_human"]) == (kind, False)
    _, figures = await send(ready, "GET", "/api/knowledge/figures?days=1", "editor01")
    day = figures["days"][-1]
    assert (day["turns"], day["typed"], day["answered"]) == (3, 1, 1)
    _, work = await send(ready, "GET", "/api/knowledge/work", "editor01")
    assert work["total"] == 0


async def test_off_the_subject_and_the_word_for_a_person(ready: House) -> None:
    off = await ask(ready, text="今天天气怎么样")
    assert (off["kind"], off["offer_human"], off["answer"]) == ("off_subject", True, None)
    human = await ask(ready, text="转人工")
    assert (human["kind"], human["offer_human"]) == ("human", True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": " "},
        {"text": "x", "question_id": "fapiao-001"},
        {"option": 1},
        {"text": "长" * 501},
        {"text": "\u0000"},
        {"text": 1},
        {"clarification_id": "invoice", "option": -1},
    ],
)
async def test_what_is_no_question_is_refused(house: House, body: dict[str, Any]) -> None:
    status, answer = await send(house, "POST", TURNS, json=body)
    assert (status, answer["error"]["code"]) == (400, "bad_message")


async def test_silent_while_served_and_back_after(ready: House) -> None:
    await ask(ready, text="怎样开具数电票")
    ready.open("i1", opened_at=now_ms())
    status, body = await send(ready, "POST", TURNS, json={"text": "怎样开具数电票"})
    assert (status, body["error"]["code"]) == (409, "assistant_silent")
    assert (await send(ready, "POST", TURNS, "taxpayer02", json={"text": "发票"}))[0] == 200
    status, seen = await send(ready, "GET", "/api/interactions/i1/assistant", "agent01")
    assert [(t["asked"], t["answer"]["title"]) for t in seen["turns"]] == [
        ("怎样开具数电票", "怎样开具数电票")
    ]
    for account in ("agent02", "agent11"):
        assert (await send(ready, "GET", "/api/interactions/i1/assistant", account))[0] == 404
    ready.close("i1")
    assert (await ask(ready, text="怎样开具数电票"))["kind"] == "answer"


async def test_judged_useless_and_corrected(ready: House) -> None:
    turn = await ask(ready, text="怎样开具数电票")
    path = f"{TURNS}/{turn['turn_id']}/feedback"
    status, said = await send(ready, "PUT", path, json={"feedback": "useless", "reason": "off_point"})
    assert (status, said) == (200, {"feedback": "useless", "reason": "off_point"})
    _, work = await send(ready, "GET", "/api/knowledge/work?work=useless", "editor01")
    (item,) = work["items"]
    assert (item["asked"], item["reasons"], item["answered"]["question_id"]) == (
        "怎样开具数电票", {"off_point": 1}, "fapiao-001",
    )  # fmt: skip
    assert "fapiao-001" not in [one["question_id"] for one in item["suggested"]]
    _, said = await send(ready, "PUT", path, json={"feedback": "useful", "reason": "wrong"})
    assert said == {"feedback": "useful", "reason": None}
    _, work = await send(ready, "GET", "/api/knowledge/work", "editor01")
    assert work["total"] == 0
    _, own = await send(ready, "GET", TURNS)
    assert own["turns"][-1]["feedback"] == "useful"
    assert (await send(ready, "PUT", path, "taxpayer02", json={"feedback": "useful"}))[0] == 404
    off = await ask(ready, text="今天天气怎么样")
    path = f"{TURNS}/{off['turn_id']}/feedback"
    assert (await send(ready, "PUT", path, json={"feedback": "useful"}))[0] == 409


async def test_a_miss_becomes_an_alias_and_answers_at_once(ready: House) -> None:
    words = "咱这票子咋整没影了呢 13412343624"
    for account in (ME, "taxpayer02"):
        assert (await ask(ready, account, text=words))["kind"] in ("off_subject", "choices")
    _, work = await send(ready, "GET", "/api/knowledge/work", "editor01")
    (item,) = work["items"]
    assert (item["times"], item["asked"]) == (2, "咱这票子咋整没影了呢 ***")
    assert item["suggested"]
    alias = {"alias": "咱这票子咋整没影了呢", "turn_id": item["turn_id"]}
    status, _ = await send(
        ready, "POST", "/api/knowledge/questions/fapiao-009/aliases", "editor01", json=alias
    )
    assert status == 200
    _, work = await send(ready, "GET", "/api/knowledge/work", "editor01")
    assert work["total"] == 0
    assert await asyncio.to_thread(ready.desk.knowledge.indexer.settled, 100)
    turn = await ask(ready, text="咱这票子咋整没影了呢")
    assert turn["answer"]["question_id"] == "fapiao-009"


async def test_settled_without_an_alias(ready: House) -> None:
    await ask(ready, text="今天天气怎么样")
    _, work = await send(ready, "GET", "/api/knowledge/work?work=miss", "editor01")
    path = f"/api/knowledge/work/{work['items'][0]['turn_id']}/settle"
    assert (await send(ready, "POST", path, "editor01")) == (200, {"settled": 1})
    assert (await send(ready, "POST", path, "editor01")) == (200, {"settled": 0})
    assert (await send(ready, "POST", "/api/knowledge/work/none/settle", "editor01"))[0] == 404
    _, work = await send(ready, "GET", "/api/knowledge/work", "editor01")
    assert work["items"] == []


async def test_favourites_are_ones_own(ready: House) -> None:
    path = "/api/assistant/favourites/fapiao-001"
    assert (await send(ready, "PUT", path, json={"kept": True}))[0] == 200
    _, mine = await send(ready, "GET", "/api/assistant/welcome")
    assert [one["question_id"] for one in mine["favourites"]] == ["fapiao-001"]
    _, others = await send(ready, "GET", "/api/assistant/welcome", "taxpayer02")
    assert others["favourites"] == []
    assert (await send(ready, "PUT", path, json={"kept": False}))[1] == {
        "question_id": "fapiao-001",
        "kept": False,
    }
    _, mine = await send(ready, "GET", "/api/assistant/welcome")
    assert mine["favourites"] == []
    assert (await send(ready, "PUT", "/api/assistant/favourites/none", json={"kept": True}))[0] == 404


async def test_the_welcome_suits_page_and_history(ready: House) -> None:
    _, welcome = await send(ready, "GET", "/api/assistant/welcome?page=发票开具")
    first = [one["question_id"] for one in welcome["guesses"]]
    assert len(first) == 3
    assert all(one.startswith("fapiao") for one in first)
    assert [one["name"] for one in welcome["packs"]] == ["综合业务", "税收优惠", "涉外业务", "数电票业务"]
    assert len(welcome["hot"]) == 10
    assert welcome["entries"][0]["title"] == "办税指南"
    _, others = await send(ready, "GET", "/api/assistant/guesses?page=发票开具&skip=3")
    assert not set(first) & {one["question_id"] for one in others["questions"]}
    await ask(ready, question_id=first[0])
    _, again = await send(ready, "GET", "/api/assistant/welcome?page=发票开具")
    assert first[0] not in [one["question_id"] for one in again["guesses"]]
    assert again["turns"][0]["via"] == "question"


async def test_what_is_asked_becomes_hot_after_a_restart_too(ready: House) -> None:
    for account in (ME, "taxpayer02", "company01"):
        await ask(ready, account, question_id="shewai-001")
    hot = [one["question_id"] for one in (await send(ready, "GET", "/api/assistant/welcome"))[1]["hot"]]
    # Behind the editor's three pins.
    assert hot.index("shewai-001") == 3
    ready.desk.assistant.heats = {}
    await ready.desk.assistant.count_popularity()
    again = [one["question_id"] for one in (await send(ready, "GET", "/api/assistant/welcome"))[1]["hot"]]
    assert again == hot


async def test_packs_are_searched(ready: House) -> None:
    _, whole = await send(ready, "GET", "/api/assistant/packs/relief")
    assert len(whole["questions"]) == 14
    _, some = await send(ready, "GET", "/api/assistant/packs/relief?words=小微")
    assert 0 < len(some["questions"]) < 14
    assert (await send(ready, "GET", "/api/assistant/packs/none"))[0] == 404


async def test_type_ahead(ready: House) -> None:
    status, found = await send(ready, "GET", "/api/assistant/suggestions?text=开具数电")
    assert (status, found["text"]) == (200, "开具数电")
    assert found["questions"][0]["question_id"] == "fapiao-001"
    assert (await send(ready, "GET", "/api/assistant/suggestions?text="))[1]["questions"] == []


async def test_too_much_is_refused_by_person_not_by_address(open_house: OpenHouse) -> None:
    house = await open_house(
        limits={
            "api": "1000000/minute",
            "questions_per_person": "2/minute",
            "suggestions_per_person": "3/minute",
        }
    )
    for _ in range(2):
        await ask(house, question_id="fapiao-001")
    status, body = await send(house, "POST", TURNS, json={"question_id": "fapiao-001"})
    assert (status, body["error"]["code"]) == (429, "rate_limited")
    assert body["error"]["retry_after_ms"] > 0
    await ask(house, "taxpayer02", question_id="fapiao-001")
    answers = [await send(house, "GET", "/api/assistant/suggestions?text=票") for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 429]


async def test_a_question_before_the_first_index_waits_and_is_no_miss(
    ready: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = ready.desk.knowledge
    knowledge.indexer.close()
    knowledge.indexer = Indexer(load_embedding=lambda: None)
    knowledge.indexer.start()
    asking = asyncio.create_task(ask(ready, text="怎样开具数电票"))
    knowledge.indexer.offer(knowledge.base)
    assert (await asking)["answer"]["question_id"] == "fapiao-001"

    knowledge.indexer = Indexer(load_embedding=lambda: None)
    monkeypatch.setattr(service, "FIRST_INDEX_S", 0.05)
    status, body = await send(ready, "POST", TURNS, json={"text": "怎样开具数电票"})
    assert (status, body["error"]["code"]) == (503, "assistant_starting")
    assert body["error"]["retry_after_ms"] > 0


async def test_a_dialogue_goes_on_after_a_restart(open_house: OpenHouse) -> None:
    house = await open_house()
    assert await asyncio.to_thread(house.desk.knowledge.indexer.settled, 100)
    assert (await ask(house, text="退税"))["kind"] == "clarify"
    house.desk.assistant._dialogues.clear()
    turn = await ask(house, text="社保费")
    assert turn["answer"]["question_id"] == "shebao-007", (
        "an option of the open question back, not 社保 itself"
    )


async def test_regions_and_validity(ready: House) -> None:
    for question_id, more in (
        ("own-gd", {"regions": ["440000"]}),
        ("own-ah", {"regions": ["340000"]}),
        ("own-old", {"valid_until": "2020-01-01"}),
    ):
        body = {"revision": 0, "topic": "fuwu", "title": f"专属问题{question_id}", "answer": "答"} | more
        status, _ = await send(ready, "PUT", f"/api/knowledge/questions/{question_id}", "editor01", json=body)
        assert status == 200
    assert await asyncio.to_thread(ready.desk.knowledge.indexer.settled, 100)
    assert (await ask(ready, question_id="own-gd"))["answer"]["title"] == "专属问题own-gd"
    for unknown in ("own-ah", "own-old"):
        assert (await send(ready, "POST", TURNS, json={"question_id": unknown}))[0] == 404
    _, found = await send(ready, "GET", "/api/assistant/suggestions?text=专属问题")
    assert [one["question_id"] for one in found["questions"]] == ["own-gd"]


async def test_figures_by_day(ready: House) -> None:
    await ask(ready, text="怎样开具数电票")
    await ask(ready, text="今天天气怎么样")
    await ask(ready, text="发票")
    await ask(ready, "taxpayer02", text="人工")
    ready.open("i1", "taxpayer02", opened_at=now_ms() + 5)
    status, figures = await send(ready, "GET", "/api/knowledge/figures?days=7", "editor01")
    assert status == 200
    assert len(figures["days"]) == 7
    today = figures["days"][-1]
    assert {name: today[name] for name in ("turns", "typed", "answered", "clarified", "off_subject")} == {
        "turns": 4, "typed": 3, "answered": 1, "clarified": 1, "off_subject": 1,
    }  # fmt: skip
    assert (today["people"], today["handed_over"]) == (2, 1)
    assert figures["open"] == {"miss": 1, "unsure": 0, "useless": 0}


async def test_many_at_once(ready: House) -> None:
    ids = ["fapiao-001", "fapiao-002", "nothing"]
    path = "/api/knowledge/bulk"
    body = {"action": "move", "topic": "fuwu", "question_ids": ids}
    assert await send(ready, "POST", path, "editor01", json=body) == (200, {"changed": 2})
    _, one = await send(ready, "GET", "/api/knowledge/questions/fapiao-001", "editor01")
    assert (one["topic"], one["revision"]) == ("fuwu", 2)
    body = {"action": "limit", "valid_until": "someday", "question_ids": ids}
    status, refused = await send(ready, "POST", path, "editor01", json=body)
    assert (status, refused["error"]["code"]) == (400, "bad_message")
    body = {"action": "limit", "valid_until": "2020-12-31", "question_ids": ids}
    assert (await send(ready, "POST", path, "editor01", json=body))[1] == {"changed": 2}
    body = {"action": "unpin", "question_ids": ids}
    assert (await send(ready, "POST", path, "editor01", json=body))[1] == {"changed": 1}
    status, _ = await send(ready, "POST", path, "editor01", json={"action": "move", "question_ids": ids})
    assert status == 400


def test_long_numbers_are_hidden() -> None:
    assert without_numbers("我的税号91440101MA5AAAA12X和12366") == "我的税号***MA5AAAA12X和12366"


def now_ms() -> int:
    import time

    return time.time_ns() // 1_000_000
