"""The command line and a whole server as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from rtc_server.certificates import demo_certificate
from rtc_server.config import load
from rtc_server.identity.tokens import TokenAuthenticator, trusted_issuers
from rtc_server.keys import load_keys
from signaling.sessions.states import AssistancePhase
from signaling.wire.requests import AcceptAssistance, HangUpAssistance, RequestAssistance, StartCall
from tests.harness.peer import RequestFailed, SyntheticPeer
from tests.harness.server import ServerProcess, start_server

Start = Callable[..., Awaitable[ServerProcess]]
START_RATIO = 4.5
"""Processor time of start and stop over that of importing the libraries alone, in the same run: what neither a loaded nor a
slow machine changes. It was 3 when this was written, with a second start after 2 to 4 s."""
LIBRARIES = "import aiohttp, socketio, sqlalchemy.ext.asyncio, pydantic"


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    running: list[ServerProcess] = []

    async def start_it(*arguments: str, data: Path | None = None, **settings: str) -> ServerProcess:
        process = await start_server(data or tmp_path / "data", *arguments, **settings)
        running.append(process)
        return process

    yield start_it
    for process in running:
        if process.process.returncode is None:
            await process.stop()


async def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("rtc-server")),
        *arguments,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def health(url: str, tls: ssl.SSLContext | bool = True) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/healthz", ssl=tls) as response:
        body: dict[str, Any] = await response.json()
        return body


async def test_a_second_start_is_fast_and_tells_where_to_go(start: Start) -> None:
    await (await start(RTC_TURN_START="false")).stop()
    before = _children_cpu_s()
    imports = await asyncio.create_subprocess_exec(sys.executable, "-c", LIBRARIES)
    assert await imports.wait() == 0
    limit_s = (_children_cpu_s() - before) * START_RATIO
    before = _children_cpu_s()
    server = await start(RTC_TURN_START="false")
    assert server.url.startswith("http://127.0.0.1:")
    text = "\n".join(server.output)
    for word in (
        "/demo",
        "/desk",
        "/demo/host",
        "taxpayer01",
        "company01",
        "agent11",
        "lead01",
        "editor01",
        "admin",
    ):
        assert word in text
    assert (await health(server.url))["status"] == "ok"
    await server.stop()
    assert _children_cpu_s() - before < limit_s


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def test_two_servers_with_relays_do_not_collide(start: Start, tmp_path: Path) -> None:
    """On one machine."""
    urls: list[set[str]] = []
    for server in (await start(), await start(data=tmp_path / "other")):
        relay = (await health(server.url))["turn"]
        assert relay["state"] == "running"
        urls.append({endpoint["url"] for endpoint in relay["endpoints"]})
    assert len(urls[0]) == len(urls[1]) == 3
    assert not urls[0] & urls[1]


async def test_a_data_folder_belongs_to_one_server(start: Start, tmp_path: Path) -> None:
    await start(RTC_TURN_START="false")
    arguments = ("serve", "--demo", "--port", "0", "--data", str(tmp_path / "data"))
    code, out, err = await run(*arguments, RTC_TURN_START="false")
    assert code == 2
    assert "--data" in err
    assert "Traceback" not in out + err


async def test_a_database_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    code, out, err = await run(
        "serve", "--demo", "--port", "0", "--data", str(tmp_path / "data"),
        RTC_TURN_START="false",
        RTC_DATABASE_URL="postgresql://someone:hidden-word@127.0.0.1:1/nowhere",
    )  # fmt: skip
    assert code == 2
    assert "RTC_DATABASE_URL" in err
    assert "hidden-word" not in out + err
    assert "Traceback" not in out + err


async def test_sigterm_stops_all_of_it(start: Start) -> None:
    server = await start()
    relay = (await health(server.url))["turn"]
    await server.stop()
    assert server.process.returncode == 0
    assert relay["state"] == "running"
    port = int(relay["endpoints"][1]["url"].split(":")[2].split("?")[0])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_draining_waits_for_a_running_assistance_and_takes_nothing_new(start: Start) -> None:
    server = await start(RTC_TURN_START="false", RTC_DRAIN_S="60")
    async with (
        SyntheticPeer(server.url, "agent01") as agent,
        SyntheticPeer(server.url, "taxpayer01") as taxpayer,
    ):
        room = await taxpayer.open("agent01")
        await taxpayer.do(RequestAssistance(interaction_id=room))
        await agent.wait(lambda peer: room in peer.interactions)
        await agent.wait(lambda peer: peer.assistance(room).phase is AssistancePhase.REQUESTED)
        await agent.do(AcceptAssistance(interaction_id=room))

        server.process.send_signal(signal.SIGTERM)
        while (await health(server.url))["status"] != "draining":
            pass
        async with aiohttp.ClientSession() as http, http.get(f"{server.url}/demo") as response:
            assert response.status == 503
            assert (await response.json())["error"]["code"] == "server_stopping"
        with pytest.raises(RequestFailed) as refused:
            await agent.do(StartCall(interaction_id=room))
        assert refused.value.code == "server_stopping"
        assert server.process.returncode is None

        await taxpayer.do(HangUpAssistance(interaction_id=room))
        assert await asyncio.wait_for(server.process.wait(), 20) == 0
        await taxpayer.wait(lambda peer: peer.closed is not None)
        assert taxpayer.closed is not None
        assert taxpayer.closed.reason.code == "server_stopping"


async def test_a_second_signal_does_not_wait(start: Start) -> None:
    server = await start(RTC_TURN_START="false", RTC_DRAIN_S="600")
    async with (
        SyntheticPeer(server.url, "agent01") as agent,
        SyntheticPeer(server.url, "taxpayer01") as taxpayer,
    ):
        room = await taxpayer.open("agent01")
        await taxpayer.do(RequestAssistance(interaction_id=room))
        server.process.send_signal(signal.SIGTERM)
        while (await health(server.url))["status"] != "draining":
            pass
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), 20) == 0
        await agent.wait(lambda peer: peer.closed is not None)


async def test_a_killed_server_takes_its_relay_along(start: Start) -> None:
    server = await start()
    port = int((await health(server.url))["turn"]["endpoints"][1]["url"].split(":")[2].split("?")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await server.kill()
    # The relay ends and its connections with it.
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_https(start: Start, tmp_path: Path) -> None:
    files = demo_certificate(tmp_path / "tls", ["localhost"], [IPv4Address("127.0.0.1")])
    server = await start(
        "--tls-cert", str(files.certificate), "--tls-key", str(files.key), RTC_TURN_START="false"
    )
    assert server.url.startswith("https://127.0.0.1:")
    trust = ssl.create_default_context(cafile=files.authority)
    assert (await health(server.url, trust))["status"] == "ok"
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{server.url}/demo/as/agent01", ssl=trust, allow_redirects=False) as response,
    ):
        assert "__Host-rtc_session" in response.cookies
        assert response.headers["Strict-Transport-Security"]


async def test_only_listed_sites_may_open_a_signalling_connection(start: Start) -> None:
    site = "https://etax.example.gov.cn"
    server = await start(RTC_TURN_START="false", RTC_CORS_ORIGINS=site)
    polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as http:
        for origin, status in ((site, 200), (server.url, 200), ("https://evil.example", 400)):
            async with http.get(polling, headers={"Origin": origin}) as response:
                assert response.status == status, origin
                if status == 200:
                    assert response.headers.getall("Access-Control-Allow-Origin") == [origin]


async def test_a_port_in_use_is_said_in_words(start: Start, tmp_path: Path) -> None:
    server = await start(RTC_TURN_START="false")
    code, _, err = await run("serve", "--demo", "--port", str(server.port), "--data", str(tmp_path / "other"))
    assert code == 2
    assert "cannot listen" in err
    assert "Traceback" not in err


async def test_without_settings_an_operator_is_told_what_is_missing(tmp_path: Path) -> None:
    code, _, err = await run("serve", "--data", str(tmp_path))
    assert code == 2
    for name in ("RTC_TOKEN_SECRET", "RTC_MEDIA_ADVERTISED_IPS", "RTC_MEDIA_PORT_BASE"):
        assert name in err


async def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path) -> None:
    code, _, err = await run(
        "serve", "--demo", "--data", str(tmp_path), RTC_TOKEN_SECRET="too-short-to-be-safe"
    )
    assert code == 2
    assert "token_secret" in err
    assert "too-short-to-be-safe" not in err


async def test_a_production_server_starts_with_its_settings(start: Start, tmp_path: Path) -> None:
    server = await start(
        "--no-demo",
        RTC_HOST="127.0.0.1",
        RTC_TOKEN_SECRET="an operator's secret of more than 32 bytes",
        RTC_MEDIA_BIND_IP="127.0.0.1",
        RTC_MEDIA_ADVERTISED_IPS="127.0.0.1",
        RTC_MEDIA_PORT_BASE="42170",
        RTC_TURN_START="false",
    )
    assert (await health(server.url))["status"] == "ok"
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/demo") as response:
        assert response.status == 404
    assert not any("taxpayer01" in line for line in server.output)


async def test_no_token_reaches_the_log(start: Start) -> None:
    server = await start(RTC_TURN_START="false", RTC_LOG_LEVEL="debug")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{server.url}/demo/as/taxpayer01?to=/api/session") as response:
            token = (await response.json())["token"]
        async with http.get(f"{server.url}/nowhere/{token}?token={token}&phone=13412343624") as response:
            assert response.status == 404
        async with http.post(f"{server.url}/api/session", json={"token": token + "x"}) as response:
            assert response.status == 401
    await server.stop()
    text = "\n".join(server.output)
    assert '"token_refused"' in text
    assert token.split(".")[1] not in text
    assert "13412343624" not in text
    assert "张三" not in "".join(line for line in server.output if line.startswith("{"))


async def test_token_prints_a_token_this_server_takes(tmp_path: Path) -> None:
    code, out, _ = await run("token", "agent01", "--demo", "--data", str(tmp_path))
    assert code == 0
    settings = load(demo=True, data=tmp_path)
    tokens = TokenAuthenticator(trusted_issuers(settings, load_keys(settings).own_tokens))
    assert (await tokens.authenticate(out.strip())).person_id == "agent01"


async def test_token_of_an_operator(tmp_path: Path) -> None:
    secret = "an operator's secret of more than 32 bytes"
    code, out, _ = await run(
        "token",
        "ops-1",
        "--role",
        "agent",
        "--authority",
        "某某税务局",
        "--staff-number",
        "7",
        RTC_TOKEN_SECRET=secret,
    )
    assert code == 0
    settings = load(token_secret=secret)
    tokens = TokenAuthenticator(trusted_issuers(settings, secret))
    person = await tokens.authenticate(out.strip())
    assert (person.person_id, person.display_name) == ("own.ops-1", "7")
    code, _, err = await run("token", "ops-1", "--role", "king", RTC_TOKEN_SECRET=secret)
    assert code == 2
    assert "no such role" in err


async def test_turn_probe(start: Start, tmp_path: Path) -> None:
    server = await start(data=tmp_path / "data")
    urls = [endpoint["url"] for endpoint in (await health(server.url))["turn"]["endpoints"]]
    arguments = [part for url in urls for part in ("--url", url)]
    code, out, err = await run(
        "turn", "probe", "--json", "--demo", "--data", str(tmp_path / "data"), *arguments
    )
    assert code == 0, err
    results = json.loads(out)["results"]
    assert [result["ok"] for result in results] == [True, True, True]
    # Another data folder has another secret.
    code, out, _ = await run(
        "turn", "probe", "--json", "--demo", "--data", str(tmp_path / "b"), "--url", urls[0]
    )
    assert code == 1
    assert json.loads(out)["results"][0]["reason"] == "allocate_refused_401"
