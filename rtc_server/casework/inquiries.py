"""Inquiries (留言): what a taxpayer writes when nobody is there to answer, and what staff make of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rtc_server.casework.states import InquiryKind, InquiryState
from signaling.errors import ErrorCode, Refused

_OPEN = (InquiryState.SUBMITTED, InquiryState.ASSIGNED)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """``attachments`` and ``answer_attachments`` are ids of files; ``answer`` is also the reason of a closing."""

    inquiry_id: str
    revision: int
    number: str
    taxpayer_id: str
    taxpayer_name: str
    centre_id: str
    authority: str | None
    kind: InquiryKind
    content: str
    state: InquiryState
    created_at: int
    attachments: tuple[str, ...] = ()
    agent_id: str | None = None
    assigned_at: int | None = None
    assigned_by: str | None = None
    answer: str | None = None
    answer_attachments: tuple[str, ...] = ()
    decided_at: int | None = None
    decided_by: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN


def assign(known: Inquiry, agent_id: str, by: str, now_ms: int) -> Inquiry:
    """To an agent, or to another than before. Raises ``Refused`` once it is decided."""
    _check(known)
    return replace(known, state=InquiryState.ASSIGNED, agent_id=agent_id, assigned_at=now_ms, assigned_by=by)


def answer(known: Inquiry, text: str, attachments: tuple[str, ...], by: str, now_ms: int) -> Inquiry:
    """Who answers one that nobody has makes it theirs. Raises ``Refused``."""
    _check(known)
    return replace(
        known,
        state=InquiryState.ANSWERED,
        agent_id=known.agent_id or by,
        assigned_at=known.assigned_at or now_ms,
        answer=text,
        answer_attachments=attachments,
        decided_at=now_ms,
        decided_by=by,
    )


def close(known: Inquiry, reason: str, by: str, now_ms: int) -> Inquiry:
    """Without an answer. Raises ``Refused``."""
    _check(known)
    return replace(known, state=InquiryState.CLOSED, answer=reason, decided_at=now_ms, decided_by=by)


def _check(known: Inquiry) -> None:
    if not known.is_open:
        raise Refused(ErrorCode.WRONG_PHASE)
