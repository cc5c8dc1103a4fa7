from __future__ import annotations

from datetime import date

import pytest

from chatbot import demo
from chatbot.dialogue import Asker
from chatbot.index import Index
from chatbot.knowledge import KnowledgeBase

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def base() -> KnowledgeBase:
    return demo.knowledge()


@pytest.fixture(scope="session")
def index(base: KnowledgeBase) -> Index:
    """By words alone: quick, and the rules of the dialogue do not depend on how a question was found."""
    return Index.build(base, None)


@pytest.fixture
def asker() -> Asker:
    return Asker("442000", TODAY)
