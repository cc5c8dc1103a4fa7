"""A mediation application: drafted, applied, dispatched to an agent, in progress, done; or withdrawn, or refused. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions.meeting_states import MediationPhase


@dataclass(frozen=True, slots=True)
class MediationApplication:
    """``number`` is what people call it; ``taxpayer_name`` is masked. ``meeting_id`` from the dispatch on; whoever is
    given it may knock. ``expected_at``: when the taxpayer would like to talk. ``reason``: of a withdrawal or a refusal.
    ``contact``: a telephone number. ``attachments`` are ids of files."""

    application_id: str
    number: str
    taxpayer_id: str
    taxpayer_name: str
    authority: str | None
    subject: str
    detail: str
    applied_at: int
    phase: MediationPhase = MediationPhase.APPLIED
    meeting_id: str | None = None
    agent_id: str | None = None
    dispatched_at: int | None = None
    dispatched_by: str | None = None
    done_at: int | None = None
    centre_id: str | None = None
    expected_at: int | None = None
    reason: str | None = None
    contact: str | None = None
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the taxpayer writes, and may change until it is applied for."""

    subject: str
    detail: str
    expected_at: int | None = None
    contact: str | None = None
    attachments: tuple[str, ...] = ()


def revise(known: MediationApplication, asked: Asked) -> MediationApplication:
    """A draft. Raises ``Refused``."""
    _check(known, MediationPhase.DRAFT)
    return replace(
        known,
        subject=asked.subject,
        detail=asked.detail,
        expected_at=asked.expected_at,
        contact=asked.contact,
        attachments=asked.attachments,
    )


def submit(known: MediationApplication, now_ms: int) -> MediationApplication:
    """A draft is applied for. Raises ``Refused``."""
    _check(known, MediationPhase.DRAFT)
    return replace(known, phase=MediationPhase.APPLIED, applied_at=now_ms)


def discard(known: MediationApplication) -> MediationApplication:
    """A draft. Raises ``Refused``."""
    _check(known, MediationPhase.DRAFT)
    return replace(known, phase=MediationPhase.DISCARDED)


def withdraw(known: MediationApplication, reason: str, now_ms: int) -> MediationApplication:
    """By the taxpayer, before it is dispatched. Raises ``Refused``."""
    _check(known, MediationPhase.APPLIED)
    return replace(known, phase=MediationPhase.WITHDRAWN, reason=reason, done_at=now_ms)


def refuse(known: MediationApplication, reason: str, by: str, now_ms: int) -> MediationApplication:
    """不予受理, before it is dispatched. Raises ``Refused``."""
    _check(known, MediationPhase.APPLIED)
    return replace(known, phase=MediationPhase.REFUSED, reason=reason, done_at=now_ms, dispatched_by=by)


def _check(known: MediationApplication, phase: MediationPhase) -> None:
    if known.phase is not phase:
        raise Refused(ErrorCode.WRONG_PHASE)


def dispatch(
    known: MediationApplication, agent_id: str, dispatched_by: str, meeting_id: str, now_ms: int
) -> MediationApplication:
    """Also to another agent than before, as long as it is not done: the meeting stays the same. Raises ``Refused``."""
    if known.phase is MediationPhase.DONE:
        raise Refused(ErrorCode.WRONG_PHASE)
    again = known.phase is not MediationPhase.APPLIED
    return replace(
        known,
        phase=known.phase if again else MediationPhase.DISPATCHED,
        meeting_id=known.meeting_id or meeting_id,
        agent_id=agent_id,
        dispatched_at=now_ms,
        dispatched_by=dispatched_by,
    )


def begin(known: MediationApplication) -> MediationApplication:
    return replace(known, phase=MediationPhase.IN_PROGRESS)


def finish(known: MediationApplication, now_ms: int) -> MediationApplication:
    return replace(known, phase=MediationPhase.DONE, done_at=now_ms)
