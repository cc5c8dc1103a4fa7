"""From a checked request of a meeting's page to its room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from signaling.dispatcher import LOOK_UP_TIMEOUT_S, listed
from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms.live_room import Respond, RoomPorts
from signaling.rooms.meeting_room import MeetingAsk, MeetingRoom
from signaling.rooms.meetings import Meetings
from signaling.rooms.ports import MeetingRecordsPort, Person, RecordsUnavailable
from signaling.sessions import meeting
from signaling.sessions.meeting_commands import ReadMeeting
from signaling.sessions.model import Message
from signaling.wire import requests
from signaling.wire.base import Request, WireModel
from signaling.wire.present import ice_server_views, message_view


class MeetingDispatcher:
    def __init__(self, ports: RoomPorts, meetings: Meetings, records: MeetingRecordsPort) -> None:
        self._ports = ports
        self._meetings = meetings
        self._records = records
        self.draining = False

    async def dispatch(self, person: Person, request: Request, respond: Respond) -> None:
        """Calls ``respond`` once, and returns after that. Raises nothing but what is a fault of ours."""
        try:
            await self._dispatch(person, request, respond)
        except DomainError as error:
            respond(error)

    async def _dispatch(self, person: Person, request: Request, respond: Respond) -> None:
        own = person.person_id
        match request:
            case requests.EnterMeeting(meeting_id=meeting_id):
                if self.draining:
                    raise Refused(ErrorCode.SERVER_STOPPING)
                room = self._meetings.knock(meeting_id, own)
                try:
                    await self._ask(room, person, request, respond)
                finally:
                    self._meetings.forget(room, own)
            case requests.MeetingRequest(meeting_id=meeting_id):
                await self._ask(self._meetings.find(meeting_id, own), person, request, respond)
            case requests.ListMessages():
                respond(await self._list_messages(own, request))
            case requests.InteractionRequest(interaction_id=meeting_id):
                await self._ask(self._meetings.find(meeting_id, own), person, request, respond)
            case requests.GetIceServers():
                servers = self._ports.ice_servers.ice_servers(own)
                respond(requests.IceServers(ice_servers=ice_server_views(servers)))
            case _:
                raise Refused(ErrorCode.UNKNOWN_MESSAGE)

    async def _ask(self, room: MeetingRoom, person: Person, request: Request, respond: Respond) -> None:
        answered = asyncio.get_running_loop().create_future()

        def answer(response: WireModel | DomainError) -> None:
            respond(response)
            if not answered.done():
                answered.set_result(None)

        room.ask(MeetingAsk(person, request, answer))
        await answered

    async def _list_messages(self, person_id: str, request: requests.ListMessages) -> WireModel:
        state = self._meetings.find(request.interaction_id, person_id).state
        meeting.check_deed(state, ReadMeeting(person_id))
        held = listed(state, request)
        found: Sequence[Message] = held or ()
        if held is None:
            try:
                async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                    found = await self._records.meeting_messages(
                        request.interaction_id,
                        before_seq=request.before_seq,
                        after_seq=request.after_seq,
                        limit=request.limit,
                    )
            except (RecordsUnavailable, TimeoutError):
                raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        last_seq = state.next_seq - 1
        forward = request.after_seq is not None
        more = bool(found) and (found[-1].seq < last_seq if forward else found[0].seq > 1)
        return requests.Messages(
            messages=[message_view(message) for message in found], last_seq=last_seq, more=more
        )
