"""What those concerned are told when the meeting of a mediation has begun or ended. The words and who hears them are pure."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass

import structlog

from rtc_server.casework.service import CaseworkService, now_ms
from rtc_server.records import meetings
from rtc_server.records.mediations import MediationRecord
from rtc_server.records.meetings import MeetingMemberRecord, MeetingRecord
from rtc_server.records.recording import Recording
from signaling.rooms.ports import RecordsUnavailable
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_model import STAFF
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.meeting_streams import PERSON_PREFIX
from signaling.wire.centre_notifications import CaseList

LOOK_BACK_MS = 24 * 60 * 60_000
"""At a start: of meetings that ended so long ago at most it is made sure that everybody was told."""
TITLE = "调解会议已结束"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: to whom, what, and the way to the record."""

    person_id: str
    body: str
    link: tuple[str, str]


def told_of(
    application: MediationRecord, held: MeetingRecord, members: Iterable[MeetingMemberRecord]
) -> tuple[Told, ...]:
    """The applicant, the agent it was given to, and the staff who took part. Devices are nobody."""
    lasted = _lasted(held)
    ending = f"{lasted}。会议时间、参会人员和会议笔记可在调解申请的【详情】中查看。"
    own = Told(
        application.taxpayer_id,
        f"您的调解申请（{application.number}）的调解会议已结束{ending}",
        ("查看会议记录", f"/centre/mediations?number={application.number}"),
    )
    there = [
        one.person_id for one in members if one.role in STAFF and not one.person_id.startswith(PERSON_PREFIX)
    ]
    staff = dict.fromkeys([application.agent_id, *there] if application.agent_id is not None else there)
    body = f"调解申请（{application.number}，{application.subject}）的调解会议已结束{ending}"
    link = ("查看会议记录", f"/desk/records/mediations?number={application.number}")
    return (own, *(Told(one, body, link) for one in staff if one is not None))


def _notice_id(meeting_id: str, person_id: str) -> str:
    """The same whenever it is made, so that it is told once; short, since ids of people may be long."""
    return hashlib.sha256(f"{meeting_id} {person_id}".encode()).hexdigest()[:32]


def _lasted(held: MeetingRecord) -> str:
    if held.started_at is None or held.ended_at is None:
        return ""
    return f"，历时 {max(1, round((held.ended_at - held.started_at) / 60_000))} 分钟"


class MeetingNotices:
    """``moved`` whenever an application goes on with its meeting. ``start`` once records can be read; ``stop`` at the end."""

    def __init__(self, recording: Recording, casework: CaseworkService) -> None:
        self._recording = recording
        self._casework = casework
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Whoever was not told because the server stopped is told now."""
        self._run(self._catch_up(now_ms() - LOOK_BACK_MS))

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def busy(self) -> frozenset[asyncio.Task[None]]:
        """What is being told just now."""
        return frozenset(self._tasks)

    def moved(self, application: MediationApplication) -> None:
        """Kept already."""
        self._run(self._follow(application))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(work), name="meeting notices")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except RecordsUnavailable as error:
            # The next start makes up for it.
            log.warning("meeting_notice_waits", error=type(error).__name__)
        except Exception:  # nobody waits for it
            log.exception("meeting_notice_failed")

    async def _follow(self, application: MediationApplication) -> None:
        people: list[str] = []
        if application.phase is MediationPhase.DONE and application.meeting_id is not None:
            people = await self._tell(application.meeting_id)
        concerned = [application.taxpayer_id, *people]
        if application.agent_id is not None:
            concerned.append(application.agent_id)
        await self._casework.changed(CaseList.MEDIATIONS, people=concerned, centre_id=application.centre_id)

    async def _catch_up(self, since: int) -> None:
        async with self._recording.read() as connection:
            ended = await meetings.ended_since(connection, since)
        for meeting_id in ended:
            await self._tell(meeting_id)

    async def _tell(self, meeting_id: str) -> list[str]:
        """Once, however often. Who is concerned. Raises ``RecordsUnavailable``."""
        async with self._recording.read() as connection:
            held = await meetings.get(connection, meeting_id)
            application = await meetings.application_of(connection, meeting_id)
            members = await meetings.members(connection, meeting_id)
        if held is None or application is None:
            return []
        told = told_of(application, held, members)
        async with self._recording.write() as connection:
            for one in told:
                await self._casework.inform(
                    connection,
                    one.person_id,
                    TITLE,
                    one.body,
                    link=one.link,
                    notice_id=_notice_id(meeting_id, one.person_id),
                )
        return [one.person_id for one in told]
