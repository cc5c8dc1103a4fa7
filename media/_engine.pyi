"""The Rust packet engine, as Python sees it (built from ``media/engine/crates/python``).

Nothing here blocks: every command returns a request id at once and its outcome arrives later
as a ``reply`` event carrying the same id. ``event_fd`` becomes readable when events wait.
Media packets never cross this boundary.
"""

from typing import final

__all__ = ["Engine", "SyntheticPeers", "version"]

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

    def subscribe_offered(self, room_id: str, peer_id: str, sdp: str, fresh: bool) -> int:
        """The subscribe transport the other way round (WHEP): take the offer of a receiver and answer it under its own mids,
        payload types and extension ids. A slot for every m-line that receives and has a codec of ours, as many of a kind as
        the peer has slots; the others are answered with port 0. ``fresh`` starts a new transport; otherwise an offer with
        the same m-lines and new ICE credentials restarts ICE.

        Reply value: ``{"sdp": answer}``. Errors: ``bad_sdp``, ``peer_unknown``."""

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

    def open_sink(self, room_id: str, fd: int) -> int:
        """A place for copies of a room's tracks: a thread of its own writes their frames to a duplicate of ``fd``, the
        writing end of a pipe, beside the forwarding and never holding it up. What a slow reader does not take is dropped
        and counted. Raises ``ValueError`` for an unknown room, ``OSError`` without a descriptor or thread.

        Each frame is a head of 20 bytes, little-endian (u32 length behind the head, u8 kind, u8 codec, u8 flags, u8 0,
        u32 track, i64 time) and its bytes. Kinds: 1 a frame (flags 1: key frame; time: of capture, µs since 1970), 2 the end
        of a track, 3 packets dropped so far (in time). Codecs: 0 Opus, 1 VP8, 2 H.264 as Annex B, 3 VP9."""

    def close_sink(self, sink: int) -> None:
        """Write what waits, then close the pipe. Does not wait; unknown sinks are passed over."""

    def start_tap(self, room_id: str, peer_id: str, source: str, sink: int, track: int) -> int:
        """Copy a track to a sink under the number ``track``, from its next key frame on (it is asked for), until the track
        is unpublished. Of simulcast layers the highest that is sent. Errors: ``wrong_state`` (no such track yet),
        ``bad_argument`` (the number is taken, or too many taps), ``peer_unknown``."""

    def stop_tap(self, room_id: str, sink: int, track: int) -> int:
        """Nothing more is copied once the reply is there. Unknown taps are passed over."""

    def metrics(self) -> str:
        """Counters and gauges of all workers as a JSON object, read without stopping them."""

    def close(self) -> None:
        """Stop the workers and close the sockets. Idempotent."""

@final
class SyntheticPeers:
    """Peers of a load run: real ICE, DTLS, SRTP, retransmission and bandwidth estimation, with media encoded beforehand.

    All of them are driven by one thread of their own; a call waits for one turn of its loop. A peer has at most one
    publish and one subscribe transport, like a page. Times are µs of ``time.monotonic``. Every method raises
    ``RuntimeError`` once it is closed.
    """

    def __new__(cls, bind_ip: str = "127.0.0.1") -> SyntheticPeers:
        """Raises ``ValueError`` for what is no address, ``OSError`` when there is no thread or descriptor left."""

    def add_clip(self, video: bool, layers: list[tuple[str | None, int, int, list[bytes]]]) -> int:
        """Media to send in a loop; its number. A layer is (rid, bit/s, µs between frames, frames), lowest first, its
        first frame the only key frame. Layers with a rid are sent beside each other as far as the estimate allows,
        those without one instead of each other. Raises ``ValueError`` for a layer without frames."""

    def offer(self, peer: str, sources: list[tuple[str, int]]) -> tuple[str, list[tuple[str, str]]]:
        """The offer of a new publish transport that sends these (source, clip), and the (mid, source) of its m-lines.
        Raises ``ValueError`` for an unknown clip."""

    def accept(self, peer: str, sdp: str) -> None:
        """The server's answer. Raises ``ValueError`` for a description that cannot be taken, or when no offer waits."""

    def answer(self, peer: str, sdp: str) -> str:
        """The answer of a new subscribe transport to the server's offer. Raises ``ValueError`` as ``accept`` does."""

    def carries(self, peer: str, mid: str, publisher: tuple[str, str] | None) -> None:
        """What a receive slot carries now: (peer, source)."""

    def speak(self, peer: str, level: int) -> None:
        """How loud the peer says it is from now on, dBov (RFC 6464): -127, silence, to 0; -30 unless told. Also before it
        publishes. Raises ``ValueError`` for another level."""

    def layers_wanted(self, peer: str, source: str, rids: list[str]) -> None:
        """Which simulcast layers of a source anybody looks at: the peer sends no higher ones from now on. Passed over
        where there is no such track."""

    def remove(self, peer: str) -> None:
        """Close both transports. Unknown peers are passed over."""

    def tap(self, peer: str) -> None:
        """Keep the bytes of the video frames this peer receives from now on, for ``take_frames``."""

    def take_frames(self) -> list[tuple[int, str, bytes]]:
        """(µs, mid, VP8 frame) in order, since the last call; at most 10,000 are kept."""

    def take_samples(self) -> list[tuple[str, str, bool, int, int, int | None, bool, int]]:
        """What was received since the last call: (peer, mid, video, µs, sequence, latency in µs, whole, bytes) of each
        decodable frame or audio packet. ``whole``: its bytes are those of a frame of a clip; only then its latency is
        known."""

    def reports(self) -> str:
        """Every transport there is, a JSON array of ``record.rs``'s ``TransportReport``."""

    def close(self) -> None:
        """Close all sockets and end the thread. Idempotent."""

def version() -> str:
    """The engine's version, its str0m version and crypto backend, for logs and ``/healthz``."""
