"""The working copy of the queue while one command is handled: containers, their indexes, and what is told.

Every change of a ticket or an agent goes through ``_put_ticket`` and ``_put_agent``; they keep lines, groups, availability
and deadlines true. Rules live above, in ``queue_offers`` and ``queue``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from signaling.sessions import queue_messages as q
from signaling.sessions.persistent import PersistentMap, SortedLine
from signaling.sessions.queue_states import (
    Agent,
    AgentStatus,
    CentreSettings,
    Deadline,
    DeadlineKind,
    Place,
    PlaceClass,
    QueueErrorCode,
    QueueState,
    StatusReason,
    Ticket,
    TicketPhase,
    WaitNotice,
)

_BULK = 32
"""From so many changed positions on, the map of told positions is built anew instead of changed one by one."""


class QueueTable:
    """Works on its own references to persistent containers, so nothing of the old state changes."""

    def __init__(self, state: QueueState, now_ms: int) -> None:
        self._before = state
        self._now = now_ms
        self._tickets = state.tickets
        self._by_taxpayer = state.by_taxpayer
        self._agents = state.agents
        self._centres = state.centres
        self._returning = state.returning
        self._deadlines = state.deadlines
        self._arrivals = state.arrivals
        self._effects: list[q.Effect] = []
        self._moved: set[str] = set()
        self._reasons: dict[str, StatusReason] = {}

    def finish(self) -> tuple[QueueState, tuple[q.Effect, ...]]:
        for centre_id in sorted(self._moved):
            self._tell_positions_when_due(centre_id)
        for agent_id in sorted(self._reasons):
            self._tell_status(agent_id)
        state = QueueState(
            tickets=self._tickets,
            by_taxpayer=self._by_taxpayer,
            agents=self._agents,
            centres=self._centres,
            returning=self._returning,
            deadlines=self._deadlines,
            arrivals=self._arrivals,
        )
        return state, tuple(self._effects)

    # Keeping the indexes true: every change of a ticket or an agent goes through here

    def _put_ticket(self, ticket: Ticket | None, old: Ticket | None = None) -> None:
        if ticket is not None:
            old = self._tickets.get(ticket.ticket_id)
            self._tickets = self._tickets.set(ticket.ticket_id, ticket)
        elif old is not None:
            self._tickets = self._tickets.remove(old.ticket_id)
        self._deadlines = _moved_deadlines(self._deadlines, _ticket_deadlines(old), _ticket_deadlines(ticket))
        was, now = _where(old, is_in_line), _where(ticket, is_in_line)
        if was != now:
            self._leave_line(was)
            self._enter_line(now)
        was, now = _where(old, is_offerable), _where(ticket, is_offerable)
        if was != now:
            if was is not None and old is not None:
                self._index(old, lambda line: line.remove(old.place))
            if now is not None and ticket is not None:
                self._index(ticket, lambda line: line.add(ticket.place))

    def _leave_line(self, where: tuple[str, frozenset[str], Place] | None) -> None:
        centre = self._centres.get(where[0]) if where is not None else None
        if where is not None and centre is not None:
            place = where[2]
            self._centres = self._centres.set(
                where[0], replace(centre, line=centre.line.remove(place), shown=centre.shown.remove(place[2]))
            )
            self._moved.add(where[0])

    def _enter_line(self, where: tuple[str, frozenset[str], Place] | None) -> None:
        centre = self._centres.get(where[0]) if where is not None else None
        if where is not None and centre is not None:
            self._centres = self._centres.set(where[0], replace(centre, line=centre.line.add(where[2])))

    def _index(self, ticket: Ticket, change: Callable[[SortedLine[Place]], SortedLine[Place]]) -> None:
        centre = self._centres.get(ticket.centre_id)
        if centre is not None:
            group = change(centre.groups.get(ticket.skills) or SortedLine())
            groups = {skills: line for skills, line in centre.groups.items() if skills != ticket.skills}
            if len(group):
                groups[ticket.skills] = group
            self._centres = self._centres.set(ticket.centre_id, replace(centre, groups=groups))
        if ticket.last_agent is not None:
            line = change(self._returning.get(ticket.last_agent) or SortedLine())
            self._returning = (
                self._returning.set(ticket.last_agent, line)
                if len(line)
                else self._returning.remove(ticket.last_agent)
            )

    def _put_agent(self, agent: Agent) -> None:
        old = self._agents.get(agent.agent_id)
        self._agents = self._agents.set(agent.agent_id, agent)
        self._reasons.setdefault(agent.agent_id, StatusReason.LOAD)
        self._deadlines = _moved_deadlines(self._deadlines, _agent_deadlines(old), _agent_deadlines(agent))
        was = availability(old) if old is not None and old.available else None
        now = availability(agent) if agent.available else None
        before = old.centres if old is not None else frozenset[str]()
        if was == now and before == agent.centres:
            return
        for centre_id in before | agent.centres:
            centre = self._centres.get(centre_id)
            if centre is None:
                continue
            available = centre.available if was is None else centre.available.remove(was)
            here = centre_id in agent.centres
            if here and now is not None:
                available = available.add(now)
            agents = centre.agents | {agent.agent_id} if here else centre.agents - {agent.agent_id}
            self._centres = self._centres.set(centre_id, replace(centre, available=available, agents=agents))

    # Telling

    def _tell_queued(self, ticket_id: str, *, back: bool = False) -> None:
        ticket = self._tickets[ticket_id]
        centre = self._centres[ticket.centre_id]
        ahead = centre.line.count_before(ticket.place)
        self._centres = self._centres.set(
            ticket.centre_id, replace(centre, shown=centre.shown.set(ticket_id, ahead))
        )
        self._effects.append(q.Queued(ticket_id, ticket.taxpayer_id, ticket.centre_id, ahead, back))

    def _tell_positions_when_due(self, centre_id: str) -> None:
        centre = self._centres.get(centre_id)
        if centre is None or centre.flush_ms is not None:
            return
        due_ms = (
            self._now
            if centre.shown_at_ms is None
            else centre.shown_at_ms + centre.settings.positions_interval_ms
        )
        if due_ms <= self._now:
            self._tell_positions(centre_id)
        else:
            self._centres = self._centres.set(centre_id, replace(centre, flush_ms=due_ms))
            self._deadlines = self._deadlines.add((due_ms, DeadlineKind.POSITIONS, centre_id))

    def _tell_positions(self, centre_id: str) -> None:
        centre = self._centres.get(centre_id)
        if centre is None:
            return
        told = centre.shown
        changed = [
            (place[2], ahead) for ahead, place in enumerate(centre.line) if told.get(place[2]) != ahead
        ]
        if len(changed) >= _BULK:
            told = PersistentMap((place[2], ahead) for ahead, place in enumerate(centre.line))
        else:
            for ticket_id, ahead in changed:
                told = told.set(ticket_id, ahead)
        shown_at_ms = self._now if changed else centre.shown_at_ms
        self._centres = self._centres.set(
            centre_id, replace(centre, shown=told, shown_at_ms=shown_at_ms, flush_ms=None)
        )
        if changed:
            positions = tuple(
                q.Position(ticket_id, self._tickets[ticket_id].taxpayer_id, ahead)
                for ticket_id, ahead in changed
            )
            self._effects.append(q.PositionsChanged(centre_id, positions))

    def _tell_status(self, agent_id: str) -> None:
        old, new = self._before.agents.get(agent_id), self._agents.get(agent_id)
        was, now = _statuses(old), _statuses(new)
        if was != now:
            self._effects.append(q.AgentChanged(agent_id, now[0], self._reasons[agent_id], now[1]))

    def _tell_waited(self, ticket: Ticket, notice: WaitNotice) -> None:
        self._effects.append(
            q.WaitedTooLong(ticket.ticket_id, ticket.taxpayer_id, notice, self._now - ticket.joined_ms)
        )

    def _refuse(self, person_id: str, code: QueueErrorCode, ticket_id: str | None = None) -> None:
        self._effects.append(q.Refused(person_id, code, ticket_id))

    # Looking up

    def _ticket_of(self, taxpayer_id: str) -> Ticket | None:
        ticket_id = self._by_taxpayer.get(taxpayer_id)
        return self._tickets[ticket_id] if ticket_id is not None else None

    def _settings(self, centre_id: str) -> CentreSettings:
        centre = self._centres.get(centre_id)
        return centre.settings if centre is not None else CentreSettings()

    def _agent_settings(self, agent: Agent) -> CentreSettings:
        """Agents of several centres follow the first by id."""
        return self._settings(min(agent.centres)) if agent.centres else CentreSettings()

    def _next_place(self, place_class: PlaceClass, ticket_id: str) -> Place:
        self._arrivals += 1
        return (int(place_class), self._arrivals, ticket_id)


def _statuses(agent: Agent | None) -> tuple[AgentStatus, AgentStatus]:
    """Presented and chosen."""
    if agent is None:
        return AgentStatus.OFFLINE, AgentStatus.OFFLINE
    return agent.presented_status, agent.status


def is_in_line(ticket: Ticket) -> bool:
    if ticket.offer is not None:
        return not ticket.offer.directed
    return ticket.phase is TicketPhase.WAITING


def is_offerable(ticket: Ticket) -> bool:
    return ticket.phase is TicketPhase.WAITING and not ticket.dropped


def _where(
    ticket: Ticket | None, holds: Callable[[Ticket], bool]
) -> tuple[str, frozenset[str], Place] | None:
    return (ticket.centre_id, ticket.skills, ticket.place) if ticket is not None and holds(ticket) else None


def availability(agent: Agent) -> tuple[int, int, str]:
    return (agent.load, agent.idle_since_ms, agent.agent_id)


def _ticket_deadlines(ticket: Ticket | None) -> set[Deadline]:
    if ticket is None:
        return set()
    deadlines: set[Deadline] = {
        (until, int(DeadlineKind.DECLINE_PAUSE), ticket.ticket_id) for _, until in ticket.declined
    }
    if ticket.offer is not None:
        deadlines.add((ticket.offer.deadline_ms, int(DeadlineKind.OFFER), ticket.ticket_id))
    if ticket.gone_deadline_ms is not None:
        deadlines.add((ticket.gone_deadline_ms, int(DeadlineKind.TAXPAYER_GRACE), ticket.ticket_id))
    if ticket.wait_deadline_ms is not None:
        deadlines.add((ticket.wait_deadline_ms, int(DeadlineKind.WAIT), ticket.ticket_id))
    return deadlines


def _agent_deadlines(agent: Agent | None) -> set[Deadline]:
    if agent is None:
        return set()
    deadlines: set[Deadline] = {
        (until, int(DeadlineKind.WRAP_UP), agent.agent_id) for until, _ in agent.wrapping
    }
    if agent.gone_deadline_ms is not None:
        deadlines.add((agent.gone_deadline_ms, int(DeadlineKind.AGENT_GRACE), agent.agent_id))
    return deadlines


def _moved_deadlines(
    line: SortedLine[Deadline], old: set[Deadline], new: set[Deadline]
) -> SortedLine[Deadline]:
    for deadline in old - new:
        line = line.remove(deadline)
    for deadline in new - old:
        line = line.add(deadline)
    return line
