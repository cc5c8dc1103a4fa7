"""Recording of a call, or of a meeting: its id stands for ``interaction_id`` then."""

from __future__ import annotations

from typing import ClassVar

from signaling.wire.base import Empty, WireModel
from signaling.wire.requests.base import InteractionRequest


class StartRecording(InteractionRequest):
    """The agent begins to record the running call, the host the meeting; everyone else in it is asked."""

    EVENT: ClassVar[str] = "recording.start"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class StopRecording(InteractionRequest):
    EVENT: ClassVar[str] = "recording.stop"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class AnswerRecording(InteractionRequest):
    """Whether the sender may be recorded. An answer may be changed while the recording runs."""

    EVENT: ClassVar[str] = "recording.consent"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    given: bool
