"""Which mediation applications and meetings are alive on this node."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms import meeting_keeping
from signaling.rooms.kept_meetings import KeptApplication, OpenMeeting
from signaling.rooms.live_room import RoomPorts
from signaling.rooms.meeting_notes import MeetingNotes
from signaling.rooms.meeting_room import KeptDocument, MeetingRoom
from signaling.rooms.ports import MeetingRecordsPort, OrganisationPort, Outbound, Person, RecordsUnavailable
from signaling.sessions import mediation
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import MemberConnected, MemberDisconnected
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_model import MeetingState
from signaling.sessions.meeting_states import MediationPhase, MeetingPhase
from signaling.sessions.states import Role
from signaling.wire.meeting_notifications import MediationChanged
from signaling.wire.meeting_views import OwnMeetingView

_log = logging.getLogger(__name__)

_REMEMBERED_ENDED = 2_000
"""Meetings that ended lately: who was in them is told ``meeting_ended``, strangers ``not_found``."""
_MAX_OPEN_OF_TAXPAYER = 5
_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class NewApplication:
    """What a taxpayer asks for; ``number`` is given by the caller and never given twice."""

    number: str
    asked: mediation.Asked
    authority: str | None
    centre_id: str | None = None
    draft: bool = False


class Meetings:
    """A meeting has a room from its dispatch until it ends; the index by person is who is in it or in its lobby."""

    def __init__(
        self,
        ports: RoomPorts,
        records: MeetingRecordsPort,
        organisation: OrganisationPort,
        new_id: Callable[[], str],
        *,
        service: Outbound,
    ) -> None:
        """``ports.outbound`` reaches the pages of meetings, ``service`` the window and the desk. ``on_moved`` hears of every
        application that goes on with its meeting, after it is kept; it is set before the first does."""
        self.on_moved: Callable[[MediationApplication], None] = lambda _application: None
        self._ports = ports
        self._records = records
        self._organisation = organisation
        self._new_id = new_id
        self._applied: dict[str, MediationApplication] = {}
        self._rooms: dict[str, MeetingRoom] = {}
        self._by_application: dict[str, MeetingRoom] = {}
        self._by_person: dict[str, dict[str, MeetingRoom]] = {}
        self._service = service
        self._parties: dict[str, dict[str, MeetingRoom]] = {}
        self._ended: OrderedDict[str, frozenset[str]] = OrderedDict()

    async def restore(self) -> None:
        """Raises ``RecordsUnavailable``."""
        settings, now_ms = self._ports.settings.meetings, self._ports.clock.now_ms()
        known = await self._records.open_meetings(settings.kept_messages)
        self._applied = {a.application_id: a for a in known.applications}
        for one in known.meetings:
            state = meeting_keeping.restored(one, settings, now_ms)
            room = self._begin(state, _notes_back(one))
            for person_id in (*(m.person_id for m in state.present), *(w.person_id for w in state.waiting)):
                self._admit(room, person_id)

    # Applications

    def apply(self, person: Person, new: NewApplication) -> MediationApplication:
        """A draft is kept and concerns nobody yet. Raises ``Refused``."""
        if person.role is not Role.TAXPAYER:
            raise Refused(ErrorCode.NOT_ALLOWED)
        asked = new.asked
        if not new.draft:
            self._check_room_for(person.person_id)
        application = MediationApplication(
            application_id=self._new_id(),
            number=new.number,
            taxpayer_id=person.person_id,
            taxpayer_name=person.display_name,
            authority=new.authority,
            subject=asked.subject,
            detail=asked.detail,
            applied_at=self._ports.clock.now_ms(),
            phase=MediationPhase.DRAFT if new.draft else MediationPhase.APPLIED,
            centre_id=new.centre_id,
            expected_at=asked.expected_at,
            contact=asked.contact,
            attachments=asked.attachments,
        )
        self._keep(KeptApplication(application))
        if not new.draft:
            self._applied[application.application_id] = application
        return application

    def revise(self, draft: MediationApplication, asked: mediation.Asked) -> MediationApplication:
        """``draft`` is the asker's own, as it was read. Raises ``Refused``."""
        revised = mediation.revise(self._current(draft), asked)
        self._keep(KeptApplication(revised))
        return revised

    def submit(self, draft: MediationApplication) -> MediationApplication:
        """``draft`` is the asker's own, as it was read. Raises ``Refused``."""
        submitted = mediation.submit(self._current(draft), self._ports.clock.now_ms())
        self._check_room_for(draft.taxpayer_id)
        self._keep(KeptApplication(submitted))
        self._applied[submitted.application_id] = submitted
        return submitted

    def discard(self, draft: MediationApplication) -> None:
        """``draft`` is the asker's own, as it was read. Raises ``Refused``."""
        self._keep(KeptApplication(mediation.discard(self._current(draft))))

    def withdraw(self, application_id: str, reason: str) -> MediationApplication:
        """The caller has checked whose it is. Raises ``Refused``."""
        known = self._applied.get(application_id)
        if known is None:
            raise Refused(ErrorCode.WRONG_PHASE)
        withdrawn = mediation.withdraw(known, reason, self._ports.clock.now_ms())
        self._keep(KeptApplication(withdrawn))
        del self._applied[application_id]
        return withdrawn

    def refuse(self, person: Person, application_id: str, reason: str) -> MediationApplication:
        """The caller has checked the centre. Raises ``Refused``."""
        if self._organisation.staff(person.person_id) is None:
            raise Refused(ErrorCode.NOT_ALLOWED)
        known = self._applied.get(application_id)
        if known is None:
            raise Refused(ErrorCode.WRONG_PHASE)
        refused = mediation.refuse(known, reason, person.person_id, self._ports.clock.now_ms())
        self._keep(KeptApplication(refused))
        del self._applied[application_id]
        return refused

    def _current(self, read: MediationApplication) -> MediationApplication:
        """Not as it was read, if it has been submitted since."""
        return self._applied.get(read.application_id, read)

    def _check_room_for(self, person_id: str) -> None:
        mine = [a for a in self._open() if a.taxpayer_id == person_id]
        if len(mine) >= _MAX_OPEN_OF_TAXPAYER:
            raise Refused(ErrorCode.TOO_MANY_OPEN)

    def dispatch(self, person: Person, application_id: str, agent_id: str) -> MediationApplication:
        """Give it to an agent; its meeting can be entered from now on. Raises ``Refused``."""
        if self._organisation.staff(person.person_id) is None:
            raise Refused(ErrorCode.NOT_ALLOWED)
        agent = self._organisation.staff(agent_id)
        if agent is None or agent.role is not Role.AGENT:
            raise Refused(ErrorCode.NOT_FOUND)
        room = self._by_application.get(application_id)
        known = room.state.application if room is not None else self._applied.get(application_id)
        if known is None:
            raise Refused(ErrorCode.NOT_FOUND)
        now_ms = self._ports.clock.now_ms()
        given = mediation.dispatch(known, agent_id, person.person_id, self._new_id(), now_ms)
        if room is not None:
            self._keep(KeptApplication(given))
            room.report(c.ApplicationDispatched(given))
            return given
        state = MeetingState(given.meeting_id or "", given, self._ports.settings.meetings)
        try:
            self._records.keep_meeting(*meeting_keeping.of_opening(state))
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        del self._applied[application_id]
        self._begin(state, KeptDocument(MeetingNotes()))
        return given

    def _open(self) -> list[MediationApplication]:
        return [*self._applied.values(), *(room.state.application for room in self._rooms.values())]

    def _keep(self, kept: KeptApplication) -> None:
        try:
            self._records.keep_meeting(kept)
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None

    # Rooms

    def knock(self, meeting_id: str, person_id: str) -> MeetingRoom:
        """Whoever was given the id may knock. Raises ``Refused``: ``not_found``, or ``meeting_ended`` for who was in it."""
        room = self._rooms.get(meeting_id)
        if room is None:
            if person_id in self._ended.get(meeting_id, ()):
                raise Refused(ErrorCode.MEETING_ENDED)
            raise Refused(ErrorCode.NOT_FOUND)
        self._admit(room, person_id)
        return room

    def find(self, meeting_id: str, person_id: str) -> MeetingRoom:
        """Of somebody who is in it or in its lobby. Raises ``Refused``."""
        room = self._by_person.get(person_id, {}).get(meeting_id)
        if room is not None:
            return room
        if person_id in self._ended.get(meeting_id, ()):
            raise Refused(ErrorCode.MEETING_ENDED)
        raise Refused(ErrorCode.NOT_FOUND)

    def room(self, meeting_id: str) -> MeetingRoom:
        """For devices: their link names the meeting. Raises ``Refused`` with ``meeting_ended``, also for one that never was."""
        room = self._rooms.get(meeting_id)
        if room is None:
            raise Refused(ErrorCode.MEETING_ENDED)
        return room

    def forget(self, room: MeetingRoom, person_id: str) -> None:
        """Neither in it nor in its lobby."""
        if room.state.find_waiting(person_id) is not None:
            return
        member = room.state.find(person_id)
        if member is not None and member.present:
            return
        self._dismiss(room, person_id)

    def connected(self, person_id: str, *, resumed: bool) -> None:
        for room in list(self._by_person.get(person_id, {}).values()):
            room.report(MemberConnected(person_id, resumed))

    def disconnected(self, person_id: str) -> None:
        for room in list(self._by_person.get(person_id, {}).values()):
            room.report(MemberDisconnected(person_id))

    async def stop(self) -> None:
        """Suspend every meeting, all at once: they go on after the restart."""
        rooms = list(self._rooms.values())
        for room in rooms:
            room.suspend()
        if not rooms:
            return
        waiting = [asyncio.ensure_future(room.ended()) for room in rooms]
        _, late = await asyncio.wait(waiting, timeout=_STOP_TIMEOUT_S)
        for task in late:
            task.cancel()
        if late:
            _log.error("meetings did not close in time", extra={"count": len(late)})

    def _begin(self, state: MeetingState, notes: KeptDocument) -> MeetingRoom:
        room = MeetingRoom(
            state,
            self._ports,
            self._records,
            notes,
            on_end=self._leave,
            on_gone=self.forget,
            on_moved=self._moved,
        )
        self._rooms[state.meeting_id] = room
        self._by_application[state.application.application_id] = room
        room.start()
        self._announce(room)
        return room

    # Announcing

    def announce(self, person_id: str) -> None:
        """Where this person is expected, after the welcome of their window or desk."""
        own = self._expected(person_id)
        if own:
            self._service.notify(person_id, MediationChanged(meetings=own))

    def _expected(self, person_id: str) -> list[OwnMeetingView]:
        found = []
        for room in self._parties.get(person_id, {}).values():
            state = room.state
            applied = state.application.taxpayer_id == person_id and state.phase is MeetingPhase.RUNNING
            holds = state.application.agent_id == person_id and state.phase is not MeetingPhase.ENDED
            if applied or holds:
                view = OwnMeetingView(
                    meeting_id=state.meeting_id, phase=state.phase, subject=state.application.subject
                )
                found.append(view)
        return found

    def _moved(self, room: MeetingRoom, before: MeetingState) -> None:
        if room.state.application.phase is not before.application.phase:
            self.on_moved(room.state.application)
        self._announce(room)

    def _announce(self, room: MeetingRoom) -> None:
        """To whom it concerns, and to whom it did until now."""
        own, application = room.meeting_id, room.state.application
        for person_id in (application.taxpayer_id, application.agent_id):
            if person_id is not None:
                self._parties.setdefault(person_id, {})[own] = room
        for person_id in [p for p, rooms in self._parties.items() if own in rooms]:
            self._service.notify(person_id, MediationChanged(meetings=self._expected(person_id)))

    def _admit(self, room: MeetingRoom, person_id: str) -> None:
        self._by_person.setdefault(person_id, {})[room.meeting_id] = room

    def _dismiss(self, room: MeetingRoom, person_id: str) -> None:
        rooms = self._by_person.get(person_id)
        if rooms is not None:
            rooms.pop(room.meeting_id, None)
            if not rooms:
                del self._by_person[person_id]

    def _leave(self, room: MeetingRoom) -> None:
        state = room.state
        for person_id in [p for p, rooms in self._by_person.items() if room.meeting_id in rooms]:
            self._dismiss(room, person_id)
        self._rooms.pop(room.meeting_id, None)
        for person_id in [p for p, rooms in self._parties.items() if room.meeting_id in rooms]:
            del self._parties[person_id][room.meeting_id]
            if not self._parties[person_id]:
                del self._parties[person_id]
        self._by_application.pop(state.application.application_id, None)
        people = {m.person_id for m in state.members}
        self._ended[room.meeting_id] = frozenset(
            people | {state.application.taxpayer_id, state.application.agent_id or ""}
        )
        while len(self._ended) > _REMEMBERED_ENDED:
            self._ended.popitem(last=False)


def _notes_back(known: OpenMeeting) -> KeptDocument:
    notes = MeetingNotes(known.notes.state if known.notes is not None else None)
    kept_seq = known.notes.seq if known.notes is not None else 0
    for edit in known.updates:
        try:
            notes.merge(edit.update)
        except DomainError:
            # It was taken once: this program takes less than the one before.
            _log.error("an edit of the notes cannot be read", extra={"room_id": edit.meeting_id})
    return KeptDocument(notes, known.updates[-1].seq if known.updates else kept_seq, kept_seq)
