"""To the wire: the state of an interaction as its members see it."""

from __future__ import annotations

from collections.abc import Iterable

from signaling.rooms.ports import IceServer, Person, Profile
from signaling.sessions.members import media_connected
from signaling.sessions.model import (
    AssistanceState,
    FileRef,
    InteractionContext,
    InteractionState,
    InvitationState,
    Member,
    Message,
    RecordingState,
    TransferState,
)
from signaling.sessions.policy import silenced
from signaling.sessions.states import Role
from signaling.wire.invitation_views import InvitationRing, InvitationView
from signaling.wire.views import (
    AssistanceView,
    CallView,
    ContextView,
    FileView,
    IceServerView,
    InteractionView,
    MediaView,
    MemberView,
    MessageView,
    PersonView,
    ProfileView,
    RecordingView,
    TransferView,
)

SHOWN_MESSAGES = 50


def interaction_view(state: InteractionState, *, outside: bool, history_from: int = 1) -> InteractionView:
    """As the taxpayer or a guest may see it, or as the staff of the centre may; of lines those from ``history_from``."""
    shown = [member for member in state.members if not (outside and member.hidden)]
    lines = [message for message in state.messages[-SHOWN_MESSAGES:] if message.seq >= history_from]
    return InteractionView(
        interaction_id=state.interaction_id,
        kind=state.kind,
        phase=state.phase,
        centre_id=state.centre_id,
        centre_name=state.centre_name,
        context=context_view(state.context),
        members=[member_view(state, member) for member in shown],
        agent_id=None if state.vacant else state.of_role(Role.AGENT).person_id,
        messages=[message_view(message) for message in lines],
        last_seq=state.next_seq - 1,
        history_from=history_from,
        read={member.person_id: member.read_seq for member in state.members if member.supervision is None},
        assistance=assistance_view(state.assistance),
        call=call_view(state, outside=outside),
        recording=recording_view(state.recording),
        transfer=transfer_view(state.transfer, outside=outside) if state.transfer is not None else None,
        invitation=(
            invitation_view(state.invitation, outside=outside) if state.invitation is not None else None
        ),
        silence_ends_at=state.silence_ends_at,
        opened_at=state.opened_at,
        closed_by=state.closed_by,
        close_reason=state.close_reason,
    )


def context_view(context: InteractionContext) -> ContextView:
    return ContextView(page=context.page, business=context.business, authority=context.authority)


def transfer_view(transfer: TransferState, *, outside: bool) -> TransferView:
    return TransferView(
        transfer_id=transfer.transfer_id,
        phase=transfer.phase,
        from_agent=transfer.from_agent,
        to_agent=transfer.to_agent,
        to_centre=transfer.to_centre,
        target=transfer.target,
        note="" if outside else transfer.note,
        asked_at=transfer.asked_at,
        deadline=transfer.deadline,
    )


def invitation_view(asked: InvitationState, *, outside: bool) -> InvitationView:
    return InvitationView(
        invitation_id=asked.invitation_id,
        phase=asked.phase,
        from_agent=asked.from_agent,
        to_agent=asked.to_agent,
        to_number=asked.to_number,
        authority=asked.authority,
        note="" if outside else asked.note,
        share_history=asked.share_history,
        asked_at=asked.asked_at,
        deadline=asked.deadline,
    )


def invitation_ring(state: InteractionState) -> InvitationRing | None:
    """What rings at the invited agent; None when nothing does."""
    asked = state.invitation
    if asked is None or not state.inviting:
        return None
    return InvitationRing(
        interaction_id=state.interaction_id,
        invitation_id=asked.invitation_id,
        kind=state.kind,
        from_number=asked.from_number,
        authority=asked.authority,
        taxpayer_name=state.taxpayer.display_name if state.taxpayer is not None else None,
        business=state.context.business,
        note=asked.note,
        share_history=asked.share_history,
        deadline=asked.deadline or asked.asked_at,
    )


def member_view(state: InteractionState, member: Member) -> MemberView:
    muted = silenced(state, member)
    return MemberView(
        person_id=member.person_id,
        role=member.role,
        display_name=member.display_name,
        presence=member.presence,
        supervision=member.supervision,
        guest_of=member.guest_of,
        in_call=member.in_call,
        media=[MediaView(source=source, muted=source in muted) for source in sorted(member.tracks)],
        media_connected=media_connected(state, member),
        quality=member.quality,
    )


def message_view(message: Message) -> MessageView:
    return MessageView(
        seq=message.seq,
        kind=message.kind,
        client_message_id=message.client_message_id,
        sender_id=message.sender_id,
        sender_role=message.sender_role,
        sender_name=message.sender_name,
        text=message.text,
        file=file_view(message.file) if message.file is not None else None,
        card=message.card,
        sent_at=message.sent_at,
    )


def file_view(file: FileRef) -> FileView:
    return FileView(
        file_id=file.file_id,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        width=file.width,
        height=file.height,
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


def call_view(interaction: InteractionState, *, outside: bool) -> CallView:
    state = interaction.call
    hidden = {member.person_id for member in interaction.members if outside and member.hidden}
    return CallView(
        phase=state.phase,
        ended_by=state.ended_by,
        end_reason=state.end_reason,
        problems={who: what for who, what in state.problems.items() if who not in hidden},
        deadline=state.deadline,
        started_at=state.started_at,
    )


def recording_view(state: RecordingState) -> RecordingView:
    return RecordingView(
        phase=state.phase,
        recording_id=state.recording_id,
        started_at=state.started_at,
        consents=dict(state.consents),
    )


def profile_view(profile: Profile) -> ProfileView:
    return ProfileView(
        person_id=profile.person_id,
        name=profile.name,
        phone=profile.phone,
        company=profile.company,
        authority=profile.authority,
        region=profile.region,
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
