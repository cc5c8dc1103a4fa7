"""Sentence vectors of the made-up questions of the largest base: 40,000 texts, ten minutes of two cores, once.

They are embedded one by one by the model itself, on all processors, and kept in a file as they come: a run that is cut goes
on where it was, and the next one embeds nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from chatbot.embedding import Vectors, load
from chatbot.vectors import RememberingEmbedding

_LOT = 64
_LOTS_BETWEEN_WRITES = 20


def embed_missing(texts: Sequence[str], kept: RememberingEmbedding) -> int:
    """How many had to be embedded. Tells on standard error how far it is."""
    missing = kept.missing(texts)
    if len(missing) < _LOT:
        return 0
    lots = [missing[start : start + _LOT] for start in range(0, len(missing), _LOT)]
    sys.stderr.write(
        f"embedding {len(missing)} texts on {os.cpu_count()} processors; once, they are kept for the next run\n"
    )
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for number, (lot, vectors) in enumerate(zip(lots, pool.map(_embed, lots), strict=True), 1):
            kept.learn(lot, vectors)
            if number % _LOTS_BETWEEN_WRITES == 0 or number == len(lots):
                kept.keep()
                done = min(number * _LOT, len(missing))
                left = (time.monotonic() - began) / done * (len(missing) - done)
                sys.stderr.write(f"  {done} of {len(missing)}, {left:.0f} s left\n")
    return len(missing)


def _embed(texts: list[str]) -> Vectors:
    embedding = load()
    if embedding is None:
        raise RuntimeError("sentence vectors are not available in this process")
    return embedding.passages(texts)
