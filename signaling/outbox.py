"""What waits for one connection: in order, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from signaling.wire.base import Notification, WireError, WireModel


class Post(Protocol):
    """The transport's queue; both return how much waits in it, about in messages."""

    def post_event(self, transport_id: str, text: str) -> int: ...
    def post_ack(self, transport_id: str, ack_id: int, text: str) -> int: ...


class Encoder:
    """Notifications as JSON. What several people are told one after the other is encoded once."""

    def __init__(self) -> None:
        self._last: Notification | None = None
        self._text = ""

    def encode(self, notification: Notification) -> str:
        if notification is not self._last:
            self._text = f'["{notification.EVENT}",{notification.model_dump_json()}]'
            self._last = notification
        return self._text


_encoder = Encoder()


def answer_text(response: WireModel) -> str:
    """The acknowledgement of a request that was done."""
    return f'[{{"ok":true,"data":{response.model_dump_json()}}}]'


def refusal_text(error: WireError) -> str:
    return f'[{{"ok":false,"error":{error.model_dump_json()}}}]'


class Outbox:
    """Notifications are held back until the welcome, which is the first message of every connection. A consumer so
    slow that more than ``limit`` messages wait is given up by ``on_overflow``, called once: it resumes and is told
    the whole truth anew, which is shorter than the backlog."""

    def __init__(self, post: Post, transport_id: str, limit: int, on_overflow: Callable[[], None]) -> None:
        self._post = post
        self._transport_id = transport_id
        self._limit = limit
        self._on_overflow = on_overflow
        self._held: list[Notification] | None = []
        self._closed = False

    def welcome(self, first: Notification) -> None:
        """Send ``first``, then what was held back, then everything as it comes."""
        held, self._held = self._held or [], None
        for notification in (first, *held):
            self.notify(notification)

    def notify(self, notification: Notification) -> None:
        if self._closed:
            return
        if self._held is not None:
            self._held.append(notification)
            self._watch(len(self._held))
            return
        self._watch(self._post.post_event(self._transport_id, _encoder.encode(notification)))

    def acknowledge(self, ack_id: int, text: str) -> None:
        """``text``: of ``answer_text`` or ``refusal_text``."""
        if not self._closed:
            self._watch(self._post.post_ack(self._transport_id, ack_id, text))

    def close(self, last: Notification | None = None) -> None:
        """Nothing more is sent after ``last``. Idempotent."""
        if self._closed:
            return
        if last is not None:
            self._held = None
            self.notify(last)
        self._closed = True

    def _watch(self, waiting: int) -> None:
        if waiting > self._limit and not self._closed:
            self._closed = True
            self._on_overflow()
