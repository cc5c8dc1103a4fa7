"""Looking at a stage as people and as axe do: at both sizes, a picture kept for a person and the violations found."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.async_api import Page

from tests.harness.axe import violations
from tests.harness.browser import DESKTOP, PHONE, screenshot

SETTLED = """() => Promise.race([
  Promise.allSettled(document.getAnimations({subtree: true})
    .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished)),
  new Promise((resolve) => setTimeout(resolve, 2000)),
]).then(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))"""
"""What moves once has come to rest, and the layout after it is drawn."""


@dataclass
class Looker:
    """Collects what axe finds at every stage, so that one run of a story shows all of it."""

    found: list[str] = field(default_factory=list)

    async def at(self, page: Page, stage: str, *, selector: str | None = None) -> None:
        for size in (DESKTOP, PHONE):
            await page.set_viewport_size(size)
            await page.evaluate(SETTLED)
            name = f"{stage}-{size['width']}"
            await screenshot(page, name)
            wide = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            if wide:
                self.found.append(f"{name}: the page is wider than the screen")
            self.found += [f"{name}: {one}" for one in await violations(page, selector) if one.grave]
        await page.set_viewport_size(DESKTOP)

    def verdict(self) -> None:
        assert not self.found, "\n".join(self.found)
