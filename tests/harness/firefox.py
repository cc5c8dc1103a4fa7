"""Firefox ESR as Debian has it, driven by WebDriver BiDi (W3C WebDriver BiDi): a profile of its own, a camera and a
microphone that Firefox makes itself, and as much of the protocol as the stories need."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

FIREFOX = os.environ.get("FIREFOX", "/usr/bin/firefox-esr")
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_START_S = 120.0
_COMMAND_S = 150.0
_PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # Candidates of a page without a granted device are mDNS names (RFC 8828 section 5.2), which nobody resolves here.
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    # H.264 is a plug-in that Firefox would fetch from elsewhere.
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "zh-CN",
    "remote.active-protocols": 1,
}


def firefox_missing() -> str | None:
    """Why there is no Firefox to test with, or None."""
    return None if shutil.which(FIREFOX) else f"{FIREFOX} is not installed (package firefox-esr)"


class BidiError(Exception):
    """A command the browser refused, or a script that threw."""


@dataclass
class Bidi:
    """One connection: commands by number, answers whenever they come. Events are not subscribed to."""

    socket: aiohttp.ClientWebSocketResponse
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def listen(self) -> None:
        async for message in self.socket:
            answer = json.loads(message.data)
            waiting = self._waiting.pop(answer.get("id", 0) or 0, None)
            if waiting is None or waiting.done():
                continue
            if answer["type"] == "error":
                waiting.set_exception(BidiError(f"{answer['error']}: {answer['message']}"))
            else:
                waiting.set_result(answer["result"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        await self.socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(future, _COMMAND_S)


@dataclass
class Firefox:
    """A running browser; each ``tab`` is a person of their own, with cookies of their own."""

    bidi: Bidi

    async def tab(self, url: str, *, width: int = 1366, height: int = 768, before: str | None = None) -> Tab:
        """``before``: a function that runs in every document before its own scripts."""
        person = await self.bidi.send("browser.createUserContext")
        made = await self.bidi.send("browsingContext.create", type="tab", userContext=person["userContext"])
        tab = Tab(self.bidi, made["context"])
        await self.bidi.send(
            "browsingContext.setViewport",
            context=tab.context,
            viewport={"width": width, "height": height},
        )
        if before is not None:
            await self.bidi.send(
                "script.addPreloadScript", functionDeclaration=before, contexts=[tab.context]
            )
        await tab.open(url)
        return tab


@dataclass
class Tab:
    bidi: Bidi
    context: str

    async def open(self, url: str) -> None:
        await self.bidi.send("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def reload(self) -> None:
        await self.bidi.send("browsingContext.reload", context=self.context, wait="complete")

    async def run(self, function: str, *arguments: str | float) -> Any:
        """What a function returns, awaited; through JSON. As if somebody had just clicked: a picker may open."""
        values = [
            {"type": "string", "value": one} if isinstance(one, str) else {"type": "number", "value": one}
            for one in arguments
        ]
        answer = await self.bidi.send(
            "script.callFunction",
            functionDeclaration=f"async (...args) => JSON.stringify((await ({function})(...args)) ?? null)",
            arguments=values,
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise BidiError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def sees(self, testid: str, text: str = "", *, timeout_ms: float = 60_000) -> None:
        """Wait until it is visible and says so; also inside the window's shadow root. ``testid`` may be a selector of
        attributes, ``[…]``, wherever one is asked for."""
        await self.run(_SEES, testid, text, timeout_ms)

    async def press(self, testid: str) -> None:
        """A click as a person makes it: at its place, by the pointer."""
        await self.sees(testid)
        x, y = await self.run(_PLACE, testid, 60_000)
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        steps: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self.bidi.send(
            "input.performActions", context=self.context, actions=[{**pointer, "actions": steps}]
        )

    async def at(self, testid: str, function: str, *arguments: str | float) -> Any:
        """What a function of the element and the arguments returns, once the element is visible."""
        await self.sees(testid)
        return await self.run(
            f"async (testid, ...rest) => {{ {_FIND} return await ({function})(find(testid), ...rest); }}",
            testid,
            *arguments,
        )

    async def becomes(self, condition: str, *, timeout_ms: float = 60_000) -> None:
        """Wait until a function returns something true."""
        await self.run(_BECOMES % condition, timeout_ms)

    async def screenshot(self, path: Path) -> None:
        shot = await self.bidi.send("browsingContext.captureScreenshot", context=self.context)
        await asyncio.to_thread(_write, path, base64.b64decode(shot["data"]))


@contextlib.asynccontextmanager
async def running_firefox(profile: Path, *, display: str | None = None) -> AsyncIterator[Firefox]:
    """With an empty ``profile`` that is made here. Without a ``display`` (of X) headless: then it has no screen to share."""
    await asyncio.to_thread(_make, profile)
    process = await asyncio.create_subprocess_exec(
        FIREFOX, *([] if display else ["--headless"]), "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"} | ({"DISPLAY": display} if display else {}),
    )  # fmt: skip
    assert process.stderr is not None
    reading: asyncio.Task[None] | None = None
    try:
        address = await asyncio.wait_for(_address(process.stderr), _START_S)
        reading = asyncio.create_task(_drain(process.stderr))
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{address}/session", max_msg_size=1 << 26) as socket,
        ):
            bidi = Bidi(socket)
            listening = asyncio.create_task(bidi.listen())
            await bidi.send("session.new", capabilities={})
            try:
                yield Firefox(bidi)
            finally:
                listening.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if reading is not None:
            await reading


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _make(profile: Path) -> None:
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _address(stream: asyncio.StreamReader) -> str:
    async for line in stream:
        found = _LISTENING.search(line.decode(errors="replace"))
        if found:
            return found[1]
    raise BidiError("Firefox ended before it listened")


async def _drain(stream: asyncio.StreamReader) -> None:
    async for _ in stream:
        pass


_FIND = """
const find = (testid) => {
  const roots = [document, ...[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)];
  for (const root of roots) {
    const found = root.querySelector(testid.startsWith('[') ? testid : `[data-testid="${testid}"]`);
    if (found && found.getClientRects().length > 0) return found;
  }
  return null;
};
"""

_SEES = f"""async (testid, text, timeout) => {{
  {_FIND}
  const until = performance.now() + timeout;
  for (;;) {{
    const found = find(testid);
    if (found && found.textContent.includes(text) && !found.disabled) return;
    if (performance.now() > until) throw new Error(`no ${{testid}} ${{text}}: ${{found?.textContent}}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }}
}}"""

# Where it stands once it stands still and nothing lies above it.
_PLACE = f"""async (testid, timeout) => {{
  {_FIND}
  const until = performance.now() + timeout;
  let before = '';
  for (;;) {{
    const found = find(testid);
    found?.scrollIntoView({{ block: 'center' }});
    const box = found?.getBoundingClientRect();
    const [x, y] = box ? [box.left + box.width / 2, box.top + box.height / 2] : [0, 0];
    const now = `${{x}} ${{y}}`;
    if (found?.contains(found.getRootNode().elementFromPoint(x, y)) && now === before) return [x, y];
    if (performance.now() > until) throw new Error(`${{testid}} is not to be pressed`);
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }}
}}"""

_BECOMES = """async (timeout) => {
  const until = performance.now() + timeout;
  while (!(await (%s)())) {
    if (performance.now() > until) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}"""
