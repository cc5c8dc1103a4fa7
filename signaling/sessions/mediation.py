"""A mediation application, minimal: applied, dispatched to an agent, in progress, done. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from signaling.errors import ErrorCode, Refused
from signaling.sessions.meeting_states import MediationPhase


@dataclass(frozen=True, slots=True)
class MediationApplication:
    """``number`` is what people call it; ``taxpayer_name`` is masked. ``meeting_id`` from the dispatch on; whoever is
    given it may knock."""

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
