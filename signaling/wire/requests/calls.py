"""Audio and video."""

from __future__ import annotations

from typing import ClassVar

from signaling.sessions.states import DeviceProblem
from signaling.wire.base import Empty, WireModel
from signaling.wire.requests.base import InteractionRequest


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
