"""What a page asks of its transports and what it is told of them, in a room and in a check alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from media.events import LayersWanted, SlotAssigned
from media.types import TransportKind
from signaling.errors import BadInput, ErrorCode
from signaling.rooms.media_desk import MediaDesk
from signaling.rooms.ports import IceServer
from signaling.wire import notifications, requests
from signaling.wire.base import Empty, Notification, Request, WireModel
from signaling.wire.present import ice_server_views

Told = SlotAssigned | LayersWanted
"""What concerns one member alone."""


async def negotiate(
    desk: MediaDesk,
    peers: Mapping[TransportKind, str],
    request: Request,
    ice_servers: Callable[[], Sequence[IceServer]],
) -> WireModel:
    """All but ``Publish``, whose sources are checked by the rules of a room. ``peers``: whose transport of each kind is meant.
    Raises ``MediaError``, and ``BadInput`` for what is nothing of media."""
    receiver = peers[TransportKind.SUBSCRIBE]
    match request:
        case requests.Subscribe(fresh=fresh):
            sdp, slots = await desk.subscribe(receiver, fresh)
            return requests.Offer(sdp=sdp, slots=slots, ice_servers=ice_server_views(ice_servers()))
        case requests.AnswerSubscribe(sdp=sdp):
            await desk.answer(receiver, sdp)
        case requests.AddCandidate(transport=transport, candidate=candidate):
            await desk.add_candidate(peers[transport], transport, candidate)
        case requests.View():
            await desk.set_view(receiver, request)
        case _:
            raise BadInput(ErrorCode.UNKNOWN_MESSAGE)
    return Empty()


def news_of(room_id: str, event: Told) -> Notification:
    match event:
        case SlotAssigned(mid=mid, publisher_id=publisher_id, source=source):
            return notifications.SlotChanged(
                interaction_id=room_id, mid=mid, publisher_id=publisher_id, source=source
            )
        case LayersWanted(source=source, rids=rids):
            return notifications.LayersWantedChanged(interaction_id=room_id, source=source, rids=rids)
