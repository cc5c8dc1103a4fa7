"""A taxpayer, the agent who serves and an agent of another province: from the chat to the call of three, the service
confirmation form and its result (R7, H9)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import FilePayload, expect

from tests.e2e.counter import first_frames, now, watch_frames
from tests.e2e.office import Story
from tests.e2e.people import Agent, Taxpayer
from tests.harness.axe import violations
from tests.harness.browser import screenshot
from tests.harness.server import start_server

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.long,
    pytest.mark.timeout(300),  # three pages in a call with pictures
]

GUEST = "国家税务总局合肥市税务局坐席 211"
CONSENT = "[data-testid=recording-consent]"
LICENCE = FilePayload(name="营业执照.txt", mimeType="text/plain", buffer="统一社会信用代码".encode())


async def invite(agent: Agent, *, share: bool = False) -> None:
    """The tree is searched, the agent on duty is chosen."""
    await agent.press("invite-open")
    await agent.at("invite-words").fill("合肥市")
    await agent.press("invite-authority-340100")
    await agent.press("invite-agent-agent11")
    await agent.at("invite-note").fill("企业注册地在合肥，办理变更登记")
    if share:
        await agent.at("invite-share").click()
    await screenshot(agent.page, "three-party-invite")
    await agent.press("invite-send")
    await agent.sees_no("invite-dialog")


async def three(story: Story) -> tuple[Taxpayer, Agent, Agent]:
    taxpayer, agent = await story.meet()
    guest = await story.agent("agent11")
    await taxpayer.says("我的公司在合肥")
    await invite(agent)
    await guest.sees("invitation-card", "税务人员 101 邀请您加入 张* 的会话")
    await guest.sees("invitation-card", "企业注册地在合肥")
    await taxpayer.sees("guest-state", "正在邀请国家税务总局合肥市税务局坐席加入")
    await screenshot(guest.page, "three-party-ring")
    await screenshot(agent.page, "three-party-inviting")
    await guest.press("invitation-accept")
    await guest.sees("invitation-leave")
    return taxpayer, agent, guest


async def test_three_see_the_screen_and_talk(story: Story) -> None:
    taxpayer, agent, guest = await three(story)
    for person in (taxpayer, agent):
        await person.reads(f"{GUEST} 加入会话。")
    assert "我的公司在合肥" not in await guest.lines()
    await guest.says("您好，我来为您办理")
    await taxpayer.reads("您好，我来为您办理")
    await agent.reads("您好，我来为您办理")
    await screenshot(taxpayer.page, "three-party-joined-taxpayer")

    # The taxpayer's screen is seen by both, and three talk.
    await taxpayer.shares(agent)
    for staff in (agent, guest):
        await staff.sees_moving("screen-video")
    await agent.press("assist-hangup")
    await guest.sees_no("screen-video")
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await guest.press("call-join")
    for person in (taxpayer, agent, guest):
        await person.sees_moving("remote-video")
        await person.sees_moving("third-video")
    await guest.hears_others()
    await screenshot(taxpayer.page, "three-party-call-taxpayer")
    await screenshot(agent.page, "three-party-call-agent")
    await screenshot(guest.page, "three-party-call-guest")
    await guest.press("call-hangup")
    await guest.sees("call-join")
    await agent.sees_no("third-video")
    await taxpayer.sees_moving("remote-video")
    await agent.press("call-hangup")
    await guest.sees_no("call-join")


async def test_a_guest_is_asked_to_be_recorded_as_the_taxpayer_is(story: Story) -> None:
    """Who serves starts and stops the recording; the guest answers, and may think better of it while it runs."""
    taxpayer, agent, guest = await three(story)
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await guest.press("call-join")
    await guest.sees_moving("third-video")
    await guest.sees_no("recording-toggle")
    await agent.press("recording-toggle")
    await guest.press("recording-agree")
    await agent.sees("recording-consent", "税务人员 211 已同意")
    await guest.sees("recording-consent", "正在被录制")
    await guest.sees_no("recording-other")
    await screenshot(guest.page, "three-party-recorded-guest")
    await guest.press("recording-refuse")
    await agent.sees("recording-consent", "税务人员 211 不同意，未被录制")
    await guest.sees("recording-agree")
    assert not [one for one in await violations(guest.page, CONSENT) if one.grave]
    await taxpayer.press("recording-refuse")
    await screenshot(taxpayer.page, "three-party-recorded-taxpayer")
    await agent.press("recording-toggle")
    await agent.press("call-hangup")
    await guest.sees_no("call-join")


async def test_the_form_from_the_card_to_the_result(story: Story) -> None:
    """Sent, saved, confirmed, to be supplemented, confirmed by the agent at the counter, done."""
    taxpayer, agent, guest = await three(story)
    await guest.press("confirmation-new")
    await guest.at("confirmation-business").fill("变更税务登记")
    await guest.at("confirmation-request").fill("请填写变更后的经营地址")
    await guest.at("confirmation-required").fill("营业执照")
    await screenshot(guest.page, "three-party-form-send")
    await guest.press("confirmation-send-ok")
    await taxpayer.sees("confirmation-card", "变更税务登记")
    await taxpayer.press("confirmation-open")
    await taxpayer.at("filling-content").fill("经营地址变更为蜀山区黄山路1号")
    await taxpayer.at("filling-contact").fill("13412343624")
    await taxpayer.press("filling-confirm")
    await taxpayer.sees("filling-failure", "确认单填写不完整")
    await taxpayer.at("filling-input").set_input_files(LICENCE)
    await taxpayer.sees("filling-file", "营业执照.txt")
    await taxpayer.at("filling-mail").check()
    await taxpayer.at("filling-recipient").fill("张三")
    await taxpayer.at("filling-address").fill("合肥市蜀山区黄山路1号")
    await taxpayer.at("filling-phone").fill("13412343624")
    await taxpayer.press("filling-save")
    await taxpayer.sees("filling-saved")
    await screenshot(taxpayer.page, "three-party-form-filling")
    await taxpayer.press("filling-confirm")
    await taxpayer.sees("confirmation-phase", "已确认，待审核")
    await taxpayer.press("confirmation-close")

    await guest.reads("业务办理服务确认单（变更税务登记）已填写并确认，等待办理地审核。")
    await guest.press("confirmation-open")
    await guest.sees("confirmation-file", "营业执照.txt")
    await guest.press("review-supplement")
    await guest.at("review-reasons").fill("缺少租赁合同\n营业执照不清晰")
    await screenshot(guest.page, "three-party-form-review")
    await guest.press("review-send")
    await taxpayer.reads("需要补正：1. 缺少租赁合同；2. 营业执照不清晰")
    await guest.press("confirmation-close")
    # The agent at the counter fills it in for the taxpayer.
    await agent.press("confirmation-open")
    await agent.sees("confirmation-reasons", "缺少租赁合同")
    await agent.at("filling-input").set_input_files(
        FilePayload(name="租赁合同.txt", mimeType="text/plain", buffer="合同".encode())
    )
    await expect(agent.at("filling-file")).to_have_count(2)
    await agent.press("filling-confirm")
    await agent.sees("confirmation-phase", "已确认，待审核")
    await agent.press("confirmation-close")
    await guest.press("confirmation-open")
    await guest.press("review-complete")
    await guest.at("review-result").fill("变更已生效，纸质文书已寄出")
    await guest.press("review-send")
    await guest.sees("confirmation-phase", "已办结")
    await screenshot(guest.page, "three-party-form-done")
    await taxpayer.reads("已办结：变更已生效，纸质文书已寄出")
    await taxpayer.press("confirmation-open")
    await taxpayer.sees("confirmation-result", "变更已生效，纸质文书已寄出")
    await screenshot(taxpayer.page, "three-party-form-result")
    await taxpayer.press("confirmation-close")
    await guest.press("confirmation-close")
    await guest.press("invitation-leave")
    await taxpayer.reads(f"{GUEST} 已离开会话。")
    await agent.sees("invite-open")


async def test_declined_cancelled_reloaded(story: Story) -> None:
    taxpayer, agent = await story.meet()
    guest = await story.agent("agent11")
    await invite(agent)
    await guest.press("invitation-decline")
    await agent.sees("notice", "坐席未接受邀请")
    await taxpayer.reads("坐席暂时无法加入。")
    await agent.press("way-dismiss")
    await invite(agent)
    await guest.sees("invitation-card")
    await agent.press("invitation-cancel")
    await guest.sees_no("invitation-card")
    await invite(agent, share=True)
    await guest.page.reload()
    await guest.press("invitation-accept")
    await guest.reads("税务人员 101 为您服务。")
    await guest.page.reload()
    await guest.sees("invitation-leave")
    await agent.press("guest-remove")
    await guest.sees_no("invitation-leave")


async def test_passed_on_and_finished_after_the_conversation(story: Story) -> None:
    taxpayer, agent, guest = await three(story)
    handler = await story.agent("agent12", status="away")
    await guest.press("confirmation-new")
    await guest.at("confirmation-business").fill("跨区域涉税事项报验")
    await guest.press("confirmation-send-ok")
    await agent.press("confirmation-open")
    await agent.at("filling-content").fill("报验外出经营项目")
    await agent.at("filling-contact").fill("13412343624")
    await agent.press("filling-confirm")
    await agent.sees("confirmation-phase", "已确认，待审核")
    await agent.press("confirmation-close")
    await guest.press("confirmation-open")
    await guest.press("review-pass_on")
    await guest.at("review-handler").select_option("agent12")
    await guest.at("review-due").fill((datetime.now(UTC) + timedelta(days=5)).date().isoformat())
    await guest.press("review-send")
    await guest.sees("confirmation-phase", "省内经办中")
    await taxpayer.ends()
    await handler.sees("confirmations-open", "确认单（1）")
    await handler.press("confirmations-open")
    await handler.page.locator('[data-kind="confirmation-row"]').first.click()
    await handler.at("review-result").fill("报验已登记")
    await handler.press("review-send")
    await handler.sees("confirmation-phase", "已办结")
    await screenshot(handler.page, "three-party-handler")
    await handler.press("confirmation-close")


async def test_two_agents_without_a_taxpayer(story: Story) -> None:
    first, guest = await story.agent("agent01"), await story.agent("agent11")
    await first.press("collaboration-open")
    await first.at("invite-business").fill("变更税务登记")
    await first.at("invite-words").fill("合肥市")
    await first.press("invite-authority-340100")
    await first.press("invite-agent-agent11")
    await first.press("invite-send")
    await guest.sees("invitation-card", "邀请您线下协同办")
    await guest.press("invitation-accept")
    await first.sees("guest-state", "211")
    await first.says("纳税人在办税厅窗口")
    await guest.reads("纳税人在办税厅窗口")
    await first.press("call-start")
    await guest.press("call-join")
    for person in (first, guest):
        await person.sees_moving("remote-video")
    await screenshot(first.page, "three-party-collaboration")
    await guest.press("invitation-leave")
    await first.ends()


async def test_a_killed_server_brings_the_guest_back_into_the_call(story: Story) -> None:
    """``kill -9`` in a call of three, and the same command again: nobody presses anything."""
    taxpayer, agent, guest = people = await three(story)
    await agent.press("call-start")
    await taxpayer.press("call-accept")
    await guest.press("call-join")
    for person in people:
        await person.sees_moving("remote-video", timeout_ms=60_000)
        await person.sees_moving("third-video", timeout_ms=60_000)
    await guest.press("mic-toggle")
    for person in people:
        await watch_frames(person)
    office = story.office
    port = office.server.port
    await office.server.kill()
    office.server = await start_server(office.data, port=port, before_browsers=True, RTC_TURN_START="false")
    listening = now()
    seen = await asyncio.gather(
        *(first_frames(person, listening, tracks=2, timeout_ms=120_000) for person in people)
    )
    print(f"\ncall of three, server killed: back {max(seen) - listening:.2f} s after the server listens")
    for person in people:
        await person.sees_no("connection-state", timeout_ms=60_000)
        await person.sees_moving("remote-video", timeout_ms=60_000)
        await person.sees_moving("third-video", timeout_ms=60_000)
    await guest.sees("invitation-leave")
    await expect(guest.at("mic-toggle")).to_have_attribute("aria-pressed", "true")
    await guest.says("我回来了")
    await taxpayer.reads("我回来了", timeout_ms=60_000)
    await guest.press("invitation-leave")
    await agent.sees_no("third-video")
    await taxpayer.sees_moving("remote-video")
