"""What is removed when: for each kind its rows, by which time they age, and what goes with them. No I/O.

Only what is over is removed; an open conversation, an unanswered inquiry or a running mediation is kept however old it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Table

from rtc_server.casework.states import AppointmentState, InquiryState, NoticeState, WorkOrderState
from rtc_server.organisation.centres import DEFAULT_TIME_ZONE
from rtc_server.records.agent_status import agent_status_change
from rtc_server.records.appointments import appointment, appointment_hold, appointment_slot
from rtc_server.records.assistant import assistant_turn
from rtc_server.records.audit import audit_log
from rtc_server.records.call_recordings import call_recording, recording_consent
from rtc_server.records.confirmations import confirmation, confirmation_step
from rtc_server.records.files import FileState, file
from rtc_server.records.inquiries import inquiry
from rtc_server.records.interactions import interaction
from rtc_server.records.mediations import mediation_application
from rtc_server.records.meeting_recordings import meeting_consent, meeting_recording
from rtc_server.records.notices import delivery, notice, survey_answer
from rtc_server.records.tickets import ticket
from rtc_server.records.work_orders import work_order, work_order_step
from signaling.sessions.meeting_states import MediationPhase

DAY_MS = 86_400_000


class Kept(StrEnum):
    """Kinds an operator sets a time for."""

    CONVERSATIONS = "conversations"
    FILES = "files"
    RECORDINGS = "recordings"
    ASSISTANT = "assistant"
    NOTICES = "notices"
    APPOINTMENTS = "appointments"
    INQUIRIES = "inquiries"
    WORK_ORDERS = "work_orders"
    MEDIATIONS = "mediations"
    AGENT_STATUS = "agent_status"
    AUDIT = "audit"


class Beside(StrEnum):
    """What lies on the disk for a row."""

    FILES_OF_INTERACTION = "files_of_interaction"
    FILE = "file"
    RECORDING = "recording"
    RECORDINGS_OF_MEDIATION = "recordings_of_mediation"


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of ``table`` whose ``age`` is before the cutoff. ``children`` refer to the first key without a foreign key of the
    database and go before. ``forgotten``: the row stays, its content does not."""

    table: Table
    age: Column[Any]
    over: tuple[ColumnElement[bool], ...] = ()
    children: tuple[Column[Any], ...] = ()
    beside: Beside | None = None
    forgotten: bool = False

    @property
    def keys(self) -> Sequence[Column[Any]]:
        return tuple(self.table.primary_key.columns)


def _is(column: Column[Any], *states: StrEnum) -> ColumnElement[bool]:
    return column.in_([state.value for state in states])


RULES: Mapping[Kept, tuple[Rule, ...]] = MappingProxyType(
    {
        Kept.RECORDINGS: (
            Rule(
                call_recording,
                call_recording.c.ended_at,
                children=(recording_consent.c.recording_id,),
                beside=Beside.RECORDING,
            ),
            Rule(
                meeting_recording,
                meeting_recording.c.ended_at,
                children=(meeting_consent.c.recording_id,),
                beside=Beside.RECORDING,
            ),
        ),
        Kept.FILES: (
            Rule(
                file,
                file.c.created_at,
                (file.c.interaction_id.is_not(None), file.c.state == FileState.STORED.value),
                beside=Beside.FILE,
                forgotten=True,
            ),
        ),
        Kept.CONVERSATIONS: (
            Rule(confirmation, confirmation.c.ended_at, children=(confirmation_step.c.confirmation_id,)),
            Rule(interaction, interaction.c.closed_at, beside=Beside.FILES_OF_INTERACTION),
            Rule(ticket, ticket.c.gone_at),
        ),
        Kept.ASSISTANT: (Rule(assistant_turn, assistant_turn.c.at),),
        Kept.NOTICES: (
            Rule(delivery, delivery.c.received_at),
            Rule(survey_answer, survey_answer.c.answered_at),
            Rule(
                notice, notice.c.publish_at, (_is(notice.c.state, NoticeState.SENT, NoticeState.WITHDRAWN),)
            ),
        ),
        Kept.APPOINTMENTS: (
            Rule(
                appointment,
                appointment.c.ends_at,
                (
                    _is(
                        appointment.c.state,
                        AppointmentState.DECLINED,
                        AppointmentState.CANCELLED,
                        AppointmentState.FULFILLED,
                        AppointmentState.MISSED,
                    ),
                ),
            ),
            Rule(appointment_slot, appointment_slot.c.starts_at),
            Rule(appointment_hold, appointment_hold.c.starts_at),
        ),
        Kept.INQUIRIES: (
            Rule(
                inquiry,
                inquiry.c.decided_at,
                (_is(inquiry.c.state, InquiryState.ANSWERED, InquiryState.CLOSED),),
            ),
        ),
        Kept.WORK_ORDERS: (
            Rule(
                work_order,
                work_order.c.updated_at,
                (_is(work_order.c.state, WorkOrderState.DONE, WorkOrderState.TERMINATED),),
                (work_order_step.c.work_order_id,),
            ),
        ),
        Kept.MEDIATIONS: (
            Rule(
                mediation_application,
                mediation_application.c.applied_at,
                (
                    _is(
                        mediation_application.c.phase,
                        MediationPhase.DISCARDED,
                        MediationPhase.DONE,
                        MediationPhase.WITHDRAWN,
                        MediationPhase.REFUSED,
                    ),
                ),
                beside=Beside.RECORDINGS_OF_MEDIATION,
            ),
        ),
        Kept.AGENT_STATUS: (Rule(agent_status_change, agent_status_change.c.at),),
        Kept.AUDIT: (Rule(audit_log, audit_log.c.at),),
    }
)
"""In the order they are worked off: what lies on the disk before the rows that name it."""


def cutoff(now_ms: int, days: int) -> int | None:
    """Times before it are too old; None: kept for ever (0 days)."""
    return now_ms - days * DAY_MS if days > 0 else None


def due_since(now_ms: int, hour: int) -> int:
    """When the run that is due now was to begin: the last time the clock of the service said ``hour``."""
    zone = ZoneInfo(DEFAULT_TIME_ZONE)
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    begins = datetime.combine(now.date(), time(hour), zone)
    if begins > now:
        begins = datetime.combine(now.date() - timedelta(days=1), time(hour), zone)
    return int(begins.timestamp() * 1000)
