"""What is written of a recording, what is left of one that was broken off, and the one file made of it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from rtc_server.recordings import compose, progress
from rtc_server.recordings.frames import Codec, FrameReader, Kind, Piece, PipeBroken, written
from rtc_server.recordings.index import INDEX, load
from rtc_server.recordings.writer import Writer

BEGAN_US = 1_795_255_200_000_000
RATE = 15
RECORDING = "3e84eb0ded6fdaf99459e74c"


def pictures(codec: Codec, seconds: float, track: int, size: tuple[int, int] = (320, 180)) -> list[Piece]:
    name, options = {
        Codec.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "8"}),
        Codec.VP9: ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
        Codec.AV1: ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1"}),
        Codec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}),
    }[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, RATE)
    encoder.gop_size, encoder.options = 10_000, options
    packets = []
    for number in range(int(seconds * RATE)):
        shade = np.full((size[1] * 3 // 2, size[0]), 60 + number % 100, np.uint8)
        frame = av.VideoFrame.from_ndarray(shade, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [
        Piece(
            Kind.FRAME, track, BEGAN_US + number * 1_000_000 // RATE, codec, packet.is_keyframe, bytes(packet)
        )
        for number, packet in enumerate(packets)
    ]


def voice(seconds: float, track: int) -> list[Piece]:
    """Opus silence (RFC 6716: one byte of table of contents, code 0)."""
    return [
        Piece(Kind.FRAME, track, BEGAN_US + number * 20_000, Codec.OPUS, True, b"\xf8\xff\xfe")
        for number in range(int(seconds * 50))
    ]


def in_order(*tracks: list[Piece]) -> list[Piece]:
    return sorted((piece for track in tracks for piece in track), key=lambda piece: piece.time_us)


def recorded(folder: Path, *pieces: Piece, finish: bool = True) -> Writer:
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(folder, folder.name)
    for number, source in ((1, "camera"), (2, "microphone"), (3, "screen")):
        writer.announce(number, "agent01", source)
    for piece in pieces:
        writer.take(piece)
    if finish:
        writer.finish()
    return writer


def played(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(container.streams[0]))


def test_frames_come_out_of_the_pipe_as_they_went_in_whatever_the_cuts() -> None:
    pieces = [*voice(0.1, 2), Piece(Kind.END, 2, BEGAN_US, Codec.OPUS, False, b"")]
    data = b"".join(map(written, pieces))
    for cut in (1, 7, 20, 1000):
        reader = FrameReader()
        found = [piece for at in range(0, len(data), cut) for piece in reader.feed(data[at : at + cut])]
        assert found == pieces


def test_a_pipe_of_another_version_is_refused() -> None:
    with pytest.raises(PipeBroken):
        list(FrameReader().feed(struct.pack("<IBBBxIq", 0, 99, 0, 0, 1, 0)))
    with pytest.raises(PipeBroken):
        list(FrameReader().feed(struct.pack("<IBBBxIq", 1 << 31, 1, 0, 0, 1, 0)))


@pytest.mark.parametrize(
    ("codec", "kind"), [(Codec.VP8, "webm"), (Codec.VP9, "webm"), (Codec.AV1, "webm"), (Codec.H264, "mp4")]
)
def test_each_codec_becomes_a_file_that_plays_whole(tmp_path: Path, codec: Codec, kind: str) -> None:
    recorded(tmp_path, *in_order(pictures(codec, 2, 1), voice(2, 2)))
    index = load(tmp_path)
    assert index is not None
    assert index.finished
    assert [(track.file, track.codec) for track in index.tracks] == [
        (f"track-001.{kind}", codec.name.lower()),
        ("track-002.webm", "opus"),
    ]
    assert (index.tracks[0].width, index.tracks[0].height) == (320, 180)
    assert played(tmp_path / f"track-001.{kind}") == 2 * RATE
    assert played(tmp_path / "track-002.webm") == 100


def test_nothing_before_a_key_frame_and_no_picture_that_cannot_be_read(tmp_path: Path) -> None:
    frames = pictures(Codec.VP8, 1, 1)
    unreadable = Piece(Kind.FRAME, 3, BEGAN_US, Codec.AV1, True, b"\x12\x00")
    recorded(tmp_path, *frames[5:], unreadable)
    index = load(tmp_path)
    assert index is not None
    assert [(track.codec, track.file) for track in index.tracks] == [("av1", None)]


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.AV1, Codec.H264])
def test_a_writer_that_is_killed_loses_at_most_two_seconds(tmp_path: Path, codec: Codec) -> None:
    """The process itself, fed at once and killed while its pipe is open."""
    folder = tmp_path / ("a" * 24)
    folder.mkdir()
    frames = in_order(pictures(codec, 8, 1), voice(8, 2))
    process = subprocess.Popen(
        [sys.executable, "-c", _FEEDER.format(folder=str(folder))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"".join(map(written, frames)))
    process.stdin.flush()
    assert process.stdout.readline() == b"all taken\n"
    process.kill()
    process.wait()
    assert not (load(folder) or pytest.fail("no index")).finished
    name = "track-001.mp4" if codec is Codec.H264 else "track-001.webm"
    assert played(folder / name) >= 6 * RATE
    assert played(folder / "track-002.webm") >= 6 * 50
    assert compose.run(folder), "what is left can be composed"


_FEEDER = """
import sys
from pathlib import Path
from rtc_server.recordings.frames import FrameReader
from rtc_server.recordings.writer import Writer
writer = Writer(Path({folder!r}), "a" * 24)
writer.announce(1, "agent01", "camera")
writer.announce(2, "agent01", "microphone")
reader, taken = FrameReader(), 0
while taken < 8 * (15 + 50):
    for piece in reader.feed(sys.stdin.buffer.read1(65536)):
        writer.take(piece)
        taken += 1
print("all taken", flush=True)
sys.stdin.buffer.read()
"""


def test_a_recording_is_continued_after_its_writer_died(tmp_path: Path) -> None:
    recorded(tmp_path, *pictures(Codec.VP8, 1, 1), finish=False)
    recorded(tmp_path, *pictures(Codec.VP8, 1, 1))
    index = load(tmp_path)
    assert index is not None
    assert [track.file for track in index.tracks] == ["track-001.webm", "track-002.webm"]


def test_the_composition_has_everybody_and_as_long_as_the_recording(tmp_path: Path) -> None:
    screen = pictures(Codec.VP8, 2, 3, (640, 360))
    recorded(tmp_path, *in_order(pictures(Codec.VP8, 3, 1), voice(3, 2), screen))
    shares: list[float] = []
    done = compose.compose(tmp_path, shares.append)
    assert shares == sorted(shares)
    with av.open(done) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.width, video.codec_context.height) == (compose.WIDTH, compose.HEIGHT)
        assert audio.codec_context.name.endswith("opus")
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video)]
    assert 3 * compose.RATE - 2 <= len(frames) <= 3 * compose.RATE + 2
    middle = frames[compose.RATE]
    assert middle[360, 400] > 50, "the screen is large at the left"
    assert middle[60, 1200] > 50, "the face in a column at the right"
    assert frames[-2][360, 100] > 50, "alone again it fills the picture"


def test_it_is_composed_by_hand_with_no_other_setting_than_the_data_folder(tmp_path: Path) -> None:
    recorded(tmp_path / "recordings" / RECORDING, *in_order(pictures(Codec.VP8, 1, 1), voice(1, 2)))
    done = by_hand(RECORDING, tmp_path)
    assert done.returncode == 0, done.stderr
    assert played(Path(done.stdout.strip())) > 0
    assert progress.noted(tmp_path / "recordings" / RECORDING) == progress.Progress(
        progress.CompositionState.DONE, 1.0
    )
    unknown = by_hand("0" * 24, tmp_path)
    assert unknown.returncode == 2
    assert "--data" in unknown.stderr


def by_hand(recording_id: str, data: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("rtc-server")), "recording", "compose", recording_id]
    without = {name: value for name, value in os.environ.items() if not name.startswith("RTC_")}
    return subprocess.run(
        [*command, "--data", str(data)], capture_output=True, text=True, env=without, check=False, timeout=60
    )


def test_a_composition_of_nothing_fails_and_says_so(tmp_path: Path) -> None:
    assert not compose.run(tmp_path)
    noted = progress.noted(tmp_path)
    assert noted is not None
    assert noted.state is progress.CompositionState.FAILED
    assert not (tmp_path / INDEX).exists()


@pytest.mark.parametrize(("cameras", "screens"), [(1, 0), (2, 0), (5, 0), (0, 1), (1, 1), (6, 1), (2, 2)])
def test_tiles_lie_inside_and_do_not_overlap(cameras: int, screens: int) -> None:
    faces, large = compose.arrange(cameras, screens)
    shown = np.zeros((compose.HEIGHT, compose.WIDTH), np.uint8)
    for tile in (*faces, *large):
        assert not {tile.left % 2, tile.top % 2, tile.width % 2, tile.height % 2} - {0}
        part = shown[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        assert part.shape == (tile.height, tile.width)
        assert not part.any()
        part[:] = 1
    assert len(large) == screens
    assert len(faces) == cameras
