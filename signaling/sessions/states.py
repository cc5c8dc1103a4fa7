"""Roles and states of sessions: the same words in rules, wire, database and docs."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    TAXPAYER = "taxpayer"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


class Presence(StrEnum):
    """Whether a member's signalling connection is there. ``reconnecting`` lasts for the grace period at most."""

    ONLINE = "online"
    RECONNECTING = "reconnecting"
    LEFT = "left"


class InteractionPhase(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class InteractionKind(StrEnum):
    SERVICE = "service"
    """Between a taxpayer and an agent."""
    COLLABORATION = "collaboration"
    """Between two agents alone, while the taxpayer stands at the counter of the first (线下协同办)."""


class AssistancePhase(StrEnum):
    """Remote assistance (R1–R3, R5)."""

    IDLE = "idle"
    REQUESTED = "requested"
    """Ringing at the agent."""
    ACCEPTED = "accepted"
    """The taxpayer reads the privacy notice and picks what to share; ``problem`` says what went wrong last."""
    SHARING = "sharing"
    PAUSED = "paused"
    ENDED = "ended"


class CallPhase(StrEnum):
    """Audio and video (R4, R5)."""

    IDLE = "idle"
    ASKED = "asked"
    """The taxpayer asked for it; only the agent can start."""
    RINGING = "ringing"
    """The agent started; the taxpayer has not answered yet."""
    CONNECTING = "connecting"
    """Accepted; media is being set up."""
    ACTIVE = "active"
    ENDED = "ended"


class RecordingPhase(StrEnum):
    """The recording of a call (R9)."""

    IDLE = "idle"
    RUNNING = "running"
    ENDED = "ended"


class Consent(StrEnum):
    """What somebody answered when asked to be recorded."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


class EndReason(StrEnum):
    """Why an assistance or a call ended (R5). Each has its own sentence and its own way out in the interface."""

    HUNG_UP = "hung_up"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    RING_TIMEOUT = "ring_timeout"
    MEMBER_LEFT = "member_left"
    NETWORK_LOST = "network_lost"
    INTERACTION_CLOSED = "interaction_closed"
    SERVER_STOPPING = "server_stopping"


class DeviceProblem(StrEnum):
    """What a browser reports when it cannot capture (R5)."""

    PERMISSION_DENIED = "permission_denied"
    PICKER_CANCELLED = "picker_cancelled"
    DEVICE_MISSING = "device_missing"
    DEVICE_BUSY = "device_busy"
    CAPTURE_ENDED = "capture_ended"
    """The person stopped the share with the browser's own button, or the device was unplugged."""
    UNSUPPORTED = "unsupported"


class MessageKind(StrEnum):
    TEXT = "text"
    PICTURE = "picture"
    FILE = "file"
    CARD = "card"
    """Something to press: see ``CardKind``."""
    SYSTEM = "system"


class CardKind(StrEnum):
    GREETING = "greeting"
    """The agent's greeting with 【音视频通话】 and 【远程协助】 (H4)."""
    CONFIRMATION = "confirmation"
    """A 业务办理服务确认单; its id is the ``client_message_id`` of the card (H9)."""


class CloseCause(StrEnum):
    """How a member ended it."""

    BUTTON = "button"
    WINDOW = "window"
    """The taxpayer closed the window."""


class CloseReason(StrEnum):
    """Why an interaction is over."""

    TAXPAYER_ENDED = "taxpayer_ended"
    AGENT_ENDED = "agent_ended"
    WINDOW_CLOSED = "window_closed"
    SILENCE = "silence"
    """Nobody wrote or called for too long; it was warned of."""
    ABANDONED = "abandoned"
    """The taxpayer did not come back."""
    QUEUE_LEFT = "queue_left"
    """Its place in the queue was given up while nobody served it."""
    SERVER_STOPPING = "server_stopping"
    FAILED = "failed"
    """A fault of ours."""


class TransferPhase(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


class InvitationPhase(StrEnum):
    """An agent of another authority is invited into the conversation (R7)."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    """The guest is in it."""
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    ENDED = "ended"
    """The guest was in it, and is no more."""


class GuestSeat(StrEnum):
    """What an invited agent is in an interaction: the rights follow from it."""

    GUEST = "guest"
    GUEST_IN_CALL = "guest_in_call"
    """Has agreed to the call that runs."""


class SupervisionMode(StrEnum):
    """How a supervisor takes part (R18)."""

    LISTEN = "listen"
    """Receives everything, sends nothing, unknown to the taxpayer."""
    WHISPER = "whisper"
    """Heard by the agent alone, unknown to the taxpayer."""
    BARGE = "barge"
    """A member like others: seen, heard, may write."""


class StatusChoice(StrEnum):
    """The statuses an agent may choose (``queue_states.AgentStatus`` has ``offline`` besides)."""

    FREE = "free"
    BUSY = "busy"
    AWAY = "away"
    AFTER_WORK = "after_work"


class QueuePhase(StrEnum):
    """A ticket as its taxpayer sees it."""

    WAITING = "waiting"
    OFFERED = "offered"
    """Rings at an agent."""
    SERVING = "serving"
    GONE = "gone"


class LeftReason(StrEnum):
    """Why one is no member any more of an interaction that goes on."""

    TRANSFERRED = "transferred"
    SIGNED_OUT = "signed_out"
    """Or the line was lost for too long."""
    SUPERVISION_ENDED = "supervision_ended"
    INVITATION_ENDED = "invitation_ended"
    """An invited agent has left, was asked to leave, or did not come back."""
