"""The HTTP side of WHIP and WHEP at a real server: every status and its body (docs/whip.md)."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import jwt
import pytest
import socketio

from media.types import MediaKind
from rtc_server.identity.accounts import TIANHE, Account
from rtc_server.identity.stream_tokens import AUDIENCE, ISSUER
from rtc_server.identity.tokens import TokenMinter
from signaling.sessions.states import Role
from signaling.wire.base import WIRE_VERSION
from signaling.wire.requests import HangUpAssistance, RequestAssistance
from tests.harness.media_peer import peer_connection
from tests.harness.meeting_host import Host, hosted_meeting, token_of
from tests.harness.peer import SyntheticPeer
from tests.harness.server import ServerProcess, start_server
from tests.harness.whip import FRAGMENT, SDP, Device

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

END = "a=end-of-candidates\r\n"
MEETING_HOLDS = 50
CHALLENGES = {
    "token_missing": "Bearer",
    "token_invalid": 'Bearer error="invalid_token"',
    "stream_revoked": 'Bearer error="invalid_token"',
    "not_allowed": 'Bearer error="insufficient_scope"',
}
"""By code (RFC 6750 section 3.1); no other refusal asks for another token."""


async def an_offer(*kinds: MediaKind, direction: str = "sendonly") -> str:
    connection = peer_connection()
    for kind in kinds or (MediaKind.AUDIO, MediaKind.VIDEO):
        connection.addTransceiver(kind.value, direction=direction)
    await connection.setLocalDescription(await connection.createOffer())
    text: str = connection.localDescription.sdp
    await connection.close()
    return text


async def refused(device: Device, method: str, url: str, body: str | None, **headers: str) -> tuple[int, str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    status, answered, text = await device.send(method, url, body, given)
    assert answered["Content-Type"].startswith("application/json"), text
    code = text.split('"code": "')[1].split('"')[0]
    assert answered.get("WWW-Authenticate") == CHALLENGES.get(code)
    session = "/sessions/" in url
    if status == 405:
        assert answered["Allow"].replace(" ", "") == ("DELETE,OPTIONS,PATCH" if session else "OPTIONS,POST")
    if status == 415:
        assert answered["Accept-Patch" if session else "Accept-Post"] == (FRAGMENT if session else SDP)
    if status in {429, 503}:
        assert int(answered["Retry-After"]) > 0
    return status, code


async def test_offers_that_are_refused(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        link, view = await host.link("publish", "OBS"), await host.link("view", "屏幕")
        offer = await an_offer()
        async with Device(link["url"], link["token"]) as obs, Device(view["url"], view["token"]) as player:
            url = obs.endpoint

            async def post(body: str | None, content_type: str = SDP, **more: str) -> tuple[int, str]:
                return await refused(obs, "POST", url, body, Content_Type=content_type, **more)

            assert await post(offer, "text/plain") == (415, "media_type_unsupported")
            assert await post(offer, Accept="text/html") == (406, "media_type_unsupported")
            assert await post("v=0\r\nnothing") == (400, "bad_message")
            assert await post(offer.replace("a=ice-ufrag", "a=x")) == (400, "bad_message")
            assert await post("x" * 40_000) == (413, "message_too_large")
            assert await post(offer.replace("a=group:BUNDLE", "a=x:")) == (422, "sdp_unsupported")
            assert await post(await an_offer(direction="recvonly")) == (422, "sdp_unsupported")
            assert await post(await an_offer(MediaKind.VIDEO, MediaKind.VIDEO)) == (422, "sdp_unsupported")
            assert await post(offer.replace("opus/48000/2", "G722/8000").replace("PCM", "x")) == (
                422,
                "sdp_unsupported",
            )
            sdp_of_player = await an_offer()
            assert await refused(player, "POST", player.endpoint, sdp_of_player, Content_Type=SDP) == (
                422,
                "sdp_unsupported",
            )
            # Whose token, and for what.
            assert await post(offer, Authorization="") == (401, "token_missing")
            assert await post(offer, Authorization="Basic eDp5") == (401, "token_invalid")
            assert await post(offer, Authorization=f"Bearer {link['token']}x") == (401, "token_invalid")
            assert await post(offer, Authorization=f"Bearer {host.token}") == (401, "token_invalid")
            assert await post(offer, Authorization=f"Bearer {view['token']}") == (403, "not_allowed")
            elsewhere = url.rsplit("/", 1)[0] + "/other"
            assert await refused(obs, "POST", elsewhere, offer, Content_Type=SDP) == (403, "not_allowed")
            forged = {"iss": ISSUER, "aud": AUDIENCE, "sub": link["stream_id"], "meeting": host.meeting_id}
            forged |= {"access": "publish", "exp": int(time.time()) + 60}
            own = jwt.encode(forged, "k" * 32, algorithm="HS256")
            assert await post(offer, Authorization=f"Bearer {own}") == (401, "token_invalid")
            none = jwt.encode(forged, None, algorithm="none")
            assert await post(offer, Authorization=f"Bearer {none}") == (401, "token_invalid")

            for method in ("GET", "PUT", "PATCH", "DELETE"):
                assert await refused(obs, method, url, None) == (405, "unknown_message")
            status, headers, _ = await obs.send("OPTIONS", url, None, {})
            assert (status, headers["Accept-Post"], headers["Allow"]) == (200, SDP, "OPTIONS, POST")
            # RFC 9110 section 9.3.2: as GET, without the body.
            assert (await obs.send("HEAD", url, None, {}))[0] == 405

            # Nobody stayed by any of it: who has no codec in common is out again at once.
            await host.until(lambda: (host.member(link) or {}).get("presence") == "left")
            await host.ask(
                "DELETE", f"/api/meetings/{host.meeting_id}/streams/{link['stream_id']}", status=204
            )
            assert await post(offer) == (403, "stream_revoked")


async def test_sessions_and_their_preconditions(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        link = await host.link("publish", "OBS")
        async with Device(link["url"], link["token"]) as obs:
            status, headers, answer = await obs.send(
                "POST", obs.endpoint, await an_offer(), {"Content-Type": SDP}
            )
            assert (status, headers["Content-Type"]) == (201, SDP)
            assert headers["ETag"].startswith('"')
            assert "a=setup:passive" in answer
            origin = shared_server.url
            first = origin + headers["Location"]
            etag = headers["ETag"]

            async def patch(
                body: str, url: str = first, content_type: str = FRAGMENT, **more: str
            ) -> tuple[int, str]:
                return await refused(obs, "PATCH", url, body, Content_Type=content_type, **more)

            assert await patch(END) == (428, "precondition_missing")
            assert await patch(END, If_Match='"other"') == (412, "precondition_failed")
            assert await patch(END, If_Match=f"W/{etag}") == (412, "precondition_failed")
            assert await patch(END, content_type="application/json", If_Match=etag) == (
                415,
                "media_type_unsupported",
            )
            assert await patch("", If_Match=etag) == (400, "bad_message")
            assert await patch("a=ice-ufrag:abcd\r\n", If_Match="*") == (400, "bad_message")
            assert await patch("m=audio 9 x 0\r\na=mid:nine\r\n" + END, If_Match=etag) == (
                422,
                "sdp_unsupported",
            )
            bad = "a=candidate:1 1 udp nonsense\r\n"
            assert (await patch(bad, If_Match=etag))[1] == "bad_candidate"
            assert await patch(END, origin + "/api/whip/sessions/none", If_Match=etag) == (404, "not_found")
            good = "a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host\r\n" + END
            status, _, body = await obs.send(
                "PATCH", first, good, {"Content-Type": FRAGMENT, "If-Match": etag}
            )
            assert (status, body) == (204, "")
            for method in ("GET", "POST", "PUT"):
                assert await refused(obs, method, first, None) == (405, "unknown_message")
            status, headers, _ = await obs.send("OPTIONS", first, None, {})
            assert (status, headers["Accept-Patch"], headers["Allow"]) == (
                200,
                FRAGMENT,
                "DELETE, OPTIONS, PATCH",
            )

            # A device that comes anew takes its own place.
            second = await obs.post(await an_offer())
            assert second.startswith("v=0")
            assert await refused(obs, "DELETE", first, None) == (404, "not_found")
            assert await obs.delete() == 200
            assert await refused(obs, "DELETE", obs.session, None) == (404, "not_found")


async def test_one_screen_at_a_time(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        link = await host.link("publish", "课件", source="screen")
        await host.do("meeting.share", take_over=False)
        async with Device(link["url"], link["token"]) as obs:
            status = await refused(obs, "POST", obs.endpoint, await an_offer(), Content_Type=SDP)
            assert status == (409, "share_taken")


async def test_a_device_that_offers_all_the_time_waits(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        link = await host.link("publish", "OBS")
        async with Device(link["url"], link["token"]) as obs:
            for _ in range(20):
                assert (await refused(obs, "POST", obs.endpoint, "nothing", Content_Type=SDP))[0] == 400
            assert await refused(obs, "POST", obs.endpoint, "nothing", Content_Type=SDP) == (
                429,
                "rate_limited",
            )


async def test_who_offers_both_ways_is_answered_one_way(shared_server: ServerProcess) -> None:
    """RFC 9725 section 4.2: an offer may say ``sendrecv``; the answer never does."""
    async with hosted_meeting(shared_server.url) as host:
        for access, direction in (("publish", "recvonly"), ("view", "sendonly")):
            link = await host.link(access, access)
            async with Device(link["url"], link["token"]) as device:
                answer = await device.post(await an_offer(direction="sendrecv"))
                assert answer.count(f"a={direction}") == 2
                assert "a=sendrecv" not in answer


async def test_a_full_meeting_takes_no_device_until_somebody_goes(tmp_path: Path) -> None:
    secret = secrets.token_urlsafe(48)
    server = await start_server(tmp_path / "data", RTC_TURN_START="false", RTC_TOKEN_SECRET=secret)
    try:
        async with hosted_meeting(server.url) as host, AsyncExitStack() as people:
            link = await host.link("publish", "OBS")
            guests = [
                await people.enter_async_context(
                    guest(server.url, host.meeting_id, TokenMinter(secret), f"taxpayer-{number}")
                )
                for number in range(MEETING_HOLDS - 1)
            ]
            await host.do("meeting.admit", person_id=None)
            there = {f"taxpayer-{number}" for number in range(MEETING_HOLDS - 1)}
            await host.until(lambda: there <= set(host.members))
            async with Device(link["url"], link["token"]) as obs:
                offer = await an_offer()
                status = await refused(obs, "POST", obs.endpoint, offer, Content_Type=SDP)
                assert status == (409, "meeting_full")
                assert host.member(link) is None

                await guests[0].call("meeting.leave", {"meeting_id": host.meeting_id}, timeout=15)
                assert (await obs.post(offer)).startswith("v=0")
                # Who is in has its place: coming anew takes no other.
                assert (await obs.post(offer)).startswith("v=0")
    finally:
        await server.stop()


async def test_a_server_that_drains_takes_no_device_and_lets_those_there_go_on(tmp_path: Path) -> None:
    server = await start_server(tmp_path / "data", RTC_TURN_START="false", RTC_DRAIN_S="120")
    try:
        async with (
            hosted_meeting(server.url) as host,
            SyntheticPeer(server.url, "agent02") as agent,
            SyntheticPeer(server.url, "taxpayer02") as taxpayer,
        ):
            # A meeting does not hold up the drain; an assistance does.
            room = await taxpayer.open("agent02")
            await taxpayer.do(RequestAssistance(interaction_id=room))
            await agent.wait(lambda peer: room in peer.interactions)
            link, other = await host.link("publish", "OBS"), await host.link("view", "屏幕")
            async with (
                Device(link["url"], link["token"]) as obs,
                Device(other["url"], other["token"]) as wall,
            ):
                await obs.post(await an_offer())
                server.process.send_signal(signal.SIGTERM)
                await server.says("draining")
                for device, direction in ((obs, "sendonly"), (wall, "recvonly")):
                    offer = await an_offer(direction=direction)
                    status = await refused(device, "POST", device.endpoint, offer, Content_Type=SDP)
                    assert status == (503, "server_stopping")
                assert (await obs.patch(END))[0] == 204
                assert await obs.delete() == 200
                assert await refused(obs, "DELETE", obs.session, None) == (404, "not_found")
            assert server.process.returncode is None
            await host.do("meeting.end")
            await taxpayer.do(HangUpAssistance(interaction_id=room))
        assert await asyncio.wait_for(server.process.wait(), 20) == 0
    finally:
        await server.stop()


@asynccontextmanager
async def guest(
    url: str, meeting_id: str, minter: TokenMinter, account: str
) -> AsyncIterator[socketio.AsyncClient]:
    """A taxpayer in the lobby."""
    io = socketio.AsyncClient(reconnection=False)
    person = Account(account, Role.TAXPAYER, "访客", "/", "", TIANHE)
    auth = {"version": WIRE_VERSION, "token": minter.mint(person, 3600), "scope": "meeting"}
    await io.connect(url, auth=auth, transports=["websocket"], wait_timeout=15)
    try:
        answer = await io.call("meeting.enter", {"meeting_id": meeting_id}, timeout=15)
        assert answer["ok"], answer
        yield io
    finally:
        await io.disconnect()


async def test_links_are_the_hosts_alone(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        path = f"/api/meetings/{host.meeting_id}/streams"
        await host.ask("POST", path, {"access": "publish", "name": "x", "minutes": 1}, 400)
        await host.ask("POST", path, {"access": "listen", "name": "x"}, 400)
        await host.ask("POST", path, {"access": "publish", "name": ""}, 400)
        for number in range(8):
            await host.link("publish", f"设备{number}")
        await host.ask("POST", path, {"access": "publish", "name": "x"}, 409)
        own, host.token = host.token, await _token_of(host, "agent02")
        await host.ask("GET", path, status=404)
        host.token = await _token_of(host, "taxpayer01")
        await host.ask("GET", path, status=403)
        host.token = own
        shown = await host.ask("GET", path)
        assert len(shown["streams"]) == 8
        assert "token" not in shown["streams"][0]
        await host.ask("DELETE", f"{path}/none", status=404)


async def test_pages_of_listed_sites_alone_may_read(
    tmp_path: Path,
) -> None:
    site = "https://tv.example.gov.cn"
    server = await start_server(tmp_path / "data", RTC_TURN_START="false", RTC_CORS_ORIGINS=f'["{site}"]')
    try:
        async with hosted_meeting(server.url) as host:
            link = await host.link("view", "屏幕")
            async with Device(link["url"], link["token"]) as player:
                asked = {
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization",
                }
                for origin, allowed in ((site, site), ("https://evil.example", None)):
                    status, headers, _ = await player.send(
                        "OPTIONS", player.endpoint, None, {"Origin": origin, **asked}
                    )
                    assert (status, headers["Accept-Post"]) == (200, SDP)
                    assert headers.get("Access-Control-Allow-Origin") == allowed
                    assert ("If-Match" in headers.get("Access-Control-Allow-Headers", "")) is bool(allowed)
                offer = await an_offer(direction="recvonly")
                status, headers, _ = await player.send(
                    "POST", player.endpoint, offer, {"Content-Type": SDP, "Origin": site}
                )
                assert status == 201
                exposed = headers["Access-Control-Expose-Headers"]
                assert all(name in exposed for name in ("Location", "ETag", "Link"))
    finally:
        await server.stop()


async def _token_of(host: Host, account: str) -> str:
    return await token_of(host.url, account)
