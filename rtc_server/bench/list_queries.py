"""What is asked of every list: its first pages, one in the middle, the last, each filter alone, all that is usual together,
words, the other order. ``BOUNDED`` names what answers with a list and is none of rows; a test holds both against the table of
entries, so that no list is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlencode

from rtc_server.bench.list_rows import (
    A_CASE,
    A_QUESTION,
    AN_INTERACTION,
    AN_OLD_INTERACTION,
    LITTLE,
    MUCH,
    QUESTIONS,
    ROWS,
    at,
    key,
)
from rtc_server.records.paging import encode_cursor


@dataclass(frozen=True, slots=True)
class Measured:
    """``path`` as in the table of entries, with ``ids`` in it."""

    path: str
    account: str
    queries: tuple[str, ...]
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.path.format(**self.ids)


_LEAD, _AGENT, _EDITOR = "lead01", "agent01", "editor01"
_MIDDLE = at(ROWS // 2)
_DAY_MS = 86_400_000
_IN_THE_MIDDLE = ROWS // 100 * 50


def _with(**values: str | int) -> str:
    return urlencode(values)


def _day(name: str) -> str:
    return _with(**{f"{name}_from": _MIDDLE, f"{name}_before": _MIDDLE + _DAY_MS})


def _usual(time_name: str, *more: str) -> tuple[str, ...]:
    """Of a list of all rows."""
    return ("", "page=2", f"page={ROWS // 20}", f"page={ROWS // 10}", "order=asc", _day(time_name), *more)


def _own(time_name: str, *more: str) -> tuple[str, ...]:
    """Of a list of one row in fifty."""
    return ("", "page=2", f"page={ROWS // 1_000}", f"page={ROWS // 500}", "order=asc", _day(time_name), *more)


def _after(*of_the_last_row: str | int) -> str:
    return f"cursor={encode_cursor(of_the_last_row)}"


_OF = {"interaction_id": AN_INTERACTION}
_OF_OLD = {"interaction_id": AN_OLD_INTERACTION}
_HISTORY = ("", "limit=100", _after(at(ROWS // 20), key(ROWS // 20), 1), _after(at(100), key(100), 1))
_WORDS = "99999"

MEASURED: tuple[Measured, ...] = (
    Measured("/api/casework/appointments", _LEAD, _usual(
        "starts", "state=booked", "method=window&state=missed", "number=YYFW44000020260123",
        _with(subject=f"第{_WORDS}件"), "state=booked&page=500", "origin=taxpayer", "service=general",
        "progress=not_started")),
    Measured("/api/casework/inquiries", _LEAD, _usual(
        "created", "state=submitted", "kind=complaint", "agent_id=agent01", "number=LYZX44000020260123",
        _with(content=f"第{_WORDS}条"), "state=answered&kind=other")),
    Measured("/api/casework/work-orders", _LEAD, _usual(
        "created", "state=open", _with(subject=f"第{_WORDS}件"), "number=GDBL44000020260123", "agent_id=agent01")),
    Measured("/api/casework/mediations", _LEAD, _usual(
        "applied", "phase=applied", "number=TJSQ44000020260123", _day("accepted"))),
    Measured("/api/casework/notices", _LEAD, _usual(
        "created", "kind=policy", "state=sent", _with(title=f"第{_WORDS}条"))),
    Measured("/api/centre/appointments", MUCH, _own(
        "starts", "state=booked", "number=YYFW44000020260123", _with(subject=f"第{_WORDS}件"))),
    Measured("/api/centre/inquiries", MUCH, _own(
        "created", "state=processing", "kind=complaint", _with(content=f"第{_WORDS}条"))),
    Measured("/api/centre/work-orders", MUCH, _own("created", "state=open", _with(subject=f"第{_WORDS}件"))),
    Measured("/api/centre/mediations", MUCH, _own("applied", "phase=applied", "number=TJSQ44000020260123")),
    Measured("/api/centre/notices", MUCH, _own(
        "received", "kind=policy", "read=read", "read=unread", "todo=true", "favourite=true", "answered=true",
        "answered=false", _with(title=f"第{_WORDS}条"), _with(source="广东"))),
    Measured("/api/audit", "admin", _usual(
        "at", "actor_id=agent07", "actor_id=101", "kind=revealed", "kind=viewed&page=500", "action=reveal_phone",
        f"subject={MUCH}", "subject=t777", f"actor_id=agent07&kind=viewed&{_day('at')}", "order=asc&page=2")),
    Measured("/api/mediations", MUCH, ("", "limit=100", _after(at(_IN_THE_MIDDLE), key(_IN_THE_MIDDLE)))),
    Measured("/api/mediations", _LEAD, ("",)),
    Measured("/api/mediations", _AGENT, ("",)),
    Measured("/api/history", MUCH, _HISTORY),
    Measured("/api/history", LITTLE, ("",)),
    Measured("/api/interactions/{interaction_id}/history", _LEAD, _HISTORY, _OF),
    Measured("/api/interactions/{interaction_id}/history", _LEAD, ("",), _OF_OLD),
    Measured("/api/interactions/{interaction_id}/sessions", _LEAD,
             ("", "limit=100", _after(at(_IN_THE_MIDDLE), key(_IN_THE_MIDDLE))), _OF),
    Measured("/api/interactions/{interaction_id}/notes", _LEAD,
             ("", "limit=100", _after(at(_IN_THE_MIDDLE), f"n{key(_IN_THE_MIDDLE)}")), _OF),
    Measured("/api/interactions/{interaction_id}/tags", _LEAD, ("",), _OF),
    Measured("/api/interactions/{interaction_id}/recordings", _LEAD, ("",), _OF),
    Measured("/api/meetings/{meeting_id}/recordings", _LEAD, ("",), {"meeting_id": f"m{A_CASE}"}),
    Measured("/api/interactions/{interaction_id}/assistant", _LEAD, ("",), _OF),
    Measured("/api/assistant/turns", MUCH, ("", _with(before=_MIDDLE))),
    Measured("/api/assistant/favourites", MUCH, ("",)),
    Measured("/api/canned-replies", _AGENT, ("", _with(words="第50句"), _with(words="没有这样的"))),
    Measured("/api/canned-replies", _EDITOR, ("", _with(words="没有这样的"))),
    Measured("/api/knowledge/questions", _EDITOR, (
        "", "page=2", f"page={QUESTIONS // 20}", f"page={QUESTIONS // 10}", "order=asc", "topic=other", "pinned=true",
        "validity=expired", "validity=in_force&page=500", _with(words="发票 怎样"), _with(words=f"第{QUESTIONS - 1}问"))),
    Measured("/api/knowledge/questions/{question_id}/versions", _EDITOR, ("",), {"question_id": A_QUESTION}),
    Measured("/api/knowledge/removed", _EDITOR, ("", "page=2")),
    Measured("/api/knowledge/work", _EDITOR, ("", "page=2", "page=300", "work=miss", "work=useless")),
)  # fmt: skip

_KNOWLEDGE = "of the knowledge in memory, at most as many as are shown at once"
_ONE_PAGE = "what the editor keeps on one page and edits as a whole"
_ORGANISATION = "of the organisation, which is kept in memory"
BOUNDED: Mapping[str, str] = MappingProxyType(
    {
        "/api/wrap-up-codes": "an administrator keeps some tens",
        "/api/meetings/{meeting_id}/streams": "of one live meeting, which allows so many",
        "/api/organisation": _ORGANISATION,
        "/api/casework": _ORGANISATION,
        "/api/choices": _ORGANISATION,
        "/api/audit/actions": "words of the program",
        "/api/knowledge/parts": _ONE_PAGE,
        "/api/centre/rights": _ONE_PAGE,
        "/api/knowledge/figures": "days: counts of rows, for a chart",
        "/api/casework/notices/{notice_id}/answers": "questions of one survey: counts of answers",
        "/api/assistant/welcome": _KNOWLEDGE,
        "/api/assistant/guesses": _KNOWLEDGE,
        "/api/assistant/suggestions": _KNOWLEDGE,
        "/api/slots": "half hours of one day",
        "/api/casework/appointments/capacities": "one for each method",
    }
)
"""By path, why it needs no measurement."""
