"""Service confirmation forms, alive: who may see and do what, what is kept, and what the conversation is told (H9).

A form is no state of its conversation: it may outlive it by days. Those that are not over are in memory, the others are
read from the record. Every change is kept before anybody hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from signaling.errors import ErrorCode, Refused
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.live_room import RoomPorts
from signaling.rooms.ports import (
    ConfirmationRecordsPort,
    FilesPort,
    OrganisationPort,
    Person,
    RecordsUnavailable,
)
from signaling.sessions import commands, confirmation
from signaling.sessions.confirmation import ConfirmationAction, ConfirmationForm, ConfirmationPhase, Filling
from signaling.sessions.model import FileRef
from signaling.sessions.states import InteractionPhase, Role
from signaling.wire import requests
from signaling.wire.base import Request, WireModel
from signaling.wire.confirmation_views import ConfirmationView, HandlerView, confirmation_view
from signaling.wire.notifications import ConfirmationChanged

_MAX_LISTED = 50
_TIME_ZONE = ZoneInfo("Asia/Shanghai")
_READ_TIMEOUT_S = 3.0


class Confirmations:
    """One a node. ``answer`` raises ``Refused``."""

    def __init__(
        self,
        ports: RoomPorts,
        rooms: RoomDirectory,
        organisation: OrganisationPort,
        *,
        records: ConfirmationRecordsPort,
        files: FilesPort,
        new_id: Callable[[], str],
    ) -> None:
        self._ports = ports
        self._rooms = rooms
        self._organisation = organisation
        self._records = records
        self._files = files
        self._new_id = new_id
        self._open: dict[str, ConfirmationForm] = {}
        self._by_person: dict[str, dict[str, None]] = {}

    async def restore(self) -> None:
        """After the rooms are there again. Raises ``RecordsUnavailable``."""
        for form in await self._records.open_confirmations():
            self._put(form)
            if self._rooms.get(form.interaction_id) is None:
                self._lapse(form)

    def of_person(self, person_id: str) -> list[ConfirmationView]:
        """Those that are not over, newest first."""
        mine = [self._open[own] for own in self._by_person.get(person_id, ())]
        mine.sort(key=lambda form: form.sent_at, reverse=True)
        return [confirmation_view(form, person_id) for form in mine]

    def conversation_closed(self, interaction_id: str) -> None:
        for form in [f for f in self._open.values() if f.interaction_id == interaction_id]:
            self._lapse(form)

    async def may_read_file(self, person_id: str, interaction_id: str, file_id: str) -> bool:
        """Whether it is material of a form that concerns this person. Raises ``RecordsUnavailable``."""
        mine = [self._open[own] for own in self._by_person.get(person_id, ())]
        past = await self._records.confirmations_of(person_id, _MAX_LISTED)
        return any(
            file.file_id == file_id
            for form in (*mine, *past)
            if form.interaction_id == interaction_id
            for file in form.filling.materials
        )

    async def answer(self, person: Person, request: Request) -> WireModel:
        own = person.person_id
        match request:
            case requests.SendConfirmation():
                form = self._send(person, request)
            case requests.ListConfirmations():
                return requests.Confirmations(confirmations=await self._list(own))
            case requests.ListHandlers(confirmation_id=confirmation_id):
                return self._handlers(own, confirmation_id)
            case requests.GetConfirmation(confirmation_id=confirmation_id):
                form = await self._find(own, confirmation_id)
            case (
                requests.SaveConfirmation(confirmation_id=confirmation_id, filling=given)
                | requests.ConfirmConfirmation(confirmation_id=confirmation_id, filling=given)
            ):
                final = isinstance(request, requests.ConfirmConfirmation)
                form = await self._find(own, confirmation_id)
                action = ConfirmationAction.CONFIRM if final else ConfirmationAction.SAVE
                confirmation.check(form, own, action)
                filling = await self._filling(own, form, given)
                form = await self._do(own, confirmation_id, confirmation.Fill(own, filling, final))
            case requests.WithdrawConfirmation(confirmation_id=confirmation_id):
                form = await self._do(own, confirmation_id, confirmation.Withdraw(own))
            case requests.ReviewConfirmation():
                form = await self._review(own, request)
            case _:
                raise Refused(ErrorCode.UNKNOWN_MESSAGE)
        return requests.Confirmed(confirmation=confirmation_view(form, own))

    def _send(self, person: Person, request: requests.SendConfirmation) -> ConfirmationForm:
        room = self._rooms.find(request.interaction_id, person.person_id)
        state = room.state
        sender = state.member(person.person_id)
        if not sender.is_guest:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if state.vacant or any(
            form.interaction_id == state.interaction_id and form.phase in confirmation.FILLABLE
            for form in self._open.values()
        ):
            raise Refused(ErrorCode.WRONG_PHASE)
        receiver, taxpayer, now_ms = state.of_role(Role.AGENT), state.taxpayer, self._ports.clock.now_ms()
        own = self._new_id()
        form = confirmation.opened(
            ConfirmationForm(
                confirmation_id=own,
                number=f"{_day(now_ms):%Y%m%d}{sum(own.encode()) % 100:02}{now_ms % 1_000_000:06}",
                interaction_id=state.interaction_id,
                sender_id=sender.person_id,
                sender_number=sender.display_name,
                sender_authority=sender.guest_of or "",
                receiver_id=receiver.person_id,
                receiver_number=receiver.display_name,
                taxpayer_id=taxpayer.person_id if taxpayer is not None else None,
                taxpayer_name=taxpayer.display_name if taxpayer is not None else "",
                business=request.business,
                request=request.request,
                required=tuple(request.required),
                sent_at=now_ms,
            )
        )
        self._keep(None, form)
        room.report(commands.ConfirmationMoved(f"业务办理服务确认单：{form.business}", sender.person_id, own))
        return form

    async def _list(self, person_id: str) -> list[ConfirmationView]:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                past = await self._records.confirmations_of(person_id, _MAX_LISTED)
        except (RecordsUnavailable, TimeoutError):
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        views = self.of_person(person_id)
        known = {view.confirmation_id for view in views}
        views += [confirmation_view(form, person_id) for form in past if form.confirmation_id not in known]
        views.sort(key=lambda view: view.sent_at, reverse=True)
        return views[:_MAX_LISTED]

    async def _find(self, person_id: str, confirmation_id: str) -> ConfirmationForm:
        form = self._open.get(confirmation_id)
        if form is None:
            try:
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    form = await self._records.confirmation(confirmation_id)
            except (RecordsUnavailable, TimeoutError):
                raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        form = self._received_now(form) if form is not None else None
        if form is None or person_id not in form.concerned:
            raise Refused(ErrorCode.NOT_FOUND)
        return form

    def _received_now(self, form: ConfirmationForm) -> ConfirmationForm:
        """Whoever the conversation was handed on to has taken the counter over."""
        room = self._rooms.get(form.interaction_id)
        if room is None or form.ended or room.state.vacant:
            return form
        serving = room.state.of_role(Role.AGENT)
        if serving.person_id in (form.receiver_id, form.sender_id):
            return form
        return replace(form, receiver_id=serving.person_id, receiver_number=serving.display_name)

    def _handlers(self, person_id: str, confirmation_id: str) -> requests.Handlers:
        form = self._open.get(confirmation_id)
        if form is None or person_id not in form.concerned:
            raise Refused(ErrorCode.NOT_FOUND)
        if person_id != form.sender_id:
            raise Refused(ErrorCode.NOT_ALLOWED)
        names = {a.code: a.name for a in self._organisation.authorities()}
        staff = self._organisation.staff(person_id)
        found = self._organisation.agents_of_province(staff.authority) if staff is not None else ()
        return requests.Handlers(
            handlers=[
                HandlerView(
                    agent_id=one.person_id,
                    staff_number=one.staff_number,
                    authority=names.get(one.authority, ""),
                )
                for one in found
                if one.person_id not in form.concerned
            ]
        )

    async def _filling(self, person_id: str, form: ConfirmationForm, given: requests.GivenFilling) -> Filling:
        """Material is what this person uploaded for the conversation, or what is in the form already."""
        there = {file.file_id: file for file in form.filling.materials}
        materials: list[FileRef] = []
        for file_id in dict.fromkeys(given.materials):
            file = there.get(file_id) or await self._stored(file_id, form.interaction_id, person_id)
            if file is None:
                raise Refused(ErrorCode.FILE_NOT_FOUND)
            materials.append(file)
        return Filling(
            content=given.content,
            contact=given.contact,
            materials=tuple(materials),
            delivery=given.delivery,
            recipient=given.recipient,
            address=given.address,
            address_phone=given.address_phone,
        )

    async def _stored(self, file_id: str, interaction_id: str, person_id: str) -> FileRef | None:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                return await self._files.stored(file_id, interaction_id, person_id)
        except (RecordsUnavailable, TimeoutError):
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None

    async def _review(self, own: str, request: requests.ReviewConfirmation) -> ConfirmationForm:
        reasons = tuple(request.reasons)
        command: confirmation.Command
        match request.decision:
            case requests.Decision.COMPLETE:
                command = confirmation.Complete(own, request.result)
            case requests.Decision.SUPPLEMENT:
                form = await self._find(own, request.confirmation_id)
                room = self._rooms.get(form.interaction_id)
                talking = room is not None and room.state.phase is InteractionPhase.OPEN
                command = confirmation.AskSupplement(own, reasons, talking)
            case requests.Decision.REFUSE:
                command = confirmation.RefuseBusiness(own, reasons)
            case requests.Decision.PASS_ON:
                if request.handler is None or request.due_at is None:
                    raise Refused(ErrorCode.CONFIRMATION_INCOMPLETE)
                await self._find(own, request.confirmation_id)
                fit = {h.agent_id: h for h in self._handlers(own, request.confirmation_id).handlers}
                if request.handler not in fit:
                    raise Refused(ErrorCode.NOT_FOUND)
                number = fit[request.handler].staff_number
                command = confirmation.PassOn(own, request.handler, number, request.due_at)
        return await self._do(own, request.confirmation_id, command)

    async def _do(
        self, person_id: str, confirmation_id: str, command: confirmation.Command
    ) -> ConfirmationForm:
        old = await self._find(person_id, confirmation_id)
        # Nothing is awaited from here on: what was found is still so.
        new = confirmation.handle(old, command, self._ports.clock.now_ms())
        self._keep(old, new)
        line = _line(new)
        room = self._rooms.get(new.interaction_id)
        if room is not None and line is not None and (old.phase is not new.phase):
            room.report(commands.ConfirmationMoved(line))
        return new

    def _lapse(self, form: ConfirmationForm) -> None:
        new = confirmation.handle(form, confirmation.ConversationOver(), self._ports.clock.now_ms())
        if new is form:
            return
        try:
            self._keep(form, new)
        except Refused:
            # The next start finds it open without its conversation, and ends it then.
            self._put(new)

    def _keep(self, old: ConfirmationForm | None, new: ConfirmationForm) -> None:
        try:
            self._records.keep_confirmation(new, new.steps[len(old.steps) if old is not None else 0 :])
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        gone = old.concerned if old is not None else frozenset()
        self._put(new)
        for person_id in new.concerned | gone:
            view = confirmation_view(new, person_id)
            self._ports.outbound.notify(person_id, ConfirmationChanged(confirmation=view))

    def _put(self, form: ConfirmationForm) -> None:
        own = form.confirmation_id
        before = self._open.pop(own, None)
        for person_id in before.concerned if before is not None else ():
            mine = self._by_person.get(person_id, {})
            mine.pop(own, None)
            if not mine:
                self._by_person.pop(person_id, None)
        if form.ended:
            return
        self._open[own] = form
        for person_id in form.concerned:
            self._by_person.setdefault(person_id, {})[own] = None


def _day(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, _TIME_ZONE)


def _line(form: ConfirmationForm) -> str | None:
    """What the conversation is told of a step: the result comes back into it."""
    named = f"业务办理服务确认单（{form.business}）"
    match form.phase:
        case ConfirmationPhase.CONFIRMED:
            return f"{named}已填写并确认，等待办理地审核。"
        case ConfirmationPhase.WITHDRAWN:
            return f"{named}已撤回。"
        case ConfirmationPhase.DONE:
            return f"{named}已办结：{form.result}"
        case ConfirmationPhase.PASSED_ON:
            due = _day(form.due_at or 0)
            return f"{named}已转省内经办人员办理，将于 {due:%Y-%m-%d} 前办结。"
        case ConfirmationPhase.SUPPLEMENT:
            return f"{named}需要补正：{confirmation.numbered(form.reasons)}"
        case ConfirmationPhase.REFUSED:
            return f"{named}不予办理：{confirmation.numbered(form.reasons)}"
        case _:
            return None
