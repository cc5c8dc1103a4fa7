"""A whole server on PostgreSQL: killed and started again while people talk; and its database stopped, or hanging, meanwhile.

The outage of the test is short. A minute of it:
``RTC_TEST_OUTAGE_S=60 pytest tests/records/test_service_outage.py -k away``
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from signaling.sessions.queue_states import AgentStatus
from signaling.sessions.states import QueuePhase, StatusChoice
from signaling.wire.notifications import OfferRang
from signaling.wire.queue_views import TicketView
from signaling.wire.requests import (
    AcceptOffer,
    CloseInteraction,
    Desk,
    GetTicket,
    JoinQueue,
    OwnTicket,
    Queued,
    RateInteraction,
    SetAgentStatus,
    SignInAgent,
)
from tests.harness.peer import SyntheticPeer
from tests.harness.server import ServerProcess, start_server
from tests.harness.talker import Talker, come_back
from tests.records.conftest import create_with_tables
from tests.records.postgres import PostgresServer

OUTAGE_S = float(os.environ.get("RTC_TEST_OUTAGE_S", "6"))
SOON_S = 2.0
"""What does not need the database must not wait for it."""
FAST: dict[str, Any] = {
    "RTC_LIMITS_TEXTS_PER_SECOND": "100",
    "RTC_LIMITS_TEXTS_BURST": "100",
    "RTC_TURN_START": "false",
}


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """That may be stopped without others missing it."""
    server = PostgresServer()
    yield server
    server.remove()


async def serve(agent: SyntheticPeer, taxpayer: SyntheticPeer) -> tuple[str, float]:
    """From the queue into a conversation: its id, and how long joining took."""
    began = time.monotonic()
    ticket = (await taxpayer.send(JoinQueue(), Queued)).ticket
    took = time.monotonic() - began
    own = ticket.ticket_id
    await agent.wait(lambda peer: any(one.offer.ticket_id == own for one in peer.heard(OfferRang)))
    await agent.do(AcceptOffer(ticket_id=own))
    for peer in (agent, taxpayer):
        await peer.wait(lambda one: own in one.interactions)
    return own, took


@asynccontextmanager
async def people(url: str, *accounts: str) -> AsyncIterator[list[SyntheticPeer]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(SyntheticPeer(url, account)) for account in accounts]


async def stored_texts(address: str, interaction_id: str) -> list[tuple[int, str]]:
    connection = await asyncpg.connect(address)
    try:
        rows = await connection.fetch(
            "SELECT seq, text FROM message WHERE interaction_id = $1 ORDER BY seq", interaction_id
        )
    finally:
        await connection.close()
    return [(row["seq"], row["text"]) for row in rows]


async def nothing_is_missing(address: str, talkers: tuple[Talker, ...]) -> None:
    """On both sides as in the record: every line once, in one order, without a gap."""
    interaction_id = talkers[0].interaction_id
    stored = await stored_texts(address, interaction_id)
    assert [seq for seq, _ in stored] == list(range(1, len(stored) + 1))
    said = {text: seq for talker in talkers for text, seq in talker.said.items()}
    assert {text: seq for seq, text in stored if text in said} == said
    texts = [text for _, text in stored]
    assert len(texts) - len(set(texts)) == 0, "nothing twice"


def names_no_fault(server: ServerProcess) -> None:
    output = "\n".join(server.output)
    assert "Traceback" not in output, output[-3_000:]
    assert "internal error" not in output


async def test_a_killed_server_on_postgres(own_postgres: PostgresServer, tmp_path: Path) -> None:
    address = own_postgres.url(await create_with_tables(own_postgres))
    settings = {**FAST, "RTC_DATABASE_URL": address}
    server = await start_server(tmp_path / "data", **settings)
    async with people(server.url, "agent01", "agent02", "taxpayer01", "taxpayer02") as everybody:
        agent, idle, taxpayer, waiting = everybody
        for one, status in ((agent, StatusChoice.FREE), (idle, StatusChoice.AWAY)):
            await one.send(SignInAgent(status=status), Desk)
        own, _ = await serve(agent, taxpayer)
        await agent.do(SetAgentStatus(status=StatusChoice.BUSY))
        place = (await waiting.send(JoinQueue(page="首页"), Queued)).ticket
        talkers = (Talker(taxpayer, own, "税"), Talker(agent, own, "席"))
        talking = [asyncio.create_task(talker.talk()) for talker in talkers]
        for talker in talkers:
            await talker.has_said(20)

        await server.kill()
        began = time.monotonic()
        server = await start_server(tmp_path / "data", port=server.port, **settings)
        listens = time.monotonic()
        await asyncio.gather(come_back(idle), come_back(waiting))
        await asyncio.gather(*(talker.has_said(20) for talker in talkers))
        print(f"\nstart {listens - began:.2f} s; talking again {time.monotonic() - listens:.2f} s later")
        for talker in talkers:
            talker.stopping = True
        await asyncio.gather(*talking)

        back = (await waiting.send(GetTicket(), OwnTicket)).ticket
        assert isinstance(back, TicketView)
        assert (back.ticket_id, back.ahead, back.phase) == (place.ticket_id, 0, QueuePhase.WAITING)
        for one, shown in ((agent, AgentStatus.BUSY), (idle, AgentStatus.AWAY)):
            assert one.welcome is not None
            assert one.welcome.desk is not None
            assert (one.welcome.desk.signed_in, one.welcome.desk.status) == (True, shown)
        texts = [message.text for message in await talkers[0].reads()]
        assert texts == [message.text for message in await talkers[1].reads()]
        await idle.do(SetAgentStatus(status=StatusChoice.FREE))
        await idle.wait(
            lambda peer: any(one.offer.ticket_id == place.ticket_id for one in peer.heard(OfferRang))
        )
        names_no_fault(server)
    await server.stop()
    await nothing_is_missing(address, talkers)


@pytest.mark.parametrize("how", ["stopped", "hanging"])
async def test_conversations_go_on_while_the_database_is_away(
    own_postgres: PostgresServer, tmp_path: Path, how: str
) -> None:
    """``hanging``: it takes connections and answers nothing, which is worse than being away."""
    address = own_postgres.url(await create_with_tables(own_postgres))
    server = await start_server(tmp_path / "data", **FAST, RTC_DATABASE_URL=address)
    async with people(server.url, "agent01", "taxpayer01") as (agent, taxpayer):
        await agent.send(SignInAgent(), Desk)
        own, _ = await serve(agent, taxpayer)
        talkers = (Talker(taxpayer, own, "税"), Talker(agent, own, "席"))
        talking = [asyncio.create_task(talker.talk()) for talker in talkers]
        await talkers[0].has_said(20)

        stop, start = (
            (own_postgres.stop, own_postgres.start)
            if how == "stopped"
            else (own_postgres.freeze, own_postgres.thaw)
        )
        await asyncio.to_thread(stop)
        gone_at = time.monotonic()
        try:
            # Somebody comes, is served, and goes, all without a database.
            began = time.monotonic()
            async with SyntheticPeer(server.url, "taxpayer02") as second:
                connected_s = time.monotonic() - began
                other, joined_s = await serve(agent, second)
                late = Talker(second, other, "新")
                lines = asyncio.create_task(late.talk())
                await late.has_said(20)
                late.stopping = True
                await lines
                await second.do(CloseInteraction(interaction_id=other))
                await second.do(RateInteraction(interaction_id=other, resolved=True))
                await come_back(second)
            while time.monotonic() - gone_at < OUTAGE_S:
                await talkers[1].has_said(5)
        finally:
            await asyncio.to_thread(start)
        print(
            f"\n{how} for {time.monotonic() - gone_at:.1f} s: connected in {connected_s:.2f} s, joined in {joined_s:.2f} s, "
            f"longest acknowledgement {max(talker.longest_s for talker in (*talkers, late)):.2f} s"
        )
        await talkers[0].has_said(20)
        for talker in talkers:
            talker.stopping = True
        await asyncio.gather(*talking)
        assert not agent.closed
        assert not taxpayer.closed
        assert max(connected_s, joined_s) < SOON_S
        assert not any(talker.refused for talker in (*talkers, late)), "nothing was refused"
        names_no_fault(server)
    await server.stop()
    await nothing_is_missing(address, talkers)
    await nothing_is_missing(address, (late,))
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("SELECT solved FROM rating WHERE interaction_id = $1", other) is True
    await connection.close()
