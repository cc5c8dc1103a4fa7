"""What 悦悦 knows: questions with their other phrasings and answers, packs, quick entries, questions back. Plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Document:
    """A stored file that belongs to an answer. ``size`` in bytes."""

    file_id: str
    name: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer a question back: either leads to a question, or to another question back."""

    label: str
    question_id: str | None = None
    clarification_id: str | None = None


@dataclass(frozen=True, slots=True)
class Clarification:
    """多轮交互: asked back when one of ``triggers`` is all a person said. ``options`` are the editor's."""

    clarification_id: str
    prompt: str
    triggers: tuple[str, ...]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One piece of knowledge. ``answer`` is Markdown. ``regions`` empty: everywhere; a code is also good for what lies
    within (440000 for 442000). Both days of validity are included; None is open."""

    question_id: str
    topic: str
    title: str
    aliases: tuple[str, ...]
    answer: str
    keywords: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    packs: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    hot_rank: int | None = None
    """Pinned by an editor to this place of 热点推荐; 1 is the first."""
    pages: tuple[str, ...] = ()
    """Words of the host page or business it is first of interest on, for 猜你想问."""
    demonstration: bool = False
    documents: tuple[Document, ...] = ()

    @property
    def phrasings(self) -> tuple[str, ...]:
        return (self.title, *self.aliases)

    def in_force(self, region: str | None, day: date) -> bool:
        if self.valid_from is not None and day < self.valid_from:
            return False
        if self.valid_until is not None and day > self.valid_until:
            return False
        return good_for(self.regions, region)


class EntryKind(StrEnum):
    LINK = "link"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class QuickEntry:
    """快捷入口: a link, or a question that is asked by a click."""

    entry_id: str
    title: str
    kind: EntryKind
    target: str
    """An address, or the id of a question."""
    regions: tuple[str, ...] = ()
    sort_order: int = 0


@dataclass(frozen=True, slots=True)
class Right:
    """权益: what a taxpayer may claim, in a few sentences, with its document where there is one. Shown in the personal
    centre; she is not asked about it."""

    right_id: str
    title: str
    text: str
    url: str | None = None
    regions: tuple[str, ...] = ()
    sort_order: int = 0


@dataclass(frozen=True, slots=True)
class Pack:
    """问答套餐: questions of one subject in the order of the editor."""

    pack_id: str
    name: str
    question_ids: tuple[str, ...]
    sort_order: int = 0


@dataclass(frozen=True, slots=True)
class Topic:
    topic_id: str
    name: str


@dataclass(frozen=True)
class KnowledgeBase:
    """All of it at one version. Ids that lead nowhere are allowed: they are passed over when it is used."""

    version: int = 0
    topics: tuple[Topic, ...] = ()
    questions: tuple[Question, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    """Words that stand for one another; the first gives the group its name."""
    off_subject: tuple[str, ...] = ()
    """What people also say that is none of our business: a query nearer to these than to any question is refused."""
    clarifications: tuple[Clarification, ...] = ()
    packs: tuple[Pack, ...] = ()
    entries: tuple[QuickEntry, ...] = ()
    rights: tuple[Right, ...] = ()
    by_id: dict[str, Question] = field(init=False, repr=False, compare=False)
    document_ids: frozenset[str] = field(init=False, repr=False, compare=False)
    """Of every answer: these files are for everybody who may ask."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {one.question_id: one for one in self.questions})
        held = frozenset(document.file_id for one in self.questions for document in one.documents)
        object.__setattr__(self, "document_ids", held)

    def clarification(self, clarification_id: str) -> Clarification | None:
        return next((c for c in self.clarifications if c.clarification_id == clarification_id), None)

    def entries_of(self, region: str | None) -> tuple[QuickEntry, ...]:
        found = (entry for entry in self.entries if good_for(entry.regions, region))
        return tuple(sorted(found, key=lambda entry: (entry.sort_order, entry.entry_id)))

    def rights_of(self, region: str | None) -> tuple[Right, ...]:
        found = (right for right in self.rights if good_for(right.regions, region))
        return tuple(sorted(found, key=lambda right: (right.sort_order, right.right_id)))

    def in_force(self, ids: Iterable[str], region: str | None, day: date) -> tuple[Question, ...]:
        known = (self.by_id.get(one) for one in ids)
        return tuple(one for one in known if one is not None and one.in_force(region, day))


def good_for(regions: tuple[str, ...], region: str | None) -> bool:
    """Whether what is good for ``regions`` is good for somebody of this one; of none: everywhere."""
    return not regions or (region is not None and any(within(region, one) for one in regions))


def within(region: str, wider: str) -> bool:
    """Whether an administrative code (GB/T 2260) lies in another: 442000 in 440000; trailing pairs of zeros are open. A
    region given by its name lies in itself alone."""
    if not (region.isdigit() and wider.isdigit()):
        return region == wider
    stem = wider
    while len(stem) > 2 and stem.endswith("00"):
        stem = stem[:-2]
    return region.startswith(stem)
