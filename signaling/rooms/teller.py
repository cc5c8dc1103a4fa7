"""Who in a room is told what: effects and events of media as notifications."""

from __future__ import annotations

from media.events import SlotAssigned
from signaling.rooms.ports import Outbound
from signaling.sessions import effects
from signaling.sessions.model import InteractionState
from signaling.sessions.states import Presence
from signaling.wire import notifications
from signaling.wire.base import Notification
from signaling.wire.present import (
    assistance_view,
    call_view,
    interaction_view,
    member_view,
    message_view,
)

Telling = (
    effects.TellInteraction
    | effects.TellMember
    | effects.TellAssistance
    | effects.TellCall
    | effects.TellMessage
    | effects.TellTransport
)


class Teller:
    """One per room."""

    def __init__(self, interaction_id: str, outbound: Outbound) -> None:
        self._interaction_id = interaction_id
        self._outbound = outbound

    def tell(self, state: InteractionState, effect: Telling) -> None:
        if isinstance(effect, effects.TellTransport):
            self._outbound.notify(
                effect.person_id,
                notifications.TransportChanged(
                    interaction_id=self._interaction_id, transport=effect.transport, state=effect.state
                ),
            )
        else:
            self._tell_all(state, self._notification(state, effect))

    def tell_slot(self, event: SlotAssigned) -> None:
        """The owner of the slot alone."""
        self._outbound.notify(
            event.peer_id,
            notifications.SlotChanged(
                interaction_id=self._interaction_id,
                mid=event.mid,
                publisher_id=event.publisher_id,
                source=event.source,
            ),
        )

    def tell_speakers(self, state: InteractionState, person_ids: list[str]) -> None:
        speakers = notifications.ActiveSpeakersChanged(
            interaction_id=self._interaction_id, person_ids=person_ids
        )
        self._tell_all(state, speakers)

    def _notification(
        self,
        state: InteractionState,
        effect: effects.TellInteraction
        | effects.TellMember
        | effects.TellAssistance
        | effects.TellCall
        | effects.TellMessage,
    ) -> Notification:
        own = self._interaction_id
        match effect:
            case effects.TellInteraction():
                return notifications.InteractionChanged(interaction=interaction_view(state))
            case effects.TellMember(person_id=person_id):
                view = member_view(state, state.member(person_id))
                return notifications.MemberChanged(interaction_id=own, member=view)
            case effects.TellAssistance():
                shown = assistance_view(state.assistance)
                return notifications.AssistanceChanged(interaction_id=own, assistance=shown)
            case effects.TellCall():
                return notifications.CallChanged(interaction_id=own, call=call_view(state.call))
            case effects.TellMessage(message=message):
                return notifications.MessagePosted(interaction_id=own, message=message_view(message))

    def _tell_all(self, state: InteractionState, notification: Notification) -> None:
        for member in state.members:
            if member.presence is not Presence.LEFT:
                self._outbound.notify(member.person_id, notification)
