"""What a recording itself obeys, of a call or of a meeting alike: who asked for it, who agreed, what is recorded. Pure.

Who has not agreed is not recorded, who comes later is asked as well, and an answer may be changed at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

from media.types import Source
from signaling.errors import ErrorCode, Refused
from signaling.sessions.model import RecordedTrack, RecordingState
from signaling.sessions.states import Consent, RecordingPhase


class Recorded(Protocol):
    """Somebody who may be heard and seen."""

    @property
    def person_id(self) -> str: ...
    @property
    def peer_epoch(self) -> int: ...
    @property
    def tracks(self) -> Collection[Source]: ...


def begun(recording: RecordingState, recording_id: str, actor_id: str, now_ms: int) -> RecordingState:
    """A second start changes nothing."""
    if recording.running:
        return recording
    return RecordingState(
        phase=RecordingPhase.RUNNING,
        recording_id=recording_id,
        started_by=actor_id,
        started_at=now_ms,
        consents={actor_id: Consent.GIVEN},
    )


def answered(recording: RecordingState, actor_id: str, given: bool) -> RecordingState:
    """Raises ``Refused`` when nobody asked them."""
    if not recording.running or actor_id not in recording.consents:
        raise Refused(ErrorCode.WRONG_PHASE)
    said = Consent.GIVEN if given else Consent.REFUSED
    return replace(recording, consents={**recording.consents, actor_id: said})


def ended(recording: RecordingState) -> RecordingState:
    """Nothing when none runs."""
    return replace(recording, phase=RecordingPhase.ENDED) if recording.running else recording


def asking(recording: RecordingState, person_ids: Iterable[str]) -> RecordingState:
    """These and no others are asked; what they said before holds."""
    known = recording.consents
    consents = {person_id: known.get(person_id, Consent.ASKED) for person_id in person_ids}
    return recording if consents == known else replace(recording, consents=consents)


def tracks_of(recording: RecordingState, people: Iterable[Recorded]) -> frozenset[RecordedTrack]:
    """What is to be recorded now: everything that arrives from those who agreed."""
    if not recording.running:
        return frozenset()
    return frozenset(
        RecordedTrack(person.person_id, source, person.peer_epoch)
        for person in people
        if recording.consents.get(person.person_id) is Consent.GIVEN
        for source in person.tracks
    )
