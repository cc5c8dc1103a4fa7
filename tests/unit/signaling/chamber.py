"""A meeting that runs on its rules alone, with time a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field

from media.types import Source
from signaling.errors import DomainError, ErrorCode
from signaling.sessions import meeting, meeting_derive
from signaling.sessions import meeting_commands as c
from signaling.sessions.commands import TrackStarted
from signaling.sessions.effects import Dissolve
from signaling.sessions.mediation import MediationApplication
from signaling.sessions.meeting_effects import (
    CancelMeetingTimer,
    MeetingEffect,
    MeetingTimer,
    SetMeetingTimer,
)
from signaling.sessions.meeting_model import MeetingMember, MeetingSettings, MeetingState
from signaling.sessions.meeting_states import MediationPhase
from signaling.sessions.states import Role

HOST, DEPUTY, TAXPAYER, EXPERT = "agent01", "agent02", "taxpayer01", "taxpayer02"
ROLES = {HOST: Role.AGENT, DEPUTY: Role.AGENT, TAXPAYER: Role.TAXPAYER, EXPERT: Role.TAXPAYER}

APPLICATION = MediationApplication(
    application_id="app1",
    number="TJSQ440000202611210001",
    taxpayer_id=TAXPAYER,
    taxpayer_name="张*",
    authority="440000",
    subject="税务争议调解",
    detail="对核定结果有异议。",
    applied_at=0,
    phase=MediationPhase.DISPATCHED,
    meeting_id="m1",
    agent_id=HOST,
    dispatched_at=1,
    dispatched_by="lead01",
)


@dataclass
class Chamber:
    state: MeetingState = field(
        default_factory=lambda: MeetingState("m1", APPLICATION, MeetingSettings(max_present=4, max_waiting=3))
    )
    now_ms: int = 1_000_000
    told: list[MeetingEffect] = field(default_factory=list)
    timers: dict[MeetingTimer, int] = field(default_factory=dict)
    dissolved: bool = False

    def run(self, command: c.MeetingCommand) -> list[MeetingEffect]:
        self.state, effects = meeting.handle(self.state, command, self.now_ms)
        for effect in effects:
            if isinstance(effect, SetMeetingTimer):
                self.timers[effect.key] = effect.at_ms
            elif isinstance(effect, CancelMeetingTimer):
                del self.timers[effect.key]
            elif isinstance(effect, Dissolve):
                self.dissolved = True
        assert self.timers == dict(meeting_derive.timers(self.state))
        self.told += effects
        return list(effects)

    def refused(self, command: c.MeetingCommand) -> ErrorCode:
        before = self.state
        try:
            self.run(command)
        except DomainError as error:
            assert self.state is before
            return error.code
        raise AssertionError("was allowed")

    def wait(self, ms: int) -> None:
        """Time passes; what is due fires in order."""
        until = self.now_ms + ms
        while self.timers:
            key, at_ms = min(self.timers.items(), key=lambda each: each[1])
            if at_ms > until:
                break
            self.now_ms = max(self.now_ms, at_ms)
            self.run(c.MeetingTimerFired(key))
            assert self.timers.get(key) != at_ms, f"{key} fires for ever"
        self.now_ms = until

    def enter(self, person_id: str) -> None:
        role = ROLES.get(person_id, Role.TAXPAYER)
        self.run(c.Enter(person_id, role, person_id))

    def admitted(self, *people: str) -> Chamber:
        """The host, and these."""
        self.enter(HOST)
        for person_id in people:
            self.enter(person_id)
            self.run(c.Admit(HOST, person_id))
        return self

    def member(self, person_id: str) -> MeetingMember:
        found = self.state.find(person_id)
        assert found is not None
        return found

    def shares(self, person_id: str) -> None:
        self.run(c.StartShare(person_id, False))
        self.run(c.OfferMeetingMedia(person_id, frozenset({Source.SCREEN}), True))
        self.run(TrackStarted(person_id, Source.SCREEN))
