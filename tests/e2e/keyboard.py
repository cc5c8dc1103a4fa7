"""Hands without a mouse and eyes without a screen: keys alone, where the focus is, and what is said aloud."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Page

_FOCUS = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  if (active === null || active === document.body) return {testid: '', label: 'nothing', visible: false};
  // A native radio that is drawn by its label shows the focus there.
  const shown = [active, active.parentElement, active.closest('label')].filter((one) => one);
  const marked = (one) => {
    const style = getComputedStyle(one);
    return (style.boxShadow !== 'none' && one.matches(':focus-visible, :focus-within')) || style.outlineStyle !== 'none';
  };
  return {
    testid: active.dataset.testid ?? '',
    label: active.getAttribute('aria-label') || active.innerText || active.tagName,
    // What is the host page's own is its own business.
    visible: shown.some(marked) || (active.getRootNode() === document && document.querySelector('yueyue-window') !== null),
  };
}"""

_LISTEN = """() => {
  window.__heard = [];
  const live = '[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert], [role=alertdialog]';
  const heard = (records) => {
    for (const {target, addedNodes, type} of records) {
      const nodes = type === 'characterData' ? [target] : [...addedNodes];
      for (const node of nodes) {
        const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
        const region = element?.closest(live) ?? element?.querySelector?.(live);
        if (region && !element.closest('[role=timer]')) window.__heard.push((node.textContent ?? '').trim());
      }
    }
  };
  const watch = (root) => new MutationObserver(heard).observe(root, {subtree: true, childList: true, characterData: true});
  watch(document);
  for (const one of document.querySelectorAll('*')) if (one.shadowRoot) watch(one.shadowRoot);
}"""


@dataclass(frozen=True, slots=True)
class Focus:
    testid: str
    label: str
    visible: bool


@dataclass
class Hands:
    """Works a page by keys alone. Every stop on the way must show that it has the focus."""

    page: Page

    async def focus(self) -> Focus:
        return Focus(**await self.page.evaluate(_FOCUS))

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def tab_to(self, testid: str, *, back: bool = False, most: int = 80) -> None:
        """Tab until the element has the focus."""
        way = []
        for _ in range(most):
            at = await self.focus()
            if at.testid == testid:
                return
            way.append(at.testid or at.label[:20])
            await self.press("Shift+Tab" if back else "Tab")
            at = await self.focus()
            assert at.visible or at.label == "nothing", f"the focus cannot be seen on {at}"
        raise AssertionError(f"{testid} is not reached by Tab; on the way: {way}")

    async def choose(self, testid: str, *, back: bool = False) -> None:
        """Tab to it and press Enter."""
        await self.tab_to(testid, back=back)
        await self.press("Enter")

    async def arrives_at(self, testid: str, *, timeout_ms: float = 20_000) -> None:
        """Wait until the focus has moved there by itself."""
        try:
            await self.page.wait_for_function(
                f"(testid) => ({_FOCUS})().testid === testid", arg=testid, timeout=timeout_ms, polling=100
            )
        except Exception as error:
            raise AssertionError(f"the focus is not at {testid} but at {await self.focus()}") from error

    async def listen(self) -> None:
        """From now on, what live regions say is kept."""
        # A file chooser is intercepted from a moment after the first listener; one that opens before it closes by itself.
        self.page.on("filechooser", lambda _chooser: None)
        await self.page.evaluate(_LISTEN)

    async def hears(self, text: str, *, timeout_ms: float = 20_000) -> None:
        """Wait until a live region has said this."""
        try:
            await self.page.wait_for_function(
                "(text) => window.__heard.some((one) => one.includes(text))",
                arg=text,
                timeout=timeout_ms,
                polling=100,
            )
        except Exception as error:
            heard = await self.page.evaluate("window.__heard.slice(-20)")
            raise AssertionError(f"nobody was told {text!r}; the last were {heard}") from error
