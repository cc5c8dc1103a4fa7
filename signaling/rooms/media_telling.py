"""What a member is told of the media it has: what each receive slot carries, which layers of its camera are wanted."""

from __future__ import annotations

from media.events import LayersWanted, SlotAssigned
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.ports import Outbound
from signaling.wire import notifications


class MediaTelling:
    """One per room, beside its desk."""

    def __init__(self, room_id: str, desk: MediaDesk, outbound: Outbound) -> None:
        self._room_id = room_id
        self._desk = desk
        self._outbound = outbound

    def hear(self, event: SlotAssigned | LayersWanted) -> None:
        self._desk.hear(event)
        self._tell(event)

    def tell_again(self, person_id: str) -> None:
        """Everything that holds now, to a page that was without its connection for a while: nothing of this is in its
        welcome, and what changed meanwhile was told to nobody."""
        for event in self._desk.holds_for(person_id):
            self._tell(event)

    def _tell(self, event: SlotAssigned | LayersWanted) -> None:
        own = self._room_id
        match event:
            case SlotAssigned(mid=mid, publisher_id=publisher_id, source=source):
                slot = notifications.SlotChanged(
                    interaction_id=own, mid=mid, publisher_id=publisher_id, source=source
                )
                self._outbound.notify(event.peer_id, slot)
            case LayersWanted(source=source, rids=rids):
                layers = notifications.LayersWantedChanged(interaction_id=own, source=source, rids=rids)
                self._outbound.notify(event.peer_id, layers)
