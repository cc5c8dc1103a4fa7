"""Requests of a browser and their responses."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from media.types import Source, TransportKind
from signaling.sessions.states import DeviceProblem
from signaling.wire.base import Empty, Identifier, Mid, Request, Sdp, Text, WireModel
from signaling.wire.views import AgentView, IceServerView, InteractionView, MessageView


class InteractionRequest(Request):
    """A request about one interaction; the sender must be a member of it."""

    interaction_id: Identifier


class Agents(WireModel):
    agents: list[AgentView]


class ListAgents(Request):
    """The agents a taxpayer may call directly."""

    EVENT: ClassVar[str] = "agent.list"
    RESPONSE: ClassVar[type[WireModel]] = Agents


class Opened(WireModel):
    interaction: InteractionView


class OpenInteraction(Request):
    """A taxpayer begins an interaction with an agent, or gets back the open one with the same agent."""

    EVENT: ClassVar[str] = "interaction.open"
    RESPONSE: ClassVar[type[WireModel]] = Opened
    agent_id: Identifier


class GetInteraction(InteractionRequest):
    """The truth, whole: for resynchronising after any gap."""

    EVENT: ClassVar[str] = "interaction.get"
    RESPONSE: ClassVar[type[WireModel]] = Opened


class CloseInteraction(InteractionRequest):
    EVENT: ClassVar[str] = "interaction.close"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class Sent(WireModel):
    message: MessageView


class SendMessage(InteractionRequest):
    """Say something. Sending the same ``client_message_id`` again gives the first message back and adds none."""

    EVENT: ClassVar[str] = "message.send"
    RESPONSE: ClassVar[type[WireModel]] = Sent
    client_message_id: Identifier
    text: Text


# Remote assistance


class RequestAssistance(InteractionRequest):
    """【远程协助】 by the taxpayer: rings at the agent. Errors: ``agent_busy``, ``wrong_phase``, ``not_allowed``."""

    EVENT: ClassVar[str] = "assistance.request"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class AcceptAssistance(InteractionRequest):
    EVENT: ClassVar[str] = "assistance.accept"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class DeclineAssistance(InteractionRequest):
    EVENT: ClassVar[str] = "assistance.decline"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class ReportAssistanceProblem(InteractionRequest):
    """The taxpayer's picker was cancelled, permission denied, …: the assistance stays accepted, to try again."""

    EVENT: ClassVar[str] = "assistance.problem"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    problem: DeviceProblem


class PauseAssistance(InteractionRequest):
    """Nothing of the screen leaves the server from now on, whatever the browser still sends."""

    EVENT: ClassVar[str] = "assistance.pause"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class ResumeAssistance(InteractionRequest):
    EVENT: ClassVar[str] = "assistance.resume"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class HangUpAssistance(InteractionRequest):
    """【挂断】 by either; before the agent has accepted it cancels the request."""

    EVENT: ClassVar[str] = "assistance.hang_up"
    RESPONSE: ClassVar[type[WireModel]] = Empty


# Audio and video


class AskCall(InteractionRequest):
    """The taxpayer asks the agent to start audio/video."""

    EVENT: ClassVar[str] = "call.ask"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class StartCall(InteractionRequest):
    """The agent starts; the taxpayer is rung. From a taxpayer: ``call_start_not_allowed``."""

    EVENT: ClassVar[str] = "call.start"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class AcceptCall(InteractionRequest):
    """【同意】"""

    EVENT: ClassVar[str] = "call.accept"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class DeclineCall(InteractionRequest):
    EVENT: ClassVar[str] = "call.decline"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class HangUpCall(InteractionRequest):
    EVENT: ClassVar[str] = "call.hang_up"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class ReportCallProblem(InteractionRequest):
    """The sender cannot capture microphone or camera; ``problem`` None takes an earlier report back."""

    EVENT: ClassVar[str] = "call.problem"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    problem: DeviceProblem | None


# Media


class PublishedTrack(WireModel):
    mid: Mid
    source: Source


class Answer(WireModel):
    sdp: str


class Publish(InteractionRequest):
    """The browser's offer on its publish peer connection. ``tracks`` names the source of every sending m-line;
    inactive m-lines need none. ``fresh`` true for a new RTCPeerConnection. Errors: ``outside_grant``, ``bad_sdp``."""

    EVENT: ClassVar[str] = "media.publish"
    RESPONSE: ClassVar[type[WireModel]] = Answer
    sdp: Sdp
    tracks: Annotated[list[PublishedTrack], Field(max_length=8)]
    fresh: bool


class SlotView(WireModel):
    """What a receive slot carries."""

    mid: str
    publisher_id: str | None
    source: Source | None


class Offer(WireModel):
    sdp: str
    slots: list[SlotView]
    ice_servers: list[IceServerView] = []


class Subscribe(InteractionRequest):
    """Ask for the server's offer of the subscribe peer connection. ``fresh`` true for a new RTCPeerConnection,
    false for an ICE restart of the one there is."""

    EVENT: ClassVar[str] = "media.subscribe"
    RESPONSE: ClassVar[type[WireModel]] = Offer
    fresh: bool


class AnswerSubscribe(InteractionRequest):
    EVENT: ClassVar[str] = "media.answer"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    sdp: Sdp


class AddCandidate(InteractionRequest):
    """Trickle ICE (RFC 8838): the candidate attribute of RTCIceCandidate; empty for end of candidates.
    The server's own candidates are all in its SDP."""

    EVENT: ClassVar[str] = "media.candidate"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    transport: TransportKind
    candidate: Annotated[str, Field(max_length=512)]


class Mute(InteractionRequest):
    """Mute or unmute one's own source; enforced by the engine."""

    EVENT: ClassVar[str] = "media.mute"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    source: Source
    muted: bool


class View(InteractionRequest):
    """How large a track is shown, in device pixels; 0 × 0 when not visible. The simulcast layer follows."""

    EVENT: ClassVar[str] = "media.view"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    publisher_id: Identifier
    source: Source
    width: Annotated[int, Field(ge=0, le=8192)]
    height: Annotated[int, Field(ge=0, le=8192)]


class IceServers(WireModel):
    ice_servers: list[IceServerView]


class GetIceServers(Request):
    """Fresh TURN credentials (they expire)."""

    EVENT: ClassVar[str] = "media.ice_servers"
    RESPONSE: ClassVar[type[WireModel]] = IceServers


REQUESTS: tuple[type[Request], ...] = (
    ListAgents,
    OpenInteraction,
    GetInteraction,
    CloseInteraction,
    SendMessage,
    RequestAssistance,
    AcceptAssistance,
    DeclineAssistance,
    ReportAssistanceProblem,
    PauseAssistance,
    ResumeAssistance,
    HangUpAssistance,
    AskCall,
    StartCall,
    AcceptCall,
    DeclineCall,
    HangUpCall,
    ReportCallProblem,
    Publish,
    Subscribe,
    AnswerSubscribe,
    AddCandidate,
    Mute,
    View,
    GetIceServers,
)
