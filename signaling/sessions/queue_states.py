"""The words of the queue: tickets, agents, centres, and the state that holds them.

A *ticket* is one taxpayer's wish for a person (H1). It is in exactly one phase, or gone. All times are milliseconds of one
clock that the caller reads; nothing here reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from signaling.sessions.persistent import PersistentMap, SortedLine


class TicketPhase(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    """Rings at one agent; keeps its place in the line until somebody has accepted."""
    ASSIGNED = "assigned"


class AgentStatus(StrEnum):
    FREE = "free"
    BUSY = "busy"
    AWAY = "away"
    AFTER_WORK = "after_work"
    OFFLINE = "offline"


class PlaceClass(IntEnum):
    """Which tickets go before which; within a class, order of arrival."""

    HEAD = 0
    """Handed on by an agent, or its agent was lost: these people have waited already."""
    ORDINARY = 1


class QueueErrorCode(StrEnum):
    """Stable codes of refusals; the sentences are in ``QUEUE_SENTENCES``."""

    QUEUE_CLOSED = "queue_closed"
    QUEUE_NO_AGENT = "queue_no_agent"
    QUEUE_NO_CENTRE = "queue_no_centre"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    WRONG_PHASE = "wrong_phase"
    AGENT_BUSY = "agent_busy"
    AGENT_OFFLINE = "agent_offline"


QUEUE_SENTENCES: dict[QueueErrorCode, str] = {
    QueueErrorCode.QUEUE_CLOSED: "当前不在人工服务时间，您可以留言或预约。",
    QueueErrorCode.QUEUE_NO_AGENT: "当前没有坐席人员在线，您可以留言或预约。",
    QueueErrorCode.QUEUE_NO_CENTRE: "暂无可受理运营中心，请联系管理员配置",
}


class GoneReason(StrEnum):
    CANCELLED = "cancelled"
    TAXPAYER_LEFT = "taxpayer_left"
    SERVED = "served"
    CENTRE_REMOVED = "centre_removed"


class OfferEnd(StrEnum):
    """Why an offer stopped ringing without being accepted."""

    SILENT = "silent"
    DECLINED = "declined"
    AGENT_DROPPED = "agent_dropped"
    AGENT_UNAVAILABLE = "agent_unavailable"
    """The agent signed out or chose another status."""
    TICKET_GONE = "ticket_gone"
    TRANSFER_CANCELLED = "transfer_cancelled"


class AssignedBy(StrEnum):
    ACCEPTED = "accepted"
    PICKED = "picked"
    TRANSFER_FAILED = "transfer_failed"
    """Back with the agent who had offered it to another."""


class StatusReason(StrEnum):
    CHOSEN = "chosen"
    MISSED_OFFER = "missed_offer"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    CONNECTION_LOST = "connection_lost"
    LOAD = "load"
    """The number of conversations changed it, nobody chose it."""


class WaitNotice(StrEnum):
    TIMEOUT = "timeout"
    NO_AGENT = "no_agent"
    """The last agent who could serve this ticket has signed out."""


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """Settings of one operating centre, durations in ms. ``after_work_ms`` = 0 means no after-work time."""

    wait_timeout_ms: int = 180_000
    offer_ring_ms: int = 20_000
    grace_ms: int = 30_000
    decline_pause_ms: int = 15_000
    after_work_ms: int = 0
    positions_interval_ms: int = 1_000
    max_passed_over: int = 5
    """How often those last served by an agent may go before the ticket whose turn it is."""


Place = tuple[int, int, str]
"""Where a ticket stands: class, arrival number, ticket id."""


@dataclass(frozen=True, slots=True)
class Offer:
    agent_id: str
    deadline_ms: int
    directed: bool = False
    """A transfer to this very agent; if it fails the ticket goes back to whoever holds it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    ticket_id: str
    """The interaction id: one ticket per human service session."""
    taxpayer_id: str
    centre_id: str
    skills: frozenset[str]
    place: Place
    joined_ms: int
    phase: TicketPhase = TicketPhase.WAITING
    last_agent: str | None = None
    offer: Offer | None = None
    agent_id: str | None = None
    """Who serves it, or while it is being transferred who still holds it."""
    served_by: tuple[str, ...] = ()
    declined: tuple[tuple[str, int], ...] = ()
    """Agents who are not asked again before the given time."""
    passed_over: int = 0
    wait_deadline_ms: int | None = None
    gone_deadline_ms: int | None = None
    """Set while the taxpayer's line is dropped."""

    @property
    def dropped(self) -> bool:
        return self.gone_deadline_ms is not None


@dataclass(frozen=True, slots=True)
class Agent:
    agent_id: str
    centres: frozenset[str]
    skills: frozenset[str]
    capacity: int
    status: AgentStatus
    connected: bool
    idle_since_ms: int
    offered: str | None = None
    tickets: frozenset[str] = frozenset()
    """Assigned to them, or held by them while a transfer runs."""
    wrapping: tuple[tuple[int, str], ...] = ()
    """After-work time by conversation: until when, ticket id. Each keeps a place of the capacity taken."""
    guesting: frozenset[str] = frozenset()
    """Conversations of others in which they are a guest: each takes a place, as long as they are in it."""
    gone_deadline_ms: int | None = None

    @property
    def talking(self) -> frozenset[str]:
        return self.tickets | self.guesting

    @property
    def live(self) -> int:
        return len(self.talking) + (self.offered is not None)

    @property
    def load(self) -> int:
        return self.live + len(self.wrapping)

    @property
    def available(self) -> bool:
        """May be offered a ticket now. One ring at a time."""
        return (
            self.connected
            and self.status is AgentStatus.FREE
            and self.offered is None
            and self.load < self.capacity
        )

    @property
    def presented_status(self) -> AgentStatus:
        """What others see: a free agent without a place left is busy, or in after-work if only that is left."""
        if self.status is not AgentStatus.FREE or len(self.talking) + len(self.wrapping) < self.capacity:
            return self.status
        return AgentStatus.BUSY if self.talking else AgentStatus.AFTER_WORK


@dataclass(frozen=True, slots=True)
class Centre:
    """One line of people. ``groups`` holds what may be offered, by the skills it needs."""

    centre_id: str
    settings: CentreSettings
    line: SortedLine[Place] = field(default_factory=SortedLine)
    """Waiting and offered, in order: this is what positions are counted in."""
    groups: dict[frozenset[str], SortedLine[Place]] = field(default_factory=dict)
    agents: frozenset[str] = frozenset()
    available: SortedLine[tuple[int, int, str]] = field(default_factory=SortedLine)
    """Load, idle since, agent id: the least loaded, then the longest idle, is asked first."""
    shown: PersistentMap[int] = field(default_factory=PersistentMap)
    """The position each taxpayer was last told."""
    shown_at_ms: int | None = None
    flush_ms: int | None = None
    """When changed positions will be told; None when all told ones are true."""


Deadline = tuple[int, int, str]
"""When, what (``DeadlineKind``), of which ticket, agent or centre."""


class DeadlineKind(IntEnum):
    OFFER = 0
    TAXPAYER_GRACE = 1
    AGENT_GRACE = 2
    WRAP_UP = 3
    DECLINE_PAUSE = 4
    WAIT = 5
    POSITIONS = 6


@dataclass(frozen=True, slots=True)
class QueueState:
    tickets: PersistentMap[Ticket] = field(default_factory=PersistentMap)
    by_taxpayer: PersistentMap[str] = field(default_factory=PersistentMap)
    agents: PersistentMap[Agent] = field(default_factory=PersistentMap)
    centres: PersistentMap[Centre] = field(default_factory=PersistentMap)
    returning: PersistentMap[SortedLine[Place]] = field(default_factory=PersistentMap)
    """Offerable tickets by the agent who served that taxpayer last."""
    deadlines: SortedLine[Deadline] = field(default_factory=SortedLine)
    arrivals: int = 0

    def next_deadline_ms(self) -> int | None:
        """When ``Tick`` must be handled at the latest; ask again after each command."""
        first = self.deadlines.first()
        return first[0] if first is not None else None

    def ahead(self, ticket_id: str) -> int | None:
        """The true number of people before this ticket; None when it is in no line."""
        ticket = self.tickets.get(ticket_id)
        centre = self.centres.get(ticket.centre_id) if ticket is not None else None
        if ticket is None or centre is None or ticket.place not in centre.line:
            return None
        return centre.line.count_before(ticket.place)
