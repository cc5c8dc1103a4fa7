"""Roles and states of mediation meetings (R6): the same words in rules, wire, database and docs."""

from __future__ import annotations

from enum import StrEnum


class MediationPhase(StrEnum):
    """A mediation application (调解申请)."""

    DRAFT = "draft"
    """Kept by the taxpayer, seen by nobody else."""
    DISCARDED = "discarded"
    """A draft that was thrown away; shown to nobody."""
    APPLIED = "applied"
    DISPATCHED = "dispatched"
    """Given to an agent; its meeting can be entered."""
    IN_PROGRESS = "in_progress"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class MeetingPhase(StrEnum):
    SCHEDULED = "scheduled"
    """Nobody has hosted it yet; who comes waits in the lobby."""
    RUNNING = "running"
    ENDED = "ended"


class MeetingRole(StrEnum):
    HOST = "host"
    PARTICIPANT = "participant"
    OBSERVER = "observer"
    """Hears and sees; neither heard nor seen, writes nothing."""


class MeetingEnd(StrEnum):
    """Why a meeting is over."""

    HOST_ENDED = "host_ended"
    NO_HOST = "no_host"
    """Nobody who could host was there for too long."""
    FAILED = "failed"
    """A fault of ours."""


class MeetingLeft(StrEnum):
    """Why one is out of a meeting without having left it."""

    REFUSED = "refused"
    """The host did not let one in from the lobby."""
    REMOVED = "removed"
    ENDED = "ended"


class MeetingPlace(StrEnum):
    """Where somebody who entered is."""

    LOBBY = "lobby"
    ROOM = "room"
