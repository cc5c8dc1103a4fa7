"""From a checked request to whoever answers it: a room, the queue, the desk of supervisors, what follows the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms.aftercare import Aftercare
from signaling.rooms.confirmations import Confirmations
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.invitations import Invitations
from signaling.rooms.live_room import Respond, RoomPorts
from signaling.rooms.ports import AgentDirectory, FilesPort, Person, RecordsUnavailable
from signaling.rooms.reception import Reception
from signaling.rooms.room import Ask, Room
from signaling.sessions.invitation import is_rung
from signaling.sessions.model import FileRef, InteractionContext, InvitationState, Member, Message
from signaling.sessions.states import Role
from signaling.wire import requests
from signaling.wire.base import Empty, Request, WireModel
from signaling.wire.present import ice_server_views, message_view, profile_view
from signaling.wire.views import AgentView

_BEGINNINGS = (
    requests.OpenInteraction,
    requests.RequestAssistance,
    requests.AskCall,
    requests.StartCall,
    requests.JoinQueue,
    requests.OfferInvitation,
    requests.OpenCollaboration,
)
"""Refused while the server is stopping."""

_DESK = (
    requests.SignInAgent,
    requests.SignOutAgent,
    requests.SetAgentStatus,
    requests.GetDesk,
    requests.AcceptOffer,
    requests.DeclineOffer,
    requests.PickTicket,
    requests.ListTransferTargets,
    requests.OfferTransfer,
    requests.CancelTransfer,
)
LOOK_UP_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Counters:
    """Who answers what is of no room."""

    reception: Reception
    aftercare: Aftercare
    invitations: Invitations
    confirmations: Confirmations
    agents: AgentDirectory
    files: FilesPort


class Dispatcher:
    def __init__(self, ports: RoomPorts, rooms: RoomDirectory, counters: Counters) -> None:
        self._ports = ports
        self._rooms = rooms
        self._reception = counters.reception
        self._aftercare = counters.aftercare
        self._invitations = counters.invitations
        self._confirmations = counters.confirmations
        self._agents = counters.agents
        self._files = counters.files
        self.draining = False

    async def dispatch(self, person: Person, request: Request, respond: Respond) -> None:
        """Calls ``respond`` once, and returns after that. Raises nothing but what is a fault of ours."""
        try:
            if self.draining and isinstance(request, _BEGINNINGS):
                raise Refused(ErrorCode.SERVER_STOPPING)
            response = await self._answer(person, request)
            if response is not None:
                respond(response)
            elif isinstance(request, requests.InteractionRequest):
                await self._ask_member(person, request, respond)
            else:
                raise Refused(ErrorCode.UNKNOWN_MESSAGE)
        except DomainError as error:
            respond(error)

    async def _answer(self, person: Person, request: Request) -> WireModel | None:  # noqa: PLR0912 - one arm per subject
        """None for what only a room can answer."""
        if isinstance(request, _DESK):
            return self._at_desk(person, request)
        if isinstance(request, requests.CONFIRMATION_REQUESTS):
            return await self._confirmations.answer(person, request)
        match request:
            case (
                requests.JoinQueue() | requests.GetTicket() | requests.StayInQueue() | requests.CancelQueue()
            ):
                return await self._in_queue(person, request)
            case requests.RateInteraction(interaction_id=own, resolved=resolved, comment=comment):
                await self._aftercare.rate(person.person_id, own, resolved, comment)
                return Empty()
            case requests.WrapUpInteraction(interaction_id=own, code=code, note=note):
                await self._aftercare.wrap_up(person.person_id, own, code, note)
                self._reception.wrapped_up(person.person_id, own)
                return Empty()
            case requests.ListSupervised():
                centres = self._reception.supervised_centres(person)
                return requests.Overview(centres=self._reception.boards.watch(person.person_id, centres))
            case requests.GetProfile(interaction_id=own):
                return self._profile(person, own)
            case requests.ListInvitationTargets() | requests.ListInvitationAgents():
                return self._invitable(person, request)
            case requests.OpenCollaboration():
                return await self._collaborate(person, request)
            case requests.ListMessages():
                return await self._list_messages(person, request)
            case requests.GetIceServers():
                servers = self._ports.ice_servers.ice_servers(person.person_id)
                return requests.IceServers(ice_servers=ice_server_views(servers))
            case requests.ListAgents() | requests.OpenInteraction():
                return await self._directly(person, request)
            case _:
                return None

    # The queue

    async def _in_queue(self, person: Person, request: Request) -> WireModel:
        person_id = person.person_id
        match request:
            case requests.JoinQueue():
                context = InteractionContext(
                    request.page, request.business, request.authority or person.authority
                )
                last_agent = await self._last_agent(person)
                ticket = self._reception.join(person, context, request.skill, last_agent)
                return requests.Queued(ticket=ticket)
            case requests.StayInQueue():
                self._reception.stay(person_id)
            case requests.CancelQueue():
                self._reception.cancel(person_id)
            case _:
                return requests.OwnTicket(ticket=self._reception.ticket_view(person_id))
        return Empty()

    async def _last_agent(self, person: Person) -> str | None:
        """A record that is away costs the preference, not the place."""
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                return await self._ports.records.last_agent(person.person_id)
        except (RecordsUnavailable, TimeoutError):
            return None

    def _at_desk(self, person: Person, request: Request) -> WireModel:
        if person.role is not Role.AGENT:
            raise Refused(ErrorCode.NOT_ALLOWED)
        own, reception = person.person_id, self._reception
        match request:
            case requests.SignInAgent(status=status):
                reception.sign_in(person, status)
                return requests.Desk(desk=reception.desk_view(own), waiting=reception.waiting_views(own))
            case requests.GetDesk():
                return requests.Desk(desk=reception.desk_view(own), waiting=reception.waiting_views(own))
            case requests.SignOutAgent():
                reception.sign_out(own)
            case requests.SetAgentStatus(status=status):
                reception.set_status(own, status)
            case requests.AcceptOffer(ticket_id=ticket_id):
                reception.accept(own, ticket_id)
            case requests.DeclineOffer(ticket_id=ticket_id):
                reception.decline(own, ticket_id)
            case requests.PickTicket(ticket_id=ticket_id):
                reception.pick(own, ticket_id)
            case requests.OfferTransfer():
                reception.transfer(
                    own, request.interaction_id, request.to_agent, request.to_centre, request.note
                )
            case requests.CancelTransfer(interaction_id=interaction_id):
                self._rooms.find(interaction_id, own)
                reception.cancel_transfer(own, interaction_id)
            case _:
                agents = [view for view in reception.agent_views() if view.agent_id != own]
                return requests.TransferTargets(agents=agents, centres=reception.centre_views())
        return Empty()

    # Agents of other authorities

    def _invitable(
        self, person: Person, request: requests.ListInvitationTargets | requests.ListInvitationAgents
    ) -> WireModel:
        if person.role is not Role.AGENT:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if isinstance(request, requests.ListInvitationAgents):
            return self._invitations.agents(person, request.authority)
        return self._invitations.targets(person, request.parent, request.words)

    async def _collaborate(self, person: Person, request: requests.OpenCollaboration) -> WireModel:
        asked = self._invitations.check(person, request.to_agent, request.authority, request.note, share=True)
        number = self._reception.staff_number(person.person_id)
        room = await self._rooms.open_collaboration(person, number, request.business)
        own = requests.GetInteraction(interaction_id=room.interaction_id)
        answers: list[WireModel | DomainError] = []
        # Of both answers the last counts; the first request has no answer of its own on the wire.
        await self._ask_room(room, person.person_id, own, answers.append, invitation=asked)
        await self._ask_room(room, person.person_id, own, answers.append)
        for answer in answers:
            if isinstance(answer, DomainError):
                raise answer
        return answers[-1]  # type: ignore[return-value]

    async def _answer_invitation(
        self, person: Person, request: requests.InteractionRequest, respond: Respond
    ) -> None:
        """By somebody who is no member yet: of what does not ring at them they are told what a stranger is told."""
        own = person.person_id
        room = self._rooms.get(request.interaction_id)
        if room is None or not is_rung(room.state, own):
            known = room is not None and room.state.invitation is not None
            asked_once = known and room.state.invitation.to_agent == own  # type: ignore[union-attr]
            raise Refused(ErrorCode.INVITATION_ENDED if asked_once else ErrorCode.NOT_FOUND)
        if isinstance(request, requests.AcceptInvitation):
            self._rooms.admit(room, own)
        await self._ask_room(room, own, request, respond)
        if room.state.find(own) is None:
            self._rooms.dismiss(room, own)

    # Conversations

    def _profile(self, person: Person, interaction_id: str) -> WireModel:
        state = self._rooms.find(interaction_id, person.person_id).state
        if state.member(person.person_id).role is Role.TAXPAYER:
            raise Refused(ErrorCode.NOT_ALLOWED)
        taxpayer = state.taxpayer
        if taxpayer is None:
            raise Refused(ErrorCode.NOT_FOUND)
        profile = self._reception.profile(taxpayer.person_id, taxpayer.display_name)
        return requests.Profile(profile=profile_view(profile))

    async def _list_messages(self, person: Person, request: requests.ListMessages) -> WireModel:
        """From memory where that holds them; else from the record, without keeping the room waiting."""
        state = self._rooms.find(request.interaction_id, person.person_id).state
        first = state.member(person.person_id).history_from
        if request.after_seq is not None:
            request = request.model_copy(update={"after_seq": max(request.after_seq, first - 1)})
        held = listed(state, request)
        found: Sequence[Message] = held or ()
        if held is None:
            try:
                async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                    found = await self._ports.records.messages(
                        request.interaction_id,
                        before_seq=request.before_seq,
                        after_seq=request.after_seq,
                        limit=request.limit,
                    )
            except (RecordsUnavailable, TimeoutError):
                raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        found = [message for message in found if message.seq >= first]
        last_seq = state.next_seq - 1
        forward = request.after_seq is not None
        more = bool(found) and (found[-1].seq < last_seq if forward else found[0].seq > first)
        return requests.Messages(
            messages=[message_view(message) for message in found], last_seq=last_seq, more=more
        )

    async def _ask_member(
        self, person: Person, request: requests.InteractionRequest, respond: Respond
    ) -> None:
        if isinstance(request, requests.AcceptInvitation | requests.DeclineInvitation):
            await self._answer_invitation(person, request, respond)
            return
        interaction_id, file, supervisor, asked = request.interaction_id, None, None, None
        if isinstance(request, requests.JoinSupervised):
            supervisor = self._supervisor(person, request)
        room = self._rooms.find(interaction_id, person.person_id)
        if isinstance(request, requests.SendMessage) and request.file_id is not None:
            room.state.member(person.person_id)
            file = await self._file(person, interaction_id, request.file_id)
        if isinstance(request, requests.OfferInvitation):
            room.state.member(person.person_id)
            asked = self._invitations.check(
                person, request.to_agent, request.authority, request.note, share=request.share_history
            )
        await self._ask_room(
            room, person.person_id, request, respond, file=file, supervisor=supervisor, invitation=asked
        )
        if supervisor is not None and room.state.find(person.person_id) is None:
            self._rooms.dismiss(room, person.person_id)

    def _supervisor(self, person: Person, request: requests.JoinSupervised) -> Member:
        """Only of conversations of one's own centres; of others one is told what a stranger is told."""
        centres = self._reception.supervised_centres(person)
        room = self._rooms.get(request.interaction_id)
        if room is None or self._reception.boards.centre_of(request.interaction_id) not in centres:
            raise Refused(ErrorCode.NOT_FOUND)
        self._rooms.admit(room, person.person_id)
        return Member(person.person_id, Role.SUPERVISOR, person.display_name, supervision=request.mode)

    async def _file(self, person: Person, interaction_id: str, file_id: str) -> FileRef:
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                file = await self._files.stored(file_id, interaction_id, person.person_id)
        except (RecordsUnavailable, TimeoutError):
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None
        if file is None:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
        return file

    async def _ask_room(
        self,
        room: Room,
        person_id: str,
        request: Request,
        respond: Respond,
        *,
        file: FileRef | None = None,
        supervisor: Member | None = None,
        invitation: InvitationState | None = None,
    ) -> None:
        answered = asyncio.get_running_loop().create_future()

        def answer(response: WireModel | DomainError) -> None:
            respond(response)
            if not answered.done():
                answered.set_result(None)

        room.ask(Ask(person_id, request, answer, file, supervisor, invitation))
        await answered

    # Without the queue

    async def _directly(self, person: Person, request: Request) -> WireModel | None:
        if not self._ports.settings.direct_calls:
            raise Refused(ErrorCode.NOT_ALLOWED)
        if isinstance(request, requests.OpenInteraction):
            return await self._open(person, request.agent_id)
        return await self._list_agents()

    async def _list_agents(self) -> requests.Agents:
        outbound, seats = self._ports.outbound, self._ports.seats
        return requests.Agents(
            agents=[
                AgentView(
                    person_id=entry.person_id,
                    staff_number=entry.staff_number,
                    authority=entry.authority,
                    online=outbound.is_online(entry.person_id),
                    busy=await seats.is_busy(entry.person_id),
                )
                for entry in await self._agents.agents()
            ]
        )

    async def _open(self, person: Person, agent_id: str) -> WireModel:
        if person.role is not Role.TAXPAYER:
            raise Refused(ErrorCode.NOT_ALLOWED)
        entry = next((a for a in await self._agents.agents() if a.person_id == agent_id), None)
        if entry is None:
            raise Refused(ErrorCode.NOT_FOUND)
        room = await self._rooms.open(person, entry)
        answers: list[WireModel | DomainError] = []
        own = requests.GetInteraction(interaction_id=room.interaction_id)
        await self._ask_room(room, person.person_id, own, answers.append)
        if isinstance(answers[0], DomainError):
            raise answers[0]
        return answers[0]


class Lines(Protocol):
    """The last lines of a conversation, in order and without a gap."""

    @property
    def messages(self) -> Sequence[Message]: ...
    @property
    def next_seq(self) -> int: ...


def listed(state: Lines, request: requests.ListMessages) -> list[Message] | None:
    """What was asked for, if memory holds all of it."""
    known = state.messages
    first = known[0].seq if known else state.next_seq
    if request.after_seq is not None:
        if request.after_seq + 1 < first:
            return None
        return [m for m in known if m.seq > request.after_seq][: request.limit]
    before = min(request.before_seq if request.before_seq is not None else state.next_seq, state.next_seq)
    if max(1, before - request.limit) < first:
        return None
    return [m for m in known if before - request.limit <= m.seq < before]
