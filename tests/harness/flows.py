"""The two calls as people go through them, by synthetic peers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiortc import MediaStreamTrack
from socketio.exceptions import BadNamespaceError

from media.types import Source
from signaling.sessions.states import AssistancePhase, CallPhase
from signaling.wire.requests import (
    AcceptAssistance,
    AcceptCall,
    CloseInteraction,
    RequestAssistance,
    StartCall,
)
from tests.harness.media_peer import MediaPeer
from tests.harness.peer import RequestFailed, SyntheticPeer
from tests.harness.tracks import BarcodeTrack, ToneTrack

AGENT_TONE = 440.0
TAXPAYER_TONE = 1000.0
AGENT_FIRST = 0
TAXPAYER_FIRST = 500_000
"""Numbers of the two cameras never meet, so that a picture also tells whose it is."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An agent and a taxpayer in one interaction, each with media that nothing has been offered on."""

    agent: SyntheticPeer
    taxpayer: SyntheticPeer
    interaction_id: str
    agent_media: MediaPeer
    taxpayer_media: MediaPeer

    @property
    def agent_id(self) -> str:
        return self.agent.person.person_id

    @property
    def taxpayer_id(self) -> str:
        return self.taxpayer.person.person_id


@contextlib.asynccontextmanager
async def pair(
    url: str, *, agent: str = "agent01", taxpayer: str = "taxpayer01", video_codec: str | None = None
) -> AsyncIterator[Pair]:
    """Both signed in, the interaction open; closed afterwards, so that the next pair begins anew."""
    async with SyntheticPeer(url, agent) as first, SyntheticPeer(url, taxpayer) as second:
        interaction_id = await second.open(first.person.person_id)
        try:
            await first.wait(lambda peer: interaction_id in peer.interactions)
            yield Pair(
                first,
                second,
                interaction_id,
                first.join(interaction_id, video_codec=video_codec),
                second.join(interaction_id, video_codec=video_codec),
            )
        finally:
            await close(second, interaction_id)


async def close(person: SyntheticPeer, interaction_id: str) -> None:
    """Close the interaction, unless it is or the person is gone."""
    with contextlib.suppress(RequestFailed, BadNamespaceError):
        await person.do(CloseInteraction(interaction_id=interaction_id))


async def accept_call(agent: SyntheticPeer, taxpayer: SyntheticPeer, interaction_id: str) -> None:
    """The agent rings, the taxpayer presses 【同意】."""
    await agent.do(StartCall(interaction_id=interaction_id))
    await taxpayer.wait(lambda peer: peer.call(interaction_id).phase is CallPhase.RINGING)
    await taxpayer.do(AcceptCall(interaction_id=interaction_id))
    await agent.wait(lambda peer: peer.call(interaction_id).phase is CallPhase.CONNECTING)


@dataclass(frozen=True, slots=True)
class CallTracks:
    agent_camera: BarcodeTrack
    taxpayer_camera: BarcodeTrack


async def start_call(people: Pair) -> CallTracks:
    """An audio/video call in which both send camera and microphone and both receive."""
    await people.agent_media.subscribe()
    await people.taxpayer_media.subscribe()
    await accept_call(people.agent, people.taxpayer, people.interaction_id)
    tracks = CallTracks(BarcodeTrack(first=AGENT_FIRST), BarcodeTrack(first=TAXPAYER_FIRST))
    await people.agent_media.publish(
        {Source.MICROPHONE: ToneTrack(AGENT_TONE), Source.CAMERA: tracks.agent_camera}
    )
    await people.taxpayer_media.publish(
        {Source.MICROPHONE: ToneTrack(TAXPAYER_TONE), Source.CAMERA: tracks.taxpayer_camera}
    )
    id = people.interaction_id
    for person in (people.agent, people.taxpayer):
        await person.wait(lambda peer: peer.call(id).phase is CallPhase.ACTIVE)
    return tracks


async def accept_assistance(people: Pair) -> None:
    """The taxpayer asks for remote assistance, the agent accepts."""
    id = people.interaction_id
    await people.taxpayer.do(RequestAssistance(interaction_id=id))
    await people.agent.wait(lambda peer: peer.assistance(id).phase is AssistancePhase.REQUESTED)
    await people.agent.do(AcceptAssistance(interaction_id=id))
    await people.taxpayer.wait(lambda peer: peer.assistance(id).phase is AssistancePhase.ACCEPTED)


async def share(people: Pair, tracks: Mapping[Source, MediaStreamTrack]) -> None:
    """The taxpayer shares these; returns when the server says so to both."""
    id = people.interaction_id
    await people.taxpayer_media.publish(tracks)
    for person in (people.agent, people.taxpayer):
        await person.wait(lambda peer: peer.assistance(id).phase is AssistancePhase.SHARING)
