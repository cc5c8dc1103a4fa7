"""Notices (消息, 待办): what staff or the service itself tell taxpayers outside a conversation, and to whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rtc_server.casework.states import NoticeKind, NoticeState, TaxpayerKind
from signaling.errors import ErrorCode, Refused


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody for whom all of what is given holds. ``people`` are ids; with nothing given it is nobody."""

    authority: str | None = None
    """With everything below it."""
    taxpayer_kind: TaxpayerKind | None = None
    tag: str | None = None
    people: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return self == Audience()


@dataclass(frozen=True, slots=True)
class Notice:
    """``centre_id`` None: told by the service itself. ``todo``: to be done, not only to be read.
    ``links`` have ``title`` and ``url``; ``attachments`` are ids of files.
    ``survey``: questions with ``question``, ``options`` and ``multiple``; without options words are asked for."""

    notice_id: str
    revision: int
    kind: NoticeKind
    title: str
    body: str
    source: str
    todo: bool
    state: NoticeState
    created_at: int
    created_by: str
    publish_at: int
    centre_id: str | None = None
    links: tuple[dict[str, str], ...] = ()
    attachments: tuple[str, ...] = ()
    authority: str | None = None
    taxpayer_kind: TaxpayerKind | None = None
    tag: str | None = None
    people: tuple[str, ...] = ()
    survey: tuple[dict[str, Any], ...] = ()
    sent_at: int | None = None
    recipients: int = 0

    @property
    def audience(self) -> Audience:
        return Audience(self.authority, self.taxpayer_kind, self.tag, self.people)


def send(known: Notice, recipients: int, now_ms: int) -> Notice:
    return replace(known, state=NoticeState.SENT, sent_at=now_ms, recipients=recipients)


def withdraw(known: Notice) -> Notice:
    """Also after it was sent: nobody reads it any more. Raises ``Refused``."""
    if known.state is NoticeState.WITHDRAWN:
        raise Refused(ErrorCode.WRONG_PHASE)
    return replace(known, state=NoticeState.WITHDRAWN)
