"""In and out of Socket.IO: the one public entry of the signalling floor for the application.

Long because it composes the whole floor and knows every scope of connection; what each does is elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from media.control import MediaControl
from signaling.connections import Connection, Connections, Limits
from signaling.dispatcher import Counters, Dispatcher
from signaling.errors import BadInput, DomainError, ErrorCode, IdentityError, RateLimited, Refused
from signaling.meeting_dispatcher import MeetingDispatcher
from signaling.outbox import Outbox, answer_text, refusal_text
from signaling.ratelimit import Buckets, TokenBucket
from signaling.rooms import keeping
from signaling.rooms.absent import AnybodysProfile, NoFiles, NoOrganisation
from signaling.rooms.aftercare import Aftercare
from signaling.rooms.checks import Checks
from signaling.rooms.clock import Clock, SystemClock
from signaling.rooms.confirmation_memory import MemoryConfirmations
from signaling.rooms.confirmations import Confirmations
from signaling.rooms.directory import RoomDirectory
from signaling.rooms.invitations import Invitations
from signaling.rooms.live_room import RoomPorts
from signaling.rooms.meeting_memory import MemoryMeetings
from signaling.rooms.meetings import Meetings
from signaling.rooms.memory import MemoryRecords
from signaling.rooms.ports import (
    AgentDirectory,
    AgentEntry,
    Authenticator,
    CallRecorder,
    ConfirmationRecordsPort,
    FilesPort,
    IceServerSource,
    MeetingRecordsPort,
    OrganisationPort,
    Person,
    ProfilePort,
    Recorder,
    RecordsPort,
    SeatStore,
    SignalingMetrics,
)
from signaling.rooms.reception import Reception
from signaling.rooms.reception_views import ReceptionPorts
from signaling.rooms.room import Ask, Room
from signaling.rooms.seats import LocalSeats
from signaling.sessions import commands
from signaling.sessions.model import InteractionState
from signaling.sessions.policy import SessionKind
from signaling.sessions.states import InteractionPhase, Role, TransferPhase
from signaling.settings import SignalingSettings
from signaling.transport import MessageServer, peer_address
from signaling.wire import requests
from signaling.wire.base import WIRE_VERSION, ConnectionScope, Request, WireModel
from signaling.wire.centre_notifications import CentreChanged
from signaling.wire.notifications import SessionClosed, Welcome
from signaling.wire.present import ice_server_views, person_view
from signaling.wire.translate import parse_handshake, parse_request, to_wire_error
from signaling.wire.views import InteractionView

_log = logging.getLogger(__name__)

_COSTLY = (
    requests.Publish,
    requests.Subscribe,
    requests.AnswerSubscribe,
    requests.GetInteraction,
    requests.ListMessages,
    requests.ListSupervised,
    requests.ListInvitationTargets,
    requests.OpenCollaboration,
    requests.ListConfirmations,
    requests.EnterMeeting,
    requests.GetNotes,
    requests.EditNotes,
    requests.StartCheck,
)
CENTRE_TABS = 8
"""So many pages of the personal centre, or of its staff side, one has open at once."""
_EVENT_NAMES = frozenset(request.EVENT for request in requests.REQUESTS)


class Gateway:
    """Composition: ``Gateway(...)``, ``attach(app)``, ``await start()``; at the end ``await drain(deadline_s)`` and
    ``await stop()``. ``media`` is started and stopped by who made it: before ``start`` and after ``stop``."""

    def __init__(
        self,
        settings: SignalingSettings,
        *,
        authenticator: Authenticator,
        agents: AgentDirectory,
        ice_servers: IceServerSource,
        media: MediaControl,
        recorder: Recorder,
        metrics: SignalingMetrics,
        organisation: OrganisationPort | None = None,
        records: RecordsPort | None = None,
        meeting_records: MeetingRecordsPort | None = None,
        confirmation_records: ConfirmationRecordsPort | None = None,
        profiles: ProfilePort | None = None,
        files: FilesPort | None = None,
        call_recorder: CallRecorder | None = None,
        seats: SeatStore | None = None,
        clock: Clock | None = None,
        address_of: Callable[[web.Request], str] = peer_address,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        """Without ``organisation`` there is no queue, without ``records`` everything is in memory alone, without
        ``files`` none can be sent. ``new_id`` makes ids of interactions and resume tokens; it must not be guessable
        outside a test. ``address_of`` tells whom bad tokens are counted for."""
        self._settings = settings
        self._authenticator = authenticator
        self._metrics = metrics
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._connections = Connections()
        self._meeting_connections = Connections()
        self._centre_connections = Connections(CENTRE_TABS)
        self._check_connections = Connections()
        self._ports = RoomPorts(
            settings=settings,
            media=media,
            outbound=self._connections,
            recorder=recorder,
            records=records or MemoryRecords(),
            metrics=metrics,
            seats=seats or LocalSeats(),
            ice_servers=ice_servers,
            clock=self._clock,
            call_recorder=call_recorder,
        )
        self._rooms = RoomDirectory(self._ports, new_id)
        self._reception = Reception(
            ReceptionPorts(
                settings=settings,
                organisation=organisation or NoOrganisation(),
                records=self._ports.records,
                profiles=profiles or AnybodysProfile(),
                outbound=self._connections,
                clock=self._clock,
            ),
            self._rooms,
            new_id,
        )
        self._aftercare = Aftercare(self._ports.records, self._clock)
        self._rooms.on_closed = self._closed
        self._invitations = Invitations(
            organisation or NoOrganisation(),
            self._reception,
            self._rooms,
            outbound=self._connections,
            clock=self._clock,
            new_id=new_id,
        )
        self.confirmations = Confirmations(
            self._ports,
            self._rooms,
            organisation or NoOrganisation(),
            records=confirmation_records or MemoryConfirmations(),
            files=files or NoFiles(),
            new_id=new_id,
        )
        counters = Counters(
            reception=self._reception,
            aftercare=self._aftercare,
            invitations=self._invitations,
            confirmations=self.confirmations,
            agents=agents,
            files=files or NoFiles(),
        )
        self._dispatcher = Dispatcher(self._ports, self._rooms, counters)
        meeting_ports = replace(self._ports, outbound=self._meeting_connections)
        kept_meetings = meeting_records or MemoryMeetings()
        self.meetings = Meetings(
            meeting_ports,
            kept_meetings,
            organisation or NoOrganisation(),
            new_id,
            service=self._connections,
        )
        self._meeting_dispatcher = MeetingDispatcher(meeting_ports, self.meetings, kept_meetings)
        self._checks = Checks(replace(self._ports, outbound=self._check_connections), new_id)
        self._server = MessageServer(settings, self)
        self._connects = Buckets(settings.rates.connects)
        self._bad_tokens = Buckets(settings.rates.bad_tokens)
        self._address_of = address_of
        self._accepting = False

    def attach(self, app: web.Application) -> None:
        """Add the Socket.IO route at ``settings.path``."""
        self._server.attach(app, socketio_path=self._settings.path)

    async def start(self) -> None:
        """Take up what was open when the server stopped, then begin to take connections; before it they are refused
        with ``server_stopping``. Raises ``RecordsUnavailable`` when that cannot be read."""
        await self._restore()
        self._accepting = True

    async def _restore(self) -> None:
        settings, now_ms = self._settings.sessions, self._clock.now_ms()
        work = await self._ports.records.restore(settings.kept_messages)
        for known in work.interactions:
            centre_id = known.interaction.centre_id
            name = self._reception.centre_name(centre_id) if centre_id is not None else None
            target = self._reception.target_name(known.transfer) if known.transfer is not None else ""
            state = keeping.restored(known, settings, name, now_ms, target)
            if state is None:
                _log.error("too little was kept of it", extra={"room_id": known.interaction.interaction_id})
                continue
            await self._take_seats(state)
            room = self._rooms.begin_again(state)
            if state.transfer is not None and state.transfer.to_agent is not None:
                room.report(commands.TransferEnded(TransferPhase.TIMED_OUT))
        self._reception.restore(work)
        await self.confirmations.restore()
        await self.meetings.restore()

    async def _take_seats(self, state: InteractionState) -> None:
        agent_id = state.of_role(Role.AGENT).person_id
        if state.assistance.running:
            await self._ports.seats.claim(agent_id, SessionKind.ASSISTANCE, state.interaction_id)
        if state.call.running:
            await self._ports.seats.claim(agent_id, SessionKind.CALL, state.interaction_id)

    def organisation_changed(self) -> None:
        """Centres or their settings are others now. People are looked up anew when they sign in."""
        self._reception.configure()

    def tell_centre(self, person_id: str, changed: CentreChanged) -> None:
        """On every page of the personal centre, or of its staff side, the person has open. The window and the desk, which
        lead there, are told the counts alone."""
        self._centre_connections.notify(person_id, changed)
        if changed.unread is not None:
            self._connections.notify(person_id, changed)

    def people_there(self) -> set[str]:
        """Who has a page open that shows what is unread."""
        return {*self._connections.people(), *self._centre_connections.people()}

    async def begin_interaction(self, taxpayer_id: str, agent_id: str, staff_number: str) -> str:
        """Without the queue, at an appointed time: the id of the interaction. Raises ``Refused``: ``taxpayer_offline``,
        and what ``RoomDirectory.open`` raises."""
        taxpayer = self._connections.person(taxpayer_id)
        if taxpayer is None or taxpayer.role is not Role.TAXPAYER:
            raise Refused(ErrorCode.TAXPAYER_OFFLINE)
        if self._dispatcher.draining:
            raise Refused(ErrorCode.SERVER_STOPPING)
        room = await self._rooms.open(taxpayer, AgentEntry(agent_id, staff_number, ""))
        return room.interaction_id

    def files_of(self, interaction_id: str, person_id: str) -> bool:
        """Whether this person is in this interaction now: may send files to it, and read its own."""
        room = self._rooms.get(interaction_id)
        return room is not None and room.state.find(person_id) is not None

    def _closed(self, room: Room) -> None:
        self._aftercare.add(room)
        self._reception.conversation_ended(room)
        if room.state.phase is InteractionPhase.CLOSED:
            self.confirmations.conversation_closed(room.interaction_id)

    async def drain(self, deadline_s: float) -> None:
        """Refuse new interactions and calls; return when none is running any more or ``deadline_s`` has passed."""
        self._refuse_new()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rooms.rest(), deadline_s)

    async def stop(self) -> None:
        """End everything with ``server_stopping`` in the order of CLOSURES.md. Idempotent."""
        self._accepting = False
        self._refuse_new()
        self._checks.stop()
        await asyncio.gather(self._rooms.close_all(), self.meetings.stop())
        self._reception.stop()
        for connection in [one for scope in ConnectionScope for one in self._known(scope).all()]:
            self._dismiss(connection, Refused(ErrorCode.SERVER_STOPPING))
        await self._server.closed()

    def _refuse_new(self) -> None:
        self._dispatcher.draining = self._meeting_dispatcher.draining = self._checks.draining = True

    async def on_connect(self, transport_id: str, auth: object, request: web.Request) -> None:
        if not self._accepting:
            raise Refused(ErrorCode.SERVER_STOPPING)
        handshake = parse_handshake(auth)
        if handshake.version != WIRE_VERSION:
            raise BadInput(ErrorCode.VERSION_UNSUPPORTED)
        if not handshake.token:
            raise IdentityError(ErrorCode.TOKEN_MISSING)
        person = await self._authenticate(handshake.token, self._address_of(request))
        now_ms = self._clock.now_ms()
        if person.expires_at * 1000 <= now_ms:
            raise IdentityError(ErrorCode.TOKEN_EXPIRED)
        wait_ms = self._connects.of(person.person_id, now_ms).take(now_ms)
        if wait_ms is not None:
            raise RateLimited(wait_ms)
        rates = self._settings.rates
        known = self._known(handshake.scope)
        connection = Connection(
            transport_id=transport_id,
            person=person,
            outbox=Outbox(
                self._server,
                transport_id,
                self._settings.outbox_messages,
                lambda: self._server.close(transport_id, flush=False),
            ),
            limits=Limits(
                messages=TokenBucket(rates.messages, now_ms),
                texts=TokenBucket(rates.texts, now_ms),
                costly=TokenBucket(rates.costly, now_ms),
                refusals=TokenBucket(rates.refusals, now_ms),
            ),
            resume_token=self._new_id(),
            resumed=known.resume(person.person_id, handshake.resume_token),
            scope=handshake.scope,
        )
        older = known.add(connection)
        self._metrics.connections(1)
        if older is not None:
            self._dismiss(older, Refused(ErrorCode.SIGNED_IN_ELSEWHERE))

    async def _authenticate(self, token: str, address: str) -> Person:
        """Whoever keeps trying tokens waits; the right ones of their neighbours wait with them, for seconds."""
        now_ms = self._clock.now_ms()
        bucket = self._bad_tokens.of(address, now_ms)
        wait_ms = bucket.wait_ms(now_ms)
        if wait_ms is not None:
            raise RateLimited(wait_ms)
        try:
            return await self._authenticator.authenticate(token)
        except IdentityError:
            bucket.take(now_ms)
            raise

    async def on_connected(self, transport_id: str) -> None:
        connection = self._find(transport_id)
        if connection is None:
            self._server.close(transport_id)  # replaced before it was even welcomed
            return
        async with connection.turn:
            await self._welcome(connection)
        if not self._server.is_alive(transport_id):
            # It died while it was let in, when the library does not tell yet.
            self._server.close(transport_id)
            await self.on_disconnect(transport_id)
        elif self._find(transport_id) is connection:
            connection.expiry = self._clock.call_at(
                connection.person.expires_at * 1000,
                lambda: self._dismiss(connection, IdentityError(ErrorCode.TOKEN_EXPIRED)),
            )

    async def _welcome(self, connection: Connection) -> None:
        person = connection.person
        if connection.scope is ConnectionScope.MEETING:
            self.meetings.connected(person.person_id, resumed=connection.resumed)
        if connection.scope is not ConnectionScope.SERVICE:
            connection.outbox.welcome(self._plain_welcome(connection))
            return
        rooms = self._rooms.connected(person.person_id, resumed=connection.resumed)
        self._reception.connected(person)
        views = [view for room in rooms if (view := await self._view_of(room, person.person_id))]
        aftercare = await self._aftercare.views(person.person_id, person.role)
        is_agent = person.role is Role.AGENT
        connection.outbox.welcome(
            Welcome(
                version=WIRE_VERSION,
                person=person_view(person),
                resume_token=connection.resume_token,
                resumed=connection.resumed,
                interactions=views,
                ice_servers=ice_server_views(self._ports.ice_servers.ice_servers(person.person_id)),
                ticket=self._reception.ticket_view(person.person_id),
                desk=self._reception.desk_view(person.person_id) if is_agent else None,
                waiting=self._reception.waiting_views(person.person_id) if is_agent else [],
                aftercare=aftercare,
                rings=self._invitations.rings(person.person_id) if is_agent else [],
                confirmations=self.confirmations.of_person(person.person_id),
            )
        )
        self.meetings.announce(person.person_id)

    def _plain_welcome(self, connection: Connection) -> Welcome:
        """A meeting is told by ``meeting.enter``, a check by ``check.start``; the personal centre asks over HTTP."""
        person = connection.person
        return Welcome(
            version=WIRE_VERSION,
            person=person_view(person),
            resume_token=connection.resume_token,
            resumed=connection.resumed,
            interactions=[],
            ice_servers=[]
            if connection.scope is ConnectionScope.CENTRE
            else ice_server_views(self._ports.ice_servers.ice_servers(person.person_id)),
        )

    def _known(self, scope: ConnectionScope) -> Connections:
        match scope:
            case ConnectionScope.SERVICE:
                return self._connections
            case ConnectionScope.MEETING:
                return self._meeting_connections
            case ConnectionScope.CENTRE:
                return self._centre_connections
            case ConnectionScope.CHECK:
                return self._check_connections

    def _find(self, transport_id: str) -> Connection | None:
        return (
            self._connections.find(transport_id)
            or self._meeting_connections.find(transport_id)
            or self._centre_connections.find(transport_id)
            or self._check_connections.find(transport_id)
        )

    async def on_disconnect(self, transport_id: str) -> None:
        connection = self._find(transport_id)
        if connection is None:
            return
        connection.outbox.close()
        if connection.expiry is not None:
            connection.expiry.cancel()
        self._metrics.connections(-1)
        if not self._known(connection.scope).remove(connection):
            return
        if connection.scope is ConnectionScope.MEETING:
            self.meetings.disconnected(connection.person.person_id)
        elif connection.scope is ConnectionScope.CHECK:
            self._checks.disconnected(connection.person.person_id)
        elif connection.scope is ConnectionScope.SERVICE:
            self._rooms.disconnected(connection.person.person_id)
            self._reception.disconnected(connection.person)

    async def on_event(self, transport_id: str, event: str, payload: str, ack_id: int | None) -> None:
        connection = self._find(transport_id)
        if connection is None:
            return
        async with connection.turn:
            await self._handle(connection, event, payload, ack_id)

    def on_refused(self, transport_id: str, ack_id: int | None, error: DomainError) -> None:
        connection = self._find(transport_id)
        if connection is None:
            return
        try:
            self._limit(connection, connection.limits.messages)
        except DomainError as limited:
            error = limited
        self._answer(connection, ack_id, error)
        self._count_refusal(connection)

    async def _handle(self, connection: Connection, event: str, payload: str, ack_id: int | None) -> None:
        began = time.perf_counter()
        outcome = "ok"

        def respond(response: WireModel | BaseException) -> None:
            nonlocal outcome
            if isinstance(response, BaseException):
                outcome = self._answer(connection, ack_id, response)
            elif ack_id is not None:
                connection.outbox.acknowledge(ack_id, answer_text(response))

        try:
            self._limit(connection, connection.limits.messages)
            request = self._parse(connection, event, payload)
            if connection.scope is ConnectionScope.CENTRE:
                raise Refused(ErrorCode.UNKNOWN_MESSAGE)
            await self._dispatcher_of(connection.scope).dispatch(connection.person, request, respond)
        except DomainError as error:
            respond(error)
            self._count_refusal(connection)
        except Exception as error:  # a fault of ours is answered like any other refusal
            respond(error)
        name = event if event in _EVENT_NAMES else "unknown"
        self._metrics.request(name, outcome, time.perf_counter() - began)

    def _dispatcher_of(self, scope: ConnectionScope) -> Dispatcher | MeetingDispatcher | Checks:
        match scope:
            case ConnectionScope.MEETING:
                return self._meeting_dispatcher
            case ConnectionScope.CHECK:
                return self._checks
            case _:
                return self._dispatcher

    def _parse(self, connection: Connection, event: str, payload: str) -> Request:
        request = parse_request(event, payload)
        if isinstance(request, requests.SendMessage):
            self._limit(connection, connection.limits.texts)
        elif isinstance(request, _COSTLY):
            self._limit(connection, connection.limits.costly)
        return request

    def _answer(self, connection: Connection, ack_id: int | None, error: BaseException) -> str:
        """Returns the code."""
        wire_error = to_wire_error(error)
        if ack_id is not None:
            connection.outbox.acknowledge(ack_id, refusal_text(wire_error))
        return wire_error.code.value

    def _limit(self, connection: Connection, bucket: TokenBucket) -> None:
        wait_ms = bucket.take(self._clock.now_ms())
        if wait_ms is not None:
            raise RateLimited(wait_ms)

    def _count_refusal(self, connection: Connection) -> None:
        """Whoever goes on after so many refusals is no person in a hurry."""
        if connection.limits.refusals.take(self._clock.now_ms()) is not None:
            _log.warning("connection closed for a flood", extra={"person_id": connection.person.person_id})
            self._dismiss(connection, RateLimited(self._settings.rates.refusals.burst * 100))

    def _dismiss(self, connection: Connection, reason: DomainError) -> None:
        connection.outbox.close(SessionClosed(reason=to_wire_error(reason)))
        self._server.close(connection.transport_id)

    async def _view_of(self, room: Room, person_id: str) -> InteractionView | None:
        """Through the mailbox, so that it is the state after everything before; None when the room has ended."""
        answered: asyncio.Future[WireModel | DomainError] = asyncio.get_running_loop().create_future()

        def respond(response: WireModel | DomainError) -> None:
            if not answered.done():
                answered.set_result(response)

        request = requests.GetInteraction(interaction_id=room.interaction_id)
        try:
            room.ask(Ask(person_id, request, respond))
        except DomainError:
            return None
        response = await answered
        return response.interaction if isinstance(response, requests.Opened) else None
