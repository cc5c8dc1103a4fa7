"""The report of a call run as one HTML page: figures and plots, everything inside it, nothing fetched."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise

from rtc_server.loadtest.call import Course, Look
from rtc_server.loadtest.figures import Figures
from rtc_server.loadtest.playout import Arrival, part

Point = tuple[float, float]

_WIDTH, _HEIGHT = 440, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 30
_COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1")
_STYLE = """
body{font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;color:#1a202c;background:#f7fafc;
margin:24px auto;max-width:1400px;padding:0 16px}
h1{font-size:20px}h2{font-size:17px;margin:28px 0 8px}h3{font-size:13px;margin:0 0 4px;font-weight:600}
.plots{display:flex;flex-wrap:wrap;gap:12px}.plot{background:#fff;border:1px solid #e2e8f0;border-radius:6px;padding:10px}
table{border-collapse:collapse;background:#fff;font-size:13px}td,th{border:1px solid #e2e8f0;padding:3px 10px;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#c53030}.good{color:#2f855a}
svg text{font-size:10px;fill:#4a5568}.key{font-size:11px;color:#4a5568}
"""


def page(runs: Sequence[tuple[str, Course, Figures, list[str]]]) -> str:
    """Of one run, or of several with their names."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>rtc-server: synthetic peers</title>",
        f"<style>{_STYLE}</style></head><body><h1>Synthetic peers</h1>",
    ]
    for name, course, found, faults in runs:
        if name:
            parts.append(f"<h2>{html.escape(name)}</h2>")
        parts.append(_verdict(faults))
        parts.append(f"<div class='plots'>{''.join(_plots(course))}</div><h2>Figures</h2>{_figures(found)}")
    parts.append("</body></html>")
    return "".join(parts)


def _verdict(faults: list[str]) -> str:
    if not faults:
        return "<p class='good'>Everything required was kept to.</p>"
    return "<ul class='bad'>" + "".join(f"<li>{html.escape(fault)}</li>" for fault in faults) + "</ul>"


def _figures(found: Figures) -> str:
    rows = (
        f"<tr><td>{html.escape(name)}</td><td class='n'>{html.escape('–' if value is None else str(value))}</td></tr>"
        for name, value in asdict(found).items()
    )
    return f"<table>{''.join(rows)}</table>"


def _plots(course: Course) -> Iterable[str]:
    looks, began = course.looks, course.began_at
    shade = (course.measured_from - began, course.measured_to - began)
    people = [one for group in course.groups for one in group.people]
    joins = sorted(p.times.joined_at - began for p in people if p.times.joined_at is not None)
    yield _plot(
        "Peers joined", "", [("", [(at, float(n)) for n, at in enumerate(joins, 1)])], shade, steps=True
    )
    firsts = sorted(
        (course.heard.first_video_s[p.person_id] - p.times.accepted_at) * 1000
        for p in people
        if p.person_id in course.heard.first_video_s and p.times.accepted_at is not None
    )
    shares = [(ms, 100 * n / len(firsts)) for n, ms in enumerate(firsts, 1)]
    yield _plot(
        "Time to first frame, ms (share of receivers in %)", "", [("", shares)], None, steps=True, unit="ms"
    )
    yield _plot("Frames a second and video track", "", _by_second(course, _rate_of_frames), shade)
    yield _plot("Bitrate received, Mbit/s", "", _by_second(course, _bitrate), shade)
    yield _plot("Latency end to end, p95 in ms", "", _by_second(course, _latency), shade)
    yield _plot("Audio packets that never came, %", "", _never_came(course), shade)
    yield _plot("Jitter: spread of latency (p95 − p5), ms", "", _by_second(course, _spread), shade)
    yield _plot(
        "Processor, % of one core", "",
        [
            ("server", _slope(looks, lambda look: look.processor_s)),
            ("of it the engine", _slope(looks, lambda look: look.media_processor_s)),
            ("clients", _slope(looks, lambda look: look.client_processor_s)),
        ],
        shade,
    )  # fmt: skip
    yield _plot(
        "Memory of the server, MB", "", [("", [(look.at_s, look.memory_mb) for look in looks])], shade
    )


def _slope(looks: Sequence[Look], of: Callable[[Look], float]) -> list[Point]:
    return [
        (now.at_s, (of(now) - of(before)) / (now.at_s - before.at_s) * 100)
        for before, now in pairwise(looks)
        if now.at_s - before.at_s > 0.05
    ]


Second = list[Arrival]


def _by_second(
    course: Course, of: Callable[[Second, bool, int], float | None]
) -> list[tuple[str, list[Point]]]:
    """A line for video and one for audio: a figure of what arrived in each second, by tracks of that kind."""
    lines = []
    for name, sources in (("video", {"camera", "screen"}), ("audio", {"microphone", "screen_audio"})):
        seconds: dict[int, Second] = {}
        count = 0
        for (_, _, source), arrivals in course.heard.tracks.items():
            if source in sources:
                count += 1
                for arrival in arrivals:
                    seconds.setdefault(int(arrival.at_s - course.began_at), []).append(arrival)
        last = int(course.measured_to - course.began_at)
        points = [
            (second + 0.5, value)
            for second in range(min(seconds, default=0), last)
            if (value := of(seconds.get(second, []), name == "video", max(1, count))) is not None
        ]
        if points:
            lines.append((name, points))
    return lines


def _rate_of_frames(second: Second, video: bool, tracks: int) -> float | None:
    return len(second) / tracks if video else None


def _bitrate(second: Second, video: bool, tracks: int) -> float | None:
    return sum(one.bytes for one in second) * 8 / 1e6


def _latencies(second: Second) -> list[float]:
    return [one.latency_s * 1000 for one in second if one.latency_s is not None]


def _latency(second: Second, video: bool, tracks: int) -> float | None:
    return part(_latencies(second), 0.95)


def _spread(second: Second, video: bool, tracks: int) -> float | None:
    values = _latencies(second)
    return (part(values, 0.95) or 0.0) - (part(values, 0.05) or 0.0) if values else None


def _never_came(course: Course) -> list[tuple[str, list[Point]]]:
    """Holes in the numbers of audio packets, in the second in which the next one came."""
    came: dict[int, int] = {}
    missing: dict[int, int] = {}
    for (_, _, source), arrivals in course.heard.tracks.items():
        if source not in {"microphone", "screen_audio"}:
            continue
        ordered = sorted(arrivals, key=lambda one: one.sequence)
        for earlier, later in pairwise(ordered):
            second = int(later.at_s - course.began_at)
            came[second] = came.get(second, 0) + 1
            missing[second] = missing.get(second, 0) + max(0, later.sequence - earlier.sequence - 1)
    points = [(at + 0.5, 100 * missing[at] / (missing[at] + came[at])) for at in sorted(came)]
    return [("audio", points)] if points else []


def _plot(
    title: str, note: str, lines: list[tuple[str, list[Point]]], shade: tuple[float, float] | None,
    *, steps: bool = False, unit: str = "s",
) -> str:  # fmt: skip
    points = [point for _, line in lines for point in line]
    if not points:
        return f"<div class='plot'><h3>{html.escape(title)}</h3><p>nothing came</p></div>"
    most_x = max(point[0] for point in points) or 1.0
    most_y = _round_up(max(point[1] for point in points))

    def x(value: float) -> float:
        return _LEFT + value / most_x * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / most_y * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f"<div class='plot'><h3>{html.escape(title)}</h3><svg width='{_WIDTH}' height='{_HEIGHT}' role='img'>"
    ]
    if shade is not None:
        left, right = x(max(0.0, shade[0])), min(x(shade[1]), _WIDTH - _RIGHT)
        parts.append(
            f"<rect x='{left:.1f}' y='{_TOP}' width='{max(0.0, right - left):.1f}' "
            f"height='{_HEIGHT - _TOP - _BOTTOM}' fill='#edf2f7'/>"
        )
    for number in range(5):
        value = most_y * number / 4
        parts.append(
            f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y(value):.1f}' y2='{y(value):.1f}' stroke='#cbd5e0' "
            f"stroke-width='.5'/><text x='{_LEFT - 5}' y='{y(value) + 3:.1f}' text-anchor='end'>{value:g}</text>"
        )
        value = most_x * number / 4
        parts.append(
            f"<text x='{x(value):.1f}' y='{_HEIGHT - 12}' text-anchor='{'end' if number == 4 else 'middle'}'>"
            f"{value:.3g} {unit if number == 4 else ''}</text>"
        )
    for (_, line), colour in zip(lines, _COLOURS, strict=False):
        path = [f"M{x(line[0][0]):.1f} {y(line[0][1]):.1f}"]
        for at, value in line[1:]:
            path.append((f"H{x(at):.1f}V{y(value):.1f}") if steps else f"L{x(at):.1f} {y(value):.1f}")
        parts.append(f"<path d='{''.join(path)}' fill='none' stroke='{colour}' stroke-width='1.6'/>")
        parts.extend(
            f"<circle cx='{x(at):.1f}' cy='{y(value):.1f}' r='2' fill='{colour}'/>"
            for at, value in line[:1]
            if len(line) == 1
        )
    key = " · ".join(
        f"<span style='color:{colour}'>{html.escape(name)}</span>"
        for (name, _), colour in zip(lines, _COLOURS, strict=False)
        if name
    )
    parts.append(f"</svg><div class='key'>{key}{html.escape(note)}</div></div>")
    return "".join(parts)


def _round_up(value: float) -> float:
    """To 1, 2, 2.5, 4, 5 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    steps = (1, 2, 2.5, 4, 5, 8, 10)
    return next((step * size for step in steps if step * size >= value - 1e-12), value)
