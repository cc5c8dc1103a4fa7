"""Reloads, second tabs, cut lines and a server killed with ``kill -9`` in the middle of everything: whoever comes back sees
the truth (H10)."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Room
from tests.e2e.counter import (
    Speaker,
    accepts,
    choose_status,
    first_frames,
    has_status,
    is_online,
    lines,
    now,
    on_duty,
    visit,
    watch_frames,
)
from tests.e2e.people import MEDIA_TIMEOUT_MS, Agent, Taxpayer
from tests.harness.proxy import CuttableProxy
from tests.harness.server import ServerProcess, start_server

pytestmark = pytest.mark.long

BACK_WITHIN_S = 5.0
QUIET_START_S = 2.5
"""What a start takes when nobody else wants the processors: how much slower it was is how much slower all else was, too."""


async def met(url: str, seat: Room) -> tuple[Taxpayer, Agent]:
    """In a conversation, by way of the queue."""
    agent = await on_duty(await seat(), url)
    taxpayer = await visit(await seat(), url)
    await taxpayer.press("human")
    await accepts(agent)
    await taxpayer.sees("greeting-card")
    return taxpayer, agent


async def share_and_call(taxpayer: Taxpayer, agent: Agent) -> None:
    await taxpayer.shares(agent)
    await agent.sees_moving("screen-video")
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await taxpayer.sees_moving("remote-video")
    await agent.sees_moving("remote-video")


@pytest.mark.timeout(300)  # four pages, two of them in calls, beside a server that starts twice
async def test_a_killed_server_loses_nothing_and_the_call_is_back(tmp_path: Path, seat: Room) -> None:
    data = tmp_path / "data"
    server = await start_server(data, before_browsers=True, RTC_TURN_START="false")
    try:
        taxpayer, agent = await met(server.url, seat)
        await choose_status(agent, "busy")
        other = await on_duty(await seat(), server.url, "agent02", "away")
        waiting = await visit(await seat(), server.url, "taxpayer02")
        await waiting.press("human")
        await waiting.sees("queue-ahead", "0")
        await share_and_call(taxpayer, agent)
        for person in (taxpayer, agent):
            await watch_frames(person)
        speakers = (Speaker(taxpayer, "税"), Speaker(agent, "席"))
        talking = [asyncio.create_task(speaker.talk()) for speaker in speakers]
        for speaker in speakers:
            await speaker.has_said(6)
        # An upload that has begun, and whose bytes are held on the way.
        await taxpayer.page.route("**/api/files/*", lambda route: route.abort())
        async with taxpayer.page.expect_request_finished(lambda one: one.url.endswith("/api/files")):
            await taxpayer.at("file-input").set_input_files(
                {"name": "说明.txt", "mimeType": "text/plain", "buffer": b"a" * 1_500_000}
            )

        await server.kill()
        killed = now()
        for person in (taxpayer, agent):
            await expect(person.at("connection-state")).to_be_visible(timeout=MEDIA_TIMEOUT_MS)
        spawned = now()
        server = await start_server(data, port=server.port, before_browsers=True, RTC_TURN_START="false")
        listening = now()
        seen = await asyncio.gather(
            first_frames(agent, spawned, tracks=2), first_frames(taxpayer, spawned, tracks=1)
        )
        back = max(seen)
        print(
            f"\ncall back {back - listening:.2f} s after the server listens, {back - spawned:.2f} s after its process began "
            f"(away for {spawned - killed:.2f} s; the start took {listening - spawned:.2f} s)"
        )
        slow = max(1.0, (listening - spawned) / QUIET_START_S)
        assert back - listening < BACK_WITHIN_S * slow

        await taxpayer.page.unroute_all()
        for person in (taxpayer, agent, waiting, other):
            await is_online(person)
        said_by_then = max(len(speaker.said) for speaker in speakers)
        for speaker in speakers:
            await speaker.has_said(said_by_then + 3)
            speaker.stopping = True
        await asyncio.gather(*talking)

        await taxpayer.sees("message-file", "说明.txt", timeout_ms=60_000)
        expected = sorted(text for speaker in speakers for text in speaker.said)
        for person in (taxpayer, agent):
            await expect(person.page.get_by_text("未发送")).to_have_count(0)
            for speaker in speakers:
                last = person.at("message-list").get_by_text(speaker.said[-1], exact=True)
                await expect(last).to_be_visible(timeout=MEDIA_TIMEOUT_MS)
        shown = [
            [text for text in await lines(person) if text[0] in "税席" and text[1:].isdigit()]
            for person in (taxpayer, agent)
        ]
        assert sorted(shown[0]) == expected, "each once on the page of the taxpayer"
        assert shown[0] == shown[1], "both see the same, in the same order"

        await agent.sees("message-file", "说明.txt", timeout_ms=60_000)
        await agent.sees_moving("screen-video")
        await agent.sees_moving("remote-video")
        await taxpayer.sees_moving("remote-video")
        await has_status(agent, "busy")
        await has_status(other, "away")
        await waiting.sees("queue-ahead", "0")
        await choose_status(other, "free")
        await accepts(other)
        await waiting.sees("greeting-card")
    finally:
        await server.stop()

    stored = sqlite3.connect(data / "records.db")
    rows = stored.execute(
        "SELECT m.seq, m.text FROM message m JOIN interaction i USING (interaction_id)"
        " WHERE i.taxpayer_id = 'taxpayer01' ORDER BY m.seq"
    ).fetchall()
    stored.close()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1)), "without a gap"
    texts = [text for _, text in rows if text[:1] in "税席" and text[1:].isdigit()]
    assert texts == shown[0], "in the record as on the pages"
    for speaker in speakers:
        assert [text for text in texts if text[0] == speaker.name] == speaker.said


async def test_a_taxpayer_reloads_in_the_middle_of_everything(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(await seat(), server.url, status="away")
    taxpayer = await visit(await seat(), server.url)

    async def reload() -> None:
        await taxpayer.page.reload()
        await taxpayer.press("open-window")

    await taxpayer.press("human")
    await taxpayer.sees("queue-ahead", "0")
    await reload()
    await taxpayer.sees("queue-ahead", "0")  # waiting

    await choose_status(agent, "free")
    await agent.sees("offer-card")
    await reload()
    await taxpayer.sees("queue-card", "正在为您接通")  # offered
    await accepts(agent)
    await taxpayer.sees("greeting-card")

    await taxpayer.says("刷新之前")
    await agent.reads("刷新之前")
    await reload()
    await taxpayer.reads("刷新之前")  # talking
    await agent.says("刷新之后")
    await taxpayer.reads("刷新之后")

    await taxpayer.page.route("**/api/files/*", lambda route: route.abort())
    await taxpayer.at("file-input").set_input_files(
        {"name": "说明.txt", "mimeType": "text/plain", "buffer": "说明".encode()}
    )
    await taxpayer.sees("upload")
    await reload()
    await taxpayer.page.unroute_all()
    await taxpayer.reads("刷新之后")
    await expect(taxpayer.at("upload")).to_have_count(
        0
    )  # a file is the page's own: nothing half of it is told
    await expect(agent.at("message-file")).to_have_count(0)

    await agent.press("call-start")
    await taxpayer.sees("call-accept")
    await taxpayer.page.reload()  # a ring opens the window by itself
    await taxpayer.press("call-accept")  # ringing
    await taxpayer.sees_moving("remote-video")
    await reload()
    await taxpayer.sees_moving("remote-video")  # in a call
    await agent.sees_moving("remote-video")

    await taxpayer.press("end-session")
    await taxpayer.press("confirm-ok")
    await taxpayer.sees("rate-resolved")
    await reload()
    await taxpayer.press("rate-resolved")  # rating
    await taxpayer.sees("rating-done")
    await reload()
    await taxpayer.sees("human")
    await expect(taxpayer.at("rate-resolved")).to_have_count(0)


async def test_an_agent_reloads_in_the_middle_of_everything(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(await seat(), server.url)
    taxpayer = await visit(await seat(), server.url)
    await taxpayer.press("human")
    await agent.sees("offer-card")
    await agent.page.reload()
    await accepts(agent)  # it rings again: the page was gone for a moment
    await taxpayer.says("您好")
    await agent.reads("您好")

    await agent.page.reload()
    await agent.reads("您好")  # talking
    await has_status(agent, "free")
    await share_and_call(taxpayer, agent)
    await agent.page.reload()
    await agent.sees_moving("screen-video")  # in both calls
    await agent.sees_moving("remote-video")
    await taxpayer.sees_moving("remote-video")

    other = await on_duty(await seat(), server.url, "agent02", "away")
    await choose_status(other, "free")
    await agent.press("transfer-open")
    await agent.press("transfer-agent-agent02")
    await agent.at("transfer-note").fill("发票勾选")
    await agent.press("transfer-send")
    await other.sees("offer-card", "发票勾选")
    await agent.page.reload()
    await agent.sees("transfer-state")  # transferring
    await accepts(other)
    await other.sees_moving("screen-video")
    await taxpayer.says("还在吗")
    await other.reads("还在吗")

    await other.press("close-interaction")
    await other.press("confirm-ok")
    await other.sees("wrap-up-dialog")
    await other.page.reload()
    await other.page.locator('[data-testid^="aftercare-"]:not([data-testid="aftercare-list"])').first.click()
    await other.sees("wrap-up-dialog")  # to be wrapped up
    await taxpayer.sees("rate-resolved")


async def test_a_second_tab_takes_over_and_gives_back(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(await seat(), server.url)
    context = await seat()
    first = await visit(context, server.url)
    await first.press("human")
    await accepts(agent)
    await first.says("第一页")
    await agent.reads("第一页")
    second = await visit(context, server.url)
    await second.reads("第一页")
    await first.reads("您已在其他页面打开互动")
    await second.says("第二页")
    await agent.reads("第二页")
    await first.page.get_by_role("button", name="在此继续").click()
    await first.reads("第二页")
    await second.reads("您已在其他页面打开互动")
    await first.says("又是第一页")
    await agent.reads("又是第一页")


async def test_a_cut_line_keeps_the_place_the_words_and_the_upload(server: ServerProcess, seat: Room) -> None:
    agent = await on_duty(await seat(), server.url, status="away")
    async with CuttableProxy(server.port) as line:
        taxpayer = await visit(await seat(), line.url)
        await taxpayer.press("human")
        await taxpayer.sees("queue-ahead", "0")
        line.cut()
        await taxpayer.sees("connection-state", "重新连接")
        line.mend()
        await is_online(taxpayer)
        await taxpayer.sees("queue-ahead", "0")
        await choose_status(agent, "free")
        await accepts(agent)
        await taxpayer.sees("greeting-card")

        line.cut()
        await taxpayer.sees("connection-state", "重新连接")
        # More than a connection may send at once, and a file.
        for number in range(14):
            await taxpayer.says(f"断线{number:02d}")
        await taxpayer.at("file-input").set_input_files(
            {"name": "说明.txt", "mimeType": "text/plain", "buffer": b"a" * 3_000_000}
        )
        await agent.says("我在等您")
        line.mend()
        await is_online(taxpayer)
        await taxpayer.reads("我在等您")
        await agent.sees("message-file", "说明.txt", timeout_ms=60_000)
        await agent.reads("断线13")
        written = [text for text in await lines(agent) if text.startswith("断线")]
        assert written == [f"断线{number:02d}" for number in range(14)]
        await expect(taxpayer.page.get_by_text("未发送")).to_have_count(0)
