"""Facts for the record, from the difference between two states. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from signaling.sessions import recording_changes
from signaling.sessions.effects import Record
from signaling.sessions.model import InteractionState
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    InteractionPhase,
    InvitationPhase,
    Presence,
    Role,
)

INTERACTION_OPENED = "interaction_opened"
INTERACTION_CLOSED = "interaction_closed"
MEMBER_LEFT = "member_left"
MEMBER_RETURNED = "member_returned"
AGENT_REPLACED = "agent_replaced"
SUPERVISION_STARTED = "supervision_started"
SUPERVISION_ENDED = "supervision_ended"

_ASSISTANCE: Mapping[AssistancePhase, str] = {
    AssistancePhase.REQUESTED: "assistance_requested",
    AssistancePhase.ACCEPTED: "assistance_accepted",
    AssistancePhase.SHARING: "assistance_started",
    AssistancePhase.PAUSED: "assistance_paused",
    AssistancePhase.ENDED: "assistance_ended",
}
_ASSISTANCE_AGAIN: Mapping[tuple[AssistancePhase, AssistancePhase], str] = {
    (AssistancePhase.PAUSED, AssistancePhase.SHARING): "assistance_resumed",
    (AssistancePhase.SHARING, AssistancePhase.ACCEPTED): "assistance_interrupted",
    (AssistancePhase.PAUSED, AssistancePhase.ACCEPTED): "assistance_interrupted",
}
_CALL: Mapping[CallPhase, str] = {
    CallPhase.ASKED: "call_asked",
    CallPhase.RINGING: "call_started",
    CallPhase.CONNECTING: "call_accepted",
    CallPhase.ACTIVE: "call_connected",
    CallPhase.ENDED: "call_ended",
}


def between(old: InteractionState, new: InteractionState) -> Iterator[Record]:
    """What happened, each with who did it where one person did."""
    yield from _of_members(old, new)
    yield from _of_assistance(old, new)
    yield from _of_call(old, new)
    yield from recording_changes.facts_between(old.recording, new.recording)
    if old.phase is not new.phase and new.phase is InteractionPhase.CLOSED:
        yield Record(INTERACTION_CLOSED, new.closed_by, new.close_reason)
    if new.transfer is not None and new.transfer != old.transfer:
        same = old.transfer is not None and old.transfer.transfer_id == new.transfer.transfer_id
        who = new.transfer.taken_by if same else new.transfer.from_agent
        yield Record(f"transfer_{new.transfer.phase}", who)
    invited = new.invitation
    if invited is not None and (
        old.invitation is None
        or old.invitation.invitation_id != invited.invitation_id
        or old.invitation.phase is not invited.phase
    ):
        rung = invited.phase is InvitationPhase.RINGING
        yield Record(f"invitation_{invited.phase}", invited.from_agent if rung else invited.to_agent)


def _of_members(old: InteractionState, new: InteractionState) -> Iterator[Record]:
    yield from _of_supervision(old, new)
    before_agent, after_agent = old.of_role(Role.AGENT), new.of_role(Role.AGENT)
    if before_agent.person_id != after_agent.person_id:
        yield Record(AGENT_REPLACED, after_agent.person_id)
    for member in new.parties:
        known = old.find(member.person_id)
        if known is None or known.presence is member.presence:
            continue
        before = known.presence
        if member.presence is Presence.LEFT:
            yield Record(MEMBER_LEFT, member.person_id)
        elif before is Presence.LEFT:
            yield Record(MEMBER_RETURNED, member.person_id)


def _of_supervision(old: InteractionState, new: InteractionState) -> Iterator[Record]:
    for member in new.members:
        before = old.find(member.person_id)
        if member.supervision is not None and (before is None or before.supervision != member.supervision):
            yield Record(SUPERVISION_STARTED, member.person_id, member.supervision)
    for gone in old.members:
        if gone.supervision is not None and new.find(gone.person_id) is None:
            yield Record(SUPERVISION_ENDED, gone.person_id, gone.supervision)


def _of_assistance(old: InteractionState, new: InteractionState) -> Iterator[Record]:
    before, after = old.assistance.phase, new.assistance.phase
    if before is after:
        return
    kind = _ASSISTANCE_AGAIN.get((before, after)) or _ASSISTANCE[after]
    if after is AssistancePhase.ENDED:
        yield Record(kind, new.assistance.ended_by, new.assistance.end_reason)
    elif new.assistance.problem is not None:
        yield Record(kind, new.of_role(Role.TAXPAYER).person_id, new.assistance.problem)
    else:
        role = Role.AGENT if after is AssistancePhase.ACCEPTED else Role.TAXPAYER
        yield Record(kind, new.of_role(role).person_id)


def _of_call(old: InteractionState, new: InteractionState) -> Iterator[Record]:
    before, after = old.call.phase, new.call.phase
    if before is after:
        return
    if after is CallPhase.ENDED:
        yield Record(_CALL[after], new.call.ended_by, new.call.end_reason)
        return
    by = {CallPhase.RINGING: new.of_role(Role.AGENT), CallPhase.ACTIVE: None}.get(after, new.taxpayer)
    yield Record(_CALL[after], by.person_id if by is not None else None)
