"""The Rust packet engine, as Python sees it (built from ``media/engine/crates/python``).

Nothing here blocks: every command returns a request id at once and its outcome arrives later
as a ``reply`` event carrying the same id. ``event_fd`` becomes readable when events wait.
Media packets never cross this boundary.
"""

from typing import final

__all__ = ["Engine", "version"]

@final
class Engine:
    """The engine: one thread per worker, each owning one UDP and one TCP port.

    Rooms are pinned to a worker when they are created. A track is named by the pair
    (``peer_id``, ``source``): a peer has at most one track per source. ``source`` is one of
    ``microphone``, ``camera``, ``screen``, ``screen_audio`` (``media.types.Source``).
    """

    def __new__(cls, config: str) -> Engine:
        """Start the workers. ``config`` is the JSON of ``media.types.EngineConfig``.

        Raises ``ValueError`` for a config that does not parse and ``OSError`` when a port cannot be bound.
        """

    @property
    def event_fd(self) -> int:
        """A file descriptor that is readable while ``poll_events`` has something to give."""

    def poll_events(self, max_events: int = 1024) -> bytes:
        """Take up to ``max_events`` events in order, as a JSON array (see ``media.events``). Never blocks."""

    def create_room(self, room_id: str) -> int:
        """Reply value: ``{"worker": int}``. Error: ``room_exists``."""

    def close_room(self, room_id: str) -> int:
        """Close every transport of the room. Error: ``room_unknown``."""

    def add_peer(
        self, room_id: str, peer_id: str, publish: list[str], audio_slots: int, video_slots: int
    ) -> int:
        """Let a peer in. ``publish``: the sources of its grant. The slots are the fixed receive slots of its
        subscribe transport. Errors: ``room_unknown``, ``peer_exists``, ``bad_argument``."""

    def remove_peer(self, room_id: str, peer_id: str) -> int:
        """Close both transports and unpublish its tracks. Errors: ``room_unknown``, ``peer_unknown``."""

    def set_grant(self, room_id: str, peer_id: str, publish: list[str]) -> int:
        """Replace the grant. Tracks outside it are unpublished at once and their packets dropped and counted."""

    def publish(
        self, room_id: str, peer_id: str, sdp: str, tracks: list[tuple[str, str]], fresh: bool
    ) -> int:
        """Take the browser's offer on its publish transport. ``tracks``: (mid, source) for every sending m-line.
        ``fresh`` closes an earlier publish transport and starts a new one (a reload); otherwise the offer
        renegotiates or, with new ICE credentials, restarts ICE.

        Reply value: ``{"sdp": answer}``. Errors: ``bad_sdp``, ``outside_grant`` (a source not granted, or a
        sending m-line without a source), ``bad_argument`` (a source twice, on an
        m-line of the other kind, or on a mid the offer does not have), ``peer_unknown``."""

    def subscribe(self, room_id: str, peer_id: str, fresh: bool) -> int:
        """Make the offer of the subscribe transport. ``fresh`` starts a new transport; otherwise an existing one
        gets new ICE credentials (ICE restart). Reply value: ``{"sdp": offer}``."""

    def answer(self, room_id: str, peer_id: str, sdp: str) -> int:
        """Take the browser's answer on its subscribe transport. Errors: ``bad_sdp``, ``wrong_state``."""

    def add_candidate(self, room_id: str, peer_id: str, transport: str, candidate: str) -> int:
        """Trickle ICE (RFC 8838): ``transport`` is ``publish`` or ``subscribe``; ``candidate`` the
        ``candidate:`` attribute value, empty for end of candidates. Errors: ``bad_candidate``, ``wrong_state``."""

    def set_muted(self, room_id: str, peer_id: str, source: str, muted: bool) -> int:
        """Stop or resume forwarding of one of the peer's tracks (mute, pause of a share). Resuming a video
        track asks its sender for a key frame."""

    def set_audience(self, room_id: str, peer_id: str, source: str, audience: list[str] | None) -> int:
        """Who may receive the track: ``None`` is everyone in the room, else the named peers."""

    def set_view(
        self, room_id: str, peer_id: str, publisher_id: str, source: str, width: int, height: int
    ) -> int:
        """How large (CSS pixels × device pixel ratio) ``peer_id`` shows a track: the simulcast layer follows.
        Zero by zero: not shown, not sent."""

    def metrics(self) -> str:
        """Counters and gauges of all workers as a JSON object, read without stopping them."""

    def close(self) -> None:
        """Stop the workers and close the sockets. Idempotent."""

def version() -> str:
    """The engine's version, its str0m version and crypto backend, for logs and ``/healthz``."""
