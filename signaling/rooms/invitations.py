"""Whom an agent may invite from another authority, and what the invitation says (R7). The rules are ``sessions.invitation``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from signaling.errors import ErrorCode, Refused
from signaling.rooms.clock import Clock
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.ports import AuthorityEntry, OrganisationPort, Outbound, Person
from signaling.rooms.reception import Reception
from signaling.sessions.model import InvitationState
from signaling.sessions.queue_states import Agent, AgentStatus
from signaling.sessions.states import Role
from signaling.wire import requests
from signaling.wire.invitation_views import AuthorityRow, InvitationRing
from signaling.wire.present import invitation_ring

_MAX_LISTED = 100


class Invitations:
    def __init__(
        self,
        organisation: OrganisationPort,
        reception: Reception,
        rooms: RoomDirectory,
        *,
        outbound: Outbound,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._organisation = organisation
        self._reception = reception
        self._rooms = rooms
        self._outbound = outbound
        self._clock = clock
        self._new_id = new_id

    def targets(self, person: Person, parent: str | None, words: str) -> requests.InvitationTargets:
        everything = self._organisation.authorities()
        children: dict[str, int] = {}
        for each in everything:
            if each.parent is not None:
                children[each.parent] = children.get(each.parent, 0) + 1
        wanted = words.strip()
        found = [a for a in everything if (wanted in a.name if wanted else a.parent == parent)]
        return requests.InvitationTargets(
            authorities=[self._row(person, a, children.get(a.code, 0)) for a in found[:_MAX_LISTED]],
            more=len(found) > _MAX_LISTED,
        )

    def agents(self, person: Person, code: str) -> requests.InvitationAgents:
        authority = self._authority(code)
        centre = self._organisation.centre_for(code)
        return requests.InvitationAgents(
            authority=authority.name,
            centre_name=centre.name if centre is not None else None,
            agents=[self._reception.agent_view(agent) for agent in self._on_duty(person, code)],
        )

    def check(self, person: Person, to_agent: str, code: str, note: str, *, share: bool) -> InvitationState:
        """Raises ``not_allowed``, ``not_found``, ``agent_offline``, ``agent_busy``."""
        if person.role is not Role.AGENT:
            raise Refused(ErrorCode.NOT_ALLOWED)
        authority = self._authority(code)
        centre = self._organisation.centre_for(code)
        staff = self._organisation.staff(to_agent)
        unfit = staff is None or centre is None or centre.centre_id not in staff.centres
        if staff is None or unfit or to_agent == person.person_id or staff.role is not Role.AGENT:
            raise Refused(ErrorCode.NOT_FOUND)
        agent = self._reception.state.agents.get(to_agent)
        if agent is None or not self._outbound.is_online(to_agent):
            raise Refused(ErrorCode.AGENT_OFFLINE)
        if agent.presented_status is not AgentStatus.FREE:
            raise Refused(ErrorCode.AGENT_BUSY)
        return InvitationState(
            invitation_id=self._new_id(),
            from_agent=person.person_id,
            from_number=self._reception.staff_number(person.person_id),
            to_agent=to_agent,
            to_number=staff.staff_number,
            authority=authority.name,
            asked_at=self._clock.now_ms(),
            note=note,
            share_history=share,
        )

    def rings(self, person_id: str) -> list[InvitationRing]:
        """What rings at this agent now."""
        found = [invitation_ring(room.state) for room in self._rooms.rung_at(person_id)]
        return [ring for ring in found if ring is not None]

    def _authority(self, code: str) -> AuthorityEntry:
        found = next((a for a in self._organisation.authorities() if a.code == code), None)
        if found is None:
            raise Refused(ErrorCode.NOT_FOUND)
        return found

    def _row(self, person: Person, authority: AuthorityEntry, children: int) -> AuthorityRow:
        on_duty = self._on_duty(person, authority.code)
        return AuthorityRow(
            code=authority.code,
            name=authority.name,
            parent=authority.parent,
            children=children,
            free=sum(agent.presented_status is AgentStatus.FREE for agent in on_duty),
            on_duty=len(on_duty),
        )

    def _on_duty(self, person: Person, code: str) -> Sequence[Agent]:
        centre = self._organisation.centre_for(code)
        if centre is None or (known := self._reception.state.centres.get(centre.centre_id)) is None:
            return ()
        agents = self._reception.state.agents
        found = [agents.get(agent_id) for agent_id in sorted(known.agents) if agent_id != person.person_id]
        return [agent for agent in found if agent is not None]
