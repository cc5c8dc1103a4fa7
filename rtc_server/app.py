"""The composition root: the only file that wires everything together."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from media.control import MediaControl
from media.types import EngineConfig
from rtc_server import demo, health
from rtc_server.config import Settings
from rtc_server.facts import FactLog
from rtc_server.health import Health, refuse_while_draining
from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.identity.directory import KnownAgents, NotingAuthenticator
from rtc_server.identity.profiles import Profiles
from rtc_server.identity.stream_tokens import StreamTokens
from rtc_server.identity.tokens import TokenAuthenticator, TokenMinter, trusted_issuers
from rtc_server.keys import Keys
from rtc_server.metrics import Metrics
from rtc_server.recordings.service import CallRecordings
from rtc_server.records.confirmation_recording import ConfirmationRecording
from rtc_server.records.journal import JournalLocked
from rtc_server.records.meeting_recording import MeetingRecording
from rtc_server.relay import Relay, RelayError
from rtc_server.rest import client, resources, session
from rtc_server.rest.context import SETTINGS, limit_key
from rtc_server.rest.errors import errors
from rtc_server.rest.files import CONFIRMATIONS
from rtc_server.rest.headers import preflight, set_headers
from rtc_server.rest.limits import LIMITER, new_limiter, rate_limit
from rtc_server.rest.mediations import MEETINGS
from rtc_server.rest.service import ServiceDesk
from rtc_server.rest.session import AUTHENTICATOR
from rtc_server.rest.streams import STREAM_TOKENS
from rtc_server.service_desk import begin_desk, close_desk, open_desk
from signaling.gateway import Gateway
from signaling.rooms.ports import AgentEntry, Authenticator, RecordsUnavailable
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import Role
from signaling.settings import RateLimit, RateLimits, SignalingSettings

SHUTDOWN_TIMEOUT_S = 2.0
BACKLOG = 1024
INDEX_AFTER_S = 5.0
"""After a restart everybody comes back at once; the index of the knowledge is built behind them, or at the first question."""

log = structlog.get_logger(__name__)


class StartError(Exception):
    """The server cannot start; the text says why and what to do, for the operator."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server is reached on this machine."""

    url: str
    port: int


class Server:
    """``await start()``, then ``await run()`` until a signal, or ``await stop()``."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._keys = keys
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._media: MediaControl | None = None
        self._gateway: Gateway | None = None
        self._relay: Relay | None = None
        self._tokens: TokenAuthenticator | None = None
        self._health: Health | None = None
        self._desk: ServiceDesk | None = None
        self._recordings: CallRecordings | None = None
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None

    async def start(self) -> Listening:
        """Raises ``StartError``; nothing runs on then."""
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> Listening:
        settings = self.settings
        tls = _tls_context(settings)
        self._listener = listener = _bind(settings)
        port = int(listener.getsockname()[1])

        self._media = _start_engine(settings)
        await self._media.start()
        self.metrics.add_engine(self._media.metrics)
        self._relay = Relay(settings, self._keys.relay, up=self.metrics.relay_up.set)
        try:
            await self._relay.start()
        except RelayError as error:
            raise StartError(str(error)) from error
        profiles = Profiles()
        self._desk = desk = await _open_desk(settings, self._keys.links, profiles)
        self._tokens = TokenAuthenticator(trusted_issuers(settings, self._keys.own_tokens), profiles=profiles)
        self.metrics.add_records(lambda: desk.recording.records.writer.state)
        agents = KnownAgents(_demo_agents() if settings.demo else ())
        authenticator = NotingAuthenticator(self._tokens, agents, desk.casework.arrived)
        self._recordings = CallRecordings(desk.shelf.root, self._media)
        self._gateway = Gateway(
            _signaling_settings(settings, port),
            authenticator=authenticator,
            agents=agents,
            ice_servers=self._relay,
            media=self._media,
            recorder=FactLog(self.metrics),
            metrics=self.metrics,
            organisation=desk.organisation,
            records=desk.recording,
            meeting_records=MeetingRecording(desk.recording),
            confirmation_records=ConfirmationRecording(desk.recording),
            profiles=profiles,
            files=desk.files,
            call_recorder=self._recordings,
            address_of=limit_key,
        )
        desk.organisation.on_changed = self._gateway.organisation_changed
        desk.casework.tell = self._gateway.tell_centre
        desk.casework.people_there = self._gateway.people_there
        desk.casework.begin_interaction = self._gateway.begin_interaction
        self._gateway.meetings.on_moved = desk.meeting_notices.moved
        self._health = Health(
            _engine_version(), self._media.metrics, self._relay.report, desk.recording.records.report
        )

        minter = TokenMinter(self._keys.own_tokens) if self._keys.own_tokens is not None else None
        app = http_app(settings, authenticator, self._health, self.metrics, minter, desk=desk)
        app[MEETINGS] = self._gateway.meetings
        app[STREAM_TOKENS] = StreamTokens(self._keys.streams)
        app[CONFIRMATIONS] = self._gateway.confirmations
        self._gateway.attach(app)

        self._runner = web.AppRunner(
            app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S
        )
        await self._runner.setup()
        try:
            await self._gateway.start()
        except RecordsUnavailable as error:
            raise StartError("what was open at the last stop cannot be read from the database") from error
        await web.SockSite(self._runner, listener, ssl_context=tls, backlog=BACKLOG).start()
        begin_desk(desk, index_after_s=INDEX_AFTER_S)
        log.info("serving", port=port, tls=tls is not None, demo=settings.demo, engine=_engine_version())
        return Listening(_url(settings, port), port)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain and stop. A second signal stops at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        await self._stopping.wait()
        await self.drain()
        await self.stop()

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def drain(self) -> None:
        """Take nothing new and let what runs end, for ``settings.drain_deadline_s`` at most."""
        if self._health is None or self._gateway is None:
            return
        self._health.draining = True
        deadline = self.settings.drain_deadline_s
        log.info("draining", deadline_s=deadline)
        drained = asyncio.ensure_future(self._gateway.drain(deadline))
        hurried = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({drained, hurried}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, hurried):
            task.cancel()
        await asyncio.gather(drained, hurried, return_exceptions=True)

    async def stop(self) -> None:
        """Stop everything, from the outside in. Idempotent."""
        gateway, self._gateway = self._gateway, None
        runner, self._runner = self._runner, None
        media, self._media = self._media, None
        relay, self._relay = self._relay, None
        tokens, self._tokens = self._tokens, None
        desk, self._desk = self._desk, None
        recordings, self._recordings = self._recordings, None
        parts: list[Callable[[], Awaitable[None]]] = []
        if gateway is not None:
            parts.append(gateway.stop)
        if runner is not None:
            parts.append(runner.cleanup)
        if recordings is not None:
            parts.append(recordings.stop)
        if media is not None:
            parts.append(media.stop)
        if relay is not None:
            parts.append(relay.stop)
        if tokens is not None:
            parts.append(tokens.close)
        if desk is not None:
            parts.append(partial(close_desk, desk))
        for part in parts:
            try:
                await part()
            except Exception:  # the rest must still be stopped
                log.exception("stop_failed")
        if self._listener is not None:
            self._listener.close()
        log.info("stopped")


def http_app(
    settings: Settings,
    authenticator: Authenticator,
    state: Health,
    metrics: Metrics,
    minter: TokenMinter | None,
    *,
    desk: ServiceDesk | None = None,
) -> web.Application:
    """Everything HTTP, without Socket.IO. Demo pages only in demo mode, resources of the service only with ``desk``."""
    app = web.Application(
        middlewares=[errors, preflight, refuse_while_draining, rate_limit],
        client_max_size=settings.limits.body_bytes,
    )
    app[SETTINGS] = settings
    app[LIMITER] = new_limiter()
    app[AUTHENTICATOR] = authenticator
    app.on_response_prepare.append(set_headers)
    session.add_routes(app)
    client.add_routes(app, settings)
    health.add_routes(app, state, metrics)
    if desk is not None:
        resources.add_routes(app, desk)
    if settings.demo and minter is not None:
        demo.add_routes(app, minter)
    return app


async def _open_desk(settings: Settings, link_key: bytes, profiles: Profiles) -> ServiceDesk:
    try:
        return await open_desk(settings, link_key, profiles)
    except JournalLocked as error:
        raise StartError(
            f"another server uses the data folder {settings.data}: choose another with --data"
        ) from error
    except ValueError as error:
        raise StartError(f"RTC_DATABASE_URL: {error}") from error
    except (SQLAlchemyError, RecordsUnavailable, OSError) as error:
        # The text of a driver may hold the address with its password.
        raise StartError(f"the database cannot be used ({type(error).__name__}): RTC_DATABASE_URL") from error


def _bind(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.listen_host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise StartError(
            f"cannot listen on {settings.listen_host}:{settings.port}: {error.strerror}; choose another with --port"
        ) from error
    listener.setblocking(False)
    return listener


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"cannot use the TLS certificate {settings.tls_cert}: {error}") from error
    return context


def _start_engine(settings: Settings) -> MediaControl:
    bind_ip = settings.media.bind_ip or ("127.0.0.1" if settings.demo else "0.0.0.0")  # noqa: S104
    config = EngineConfig(
        bind_ip=str(bind_ip),
        advertised_ips=tuple(str(ip) for ip in settings.media_ips),
        port_base=settings.media.port_base,
        workers=settings.workers,
        ice_tcp=settings.media.ice_tcp,
    )
    try:
        return MediaControl.create(config)
    except ImportError as error:
        raise StartError("the packet engine is not built: run `make setup`") from error
    except (OSError, ValueError) as error:
        raise StartError(f"the packet engine cannot start: {error}") from error


def _engine_version() -> str:
    from media._engine import version

    return version()


def _signaling_settings(settings: Settings, port: int) -> SignalingSettings:
    times = settings.sessions
    return SignalingSettings(
        cors_allowed_origins=_socket_origins(settings, port),
        direct_calls=settings.demo if settings.direct_calls is None else settings.direct_calls,
        rates=RateLimits(texts=RateLimit(settings.limits.texts_burst, settings.limits.texts_per_second)),
        sessions=SessionSettings(
            ring_timeout_ms=_ms(times.ring_timeout_s),
            permission_timeout_ms=_ms(times.permission_timeout_s),
            connecting_timeout_ms=_ms(times.connecting_timeout_s),
            reconnect_grace_ms=_ms(times.reconnect_grace_s),
            abandoned_timeout_ms=_ms(times.abandoned_timeout_s),
            media_lost_timeout_ms=_ms(times.media_lost_timeout_s),
            silence_warn_ms=_ms(times.silence_warn_s),
            silence_end_ms=_ms(times.silence_end_s),
        ),
    )


def _socket_origins(settings: Settings, port: int) -> tuple[str, ...] | None:
    """Whose pages may open a signalling connection; None is our own alone, by the ``Host`` header."""
    if settings.public_url is None and not settings.cors_origins:
        return None
    own = (
        (settings.public_url,)
        if settings.public_url
        else tuple(f"{_scheme(settings)}://{host}:{port}" for host in ("localhost", "127.0.0.1"))
    )
    return (*own, *settings.cors_origins)


def _demo_agents() -> list[AgentEntry]:
    return [
        AgentEntry(account.account, account.staff_number or "", account.authority or "")
        for account in ACCOUNTS.values()
        if account.role is Role.AGENT
    ]


def _scheme(settings: Settings) -> str:
    return "https" if settings.tls else "http"


def _url(settings: Settings, port: int) -> str:
    host = settings.listen_host
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{_scheme(settings)}://{shown}:{port}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
