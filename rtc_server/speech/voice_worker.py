"""Reads one text aloud: ``python -m rtc_server.speech.voice_worker``; UTF-8 on stdin, MP3 on stdout.

A process for each text: espeak-ng keeps its state in the process and calls back under the interpreter's lock, and a server in
which calls run should not wait for either. MP3, because every browser decodes it.
"""

from __future__ import annotations

import ctypes
import io
import os
import sys

import av
import espeakng_loader
import numpy as np

from rtc_server.speech.reading import syllables

_VOICE = b"cmn-latn-pinyin"
_SYNCHRONOUS = 2
"""AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h."""
_UTF8 = 1
_PARAMETER_RATE, _PARAMETER_PITCH = 1, 3
_WORDS_PER_MINUTE, _PITCH = 165, 62
_BIT_RATE = 32_000
_NICE = 10

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class VoiceError(Exception):
    """espeak-ng does not work here."""


def synthesise(text: str) -> tuple[bytes, int]:
    """16 bit mono sound, and its rate. Raises ``VoiceError``."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0 or library.espeak_SetVoiceByName(_VOICE) != 0:
        raise VoiceError("espeak-ng has no Mandarin voice")
    library.espeak_SetParameter(_PARAMETER_RATE, _WORDS_PER_MINUTE, 0)
    library.espeak_SetParameter(_PARAMETER_PITCH, _PITCH, 0)
    parts: list[bytes] = []

    def take(samples: object, count: int, _events: object) -> int:
        if count > 0:
            parts.append(ctypes.string_at(samples, count * 2))  # type: ignore[arg-type]
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    said = text.encode()
    if library.espeak_Synth(said, len(said) + 1, 0, 0, 0, _UTF8, None, None) != 0:
        raise VoiceError("espeak-ng did not synthesise")
    library.espeak_Synchronize()
    return b"".join(parts), int(rate)


def mp3(pcm: bytes, rate: int) -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        stream.bit_rate = _BIT_RATE
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return sink.getvalue()


def main() -> int:
    os.nice(_NICE)
    text = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(mp3(*synthesise(syllables(text))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
