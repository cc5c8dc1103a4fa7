"""All tables in one metadata, and the kinds that go through the journal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rtc_server.records import (
    agent_status,
    audit,
    call_recordings,
    calls,
    canned_replies,
    files,
    interactions,
    knowledge,
    mediations,
    meetings,
    messages,
    notes,
    organisation,
    ratings,
    settings,
    tickets,
    transfers,
    wrap_up_codes,
)
from rtc_server.records.base import Kind, metadata

__all__ = ["EDITED", "JOURNALED", "metadata"]

_KINDS: tuple[Kind[Any], ...] = (
    interactions.INTERACTION,
    interactions.INTERACTION_MEMBER,
    messages.MESSAGE,
    files.FILE,
    calls.CALL_RECORD,
    call_recordings.CALL_RECORDING,
    call_recordings.RECORDING_CONSENT,
    ratings.RATING,
    transfers.TRANSFER,
    tickets.TICKET,
    agent_status.AGENT_STATUS_CHANGE,
    notes.NOTE,
    notes.TAG,
    audit.AUDIT_ENTRY,
    mediations.MEDIATION,
    meetings.MEETING,
    meetings.MEETING_MEMBER,
    meetings.MEETING_MESSAGE,
    meetings.NOTE_EDIT,
    meetings.MEETING_NOTES,
)

JOURNALED: Mapping[str, Kind[Any]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""By their word in the journal; in an order in which parents come before what refers to them."""

EDITED = (
    canned_replies.CANNED_REPLY,
    wrap_up_codes.WRAP_UP_CODE,
    settings.SETTING,
    knowledge.QUESTION,
    knowledge.VERSION,
    knowledge.PART,
)
"""Saved by administrators, straight into the database, like everything of ``organisation``."""

assert organisation.authority.metadata is metadata
