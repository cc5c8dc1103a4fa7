"""Which interactions are alive on this node, and whose they are."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from signaling.errors import ErrorCode, Refused
from signaling.rooms import keeping
from signaling.rooms.kept import Kept
from signaling.rooms.live_room import RoomPorts
from signaling.rooms.ports import AgentEntry, Person, RecordsUnavailable
from signaling.rooms.room import Room
from signaling.sessions import commands, derive
from signaling.sessions.effects import Effects
from signaling.sessions.interaction import open_interaction
from signaling.sessions.model import InteractionContext, InteractionState, Member
from signaling.sessions.states import InteractionKind, InteractionPhase, InvitationPhase, Presence, Role

_log = logging.getLogger(__name__)

_REMEMBERED_CLOSED = 2_000
"""Interactions that closed lately: their members are told ``interaction_closed``, strangers ``not_found``."""
_STOP_TIMEOUT_S = 5.0


class RoomDirectory:
    """Index by id and by person. Memory of this node is the truth about its own rooms."""

    def __init__(self, ports: RoomPorts, new_id: Callable[[], str]) -> None:
        self._ports = ports
        self._new_id = new_id
        self._rooms: dict[str, Room] = {}
        self._by_person: dict[str, dict[str, Room]] = {}
        self._closed: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._ringing: dict[str, dict[str, Room]] = {}
        self._guests: dict[str, set[str]] = {}
        self._rested = asyncio.Event()
        self.on_closed: Callable[[Room], None] = _nothing
        """A room has ended, and is in no index any more."""
        self.on_change: Callable[[Room], None] = _nothing
        """What supervisors see of a room changed."""
        self.on_guest: Callable[[str, str, bool], None] = _nobody
        """An agent became a guest of a conversation (both by id), or is none any more."""

    def __len__(self) -> int:
        return len(self._rooms)

    def of_person(self, person_id: str) -> list[Room]:
        """Oldest first."""
        return list(self._by_person.get(person_id, {}).values())

    def get(self, interaction_id: str) -> Room | None:
        """For those who have checked the right to it."""
        return self._rooms.get(interaction_id)

    def find(self, interaction_id: str, person_id: str) -> Room:
        """Raises ``Refused``: ``interaction_closed``, or ``not_found`` for a stranger as for an unknown id."""
        room = self._by_person.get(person_id, {}).get(interaction_id)
        if room is not None:
            return room
        if person_id in self._closed.get(interaction_id, ()):
            raise Refused(ErrorCode.INTERACTION_CLOSED)
        raise Refused(ErrorCode.NOT_FOUND)

    def rung_at(self, person_id: str) -> list[Room]:
        """Rooms into which the person is being invited."""
        return list(self._ringing.get(person_id, {}).values())

    def guesting(self, agent_id: str) -> frozenset[str]:
        """Conversations in which they are a guest."""
        return frozenset(self._guests.get(agent_id, ()))

    async def open_collaboration(self, agent: Person, staff_number: str, business: str) -> Room:
        """A conversation of the agent without a taxpayer. Raises ``too_many_interactions``, ``media_unavailable``."""
        own = self.of_person(agent.person_id)
        mine = [room for room in own if room.state.kind is InteractionKind.COLLABORATION]
        if len(mine) >= self._ports.settings.max_collaborations_per_agent:
            raise Refused(ErrorCode.TOO_MANY_INTERACTIONS)
        state, opening = open_interaction(
            self._new_id(),
            (Member(agent.person_id, Role.AGENT, staff_number),),
            self._ports.settings.sessions,
            self._ports.clock.now_ms(),
            context=InteractionContext(business=business, authority=agent.authority),
            kind=InteractionKind.COLLABORATION,
        )
        room = self._make(state, opening)
        self._enter(room)
        await room.open()
        self._keep(*keeping.of_opening(state))
        return room

    async def open(self, taxpayer: Person, agent: AgentEntry) -> Room:
        """The open interaction of the two, or a new one. Raises ``agent_offline``, ``too_many_interactions``,
        ``media_unavailable``."""
        own = self.of_person(taxpayer.person_id)
        for room in own:
            if room.state.of_role(Role.AGENT).person_id == agent.person_id:
                return room
        if not self._ports.outbound.is_online(agent.person_id):
            raise Refused(ErrorCode.AGENT_OFFLINE)
        if len(own) >= self._ports.settings.max_interactions_per_taxpayer:
            raise Refused(ErrorCode.TOO_MANY_INTERACTIONS)
        members = (
            Member(taxpayer.person_id, Role.TAXPAYER, taxpayer.display_name),
            Member(agent.person_id, Role.AGENT, agent.staff_number),
        )
        state, opening = open_interaction(
            self._new_id(), members, self._ports.settings.sessions, self._ports.clock.now_ms()
        )
        room = self._make(state, opening)
        self._enter(room)
        await room.open()
        self._keep(*keeping.of_opening(state))
        return room

    def _keep(self, *things: Kept) -> None:
        try:
            self._ports.records.keep(*things)
        except RecordsUnavailable:
            raise Refused(ErrorCode.RECORDS_UNAVAILABLE) from None

    def begin(self, state: InteractionState, opening: Effects) -> Room:
        """A room for an interaction that is kept already. It can be asked at once."""
        room = self._make(state, opening)
        self._enter(room)
        room.start()
        return room

    def begin_again(self, state: InteractionState) -> Room:
        """After a restart."""
        return self.begin(state, derive.effects_of_restoring(state))

    def admit(self, room: Room, person_id: str) -> None:
        """A new member's requests reach the room from now on: after the report that makes them one."""
        if room.interaction_id in self._rooms:
            self._by_person.setdefault(person_id, {})[room.interaction_id] = room

    def dismiss(self, room: Room, person_id: str) -> None:
        rooms = self._by_person.get(person_id)
        if rooms is not None:
            rooms.pop(room.interaction_id, None)
            if not rooms:
                del self._by_person[person_id]

    def connected(self, person_id: str, *, resumed: bool) -> list[Room]:
        """The person's rooms hear it; they are returned."""
        rooms = self.of_person(person_id)
        for room in rooms:
            room.report(commands.MemberConnected(person_id, resumed))
        return rooms

    def disconnected(self, person_id: str) -> None:
        for room in self.of_person(person_id):
            room.report(commands.MemberDisconnected(person_id))

    async def rest(self) -> None:
        """Wait until no assistance and no call is running."""
        while not self._quiet():
            self._rested.clear()
            await self._rested.wait()

    async def close_all(self) -> None:
        """End every room, all at once, and wait for them: interactions that came from the queue are suspended and go on
        after the restart, others are closed with ``server_stopping``."""
        rooms = list(self._rooms.values())
        for room in rooms:
            if room.state.centre_id is None:
                room.report(commands.Shutdown())
            else:
                room.suspend()
        waiting = [asyncio.ensure_future(room.ended()) for room in rooms]
        if not waiting:
            return
        _, late = await asyncio.wait(waiting, timeout=_STOP_TIMEOUT_S)
        for task in late:
            task.cancel()
        if late:
            _log.error("rooms did not close in time", extra={"count": len(late)})

    def _quiet(self) -> bool:
        return not any(
            room.state.assistance.running or room.state.call.running for room in self._rooms.values()
        )

    def _make(self, state: InteractionState, opening: Effects) -> Room:
        return Room(
            state,
            opening,
            self._ports,
            on_rest=self._rested.set,
            on_end=self._leave,
            on_left=self.dismiss,
            on_change=self._changed,
            on_invitation=self._invited,
        )

    def _changed(self, room: Room) -> None:
        self.on_change(room)

    def _invited(self, room: Room) -> None:
        asked = room.state.invitation
        if asked is None:
            return
        if room.state.inviting:
            self._ringing.setdefault(asked.to_agent, {})[room.interaction_id] = room
        else:
            self._rings_no_more(room, asked.to_agent)
        self._guest(room, asked.to_agent, present=asked.phase is InvitationPhase.ACCEPTED)

    def _guest(self, room: Room, agent_id: str, *, present: bool) -> None:
        known = self._guests.get(agent_id, set())
        if present is (room.interaction_id in known):
            return
        if present:
            self._guests.setdefault(agent_id, set()).add(room.interaction_id)
        else:
            known.discard(room.interaction_id)
            if not known:
                del self._guests[agent_id]
        self.on_guest(agent_id, room.interaction_id, present)

    def _rings_no_more(self, room: Room, person_id: str) -> None:
        rung = self._ringing.get(person_id, {})
        rung.pop(room.interaction_id, None)
        if not rung:
            self._ringing.pop(person_id, None)

    def _enter(self, room: Room) -> None:
        self._rooms[room.interaction_id] = room
        self._invited(room)
        for member in room.state.members:
            if member.presence is not Presence.LEFT:
                self._by_person.setdefault(member.person_id, {})[room.interaction_id] = room
        self._ports.metrics.interactions(1)

    def _leave(self, room: Room) -> None:
        """First the index by person, then the one by id; a short memory stays."""
        for member in room.state.members:
            self.dismiss(room, member.person_id)
        if room.state.invitation is not None:
            self._rings_no_more(room, room.state.invitation.to_agent)
            self._guest(room, room.state.invitation.to_agent, present=False)
        if self._rooms.pop(room.interaction_id, None) is None:
            return
        self._ports.metrics.interactions(-1)
        if room.state.phase is InteractionPhase.CLOSED:
            self._closed[room.interaction_id] = frozenset(m.person_id for m in room.state.members)
            while len(self._closed) > _REMEMBERED_CLOSED:
                self._closed.popitem(last=False)
        self.on_closed(room)


def _nothing(_: Room) -> None: ...


def _nobody(_agent_id: str, _interaction_id: str, _present: bool) -> None: ...
