"""A real model on synthesised Mandarin: what is said is written, while it is said, in bounded time and memory."""

from __future__ import annotations

import asyncio
import itertools
import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatbot import demo
from chatbot.pinyin import Homophones
from rtc_server.speech.dictation import RATE, Heard, Partial
from rtc_server.speech.listening import Listening
from rtc_server.speech.prompt import prompt_of
from rtc_server.speech.recogniser import Recogniser, fault_of
from tests.harness.speech_model import speech_model

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[1] / "captures" / "speech"
SAID = {
    "declare_income_tax": "个人所得税怎么申报",
    "lost_invoice": "增值税发票丢失了怎么办",
    "social_security": "社保费怎么缴纳，可以在手机上办理吗",
}
MOST_ERRORS = 0.25
"""Of characters, over all of them; garbage has more than .8, and without any prompt the same model has .4."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recogniser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recogniser]:
    folder = speech_model(tmp_path_factory.mktemp("speech") / "model")
    assert fault_of(folder) is None
    one = Recogniser.of_model(folder, threads=2, niceness=0)
    yield one
    await one.stop()


def sound(name: str) -> bytes:
    with wave.open(str(FOLDER / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return file.readframes(file.getnframes())


def letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def errors(written: str, said: str) -> int:
    """Levenshtein, over characters."""
    row = list(range(len(said) + 1))
    for i, a in enumerate(written):
        before, row[0] = row[0], i + 1
        for j, b in enumerate(said):
            before, row[j + 1] = row[j + 1], min(before + (a != b), row[j] + 1, row[j + 1] + 1)
    return row[-1]


async def test_what_is_said_is_written(recogniser: Recogniser) -> None:
    prompt = prompt_of(demo.knowledge())
    wrong = total = 0
    written = {}
    for name, said in SAID.items():
        heard = await recogniser.hear(sound(name), prompt=prompt, careful=True)
        assert heard.text is not None
        written[name] = heard.text
        wrong += errors(letters(heard.text), letters(said))
        total += len(letters(said))
    assert wrong / total <= MOST_ERRORS, written


async def test_words_come_while_one_speaks_and_do_not_jump(
    recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Partial] = []

    async def tell(partial: Partial) -> None:
        shown.append(partial)

    guesses: asyncio.Queue[None] = asyncio.Queue()
    hear = recogniser.hear

    async def heard(sound: bytes, **more: Any) -> Heard:
        try:
            return await hear(sound, **more)
        finally:
            guesses.put_nowait(None)

    monkeypatch.setattr(recogniser, "hear", heard)
    listening = Listening(recogniser, prompt_of(demo.knowledge()), 60, tell)
    running = asyncio.create_task(listening.run())
    pcm = sound("social_security")
    # A second, and then what was made of it: a slow machine must not have fewer guesses.
    for start in range(0, len(pcm) - 2 * RATE, 2 * RATE):
        listening.take(pcm[start : start + 2 * RATE])
        await asyncio.wait_for(guesses.get(), 60)
    listening.take(pcm[start + 2 * RATE :])
    listening.finish()
    final = await running
    assert final.complete
    assert len(shown) >= 2, final
    assert all(b.stable.startswith(a.stable) for a, b in itertools.pairwise(shown))
    assert errors(letters(final.text), letters(SAID["social_security"])) <= 4


async def test_silence_and_noise_are_no_words(recogniser: Recogniser) -> None:
    import numpy as np

    noise = (np.random.default_rng(7).normal(0, 60, 3 * RATE)).astype("<i2").tobytes()
    for nothing in (bytes(2 * 3 * RATE), noise):
        heard = await recogniser.hear(nothing, prompt=prompt_of(demo.knowledge()), careful=True)
        assert (heard.text, heard.spans) == ("", ())


async def test_memory_is_what_the_manual_says(recogniser: Recogniser) -> None:
    await recogniser.hear(sound("lost_invoice"), prompt=prompt_of(demo.knowledge()))
    assert recogniser.pid is not None
    status = await asyncio.to_thread(Path(f"/proc/{recogniser.pid}/status").read_text, encoding="ascii")
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
    assert peak < 600, f"{peak:.0f} MB"


async def test_its_mistakes_are_homophones_the_knowledge_repairs() -> None:
    homophones = Homophones.of(demo.knowledge())
    assert "增值税" in homophones.repaired("曾直说发票丢失了怎么办")
    assert "个人所得税" in homophones.repaired("个人所得睡怎么申报")
