"""In and out of Socket.IO: the one public entry of the signalling floor for the application."""

from __future__ import annotations

from aiohttp import web

from media.control import MediaControl
from signaling.rooms.clock import Clock, SystemClock
from signaling.rooms.ports import AgentDirectory, Authenticator, IceServerSource, Recorder, SignalingMetrics
from signaling.settings import SignalingSettings


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
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._agents = agents
        self._ice_servers = ice_servers
        self._media = media
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock or SystemClock()

    def attach(self, app: web.Application) -> None:
        """Add the Socket.IO route at ``settings.path``."""
        raise NotImplementedError

    async def start(self) -> None:
        """Begin to take connections; before it they are refused with ``server_stopping``."""
        raise NotImplementedError

    async def drain(self, deadline_s: float) -> None:
        """Refuse new interactions and calls; return when none is running any more or ``deadline_s`` has passed."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End everything with ``server_stopping`` in the order of CLOSURES.md. Idempotent."""
        raise NotImplementedError
