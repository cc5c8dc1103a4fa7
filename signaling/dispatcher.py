"""From a checked request to whoever answers it: a room, the directory, the list of agents."""

from __future__ import annotations

import asyncio

from signaling.errors import DomainError, ErrorCode, Refused
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.ports import AgentDirectory, Person
from signaling.rooms.room import Ask, Respond, RoomPorts
from signaling.sessions.states import Role
from signaling.wire import requests
from signaling.wire.base import Request, WireModel
from signaling.wire.present import ice_server_views
from signaling.wire.views import AgentView

_BEGINNINGS = (
    requests.OpenInteraction,
    requests.RequestAssistance,
    requests.AskCall,
    requests.StartCall,
)
"""Refused while the server is stopping."""


class Dispatcher:
    def __init__(self, ports: RoomPorts, rooms: RoomDirectory, agents: AgentDirectory) -> None:
        self._ports = ports
        self._rooms = rooms
        self._agents = agents
        self.draining = False

    async def dispatch(self, person: Person, request: Request, respond: Respond) -> None:
        """Calls ``respond`` once, and returns after that. Raises nothing but what is a fault of ours."""
        try:
            if self.draining and isinstance(request, _BEGINNINGS):
                raise Refused(ErrorCode.SERVER_STOPPING)
            match request:
                case requests.ListAgents():
                    respond(await self._list_agents())
                case requests.OpenInteraction(agent_id=agent_id):
                    await self._open(person, agent_id, respond)
                case requests.GetIceServers():
                    servers = self._ports.ice_servers.ice_servers(person.person_id)
                    respond(requests.IceServers(ice_servers=ice_server_views(servers)))
                case requests.InteractionRequest(interaction_id=interaction_id):
                    await self._ask_room(person, interaction_id, request, respond)
                case _:
                    raise Refused(ErrorCode.UNKNOWN_MESSAGE)
        except DomainError as error:
            respond(error)

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

    async def _open(self, person: Person, agent_id: str, respond: Respond) -> None:
        if person.role is not Role.TAXPAYER:
            raise Refused(ErrorCode.NOT_ALLOWED)
        entry = next((a for a in await self._agents.agents() if a.person_id == agent_id), None)
        if entry is None:
            raise Refused(ErrorCode.NOT_FOUND)
        room = await self._rooms.open(person, entry)
        own = requests.GetInteraction(interaction_id=room.interaction_id)
        await self._ask_room(person, room.interaction_id, own, respond)

    async def _ask_room(
        self, person: Person, interaction_id: str, request: Request, respond: Respond
    ) -> None:
        room = self._rooms.find(interaction_id, person.person_id)
        answered = asyncio.get_running_loop().create_future()

        def answer(response: WireModel | DomainError) -> None:
            respond(response)
            if not answered.done():
                answered.set_result(None)

        room.ask(Ask(person.person_id, request, answer))
        await answered
