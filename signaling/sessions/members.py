"""Rules of presence and of the media of members: who is there, what arrives, when a loss counts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from media.types import TransportKind, TransportState
from signaling.sessions import assistance, call, commands
from signaling.sessions.model import InteractionState, Link, Member
from signaling.sessions.policy import grant
from signaling.sessions.states import EndReason, Presence


def running(state: InteractionState) -> bool:
    return state.assistance.running or state.call.running


def media_connected(state: InteractionState, member: Member) -> bool:
    """False while a transport that is needed and had been connected is not."""
    return not any(
        link.was_connected and link.state is not TransportState.CONNECTED
        for kind, link in member.links.items()
        if _needed(state, member, kind)
    )


def connect(state: InteractionState, command: commands.MemberConnected) -> InteractionState:
    member = state.member(command.person_id)
    if not command.resumed:
        member = replace(
            _without_media(member),
            peer_epoch=member.peer_epoch + 1,
            links={
                kind: Link(TransportState.CLOSED, link.was_connected) for kind, link in member.links.items()
            },
        )
    return state.with_member(replace(member, presence=Presence.ONLINE, reconnect_by=None, left_at=None))


def disconnect(state: InteractionState, person_id: str, now_ms: int) -> InteractionState:
    member = state.member(person_id)
    if member.presence is not Presence.ONLINE:
        return state
    reconnect_by = now_ms + state.settings.reconnect_grace_ms
    return state.with_member(replace(member, presence=Presence.RECONNECTING, reconnect_by=reconnect_by))


def give_up(state: InteractionState, person_id: str, now_ms: int) -> InteractionState:
    """The grace period is over."""
    member = state.find(person_id)
    if member is None or member.reconnect_by is None or now_ms < member.reconnect_by:
        return state
    if not member.is_party:
        return state.without(person_id)  # of a guest ``invitation.settle`` says the rest
    return end_sessions(state.with_member(gone(member, now_ms)), EndReason.MEMBER_LEFT, person_id)


def gone(member: Member, now_ms: int) -> Member:
    return replace(
        _without_media(member), presence=Presence.LEFT, reconnect_by=None, left_at=now_ms, links={}
    )


def lose_media(state: InteractionState, person_id: str, now_ms: int) -> InteractionState:
    """A needed transport was down for too long."""
    member = state.find(person_id)
    if member is None or member.media_lost_by is None or now_ms < member.media_lost_by:
        return state
    return end_sessions(state, EndReason.NETWORK_LOST, person_id)


def end_sessions(state: InteractionState, reason: EndReason, ended_by: str | None) -> InteractionState:
    return call.end(assistance.end(state, reason, ended_by), reason, ended_by)


def move_transport(state: InteractionState, command: commands.TransportMoved) -> InteractionState:
    member = state.member(command.person_id)
    if member.presence is Presence.LEFT:
        return state
    known = member.links.get(command.transport)
    link = Link(command.state, known is not None and known.was_connected)
    return state.with_member(replace(member, links={**member.links, command.transport: link}))


def start_track(state: InteractionState, command: commands.TrackStarted) -> InteractionState:
    member = state.member(command.person_id)
    return state.with_member(replace(member, tracks=member.tracks | {command.source}))


def stop_track(state: InteractionState, command: commands.TrackStopped) -> InteractionState:
    member = state.member(command.person_id)
    return state.with_member(replace(member, tracks=member.tracks - {command.source}))


def measure(state: InteractionState, command: commands.QualityMeasured) -> InteractionState:
    member = state.member(command.person_id)
    qualities = {**member.qualities, command.transport: command.quality}
    return state.with_member(replace(member, qualities=qualities))


def settle(state: InteractionState, now_ms: int) -> InteractionState:
    """Nothing of a member's media outlives the grant; a loss is timed while it hurts."""
    for member in state.members:
        state = state.with_member(_settle_member(state, member, now_ms))
    return state


def _settle_member(state: InteractionState, member: Member, now_ms: int) -> Member:
    granted = grant(state, member)
    live = running(state)
    member = replace(
        member,
        offered=member.offered & granted,
        tracks=member.tracks & granted,
        muted=member.muted & granted,
        links=_settle_links(member.links, live),
        qualities=member.qualities if live else {},
    )
    # What a supervisor loses ends nothing.
    if member.presence is Presence.LEFT or not member.is_party or media_connected(state, member):
        return replace(member, media_lost_by=None)
    if member.media_lost_by is None:
        return replace(member, media_lost_by=now_ms + state.settings.media_lost_timeout_ms)
    return member


def _settle_links(links: Mapping[TransportKind, Link], live: bool) -> Mapping[TransportKind, Link]:
    # Between two calls a page may drop its transports: that is no loss for the next one.
    return {
        kind: Link(link.state, live and (link.was_connected or link.state is TransportState.CONNECTED))
        for kind, link in links.items()
    }


def _needed(state: InteractionState, member: Member, kind: TransportKind) -> bool:
    if kind is TransportKind.PUBLISH:
        return bool(grant(state, member))
    return any(grant(state, other) for other in state.members if other.person_id != member.person_id)


def _without_media(member: Member) -> Member:
    return replace(member, offered=frozenset(), tracks=frozenset(), qualities={}, media_lost_by=None)
