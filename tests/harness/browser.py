"""Real Chromium: fake camera, microphone and screen, or a real X screen under Xvfb."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Playwright, ViewportSize

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
BASE_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
)
FAKE_MEDIA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
ENTIRE_SCREEN = ("--use-fake-device-for-media-stream", "--auto-select-desktop-capture-source=Entire screen")

DESKTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}


async def launch(
    playwright: Playwright,
    *flags: str,
    headless: bool = True,
    display: str | None = None,
    program: str = CHROMIUM,
) -> Browser:
    """Start Chromium with the flags every test needs plus these."""
    mode = ("--headless=new",) if headless else ()
    return await playwright.chromium.launch(
        executable_path=program,
        headless=headless,
        args=[*mode, *BASE_FLAGS, *flags],
        ignore_default_args=["--headless=old", "--mute-audio"],
        env={**os.environ, "DISPLAY": display} if display else None,
    )


async def sign_in(
    context: BrowserContext, server_url: str, account: str, path: str, *, query: str = ""
) -> Page:
    """A page of ``path`` as a demo account, the way a newcomer gets there."""
    page = await context.new_page()
    page.set_default_timeout(20_000)
    await page.goto(f"{server_url}/demo/as/{account}?to={path}{query}")
    return page


async def screenshot(page: Page, name: str) -> Path:
    """Keep a picture of the page for a person to look at."""
    folder = Path(__file__).parents[1] / "e2e" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    await page.screenshot(path=path)
    return path
