"""The service confirmation form (业务办理服务确认单, H9): sent, filled in, confirmed, reviewed. Pure.

The authority that handles the business (办理地) sends it; the taxpayer, or the agent at whose counter they stand (收件地),
fills it in; who sent it reviews it. A form outlives its conversation once it is confirmed: what is passed on to a handler
of the province (省内经办) has days. States and rights as a table in docs/three_party.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from signaling.errors import ErrorCode, Refused
from signaling.sessions.model import FileRef

MAX_REASONS = 20


class ConfirmationPhase(StrEnum):
    SENT = "sent"
    """待填写"""
    SAVED = "saved"
    """已保存: filled in part."""
    CONFIRMED = "confirmed"
    """已确认: what is in it stands, and waits for the review."""
    SUPPLEMENT = "supplement"
    """补正: back to whoever fills it in, with all reasons at once."""
    PASSED_ON = "passed_on"
    """省内经办: with a handler, until ``due_at``."""
    DONE = "done"
    REFUSED = "refused"
    """不予办理"""
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """The conversation ended before it was confirmed."""


class ConfirmationAction(StrEnum):
    SEND = "send"
    SAVE = "save"
    CONFIRM = "confirm"
    WITHDRAW = "withdraw"
    COMPLETE = "complete"
    PASS_ON = "pass_on"  # noqa: S105
    SUPPLEMENT = "supplement"
    REFUSE = "refuse"
    LAPSE = "lapse"


class ConfirmationSeat(StrEnum):
    """What somebody is to a form. Whoever has none must not know of it."""

    SENDER = "sender"
    FILLER = "filler"
    """The taxpayer, and the agent who fills it in for them."""
    HANDLER = "handler"


class Delivery(StrEnum):
    """How the result reaches the taxpayer."""

    ELECTRONIC = "electronic"
    MAIL = "mail"


ENDED = frozenset(
    {
        ConfirmationPhase.DONE,
        ConfirmationPhase.REFUSED,
        ConfirmationPhase.WITHDRAWN,
        ConfirmationPhase.LAPSED,
    }
)
FILLABLE = frozenset({ConfirmationPhase.SENT, ConfirmationPhase.SAVED, ConfirmationPhase.SUPPLEMENT})

_FILL = frozenset({ConfirmationAction.SAVE, ConfirmationAction.CONFIRM})
_FILLING: Mapping[ConfirmationSeat, frozenset[ConfirmationAction]] = {
    ConfirmationSeat.FILLER: _FILL,
    ConfirmationSeat.SENDER: frozenset({ConfirmationAction.WITHDRAW}),
}
_DECIDE = frozenset({ConfirmationAction.COMPLETE, ConfirmationAction.SUPPLEMENT, ConfirmationAction.REFUSE})
RIGHTS: Mapping[ConfirmationPhase, Mapping[ConfirmationSeat, frozenset[ConfirmationAction]]] = {
    **dict.fromkeys(FILLABLE, _FILLING),
    ConfirmationPhase.CONFIRMED: {ConfirmationSeat.SENDER: _DECIDE | {ConfirmationAction.PASS_ON}},
    ConfirmationPhase.PASSED_ON: {ConfirmationSeat.HANDLER: _DECIDE},
    **{phase: {} for phase in ENDED},
}
"""What is not in the table is not allowed."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What the taxpayer gives. ``contact`` is a telephone number; the address is for what is sent by mail."""

    content: str = ""
    contact: str = ""
    materials: tuple[FileRef, ...] = ()
    delivery: Delivery = Delivery.ELECTRONIC
    recipient: str = ""
    address: str = ""
    address_phone: str = ""

    @property
    def mailable(self) -> bool:
        return all(text.strip() for text in (self.recipient, self.address, self.address_phone))


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of its history. ``actor_id`` None: nobody's deed. ``note``: reasons, result, or to whom."""

    number: int
    action: ConfirmationAction
    actor_id: str | None
    at: int
    phase: ConfirmationPhase
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmationForm:
    """``sender`` is the 办理地 agent, ``receiver`` the 收件地 agent; staff by number. ``taxpayer_id`` is None where the
    taxpayer stands at the counter. Times in ms since the epoch."""

    confirmation_id: str
    number: str
    interaction_id: str
    sender_id: str
    sender_number: str
    sender_authority: str
    receiver_id: str
    receiver_number: str
    taxpayer_id: str | None
    taxpayer_name: str
    business: str
    request: str
    required: tuple[str, ...]
    sent_at: int
    phase: ConfirmationPhase = ConfirmationPhase.SENT
    filling: Filling = field(default_factory=Filling)
    confirmed_at: int | None = None
    result: str = ""
    reasons: tuple[str, ...] = ()
    handler_id: str | None = None
    handler_number: str | None = None
    due_at: int | None = None
    ended_at: int | None = None
    steps: tuple[Step, ...] = ()

    @property
    def concerned(self) -> frozenset[str]:
        """Whom it concerns, and no one else."""
        people = (self.sender_id, self.receiver_id, self.taxpayer_id, self.handler_id)
        return frozenset(person for person in people if person is not None)

    @property
    def ended(self) -> bool:
        return self.phase in ENDED


@dataclass(frozen=True, slots=True)
class Fill:
    """``final``: 确认, else 保存."""

    actor_id: str
    filling: Filling
    final: bool


@dataclass(frozen=True, slots=True)
class Withdraw:
    actor_id: str


@dataclass(frozen=True, slots=True)
class Complete:
    actor_id: str
    result: str


@dataclass(frozen=True, slots=True)
class PassOn:
    actor_id: str
    handler_id: str
    handler_number: str
    due_at: int


@dataclass(frozen=True, slots=True)
class AskSupplement:
    """``talking``: the conversation is open, so that somebody can give what is missing."""

    actor_id: str
    reasons: tuple[str, ...]
    talking: bool


@dataclass(frozen=True, slots=True)
class RefuseBusiness:
    actor_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConversationOver:
    """Nobody can fill it in any more."""


Command = Fill | Withdraw | Complete | PassOn | AskSupplement | RefuseBusiness | ConversationOver


def seats_of(form: ConfirmationForm, person_id: str) -> frozenset[ConfirmationSeat]:
    held = {
        ConfirmationSeat.SENDER: person_id == form.sender_id,
        ConfirmationSeat.FILLER: person_id in (form.taxpayer_id, form.receiver_id),
        ConfirmationSeat.HANDLER: person_id == form.handler_id,
    }
    return frozenset(seat for seat, holds in held.items() if holds)


def allowed(form: ConfirmationForm, person_id: str) -> frozenset[ConfirmationAction]:
    """What this person may do with it now."""
    rights = RIGHTS[form.phase]
    return frozenset().union(*(rights.get(seat, frozenset()) for seat in seats_of(form, person_id)))


def opened(form: ConfirmationForm) -> ConfirmationForm:
    """With the first entry of its history."""
    return _stepped(form, ConfirmationAction.SEND, form.sender_id, form.sent_at, form.request)


def handle(form: ConfirmationForm, command: Command, now_ms: int) -> ConfirmationForm:
    """Raises ``Refused``: ``not_found`` for whom it does not concern, ``not_allowed``, ``wrong_phase``,
    ``confirmation_incomplete``."""
    match command:
        case Fill(actor_id=actor_id, filling=filling, final=final):
            return _fill(form, actor_id, filling, now_ms, final=final)
        case Withdraw(actor_id=actor_id):
            check(form, actor_id, ConfirmationAction.WITHDRAW)
            return _end(form, ConfirmationPhase.WITHDRAWN, ConfirmationAction.WITHDRAW, actor_id, now_ms)
        case Complete(actor_id=actor_id, result=result):
            check(form, actor_id, ConfirmationAction.COMPLETE)
            done = replace(form, result=_said(result), reasons=())
            return _end(done, ConfirmationPhase.DONE, ConfirmationAction.COMPLETE, actor_id, now_ms, result)
        case PassOn():
            return _pass_on(form, command, now_ms)
        case AskSupplement(actor_id=actor_id, reasons=reasons, talking=talking):
            check(form, actor_id, ConfirmationAction.SUPPLEMENT)
            if not talking:
                raise Refused(ErrorCode.INTERACTION_CLOSED)
            back = replace(
                form,
                phase=ConfirmationPhase.SUPPLEMENT,
                reasons=_given(reasons),
                handler_id=None,
                handler_number=None,
                due_at=None,
            )
            return _stepped(back, ConfirmationAction.SUPPLEMENT, actor_id, now_ms, numbered(back.reasons))
        case RefuseBusiness(actor_id=actor_id, reasons=reasons):
            check(form, actor_id, ConfirmationAction.REFUSE)
            refused = replace(form, reasons=_given(reasons))
            note = numbered(refused.reasons)
            return _end(refused, ConfirmationPhase.REFUSED, ConfirmationAction.REFUSE, actor_id, now_ms, note)
        case ConversationOver():
            if form.phase not in FILLABLE:
                return form
            return _end(form, ConfirmationPhase.LAPSED, ConfirmationAction.LAPSE, None, now_ms)


def numbered(reasons: tuple[str, ...]) -> str:
    """All of them at once, as people are told."""
    if len(reasons) == 1:
        return reasons[0]
    return "；".join(f"{number}. {reason}" for number, reason in enumerate(reasons, 1))


def check(form: ConfirmationForm, actor_id: str, action: ConfirmationAction) -> None:
    """Raises ``Refused`` as ``handle``: also for who has to look something up first."""
    seats = seats_of(form, actor_id)
    if not seats:
        raise Refused(ErrorCode.NOT_FOUND)
    if action in allowed(form, actor_id):
        return
    ever = any(action in rights.get(seat, ()) for rights in RIGHTS.values() for seat in seats)
    raise Refused(ErrorCode.WRONG_PHASE if ever else ErrorCode.NOT_ALLOWED)


def _fill(
    form: ConfirmationForm, actor_id: str, filling: Filling, now_ms: int, *, final: bool
) -> ConfirmationForm:
    action = ConfirmationAction.CONFIRM if final else ConfirmationAction.SAVE
    check(form, actor_id, action)
    if not final:
        # What has to be supplemented stays so until it is confirmed again.
        phase = form.phase if form.phase is ConfirmationPhase.SUPPLEMENT else ConfirmationPhase.SAVED
        return _stepped(replace(form, filling=filling, phase=phase), action, actor_id, now_ms)
    missing = not filling.content.strip() or not filling.contact.strip()
    missing = missing or (bool(form.required) and not filling.materials)
    if missing or (filling.delivery is Delivery.MAIL and not filling.mailable):
        raise Refused(ErrorCode.CONFIRMATION_INCOMPLETE)
    confirmed = replace(
        form, filling=filling, phase=ConfirmationPhase.CONFIRMED, confirmed_at=now_ms, reasons=()
    )
    return _stepped(confirmed, action, actor_id, now_ms)


def _pass_on(form: ConfirmationForm, command: PassOn, now_ms: int) -> ConfirmationForm:
    check(form, command.actor_id, ConfirmationAction.PASS_ON)
    if command.due_at <= now_ms or command.handler_id in form.concerned:
        raise Refused(ErrorCode.CONFIRMATION_INCOMPLETE)
    passed = replace(
        form,
        phase=ConfirmationPhase.PASSED_ON,
        handler_id=command.handler_id,
        handler_number=command.handler_number,
        due_at=command.due_at,
    )
    return _stepped(passed, ConfirmationAction.PASS_ON, command.actor_id, now_ms, command.handler_number)


def _said(text: str) -> str:
    if not text.strip():
        raise Refused(ErrorCode.CONFIRMATION_INCOMPLETE)
    return text.strip()


def _given(reasons: tuple[str, ...]) -> tuple[str, ...]:
    given = tuple(reason.strip() for reason in reasons if reason.strip())
    if not given or len(given) > MAX_REASONS:
        raise Refused(ErrorCode.CONFIRMATION_INCOMPLETE)
    return given


def _end(  # noqa: PLR0917 - one deed in full
    form: ConfirmationForm,
    phase: ConfirmationPhase,
    action: ConfirmationAction,
    actor_id: str | None,
    now_ms: int,
    note: str = "",
) -> ConfirmationForm:
    return _stepped(replace(form, phase=phase, ended_at=now_ms), action, actor_id, now_ms, note)


def _stepped(
    form: ConfirmationForm, action: ConfirmationAction, actor_id: str | None, now_ms: int, note: str = ""
) -> ConfirmationForm:
    step = Step(len(form.steps) + 1, action, actor_id, now_ms, form.phase, note)
    return replace(form, steps=(*form.steps, step))
