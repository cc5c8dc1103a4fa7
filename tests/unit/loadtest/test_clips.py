"""Media made beforehand: what a real decoder, and the instruments of the tests, read from it."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from rtc_server.loadtest import clips
from rtc_server.loadtest.barcode import Painter
from rtc_server.loadtest.clips import Clips, Encoding, encode_audio, encode_video
from tests.harness import barcode

pytestmark = pytest.mark.unit
SMALL = Encoding("q", 160, 90, 15, 120_000)


def test_pictures_carry_their_numbers_through_the_encoder() -> None:
    layer = encode_video(SMALL, seconds=2)
    assert list(clips.decode_numbers(layer.frames)) == list(range(30))
    assert [number for number, frame in enumerate(layer.frames) if not frame[0] & 1] == [0], "one key frame"
    assert len(set(layer.frames)) == len(layer.frames), "told apart by their bytes"
    assert layer.bitrate == pytest.approx(SMALL.bitrate, rel=0.35)


def test_a_lost_frame_is_noticed_by_the_decoder() -> None:
    layer = encode_video(SMALL, seconds=1)
    assert list(clips.decode_numbers([layer.frames[0][:40]])) != [0]


def test_the_tests_own_instrument_reads_the_same_numbers() -> None:
    layer = encode_video(SMALL, seconds=1)
    context = av.CodecContext.create("vp8", "r")
    seen = [barcode.read(picture) for data in layer.frames for picture in context.decode(av.Packet(data))]
    assert seen == list(range(15))


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="number is"):
        Painter(160, 90).luma(1 << 20)


def test_no_two_audio_packets_are_the_same() -> None:
    layer = encode_audio(seconds=2)
    assert layer.interval_us == 20_000
    assert len(layer.frames) >= 100
    assert len(set(layer.frames)) == len(layer.frames)


def test_what_was_kept_is_what_was_made_and_half_a_file_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def encode(encoding: Encoding, seconds: float = 0.4) -> clips.Layer:
        made.append(encoding)
        return encode_video(encoding, 0.4)

    monkeypatch.setattr(clips, "CAMERA", (SMALL,))
    monkeypatch.setattr(clips, "SCREEN", (SMALL,))
    monkeypatch.setattr(clips, "encode_video", encode)
    monkeypatch.setattr(clips, "encode_audio", lambda: encode_audio(0.2))
    first: Clips = clips.load(tmp_path)
    assert clips.load(tmp_path) == first
    assert len(made) == 2
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    assert clips.load(tmp_path) == first
    assert len(made) == 4
