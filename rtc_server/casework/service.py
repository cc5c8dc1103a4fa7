"""Casework as it runs: who is told what changed, notices that go out, reminders, and what is settled when nobody does.

Everything here may run on several nodes: a row is changed only by the one who saw its present revision.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.casework import appointments as rules
from rtc_server.casework import notices as notice_rules
from rtc_server.casework.appointments import Appointment
from rtc_server.casework.notices import Notice
from rtc_server.casework.states import (
    WORDS,
    AppointmentState,
    NoticeKind,
    NoticeState,
    TaxpayerKind,
)
from rtc_server.identity.masking import is_masked_organisation
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.organisation.service import OrganisationService
from rtc_server.records import appointments, changes, notices, taxpayers
from rtc_server.records.notices import NOTICE, Delivery, Unread
from rtc_server.records.recording import Recording
from rtc_server.records.taxpayers import Taxpayer
from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms.ports import Person, RecordsUnavailable
from signaling.sessions.states import Role
from signaling.wire.centre_notifications import CaseList, CentreChanged

EVERY_S = 15.0
SERVICE = "service"
"""Who made what nobody made."""
SOURCE = "征纳互动服务"

log = structlog.get_logger(__name__)


async def _nobody_is_there(_taxpayer: str, _agent: str, _number: str) -> str:
    raise Refused(ErrorCode.TAXPAYER_OFFLINE)


class CaseworkService:
    """``start`` before the first request; ``stop`` at the end. What reaches open pages is put in from outside."""

    def __init__(self, recording: Recording, organisation: OrganisationService) -> None:
        self.tell: Callable[[str, CentreChanged], None] = lambda _person, _changed: None
        self.people_there: Callable[[], Collection[str]] = tuple
        self.begin_interaction: Callable[[str, str, str], Awaitable[str]] = _nobody_is_there
        self._recording = recording
        self._organisation = organisation
        self._chosen: dict[str, str] = {}
        self._chosen_until = 0
        self._known: dict[str, tuple[str, str | None]] = {}
        self._told: dict[str, Unread] = {}
        self._telling = asyncio.Lock()
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._worker = asyncio.create_task(self._work(), name="casework")

    async def stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    # Who there is

    def arrived(self, person: Person) -> Person:
        """Somebody has signed in: a taxpayer is served by the authority they chose (我的机关)."""
        self.note(person)
        chosen = self._chosen.get(person.person_id)
        found = self._organisation.whole.authorities.get(chosen) if chosen is not None else None
        return replace(person, authority=found.name) if found is not None else person

    def choose(self, taxpayer_id: str, authority: str) -> None:
        """Stored already; other nodes read it with their next turn."""
        self._chosen[taxpayer_id] = authority

    def note(self, person: Person) -> None:
        """A taxpayer has signed in: from now on notices reach them. Once, and when something about them changed."""
        if person.role is not Role.TAXPAYER:
            return
        seen = (person.display_name, person.authority)
        if self._known.get(person.person_id) == seen:
            return
        with suppress(RecordsUnavailable):
            self._recording.keep_rows(
                Taxpayer(
                    taxpayer_id=person.person_id,
                    revision=self._recording.next_revision(),
                    name=person.display_name,
                    kind=TaxpayerKind.COMPANY
                    if is_masked_organisation(person.display_name)
                    else TaxpayerKind.PERSON,
                    authority=self.region_of(person.authority),
                    seen_at=now_ms(),
                )
            )
            self._known[person.person_id] = seen

    def authority_of(self, person: Person) -> str | None:
        """The region code of the authority that serves a taxpayer."""
        return self.region_of(person.authority)

    def region_of(self, authority: str | None) -> str | None:
        found = self._organisation.whole.authorities.find(authority) if authority else None
        return found.code if found is not None else None

    # Who is told

    async def changed(
        self, changed: CaseList, *, people: Sequence[str] = (), centre_id: str | None = None
    ) -> None:
        """After it is stored. Those whose pages are open hear it: ``people``, taxpayers or staff, with their counts, and
        the staff of the centre."""
        there = self.people_there()
        wanted = [own for own in dict.fromkeys(people) if own in there]
        # One after the other, so that the counts told last are those read last.
        async with self._telling:
            for own, count in (await self._counts(wanted)).items():
                self._tell_count(own, changed, count)
        if centre_id is not None:
            for member in self._organisation.whole.staff.values():
                if centre_id in member.centres and member.person_id not in wanted:
                    self.tell(member.person_id, CentreChanged(changed=changed))

    def _tell_count(self, own: str, changed: CaseList, count: Unread) -> None:
        self._told[own] = count
        self.tell(own, CentreChanged(changed=changed, unread=count.unread, todos=count.todos))

    async def follow_counts(self) -> None:
        """Those who are there hear what another node pushed to them, or what they read there: counts that are not those
        told last. Of whom nothing was told yet, the page has read its count by itself; zero is not told again."""
        async with self._telling:
            counts = await self._counts(list(self.people_there()))
            self._told = {own: count for own, count in self._told.items() if own in counts}
            for own, count in counts.items():
                if count != self._told.get(own, Unread()):
                    self._tell_count(own, CaseList.NOTICES, count)

    async def _counts(self, people: Sequence[str]) -> dict[str, Unread]:
        if not people:
            return {}
        try:
            async with self._recording.read(caught_up=False) as connection:
                found = await notices.counts(connection, people)
        except RecordsUnavailable:
            return {}  # They see it with the next thing they do.
        return {own: found.get(own, Unread()) for own in people}

    async def inform(
        self,
        connection: AsyncConnection,
        person_id: str,
        title: str,
        body: str,
        *,
        kind: NoticeKind = NoticeKind.REMINDER,
        todo: bool = False,
        link: tuple[str, str] | None = None,
        attachments: tuple[str, ...] = (),
        notice_id: str | None = None,
    ) -> None:
        """A notice of the service to one person, in the transaction of what it is about; ``changed`` follows it.
        ``link`` is a title and a path of ours. With a ``notice_id`` of the caller's it is told once, however often."""
        at = now_ms()
        made = Notice(
            notice_id=notice_id or new_id(),
            revision=1,
            kind=kind,
            title=title,
            body=body,
            source=SOURCE,
            todo=todo,
            state=NoticeState.SENT,
            created_at=at,
            created_by=SERVICE,
            publish_at=at,
            links=({"title": link[0], "url": link[1]},) if link is not None else (),
            attachments=attachments,
            people=(person_id,),
            sent_at=at,
            recipients=1,
        )
        if await notices.add_once(connection, made):
            key = f"{made.notice_id}.{person_id}"
            await notices.hand_over(
                connection, Delivery(key, made.notice_id, person_id, kind, title, SOURCE, todo, at)
            )

    async def settle_invitation(self, connection: AsyncConnection, known: Appointment, at: int) -> None:
        """It waits for no answer any more: what asked for one is done. ``known`` as it was before."""
        if known.state is AppointmentState.INVITED:
            await notices.settle(connection, f"{rules.invitation_id(known)}.{known.taxpayer_id}", at)

    async def inform_now(
        self, person_id: str, title: str, body: str, link: tuple[str, str], changed: CaseList
    ) -> None:
        """A notice by itself, told at once. Raises ``RecordsUnavailable``."""
        async with self._recording.write() as connection:
            await self.inform(connection, person_id, title, body, link=link)
        await self.changed(changed, people=[person_id])

    # What happens by itself

    async def publish(self, scheduled: Notice, at: int) -> None:
        """To its whole audience, once. Raises ``DomainError`` with ``conflict`` when another node does it."""
        async with self._recording.write() as connection:
            recipients = await notices.deliver(connection, scheduled, self._below(scheduled), at)
            await changes.change(connection, NOTICE, scheduled, notice_rules.send(scheduled, recipients, at))
        await self.pushed(scheduled)

    async def pushed(self, notice: Notice) -> None:
        """It went out, or was taken back: those who have it and are there hear it, and the staff of its centre."""
        async with self._recording.read(caught_up=False) as connection:
            people = await notices.holders(connection, notice.notice_id, list(self.people_there()))
        await self.changed(CaseList.NOTICES, people=people, centre_id=notice.centre_id)

    async def outside(self, pushed: Notice) -> list[str]:
        """Of the list of people of its audience: whom it does not reach, unknown here or ruled out by the rest."""
        async with self._recording.read(caught_up=False) as connection:
            inside = await notices.within(connection, pushed.audience, self._below(pushed))
        return [one for one in pushed.people if one not in inside]

    def _below(self, notice: Notice) -> list[str]:
        return [one.code for one in self._organisation.whole.authorities if self._is_below(one.code, notice)]

    def _is_below(self, code: str, sent: Notice) -> bool:
        if sent.authority is None:
            return False
        return any(one.code == sent.authority for one in self._organisation.whole.authorities.upwards(code))

    async def _work(self) -> None:
        while True:
            try:
                await self.turn(now_ms())
            except (RecordsUnavailable, DomainError) as error:
                log.info("casework_waits", error=type(error).__name__)
            except Exception:  # whatever it is, the next turn comes
                log.exception("casework_failed")
            await asyncio.sleep(EVERY_S)

    async def turn(self, at: int) -> None:
        """Everything that is due. Raises ``RecordsUnavailable``."""
        async with self._recording.read(caught_up=False) as connection:
            due = await notices.due(connection, at)
            chosen = await taxpayers.chosen_since(connection, self._chosen_until)
            in_hand = await appointments.in_hand(connection, at + rules.REMIND_MS)
        for choice in chosen:
            self._chosen[choice.taxpayer_id] = choice.authority
            self._chosen_until = max(self._chosen_until, choice.chosen_at)
        for one in due:
            with suppress(DomainError):
                await self.publish(one, at)
        for known in in_hand:
            with suppress(DomainError):
                await self._attend(known, at)
        await self.follow_counts()

    async def _attend(self, known: Appointment, at: int) -> None:
        settled = rules.settle(known, at)
        if settled is not None:
            async with self._recording.write() as connection:
                await appointments.change(connection, known, settled)
                await self.settle_invitation(connection, known, at)
                if settled.state is AppointmentState.MISSED:
                    body = f"您于{self.when(known)}的预约（{known.number}）未按时赴约，已记为失约。如仍需办理，请重新预约。"
                    link = ("查看预约", rules.address_of(known))
                    await self.inform(connection, known.taxpayer_id, "预约失约提醒", body, link=link)
        elif rules.is_due_for_reminder(known, at):
            async with self._recording.write() as connection:
                await appointments.change(connection, known, _reminded(known, at))
                method = WORDS["appointment_method"][known.method]
                body = f"您预约的{method}服务（{known.number}）将于{self.when(known)}开始，请按时赴约；不能参加请提前取消。"
                link = ("查看预约", rules.address_of(known))
                await self.inform(connection, known.taxpayer_id, "预约提醒", body, link=link)
        else:
            return
        await self.changed(CaseList.APPOINTMENTS, people=[known.taxpayer_id], centre_id=known.centre_id)

    def when(self, known: Appointment) -> str:
        """As people of its centre read the time."""
        centre = self._organisation.centre(known.centre_id)
        zone = ZoneInfo(centre.time_zone if centre is not None else DEFAULT_TIME_ZONE)
        start, end = (
            datetime.fromtimestamp(at / 1000, UTC).astimezone(zone) for at in (known.starts_at, known.ends_at)
        )
        return f"{start:%Y年%m月%d日 %H:%M}-{end:%H:%M}"


def _reminded(known: Appointment, at: int) -> Appointment:
    return replace(known, reminded_at=at)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_id() -> str:
    return secrets.token_hex(12)
