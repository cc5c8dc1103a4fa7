"""What a message costs the libraries alone, on this machine in this minute: the measure for what the server adds.

A bare aiohttp WebSocket relay in a process of its own. For each request it parses JSON, answers the sender, and tells both
sides: the same three frames of the same size as ``message.send``, without Engine.IO, rules, records or anybody's rights.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

_PAIRS = 50
_MESSAGES = 60
"""Of each pair; 3,000 in all take about half a second."""
_ANSWER_S = 60.0
_TEXT = "请问办税进度如何查询？"


async def bare_ms_per_message() -> float:
    """Processor time of the relay for one message, in ms. Raises ``RuntimeError`` when it does not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from rtc_server.loadtest.bare import serve; serve()",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = (await process.stdout.readline()).strip()
        if not port:
            raise RuntimeError("the bare relay did not start")
        url = f"http://127.0.0.1:{int(port)}/"
        async with aiohttp.ClientSession() as http, asyncio.timeout(_ANSWER_S):
            await asyncio.gather(*(_talk(http, url, f"warm{n}", 4) for n in range(_PAIRS)))
            before = _processor_s(process.pid)
            await asyncio.gather(*(_talk(http, url, f"pair{n}", _MESSAGES) for n in range(_PAIRS)))
            return (_processor_s(process.pid) - before) * 1000 / (_PAIRS * _MESSAGES)
    finally:
        process.kill()
        await process.wait()


async def _talk(http: aiohttp.ClientSession, url: str, pair: str, messages: int) -> None:
    """Two people who write by turns; each waits for the other's line."""
    async with http.ws_connect(f"{url}{pair}") as one, http.ws_connect(f"{url}{pair}") as other:
        for number in range(messages):
            speaker, listener = (one, other) if number % 2 == 0 else (other, one)
            body = {"interaction_id": pair, "client_message_id": f"m{number}", "text": _TEXT}
            await speaker.send_str(f"42{number}{json.dumps(['message.send', body], ensure_ascii=False)}")
            await speaker.receive_str()
            await speaker.receive_str()
            await listener.receive_str()


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve() -> None:
    """The relay: prints its port and serves until it is killed."""
    import uvloop

    rooms: dict[str, list[web.WebSocketResponse]] = {}

    async def relay(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        room = rooms.setdefault(request.path, [])
        room.append(socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            at = message.data.index("[")
            _, body = json.loads(message.data[at:])
            line = {
                "seq": 1, "kind": "text", "client_message_id": body["client_message_id"], "sender_id": "person",
                "sender_role": "taxpayer", "sender_name": "访*", "text": body["text"], "file": None, "card": None,
                "sent_at": 1_700_000_000_000,
            }  # fmt: skip
            told = f"42{json.dumps(['message.posted', {'interaction_id': body['interaction_id'], 'message': line}])}"
            for each in room:
                await each.send_str(told)
            await socket.send_str(f"43{message.data[2:at]}[{json.dumps({'ok': True, 'data': line})}]")
        room.remove(socket)
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{room}", relay)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)  # noqa: T201 - read by who started it
        await asyncio.Event().wait()

    uvloop.run(main())
