"""Spoken questions in the benchmark of retrieval: what a real model wrote for the questions, mistakes and all.

``by_writing`` is what the written text alone finds; the others are with homophones put right (``chatbot.pinyin``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np

from chatbot.decision import Verdict, judge
from chatbot.index import Index
from chatbot.pinyin import Homophones, meant


def measure(index: Index, questions: dict[str, Any], part: str = "reported") -> dict[str, float]:
    """``questions``: one part of ``retrieval_questions.json``. Off-subject ones are taken as if they had been spoken."""
    text = (resources.files("rtc_server.bench") / "spoken_questions.json").read_text(encoding="utf-8")
    written: list[str] = json.loads(text)[part]
    wanted = [one["question_id"] for one in questions["asked"]]
    homophones = Homophones.of(index.base)
    repair_ms: list[float] = []

    def repaired(asked: str) -> str:
        began = time.perf_counter()
        found = meant(asked, index, homophones)
        repair_ms.append((time.perf_counter() - began) * 1000)
        return found

    first, third = _found(index, written, wanted, repaired)
    by_writing = _found(index, written, wanted, lambda asked: asked)
    refused = [
        judge(index.search(repaired(asked))) is Verdict.OFF_SUBJECT for asked in questions["off_subject"]
    ]
    return {
        "spoken_r_at_1": first,
        "spoken_r_at_3": third,
        "spoken_r_at_1_by_writing": by_writing[0],
        "spoken_r_at_3_by_writing": by_writing[1],
        "spoken_refused": round(float(np.mean(refused)), 4) if refused else 1.0,
        "spoken_p50_ms": round(float(np.percentile(repair_ms, 50)), 2),
    }


def _found(
    index: Index, written: list[str], wanted: list[str], read: Callable[[str], str]
) -> tuple[float, float]:
    first = third = 0
    for asked, question_id in zip(written, wanted, strict=True):
        ids = [match.question_id for match in index.search(read(asked)).matches[:3]]
        first += ids[:1] == [question_id]
        third += question_id in ids
    return round(first / len(wanted), 4), round(third / len(wanted), 4)
