"""The recognising process: who has finished goes first, a process that hangs or dies is replaced, idle memory is given back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rtc_server.config import SpeechSettings
from rtc_server.speech.recogniser import Recogniser, RecognitionFailed, fault_of
from rtc_server.speech.service import Recognition, SpeechService
from signaling.errors import ErrorCode, Refused

WORKER = (sys.executable, str(Path(__file__).parents[2] / "harness" / "speech_worker.py"))
SECOND = bytes(32_000)

Make = Callable[..., Recogniser]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Recogniser] = []

    def one(*arguments: str, **options: Any) -> Recogniser:
        made.append(Recogniser((*WORKER, *arguments), **options))
        return made[-1]

    yield one
    for recogniser in made:
        await recogniser.stop()


async def test_who_has_finished_goes_first(make: Make) -> None:
    recogniser = make()
    order: list[str] = []

    async def hear(name: str, careful: bool) -> None:
        await recogniser.hear(SECOND, prompt="slow", careful=careful)
        order.append(name)

    first = asyncio.create_task(hear("first", False))
    while recogniser.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    later = [asyncio.create_task(hear("guess", False)), asyncio.create_task(hear("careful", True))]
    await asyncio.gather(first, *later)
    assert order == ["first", "careful", "guess"]


@pytest.mark.parametrize("fault", ["hang", "crash", "broken"])
async def test_a_process_at_fault_is_replaced(make: Make, fault: str) -> None:
    recogniser = make(job_s=1.0 if fault == "hang" else 20.0)
    with pytest.raises(RecognitionFailed):
        await recogniser.hear(SECOND, prompt=fault)
    assert recogniser.pid is None
    assert (await recogniser.hear(SECOND, prompt="")).text == "听到1.0秒"
    assert recogniser.works


async def test_idle_memory_is_given_back(make: Make) -> None:
    recogniser = make(idle_s=0.05)
    await recogniser.hear(SECOND, prompt="")
    async with asyncio.timeout(10):
        while recogniser.pid is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await recogniser.hear(SECOND, prompt="")).text == "听到1.0秒"


async def test_after_failures_in_a_row_nobody_is_let_in_for_a_while(make: Make) -> None:
    now = [0.0]
    recogniser = make("fail", clock=lambda: now[0])
    for _ in range(3):
        assert recogniser.works
        with pytest.raises(RecognitionFailed):
            await recogniser.hear(SECOND, prompt="")
    service = SpeechService(SpeechSettings(), lambda: pytest.fail("not asked"), recogniser=recogniser)
    assert service.recognition is Recognition.UNAVAILABLE

    async def tell(_: object) -> None:
        return

    with pytest.raises(Refused) as refused, service.listen("p1", tell):
        pass
    assert refused.value.code is ErrorCode.SPEECH_UNAVAILABLE
    now[0] = 61.0
    assert service.recognition is Recognition.READY


async def test_a_stop_answers_everybody(make: Make) -> None:
    recogniser = make()
    waiting = [asyncio.create_task(recogniser.hear(SECOND, prompt="hang")) for _ in range(3)]
    while recogniser.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await recogniser.stop()
    assert all(
        isinstance(one, RecognitionFailed) for one in await asyncio.gather(*waiting, return_exceptions=True)
    )


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    fault = fault_of(tmp_path)
    assert fault is not None
    assert all(name in fault for name in ("model.bin", "tokenizer.json", "vocabulary"))
    assert "config.json" not in fault
    service = SpeechService(SpeechSettings(model=tmp_path), lambda: pytest.fail("not asked"))
    assert service.recognition is Recognition.UNAVAILABLE
