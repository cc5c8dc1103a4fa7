"""An audio/video call in which both ends are aiortc: its encoders and decoders, our wire and our engine between."""

from __future__ import annotations

import asyncio

import aioice.ice
import pytest

from media.types import Source
from signaling.sessions.states import CallPhase, Presence
from signaling.wire.requests import HangUpCall, Mute
from tests.harness.flows import (
    AGENT_TONE,
    TAXPAYER_FIRST,
    TAXPAYER_TONE,
    Pair,
    accept_call,
    pair,
    start_call,
)
from tests.harness.media_peer import connected
from tests.harness.reception import Reception
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def receptions(people: Pair, source: Source) -> tuple[Reception, Reception]:
    """What the agent gets of the taxpayer, and the taxpayer of the agent."""
    return await asyncio.gather(
        people.agent_media.reception(people.taxpayer_id, source),
        people.taxpayer_media.reception(people.agent_id, source),
    )


def assert_whole(reception: Reception) -> None:
    """Every picture from the first on came, once, in order and readable."""
    assert reception.unreadable == 0
    assert reception.missing() == []
    assert reception.numbers == sorted(set(reception.numbers))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_pictures_and_sound_go_both_ways(shared_server: ServerProcess, codec: str) -> None:
    async with pair(shared_server.url, video_codec=codec) as people:
        await start_call(people)
        of_taxpayer, of_agent = await receptions(people, Source.CAMERA)
        await asyncio.gather(of_taxpayer.more_pictures(30), of_agent.more_pictures(30))
        assert_whole(of_taxpayer)
        assert_whole(of_agent)
        assert min(of_taxpayer.numbers) >= TAXPAYER_FIRST > max(of_agent.numbers)

        heard_by_agent, heard_by_taxpayer = await receptions(people, Source.MICROPHONE)
        await asyncio.gather(heard_by_agent.more_audio(50), heard_by_taxpayer.more_audio(50))
        assert heard_by_agent.frequency() == pytest.approx(TAXPAYER_TONE, abs=5)
        assert heard_by_taxpayer.frequency() == pytest.approx(AGENT_TONE, abs=5)


async def test_a_prepared_connection_sends_after_consent_without_a_new_handshake(
    shared_server: ServerProcess,
) -> None:

    async with pair(shared_server.url) as people:
        await people.agent_media.subscribe()
        await people.taxpayer_media.prepare([Source.MICROPHONE, Source.CAMERA])
        await connected(people.taxpayer_media.publisher)
        await accept_call(people.agent, people.taxpayer, people.interaction_id)
        await people.taxpayer_media.publish({Source.CAMERA: BarcodeTrack()})
        camera = await people.agent_media.reception(people.taxpayer_id, Source.CAMERA)
        await camera.more_pictures(10)
        assert_whole(camera)


async def test_a_muted_microphone_is_silent_whatever_is_sent(shared_server: ServerProcess) -> None:
    async with pair(shared_server.url) as people:
        await start_call(people)
        heard = await people.agent_media.reception(people.taxpayer_id, Source.MICROPHONE)
        await heard.more_audio(10)
        id = people.interaction_id
        await people.taxpayer.do(Mute(interaction_id=id, source=Source.MICROPHONE, muted=True))
        await heard.silence(0.6)
        camera = await people.agent_media.reception(people.taxpayer_id, Source.CAMERA)
        await camera.more_pictures(5)
        await people.taxpayer.do(Mute(interaction_id=id, source=Source.MICROPHONE, muted=False))
        await heard.more_audio(50)
        assert heard.frequency() == pytest.approx(TAXPAYER_TONE, abs=5)


async def test_nothing_flows_after_the_call_whatever_is_sent(shared_server: ServerProcess) -> None:
    async with pair(shared_server.url) as people:
        tracks = await start_call(people)
        of_taxpayer, of_agent = await receptions(people, Source.CAMERA)
        await asyncio.gather(of_taxpayer.more_pictures(5), of_agent.more_pictures(5))
        await people.taxpayer.do(HangUpCall(interaction_id=people.interaction_id))
        await people.agent.wait(lambda peer: peer.call(people.interaction_id).phase is CallPhase.ENDED)
        await asyncio.gather(of_taxpayer.silence(1), of_agent.silence(1))
        before = (len(of_taxpayer.pictures), len(of_agent.pictures))
        await asyncio.gather(tracks.agent_camera.more(20), tracks.taxpayer_camera.more(20))
        assert (len(of_taxpayer.pictures), len(of_agent.pictures)) == before


async def test_media_lives_on_while_signalling_is_away(shared_server: ServerProcess) -> None:
    async with pair(shared_server.url) as people:
        await start_call(people)
        of_taxpayer, of_agent = await receptions(people, Source.CAMERA)
        await asyncio.gather(of_taxpayer.more_pictures(5), of_agent.more_pictures(5))
        id = people.interaction_id
        await people.taxpayer.cut()
        await people.agent.wait(
            lambda peer: peer.member(id, people.taxpayer_id).presence is Presence.RECONNECTING
        )
        await asyncio.gather(of_taxpayer.more_pictures(15), of_agent.more_pictures(15))
        await people.taxpayer.connect()
        assert people.taxpayer.welcome is not None
        assert people.taxpayer.welcome.resumed
        assert people.taxpayer.call(id).phase is CallPhase.ACTIVE
        await people.agent.wait(lambda peer: peer.member(id, people.taxpayer_id).presence is Presence.ONLINE)
        await asyncio.gather(of_taxpayer.more_pictures(5), of_agent.more_pictures(5))
        assert_whole(of_taxpayer)
        assert_whole(of_agent)


async def test_a_reloaded_page_begins_anew_in_the_same_call(shared_server: ServerProcess) -> None:
    async with pair(shared_server.url) as people:
        await start_call(people)
        before = await people.agent_media.reception(people.taxpayer_id, Source.CAMERA)
        await before.more_pictures(5)
        await people.taxpayer_media.close()
        reloaded = people.taxpayer.join(people.interaction_id)
        await reloaded.subscribe()
        second = BarcodeTrack(first=TAXPAYER_FIRST + 100_000)
        await reloaded.publish({Source.CAMERA: second})
        of_agent = await reloaded.reception(people.agent_id, Source.CAMERA)
        await of_agent.more_pictures(10)
        assert_whole(of_agent)
        after = await people.agent_media.reception(people.taxpayer_id, Source.CAMERA)
        await after.wait(lambda r: sum(n >= TAXPAYER_FIRST + 100_000 for n in r.numbers) >= 10)


async def test_who_has_not_nominated_yet_is_not_kept_waiting(
    shared_server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chromium says hello (DTLS) on a pair it has checked and nominates it with a later check, after 2.5 s if three
    checks were out before the first answer. Until then a lite agent uses the pair all the same (RFC 8445 §12.1)."""
    build = aioice.ice.Connection.build_request

    def never_nominate(
        connection: aioice.ice.Connection, pair: aioice.ice.CandidatePair, nominate: bool
    ) -> aioice.stun.Message:
        return build(connection, pair, nominate=False)

    monkeypatch.setattr(aioice.ice.Connection, "build_request", never_nominate)
    async with pair(shared_server.url) as people:
        await start_call(people)
        of_taxpayer, of_agent = await receptions(people, Source.CAMERA)
        await asyncio.gather(of_taxpayer.more_pictures(10), of_agent.more_pictures(10))
