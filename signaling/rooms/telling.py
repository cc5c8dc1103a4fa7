"""What the members of a room are told: effects of its rules as notifications, each as that member may see it."""

from __future__ import annotations

from collections.abc import Callable

from signaling.rooms.ports import Outbound
from signaling.sessions import effects
from signaling.sessions.model import InteractionState, Member
from signaling.sessions.states import InvitationPhase, Presence
from signaling.wire import notifications
from signaling.wire.base import Notification
from signaling.wire.present import (
    assistance_view,
    call_view,
    interaction_view,
    invitation_ring,
    invitation_view,
    member_view,
    message_view,
    recording_view,
    transfer_view,
)

Telling = (
    effects.TellInteraction
    | effects.TellMember
    | effects.TellAssistance
    | effects.TellCall
    | effects.TellRecording
    | effects.TellMessage
    | effects.TellRead
    | effects.TellTransfer
    | effects.TellInvitation
    | effects.TellSilence
    | effects.TellLeft
    | effects.TellTransport
)


def tell(outbound: Outbound, state: InteractionState, effect: Telling) -> None:
    """One notification is made for all who may see the same, so that it is encoded once."""
    own = state.interaction_id
    match effect:
        case effects.TellInteraction():
            _tell_interaction(outbound, state)
        case effects.TellMember(person_id=person_id):
            _tell_member(outbound, state, person_id)
        case effects.TellAssistance():
            shown = assistance_view(state.assistance)
            tell_all(outbound, state, notifications.AssistanceChanged(interaction_id=own, assistance=shown))
        case effects.TellCall():
            _by_view(
                outbound,
                state,
                lambda outside: notifications.CallChanged(
                    interaction_id=own, call=call_view(state, outside=outside)
                ),
            )
        case effects.TellRecording():
            recording = notifications.RecordingChanged(
                interaction_id=own, recording=recording_view(state.recording)
            )
            tell_all(outbound, state, recording)
        case effects.TellMessage(message=message):
            tell_all(
                outbound,
                state,
                notifications.MessagePosted(interaction_id=own, message=message_view(message)),
            )
        case effects.TellRead(person_id=person_id, seq=seq):
            told = notifications.ReadChanged(interaction_id=own, person_id=person_id, seq=seq)
            tell_others(outbound, state, person_id, told)
        case effects.TellTransfer():
            _by_view(outbound, state, lambda outside: _transfer(state, outside=outside))
        case effects.TellInvitation():
            _tell_invitation(outbound, state)
        case effects.TellSilence():
            silence = notifications.SilenceChanged(interaction_id=own, ends_at=state.silence_ends_at)
            tell_all(outbound, state, silence)
        case effects.TellLeft(person_id=person_id, reason=reason):
            outbound.notify(person_id, notifications.InteractionLeft(interaction_id=own, reason=reason))
        case effects.TellTransport(person_id=person_id, transport=transport, state=moved):
            changed = notifications.TransportChanged(interaction_id=own, transport=transport, state=moved)
            outbound.notify(person_id, changed)


def tell_all(outbound: Outbound, state: InteractionState, notification: Notification) -> None:
    for member in state.members:
        if member.presence is not Presence.LEFT:
            outbound.notify(member.person_id, notification)


def tell_others(
    outbound: Outbound, state: InteractionState, person_id: str, notification: Notification
) -> None:
    for member in state.members:
        if member.person_id != person_id and member.presence is not Presence.LEFT:
            outbound.notify(member.person_id, notification)


def tell_speakers(outbound: Outbound, state: InteractionState, person_ids: list[str]) -> None:
    """A whispering supervisor speaks to staff alone."""
    shown = [person_id for person_id in person_ids if not _is_hidden(state.find(person_id))]
    _by_view(
        outbound,
        state,
        lambda outside: notifications.ActiveSpeakersChanged(
            interaction_id=state.interaction_id, person_ids=shown if outside else person_ids
        ),
    )


def _by_view(outbound: Outbound, state: InteractionState, make: Callable[[bool], Notification]) -> None:
    """``make(True)`` is for the taxpayer and a guest, ``make(False)`` for the staff of the centre."""
    made: dict[bool, Notification] = {}
    for member in state.members:
        if member.presence is not Presence.LEFT:
            outside = not member.sees_hidden
            told = made[outside] = made.get(outside) or make(outside)
            outbound.notify(member.person_id, told)


def _tell_interaction(outbound: Outbound, state: InteractionState) -> None:
    made: dict[tuple[bool, int], Notification] = {}
    for member in state.members:
        if member.presence is Presence.LEFT:
            continue
        seen = (not member.sees_hidden, member.history_from)
        if seen not in made:
            view = interaction_view(state, outside=seen[0], history_from=seen[1])
            made[seen] = notifications.InteractionChanged(interaction=view)
        outbound.notify(member.person_id, made[seen])


def _tell_invitation(outbound: Outbound, state: InteractionState) -> None:
    asked, own = state.invitation, state.interaction_id
    assert asked is not None
    _by_view(
        outbound,
        state,
        lambda outside: notifications.InvitationChanged(
            interaction_id=own, invitation=invitation_view(asked, outside=outside)
        ),
    )
    ring = invitation_ring(state)
    if ring is not None:
        outbound.notify(asked.to_agent, notifications.InvitationRang(ring=ring))
    elif asked.phase is not InvitationPhase.ENDED:
        ended = notifications.InvitationEnded(
            interaction_id=own, invitation_id=asked.invitation_id, phase=asked.phase
        )
        outbound.notify(asked.to_agent, ended)


def _transfer(state: InteractionState, *, outside: bool) -> Notification:
    assert state.transfer is not None
    view = transfer_view(state.transfer, outside=outside)
    return notifications.TransferChanged(interaction_id=state.interaction_id, transfer=view)


def _tell_member(outbound: Outbound, state: InteractionState, person_id: str) -> None:
    changed = state.member(person_id)
    told = notifications.MemberChanged(
        interaction_id=state.interaction_id, member=member_view(state, changed)
    )
    for member in state.members:
        if member.presence is Presence.LEFT or (changed.hidden and not member.sees_hidden):
            continue
        outbound.notify(member.person_id, told)


def _is_hidden(member: Member | None) -> bool:
    return member is not None and member.hidden
