"""Effects of a recording, handed to whoever records."""

from __future__ import annotations

from signaling.rooms.ports import CallRecorder
from signaling.sessions import effects

RecordingEffect = effects.BeginRecording | effects.EndRecording | effects.RecordTrack | effects.LeaveTrack


def run(recorder: CallRecorder | None, room_id: str, effect: RecordingEffect) -> None:
    """Nothing where no calls are recorded."""
    if recorder is None:
        return
    match effect:
        case effects.BeginRecording(recording_id=recording_id):
            recorder.begin(recording_id, room_id)
        case effects.EndRecording(recording_id=recording_id):
            recorder.end(recording_id)
        case effects.RecordTrack(recording_id=recording_id, track=track):
            recorder.record(recording_id, track)
        case effects.LeaveTrack(recording_id=recording_id, track=track):
            recorder.leave(recording_id, track)
