"""Service confirmation forms in memory: for a service without a database, and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from signaling.sessions.confirmation import ConfirmationForm, Step


class MemoryConfirmations:
    """Implements ``ports.ConfirmationRecordsPort``."""

    def __init__(self) -> None:
        self._forms: dict[str, ConfirmationForm] = {}
        self.steps: list[tuple[str, Step]] = []

    def keep_confirmation(self, form: ConfirmationForm, steps: Sequence[Step]) -> None:
        self._forms[form.confirmation_id] = form
        self.steps += [(form.confirmation_id, step) for step in steps]

    async def open_confirmations(self) -> Sequence[ConfirmationForm]:
        return [form for form in self._forms.values() if not form.ended]

    async def confirmation(self, confirmation_id: str) -> ConfirmationForm | None:
        return self._forms.get(confirmation_id)

    async def confirmations_of(self, person_id: str, limit: int) -> Sequence[ConfirmationForm]:
        mine = [form for form in self._forms.values() if person_id in form.concerned]
        return sorted(mine, key=lambda form: form.sent_at, reverse=True)[:limit]
