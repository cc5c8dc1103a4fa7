"""Rules of streaming recognition with a model that only knows whole windows: what of a guess is shown, what is settled.

A window of sound is recognised again and again while it grows. Two guesses in a row agree on a beginning: that beginning is
stable and never changes on the page again while the person speaks (LocalAgreement-2: Liu, Spanakis, Niehues, "Low-Latency
Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis Selection", Interspeech 2020). At a pause the
window is cut: what lies before is recognised once more with more care, and is settled. Times are samples of 16 kHz.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

RATE = 16_000
BYTES_PER_SAMPLE = 2

MIN_WINDOW = 6 * RATE
"""A shorter window is not cut: words without their neighbours are recognised worse."""
MAX_WINDOW = 20 * RATE
"""A model of 30 s windows still sees all of it, and the time of a guess stays bounded."""
MIN_PAUSE = RATE * 45 // 100
_LOOP = re.compile(r"(.{1,12}?)\1{3,}")
_INVENTED = re.compile(
    r"(字幕|字幕由|請不吝|请不吝|點贊|点赞|訂閱|订阅|打赏|明镜|明鏡|谢谢观看|謝謝觀看|謝謝大家|Amara|社群提供)",
    re.IGNORECASE,
)
"""What Whisper makes of noise: the credits of the films it was trained on."""

Span = tuple[int, int]
"""From, until: somebody speaks."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One guess. ``spans`` are of the window. ``text`` None: nobody has spoken since the guess before, and it stands."""

    text: str | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """What to show: ``stable`` stays, ``rest`` may change."""

    stable: str
    rest: str


@dataclass(frozen=True, slots=True)
class Dictation:
    """``settled``: windows that are done. ``stable``: what of the open window no longer changes. ``guess``: the last one."""

    settled: str = ""
    stable: str = ""
    guess: str = ""

    @property
    def partial(self) -> Partial:
        return Partial(self.settled + self.stable, continuation(self.stable, self.guess))

    @property
    def text(self) -> str:
        shown = self.partial
        return shown.stable + shown.rest


def guessed(dictation: Dictation, heard: Heard) -> Dictation:
    """The window was recognised again."""
    if heard.text is None:
        return dictation
    now = tidy(heard.text)
    return replace(dictation, stable=agreed(dictation.stable, dictation.guess, now), guess=now)


def settled(dictation: Dictation, heard: Heard) -> Dictation:
    """The window is over, recognised with care: the last word, also over what was stable. Nothing found where something was
    shown keeps what was shown."""
    text = tidy(heard.text or "") or dictation.stable + continuation(dictation.stable, dictation.guess)
    return Dictation(settled=joined(dictation.settled, text))


def agreed(stable: str, before: str, now: str) -> str:
    """The stable beginning, longer by what two guesses agree on. It never shrinks and never changes."""
    if not now.startswith(stable):
        return stable
    length = len(stable)
    for a, b in zip(before[length:], now[length:], strict=False):
        if a != b:
            break
        length += 1
    # Marks at the end move with every guess.
    return stable + now[len(stable) : length].rstrip("，。？！、；：,.?! ")


def continuation(stable: str, guess: str) -> str:
    """What a guess says beyond the stable beginning, also when it tells the beginning differently: behind the part of the
    guess that is nearest to it (Levenshtein)."""
    if guess.startswith(stable):
        return guess[len(stable) :]
    row = list(range(len(guess) + 1))
    for i, a in enumerate(stable):
        before, row[0] = row[0], i + 1
        for j, b in enumerate(guess):
            before, row[j + 1] = row[j + 1], min(before + (a != b), row[j] + 1, row[j + 1] + 1)
    nearest = min(range(len(row)), key=lambda place: (row[place], -place))
    return guess[nearest:]


def cut_at(spans: tuple[Span, ...], length: int) -> int | None:
    """Where to cut a window of this length: in the middle of its last pause, or at the shortest of pauses when it has grown
    too long; None: not yet."""
    if length < MIN_WINDOW:
        return None
    ends = [*spans, (length, length)]
    pauses = [(one[1], following[0]) for one, following in pairwise(ends)]
    long_enough = [(a, b) for a, b in pauses if b - a >= MIN_PAUSE]
    if long_enough:
        a, b = long_enough[-1]
        return a + (b - a) // 2
    if not spans:
        return length
    if length < MAX_WINDOW:
        return None
    inside = [(a, b) for a, b in pauses[:-1] if b > a > length // 3]
    if not inside:
        return length
    a, b = max(inside, key=lambda pause: pause[1] - pause[0])
    return a + (b - a) // 2


def tidy(text: str) -> str:
    """Without what models are known to invent: a word said over and over, and the credits of films."""
    text = re.sub(r"\s+", " ", text).strip()
    text = _LOOP.sub(r"\1", text)
    kept = [part for part in re.split(r"(?<=[。？！!?])", text) if part and not _INVENTED.search(part)]
    return "".join(kept).strip()


def joined(before: str, after: str) -> str:
    """With a comma where a pause was and no mark is."""
    if before and after and before[-1].isalnum():
        return f"{before}，{after}"
    return before + after


def token_limit(samples: int) -> int:
    """So many tokens a guess may have: people say five characters a second, most of them a token each, with marks between.
    A model that runs in circles stops there instead of at its own 448."""
    return 12 + samples * 8 // RATE
