"""One person speaks: sound comes in, guesses go out, and in the end the text. Nothing of either is kept or logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rtc_server.speech import dictation as rules
from rtc_server.speech.dictation import BYTES_PER_SAMPLE, RATE, Dictation, Heard, Partial
from rtc_server.speech.recogniser import Recogniser, RecognitionFailed

EVERY = RATE * 7 // 10
"""A new guess after so much new sound, if the last one is there."""
_AHEAD_BYTES = 5 * RATE * BYTES_PER_SAMPLE
"""Sound may come faster than it is spoken after a stutter of the network, by so much."""


@dataclass(frozen=True, slots=True)
class Final:
    """``complete`` false: the end could not be recognised; the text is what was shown. ``cut_off``: the longest time was
    reached."""

    text: str
    complete: bool
    cut_off: bool


class TooMuchSound(Exception):
    """More than anybody can have spoken since the beginning."""


class Listening:
    """``take`` sound while ``run`` runs in a task; ``finish`` when the person has."""

    def __init__(
        self,
        recogniser: Recogniser,
        prompt: str,
        max_seconds: int,
        tell: Callable[[Partial], Awaitable[None]],
    ) -> None:
        self._recogniser = recogniser
        self._prompt = prompt
        self._max_bytes = max_seconds * RATE * BYTES_PER_SAMPLE
        self._tell = tell
        self._window = bytearray()
        self._taken = 0
        self._looked_at = 0
        self._known_end = 0
        self._state = Dictation()
        self._shown = Partial("", "")
        self._more = asyncio.Event()
        self._finished = False
        self._cut_off = False
        self._began = asyncio.get_running_loop().time()

    def take(self, pcm: bytes) -> None:
        """Raises ``TooMuchSound`` for what comes faster than it can be spoken. What is over the longest time is left out."""
        if self._finished:
            return
        spoken = int((asyncio.get_running_loop().time() - self._began) * RATE) * BYTES_PER_SAMPLE
        if self._taken + len(pcm) > spoken + _AHEAD_BYTES:
            raise TooMuchSound
        pcm = pcm[: self._max_bytes - self._taken]
        self._taken += len(pcm)
        self._window += pcm
        if self._taken >= self._max_bytes:
            self._cut_off = True
            self.finish()
        elif len(self._window) - self._looked_at >= EVERY * BYTES_PER_SAMPLE:
            self._more.set()

    def finish(self) -> None:
        self._finished = True
        self._more.set()

    async def run(self) -> Final:
        """Until ``finish``. Guesses that fail are left out; when the end fails, what was shown is the text."""
        while not self._finished:
            await self._more.wait()
            self._more.clear()
            if self._finished:
                break
            await self._guess()
        complete = True
        if self._window:
            try:
                self._state = rules.settled(self._state, await self._careful(bytes(self._window)))
            except RecognitionFailed:
                complete = False
        return Final(self._state.text, complete, self._cut_off)

    async def _guess(self) -> None:
        sound = bytes(self._window)
        self._looked_at = len(sound)
        try:
            heard = await self._unless_finished(sound)
            if heard is None:
                return
            self._state = rules.guessed(self._state, heard)
            self._known_end = max((end for _, end in heard.spans), default=0)
            cut = rules.cut_at(heard.spans, len(sound) // BYTES_PER_SAMPLE)
            if cut is not None:
                await self._settle(cut, spoken=bool(heard.spans))
        except RecognitionFailed:
            return
        await self._show()

    async def _unless_finished(self, sound: bytes) -> Heard | None:
        """A guess nobody waits for any more is given up: what counts then is the careful one."""
        guess = asyncio.ensure_future(
            self._recogniser.hear(sound, prompt=self._prompt, known_end=self._known_end)
        )
        try:
            while not guess.done() and not self._finished:
                waiting = asyncio.ensure_future(self._more.wait())
                await asyncio.wait({guess, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if not self._finished:
                    self._more.clear()
            if not guess.done():
                return None
            return guess.result()
        finally:
            if not guess.done():
                guess.cancel()

    async def _settle(self, cut: int, *, spoken: bool) -> None:
        end = cut * BYTES_PER_SAMPLE
        if spoken:
            self._state = rules.settled(self._state, await self._careful(bytes(self._window[:end])))
        del self._window[:end]
        self._looked_at = self._known_end = 0

    async def _careful(self, sound: bytes) -> Heard:
        """Twice: the process may have hung on somebody else's job."""
        try:
            return await self._recogniser.hear(sound, prompt=self._prompt, careful=True)
        except RecognitionFailed:
            return await self._recogniser.hear(sound, prompt=self._prompt, careful=True)

    async def _show(self) -> None:
        shown = self._state.partial
        if shown != self._shown:
            self._shown = shown
            await self._tell(shown)
