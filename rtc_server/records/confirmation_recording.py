"""The lasting record of service confirmation forms: implements ``signaling.rooms.ports.ConfirmationRecordsPort``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rtc_server.records import confirmations
from rtc_server.records.base import plain
from rtc_server.records.confirmations import ConfirmationRecord, ConfirmationStep
from rtc_server.records.recording import Recording
from signaling.sessions.confirmation import (
    ConfirmationAction,
    ConfirmationForm,
    ConfirmationPhase,
    Delivery,
    Filling,
    Step,
)
from signaling.sessions.model import FileRef

_COLUMNS = (
    "confirmation_id",
    "number",
    "interaction_id",
    "phase",
    "sender_id",
    "receiver_id",
    "taxpayer_id",
    "handler_id",
    "sent_at",
    "ended_at",
    "due_at",
)


class ConfirmationRecording:
    """Through the journal of ``recording``, like everything of conversations."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def keep_confirmation(self, form: ConfirmationForm, steps: Sequence[Step]) -> None:
        """Raises ``RecordsUnavailable``."""
        rows = [
            ConfirmationStep(
                form.confirmation_id,
                step.number,
                step.action,
                step.actor_id,
                step.at,
                step.phase,
                step.note or None,
            )
            for step in steps
        ]
        self._recording.keep_rows(record_of(form, self._recording.next_revision()), *rows)

    async def open_confirmations(self) -> Sequence[ConfirmationForm]:
        """Raises ``RecordsUnavailable``."""
        async with self._recording.read() as connection:
            self._recording.revise_after(await confirmations.highest_revision(connection))
            return [form_of(row) for row in await confirmations.not_ended(connection)]

    async def confirmation(self, confirmation_id: str) -> ConfirmationForm | None:
        """Raises ``RecordsUnavailable``."""
        async with self._recording.read() as connection:
            row = await confirmations.get(connection, confirmation_id)
        return form_of(row) if row is not None else None

    async def confirmations_of(self, person_id: str, limit: int) -> Sequence[ConfirmationForm]:
        """Raises ``RecordsUnavailable``."""
        async with self._recording.read() as connection:
            return [form_of(row) for row in await confirmations.of_person(connection, person_id, limit)]


def record_of(form: ConfirmationForm, revision: int) -> ConfirmationRecord:
    values = {name: _json(value) for name, value in asdict(form).items() if name not in _COLUMNS}
    columns = {name: getattr(form, name) for name in _COLUMNS}
    return ConfirmationRecord(revision=revision, content=values, **columns)


def form_of(row: ConfirmationRecord) -> ConfirmationForm:
    content = dict(row.content)
    filling = dict(content.pop("filling"))
    filling["materials"] = tuple(FileRef(**file) for file in filling["materials"])
    filling["delivery"] = Delivery(filling["delivery"])
    steps = tuple(
        Step(
            number=step["number"],
            action=ConfirmationAction(step["action"]),
            actor_id=step["actor_id"],
            at=step["at"],
            phase=ConfirmationPhase(step["phase"]),
            note=step["note"],
        )
        for step in content.pop("steps")
    )
    content["required"] = tuple(content["required"])
    content["reasons"] = tuple(content["reasons"])
    columns: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
    return ConfirmationForm(**columns, **content, filling=Filling(**filling), steps=steps)


def _json(value: object) -> Any:
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return plain(value)
