"""Between the words of rooms (``signaling.rooms.kept``) and the rows of the record. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from rtc_server.records.agent_status import AgentStatusChange
from rtc_server.records.audit import AuditEntry
from rtc_server.records.call_recordings import CallRecording, RecordingConsent
from rtc_server.records.calls import CallKind, CallRecord
from rtc_server.records.files import File
from rtc_server.records.interactions import Interaction, InteractionMember
from rtc_server.records.invitations import Invitation
from rtc_server.records.messages import Message as MessageRow
from rtc_server.records.ratings import Rating
from rtc_server.records.tickets import TicketRecord, record_of, ticket_of
from rtc_server.records.transfers import Transfer, TransferOutcome
from signaling.rooms import kept
from signaling.sessions.model import FileRef, InteractionContext, Message
from signaling.sessions.policy import SessionKind
from signaling.sessions.queue_states import AgentStatus, StatusReason
from signaling.sessions.states import CloseReason, MessageKind, TransferPhase

_OUTCOMES: Mapping[TransferPhase, TransferOutcome] = MappingProxyType(
    {
        TransferPhase.OFFERED: TransferOutcome.PENDING,
        TransferPhase.ACCEPTED: TransferOutcome.ACCEPTED,
        TransferPhase.DECLINED: TransferOutcome.DECLINED,
        TransferPhase.TIMED_OUT: TransferOutcome.TIMED_OUT,
        TransferPhase.CANCELLED: TransferOutcome.CANCELLED,
    }
)
_PHASES = {outcome: phase for phase, outcome in _OUTCOMES.items()}


def row_of(thing: kept.Kept, revision: int, new_id: Callable[[], str]) -> object:
    """``revision`` is higher than of any row written before; ``new_id`` names what has no id of its own."""
    match thing:
        case kept.KeptMessage(interaction_id, message):
            return MessageRow(
                interaction_id=interaction_id,
                seq=message.seq,
                sender_id=message.sender_id,
                client_message_id=message.client_message_id,
                kind=message.kind,
                text=message.text,
                sent_at=message.sent_at,
                file_id=message.file.file_id if message.file is not None else None,
                sender_role=message.sender_role,
                sender_name=message.sender_name,
                card=message.card,
            )
        case kept.KeptInteraction():
            return Interaction(
                interaction_id=thing.interaction_id,
                revision=revision,
                taxpayer_id=thing.taxpayer_id,
                taxpayer_name=thing.taxpayer_name,
                authority=thing.context.authority,
                centre_id=thing.centre_id,
                agent_id=thing.agent_id,
                phase=thing.phase,
                opened_at=thing.opened_at,
                closed_at=thing.closed_at,
                closed_by=thing.closed_by,
                close_reason=thing.close_reason.value if thing.close_reason is not None else None,
                context=context_text(thing.context),
                wrap_up_code=thing.wrap_up_code,
                wrap_up_note=thing.wrap_up_note,
                kind=thing.kind,
            )
        case kept.KeptMember():
            return InteractionMember(
                interaction_id=thing.interaction_id,
                person_id=thing.person_id,
                revision=revision,
                role=thing.role,
                display_name=thing.display_name,
                joined_at=thing.joined_at,
                left_at=thing.left_at,
                guest_of=thing.guest_of,
                history_from=thing.history_from,
                history_to=thing.history_to,
                in_call=thing.in_call,
            )
        case kept.KeptCall():
            return CallRecord(
                call_id=thing.call_id,
                revision=revision,
                interaction_id=thing.interaction_id,
                kind=CallKind(thing.kind.value),
                started_by=thing.started_by,
                requested_at=thing.requested_at,
                accepted_at=thing.accepted_at,
                connected_at=thing.connected_at,
                ended_at=thing.ended_at,
                ended_by=thing.ended_by,
                end_reason=thing.end_reason,
                paused=thing.paused,
            )
        case kept.KeptRecording():
            return CallRecording(
                recording_id=thing.recording_id,
                revision=revision,
                interaction_id=thing.interaction_id,
                started_by=thing.started_by,
                started_at=thing.started_at,
                ended_at=thing.ended_at,
            )
        case kept.KeptConsent():
            # In order also within a millisecond: the last answer counts.
            ordered = f"{revision:015x}{new_id()}"
            return RecordingConsent(
                ordered, thing.recording_id, thing.interaction_id, thing.person_id, thing.consent, thing.at
            )
        case kept.KeptTransfer():
            return Transfer(
                transfer_id=thing.transfer_id,
                revision=revision,
                interaction_id=thing.interaction_id,
                from_agent=thing.from_agent,
                to_agent=thing.to_agent,
                to_centre=thing.to_centre,
                outcome=_OUTCOMES[thing.phase],
                asked_at=thing.asked_at,
                decided_at=thing.decided_at,
                taken_by=thing.taken_by,
                note=thing.note or None,
            )
        case kept.KeptInvitation():
            return Invitation(revision=revision, **asdict(thing))
        case kept.KeptRating():
            return Rating(
                interaction_id=thing.interaction_id,
                taxpayer_id=thing.taxpayer_id,
                agent_id=thing.agent_id,
                solved=thing.resolved,
                comment=thing.comment,
                rated_at=thing.rated_at,
            )
        case kept.KeptTicket():
            return record_of(
                thing.ticket,
                revision,
                thing.gone_at,
                thing.gone_reason,
                taxpayer_name=thing.taxpayer_name,
                context=context_text(thing.context),
            )
        case kept.KeptAgentStatus():
            # In order also within a millisecond: a restart asks for the last one.
            ordered = f"{revision:015x}{new_id()}"
            return AgentStatusChange(
                ordered, thing.agent_id, thing.status, thing.reason, thing.at, thing.chosen
            )
        case kept.KeptAudit():
            return AuditEntry(
                new_id(), thing.at, thing.actor_id, thing.action, thing.subject, None, thing.detail
            )


def context_text(context: InteractionContext) -> str:
    return json.dumps(asdict(context), ensure_ascii=False)


def context_of(text: str | None) -> InteractionContext:
    return InteractionContext(**json.loads(text)) if text else InteractionContext()


def interaction_of(row: Interaction) -> kept.KeptInteraction:
    return kept.KeptInteraction(
        interaction_id=row.interaction_id,
        taxpayer_id=row.taxpayer_id,
        taxpayer_name=row.taxpayer_name,
        centre_id=row.centre_id,
        agent_id=row.agent_id,
        phase=row.phase,
        opened_at=row.opened_at,
        context=context_of(row.context),
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        close_reason=CloseReason(row.close_reason) if row.close_reason is not None else None,
        wrap_up_code=row.wrap_up_code,
        wrap_up_note=row.wrap_up_note,
        kind=row.kind,
    )


def member_of(row: InteractionMember) -> kept.KeptMember:
    return kept.KeptMember(
        row.interaction_id,
        row.person_id,
        row.role,
        row.display_name,
        row.joined_at,
        row.left_at,
        row.guest_of,
        row.history_from,
        row.history_to,
        row.in_call,
    )


def call_of(row: CallRecord) -> kept.KeptCall:
    return kept.KeptCall(
        call_id=row.call_id,
        interaction_id=row.interaction_id,
        kind=SessionKind(row.kind.value),
        started_by=row.started_by,
        requested_at=row.requested_at,
        accepted_at=row.accepted_at,
        connected_at=row.connected_at,
        paused=bool(row.paused),
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        end_reason=row.end_reason,
    )


def agent_status_of(row: AgentStatusChange) -> kept.KeptAgentStatus:
    """Rows of before version 0003 do not tell what was chosen: who was busy by load is free again."""
    chosen = row.chosen or (AgentStatus.FREE if row.reason is StatusReason.LOAD else row.status)
    return kept.KeptAgentStatus(row.agent_id, row.status, row.reason, row.at, chosen)


def transfer_of(row: Transfer) -> kept.KeptTransfer:
    return kept.KeptTransfer(
        transfer_id=row.transfer_id,
        interaction_id=row.interaction_id,
        from_agent=row.from_agent,
        to_agent=row.to_agent,
        to_centre=row.to_centre,
        phase=_PHASES[row.outcome],
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        taken_by=row.taken_by,
        note=row.note or "",
    )


def invitation_of(row: Invitation) -> kept.KeptInvitation:
    values = {**asdict(row), "note": row.note or ""}
    del values["revision"]
    return kept.KeptInvitation(**values)


def rating_of(row: Rating) -> kept.KeptRating:
    return kept.KeptRating(
        row.interaction_id, row.taxpayer_id, row.agent_id, row.solved, row.comment, row.rated_at
    )


def kept_ticket_of(row: TicketRecord) -> kept.KeptTicket:
    return kept.KeptTicket(ticket_of(row), row.taxpayer_name or "*", context_of(row.context))


def file_ref_of(row: File) -> FileRef:
    return FileRef(row.file_id, row.name, row.media_type, row.size, row.width, row.height)


def message_of(row: MessageRow, files: Mapping[str, File]) -> Message:
    """A file that is not in ``files`` any more leaves its name in the text."""
    file = files.get(row.file_id) if row.file_id is not None else None
    lost = row.kind in (MessageKind.PICTURE, MessageKind.FILE) and file is None
    return Message(
        seq=row.seq,
        sender_id=row.sender_id,
        client_message_id=row.client_message_id,
        text=row.text,
        sent_at=row.sent_at,
        kind=MessageKind.TEXT if lost else row.kind,
        sender_role=row.sender_role,
        sender_name=row.sender_name,
        file=file_ref_of(file) if file is not None else None,
        card=row.card,
    )


def file_ids(rows: Sequence[MessageRow]) -> list[str]:
    return sorted({row.file_id for row in rows if row.file_id is not None})
