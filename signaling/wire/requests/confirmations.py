"""The service confirmation form (业务办理服务确认单, H9)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from signaling.sessions.confirmation import MAX_REASONS, Delivery
from signaling.wire.base import Identifier, Request, WireModel
from signaling.wire.confirmation_views import ConfirmationView, HandlerView
from signaling.wire.requests.base import InteractionRequest

Line = Annotated[str, StringConstraints(max_length=200)]
GivenLine = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(max_length=2_000)]
Time = Annotated[int, Field(ge=0, le=2**53)]


class Confirmed(WireModel):
    confirmation: ConfirmationView


class SendConfirmation(InteractionRequest):
    """By the guest (办理地). Errors: ``not_allowed``, ``wrong_phase`` while another of this conversation is being
    filled in."""

    EVENT: ClassVar[str] = "confirmation.send"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed
    business: GivenLine
    request: Prose = ""
    """What the taxpayer is asked to state."""
    required: Annotated[list[GivenLine], Field(max_length=20)] = []
    """应提供资料: with any, no form is confirmed without material."""


class ConfirmationRequest(Request):
    """About one form. For whom it does not concern: ``not_found``."""

    confirmation_id: Identifier


class GivenFilling(WireModel):
    content: Prose = ""
    contact: Annotated[str, StringConstraints(max_length=30)] = ""
    materials: Annotated[list[Identifier], Field(max_length=20)] = []
    """Ids of files uploaded for the conversation by this person, or in the form already."""
    delivery: Delivery = Delivery.ELECTRONIC
    recipient: Annotated[str, StringConstraints(max_length=50)] = ""
    address: Line = ""
    address_phone: Annotated[str, StringConstraints(max_length=30)] = ""


class SaveConfirmation(ConfirmationRequest):
    """保存: may be incomplete. Errors: ``file_not_found``, ``wrong_phase``."""

    EVENT: ClassVar[str] = "confirmation.save"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed
    filling: GivenFilling


class ConfirmConfirmation(ConfirmationRequest):
    """确认. Errors: ``confirmation_incomplete``, ``file_not_found``, ``wrong_phase``."""

    EVENT: ClassVar[str] = "confirmation.confirm"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed
    filling: GivenFilling


class WithdrawConfirmation(ConfirmationRequest):
    """By who sent it, before it is confirmed."""

    EVENT: ClassVar[str] = "confirmation.withdraw"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed


class Decision(StrEnum):
    COMPLETE = "complete"
    """即时办结."""
    PASS_ON = "pass_on"  # noqa: S105
    """流转省内经办, with ``handler`` and ``due_at``."""
    SUPPLEMENT = "supplement"
    """补正, with all ``reasons`` at once; only while the conversation goes on."""
    REFUSE = "refuse"
    """不予办理, with all ``reasons`` at once."""


class ReviewConfirmation(ConfirmationRequest):
    """By who sent it once it is confirmed, by the handler once it was passed on. Errors: ``wrong_phase``,
    ``confirmation_incomplete``, ``interaction_closed``, ``not_found`` for a handler who is none of the province."""

    EVENT: ClassVar[str] = "confirmation.review"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed
    decision: Decision
    result: Prose = ""
    reasons: Annotated[list[GivenLine], Field(max_length=MAX_REASONS)] = []
    handler: Identifier | None = None
    due_at: Time | None = None


class GetConfirmation(ConfirmationRequest):
    EVENT: ClassVar[str] = "confirmation.get"
    RESPONSE: ClassVar[type[WireModel]] = Confirmed


class Confirmations(WireModel):
    confirmations: list[ConfirmationView]
    """The newest first, at most 50."""


class ListConfirmations(Request):
    """Those that concern oneself. Errors: ``records_unavailable``."""

    EVENT: ClassVar[str] = "confirmation.list"
    RESPONSE: ClassVar[type[WireModel]] = Confirmations


class Handlers(WireModel):
    handlers: list[HandlerView]


class ListHandlers(ConfirmationRequest):
    """Agents of the sender's province (省内经办). By who sent the form."""

    EVENT: ClassVar[str] = "confirmation.handlers"
    RESPONSE: ClassVar[type[WireModel]] = Handlers


CONFIRMATION_REQUESTS: tuple[type[Request], ...] = (
    SendConfirmation,
    SaveConfirmation,
    ConfirmConfirmation,
    WithdrawConfirmation,
    ReviewConfirmation,
    GetConfirmation,
    ListConfirmations,
    ListHandlers,
)
