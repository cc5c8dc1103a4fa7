"""The lasting record as rooms need it: implements ``signaling.rooms.ports.RecordsPort``."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from rtc_server.records import (
    agent_status,
    conversion,
    files,
    interactions,
    invitations,
    messages,
    ratings,
    tickets,
    transfers,
)
from rtc_server.records.files import File
from rtc_server.records.interactions import INTERACTION, interaction
from rtc_server.records.invitations import Invitation
from rtc_server.records.journal import JournalFailed
from rtc_server.records.keeper import Records
from rtc_server.records.live import LiveInteractions
from rtc_server.records.optional_reads import OptionalReads
from rtc_server.records.restore import OpenInteraction as StoredOpenInteraction
from rtc_server.records.restore import open_work
from rtc_server.records.transfers import Transfer
from signaling.rooms.kept import (
    ClosedInteraction,
    Kept,
    KeptInteraction,
    KeptMember,
    OpenInteraction,
    OpenWork,
)
from signaling.rooms.ports import RecordsUnavailable
from signaling.sessions.model import Message
from signaling.sessions.queue_states import AgentStatus
from signaling.sessions.states import InteractionPhase

CATCH_UP_S = 3.0
"""How long a reader waits for what was written a moment ago."""
READ_S = 10.0
"""How long a reader may take for everything."""
DATABASE_FAULTS = (
    SQLAlchemyError,
    OSError,
    TimeoutError,
    # While it connects the driver speaks for itself: a database that is starting, stopping or full.
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
_MAX_TO_FINISH = 10
_AFTER_WORK_AT_MOST_MS = 3_600_000

log = structlog.get_logger("rtc_server.records")


class Recording:
    """``live`` is who is in which open interaction."""

    def __init__(
        self,
        records: Records,
        staff_number: Callable[[str], str | None],
        *,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.records = records
        self.live = LiveInteractions()
        self._staff_number = staff_number
        self._clock_us = clock_us
        self._optional = OptionalReads()
        self._revision = 0

    def next_revision(self) -> int:
        """Higher than any before, also after a restart while the clock is not set back; see ``restore``."""
        self._revision = max(self._revision + 1, self._clock_us())
        return self._revision

    def revise_after(self, revision: int) -> None:
        """What is written from now on is newer than this."""
        self._revision = max(self._revision, revision)

    def keep(self, *things: Kept) -> None:
        """Implements ``RecordsPort.keep``."""
        self.keep_rows(*(conversion.row_of(thing, self.next_revision(), _new_id) for thing in things))
        number = self.records.journal.last_number
        for thing in things:
            if isinstance(thing, KeptInteraction | KeptMember):
                self.live.note(thing, number)
        self.live.forget_stored(self.records.journal.stored_number)

    async def close(self) -> None:
        await self._optional.stop()
        await self.records.close()

    def keep_rows(self, *rows: object) -> None:
        """Raises ``RecordsUnavailable``."""
        try:
            self.records.keep(*rows)
        except JournalFailed as error:
            log.error("journal_failed")
            raise RecordsUnavailable from error

    @asynccontextmanager
    async def read(
        self, *, caught_up: bool = True, within_s: float | None = READ_S
    ) -> AsyncIterator[AsyncConnection]:
        """``caught_up``: everything kept before is there. Raises ``RecordsUnavailable``."""
        try:
            async with asyncio.timeout(within_s):
                if caught_up and self.records.journal.waiting:
                    await asyncio.wait_for(self.records.writer.drain(), CATCH_UP_S)
                async with self.records.database.read() as connection:
                    yield connection
        except DATABASE_FAULTS as error:
            log.warning("records_unavailable", error=type(error).__name__)
            raise RecordsUnavailable from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """For what is edited in place. Raises ``RecordsUnavailable``, and ``IntegrityError`` for the caller to judge."""
        try:
            async with self.records.database.write() as connection:
                yield connection
        except IntegrityError:
            raise
        except DATABASE_FAULTS as error:
            log.warning("records_unavailable", error=type(error).__name__)
            raise RecordsUnavailable from error

    async def restore(self, kept_messages: int) -> OpenWork:
        """Implements ``RecordsPort.restore``; ``Records.open`` has stored the journal of the last run."""
        async with self.read(within_s=None) as connection:
            self._revision = max(self._revision, await _highest_revision(connection))
            work = await open_work(connection, kept_messages)
            waiting = await tickets.in_queue(connection)
            unwrapped = await interactions.not_wrapped_up(
                connection, self._clock_us() // 1000 - _AFTER_WORK_AT_MOST_MS
            )
            self._revision = max((self._revision, *(row.revision for row in unwrapped)))
            statuses = [
                conversion.agent_status_of(row) for row in await agent_status.last_of_staff(connection)
            ]
            ids = [each.interaction.interaction_id for each in work.interactions]
            pending = await transfers.pending(connection, ids)
            invited = await invitations.not_ended(connection, ids)
            known = await files.by_ids(
                connection, conversion.file_ids([row for each in work.interactions for row in each.messages])
            )
            found = [_open_of(each, pending, invited, known) for each in work.interactions]
        for one in found:
            self.live.note(one.interaction, 0)
            for member in one.members:
                self.live.note(member, 0)
        return OpenWork(
            interactions=tuple(found),
            tickets=tuple(conversion.kept_ticket_of(row) for row in waiting),
            to_wrap_up=tuple(conversion.interaction_of(row) for row in unwrapped),
            agents=tuple(known for known in statuses if known.chosen is not AgentStatus.OFFLINE),
        )

    async def last_agent(self, taxpayer_id: str) -> str | None:
        """Implements ``RecordsPort.last_agent``. From memory who was served since the start."""
        known = self.live.last_agents.get(taxpayer_id)
        return known if known is not None else await self._optional.run(lambda: self._last_agent(taxpayer_id))

    async def _last_agent(self, taxpayer_id: str) -> str | None:
        async with self.read(caught_up=False) as connection:
            return await interactions.last_agent(connection, taxpayer_id)

    async def messages(
        self, interaction_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        """Implements ``RecordsPort.messages``."""
        async with self.read() as connection:
            rows = (
                await messages.after(connection, interaction_id, after_seq, limit)
                if after_seq is not None
                else await messages.before(connection, interaction_id, before_seq, limit)
            )
            known = await files.by_ids(connection, conversion.file_ids(rows))
        return [conversion.message_of(row, known) for row in rows]

    async def closed(self, interaction_id: str) -> ClosedInteraction | None:
        """Implements ``RecordsPort.closed``."""
        async with self.read() as connection:
            row = await interactions.get(connection, interaction_id)
            if row is None or row.phase is not InteractionPhase.CLOSED:
                return None
            return await self._closed_of(connection, row)

    async def to_finish(self, person_id: str, closed_after: int) -> Sequence[ClosedInteraction]:
        """Implements ``RecordsPort.to_finish``. What was closed a moment ago may be missing: callers remember it."""
        return await self._optional.run(lambda: self._to_finish(person_id, closed_after))

    async def _to_finish(self, person_id: str, closed_after: int) -> Sequence[ClosedInteraction]:
        unrated = (interaction.c.taxpayer_id == person_id) & ratings.rating.c.interaction_id.is_(None)
        unwrapped = (interaction.c.agent_id == person_id) & interaction.c.wrap_up_code.is_(None)
        query = (
            select(interaction)
            .outerjoin(ratings.rating, ratings.rating.c.interaction_id == interaction.c.interaction_id)
            .where(
                interaction.c.phase == InteractionPhase.CLOSED.value,
                interaction.c.closed_at > closed_after,
                unrated | unwrapped,
            )
            .order_by(interaction.c.closed_at.desc(), interaction.c.interaction_id)
            .limit(_MAX_TO_FINISH)
        )
        async with self.read(caught_up=False) as connection:
            rows = [INTERACTION.of_row(row) for row in await connection.execute(query)]
            return [await self._closed_of(connection, row) for row in rows]

    async def _closed_of(
        self, connection: AsyncConnection, row: interactions.Interaction
    ) -> ClosedInteraction:
        rated = await ratings.get(connection, row.interaction_id)
        return ClosedInteraction(
            conversion.interaction_of(row),
            self._staff_number(row.agent_id) if row.agent_id is not None else None,
            conversion.rating_of(rated) if rated is not None else None,
        )


def _open_of(
    each: StoredOpenInteraction,
    pending: Mapping[str, Transfer],
    invited: Mapping[str, Invitation],
    known: Mapping[str, File],
) -> OpenInteraction:
    transfer = pending.get(each.interaction.interaction_id)
    invitation = invited.get(each.interaction.interaction_id)
    return OpenInteraction(
        interaction=conversion.interaction_of(each.interaction),
        members=tuple(conversion.member_of(member) for member in each.members),
        messages=tuple(conversion.message_of(row, known) for row in each.messages),
        last_seq=each.last_seq,
        calls=tuple(conversion.call_of(call) for call in each.calls),
        transfer=conversion.transfer_of(transfer) if transfer is not None else None,
        invitation=conversion.invitation_of(invitation) if invitation is not None else None,
    )


def _new_id() -> str:
    return secrets.token_hex(12)


async def _highest_revision(connection: AsyncConnection) -> int:
    """Of what is open: with what is still to be wrapped up nothing else is written again."""
    of_interactions = select(func.max(interaction.c.revision)).where(
        interaction.c.phase == InteractionPhase.OPEN.value
    )
    of_tickets = select(func.max(tickets.ticket.c.revision)).where(tickets.ticket.c.gone_at.is_(None))
    found = [
        (await connection.execute(query)).scalar_one_or_none() for query in (of_interactions, of_tickets)
    ]
    return max(int(value or 0) for value in found)
