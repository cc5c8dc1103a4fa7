"""Nobody writes and nothing runs: it is said that it will end, and then it ends (H5)."""

from __future__ import annotations

import pytest

from tests.e2e.office import Story
from tests.harness.browser import screenshot

OFFICE = {"RTC_SESSIONS_SILENCE_WARN_S": "3", "RTC_SESSIONS_SILENCE_END_S": "4"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_silence_is_warned_of_and_then_ends_it(story: Story) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.sees("silence-warning", "长时间没有新消息")
    await agent.sees("silence-warning")
    await screenshot(taxpayer.page, "window-silence")
    await taxpayer.says("我还在")
    await taxpayer.sees_no("silence-warning")
    await agent.sees_no("silence-warning")
    await taxpayer.sees("silence-warning")
    await taxpayer.sees("agent-presence", "长时间没有新消息，会话已自动结束")
    await agent.reads("长时间没有新消息，会话已自动结束")
    await taxpayer.sees("rating")
