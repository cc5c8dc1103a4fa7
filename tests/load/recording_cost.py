"""What recording costs: five cameras of 720p and their microphones, from the engine's taps to files on disk.

    .venv/bin/python -m tests.load.recording_cost [--seconds 20] [--json]

Real media (VP8 of 1.5 Mbit/s in 30 frames/s, Opus) goes through ICE, DTLS and SRTP into a real engine; counted is the processor
time of the writing process and of the thread that makes frames of packets, as the kernel accounts it. Exit code 1 at 15 % of a
core or more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from media._engine import SyntheticPeers
from media.control import MediaControl
from media.events import MediaEvent, TrackPublished
from media.types import EngineConfig, Slots, Source
from rtc_server.recordings.index import load
from rtc_server.recordings.service import CallRecordings
from signaling.sessions.model import RecordedTrack

CAMERAS = 5
MOST_PERCENT = 15.0
_BITRATE, _RATE = 1_500_000, 30
_RECORDING = "c0" * 12
_TICKS = os.sysconf("SC_CLK_TCK")


def camera() -> list[bytes]:
    """Four seconds of something that moves, so that the bitrate is used."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, _RATE), Fraction(_RATE)
    encoder.bit_rate, encoder.gop_size = _BITRATE, 10_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8"}
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1280 + 4 * _RATE * 4), np.uint8)
    packets = []
    for number in range(4 * _RATE):
        picture = np.full((1080, 1280), 128, np.uint8)
        picture[:720] = noise[:720, number * 4 : number * 4 + 1280] // 4 + 96
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets + encoder.encode(None)]


def ticks(place: Path) -> float:
    """Seconds of processor time of a process or thread (proc(5))."""
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def sink_thread() -> Path:
    tasks = Path("/proc/self/task").iterdir()
    return next(task for task in tasks if (task / "comm").read_text().strip() == "media-sink")


def writer() -> Path:
    own = f"/proc/self/task/{os.getpid()}/children"
    found = (Path("/proc") / child for child in Path(own).read_text().split())
    return next(one for one in found if b"rtc_server.recordings.writer" in (one / "cmdline").read_bytes())


async def measure(seconds: float) -> dict[str, float | int]:
    frames = await asyncio.to_thread(camera)
    peers = SyntheticPeers()
    bitrate = sum(map(len, frames)) * 8 * _RATE // len(frames)
    video = peers.add_clip(True, [(None, bitrate, 1_000_000 // _RATE, frames)])
    # Opus of 32 kbit/s as to its size: nobody decodes it here.
    audio = peers.add_clip(False, [(None, 32_000, 20_000, [os.urandom(80) for _ in range(500)])])
    control = MediaControl.create(EngineConfig())
    await control.start()
    arrived: asyncio.Queue[MediaEvent] = asyncio.Queue()
    control.listen("room", arrived.put_nowait)
    await control.create_room("room")
    with tempfile.TemporaryDirectory(prefix="rtc-recording-") as root:
        recordings = CallRecordings(Path(root), control)
        try:
            sources = {Source.MICROPHONE, Source.CAMERA}
            for number in range(CAMERAS):
                peer = f"p{number}"
                await control.add_peer("room", peer, sources, Slots(1, 1))
                offer, lines = await asyncio.to_thread(
                    peers.offer, peer, [("microphone", audio), ("camera", video)]
                )
                tracks = [(mid, Source(source)) for mid, source in lines]
                reply = await control.publish("room", peer, offer, tracks, fresh=True)
                await asyncio.to_thread(peers.accept, peer, reply.sdp or "")
            recordings.begin(_RECORDING, "room")
            seen = 0
            async with asyncio.timeout(60):
                while seen < 2 * CAMERAS:
                    event = await arrived.get()
                    if isinstance(event, TrackPublished):
                        recordings.record(_RECORDING, RecordedTrack(event.peer_id, event.source, 0))
                        seen += 1
            # Encoders are opened and the estimates of the senders have risen by then.
            await asyncio.sleep(5)
            process, thread = writer(), sink_thread()
            before, before_thread = ticks(process), ticks(thread)
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(seconds)
            length = asyncio.get_running_loop().time() - began
            of_process, of_thread = ticks(process) - before, ticks(thread) - before_thread
            await recordings.stop()
            index = load(Path(root) / _RECORDING)
            assert index is not None
        finally:
            await recordings.stop()
            await control.stop()
            await asyncio.to_thread(peers.close)
    spans = [(t.ended_us - t.began_us) / 1e6 for t in index.tracks]
    return {
        "tracks": len(index.tracks),
        "seconds": round(length, 1),
        "megabit_per_s": round(sum(t.bytes for t in index.tracks) * 8 / max(spans) / 1e6, 2),
        "video_frames_per_s": round(
            sum(t.frames / s for t, s in zip(index.tracks, spans, strict=True) if t.source == "camera") / CAMERAS, 1
        ),
        "lost_packets": index.lost_packets,
        "writer_percent_of_core": round(of_process / length * 100, 2),
        "sink_thread_percent_of_core": round(of_thread / length * 100, 2),
        "percent_of_core": round((of_process + of_thread) / length * 100, 2),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.seconds))
    print(
        json.dumps(found)
        if options.json
        else "\n".join(f"{name:32}{value:>12}" for name, value in found.items())
    )
    return 1 if found["percent_of_core"] >= MOST_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
