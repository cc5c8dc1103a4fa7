"""Inviting an agent of another authority into a conversation, and collaborating without a taxpayer (R7)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from signaling.wire.base import Empty, Identifier, Request, WireModel
from signaling.wire.invitation_views import AuthorityRow
from signaling.wire.queue_views import AgentStateView
from signaling.wire.requests.base import InteractionRequest
from signaling.wire.requests.interactions import Opened

RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Note = Annotated[str, StringConstraints(max_length=500)]
Business = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class InvitationTargets(WireModel):
    authorities: list[AuthorityRow]
    """In order of region code, at most 100."""
    more: bool
    """There are more that match: narrow the words."""


class ListInvitationTargets(Request):
    """The tree of authorities, one level at a time (``parent`` None: the top), or whatever matches ``words``."""

    EVENT: ClassVar[str] = "invitation.targets"
    RESPONSE: ClassVar[type[WireModel]] = InvitationTargets
    parent: RegionCode | None = None
    words: Annotated[str, StringConstraints(max_length=50)] = ""


class InvitationAgents(WireModel):
    authority: str
    centre_name: str | None
    """The operating centre that serves the authority; None when there is none."""
    agents: list[AgentStateView]


class ListInvitationAgents(Request):
    """Who is on duty for an authority. Errors: ``not_found``."""

    EVENT: ClassVar[str] = "invitation.agents"
    RESPONSE: ClassVar[type[WireModel]] = InvitationAgents
    authority: RegionCode


class OfferInvitation(InteractionRequest):
    """Ring at an agent who is on duty for this authority. By who serves. Errors: ``agent_busy``, ``agent_offline``,
    ``not_found``, ``wrong_phase`` (somebody is invited already, or the conversation is being handed on)."""

    EVENT: ClassVar[str] = "invitation.offer"
    RESPONSE: ClassVar[type[WireModel]] = Empty
    to_agent: Identifier
    authority: RegionCode
    note: Note = ""
    """For the invited one alone."""
    share_history: bool = False
    """Show the whole conversation, and not only what is said from then on."""


class CancelInvitation(InteractionRequest):
    """It stops ringing; once it was accepted: the guest has to go. By who serves."""

    EVENT: ClassVar[str] = "invitation.cancel"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class AcceptInvitation(InteractionRequest):
    """By whom it rings at. Errors: ``invitation_ended``."""

    EVENT: ClassVar[str] = "invitation.accept"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class DeclineInvitation(InteractionRequest):
    """By whom it rings at. Errors: ``invitation_ended``."""

    EVENT: ClassVar[str] = "invitation.decline"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class LeaveInvitation(InteractionRequest):
    """The guest goes; the others go on."""

    EVENT: ClassVar[str] = "invitation.leave"
    RESPONSE: ClassVar[type[WireModel]] = Empty


class OpenCollaboration(Request):
    """线下协同办: a conversation with an agent of another authority, while the taxpayer stands at the counter. It rings
    there at once. Errors: as ``invitation.offer``, ``too_many_interactions``."""

    EVENT: ClassVar[str] = "collaboration.open"
    RESPONSE: ClassVar[type[WireModel]] = Opened
    to_agent: Identifier
    authority: RegionCode
    business: Business
    note: Note = ""


INVITATION_REQUESTS: tuple[type[Request], ...] = (
    ListInvitationTargets,
    ListInvitationAgents,
    OfferInvitation,
    CancelInvitation,
    AcceptInvitation,
    DeclineInvitation,
    LeaveInvitation,
    OpenCollaboration,
)
