"""The commands ``rtc-server loadtest call`` and ``loadtest impairment``: runs, what is printed, the exit code."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtc_server.loadtest import figures, impairment
from rtc_server.loadtest.call import Course, Kind, Plan, drive, say
from rtc_server.loadtest.figures import Figures, Thresholds

_OPEN_FILES = 65_536


def call(plan: Plan, wanted: Thresholds, *, as_json: bool, html: Path | None) -> int:
    """0 when every threshold was kept and every track arrived whole, else 1. Raises ``CallRefused``."""
    plan.check()
    say(f"{plan.kind.value}: {plan.rooms} rooms of {plan.peers}, {plan.endpoint.value} endpoint")
    course = _driven(plan)
    found = figures.figures(course)
    faults = figures.missed(found, wanted)
    if html is not None:
        from rtc_server.loadtest.page import page

        html.write_text(page([("", course, found, faults)]), encoding="utf-8")
    if as_json:
        print(json.dumps(figures.as_json(course, found, faults), ensure_ascii=False))  # noqa: T201
    else:
        print(figures.table(found))  # noqa: T201
    for fault in faults:
        say(f"missed: {fault}")
    return 1 if faults else 0


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the impairment plan and what the product must keep to on it."""

    name: str
    text: str
    wanted: Thresholds = field(default_factory=Thresholds)
    seconds: float = 15.0


_CALM = "delay=20ms,"
CASES = (
    Case("no impairment", "delay=20ms"),
    Case("loss 5 %", _CALM + "loss=5%"),
    Case(
        "loss 10 %",
        _CALM + "loss=10%",
        Thresholds(min_frames_per_s=15, max_freeze_ms=1000, max_audio_gap_ms=100),
    ),
    Case("loss 20 %", _CALM + "loss=20%"),
    Case("500 kbit/s for 8 s", _CALM + "rate=500k@3s-11s", seconds=20.0),
    Case("blackout of 3 s", _CALM + "blackout=3s@3s", Thresholds(max_recovery_ms=2000), seconds=12.0),
)
"""The taxpayer's line, both directions, with a round trip of 40 ms."""


def impaired(
    kind: Kind,
    rooms: int,
    *,
    as_json: bool,
    html: Path | None,
    only: Sequence[str] = (),
    seconds: float | None = None,
) -> int:
    """Every case of the plan with a server of its own. 0 when what is required was kept to."""
    cases = [case for case in CASES if not only or any(word in case.name for word in only)]
    done: list[tuple[str, Course, Figures, list[str]]] = []
    for case in cases:
        say(case.name)
        course = _driven(
            Plan(
                kind=kind,
                rooms=rooms,
                seconds=case.seconds if seconds is None else seconds,
                impairment=replace(impairment.parse(case.text), seed=1),
            )
        )
        found = figures.figures(course)
        done.append((case.name, course, found, figures.missed(found, case.wanted)))
    if html is not None:
        from rtc_server.loadtest.page import page

        html.write_text(page(done), encoding="utf-8")
    if as_json:
        rows = [
            {"case": name} | figures.as_json(course, found, faults) for name, course, found, faults in done
        ]
        print(json.dumps(rows, ensure_ascii=False))  # noqa: T201
    else:
        print(_comparison([(name, found) for name, _, found, _ in done]))  # noqa: T201
    for name, _, _, faults in done:
        for fault in faults:
            say(f"missed: {name}: {fault}")
    return 1 if any(faults for *_, faults in done) else 0


_COLUMNS: tuple[tuple[str, Callable[[Figures], float | None]], ...] = (
    ("frames/s", lambda f: f.frames_per_s),
    ("lowest", lambda f: f.frames_per_s_lowest),
    ("freezes > 200 ms", lambda f: f.freezes),
    ("longest freeze, ms", lambda f: f.longest_freeze_ms),
    ("longest audio gap, ms", lambda f: f.longest_audio_gap_ms),
    ("latency p95, ms", lambda f: f.latency_video_p95_ms),
    ("recovery, ms", lambda f: f.recovery_ms),
    ("never arrived, %", lambda f: f.loss_percent),
)


def _comparison(rows: list[tuple[str, Figures]]) -> str:
    """A table in Markdown."""
    lines = [
        "| case | " + " | ".join(name for name, _ in _COLUMNS) + " |",
        "|---|" + "---:|" * len(_COLUMNS),
    ]
    for name, found in rows:
        values = (value(found) for _, value in _COLUMNS)
        lines.append(f"| {name} | " + " | ".join("–" if one is None else str(one) for one in values) + " |")
    return "\n".join(lines)


def _driven(plan: Plan) -> Course:
    import uvloop

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _OPEN_FILES)), hard))
    limit_s = 180 + plan.seconds + plan.coming_s * 2

    async def bounded() -> Course:
        async with asyncio.timeout(limit_s):
            return await drive(plan, say)

    return uvloop.run(bounded())
