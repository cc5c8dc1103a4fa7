"""All tables in one metadata, and the kinds that go through the journal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rtc_server.records import (
    agent_status,
    appointments,
    assistant,
    audit,
    call_recordings,
    calls,
    canned_replies,
    confirmations,
    files,
    inquiries,
    interactions,
    invitations,
    knowledge,
    mediations,
    meeting_doors,
    meeting_recordings,
    meetings,
    messages,
    notes,
    notices,
    numbering,
    organisation,
    ratings,
    settings,
    taxpayers,
    tickets,
    transfers,
    work_orders,
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
    invitations.INVITATION,
    tickets.TICKET,
    agent_status.AGENT_STATUS_CHANGE,
    notes.NOTE,
    notes.TAG,
    audit.AUDIT_ENTRY,
    mediations.MEDIATION,
    confirmations.CONFIRMATION,
    confirmations.CONFIRMATION_STEP,
    meetings.MEETING,
    meetings.MEETING_MEMBER,
    meeting_doors.MEETING_WAITING,
    meeting_doors.MEETING_STREAM,
    meetings.MEETING_MESSAGE,
    meetings.NOTE_EDIT,
    meetings.MEETING_NOTES,
    meeting_recordings.MEETING_RECORDING,
    meeting_recordings.MEETING_CONSENT,
    assistant.TURN,
    assistant.FAVOURITE,
    taxpayers.TAXPAYER,
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
    appointments.APPOINTMENT,
    appointments.SLOT_CAPACITY,
    inquiries.INQUIRY,
    notices.NOTICE,
    notices.DELIVERY,
    notices.SURVEY_ANSWER,
    taxpayers.TAXPAYER_CHOICE,
    work_orders.WORK_ORDER,
    work_orders.STEP,
)
"""Changed in place, straight in the database, like everything of ``organisation``: what administrators edit, and cases,
whose slots and numbers are given out by the transaction that stores them."""

assert organisation.authority.metadata is numbering.number_sequence.metadata is metadata
