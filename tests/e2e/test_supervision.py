"""A supervisor sees everything, and is seen and heard by whom they choose (R18)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.e2e.office import PERMISSIONS, Story
from tests.e2e.people import Agent, Person, Taxpayer
from tests.harness.browser import DESKTOP, launch, screenshot
from tests.harness.tone import LOUDEST_DB, write_tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

HERTZ = 1_250
"""The supervisor's voice. Everybody else has the beep of Chromium's fake microphone."""
LISTEN_MS = 1_500
CLEARLY_DB = 25.0
"""A tone stands this far out of what is beside it in the spectrum."""


@pytest_asyncio.fixture(loop_scope="module")
async def supervisor(story: Story, tmp_path: Path) -> AsyncIterator[Agent]:
    """At the board, in a browser of their own whose microphone hums."""
    voice = write_tone(tmp_path / "voice.wav", HERTZ)
    async with async_playwright() as playwright:
        browser = await launch(
            playwright,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={voice}",
        )
        context = await browser.new_context(viewport=DESKTOP, locale="zh-CN", permissions=PERMISSIONS)
        yield await Agent.arrive(context, story.url, "lead01")
        await browser.close()


async def loudness(person: Person) -> float:
    """Of the supervisor's voice, in decibels above what is beside it; far below nought when it is not heard."""
    return float(await person.page.evaluate(LOUDEST_DB, [HERTZ, LISTEN_MS]))


async def until_heard(person: Person) -> None:
    async with asyncio.timeout(20):
        while await loudness(person) < CLEARLY_DB:
            pass


async def call(story: Story) -> tuple[Taxpayer, Agent]:
    taxpayer, agent = await story.meet()
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    for person in (taxpayer, agent):
        await person.sees_moving("remote-video")
    return taxpayer, agent


async def test_the_board_shows_who_waits_who_serves_and_for_how_long(story: Story, supervisor: Agent) -> None:
    await supervisor.sees("supervisor-board", "广东省税务局服务运营中心")
    board = supervisor.at("supervisor-board")
    await expect(board).to_contain_text("没有税务人员在线")
    agent = await story.agent(status="busy")
    await expect(board).to_contain_text("101忙碌 0/3")
    first, second = await story.taxpayer(), await story.taxpayer("taxpayer02")
    await first.asks_for_a_person()
    await second.asks_for_a_person()
    await expect(supervisor.at("board-waiting").first).to_have_text("2")
    await agent.is_now("free")
    await agent.accepts("张*")
    row = supervisor.page.locator('[data-testid^="conversation-"]').filter(has_text="张*")
    await expect(row).to_contain_text("101")
    await expect(row).to_contain_text("互动中")
    await agent.accepts("李*")
    await expect(supervisor.at("board-waiting").first).to_have_text("0")
    await expect(board).to_contain_text("101空闲 2/3")
    await screenshot(supervisor.page, "supervision-board")
    await first.ends()
    await expect(row).to_have_count(0)


async def test_listen_whisper_join_and_leave(story: Story, supervisor: Agent) -> None:
    taxpayer, agent = await call(story)
    lines = await taxpayer.lines()

    await supervisor.page.get_by_role("button", name="监听 张*").click()
    await supervisor.sees("supervision-state", "监听")
    await supervisor.sees_moving("remote-video")
    await supervisor.sees_moving("aside-video")
    await supervisor.hears_others()
    # From here on there is no other sound than the supervisor's.
    for person in (taxpayer, agent):
        await person.press("mic-toggle")
        await supervisor.reads("已静音")
    await taxpayer.says("这是只有两个人的话吗？")
    await supervisor.reads("这是只有两个人的话吗？")
    await expect(supervisor.at("message-input")).to_be_disabled()
    await screenshot(supervisor.page, "supervision-listen")
    assert await loudness(agent) < CLEARLY_DB
    assert await taxpayer.lines() == [*lines, "这是只有两个人的话吗？"]
    assert "001" not in await taxpayer.page.locator("yueyue-window").inner_text()

    await supervisor.page.get_by_role("button", name="耳语", exact=True).click()
    await supervisor.sees("supervision-state", "只有税务人员能听到您")
    await until_heard(agent)
    heard_by_agent, heard_by_taxpayer = await asyncio.gather(loudness(agent), loudness(taxpayer))
    assert heard_by_agent > CLEARLY_DB
    assert heard_by_taxpayer < CLEARLY_DB
    await screenshot(agent.page, "supervision-whisper-agent")
    await screenshot(taxpayer.page, "supervision-whisper-taxpayer")
    assert "001" not in await taxpayer.page.locator("yueyue-window").inner_text()

    await supervisor.page.get_by_role("button", name="加入", exact=True).click()
    await supervisor.sees("supervision-state", "双方都能听到您")
    await taxpayer.reads("班长 001 已加入会话")
    await asyncio.gather(until_heard(agent), until_heard(taxpayer))
    await supervisor.says("您好，我是值班班长")
    await taxpayer.reads("您好，我是值班班长")
    await agent.reads("您好，我是值班班长")
    await screenshot(taxpayer.page, "supervision-join-taxpayer")
    await screenshot(supervisor.page, "supervision-join")

    await supervisor.press("supervise-leave")
    await taxpayer.reads("班长 001 已离开会话")
    await taxpayer.sees_moving("remote-video")
    await agent.sees_moving("remote-video")
    assert await loudness(taxpayer) < CLEARLY_DB

    entries = await story.administrator.audit(actor_id="lead01")
    told = [(entry["action"], entry["detail"]) for entry in reversed(entries)]
    assert told == [
        ("supervision_started", "listen"),
        ("supervision_started", "whisper"),
        ("supervision_started", "barge"),
        ("supervision_ended", "barge"),
    ]


async def test_a_shared_screen_is_seen_by_who_listens(story: Story, supervisor: Agent) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.press("card-assist")
    await agent.press("assist-accept")
    await taxpayer.press("privacy-agree")
    await taxpayer.press("share-screen")
    await agent.sees_moving("screen-video")
    await supervisor.page.get_by_role("button", name="监听 张*").click()
    await supervisor.sees_moving("screen-video")
    await supervisor.counts("assist-hangup", 0)
    await taxpayer.press("share-pause")
    await supervisor.sees_still("screen-frame")
    await taxpayer.ends()
    await supervisor.sees_no("screen-frame")
