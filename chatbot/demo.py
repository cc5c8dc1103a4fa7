"""The demonstration base: everyday questions of tax service in our own words, marked as such; no ground for a tax matter."""

from __future__ import annotations

import json
from importlib import resources

from chatbot.exchange import parse
from chatbot.knowledge import KnowledgeBase


def knowledge(version: int = 1) -> KnowledgeBase:
    text = (resources.files("chatbot") / "data" / "demo_knowledge.json").read_text(encoding="utf-8")
    return parse(json.loads(text), version)
