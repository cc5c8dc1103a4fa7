"""Conversations with 悦悦: who asks what, what she says, and what is kept of it. Retrieval runs beside the event loop.

She is silent while a human serves: what is written then is for the human. While somebody waits in the queue she goes on
answering, since what she answers may save them the wait; afterwards she is back by herself.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from chatbot.dialogue import Asker, DialogueState, Reply, ReplyKind, choose, pick, say
from chatbot.guess import guesses
from chatbot.knowledge import KnowledgeBase, Question, QuickEntry
from chatbot.popularity import Heat, hottest
from rtc_server.knowledge.service import KnowledgeService
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.organisation.service import OrganisationService
from rtc_server.records import assistant as rows
from rtc_server.records.assistant import AssistantTurn, Favourite, Feedback, FeedbackReason, Via, Work
from rtc_server.records.recording import Recording
from signaling.errors import ErrorCode, Refused
from signaling.rooms.ports import Person, RecordsUnavailable

if TYPE_CHECKING:
    from chatbot.index import Index
    from chatbot.pinyin import Homophones

DAY_MS = 86_400_000
POPULARITY_INTERVAL_S = 60.0
_POPULARITY_DAYS = 21
"""Seven half-lives: what is older weighs less than a hundredth."""
_DIALOGUE_MS = 30 * 60_000
"""After so long a question back is forgotten."""
_REMEMBERED = 20_000
MAX_FAVOURITES = 200
FIRST_INDEX_S = 5.0
"""How long a question asked right after the start waits for the index of words, which takes far less."""
HOT_LIMIT = 10
SUGGESTIONS = 6

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """One of three: words, a click on a question, or on an option of a question back."""

    text: str | None = None
    question_id: str | None = None
    clarification_id: str | None = None
    option: int = 0
    spoken: bool = False
    """Of ``text``: dictated, at least in part. Homophones may stand in it."""


class AssistantService:
    """``start()``, and ``await stop()`` at the end."""

    def __init__(
        self,
        knowledge: KnowledgeService,
        recording: Recording,
        organisation: OrganisationService,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.heats: dict[str, Heat] = {}
        self._knowledge = knowledge
        self._recording = recording
        self._organisation = organisation
        self._clock_ms = clock_ms
        self._dialogues: OrderedDict[str, tuple[int, DialogueState]] = OrderedDict()
        self._counting: asyncio.Task[None] | None = None
        self._warmed = False
        self._homophones: tuple[KnowledgeBase, Homophones] | None = None
        self._sounding = threading.Lock()

    def start(self) -> None:
        self._counting = asyncio.create_task(self._count(), name="assistant-popularity")

    async def stop(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.gather(self._counting, return_exceptions=True)

    def expect_speech(self) -> None:
        """Somebody dictates: which characters sound alike in the knowledge is worked out meanwhile."""
        indexer = self._knowledge.indexer
        indexer.start()
        if indexer.answering:
            asyncio.get_running_loop().run_in_executor(None, self._sounds, indexer.ready.index)

    def expect_questions(self) -> None:
        """Somebody opened the window: what their first question needs is loaded meanwhile."""
        self._knowledge.indexer.start()
        if not self._warmed and self._knowledge.indexer.status.with_vectors:
            self._warmed = True
            asyncio.get_running_loop().run_in_executor(None, self._knowledge.indexer.warm)

    def region_of(self, person: Person) -> str | None:
        """The code of the person's authority, if we know it; else the region their token names."""
        authorities = self._organisation.whole.authorities
        for text in (person.authority, person.region):
            authority = authorities.find(text) if text else None
            if authority is not None:
                return authority.code
        return person.region

    def asker(self, person: Person) -> Asker:
        return Asker(self.region_of(person), today(self._clock_ms()))

    async def ask(self, person: Person, said: Said, page: str) -> AssistantTurn:
        """Raises ``Refused``: ``assistant_silent`` while a human serves, ``not_found`` for a question or an option that
        is not there any more, ``assistant_starting``; and ``RecordsUnavailable``: what cannot be recorded is not answered."""
        if self._recording.live.is_served(person.person_id):
            raise Refused(ErrorCode.ASSISTANT_SILENT)
        asker, before = self.asker(person), await self._dialogue(person.person_id)
        index = await self.index()
        try:
            # In a thread: the vectors of a question take some 25 ms of a processor.
            state, reply, asked = await asyncio.to_thread(self._answer, before, said, index, asker)
        except LookupError as error:
            raise Refused(ErrorCode.NOT_FOUND) from error
        via = (
            (Via.SPOKEN if said.spoken else Via.TYPED)
            if said.text is not None
            else Via.QUESTION
            if said.question_id is not None
            else Via.OPTION
        )
        answered = reply.question_ids[0] if reply.kind is ReplyKind.ANSWER else None
        turn = AssistantTurn(
            turn_id=f"t{secrets.token_hex(12)}",
            revision=self._recording.next_revision(),
            person_id=person.person_id,
            at=self._clock_ms(),
            asked=asked,
            via=via,
            kind=reply.kind,
            question_id=answered,
            question_ids=reply.question_ids[1:] if answered is not None else reply.question_ids,
            clarification_id=reply.clarification_id,
            offer_human=reply.offer_human,
            rounds=state.rounds,
            misses=state.misses,
            region=asker.region,
            page=page or None,
            work=_work(via, reply.kind),
        )
        self._recording.keep_rows(turn)
        self._remember(person.person_id, turn.at, state)
        if answered is not None:
            self.heats[answered] = self.heats.get(answered, Heat(0.0, turn.at)).asked(turn.at)
        return turn

    async def index(self) -> Index:
        """What answers now; right after a start it is waited for. Raises ``Refused`` with ``assistant_starting``."""
        indexer = self._knowledge.indexer
        indexer.start()
        if not indexer.answering and not await asyncio.to_thread(indexer.await_first, FIRST_INDEX_S):
            raise Refused(ErrorCode.ASSISTANT_STARTING, retry_after_ms=2_000)
        return indexer.ready.index

    async def own_turn(self, person: Person, turn_id: str) -> AssistantTurn:
        """Raises ``Refused`` with ``not_found`` also for somebody else's."""
        async with self._recording.read() as connection:
            turn = await rows.get(connection, turn_id)
        if turn is None or turn.person_id != person.person_id:
            raise Refused(ErrorCode.NOT_FOUND)
        return turn

    async def judge(
        self, person: Person, turn_id: str, feedback: Feedback, reason: FeedbackReason | None
    ) -> AssistantTurn:
        """Of an answer; the last word counts. Raises ``Refused``."""
        turn = await self.own_turn(person, turn_id)
        if turn.kind is not ReplyKind.ANSWER:
            raise Refused(ErrorCode.WRONG_PHASE)
        useless = feedback is Feedback.USELESS
        judged = replace(
            turn,
            revision=self._recording.next_revision(),
            feedback=feedback,
            feedback_reason=reason if useless else None,
            work=Work.USELESS if useless else None,
            settled_by=None,
        )
        self._recording.keep_rows(judged)
        return judged

    async def settle(self, turn_id: str, by: str) -> int:
        """Take what is like this turn off the editor's work list. Returns how many turns. Raises ``Refused`` with
        ``not_found``."""
        async with self._recording.read() as connection:
            turn = await rows.get(connection, turn_id)
        if turn is None:
            raise Refused(ErrorCode.NOT_FOUND)
        async with self._recording.write() as connection:
            return await rows.settle(connection, turn, self._recording.next_revision(), by)

    async def turns(self, person_id: str, limit: int, *, since: int, until: int) -> Sequence[AssistantTurn]:
        async with self._recording.read() as connection:
            return await rows.of_person(connection, person_id, limit, since=since, until=until)

    async def favourites(self, person_id: str) -> tuple[str, ...]:
        async with self._recording.read() as connection:
            return await rows.favourites(connection, person_id)

    async def keep_favourite(self, person_id: str, question_id: str, kept: bool) -> None:
        """Raises ``Refused``: ``not_found`` for what is no question, ``quota_exceeded``."""
        if kept:
            if question_id not in self._knowledge.base.by_id:
                raise Refused(ErrorCode.NOT_FOUND)
            there = await self.favourites(person_id)
            if question_id in there:
                return
            if len(there) >= MAX_FAVOURITES:
                raise Refused(ErrorCode.QUOTA_EXCEEDED)
        self._recording.keep_rows(
            Favourite(person_id, question_id, self._recording.next_revision(), self._clock_ms(), kept)
        )

    async def suggest(self, person: Person, typed: str) -> tuple[Question, ...]:
        """Type-ahead. Nothing is recorded."""
        asker, ready, now = self.asker(person), self._knowledge.indexer.ready, self._clock_ms()
        by_id = ready.index.base.by_id

        def find() -> tuple[str, ...]:
            return ready.suggester.suggest(
                typed,
                SUGGESTIONS,
                lambda one: by_id[one].in_force(asker.region, asker.day),
                lambda one: self.heats[one].now(now) if one in self.heats else 0.0,
            )

        return tuple(by_id[one] for one in await asyncio.to_thread(find) if one in by_id)

    async def guesses(self, person: Person, place: str, skip: int) -> tuple[Question, ...]:
        now = self._clock_ms()
        lately = await self.turns(person.person_id, 20, since=now - 30 * DAY_MS, until=now + 1)
        asked = [turn.question_id for turn in lately if turn.question_id is not None]
        base = self._knowledge.base
        return guesses(
            base, self._in_force(person), place=place, asked=asked, heats=self.heats, now_ms=now, skip=skip
        )

    def hot(self, person: Person) -> tuple[Question, ...]:
        base = self._knowledge.base
        return hottest(base, self.heats, self._clock_ms(), HOT_LIMIT, self._in_force(person))

    def pack(self, person: Person, pack_id: str, words: str) -> tuple[Question, ...]:
        """Questions of a pack in the editor's order, those with all of ``words``. Raises ``Refused`` with ``not_found``."""
        base, asker = self._knowledge.base, self.asker(person)
        pack = next((one for one in base.packs if one.pack_id == pack_id), None)
        if pack is None:
            raise Refused(ErrorCode.NOT_FOUND)
        wanted = words.lower().split()
        return tuple(
            one
            for one in base.in_force(pack.question_ids, asker.region, asker.day)
            if all(any(word in phrasing.lower() for phrasing in one.phrasings) for word in wanted)
        )

    def entries(self, person: Person) -> tuple[QuickEntry, ...]:
        base, asker = self._knowledge.base, self.asker(person)
        return tuple(
            one
            for one in base.entries_of(asker.region)
            if one.kind.value == "link" or base.in_force((one.target,), asker.region, asker.day)
        )

    async def count_popularity(self) -> None:
        """From what everybody asked on every node. Raises ``RecordsUnavailable``."""
        now = self._clock_ms()
        async with self._recording.read() as connection:
            counted = await rows.askers(connection, now - _POPULARITY_DAYS * DAY_MS, DAY_MS)
        heats: dict[str, Heat] = {}
        for question_id, day, people in sorted(counted, key=lambda one: one[1]):
            at = min(now, day * DAY_MS + DAY_MS // 2)
            heats[question_id] = heats.get(question_id, Heat(0.0, at)).asked(at, float(people))
        self.heats = heats

    def _sounds(self, index: Index) -> Homophones:
        from chatbot.pinyin import Homophones

        with self._sounding:
            known = self._homophones
            if known is None or known[0] is not index.base:
                self._homophones = known = (index.base, Homophones.of(index.base))
            return known[1]

    def _answer(
        self, before: DialogueState, said: Said, index: Index, asker: Asker
    ) -> tuple[DialogueState, Reply, str]:
        from chatbot.pinyin import meant

        if said.text is None or not said.spoken:
            return _answer(before, said, index, asker)
        # As it is written first: what clarifications and the words for a person wait for is said like that.
        state, reply, asked = _answer(before, said, index, asker)
        if reply.kind in (ReplyKind.HUMAN, ReplyKind.CLARIFY, ReplyKind.GREETING, ReplyKind.THANKS):
            return state, reply, asked

        text = meant(said.text, index, self._sounds(index))
        if text == said.text:
            return state, reply, asked
        return (*say(before, text, index, asker), asked)

    def _in_force(self, person: Person) -> list[Question]:
        asker = self.asker(person)
        return [one for one in self._knowledge.base.questions if one.in_force(asker.region, asker.day)]

    async def _dialogue(self, person_id: str) -> DialogueState:
        """From memory; after a restart, or on another node, from the record."""
        now = self._clock_ms()
        known = self._dialogues.get(person_id)
        if known is None:
            last = await self.turns(person_id, 1, since=now - _DIALOGUE_MS, until=now + 1)
            if not last:
                return DialogueState()
            turn = last[0]
            known = (turn.at, _state_after(turn))
        at, state = known
        return state if now - at <= _DIALOGUE_MS else DialogueState()

    def _remember(self, person_id: str, at: int, state: DialogueState) -> None:
        self._dialogues[person_id] = (at, state)
        self._dialogues.move_to_end(person_id)
        if len(self._dialogues) > _REMEMBERED:
            self._dialogues.popitem(last=False)

    async def _count(self) -> None:
        while True:
            try:
                await self.count_popularity()
            except RecordsUnavailable:
                log.warning("popularity_not_counted")
            await asyncio.sleep(POPULARITY_INTERVAL_S)


def today(now_ms: int) -> date:
    return datetime.fromtimestamp(now_ms / 1000, ZoneInfo(DEFAULT_TIME_ZONE)).date()


def _answer(
    before: DialogueState, said: Said, index: Index, asker: Asker
) -> tuple[DialogueState, Reply, str]:
    """And what was asked, in words. Raises LookupError."""
    base = index.base
    if said.text is not None:
        return (*say(before, said.text, index, asker), said.text)
    if said.question_id is not None:
        state, reply = pick(said.question_id, index, asker)
        return state, reply, base.by_id[said.question_id].title
    clarification_id = said.clarification_id or ""
    state, reply = choose(before, clarification_id, said.option, index, asker)
    clarification = base.clarification(clarification_id)
    assert clarification is not None  # or ``choose`` had raised
    return state, reply, clarification.options[said.option].label


def _state_after(turn: AssistantTurn) -> DialogueState:
    offered = turn.question_ids if turn.kind is ReplyKind.CHOICES else ()
    return DialogueState(turn.clarification_id, turn.rounds, turn.misses, offered)


def _work(via: Via, kind: ReplyKind) -> Work | None:
    if via not in (Via.TYPED, Via.SPOKEN):
        return None
    return {ReplyKind.OFF_SUBJECT: Work.MISS, ReplyKind.CHOICES: Work.UNSURE}.get(kind)
