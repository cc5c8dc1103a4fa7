"""The service confirmation form as those it concerns see it."""

from __future__ import annotations

from signaling.sessions.confirmation import (
    ConfirmationAction,
    ConfirmationForm,
    ConfirmationPhase,
    Delivery,
    Filling,
    Step,
    allowed,
)
from signaling.wire.base import WireModel
from signaling.wire.present import file_view
from signaling.wire.views import FileView


class FillingView(WireModel):
    content: str
    contact: str
    materials: list[FileView]
    delivery: Delivery
    recipient: str
    address: str
    address_phone: str


class StepView(WireModel):
    action: ConfirmationAction
    by: str
    """A staff number, or ``纳税人``; empty: nobody's deed."""
    at: int
    phase: ConfirmationPhase
    note: str


class ConfirmationView(WireModel):
    """A 业务办理服务确认单, whole. ``may``: what this person may do with it now."""

    confirmation_id: str
    number: str
    interaction_id: str
    phase: ConfirmationPhase
    sender_number: str
    sender_authority: str
    receiver_number: str
    taxpayer_name: str
    business: str
    request: str
    required: list[str]
    """应提供资料."""
    filling: FillingView
    result: str
    reasons: list[str]
    handler_number: str | None
    due_at: int | None
    sent_at: int
    confirmed_at: int | None
    ended_at: int | None
    steps: list[StepView]
    may: list[ConfirmationAction]


class HandlerView(WireModel):
    """Whom a form can be passed on to."""

    agent_id: str
    staff_number: str
    authority: str


def confirmation_view(form: ConfirmationForm, person_id: str) -> ConfirmationView:
    return ConfirmationView(
        confirmation_id=form.confirmation_id,
        number=form.number,
        interaction_id=form.interaction_id,
        phase=form.phase,
        sender_number=form.sender_number,
        sender_authority=form.sender_authority,
        receiver_number=form.receiver_number,
        taxpayer_name=form.taxpayer_name,
        business=form.business,
        request=form.request,
        required=list(form.required),
        filling=_filling(form.filling),
        result=form.result,
        reasons=list(form.reasons),
        handler_number=form.handler_number,
        due_at=form.due_at,
        sent_at=form.sent_at,
        confirmed_at=form.confirmed_at,
        ended_at=form.ended_at,
        steps=[_step(form, step) for step in form.steps],
        may=sorted(allowed(form, person_id)),
    )


def _filling(filling: Filling) -> FillingView:
    return FillingView(
        content=filling.content,
        contact=filling.contact,
        materials=[file_view(file) for file in filling.materials],
        delivery=filling.delivery,
        recipient=filling.recipient,
        address=filling.address,
        address_phone=filling.address_phone,
    )


def _step(form: ConfirmationForm, step: Step) -> StepView:
    numbers = {
        form.handler_id: form.handler_number,
        form.receiver_id: form.receiver_number,
        form.sender_id: form.sender_number,
        form.taxpayer_id: "纳税人",
        None: "",
    }
    by = numbers.get(step.actor_id) or ("" if step.actor_id is None else "经办人员")
    return StepView(action=step.action, by=by, at=step.at, phase=step.phase, note=step.note)
