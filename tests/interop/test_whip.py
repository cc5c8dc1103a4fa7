"""WHIP and WHEP with aiortc at both ends: pictures counted by what is in them, over real sockets."""

from __future__ import annotations

import re
import secrets

import pytest

from media.types import MediaKind
from tests.harness.media_peer import connected
from tests.harness.meeting_host import Host, hosted_meeting
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack, ToneTrack
from tests.harness.whip import Device

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

TONE = 440.0


def device(link: dict[str, str]) -> Device:
    return Device(link["url"], link["token"])


async def test_a_device_publishes_and_a_player_watches(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        camera, screen = await host.link("publish", "演播室"), await host.link("view", "大厅屏幕")
        async with device(camera) as obs, device(screen) as player:
            pictures = BarcodeTrack()
            await obs.publish(pictures, ToneTrack(TONE))
            await connected(obs.connection)
            await host.until(lambda: _sources(host, camera) == {"camera", "microphone"})
            # Video before audio: the answer keeps the player's order.
            await player.watch(MediaKind.VIDEO, MediaKind.AUDIO)
            await connected(player.connection)
            seen, heard = player.received["video"], player.received["audio"]
            await seen.more_pictures(30)
            assert seen.unreadable == 0
            assert seen.missing() == []
            await heard.more_audio(50)
            assert heard.frequency() == pytest.approx(TONE, abs=5)

            shown = host.member(screen)
            assert shown is not None
            assert (shown["stream"], shown["meeting_role"], shown["media"]) == ("view", "observer", [])

            assert await obs.delete() == 200
            await host.until(lambda: _presence(host, camera) == "left")
            assert await obs.delete() == 404
            await seen.silence(1)


async def test_ice_restarts_while_pictures_go_on(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        camera, screen = await host.link("publish", "演播室"), await host.link("view", "大厅屏幕")
        async with device(camera) as obs, device(screen) as player:
            await obs.publish(BarcodeTrack())
            await player.watch(MediaKind.VIDEO)
            await connected(player.connection)
            await player.received["video"].more_pictures(5)
            for one in (obs, player):
                before = one.etag
                # New credentials alone: aiortc cannot use them, the server must take them and keep what runs.
                status, body = await one.patch(_credentials(), "*")
                assert status == 200, body
                assert re.search(r"^a=ice-ufrag:\S{4,}\r\na=ice-pwd:\S{22,}\r$", body, re.MULTILINE)
                assert "a=candidate:" in body
                assert one.etag not in (before, "")
                assert (await one.patch("a=end-of-candidates\r\n", before))[0] == 412
                assert (await one.patch("a=end-of-candidates\r\n"))[0] == 204
            await player.received["video"].more_pictures(10)


async def test_the_host_mutes_removes_and_takes_the_screen(shared_server: ServerProcess) -> None:
    async with hosted_meeting(shared_server.url) as host:
        slides, screen = (
            await host.link("publish", "课件", source="screen"),
            await host.link("view", "大厅屏幕"),
        )
        async with device(slides) as obs, device(screen) as player:
            await obs.publish(BarcodeTrack())
            await host.until(lambda: _sources(host, slides) == {"screen"})
            await player.watch(MediaKind.VIDEO)
            await connected(player.connection)
            await player.received["video"].more_pictures(5)
            await host.do("meeting.share", take_over=True)
            await host.until(lambda: _presence(host, slides) == "left")
            await player.received["video"].silence(1)
            assert (await obs.patch("a=end-of-candidates\r\n"))[0] == 404

            await host.do("meeting.remove", person_id=f"stream-{screen['stream_id']}")
            await host.until(lambda: _presence(host, screen) == "left")
            left = await host.ask("GET", f"/api/meetings/{host.meeting_id}/streams")
            assert [(s["name"], s["live"]) for s in left["streams"]] == [("课件", False)]
            status, _, body = await player.send(
                "POST",
                player.endpoint,
                player.connection.localDescription.sdp,
                {"Content-Type": "application/sdp"},
            )
            assert status == 403, body
            assert "stream_revoked" in body


def _credentials() -> str:
    return f"a=ice-ufrag:{secrets.token_hex(4)}\r\na=ice-pwd:{secrets.token_hex(16)}\r\n"


def _sources(host: Host, link: dict[str, str]) -> set[str]:
    member = host.member(link)
    return {track["source"] for track in member["media"]} if member is not None else set()


def _presence(host: Host, link: dict[str, str]) -> str:
    member = host.member(link)
    return member["presence"] if member is not None else ""
