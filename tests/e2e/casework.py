"""The steps of the personal centre and of its staff side that more than one story takes."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.visitor import PATIENCE_MS, Visitor


class Resident(Visitor):
    """A taxpayer at the personal centre."""

    async def books(self, method: str, day: int, slot: str, subject: str, contact: str | None = None) -> None:
        """``day``: from today. What the form lacks it says, until it can be sent."""
        await self.press("book-open")
        await self.choose("book-method", method)
        if contact is not None:
            await self.fill("book-contact", contact)
        await self.page.get_by_test_id("book-day").select_option(index=day)
        await expect(self.page.get_by_test_id("book-submit")).to_be_disabled()
        await self.page.get_by_test_id(f"slot-{slot}").click()
        await self.fill("book-subject", subject)
        await self.press("book-submit")
        await self.sees("booked-dialog", "预约提示")
        await self.press("booked-ok")

    async def cancels(self) -> None:
        """The newest appointment."""
        await self.press("appointment-cancel")
        await self.press("confirm-ok")
        await self.sees_row("已取消")

    async def writes(self, content: str, kind: str = "consultation") -> None:
        """An inquiry; the form is open, or is opened."""
        if await self.page.get_by_test_id("inquiry-write").count() == 0:
            await self.press("inquiry-new")
        await self.choose("inquiry-kind", kind)
        await self.fill("inquiry-content", content)
        await self.attaches()

    async def asks_for_mediation(
        self, subject: str, detail: str, *, contact: str, expected: str | None = None
    ) -> None:
        """With material; the form is left open."""
        await self.press("mediation-new")
        await self.fill("mediation-subject", subject)
        await self.fill("mediation-detail", detail)
        await self.fill("mediation-contact", contact)
        if expected is not None:
            await self.fill("mediation-expected", expected)
        await self.attaches()


class Officer(Visitor):
    """Staff at the casework of their centre."""

    async def assigns(self, content: str, agent: str = "agent01") -> None:
        """The newest inquiry. The dialog stays open."""
        await self.sees_row(content, "待分派")
        await self.press("inquiry-open")
        await self.choose("inquiry-agent", agent)
        await self.press("inquiry-assign")
        await self.sees("told", "已分派")

    async def replies(self, text: str) -> None:
        """To the newest inquiry."""
        await self.press("inquiry-open")
        await self.fill("inquiry-answer", text)
        await self.press("inquiry-send")
        await self.sees_row("已答复")

    async def invites(self, person: str, day: int, slot: str, subject: str) -> None:
        await self.press("invite-open")
        await self.fill("invite-taxpayer", person)
        await self.page.get_by_test_id("book-day").select_option(index=day)
        await self.page.get_by_test_id(f"slot-{slot}").click()
        await self.fill("invite-subject", subject)
        await self.press("invite-send")
        await self.sees("told", "邀请已发送")

    async def surveys(self, title: str, people: str, *questions: tuple[str, str]) -> None:
        """Questions with their options, one a line; none: words. The form is left open."""
        await self.press("push-open")
        await self.choose("push-kind", "survey")
        await self.fill("push-title", title)
        await self.fill("push-body", "请抽出一分钟填写。")
        await self.fill("push-people", people)
        for number, (question, options) in enumerate(questions):
            await self.press("question-add")
            await self.fill(f"question-{number}", question)
            await self.fill(f"options-{number}", options)

    async def dispatches(self, agent: str = "agent01") -> None:
        """The application that is open."""
        await self.choose("mediation-agent", agent)
        await self.press("mediation-dispatch")
        await expect(self.page.get_by_test_id("mediation-dialog")).to_have_count(0, timeout=PATIENCE_MS)
