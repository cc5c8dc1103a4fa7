"""The process that recognises: ``python -m rtc_server.speech.worker MODEL THREADS NICE``. Jobs come by stdin, one at a time.

A job is ``[u32 length of the header][u32 length of the sound][header: JSON][sound: PCM, 16 bit, 16 kHz, mono]``, an answer
``[u32 length][JSON]``, all little-endian. A process of its own: recognition holds a processor for a second, and what goes
wrong in it must not touch calls. It ends with its stdin. Nothing it hears is kept or logged.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from rtc_server.speech.dictation import RATE, token_limit

_HEAD = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_MARGIN = RATE // 5
"""Kept around what is said: the detector is a little late."""
_SAME = RATE * 15 // 100
_CAREFUL_BEAM = 5

Sound = npt.NDArray[np.float32]


class Model:
    """faster-whisper with a folder: ``model.bin``, ``config.json``, ``tokenizer.json``, ``vocabulary.*`` (CTranslate2)."""

    def __init__(self, folder: str, threads: int) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        self._model = WhisperModel(
            folder,
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            num_workers=1,
            local_files_only=True,
        )
        self._options = VadOptions(min_silence_duration_ms=300, min_speech_duration_ms=150, speech_pad_ms=120)
        self._find_speech = get_speech_timestamps
        self.spans(np.zeros(RATE, dtype=np.float32))

    def spans(self, sound: Sound) -> list[tuple[int, int]]:
        found = self._find_speech(sound, self._options, sampling_rate=RATE)
        return [(int(one["start"]), min(len(sound), int(one["end"]))) for one in found]

    def text(self, sound: Sound, prompt: str, *, careful: bool) -> str:
        segments, _ = self._model.transcribe(
            sound,
            language="zh",
            beam_size=_CAREFUL_BEAM if careful else 1,
            # One temperature: the fallbacks would decode a bad window six times.
            temperature=0.0,
            condition_on_previous_text=False,
            initial_prompt=prompt or None,
            without_timestamps=True,
            no_repeat_ngram_size=5,
            max_new_tokens=token_limit(len(sound)),
        )
        return "".join(_believed(segments))


def _believed(segments: Iterable[Any]) -> Iterable[str]:
    for one in segments:
        if not (one.no_speech_prob > 0.6 and one.avg_logprob < -0.8):
            yield one.text


def answer(model: Model, job: dict[str, Any], pcm: bytes) -> dict[str, Any]:
    sound = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)
    spans = model.spans(sound)
    careful, known_end = bool(job["careful"]), int(job["known_end"])
    text: str | None = ""
    if spans and not careful and spans[-1][1] <= known_end + _SAME:
        text = None
    elif spans:
        first, last = max(0, spans[0][0] - _MARGIN), min(len(sound), spans[-1][1] + _MARGIN)
        text = model.text(sound[first:last], str(job["prompt"]), careful=careful)
    return {"id": job["id"], "text": text, "spans": spans}


def _read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    header, sound = _HEAD.unpack(head)
    job: dict[str, Any] = json.loads(stream.read(header))
    return job, stream.read(sound)


def _write(stream: BinaryIO, value: dict[str, Any]) -> None:
    text = json.dumps(value).encode()
    stream.write(_LENGTH.pack(len(text)) + text)
    stream.flush()


def main() -> int:
    folder, threads, niceness = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.nice(niceness)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not come between the answers.
    sys.stdout = sys.stderr
    try:
        model = Model(folder, threads)
    except Exception as error:
        _write(sink, {"failed": f"{type(error).__name__}: {str(error)[:200]}"})
        return 1
    _write(sink, {"ready": True})
    while (read := _read(source)) is not None:
        _write(sink, answer(model, *read))
    return 0


if __name__ == "__main__":
    sys.exit(main())
