"""100,000 rows for every table a list reads, all of one authority, and a person who has one in fifty of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from chatbot.dialogue import ReplyKind
from rtc_server.casework.states import (
    AppointmentMethod,
    AppointmentState,
    InquiryKind,
    InquiryState,
    NoticeKind,
    WorkOrderState,
)
from rtc_server.records.appointments import appointment
from rtc_server.records.assistant import FeedbackReason, Via, Work, assistant_favourite, assistant_turn
from rtc_server.records.audit import audit_log
from rtc_server.records.call_recordings import call_recording, recording_consent
from rtc_server.records.canned_replies import canned_reply
from rtc_server.records.inquiries import inquiry
from rtc_server.records.interactions import interaction, interaction_member
from rtc_server.records.knowledge import knowledge_question, knowledge_version
from rtc_server.records.mediations import mediation_application
from rtc_server.records.meeting_recordings import meeting_consent, meeting_recording
from rtc_server.records.meetings import meeting, meeting_member
from rtc_server.records.messages import message
from rtc_server.records.notes import note, tag
from rtc_server.records.notices import delivery, notice
from rtc_server.records.work_orders import work_order
from rtc_server.rest.audit import ACTIONS
from signaling.sessions.meeting_states import MediationPhase

ROWS = 100_000
QUESTIONS = 20_000
"""The largest base of knowledge that is measured anywhere; one base serves every authority."""
START_MS = time.time_ns() // 1_000_000 - ROWS * 60_000
"""The newest are of now: some lists show the last day alone."""
APART_MS = 60_000
CENTRE = "gd"
MUCH, LITTLE = "taxpayer01", "taxpayer02"
"""Who has one row in fifty, and who has only some of the oldest."""
A_CASE, AN_INTERACTION, AN_OLD_INTERACTION, A_QUESTION = f"{51:08x}", f"{50:08x}", f"{3:08x}", "q00000032"
"""The interactions are of ``MUCH`` and of ``LITTLE``."""
_MESSAGES_EACH = 10
_BATCH = 2_000

Make = Callable[[int], dict[str, Any]]


def at(number: int) -> int:
    return START_MS + number * APART_MS


def key(number: int) -> str:
    return f"{number:08x}"


async def fill(connection: AsyncConnection, rows: int, questions: Sequence[Mapping[str, Any]]) -> None:
    """``questions``: the contents of those there are, which the others are like."""
    for table, make in tables(questions):
        count = min(rows, QUESTIONS) if table is knowledge_question else rows
        for start in range(0, count, _BATCH):
            await connection.execute(
                insert(table), [make(number) for number in range(start, min(start + _BATCH, count))]
            )


def tables(questions: Sequence[Mapping[str, Any]]) -> Sequence[tuple[Table, Make]]:
    """In an order in which what is referred to is there."""
    question = questions[0]

    def content(number: int) -> dict[str, Any]:
        return {**question, "question_id": f"q{key(number)}", "title": f"第{number}问：发票怎么开"}

    def knowledge(number: int) -> dict[str, Any]:
        return {
            "question_id": f"q{key(number)}",
            "topic": question["topic"] if number % 5 else "other",
            "title": f"第{number}问：发票怎么开",
            "searched": f"第{number}问：发票怎么开\n怎样开具发票\n开票流程",
            "pinned": number % 500 == 0,
            "valid_until": "2020-01-01" if number % 50 == 0 else None,
            "content": content(number),
            "revision": 1,
            "updated_at": at(number),
            "updated_by": "editor01",
        }

    def version(number: int) -> dict[str, Any]:
        # A_QUESTION is changed again and again; one in fifty was written and removed.
        written, removed = number % 50 == 7, number % 50 == 8
        gone = f"r{key(number - removed)}" if written or removed else None
        return {
            "question_id": gone or (A_QUESTION if number % 50 == 0 else f"q{key(number)}"),
            "revision": number,
            "content": None if removed else content(number),
            "saved_at": at(number),
            "saved_by": "editor01",
        }

    def favourite(number: int) -> dict[str, Any]:
        there = number % 50 == 0 and number // 50 < len(questions)
        return {
            "person_id": _taxpayer(number),
            "question_id": questions[number // 50]["question_id"] if there else f"q{key(number)}",
            "revision": 1,
            "at": at(number),
            "kept": True,
        }

    return (
        *_TABLES,
        (knowledge_question, knowledge),
        (knowledge_version, version),
        (assistant_favourite, favourite),
    )


def _of(values: type[StrEnum], number: int) -> str:
    every = list(values)
    return every[number % len(every)].value


def _taxpayer(number: int) -> str:
    if number % 50 == 0:
        return MUCH
    return LITTLE if number < 50 and number % 10 == 3 else f"t{number % 20_000}"


def _case(number: int, letters: str) -> dict[str, Any]:
    return {
        "revision": 1,
        "number": f"{letters}440000{20260000 + number % 300:08}{number:05}",
        "taxpayer_id": _taxpayer(number),
        "taxpayer_name": "张*",
        "centre_id": CENTRE,
        "authority": "440000",
        "created_at": at(number),
    }


def _appointment(number: int) -> dict[str, Any]:
    starts_at = at(number * 7_919 % ROWS)
    return _case(number, "YYFW") | {
        "appointment_id": key(number),
        "origin": "taxpayer",
        "service": "general",
        "method": _of(AppointmentMethod, number),
        "subject": f"第{number}件：变更登记信息",
        "starts_at": starts_at,
        "ends_at": starts_at + 1_800_000,
        "state": _of(AppointmentState, number),
        "progress": "not_started",
        "created_by": "t",
        "attachments": [],
    }


def _inquiry(number: int) -> dict[str, Any]:
    return _case(number, "LYZX") | {
        "inquiry_id": key(number),
        "kind": _of(InquiryKind, number),
        "content": f"第{number}条留言：关于增值税发票勾选确认后如何撤销的问题，请予答复。",
        "state": _of(InquiryState, number // 7),
        "attachments": [],
        "agent_id": "agent01" if number % 3 else None,
        "answer_attachments": [],
    }


def _work_order(number: int) -> dict[str, Any]:
    return _case(number, "GDBL") | {
        "work_order_id": key(number),
        "interaction_id": None,
        "subject": f"第{number}件工单：发票状态异常",
        "detail": "详情",
        "state": _of(WorkOrderState, number),
        "progress": "已受理",
        "agent_id": "agent01",
        "updated_at": START_MS,
        "created_by": "agent01",
        "urged": 0,
    }


def _mediation(number: int) -> dict[str, Any]:
    made = _case(number, "TJSQ")
    made["applied_at"] = made.pop("created_at")
    phases = [phase for phase in MediationPhase if phase is not MediationPhase.DISCARDED]
    return made | {
        "application_id": key(number),
        "subject": f"第{number}件争议",
        "detail": "详情",
        "phase": phases[number % len(phases)].value,
        "agent_id": f"agent{number % 7:02}",
        "dispatched_at": at(number),
    }


def _notice(number: int) -> dict[str, Any]:
    return {
        "notice_id": key(number),
        "revision": 1,
        "kind": _of(NoticeKind, number),
        "title": f"第{number}条：申报期限提醒",
        "body": "内容",
        "source": "中心",
        "todo": False,
        "state": "sent",
        "created_at": at(number),
        "created_by": "lead01",
        "publish_at": START_MS,
        "centre_id": CENTRE,
        "links": [],
        "attachments": [],
        "people": [],
        "survey": [],
        "recipients": 1,
    }


def _delivery(number: int) -> dict[str, Any]:
    return {
        "delivery_id": key(number),
        "notice_id": key(number),
        "person_id": _taxpayer(number),
        "kind": _of(NoticeKind, number // 50),
        "title": f"第{number}条：申报期限提醒",
        "source": "广东省税务局服务运营中心",
        "todo": number % 10 == 0,
        "received_at": at(number),
        "read_at": 1 if number % 3 else None,
        "withdrawn": False,
    }


def _audited(number: int) -> dict[str, Any]:
    actions = list(ACTIONS)
    return {
        "entry_id": key(number),
        "at": at(number),
        "actor_id": f"agent{number % 40:02}",
        "action": actions[number * 7 % len(actions)],
        "subject": _taxpayer(number),
        "origin": "192.0.2.1",
        "detail": f"第{number}次",
    }


def _interaction(number: int) -> dict[str, Any]:
    return {
        "interaction_id": key(number),
        "revision": 1,
        "taxpayer_id": _taxpayer(number),
        "taxpayer_name": "张*",
        "authority": "440000",
        "centre_id": CENTRE,
        "agent_id": "agent01",
        "phase": "closed",
        "opened_at": at(number),
        "closed_at": at(number) + 600_000,
        "kind": "service",
    }


def _member(number: int) -> dict[str, Any]:
    return {
        "interaction_id": key(number // 2),
        "person_id": "agent01" if number % 2 else _taxpayer(number // 2),
        "revision": 1,
        "role": "agent" if number % 2 else "taxpayer",
        "display_name": "101" if number % 2 else "张*",
        "joined_at": at(number // 2),
        "history_from": 1,
        "in_call": False,
    }


def _message(number: int) -> dict[str, Any]:
    spoken = number // _MESSAGES_EACH
    return {
        "interaction_id": key(spoken),
        "seq": number % _MESSAGES_EACH + 1,
        "sender_id": _taxpayer(spoken),
        "client_message_id": f"c{number}",
        "kind": "text",
        "text": f"第{number}句：请问增值税发票如何撤销勾选？",
        "sent_at": at(spoken) + number % _MESSAGES_EACH * 1_000,
        "sender_role": "taxpayer",
        "sender_name": "张*",
    }


def _note(number: int) -> dict[str, Any]:
    return {
        "note_id": f"n{key(number)}",
        "revision": 1,
        "taxpayer_id": _taxpayer(number),
        "interaction_id": key(number),
        "author_id": "agent01",
        "text": "已电话告知办理流程。",
        "created_at": at(number),
        "removed": False,
    }


def _tag(number: int) -> dict[str, Any]:
    return {
        "taxpayer_id": MUCH if number < 20 else f"t{number // 5}",
        "name": f"标签{number % 20}",
        "revision": 1,
        "author_id": "agent01",
        "created_at": at(number),
        "removed": False,
    }


def _canned(number: int) -> dict[str, Any]:
    return {
        "reply_id": f"c{key(number)}",
        "centre_id": None if number % 3 == 0 else (CENTRE if number % 50 == 1 else f"c{number % 100}"),
        "owner_id": f"agent{number % 400:02}" if number % 3 == 0 else None,
        "group": f"第{number % 9}组",
        "title": f"第{number}句",
        "text": "您好，我是{staff_number}号税务人员，请问有什么可以帮您？",
        "sort_order": number % 100,
        "updated_at": at(number),
    }


def _recording(number: int) -> dict[str, Any]:
    return {
        "recording_id": f"r{key(number)}",
        "revision": 1,
        "started_by": "agent01",
        "started_at": at(number),
        "ended_at": at(number) + 60_000,
    }


def _consent(number: int) -> dict[str, Any]:
    return {
        "consent_id": key(number),
        "recording_id": f"r{key(number // 2)}",
        "person_id": "agent01" if number % 2 else MUCH,
        "consent": "given",
        "at": at(number),
    }


def _meeting(number: int) -> dict[str, Any]:
    return {
        "meeting_id": f"m{key(number)}",
        "revision": 1,
        "application_id": key(number),
        "phase": "ended",
        "host_id": "agent01",
        "locked": False,
        "started_at": at(number),
        "ended_at": at(number) + 600_000,
    }


def _meeting_member(number: int) -> dict[str, Any]:
    return {
        "meeting_id": f"m{key(number // 2)}",
        "person_id": "agent01" if number % 2 else _taxpayer(number // 2),
        "revision": 1,
        "role": "agent" if number % 2 else "taxpayer",
        "display_name": "101" if number % 2 else "张*",
        "meeting_role": "host" if number % 2 else "participant",
        "joined_at": at(number // 2),
        "removed": False,
    }


def _turn(number: int) -> dict[str, Any]:
    # Three in ten are on the editor's work list, which is more than anybody leaves there.
    works: list[Work | None] = [*Work, *[None] * 7]
    work = works[number % len(works)]
    return {
        "turn_id": f"t{key(number)}",
        "revision": 1,
        "person_id": _taxpayer(number),
        "at": at(number),
        "asked": f"发票问题之{number % 5_000}",
        "via": Via.TYPED.value,
        "kind": ReplyKind.ANSWER.value,
        "question_id": None,
        "question_ids": [],
        "offer_human": False,
        "rounds": 0,
        "misses": 0,
        "feedback": "useless" if work is Work.USELESS else None,
        "feedback_reason": FeedbackReason.WRONG.value if work is Work.USELESS else None,
        "work": work.value if work is not None else None,
    }


def _in(make: Make, **more: Callable[[int], Any]) -> Make:
    return lambda number: make(number) | {name: value(number) for name, value in more.items()}


def _half(number: int) -> str:
    return key(number // 2)


def _quarter(number: int) -> str:
    return key(number // 4)


_TABLES: tuple[tuple[Table, Make], ...] = (
    (appointment, _appointment),
    (inquiry, _inquiry),
    (work_order, _work_order),
    (mediation_application, _mediation),
    (notice, _notice),
    (delivery, _delivery),
    (audit_log, _audited),
    (interaction, _interaction),
    (interaction_member, _member),
    (message, _message),
    (note, _note),
    (tag, _tag),
    (canned_reply, _canned),
    (call_recording, _in(_recording, interaction_id=_half)),
    (recording_consent, _in(_consent, interaction_id=_quarter)),
    (meeting, _meeting),
    (meeting_member, _meeting_member),
    (meeting_recording, _in(_recording, meeting_id=lambda number: f"m{_half(number)}")),
    (meeting_consent, _in(_consent, meeting_id=lambda number: f"m{_quarter(number)}")),
    (assistant_turn, _turn),
)
