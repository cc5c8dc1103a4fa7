"""Work orders (工单): what an agent cannot settle at once is followed step by step, before the taxpayer's eyes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rtc_server.casework.states import WorkOrderState
from signaling.errors import ErrorCode, RateLimited, Refused

URGE_EVERY_MS = 60 * 60_000
"""A taxpayer may urge once an hour."""
_OPEN = (WorkOrderState.OPEN, WorkOrderState.PROCESSING)


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """``resolved`` is the taxpayer's rating after its end."""

    work_order_id: str
    revision: int
    number: str
    taxpayer_id: str
    taxpayer_name: str
    centre_id: str
    authority: str | None
    interaction_id: str | None
    subject: str
    detail: str
    state: WorkOrderState
    progress: str
    agent_id: str
    created_at: int
    updated_at: int
    created_by: str
    urged: int = 0
    urged_at: int | None = None
    ended_at: int | None = None
    resolved: bool | None = None
    rated_at: int | None = None

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN


@dataclass(frozen=True, slots=True)
class WorkOrderStep:
    """What was done, as the taxpayer reads it. ``actor_id`` may be the taxpayer."""

    work_order_id: str
    seq: int
    at: int
    actor_id: str
    text: str


def advance(known: WorkOrder, text: str, now_ms: int) -> WorkOrder:
    """Raises ``Refused``."""
    _check(known.is_open)
    return replace(known, state=WorkOrderState.PROCESSING, progress=text, updated_at=now_ms)


def hand_on(known: WorkOrder, agent_id: str, now_ms: int) -> WorkOrder:
    """To another agent. Raises ``Refused``."""
    _check(known.is_open)
    return replace(known, agent_id=agent_id, updated_at=now_ms)


def finish(known: WorkOrder, text: str, now_ms: int) -> WorkOrder:
    """Raises ``Refused``."""
    _check(known.is_open)
    return replace(known, state=WorkOrderState.DONE, progress=text, updated_at=now_ms, ended_at=now_ms)


def terminate(known: WorkOrder, text: str, now_ms: int) -> WorkOrder:
    """By the taxpayer, who no longer needs it. Raises ``Refused``."""
    _check(known.is_open)
    return replace(known, state=WorkOrderState.TERMINATED, progress=text, updated_at=now_ms, ended_at=now_ms)


def urge(known: WorkOrder, now_ms: int) -> WorkOrder:
    """催办: seen by the agent and counted. Raises ``Refused`` and ``RateLimited``."""
    _check(known.is_open)
    if known.urged_at is not None and now_ms < known.urged_at + URGE_EVERY_MS:
        raise RateLimited(known.urged_at + URGE_EVERY_MS - now_ms)
    return replace(known, urged=known.urged + 1, urged_at=now_ms, updated_at=now_ms)


def rate(known: WorkOrder, resolved: bool, now_ms: int) -> WorkOrder:
    """Once, after its end. Raises ``Refused``."""
    _check(not known.is_open)
    if known.resolved is not None:
        raise Refused(ErrorCode.ALREADY_RATED)
    return replace(known, resolved=resolved, rated_at=now_ms, updated_at=now_ms)


def _check(possible: bool) -> None:
    if not possible:
        raise Refused(ErrorCode.WRONG_PHASE)
