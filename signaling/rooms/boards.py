"""What many look at at once: the waiting list of a centre (its agents), and the whole centre (its supervisors).

Each is told once a second at most, is made once for all who look at it, and shows the first of a long line.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from signaling.rooms.clock import Clock, TimerHandle
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.ports import Outbound
from signaling.rooms.room import Room
from signaling.sessions.states import InteractionPhase, Role
from signaling.wire import notifications
from signaling.wire.present import context_view
from signaling.wire.queue_views import CentreOverview, ConversationRow, WaitingRow, WaitingView

if TYPE_CHECKING:
    from signaling.rooms.reception import Reception

INTERVAL_MS = 1_000
SHOWN_WAITING = 50
SHOWN_CONVERSATIONS = 500


class Boards:
    def __init__(self, outbound: Outbound, clock: Clock, reception: Reception, rooms: RoomDirectory) -> None:
        self._outbound = outbound
        self._clock = clock
        self._reception = reception
        self._rooms = rooms
        self._centre_of: dict[str, str] = {}
        self._conversations: dict[str, dict[str, None]] = {}
        self._watchers: dict[str, frozenset[str]] = {}
        self._waiting: set[str] = set()
        self._overviews: set[str] = set()
        self._timer: TimerHandle | None = None
        self._told_at_ms: int | None = None

    # What changed

    def waiting_changed(self, centre_id: str) -> None:
        self._waiting.add(centre_id)
        self._overviews.add(centre_id)
        self._plan()

    def agent_changed(self, agent_id: str) -> None:
        agent = self._reception.state.agents.get(agent_id)
        if agent is not None:
            self._overviews |= agent.centres
            self._plan()

    def conversation_changed(self, room: Room) -> None:
        """Something of it that supervisors see."""
        centre_id = self._centre_of.get(room.interaction_id)
        if centre_id is not None and self._watchers:
            self._overviews.add(centre_id)
            self._plan()

    def conversation_moved(self, interaction_id: str, centre_id: str | None) -> None:
        """It belongs to this centre now; None: to none any more."""
        before = self._centre_of.pop(interaction_id, None)
        if before is not None:
            self._conversations[before].pop(interaction_id, None)
            self._overviews.add(before)
        if centre_id is not None:
            self._centre_of[interaction_id] = centre_id
            self._conversations.setdefault(centre_id, {})[interaction_id] = None
            self._overviews.add(centre_id)
        self._plan()

    def watch(self, person_id: str, centre_ids: frozenset[str]) -> list[CentreOverview]:
        self._watchers[person_id] = centre_ids
        return [self.overview(c, person_id) for c in sorted(centre_ids) if c in self._reception.state.centres]

    def unwatch(self, person_id: str) -> None:
        self._watchers.pop(person_id, None)

    def centre_of(self, interaction_id: str) -> str | None:
        return self._centre_of.get(interaction_id)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Telling

    def _plan(self) -> None:
        if self._timer is None:
            now_ms = self._clock.now_ms()
            due_ms = now_ms if self._told_at_ms is None else self._told_at_ms + INTERVAL_MS
            self._timer = self._clock.call_at(max(now_ms, due_ms), self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told_at_ms = self._clock.now_ms()
        waiting, self._waiting = self._waiting, set()
        overviews, self._overviews = self._overviews, set()
        state = self._reception.state
        for centre_id in sorted(waiting):
            centre = state.centres.get(centre_id)
            if centre is None or not centre.agents:
                continue
            told = notifications.WaitingChanged(waiting=self.waiting(centre_id))
            for agent_id in centre.agents:
                self._outbound.notify(agent_id, told)
        for person_id, centre_ids in self._watchers.items():
            for centre_id in sorted(overviews & centre_ids):
                if centre_id in state.centres:
                    overview = self.overview(centre_id, person_id)
                    self._outbound.notify(person_id, notifications.SupervisionChanged(centre=overview))

    # Views

    def waiting(self, centre_id: str) -> WaitingView:
        centre = self._reception.state.centres.get(centre_id)
        line = centre.line if centre is not None else ()
        rows = [row for place in islice(line, SHOWN_WAITING) if (row := self._row(place[2])) is not None]
        return WaitingView(centre=self._reception.centre_view(centre_id), total=len(line), rows=rows)

    def _row(self, ticket_id: str) -> WaitingRow | None:
        ticket = self._reception.state.tickets.get(ticket_id)
        visitor = self._reception.visitor(ticket_id)
        if ticket is None or visitor is None:
            return None
        return WaitingRow(
            ticket_id=ticket_id,
            name=visitor.name,
            context=context_view(visitor.context),
            skills=sorted(ticket.skills),
            waiting_since=self._reception.waiting_since(ticket),
            offered=ticket.offer is not None,
            transfer=ticket.agent_id is not None,
        )

    def overview(self, centre_id: str, person_id: str) -> CentreOverview:
        state = self._reception.state
        centre = state.centres[centre_id]
        waiting = self.waiting(centre_id)
        agents = [agent for a in sorted(centre.agents) if (agent := state.agents.get(a)) is not None]
        shown = islice(self._conversations.get(centre_id, ()), SHOWN_CONVERSATIONS)
        rooms = [room for own in shown if (room := self._rooms.get(own)) is not None]
        return CentreOverview(
            waiting=waiting,
            longest_waiting_since=min((row.waiting_since for row in waiting.rows), default=None),
            agents=[self._reception.agent_view(agent) for agent in agents],
            conversations=[
                self._conversation(room, person_id)
                for room in rooms
                if room.state.phase is InteractionPhase.OPEN
            ],
        )

    def _conversation(self, room: Room, person_id: str) -> ConversationRow:
        state = room.state
        agent = state.of_role(Role.AGENT)
        watcher = state.find(person_id)
        return ConversationRow(
            interaction_id=state.interaction_id,
            agent_id=None if state.vacant else agent.person_id,
            staff_number=None if state.vacant else agent.display_name,
            taxpayer_name=state.of_role(Role.TAXPAYER).display_name,
            opened_at=state.opened_at,
            last_message_at=state.messages[-1].sent_at if state.messages else None,
            assistance=state.assistance.phase,
            call=state.call.phase,
            transferring=state.transferring,
            supervision=watcher.supervision if watcher is not None else None,
        )
