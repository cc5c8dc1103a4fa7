"""A conversation: its messages, its end, and what follows the end."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from signaling.sessions.states import CloseCause
from signaling.wire.base import Empty, Identifier, Text, WireModel
from signaling.wire.requests.base import InteractionRequest
from signaling.wire.views import InteractionView, MessageView, ProfileView

MAX_LISTED = 100

Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Opened(WireModel):
    interaction: InteractionView


class GetInteraction(InteractionRequest):
    """The truth, whole: for resynchronising after any gap."""

    EVENT: ClassVar[str] = "interaction.get"
    RESPONSE: ClassVar[type[WireModel]] = Opened


class CloseInteraction(InteractionRequest):
    """【结束会话】 by either, or the taxpayer closed the window. A running transfer is cancelled."""

    EVENT: ClassVar[str] = "interaction.close"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    cause: CloseCause = CloseCause.BUTTON


class RateInteraction(InteractionRequest):
    """【已解决】 or 【未解决】 by the taxpayer after the end, once. Errors: ``already_rated``."""

    EVENT: ClassVar[str] = "interaction.rate"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    resolved: bool
    comment: Annotated[str, StringConstraints(max_length=500)] | None = None


class WrapUpInteraction(InteractionRequest):
    """What it was about, by the agent who served it, after the end; it ends the after-work time."""

    EVENT: ClassVar[str] = "interaction.wrap_up"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    code: Identifier
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""


class Profile(WireModel):
    profile: ProfileView


class GetProfile(InteractionRequest):
    """The taxpayer as staff may see them, masked. Staff alone."""

    EVENT: ClassVar[str] = "interaction.profile"
    RESPONSE: ClassVar[type[WireModel]] = Profile


class Sent(WireModel):
    message: MessageView


class SendMessage(InteractionRequest):
    """Say something, or send a file that was uploaded for this interaction: one of ``text`` and ``file_id``. Sending
    the same ``client_message_id`` again gives the first message back and adds none. Errors: ``file_not_found``."""

    EVENT: ClassVar[str] = "message.send"
    RESPONSE: ClassVar[type[WireModel]] = Sent
    client_message_id: Identifier
    text: Text | None = None
    file_id: Identifier | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.file_id is None):
            raise ValueError("either text or file_id")
        return self


class Messages(WireModel):
    messages: list[MessageView]
    """In order of ``seq``, without a gap."""
    last_seq: int
    more: bool
    """Whether there is more in the direction that was asked for."""


class ListMessages(InteractionRequest):
    """The last messages before ``before_seq``, or the first after ``after_seq`` (resync after a gap); with neither the
    last of all. Errors: ``records_unavailable``."""

    EVENT: ClassVar[str] = "message.list"
    RESPONSE: ClassVar[type[WireModel]] = Messages
    before_seq: Seq | None = None
    after_seq: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 50

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.before_seq is not None and self.after_seq is not None:
            raise ValueError("either before_seq or after_seq")
        return self


class ReadMessages(InteractionRequest):
    """Everything up to ``seq`` has been before the reader's eyes. A mark never goes back."""

    EVENT: ClassVar[str] = "message.read"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    seq: Seq


class Typing(InteractionRequest):
    """Repeat every few seconds while typing; it fades by itself."""

    EVENT: ClassVar[str] = "message.typing"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    typing: bool
