"""Remote assistance."""

from __future__ import annotations

from typing import ClassVar

from signaling.sessions.states import DeviceProblem
from signaling.wire.base import Empty, WireModel
from signaling.wire.requests.base import InteractionRequest


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
