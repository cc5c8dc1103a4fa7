"""The line drops and comes back; nobody presses anything and the call is as it was (R12, H10)."""

from __future__ import annotations

from tests.e2e.conftest import Pair, Room
from tests.e2e.people import Agent, Taxpayer
from tests.harness.proxy import CuttableProxy
from tests.harness.server import ServerProcess


async def test_signalling_cut_and_mended_keeps_the_assistance(server: ServerProcess, seat: Room) -> None:
    async with CuttableProxy(server.port) as line:
        agent = await Agent.arrive(await seat(), server.url)
        taxpayer = await Taxpayer.arrive(await seat(), line.url)
        await taxpayer.turns_to()
        await agent.opens_first()
        await taxpayer.shares(agent)
        await agent.sees_moving("screen-video")

        line.cut()
        await taxpayer.sees("connection-state", "重新连接")
        await agent.reads("正在重新连接")
        await agent.sees_moving("screen-video")
        await agent.says("断线期间的话")

        line.mend()
        await taxpayer.reads("断线期间的话")
        await taxpayer.sees("share-pause")
        await taxpayer.press("share-pause")
        await agent.sees("assist-state", "暂停")


async def test_a_reloaded_desk_sees_the_screen_again(pair: Pair) -> None:
    await pair.taxpayer.shares(pair.agent)
    await pair.agent.sees_moving("screen-video")
    await pair.agent.page.reload()
    await pair.agent.opens_first()
    await pair.agent.sees_moving("screen-video")


async def test_a_reloaded_taxpayer_finds_the_conversation_and_the_call(pair: Pair) -> None:
    await pair.taxpayer.says("刷新之前")
    await pair.agent.press("call-start")
    await pair.taxpayer.press("call-accept")
    await pair.agent.sees_moving("remote-video")
    await pair.taxpayer.page.reload()
    await pair.taxpayer.press("open-window")
    await pair.taxpayer.reads("刷新之前")
    await pair.taxpayer.sees_moving("remote-video")
    await pair.agent.sees_moving("remote-video")
