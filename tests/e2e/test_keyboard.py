"""The whole service by keyboard alone, at the window and at the desk: every stop visible, no place lost, all of it announced."""

from __future__ import annotations

import pytest
from playwright.async_api import FilePayload, expect

from tests.e2e.conftest import Room
from tests.e2e.keyboard import Hands
from tests.e2e.people import Agent, Taxpayer
from tests.harness.browser import sign_in
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.long


async def at_the_window(seat: Room, url: str, account: str = "taxpayer01") -> tuple[Taxpayer, Hands]:
    page = await sign_in(await seat(), url, account, "/demo/host")
    taxpayer, hands = Taxpayer(page), Hands(page)
    await taxpayer.sees("open-window")
    await hands.listen()
    return taxpayer, hands


async def at_the_desk(seat: Room, url: str) -> tuple[Agent, Hands]:
    agent = await Agent.arrive(await seat(), url)
    await agent.press("desk-sign-in")
    await agent.sees("desk-status")
    hands = Hands(agent.page)
    await hands.listen()
    return agent, hands


async def test_a_taxpayer_needs_no_mouse(server: ServerProcess, seat: Room) -> None:
    agent, _ = await at_the_desk(seat, server.url)
    taxpayer, hands = await at_the_window(seat, server.url)

    await hands.choose("open-window")
    await hands.arrives_at("window")
    await hands.choose("font-size")
    await hands.tab_to("font-17")
    await hands.press("ArrowLeft")
    await hands.arrives_at("font-15")
    await hands.press("Escape")
    await taxpayer.sees_no("font-15")
    await hands.arrives_at("font-size")

    await hands.choose("window-close", back=True)
    await hands.arrives_at("confirm-cancel")
    await hands.press("Escape")
    await taxpayer.sees_no("confirm-dialog")
    await hands.arrives_at("window-close")

    await hands.choose("human")
    await taxpayer.sees("queue-card")
    await hands.hears("正在为您")
    await agent.press("offer-accept")
    await taxpayer.sees("greeting-card")
    await hands.hears("请问有什么可以帮您")
    await hands.tab_to("message-input")
    await hands.page.keyboard.type("您好，发票在哪里勾选？")
    await hands.press("Enter")
    await agent.reads("您好，发票在哪里勾选？")
    await hands.arrives_at("message-input")
    await agent.says("请打开税务数字账户。")
    await hands.hears("请打开税务数字账户。")

    await hands.tab_to("attach-file", back=True)
    async with hands.page.expect_file_chooser() as chooser:
        await hands.press("Enter")
    await (await chooser.value).set_files(
        [FilePayload(name="申报说明.txt", mimeType="text/plain", buffer="申报说明".encode())]
    )
    await agent.sees("message-file")

    # Remote assistance: the place goes to what runs, and each answer leads to the next step.
    await hands.choose("assist-request", back=True)
    await hands.arrives_at("assist-hangup")
    await agent.press("assist-accept")
    await hands.hears("税务人员已接受")
    await hands.arrives_at("privacy-agree")
    await hands.press("Enter")
    await hands.arrives_at("share-screen")
    await hands.press("Enter")
    await agent.sees_moving("screen-video")
    await hands.arrives_at("share-pause")
    await hands.press("Enter")
    await agent.sees("assist-state", "暂停")
    await hands.choose("share-resume")
    await agent.sees_moving("screen-video")

    # While writing, a call is announced and does not take the keys away; F6 goes to it and back.
    await hands.press("F6")
    await hands.arrives_at("message-input")
    await agent.press("call-start")
    await taxpayer.sees("call-accept")
    await hands.hears("税务人员邀请您音视频互动，按 F6")
    await hands.page.keyboard.type("好的")
    await hands.press("Enter")
    await agent.reads("好的")
    await taxpayer.sees("call-accept")
    await hands.press("F6")
    await hands.arrives_at("call-accept")
    await hands.press("Enter")
    await taxpayer.sees_moving("remote-video")
    await hands.choose("mic-toggle")
    await expect(taxpayer.at("mic-toggle")).to_have_attribute("aria-pressed", "true")
    await hands.choose("device-change")
    await taxpayer.sees("device-picker")
    await hands.press("Escape")
    await taxpayer.sees_no("device-picker")
    await hands.choose("call-hangup")
    await agent.sees_no("remote-video")
    await hands.choose("assist-hangup")
    await agent.sees_no("screen-video")
    await hands.arrives_at("message-input")

    await hands.choose("end-session", back=True)
    await hands.arrives_at("confirm-cancel")
    await hands.choose("confirm-ok")
    await hands.arrives_at("rating")
    await hands.choose("rate-resolved")
    await taxpayer.sees("rating-done")
    await hands.hears("已提交")
    await hands.arrives_at("rating")
    await hands.tab_to("message-input")
    await hands.choose("window-minimize", back=True)
    await hands.arrives_at("open-window")


async def test_an_agent_needs_no_mouse(server: ServerProcess, seat: Room) -> None:
    agent, hands = await at_the_desk(seat, server.url)
    first, _ = await at_the_window(seat, server.url)
    second, _ = await at_the_window(seat, server.url, "taxpayer02")

    await hands.press("Alt+k")
    await agent.sees("shortcuts-dialog", "Alt + A")
    await hands.press("Escape")
    await agent.sees_no("shortcuts-dialog")

    await first.press("open-window")
    await first.press("human")
    await hands.hears("请求人工服务")
    await hands.press("Alt+a")
    await first.sees("greeting-card")
    await hands.arrives_at("message-input")
    await hands.page.keyboard.type("您好，请问要办理什么业务？")
    await hands.press("Enter")
    await first.reads("您好，请问要办理什么业务？")

    await hands.press("/")
    await hands.arrives_at("canned-search")
    await hands.page.keyboard.type("截图")
    await expect(agent.at("canned-reply")).to_have_count(1)
    await hands.press("Enter")
    await hands.arrives_at("message-input")
    await expect(agent.at("message-input")).to_have_value(
        "请将办理页面截图发送给我，请注意遮挡与本次办理无关的个人信息。"
    )
    await hands.press("Enter")
    await first.reads("请将办理页面截图发送给我")
    await hands.press("Alt+c")
    await hands.arrives_at("canned-search")
    await hands.press("Escape")
    await agent.sees_no("canned-replies")
    await hands.arrives_at("message-input")

    await second.press("open-window")
    await second.press("human")
    await agent.sees("offer-accept")
    await hands.press("Alt+a")
    await second.sees("greeting-card")
    await expect(agent.at("taxpayer-card")).to_contain_text("李*")
    await first.says("我想看发票")
    await hands.hears("有 1 条未读消息")
    await hands.press("Alt+u")
    await expect(agent.at("taxpayer-card")).to_contain_text("张*")
    await agent.reads("我想看发票")
    await hands.press("Alt+ArrowDown")
    await expect(agent.at("taxpayer-card")).to_contain_text("李*")
    await hands.press("Alt+ArrowUp")
    await expect(agent.at("taxpayer-card")).to_contain_text("张*")

    await first.press("card-assist")
    await hands.hears("申请远程协助")
    await hands.press("Alt+x")
    await first.reads("税务人员暂时无法进行远程协助")
    await hands.press("Alt+v")
    await first.press("call-accept")
    await agent.sees_moving("remote-video")
    await hands.tab_to("call-hangup")
    await hands.press("Enter")
    await first.sees_no("call-hangup")

    await hands.press("Alt+t")
    await agent.sees("transfer-dialog")
    await hands.press("Escape")
    await agent.sees_no("transfer-dialog")
    await hands.press("Alt+q")
    await hands.arrives_at("confirm-cancel")
    await hands.choose("confirm-ok")
    await hands.arrives_at("wrap-up-invoice")
    await hands.press("ArrowDown")
    await hands.tab_to("wrap-up-note")
    await hands.page.keyboard.type("已说明")
    await hands.choose("wrap-up-save")
    await agent.sees_no("wrap-up-dialog")
    await second.press("end-session")
    await second.press("confirm-ok")
    await agent.sees("aftercare-list")
    await hands.press("Alt+w")
    await agent.sees("wrap-up-dialog")
    await hands.press("Escape")
    await agent.sees_no("wrap-up-dialog")
