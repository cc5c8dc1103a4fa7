"""axe-core in a page: what a screen reader or a weak eye would stumble over (WCAG 2.2 AA), also inside shadow roots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "web_client" / "node_modules" / "axe-core" / "axe.min.js"
"""A development dependency of the web client, pinned in its package-lock.json."""

GRAVE = frozenset({"serious", "critical"})

_RUN = """async (selector) => {
  const answer = await axe.run(selector ?? document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  });
  return answer.violations;
}"""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    impact: str
    what: str
    where: tuple[str, ...]

    @property
    def grave(self) -> bool:
        return self.impact in GRAVE

    def __str__(self) -> str:
        return f"{self.impact} {self.rule}: {self.what}\n    " + "\n    ".join(self.where)


async def violations(page: Page, selector: str | None = None) -> list[Violation]:
    """Everything axe finds in the element of ``selector``, or in the whole page."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(_RUN, selector)
    return [
        Violation(
            one["id"],
            one["impact"] or "minor",
            one["help"],
            tuple(
                f"{node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
                for node in one["nodes"]
            ),
        )
        for one in found
    ]
