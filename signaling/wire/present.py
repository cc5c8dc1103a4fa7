"""To the wire: the state of an interaction as its members see it."""

from __future__ import annotations

from collections.abc import Iterable

from signaling.rooms.ports import IceServer, Person
from signaling.sessions.members import media_connected
from signaling.sessions.model import AssistanceState, CallState, InteractionState, Member, Message
from signaling.sessions.policy import silenced
from signaling.wire.views import (
    AssistanceView,
    CallView,
    IceServerView,
    InteractionView,
    MediaView,
    MemberView,
    MessageView,
    PersonView,
)


def interaction_view(state: InteractionState) -> InteractionView:
    return InteractionView(
        interaction_id=state.interaction_id,
        phase=state.phase,
        members=[member_view(state, member) for member in state.members],
        messages=[message_view(message) for message in state.messages],
        assistance=assistance_view(state.assistance),
        call=call_view(state.call),
        opened_at=state.opened_at,
        closed_by=state.closed_by,
    )


def member_view(state: InteractionState, member: Member) -> MemberView:
    muted = silenced(state, member)
    return MemberView(
        person_id=member.person_id,
        role=member.role,
        display_name=member.display_name,
        presence=member.presence,
        media=[MediaView(source=source, muted=source in muted) for source in sorted(member.tracks)],
        media_connected=media_connected(state, member),
        quality=member.quality,
    )


def message_view(message: Message) -> MessageView:
    return MessageView(
        seq=message.seq,
        client_message_id=message.client_message_id,
        sender_id=message.sender_id,
        text=message.text,
        sent_at=message.sent_at,
    )


def assistance_view(state: AssistanceState) -> AssistanceView:
    return AssistanceView(
        phase=state.phase,
        ended_by=state.ended_by,
        end_reason=state.end_reason,
        problem=state.problem,
        deadline=state.deadline,
        started_at=state.started_at,
    )


def call_view(state: CallState) -> CallView:
    return CallView(
        phase=state.phase,
        ended_by=state.ended_by,
        end_reason=state.end_reason,
        problems=dict(state.problems),
        deadline=state.deadline,
        started_at=state.started_at,
    )


def person_view(person: Person) -> PersonView:
    return PersonView(
        person_id=person.person_id,
        role=person.role,
        display_name=person.display_name,
        authority=person.authority,
        region=person.region,
    )


def ice_server_views(servers: Iterable[IceServer]) -> list[IceServerView]:
    return [
        IceServerView(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in servers
    ]
