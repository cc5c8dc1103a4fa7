"""What of a conversation is kept, from the difference between two of its states; and back after a restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from signaling.rooms.kept import (
    Kept,
    KeptAudit,
    KeptCall,
    KeptConsent,
    KeptInteraction,
    KeptInvitation,
    KeptMember,
    KeptMessage,
    KeptRecording,
    KeptTransfer,
    OpenInteraction,
)
from signaling.sessions.model import (
    AssistanceState,
    CallState,
    InteractionState,
    InvitationState,
    Member,
    Message,
    TransferState,
)
from signaling.sessions.policy import SessionKind
from signaling.sessions.recording_changes import answers_between
from signaling.sessions.settings import SessionSettings
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    InteractionKind,
    InvitationPhase,
    Presence,
    Role,
    TransferPhase,
)


def of_opening(state: InteractionState) -> tuple[Kept, ...]:
    return (
        interaction_of(state),
        *(_member(state, member) for member in state.members),
        *(KeptMessage(state.interaction_id, message) for message in state.messages),
    )


def between(old: InteractionState, new: InteractionState, now_ms: int) -> tuple[Kept, ...]:
    """Nothing for what is forgotten with the process anyway: presence, transports, read marks."""
    own = new.interaction_id
    fresh = new.next_seq - old.next_seq
    found: list[Kept] = []
    if old.phase is not new.phase or _agent(old) != _agent(new):
        found.append(interaction_of(new))
    if old.members is not new.members:
        found += _of_members(old, new, now_ms)
    if fresh:
        found += [KeptMessage(own, message) for message in new.messages[-fresh:]]
    if old.assistance is not new.assistance:
        before, after = assistance_of(old), assistance_of(new)
        if after is not None and before != after:
            found.append(after if new.assistance.running else replace(after, ended_at=now_ms))
    if old.call is not new.call:
        before, after = call_of(old), call_of(new)
        if after is not None and before != after:
            over = new.call.phase is CallPhase.ENDED
            found.append(replace(after, ended_at=now_ms) if over else after)
    if old.recording is not new.recording:
        found += _of_recording(old, new, now_ms)
    if new.transfer is not None and old.transfer != new.transfer:
        found.append(_transfer(own, new.transfer))
    if new.invitation is not None and old.invitation != new.invitation:
        found.append(_invitation(own, new.invitation))
    return tuple(found)


def interaction_of(state: InteractionState) -> KeptInteraction:
    taxpayer = state.taxpayer
    return KeptInteraction(
        interaction_id=state.interaction_id,
        kind=state.kind,
        taxpayer_id=taxpayer.person_id if taxpayer is not None else "",
        taxpayer_name=taxpayer.display_name if taxpayer is not None else "",
        centre_id=state.centre_id,
        agent_id=state.of_role(Role.AGENT).person_id,
        phase=state.phase,
        opened_at=state.opened_at,
        context=state.context,
        closed_at=state.closed_at,
        closed_by=state.closed_by,
        close_reason=state.close_reason,
    )


def _of_recording(old: InteractionState, new: InteractionState, now_ms: int) -> Iterator[Kept]:
    before, after = old.recording, new.recording
    own, recording_id = new.interaction_id, after.recording_id
    if recording_id is None or after.started_by is None or after.started_at is None:
        return
    if before.running != after.running or before.recording_id != recording_id:
        ended_at = None if after.running else now_ms
        yield KeptRecording(recording_id, own, after.started_by, after.started_at, ended_at)
    for person_id, consent in answers_between(before, after):
        yield KeptConsent(recording_id, own, person_id, consent, now_ms)


def assistance_of(state: InteractionState) -> KeptCall | None:
    known = state.assistance
    if known.phase is AssistancePhase.IDLE:
        return None
    return KeptCall(
        call_id=f"{state.interaction_id}:a{known.requested_at}",
        interaction_id=state.interaction_id,
        kind=SessionKind.ASSISTANCE,
        started_by=state.of_role(Role.TAXPAYER).person_id,
        requested_at=known.requested_at,
        accepted_at=known.accepted_at,
        connected_at=known.started_at,
        paused=known.phase is AssistancePhase.PAUSED or known.paused_before,
        ended_by=known.ended_by,
        end_reason=known.end_reason,
    )


def call_of(state: InteractionState) -> KeptCall | None:
    known = state.call
    if known.phase is CallPhase.IDLE:
        return None
    return KeptCall(
        call_id=f"{state.interaction_id}:c{known.requested_at}",
        interaction_id=state.interaction_id,
        kind=SessionKind.CALL,
        started_by=known.requested_by or state.of_role(Role.AGENT).person_id,
        requested_at=known.requested_at,
        accepted_at=known.accepted_at,
        connected_at=known.started_at,
        ended_by=known.ended_by,
        end_reason=known.end_reason,
    )


def _agent(state: InteractionState) -> str:
    return state.of_role(Role.AGENT).person_id


def _member(state: InteractionState, member: Member, left_at: int | None = None) -> KeptMember:
    return KeptMember(
        interaction_id=state.interaction_id,
        person_id=member.person_id,
        role=member.role,
        display_name=member.display_name,
        joined_at=member.joined_at,
        left_at=left_at,
        guest_of=member.guest_of,
        history_from=member.history_from,
        history_to=state.next_seq - 1 if member.is_guest and left_at is not None else None,
        in_call=member.in_call,
    )


def _of_members(old: InteractionState, new: InteractionState, now_ms: int) -> Iterator[Kept]:
    """A supervisor is also in the audit log, whoever sees them or not."""
    own = new.interaction_id
    for member in new.members:
        before = old.find(member.person_id)
        again = member.is_party and member.role is Role.AGENT and old.vacant and not new.vacant
        other = before is None or (before.guest_of, before.in_call) != (member.guest_of, member.in_call)
        if again or other:
            yield _member(new, member)
        if member.supervision is not None and (before is None or before.supervision != member.supervision):
            yield KeptAudit(now_ms, member.person_id, "supervision_started", own, member.supervision)
    for gone in old.members:
        if new.find(gone.person_id) is None:
            yield _member(old, gone, now_ms)
            if gone.supervision is not None:
                yield KeptAudit(now_ms, gone.person_id, "supervision_ended", own, gone.supervision)
    if new.vacant and not old.vacant:
        yield _member(new, new.of_role(Role.AGENT), now_ms)


def _transfer(interaction_id: str, transfer: TransferState) -> KeptTransfer:
    return KeptTransfer(
        transfer_id=transfer.transfer_id,
        interaction_id=interaction_id,
        from_agent=transfer.from_agent,
        to_agent=transfer.to_agent,
        to_centre=transfer.to_centre,
        phase=transfer.phase,
        asked_at=transfer.asked_at,
        decided_at=transfer.decided_at,
        taken_by=transfer.taken_by,
        note=transfer.note,
    )


def _invitation(interaction_id: str, asked: InvitationState) -> KeptInvitation:
    return KeptInvitation(
        invitation_id=asked.invitation_id,
        interaction_id=interaction_id,
        from_agent=asked.from_agent,
        from_number=asked.from_number,
        to_agent=asked.to_agent,
        to_number=asked.to_number,
        authority=asked.authority,
        phase=asked.phase,
        asked_at=asked.asked_at,
        share_history=asked.share_history,
        note=asked.note,
        decided_at=asked.decided_at,
        ended_at=asked.ended_at,
        ended_by=asked.ended_by,
    )


# After a restart


def restored(
    known: OpenInteraction,
    settings: SessionSettings,
    centre_name: str | None,
    now_ms: int,
    transfer_target: str = "",
) -> InteractionState | None:
    """The interaction as it was; everybody has the grace period to come back. None when too little was kept of it: no
    taxpayer or no agent. ``transfer_target`` names whom a running transfer is offered to."""
    kept = known.interaction
    taxpayer = next((m for m in known.members if m.role is Role.TAXPAYER), None)
    guests = [m for m in known.members if m.guest_of is not None and m.left_at is None]
    agents = sorted(
        (m for m in known.members if m.role is Role.AGENT and m.guest_of is None), key=lambda m: m.joined_at
    )
    serving = [m for m in agents if m.left_at is None]
    if (taxpayer is None and kept.kind is InteractionKind.SERVICE) or not agents:
        return None
    agent = next((m for m in serving or agents if m.person_id == kept.agent_id), agents[-1])
    vacant = not serving
    names = {m.person_id: m for m in known.members}
    state = InteractionState(
        interaction_id=kept.interaction_id,
        opened_at=kept.opened_at,
        members=(
            *((_member_back(taxpayer, settings, now_ms),) if taxpayer is not None else ()),
            _member_back(agent, settings, now_ms, gone=vacant),
            *(_member_back(guest, settings, now_ms) for guest in guests[:1]),
        ),
        settings=settings,
        kind=kept.kind,
        centre_id=kept.centre_id,
        centre_name=centre_name,
        context=kept.context,
        vacant=vacant,
        messages=tuple(_named(message, names) for message in known.messages),
        next_seq=known.last_seq + 1,
        assistance=_assistance_back(known, settings, now_ms),
        call=_call_back(known, settings, now_ms),
        transfer=_transfer_back(known, transfer_target),
        invitation=_invitation_back(known, settings, now_ms),
    )
    running = kept.centre_id is None or vacant or state.assistance.running or state.call.running
    return replace(state, quiet_since=None if running else now_ms)


def _member_back(kept: KeptMember, settings: SessionSettings, now_ms: int, *, gone: bool = False) -> Member:
    return Member(
        person_id=kept.person_id,
        role=kept.role,
        display_name=kept.display_name,
        presence=Presence.LEFT if gone else Presence.RECONNECTING,
        reconnect_by=None if gone else now_ms + settings.reconnect_grace_ms,
        left_at=kept.left_at,
        joined_at=kept.joined_at,
        guest_of=kept.guest_of,
        history_from=kept.history_from,
        in_call=kept.in_call,
    )


def _named(message: Message, names: dict[str, KeptMember]) -> Message:
    sender = names.get(message.sender_id or "")
    if sender is None or message.sender_name is not None:
        return message
    return replace(message, sender_role=sender.role, sender_name=sender.display_name)


def _assistance_back(known: OpenInteraction, settings: SessionSettings, now_ms: int) -> AssistanceState:
    found = next((c for c in known.calls if c.kind is SessionKind.ASSISTANCE), None)
    if found is None:
        return AssistanceState()
    accepted = found.accepted_at is not None
    return AssistanceState(
        # The picture comes again with the taxpayer's next offer; until then it is being set up.
        phase=AssistancePhase.ACCEPTED if accepted else AssistancePhase.REQUESTED,
        deadline=None if accepted else now_ms + settings.ring_timeout_ms,
        started_at=found.connected_at,
        requested_at=found.requested_at,
        accepted_at=found.accepted_at,
        paused_before=found.paused,
    )


def _call_back(known: OpenInteraction, settings: SessionSettings, now_ms: int) -> CallState:
    found = next((c for c in known.calls if c.kind is SessionKind.CALL), None)
    if found is None:
        return CallState()
    if found.connected_at is not None:
        phase, deadline = CallPhase.ACTIVE, None
    elif found.accepted_at is not None:
        phase, deadline = CallPhase.CONNECTING, now_ms + settings.permission_timeout_ms
    else:
        asked = found.started_by == known.interaction.taxpayer_id
        phase = CallPhase.ASKED if asked else CallPhase.RINGING
        deadline = now_ms + settings.ring_timeout_ms
    return CallState(
        phase=phase,
        deadline=deadline,
        started_at=found.connected_at,
        requested_at=found.requested_at,
        requested_by=found.started_by,
        accepted_at=found.accepted_at,
    )


def _transfer_back(known: OpenInteraction, target: str) -> TransferState | None:
    """To a centre it waits on. The queue rings nobody after a restart, so one to an agent ends at once: that is for
    whoever starts the room to report."""
    found = known.transfer
    if found is None or found.phase is not TransferPhase.OFFERED:
        return None
    return TransferState(
        transfer_id=found.transfer_id,
        from_agent=found.from_agent,
        to_agent=found.to_agent,
        to_centre=found.to_centre,
        target=target,
        note=found.note,
        asked_at=found.asked_at,
    )


def _invitation_back(
    known: OpenInteraction, settings: SessionSettings, now_ms: int
) -> InvitationState | None:
    """One that rang rings anew, for whoever comes back to it; a guest keeps the seat for the grace period."""
    found = known.invitation
    if found is None:
        return None
    ringing = found.phase is InvitationPhase.RINGING
    return InvitationState(
        invitation_id=found.invitation_id,
        from_agent=found.from_agent,
        from_number=found.from_number,
        to_agent=found.to_agent,
        to_number=found.to_number,
        authority=found.authority,
        asked_at=found.asked_at,
        note=found.note,
        share_history=found.share_history,
        phase=found.phase,
        deadline=now_ms + settings.invitation_timeout_ms if ringing else None,
        decided_at=found.decided_at,
    )
