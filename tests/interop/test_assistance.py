"""Remote assistance in which the taxpayer's browser and the agent's are aiortc."""

from __future__ import annotations

import asyncio

import pytest

from media.types import Source
from signaling.sessions.states import AssistancePhase
from signaling.wire.requests import HangUpAssistance, PauseAssistance, ResumeAssistance
from tests.harness.flows import accept_assistance, pair, share, start_call
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack, ToneTrack

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_PICTURE_S = 1.0
"""Connected transport to first decoded picture. A key frame is asked for and made within one frame of 67 ms; the
rest is for a machine that does many things at once."""


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_the_agent_sees_and_hears_what_is_shared(shared_server: ServerProcess, codec: str) -> None:
    async with pair(shared_server.url, video_codec=codec) as people:
        await people.agent_media.subscribe()
        await accept_assistance(people)
        tracks = {Source.SCREEN: BarcodeTrack(640, 360), Source.SCREEN_AUDIO: ToneTrack(700)}
        await share(people, tracks)
        screen = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        sound = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN_AUDIO)
        await asyncio.gather(screen.more_pictures(30), sound.more_audio(50))
        assert screen.unreadable == 0
        assert screen.missing() == []
        assert {(picture.width, picture.height) for picture in screen.pictures} == {(640, 360)}
        assert sound.frequency() == pytest.approx(700, abs=5)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_late_joiner_sees_a_whole_picture_at_once(shared_server: ServerProcess, codec: str) -> None:
    async with pair(shared_server.url, video_codec=codec) as people:
        await accept_assistance(people)
        track = BarcodeTrack()
        await share(people, {Source.SCREEN: track})
        await track.more(45)  # three seconds of a share that began with the only key frame there would be
        joined_at = track.next_number
        loop = asyncio.get_running_loop()
        connected_at = 0.0

        def connected() -> None:
            nonlocal connected_at
            if people.agent_media.subscriber.connectionState == "connected":
                connected_at = loop.time()

        people.agent_media.subscriber.on("connectionstatechange", connected)
        await people.agent_media.subscribe()
        screen = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        await screen.more_pictures(20)
        assert screen.unreadable == 0
        assert screen.missing() == []
        assert screen.numbers[0] >= joined_at
        assert screen.pictures[0].at - connected_at < FIRST_PICTURE_S


async def test_pause_stops_the_pictures_and_resume_brings_them_back(shared_server: ServerProcess) -> None:
    async with pair(shared_server.url) as people:
        await people.agent_media.subscribe()
        await accept_assistance(people)
        track = BarcodeTrack()
        await share(people, {Source.SCREEN: track})
        screen = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        await screen.more_pictures(10)

        id = people.interaction_id
        await people.taxpayer.do(PauseAssistance(interaction_id=id))
        await people.agent.wait(lambda peer: peer.assistance(id).phase is AssistancePhase.PAUSED)
        await screen.silence(0.6)
        shown = len(screen.pictures)
        last = screen.numbers[-1]
        await track.more(15)  # still sent by the browser, not by the server
        assert len(screen.pictures) == shown

        resumed_at = track.next_number
        await people.taxpayer.do(ResumeAssistance(interaction_id=id))
        await people.agent.wait(lambda peer: peer.assistance(id).phase is AssistancePhase.SHARING)
        await screen.more_pictures(10)
        assert screen.unreadable == 0
        after = screen.numbers[shown:]
        if after[0] == last + 1:  # aiortc gives a picture out only when the one after it begins to come
            del after[0]
        assert after == list(range(after[0], after[0] + len(after)))
        assert after[0] >= resumed_at


async def test_a_second_share_in_the_same_assistance_is_seen(shared_server: ServerProcess) -> None:
    """The browser's own button ended the first; the taxpayer picks again on the same connection."""
    async with pair(shared_server.url) as people:
        await people.agent_media.subscribe()
        await accept_assistance(people)
        await share(people, {Source.SCREEN: BarcodeTrack()})
        first = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        await first.more_pictures(5)
        await people.taxpayer_media.unpublish([Source.SCREEN])
        await people.agent.wait(lambda _: not people.agent_media.carries(people.taxpayer_id, Source.SCREEN))
        await people.taxpayer_media.publish({Source.SCREEN: BarcodeTrack(first=1000)})
        await people.agent.wait(lambda _: people.agent_media.carries(people.taxpayer_id, Source.SCREEN))
        second = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        await second.wait(lambda reception: sum(number >= 1000 for number in reception.numbers) >= 10)


async def test_assistance_and_call_at_once_and_apart(shared_server: ServerProcess) -> None:
    """Hanging up the assistance stops the screen alone."""
    async with pair(shared_server.url) as people:
        await start_call(people)
        await accept_assistance(people)
        await share(people, {Source.SCREEN: BarcodeTrack(first=900_000)})
        screen = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        camera = await people.agent_media.reception(people.taxpayer_id, Source.CAMERA)
        back = await people.taxpayer_media.reception(people.agent_id, Source.CAMERA)
        await asyncio.gather(*(reception.more_pictures(10) for reception in (screen, camera, back)))
        assert min(screen.numbers) >= 900_000 > max(camera.numbers)

        await people.agent.do(HangUpAssistance(interaction_id=people.interaction_id))
        await screen.silence(1)
        await asyncio.gather(camera.more_pictures(15), back.more_pictures(15))
        for reception in (camera, back):
            assert reception.unreadable == 0
            assert reception.missing() == []
