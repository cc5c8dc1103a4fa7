"""An interaction without I/O: commands in, effects out, time by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from media.types import Source, TransportKind, TransportState
from signaling.errors import DomainError, ErrorCode
from signaling.sessions import commands as c
from signaling.sessions import derive
from signaling.sessions.effects import (
    AddPeer,
    CancelTimer,
    CloseMedia,
    Effect,
    Effects,
    RemovePeer,
    SetAudience,
    SetGrant,
    SetMuted,
    SetTimer,
    TimerKey,
)
from signaling.sessions.interaction import handle, open_interaction
from signaling.sessions.model import Member
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import Role

TAXPAYER, AGENT = "taxpayer01", "agent01"
T = TypeVar("T", bound=Effect)


class EngineView:
    """What the engine was told by effects, and nothing else."""

    def __init__(self) -> None:
        self.open = True
        self.grants: dict[str, frozenset[Source]] = {}
        self.muted: set[tuple[str, Source]] = set()
        self.audiences: dict[tuple[str, Source], frozenset[str]] = {}

    @property
    def unheard(self) -> set[tuple[str, Source]]:
        """What nobody receives."""
        return {pair for pair, who in self.audiences.items() if not who}

    def run(self, effect: Effect) -> None:
        match effect:
            case AddPeer(person_id=person):
                assert person not in self.grants
                self.grants[person] = frozenset()
            case RemovePeer(person_id=person):
                del self.grants[person]
                self.muted = {pair for pair in self.muted if pair[0] != person}
                self.audiences = {pair: who for pair, who in self.audiences.items() if pair[0] != person}
            case SetGrant(person_id=person, publish=publish):
                assert person in self.grants
                self.grants[person] = publish
            case SetMuted(person_id=person, source=source, muted=muted):
                (self.muted.add if muted else self.muted.discard)((person, source))
            case SetAudience(person_id=person, source=source, audience=audience):
                self.audiences.pop((person, source), None)
                if audience is not None:
                    self.audiences[(person, source)] = audience
            case CloseMedia():
                self.open = False
                self.grants.clear()


class Desk:
    def __init__(
        self,
        settings: SessionSettings | None = None,
        now_ms: int = 1_000_000,
        centre_id: str | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.settings = settings or SessionSettings()
        people = (Member(TAXPAYER, Role.TAXPAYER, "王*"), Member(AGENT, Role.AGENT, "101"))
        self.state, opening = open_interaction("i", people, self.settings, now_ms, centre_id=centre_id)
        self.timers: dict[TimerKey, int] = {}
        self.engine = EngineView()
        self.last: Effects = ()
        self._run(opening)

    @property
    def assistance(self) -> str:
        return self.state.assistance.phase.value

    @property
    def call(self) -> str:
        return self.state.call.phase.value

    def do(self, command: c.Command) -> Effects:
        self.state, effects = handle(self.state, command, self.now_ms)
        self._run(effects)
        return effects

    def refusal(self, command: c.Command) -> ErrorCode | None:
        before = self.state
        try:
            self.do(command)
        except DomainError as error:
            assert self.state is before
            return error.code
        return None

    def advance(self, ms: int) -> None:
        """Fires every timer that falls due, in order."""
        until = self.now_ms + ms
        while due := sorted((at, str(key), key) for key, at in self.timers.items() if at <= until):
            at_ms, _, key = due[0]
            self.now_ms = max(self.now_ms, at_ms)
            del self.timers[key]
            self.do(c.TimerFired(key))
        self.now_ms = until

    def said(self) -> list[str]:
        """The system's own lines."""
        return [m.text for m in self.state.messages if m.sender_id is None]

    def of_last(self, kind: type[T]) -> list[T]:
        return [effect for effect in self.last if isinstance(effect, kind)]

    # Steps that many tests share

    def connect_media(self, person: str, *kinds: TransportKind) -> None:
        for kind in kinds:
            self.do(c.TransportMoved(person, kind, TransportState.CONNECTED))

    def offer(self, person: str, sources: Iterable[Source], *, fresh: bool = False) -> None:
        self.do(c.OfferMedia(person, frozenset(sources), fresh))

    def send(self, person: str, *sources: Source) -> None:
        """Offered, and the first packets have come."""
        offered = self.state.member(person).offered
        self.offer(person, offered | set(sources))
        for source in sources:
            self.do(c.TrackStarted(person, source))

    def accepted(self) -> Desk:
        self.do(c.RequestAssistance(TAXPAYER))
        self.do(c.AcceptAssistance(AGENT))
        return self

    def sharing(self) -> Desk:
        self.accepted()
        self.connect_media(TAXPAYER, TransportKind.PUBLISH)
        self.connect_media(AGENT, TransportKind.SUBSCRIBE)
        self.send(TAXPAYER, Source.SCREEN)
        return self

    def ringing(self) -> Desk:
        self.do(c.StartCall(AGENT))
        return self

    def connecting(self) -> Desk:
        self.ringing()
        self.do(c.AcceptCall(TAXPAYER))
        return self

    def active(self) -> Desk:
        self.connecting()
        for person in (TAXPAYER, AGENT):
            self.connect_media(person, *TransportKind)
            self.send(person, Source.MICROPHONE, Source.CAMERA)
        return self

    def _run(self, effects: Effects) -> None:
        self.last = effects
        for effect in effects:
            match effect:
                case SetTimer(key=key, at_ms=at_ms):
                    self.timers[key] = at_ms
                case CancelTimer(key=key):
                    self.timers.pop(key, None)
                case _:
                    self.engine.run(effect)
        assert self.timers == dict(derive.timers(self.state)) or not effects
