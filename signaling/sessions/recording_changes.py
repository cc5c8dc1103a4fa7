"""What follows from a change of a recording, of a call or of a meeting alike. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from signaling.sessions.effects import BeginRecording, EndRecording, LeaveTrack, Record, RecordTrack
from signaling.sessions.model import RecordedTrack, RecordingState
from signaling.sessions.states import Consent

RECORDING_STARTED = "recording_started"
RECORDING_ENDED = "recording_ended"


def effects_between(
    was: RecordingState,
    runs: RecordingState,
    before: frozenset[RecordedTrack],
    after: frozenset[RecordedTrack],
) -> Iterator[BeginRecording | EndRecording | RecordTrack | LeaveTrack]:
    """First what is recorded no longer. A recording goes on under its id until it ends."""
    if was.recording_id is not None and was.running:
        for track in sorted(before - after):
            yield LeaveTrack(was.recording_id, track)
        if not runs.running:
            yield EndRecording(was.recording_id)
    if runs.recording_id is not None and runs.running:
        if not was.running:
            yield BeginRecording(runs.recording_id)
        for track in sorted(after - before):
            yield RecordTrack(runs.recording_id, track)


def facts_between(before: RecordingState, after: RecordingState) -> Iterator[Record]:
    if before is after:
        return
    if after.running and not before.running:
        yield Record(RECORDING_STARTED, after.started_by)
    for person_id, consent in answers_between(before, after):
        if consent is not Consent.ASKED:
            yield Record(f"recording_consent_{consent}", person_id)
    if before.running and not after.running:
        yield Record(RECORDING_ENDED)


def answers_between(before: RecordingState, after: RecordingState) -> Iterator[tuple[str, Consent]]:
    """Who was asked or has answered since."""
    known = before.consents if before.recording_id == after.recording_id else {}
    for person_id, consent in after.consents.items():
        if known.get(person_id) is not consent:
            yield person_id, consent
