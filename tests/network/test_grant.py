"""What a member may send is the server's decision: nothing a browser offers or sends widens it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from aiortc import RTCPeerConnection
from aiortc.rtcrtpparameters import RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from media.types import Source
from signaling.sessions.states import AssistancePhase, CallPhase
from signaling.wire.requests import Answer, HangUpCall, Publish, PublishedTrack
from tests.harness.flows import Pair, accept_assistance, pair, share, start_call
from tests.harness.media_peer import connected, peer_connection
from tests.harness.metrics import read_metrics
from tests.harness.peer import RequestFailed, SyntheticPeer
from tests.harness.server import ServerProcess
from tests.harness.tracks import BarcodeTrack, ToneTrack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def assistance(shared_server: ServerProcess) -> AsyncIterator[Pair]:
    """A screen is being shared; the agent has been given nothing to send."""
    async with pair(shared_server.url) as people:
        await people.agent_media.subscribe()
        await people.taxpayer_media.subscribe()
        await accept_assistance(people)
        await share(people, {Source.SCREEN: BarcodeTrack()})
        yield people


async def refusal(
    peer: SyntheticPeer, interaction_id: str, connection: RTCPeerConnection, *tracks: tuple[str, Source]
) -> str:
    """The code with which this connection's offer is refused; fails when it is taken."""
    await connection.setLocalDescription(await connection.createOffer())
    request = Publish(
        interaction_id=interaction_id,
        sdp=connection.localDescription.sdp,
        tracks=[PublishedTrack(mid=mid, source=source) for mid, source in tracks],
        fresh=True,
    )
    with pytest.raises(RequestFailed) as refused:
        await peer.send(request, Answer)
    return refused.value.code


def sending(kind: str, direction: str = "sendonly") -> Callable[[RTCPeerConnection], None]:
    track = BarcodeTrack if kind == "video" else lambda: ToneTrack(300)

    def add(connection: RTCPeerConnection) -> None:
        connection.addTransceiver(track(), direction=direction)

    return add


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
@pytest.mark.parametrize("source", [*Source, None], ids=lambda source: source or "no source named")
async def test_an_agent_may_send_nothing_in_an_assistance(
    assistance: Pair, source: Source | None, direction: str
) -> None:
    connection = peer_connection()
    sending("audio" if source and source.kind == "audio" else "video", direction)(connection)
    tracks = [("0", source)] if source else []
    assert await refusal(assistance.agent, assistance.interaction_id, connection, *tracks) == "outside_grant"
    screen = await assistance.agent_media.reception(assistance.taxpayer_id, Source.SCREEN)
    await screen.more_pictures(5)
    assert not assistance.taxpayer.member(assistance.interaction_id, assistance.agent_id).media
    await connection.close()


async def test_a_sending_line_behind_an_inactive_one_is_seen(assistance: Pair) -> None:
    connection = peer_connection()
    connection.addTransceiver("video", direction="inactive")
    connection.addTransceiver("audio", direction="recvonly")
    sending("video")(connection)
    code = await refusal(assistance.agent, assistance.interaction_id, connection)
    assert code == "outside_grant"
    await connection.close()


async def test_a_taxpayer_in_an_assistance_has_no_camera(assistance: Pair) -> None:
    with pytest.raises(RequestFailed) as refused:
        await assistance.taxpayer_media.publish({Source.CAMERA: BarcodeTrack()})
    assert refused.value.code == "outside_grant"
    screen = await assistance.agent_media.reception(assistance.taxpayer_id, Source.SCREEN)
    await screen.more_pictures(10)
    assert not assistance.agent_media.carries(assistance.taxpayer_id, Source.CAMERA)


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
async def test_a_renegotiation_does_not_help(assistance: Pair, named: bool) -> None:
    """The first offer is inactive and taken; the second begins to send on the connected transport."""
    media = assistance.agent_media
    await media.prepare([Source.CAMERA])
    await connected(media.publisher)
    transceiver = media.transceivers[Source.CAMERA]
    transceiver.sender.replaceTrack(BarcodeTrack())
    transceiver.direction = "sendonly"
    await media.publisher.setLocalDescription(await media.publisher.createOffer())
    tracks = [PublishedTrack(mid=transceiver.mid or "", source=Source.CAMERA)] if named else []
    request = Publish(
        interaction_id=assistance.interaction_id,
        sdp=media.publisher.localDescription.sdp,
        tracks=tracks,
        fresh=False,
    )
    with pytest.raises(RequestFailed) as refused:
        await assistance.agent.send(request, Answer)
    assert refused.value.code == "outside_grant"


async def test_packets_on_an_inactive_line_go_nowhere(shared_server: ServerProcess, assistance: Pair) -> None:
    """Offered inactive, taken, connected; then RTP with the m-line's mid is sent all the same."""
    media = assistance.agent_media
    await media.prepare([Source.CAMERA])
    await connected(media.publisher)
    transceiver = media.transceivers[Source.CAMERA]
    extensions = HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=transceiver._headerExtensions))
    before = (await read_metrics(shared_server.url)).dropped("outside_grant")
    transport = transceiver.sender.transport
    payload_type = transceiver._codecs[0].payloadType
    assert payload_type is not None
    for number in range(50):
        packet = RtpPacket(
            payload_type=payload_type,
            sequence_number=number,
            timestamp=number * 3000,
            marker=1,
        )
        packet.ssrc = transceiver.sender._ssrc
        packet.payload = b"\x10\x50\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" + bytes(
            100
        )  # begins a VP8 key frame
        packet.extensions.mid = transceiver.mid
        await transport._send_rtp(packet.serialize(extensions))
    screen = await media.reception(assistance.taxpayer_id, Source.SCREEN)
    await screen.more_pictures(5)
    assert (await read_metrics(shared_server.url)).dropped("outside_grant") - before >= 50
    assert not assistance.taxpayer_media.carries(assistance.agent_id, Source.CAMERA)


async def test_a_grant_that_ended_ends_what_it_allowed(shared_server: ServerProcess) -> None:
    """The call ends, the assistance goes on: the agent's camera, still sending on the same m-line, goes nowhere."""
    async with pair(shared_server.url) as people:
        tracks = await start_call(people)
        await accept_assistance(people)
        await share(people, {Source.SCREEN: BarcodeTrack(first=900_000)})
        screen = await people.agent_media.reception(people.taxpayer_id, Source.SCREEN)
        of_agent = await people.taxpayer_media.reception(people.agent_id, Source.CAMERA)
        await asyncio.gather(screen.more_pictures(5), of_agent.more_pictures(5))

        id = people.interaction_id
        await people.agent.do(HangUpCall(interaction_id=id))
        await people.taxpayer.wait(lambda peer: peer.call(id).phase is CallPhase.ENDED)
        assert people.taxpayer.assistance(id).phase is AssistancePhase.SHARING
        await of_agent.silence(1)
        before = (await read_metrics(shared_server.url)).dropped("outside_grant")
        shown = len(of_agent.pictures)
        await tracks.agent_camera.more(20)
        assert len(of_agent.pictures) == shown
        assert (await read_metrics(shared_server.url)).dropped("outside_grant") - before >= 20
        with pytest.raises(RequestFailed) as refused:
            await people.agent_media.publish({})
        assert refused.value.code == "outside_grant"
        await screen.more_pictures(10)
        assert screen.missing() == []


async def test_another_persons_interaction_is_not_found(
    shared_server: ServerProcess, assistance: Pair
) -> None:
    """Media messages with the id of an interaction one is not in say no more than that it is not there."""
    id = assistance.interaction_id
    offer = peer_connection()
    sending("video")(offer)
    await offer.setLocalDescription(await offer.createOffer())
    sdp = offer.localDescription.sdp
    requests: dict[str, dict[str, object]] = {
        "media.publish": {"sdp": sdp, "tracks": [{"mid": "0", "source": "screen"}], "fresh": True},
        "media.subscribe": {"fresh": True},
        "media.answer": {"sdp": sdp},
        "media.candidate": {
            "transport": "publish",
            "candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
        },
        "media.mute": {"source": "screen", "muted": True},
        "media.view": {
            "publisher_id": assistance.taxpayer_id,
            "source": "screen",
            "width": 0,
            "height": 0,
        },
    }
    async with SyntheticPeer(shared_server.url, "taxpayer02") as other:
        for event, fields in requests.items():
            with pytest.raises(RequestFailed) as refused:
                await other.request(event, {"interaction_id": id, **fields})
            assert refused.value.code in {"not_found", "not_a_member"}, event
    screen = await assistance.agent_media.reception(assistance.taxpayer_id, Source.SCREEN)
    await screen.more_pictures(10)
    assert screen.missing() == []
    await offer.close()


@pytest.mark.parametrize(
    "candidate",
    [
        "candidate:",
        "candidate:1 1 udp",
        "candidate:1 1 udp 99999999999999999999 127.0.0.1 9 typ host",
        "candidate:1 1 udp 1 127.0.0.1 70000 typ host",
        "candidate:1 1 udp 1 not-an-address 9 typ host",
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0",
        "\x00" * 100,
        "候选",
    ],
)
async def test_a_candidate_that_is_none_is_refused_and_the_share_goes_on(
    assistance: Pair, candidate: str
) -> None:
    payload = {"interaction_id": assistance.interaction_id, "transport": "publish", "candidate": candidate}
    with pytest.raises(RequestFailed) as refused:
        await assistance.taxpayer.request("media.candidate", payload)
    assert refused.value.code == "bad_candidate"
    screen = await assistance.agent_media.reception(assistance.taxpayer_id, Source.SCREEN)
    await screen.more_pictures(5)
    assert screen.missing() == []
