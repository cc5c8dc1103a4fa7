"""What the signalling floor needs from outside; the top floor implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from signaling.rooms.kept import ClosedInteraction, Kept, KeptAudit, OpenWork
from signaling.rooms.kept_meetings import KeptOfMeetings, OpenMediations
from signaling.sessions.confirmation import ConfirmationForm, Step
from signaling.sessions.model import FileRef, Message, RecordedTrack
from signaling.sessions.policy import SessionKind
from signaling.sessions.queue_states import CentreSettings
from signaling.sessions.states import Role
from signaling.wire.base import Notification


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on the other end of a connection, as the signed token said.

    ``display_name`` is already what others may see: masked for a taxpayer, a staff number for staff.
    ``expires_at`` is in seconds since the epoch.
    """

    person_id: str
    role: Role
    display_name: str
    authority: str | None
    region: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An agent of the directory, signed in or not."""

    person_id: str
    staff_number: str
    authority: str


@dataclass(frozen=True, slots=True)
class IceServer:
    """RTCIceServer (W3C WebRTC §4.2.4)."""

    urls: Sequence[str]
    username: str | None = None
    credential: str | None = None


class Authenticator(Protocol):
    async def authenticate(self, token: str) -> Person:
        """Raises ``signaling.errors.DomainError`` with ``token_invalid``, ``token_expired`` or ``token_foreign``."""


class AgentDirectory(Protocol):
    async def agents(self) -> Sequence[AgentEntry]:
        """Agents one can call directly."""


class IceServerSource(Protocol):
    def ice_servers(self, person_id: str) -> Sequence[IceServer]:
        """STUN/TURN servers with time-limited credentials for this person; empty without a relay."""


class SeatStore(Protocol):
    """Who sits with which agent. One node keeps it in memory, several in a shared store."""

    async def claim(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        """Take the seat unless another interaction holds it; taking it twice is once."""

    async def is_free(self, agent_id: str, kind: SessionKind, interaction_id: str) -> bool:
        """Whether ``claim`` would succeed now."""

    def release(self, agent_id: str, kind: SessionKind, interaction_id: str) -> None:
        """Nothing when another holds it. Never fails: a store that is away releases when it is back."""

    async def is_busy(self, agent_id: str) -> bool:
        """Whether any seat of the agent is taken."""


class Outbound(Protocol):
    """The way to a person, wherever connected; to nobody when they are not."""

    def notify(self, person_id: str, notification: Notification) -> None:
        """Never blocks, never raises; what one person is told arrives in the order it was told."""

    def is_online(self, person_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened in a session, for the record: never a name, a text or an address.

    ``kind`` is e.g. ``interaction_opened``, ``assistance_started``, ``call_ended``.
    """

    kind: str
    interaction_id: str
    person_id: str | None
    at_ms: int
    reason: str | None = None


class Recorder(Protocol):
    def record(self, fact: Fact) -> None:
        """Never blocks, never raises."""


class CallRecorder(Protocol):
    """Records the media of calls beside their forwarding. Never blocks, never raises: a call does not end for its
    recording."""

    def begin(self, recording_id: str, room_id: str) -> None: ...

    def record(self, recording_id: str, track: RecordedTrack) -> None:
        """A track of the room that has arrived, from its next key frame on."""

    def leave(self, recording_id: str, track: RecordedTrack) -> None:
        """Nothing of it is recorded from now on."""

    def end(self, recording_id: str) -> None:
        """Idempotent."""


class SignalingMetrics(Protocol):
    """Figures the signalling floor reports; the top floor turns them into Prometheus series."""

    def connections(self, delta: int) -> None: ...

    def interactions(self, delta: int) -> None: ...

    def request(self, event: str, outcome: str, seconds: float) -> None:
        """``outcome`` is ``ok`` or an error code."""

    def joined(self, seconds: float) -> None:
        """From ``media.publish`` or ``media.subscribe`` to the transport being connected."""


@dataclass(frozen=True, slots=True)
class CentreEntry:
    """An operating centre as the queue needs it. ``greeting`` has the placeholder ``{staff_number}``."""

    centre_id: str
    name: str
    queue: CentreSettings = field(default_factory=CentreSettings)
    greeting: str = "您好，工号{staff_number}为您服务，请问有什么可以帮您？"


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """An agent or a supervisor of the organisation; ``capacity`` is how many conversations at once."""

    person_id: str
    staff_number: str
    role: Role
    centres: frozenset[str]
    skills: frozenset[str] = frozenset()
    capacity: int = 1
    authority: str = ""
    """Region code of the authority they belong to."""


@dataclass(frozen=True, slots=True)
class AuthorityEntry:
    """A tax authority of the tree. ``code`` is the region code, ``parent`` that of the authority above."""

    code: str
    name: str
    parent: str | None = None


class OrganisationPort(Protocol):
    """Authorities, centres and people, from memory. After a change call ``Gateway.organisation_changed``."""

    def centre_for(self, authority: str | None) -> CentreEntry | None:
        """The centre that serves an authority, given by name or region code."""

    def centres(self) -> Sequence[CentreEntry]: ...

    def authorities(self) -> Sequence[AuthorityEntry]:
        """The whole tree, in order of region code."""

    def agents_of_province(self, authority: str) -> Sequence[StaffEntry]:
        """Everybody who may handle what an authority, given by region code, cannot finish at once."""

    def is_open(self, centre_id: str, now_ms: int) -> bool:
        """Working hours and holidays; False for an unknown centre."""

    def staff(self, person_id: str) -> StaffEntry | None: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """A taxpayer as staff may see them: everything masked."""

    person_id: str
    name: str
    phone: str | None = None
    company: str | None = None
    authority: str | None = None
    region: str | None = None


class ProfilePort(Protocol):
    def profile(self, person_id: str) -> Profile | None:
        """From memory: what the person's tokens said; None when they have not been seen since the start."""


class RecordsUnavailable(Exception):
    """The record could not be written or read just now. Carries nothing private."""


class RecordsPort(Protocol):
    """The lasting record. All times in ms since the epoch."""

    def keep(self, *things: Kept) -> None:
        """When it returns they will be in the record, whatever happens to this process; all of them or none, in order.
        Never waits for a database. Raises ``RecordsUnavailable``: then nothing may be acknowledged."""

    async def restore(self, kept_messages: int) -> OpenWork:
        """What was open when the server stopped; called once, at the start."""

    async def last_agent(self, taxpayer_id: str) -> str | None:
        """Who served this taxpayer last. Raises ``RecordsUnavailable``, soon: somebody waits for a place in the queue."""

    async def messages(
        self, interaction_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        """In order: the last ones before ``before_seq``, or the first ones after ``after_seq``, or the last of all.
        Raises ``RecordsUnavailable``."""

    async def closed(self, interaction_id: str) -> ClosedInteraction | None:
        """An interaction that is over; None for an unknown or an open one. Raises ``RecordsUnavailable``."""

    async def to_finish(self, person_id: str, closed_after: int) -> Sequence[ClosedInteraction]:
        """Closed after that time and not yet rated by this taxpayer, or not wrapped up by this agent; newest first, at
        most 10. May lag a moment behind. Raises ``RecordsUnavailable``, soon: somebody waits for the welcome."""


class MeetingRecordsPort(Protocol):
    """The lasting record of mediation applications and meetings."""

    def keep_meeting(self, *things: KeptOfMeetings | KeptAudit) -> None:
        """As ``RecordsPort.keep``."""

    async def open_meetings(self, kept_messages: int) -> OpenMediations:
        """What was not over when the server stopped; called once, at the start, after ``RecordsPort.restore``."""

    async def meeting_messages(
        self, meeting_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> Sequence[Message]:
        """As ``RecordsPort.messages``."""


class ConfirmationRecordsPort(Protocol):
    """The lasting record of service confirmation forms."""

    def keep_confirmation(self, form: ConfirmationForm, steps: Sequence[Step]) -> None:
        """The form as it is now, with the steps that are new. As ``RecordsPort.keep``."""

    async def open_confirmations(self) -> Sequence[ConfirmationForm]:
        """Those that were not over when the server stopped; called once, at the start."""

    async def confirmation(self, confirmation_id: str) -> ConfirmationForm | None:
        """Raises ``RecordsUnavailable``."""

    async def confirmations_of(self, person_id: str, limit: int) -> Sequence[ConfirmationForm]:
        """Those that concern a person, newest first. Raises ``RecordsUnavailable``."""


class FilesPort(Protocol):
    async def stored(self, file_id: str, interaction_id: str, sender_id: str) -> FileRef | None:
        """A file that was taken in whole and found good, of this interaction and sent by this person; else None.
        Raises ``RecordsUnavailable``."""
