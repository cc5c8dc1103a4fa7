"""A tone in a microphone, and whether somebody hears it: tells whose voice arrives where."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

SAMPLE_RATE = 48_000
LOUDNESS = 0.6


def write_tone(path: Path, hertz: float, *, on_ms: int = 300, off_ms: int = 200, beats: int = 4) -> Path:
    """A beeping tone for ``--use-file-for-fake-audio-capture``, which plays it over and over. Beeping, because browsers
    take a steady tone for noise and suppress it."""
    samples: list[int] = []
    for _ in range(beats):
        for number in range(SAMPLE_RATE * on_ms // 1000):
            samples.append(round(32_767 * LOUDNESS * math.sin(2 * math.pi * hertz * number / SAMPLE_RATE)))
        samples += [0] * (SAMPLE_RATE * off_ms // 1000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


LOUDEST_DB = """async ([hertz, milliseconds]) => {
  const context = new AudioContext();
  await context.resume();
  const tracks = window.__rtc.rooms()
    .flatMap((room) => room.subscribeConnection?.getReceivers() ?? [])
    .map((receiver) => receiver.track)
    .filter((track) => track.kind === 'audio' && track.readyState === 'live');
  const analysers = tracks.map((track) => {
    const analyser = new AnalyserNode(context, {fftSize: 4096, smoothingTimeConstant: 0});
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    return analyser;
  });
  const spectrum = new Float32Array(2048);
  const bin = Math.round(hertz / (context.sampleRate / 4096));
  let loudest = -Infinity;
  const until = performance.now() + milliseconds;
  while (performance.now() < until) {
    for (const analyser of analysers) {
      analyser.getFloatFrequencyData(spectrum);
      const peak = Math.max(...spectrum.slice(bin - 2, bin + 3));
      // Above what is around it: a click or a voice is broad, a tone is narrow.
      const around = [...spectrum.slice(bin - 40, bin - 10), ...spectrum.slice(bin + 11, bin + 41)];
      const floor = around.reduce((sum, level) => sum + Math.max(level, -140), 0) / around.length;
      if (peak > -70) loudest = Math.max(loudest, peak - floor);
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await context.close();
  return Number.isFinite(loudest) ? loudest : -999;
}"""
"""Of the tone of so many hertz, in every sound a page received within so many milliseconds: decibels above what is beside it."""
