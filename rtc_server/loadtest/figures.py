"""The figures of a call run, its thresholds, its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rtc_server.loadtest import impairment, playout
from rtc_server.loadtest.call import Course, Look
from rtc_server.loadtest.playout import AudioFigures, VideoFigures


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a run must keep to; None is not looked at. Times in ms, shares in percent."""

    max_loss: float | None = None
    max_join_p95_ms: float | None = None
    max_first_frame_p95_ms: float | None = None
    max_latency_p95_ms: float | None = None
    min_frames_per_s: float | None = None
    max_freeze_ms: float | None = None
    max_audio_gap_ms: float | None = None
    max_recovery_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """One track as one receiver got it while it was measured."""

    receiver: str
    publisher: str
    source: str
    video: VideoFigures | None
    audio: AudioFigures | None
    recovery_ms: float | None
    """After the last blackout or fall of the rate; None without one, or when media never came back."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a whole run. Times in ms, rates in bit/s, memory in MB of 2^20 bytes, processor time in parts of one core. ``joined``
    and ``rooms`` count rooms, ``peers`` the people of one; ``server_media_processor`` is the engine's part of
    ``server_processor``; ``loss`` is what never arrived although it was asked for again; ``datagrams_dropped`` is what the
    relay threw away."""

    kind: str
    endpoint: str
    rooms: int
    peers: int
    joined: int
    seconds: float
    sign_in_p95_ms: float | None
    join_p50_ms: float | None
    join_p95_ms: float | None
    first_frame_p50_ms: float | None
    first_frame_p95_ms: float | None
    tracks_expected: int
    tracks_received: int
    frames_per_s: float
    frames_per_s_lowest: float | None
    freezes: int
    longest_freeze_ms: float
    audio_gaps: int
    longest_audio_gap_ms: float
    latency_video_p50_ms: float | None
    latency_video_p95_ms: float | None
    latency_audio_p50_ms: float | None
    latency_audio_p95_ms: float | None
    jitter_p95_ms: float | None
    loss_percent: float
    datagrams_dropped: int
    damaged: int
    pictures_read: int
    pictures_unreadable: int
    nacks: int
    key_frames_asked: int
    recovery_ms: float | None
    bitrate: int
    server_processor: float
    server_media_processor: float
    server_memory_mb: float
    client_processor: float
    load_before: float
    failures: Mapping[str, int]
    impairment: Mapping[str, object] | None


def ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s * 1000, 1)


def tracks(course: Course) -> list[Track]:
    """Every track that was to arrive, also those that did not."""
    disturbed = _last_disturbance(course)
    found = []
    for group in course.groups:
        if not group.joined:
            continue
        for receiver, publisher, source in group.expected():
            arrivals = course.heard.tracks.get((receiver, publisher, source), [])
            inside = (course.measured_from, course.measured_to)
            is_video = source in {"camera", "screen"}
            found.append(
                Track(
                    receiver, publisher, source,
                    playout.video(arrivals, *inside) if is_video else None,
                    None if is_video else playout.audio(arrivals, *inside),
                    None if disturbed is None else ms(playout.recovery_s(arrivals, disturbed)),
                )
            )  # fmt: skip
    return found


def _last_disturbance(course: Course) -> float | None:
    what = course.plan.impairment
    if what is None or not what.windows:
        return None
    return course.measured_from + max(window.end_s for window in what.windows)


def figures(course: Course) -> Figures:
    plan, of_tracks = course.plan, tracks(course)
    people = [one for group in course.groups for one in group.people]
    joined = [one for group in course.groups if group.joined for one in group.people]
    joins = [
        one.times.joined_at - one.times.accepted_at
        for one in joined
        if one.times.joined_at is not None and one.times.accepted_at is not None
    ]
    first_frames = [
        course.heard.first_video_s[one.person_id] - one.times.accepted_at
        for one in joined
        if one.person_id in course.heard.first_video_s and one.times.accepted_at is not None
    ]
    videos = [track.video for track in of_tracks if track.video is not None]
    audios = [track.audio for track in of_tracks if track.audio is not None]
    video_latency = [value for one in videos for value in one.latencies_s]
    audio_latency = [value for one in audios for value in one.latencies_s]
    packets, missing, nacks, jitters = _received(course)
    span = [look for look in course.looks if look.at_s >= course.measured_from - course.began_at - 0.05]
    length_s = max(course.measured_to - course.measured_from, 1e-9)
    recoveries = [track.recovery_ms for track in of_tracks]
    disturbed = _last_disturbance(course) is not None
    failures: dict[str, int] = {}
    for group in course.groups:
        if group.failure is not None:
            failures[group.failure] = failures.get(group.failure, 0) + 1
    return Figures(
        kind=plan.kind.value,
        endpoint=plan.endpoint.value,
        rooms=plan.rooms,
        peers=plan.peers,
        joined=sum(group.joined for group in course.groups),
        seconds=round(length_s, 1),
        sign_in_p95_ms=ms(
            playout.part((p.times.sign_in_s for p in people if p.times.sign_in_s is not None), 0.95)
        ),
        join_p50_ms=ms(playout.part(joins, 0.5)),
        join_p95_ms=ms(playout.part(joins, 0.95)),
        first_frame_p50_ms=ms(playout.part(first_frames, 0.5)),
        first_frame_p95_ms=ms(playout.part(first_frames, 0.95)),
        tracks_expected=len(of_tracks),
        tracks_received=sum(bool(one.frames) for one in videos) + sum(bool(one.packets) for one in audios),
        frames_per_s=round(sum(one.frames_per_s for one in videos) / max(1, len(videos)), 1),
        frames_per_s_lowest=min((one.frames_per_s for one in videos), default=None),
        freezes=sum(len(one.freezes) for one in videos),
        longest_freeze_ms=ms(max((one.longest_freeze_s for one in videos), default=0.0)) or 0.0,
        audio_gaps=sum(len(one.gaps) for one in audios),
        longest_audio_gap_ms=ms(max((one.longest_gap_s for one in audios), default=0.0)) or 0.0,
        latency_video_p50_ms=ms(playout.part(video_latency, 0.5)),
        latency_video_p95_ms=ms(playout.part(video_latency, 0.95)),
        latency_audio_p50_ms=ms(playout.part(audio_latency, 0.5)),
        latency_audio_p95_ms=ms(playout.part(audio_latency, 0.95)),
        jitter_p95_ms=None if not jitters else round(playout.part(jitters, 0.95) or 0.0, 1),
        loss_percent=round(missing * 100 / max(1, packets + missing), 3),
        datagrams_dropped=course.relayed[1],
        damaged=sum(one.damaged for one in videos) + sum(one.damaged for one in audios),
        pictures_read=sum(number is not None for number in course.tapped),
        pictures_unreadable=sum(number is None for number in course.tapped),
        nacks=nacks,
        key_frames_asked=sum(report["key_frames_asked"] for report in course.reports),
        recovery_ms=max((one for one in recoveries if one is not None), default=None)
        if disturbed and None not in recoveries
        else None,
        bitrate=int(_rate(span, lambda look: look.bytes * 8)),
        server_processor=_rate(span, lambda look: look.processor_s),
        server_media_processor=_rate(span, lambda look: look.media_processor_s),
        server_memory_mb=round(max((look.memory_mb for look in course.looks), default=0.0), 1),
        client_processor=_rate(span, lambda look: look.client_processor_s),
        load_before=round(course.load_before, 1),
        failures=failures,
        impairment=impairment.described(plan.impairment),
    )


def _received(course: Course) -> tuple[int, int, int, list[float]]:
    """Packets that came, that never came, retransmissions asked for; jitter of every track. While it was measured."""
    before = {
        (report["peer"], one["mid"]): one for report in course.reports_begin for one in report["receptions"]
    }
    packets = missing = nacks = 0
    jitters: list[float] = []
    for report in course.reports:
        for one in report["receptions"]:
            earlier = before.get((report["peer"], one["mid"]), {})
            packets += one["packets"] - earlier.get("packets", 0)
            missing += max(0, one["missing"] - earlier.get("missing", 0))
            nacks += one["nacks"] - earlier.get("nacks", 0)
            jitters.append(one["jitter_ms"])
    return packets, missing, nacks, jitters


def _rate(looks: list[Look], of: Callable[[Look], float]) -> float:
    if len(looks) < 2 or looks[-1].at_s <= looks[0].at_s:
        return 0.0
    return round((of(looks[-1]) - of(looks[0])) / (looks[-1].at_s - looks[0].at_s), 3)


def missed(found: Figures, wanted: Thresholds) -> list[str]:
    """The thresholds that were not kept, and that everybody joined and every track arrived, which is always required."""
    faults = []
    if found.joined < found.rooms:
        faults.append(f"joined {found.joined} of {found.rooms} rooms")
    if found.tracks_received < found.tracks_expected:
        faults.append(f"received {found.tracks_received} of {found.tracks_expected} tracks")
    if found.damaged or found.pictures_unreadable:
        faults.append(f"damaged {found.damaged}, unreadable {found.pictures_unreadable}")
    highest: tuple[tuple[str, float | None, float | None], ...] = (
        ("loss_percent", found.loss_percent, wanted.max_loss),
        ("join_p95_ms", found.join_p95_ms, wanted.max_join_p95_ms),
        ("first_frame_p95_ms", found.first_frame_p95_ms, wanted.max_first_frame_p95_ms),
        ("latency_video_p95_ms", found.latency_video_p95_ms, wanted.max_latency_p95_ms),
        ("longest_freeze_ms", found.longest_freeze_ms, wanted.max_freeze_ms),
        ("longest_audio_gap_ms", found.longest_audio_gap_ms, wanted.max_audio_gap_ms),
        ("recovery_ms", found.recovery_ms, wanted.max_recovery_ms),
    )
    for name, value, most in highest:
        if most is not None and (value is None or value > most):
            faults.append(f"{name} {value}, at most {most}")
    least = wanted.min_frames_per_s
    if least is not None and (found.frames_per_s_lowest is None or found.frames_per_s_lowest < least):
        faults.append(f"frames_per_s_lowest {found.frames_per_s_lowest}, at least {least}")
    return faults


def as_json(course: Course, found: Figures, faults: list[str]) -> dict[str, Any]:
    return asdict(found) | {"missed": faults, "tracks": [_track(one) for one in tracks(course)]}


def _track(track: Track) -> dict[str, Any]:
    both = {"receiver": track.receiver, "publisher": track.publisher, "source": track.source}
    if track.video is not None:
        video = track.video
        return both | {
            "frames": video.frames,
            "frames_per_s": video.frames_per_s,
            "slowest_second": video.slowest_second,
            "freezes_ms": [ms(one.length_s) for one in video.freezes],
            "bitrate": video.bitrate,
            "latency_p95_ms": ms(playout.part(video.latencies_s, 0.95)),
            "recovery_ms": track.recovery_ms,
        }
    assert track.audio is not None
    audio = track.audio
    return both | {
        "packets": audio.packets,
        "lost": audio.lost,
        "gaps": len(audio.gaps),
        "longest_gap_ms": ms(audio.longest_gap_s),
        "bitrate": audio.bitrate,
        "latency_p95_ms": ms(playout.part(audio.latencies_s, 0.95)),
        "recovery_ms": track.recovery_ms,
    }


def table(found: Figures) -> str:
    rows: dict[str, object] = {
        name: value for name, value in asdict(found).items() if name not in {"failures", "impairment"}
    }
    lines = [f"{name:24}{'–' if value is None else value!s:>16}" for name, value in rows.items()]
    lines.extend(f"{count} × {what}" for what, count in found.failures.items())
    return "\n".join(lines)
