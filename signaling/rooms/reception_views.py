"""What is shown of the queue's one state: to who waits, to the desk, to supervisors."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.errors import ErrorCode, Refused
from signaling.rooms.clock import Clock
from signaling.rooms.kept import KeptTransfer
from signaling.rooms.ports import (
    CentreEntry,
    OrganisationPort,
    Outbound,
    Person,
    Profile,
    ProfilePort,
    RecordsPort,
)
from signaling.sessions.model import InteractionContext
from signaling.sessions.queue_states import Agent, AgentStatus, QueueState, Ticket, TicketPhase, WaitNotice
from signaling.sessions.states import QueuePhase, Role
from signaling.settings import SignalingSettings
from signaling.wire.present import context_view, profile_view
from signaling.wire.queue_views import AgentStateView, CentreView, DeskView, OfferView, TicketView


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of the taxpayer of a ticket. ``name`` is masked."""

    person_id: str
    name: str
    context: InteractionContext
    waiting_since: int
    notice: WaitNotice | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """Of a conversation being transferred. ``asked_at`` in milliseconds since the epoch."""

    note: str
    asked_at: int


@dataclass(frozen=True, slots=True)
class ReceptionPorts:
    settings: SignalingSettings
    organisation: OrganisationPort
    records: RecordsPort
    profiles: ProfilePort
    outbound: Outbound
    clock: Clock


class ReceptionViews:
    """The state, and what is seen of it. ``Reception`` alone changes it."""

    def __init__(self, ports: ReceptionPorts) -> None:
        self._ports = ports
        self._state = QueueState()
        self._centres: dict[str, CentreEntry] = {}
        self._visitors: dict[str, Visitor] = {}
        self._handovers: dict[str, Handover] = {}

    @property
    def state(self) -> QueueState:
        return self._state

    def waiting_since(self, ticket: Ticket) -> int:
        """For those who may serve them next: in a transfer, since it was asked for."""
        handover = self._handovers.get(ticket.ticket_id) if ticket.agent_id is not None else None
        return handover.asked_at if handover is not None else self._visitors[ticket.ticket_id].waiting_since

    def ticket_view(self, person_id: str) -> TicketView | None:
        ticket = self._ticket_of(person_id)
        return self._ticket_view(ticket) if ticket is not None else None

    def _ticket_view(self, ticket: Ticket) -> TicketView:
        visitor = self._visitors[ticket.ticket_id]
        serving = ticket.agent_id is not None
        phase = {
            TicketPhase.WAITING: QueuePhase.WAITING,
            TicketPhase.OFFERED: QueuePhase.OFFERED,
            TicketPhase.ASSIGNED: QueuePhase.SERVING,
        }[ticket.phase]
        return TicketView(
            ticket_id=ticket.ticket_id,
            phase=QueuePhase.SERVING if serving else phase,
            centre=self.centre_view(ticket.centre_id),
            ahead=None if serving else self._state.ahead(ticket.ticket_id),
            waiting_since=visitor.waiting_since,
            wait_notice=visitor.notice,
        )

    def desk_view(self, agent_id: str) -> DeskView:
        agent = self._state.agents.get(agent_id)
        if agent is None:
            staff = self._ports.organisation.staff(agent_id)
            return DeskView(
                signed_in=False,
                status=AgentStatus.OFFLINE,
                capacity=staff.capacity if staff is not None else 0,
                load=0,
                interactions=[],
                wrapping=[],
                wrapping_until=None,
                offer=None,
            )
        return DeskView(
            signed_in=True,
            status=agent.presented_status,
            capacity=agent.capacity,
            load=agent.load,
            interactions=sorted(agent.tickets),
            wrapping=[ticket_id for _, ticket_id in agent.wrapping],
            wrapping_until=max((until for until, _ in agent.wrapping), default=None),
            offer=self._offer_view(agent.offered) if agent.offered is not None else None,
        )

    def visitor(self, ticket_id: str) -> Visitor | None:
        return self._visitors.get(ticket_id)

    def profile(self, person_id: str, name: str) -> Profile:
        return self._ports.profiles.profile(person_id) or Profile(person_id, name)

    def centre_view(self, centre_id: str) -> CentreView:
        centre = self._centre(centre_id)
        return CentreView(centre_id=centre_id, name=centre.name if centre is not None else centre_id)

    def centre_name(self, centre_id: str) -> str | None:
        """Also before ``configure``."""
        found = self._ports.organisation.centres()
        return next((centre.name for centre in found if centre.centre_id == centre_id), None)

    def target_name(self, transfer: KeptTransfer) -> str:
        """Whom it is offered to, as people are told."""
        if transfer.to_agent is not None:
            return self.staff_number(transfer.to_agent)
        return self.centre_name(transfer.to_centre or "") or ""

    def centre_views(self) -> list[CentreView]:
        return [CentreView(centre_id=c.centre_id, name=c.name) for c in self._centres.values()]

    def agent_view(self, agent: Agent) -> AgentStateView:
        return AgentStateView(
            agent_id=agent.agent_id,
            staff_number=self.staff_number(agent.agent_id),
            centres=sorted(agent.centres),
            status=agent.presented_status,
            load=agent.load,
            capacity=agent.capacity,
        )

    def agent_views(self) -> list[AgentStateView]:
        """Everybody who is signed in."""
        return [self.agent_view(agent) for _, agent in sorted(self._state.agents.items())]

    def staff_number(self, agent_id: str) -> str:
        staff = self._ports.organisation.staff(agent_id)
        return staff.staff_number if staff is not None else agent_id

    def supervised_centres(self, person: Person) -> frozenset[str]:
        """Raises ``not_allowed`` for who supervises nothing."""
        staff = self._ports.organisation.staff(person.person_id)
        if person.role is not Role.SUPERVISOR or staff is None or not staff.centres:
            raise Refused(ErrorCode.NOT_ALLOWED)
        return staff.centres

    def _offer_view(self, ticket_id: str) -> OfferView | None:
        ticket, visitor = self._state.tickets.get(ticket_id), self._visitors.get(ticket_id)
        if ticket is None or visitor is None or ticket.offer is None:
            return None
        transfer, handover = ticket.agent_id is not None, self._handovers.get(ticket_id)
        return OfferView(
            ticket_id=ticket_id,
            centre=self.centre_view(ticket.centre_id),
            profile=profile_view(self.profile(visitor.person_id, visitor.name)),
            context=context_view(visitor.context),
            waiting_since=self.waiting_since(ticket),
            deadline=ticket.offer.deadline_ms,
            transfer=transfer,
            from_staff_number=self.staff_number(ticket.agent_id) if ticket.agent_id is not None else None,
            note=handover.note if transfer and handover is not None else "",
        )

    def _centre(self, centre_id: str) -> CentreEntry | None:
        return self._centres.get(centre_id)

    def _ticket_of(self, person_id: str) -> Ticket | None:
        ticket_id = self._state.by_taxpayer.get(person_id)
        return self._state.tickets.get(ticket_id) if ticket_id is not None else None
