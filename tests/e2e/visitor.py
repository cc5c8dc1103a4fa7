"""Somebody at a page of lists: the personal centre, or its staff side."""

from __future__ import annotations

import re

from playwright.async_api import FilePayload, Page, expect

from tests.e2e.office import Story
from tests.harness.browser import sign_in
from tests.rest.test_files import PDF

PATIENCE_MS = 30_000
ATTACHMENT: FilePayload = {"name": "说明.pdf", "mimeType": "application/pdf", "buffer": PDF}


class Visitor:
    """Somebody at a page of lists."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)

    @classmethod
    async def arrives(cls, story: Story, account: str, path: str) -> Visitor:
        visitor = cls(await sign_in(await story.seat(), story.url, account, path))
        await expect(visitor.page.get_by_test_id("list-search")).to_be_visible(timeout=PATIENCE_MS)
        return visitor

    async def press(self, testid: str) -> None:
        await self.page.get_by_test_id(testid).first.click()

    async def fill(self, testid: str, text: str) -> None:
        await self.page.get_by_test_id(testid).fill(text)

    async def choose(self, testid: str, value: str) -> None:
        await self.page.get_by_test_id(testid).select_option(value)

    async def counts(self, section: str, number: int) -> None:
        """The mark beside the section, whenever it comes; 0: none."""
        mark = self.page.get_by_test_id(f"count-{section}")
        if number == 0:
            await expect(mark).to_have_count(0, timeout=PATIENCE_MS)
        else:
            await expect(mark).to_have_text(str(number), timeout=PATIENCE_MS)

    async def goes_to(self, section: str) -> None:
        await self.press(f"section-{section}")
        await expect(self.page).to_have_url(re.compile(rf"/{section}$"))

    async def sees(self, testid: str, text: str) -> None:
        await expect(self.page.get_by_test_id(testid).first).to_contain_text(text, timeout=PATIENCE_MS)

    async def sees_row(self, *texts: str) -> None:
        """The first row says all of these, whenever it comes."""
        for text in texts:
            await self.sees("list-row", text)

    async def attaches(self) -> None:
        await self.page.get_by_test_id("attach-input").set_input_files(ATTACHMENT)
        await self.sees("attached", "已上传")
