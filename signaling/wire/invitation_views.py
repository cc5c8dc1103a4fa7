"""Views of invitations and of the authorities one invites by."""

from __future__ import annotations

from signaling.sessions.states import InteractionKind, InvitationPhase
from signaling.wire.base import WireModel


class AuthorityRow(WireModel):
    """A tax authority of the tree."""

    code: str
    name: str
    parent: str | None
    children: int
    free: int
    """How many agents who could be invited by it are free now."""
    on_duty: int
    """How many are signed in."""


class InvitationView(WireModel):
    """The running invitation, or how the last one came out. The taxpayer and the guest are told no note."""

    invitation_id: str
    phase: InvitationPhase
    from_agent: str
    to_agent: str
    to_number: str
    """Staff number."""
    authority: str
    """Name of the 主管税务机关 the agent was chosen by."""
    note: str
    share_history: bool
    asked_at: int
    deadline: int | None


class InvitationRing(WireModel):
    """What rings at the invited agent."""

    interaction_id: str
    invitation_id: str
    kind: InteractionKind
    from_number: str
    authority: str
    taxpayer_name: str | None
    """Masked; None in a collaboration."""
    business: str | None
    note: str
    share_history: bool
    deadline: int
