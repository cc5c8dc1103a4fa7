"""The agent's desk: status, offers, picking from the waiting list, handing on."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints, model_validator

from signaling.sessions.states import StatusChoice
from signaling.wire.base import Empty, Identifier, Request, WireModel
from signaling.wire.queue_views import AgentStateView, CentreView, DeskView, WaitingView
from signaling.wire.requests.base import InteractionRequest


class Desk(WireModel):
    desk: DeskView
    waiting: list[WaitingView]
    """One for each centre the agent serves; ``waiting.changed`` from now on."""


class SignInAgent(Request):
    """Begin to serve, with the centres, skills and capacity of the organisation. Signing in again changes the status
    alone. Errors: ``not_allowed`` for who is no agent of any centre."""

    EVENT: ClassVar[str] = "agent.sign_in"
    RESPONSE: ClassVar[type[WireModel]] = Desk
    status: StatusChoice = StatusChoice.FREE


class SignOutAgent(Request):
    """Stop serving. What is still open goes to the head of the queue."""

    EVENT: ClassVar[str] = "agent.sign_out"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class SetAgentStatus(Request):
    EVENT: ClassVar[str] = "agent.set_status"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    status: StatusChoice


class GetDesk(Request):
    EVENT: ClassVar[str] = "desk.get"
    RESPONSE: ClassVar[type[WireModel]] = Desk


class TicketRequest(Request):
    """About one ticket; its id is the id of the interaction it becomes."""

    ticket_id: Identifier


class AcceptOffer(TicketRequest):
    """Also of a transfer. Errors: ``offer_ended``."""

    EVENT: ClassVar[str] = "offer.accept"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class DeclineOffer(TicketRequest):
    """Also of a transfer. Errors: ``offer_ended``."""

    EVENT: ClassVar[str] = "offer.decline"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class PickTicket(TicketRequest):
    """【呼叫】: take one of the waiting out of turn. Errors: ``agent_busy``, ``wrong_phase``, ``not_found``."""

    EVENT: ClassVar[str] = "queue.pick"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class TransferTargets(WireModel):
    agents: list[AgentStateView]
    centres: list[CentreView]


class ListTransferTargets(Request):
    """To whom one may hand on: agents signed in, and all centres."""

    EVENT: ClassVar[str] = "transfer.targets"
    RESPONSE: ClassVar[type[WireModel]] = TransferTargets


class OfferTransfer(InteractionRequest):
    """Hand the conversation on to one of both; the sender stays until it is accepted. It rings there as an offer.
    Errors: ``agent_busy``, ``agent_offline``, ``queue_closed``, ``queue_no_agent``, ``wrong_phase``."""

    EVENT: ClassVar[str] = "transfer.offer"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    to_agent: Identifier | None = None
    to_centre: Identifier | None = None
    note: Annotated[str, StringConstraints(max_length=500)] = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.to_agent is None) == (self.to_centre is None):
            raise ValueError("either to_agent or to_centre")
        return self


class CancelTransfer(InteractionRequest):
    EVENT: ClassVar[str] = "transfer.cancel"
    RESPONSE: ClassVar[type[WireModel]] = Empty
