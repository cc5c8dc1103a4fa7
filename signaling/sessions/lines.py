"""The system's own lines in the conversation, one for each step. Staff are named by their number alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from signaling.sessions.model import InteractionState, TransferState
from signaling.sessions.states import (
    AssistancePhase,
    CallPhase,
    CloseReason,
    EndReason,
    InteractionKind,
    InteractionPhase,
    InvitationPhase,
    Presence,
    Role,
    SupervisionMode,
    TransferPhase,
)

_OPENED = "税务人员 {agent} 为您服务。"
_CLOSED = "本次互动已结束。"
_CLOSE_REASONS: Mapping[CloseReason, str] = {
    CloseReason.TAXPAYER_ENDED: "纳税人主动结束会话。",
    CloseReason.AGENT_ENDED: "税务人员 {agent} 已结束会话。",
    CloseReason.WINDOW_CLOSED: "纳税人关闭窗口，会话结束。",
    CloseReason.SILENCE: "长时间未收到消息，会话已自动结束。",
    CloseReason.ABANDONED: "纳税人长时间未返回，会话已结束。",
    CloseReason.QUEUE_LEFT: "纳税人已取消等待，会话结束。",
    CloseReason.SERVER_STOPPING: "服务维护，会话已结束。",
}
_SILENCE = "您已较长时间未发送消息，如无新消息，会话将于{minutes}分钟后自动结束。"
_VACANT = "税务人员 {agent} 暂时离线，正在为您优先安排其他税务人员，请稍候。"
_REPLACED = "会话已转接，税务人员 {agent} 为您服务。"
_TRANSFER: Mapping[TransferPhase, str] = {
    TransferPhase.OFFERED: "正在为您转接至{target}，请稍候。",
    TransferPhase.DECLINED: "{target}暂时无法接入，税务人员 {agent} 继续为您服务。",
    TransferPhase.TIMED_OUT: "转接无人应答，税务人员 {agent} 继续为您服务。",
    TransferPhase.CANCELLED: "转接已取消，税务人员 {agent} 继续为您服务。",
}
_COLLABORATES = "税务人员 {agent} 发起线下协同办：{business}"
_INVITATION: Mapping[InvitationPhase, str] = {
    InvitationPhase.RINGING: "正在邀请{authority}坐席加入，请稍候。",
    InvitationPhase.ACCEPTED: "{authority}坐席 {number} 加入会话。",
    InvitationPhase.DECLINED: "{authority}坐席暂时无法加入。",
    InvitationPhase.TIMED_OUT: "{authority}坐席无人应答，邀请已结束。",
    InvitationPhase.CANCELLED: "已取消邀请{authority}坐席。",
    InvitationPhase.ENDED: "{authority}坐席 {number} 已离开会话。",
}
_HISTORY_SHARED = "此前的会话内容已向其展示。"
_JOINED = "班长 {name} 已加入会话。"
_QUIT = "班长 {name} 已离开会话。"
_LEFT: Mapping[Role, str] = {Role.TAXPAYER: "纳税人已离开。", Role.AGENT: "税务人员 {agent} 已离开。"}
_RETURNED: Mapping[Role, str] = {Role.TAXPAYER: "纳税人已返回。", Role.AGENT: "税务人员 {agent} 已返回。"}

_ASSISTANCE: Mapping[tuple[AssistancePhase, AssistancePhase], str] = {
    (AssistancePhase.IDLE, AssistancePhase.REQUESTED): "纳税人请求远程协助。",
    (AssistancePhase.ENDED, AssistancePhase.REQUESTED): "纳税人请求远程协助。",
    (AssistancePhase.REQUESTED, AssistancePhase.ACCEPTED): "税务人员 {agent} 已接受远程协助。",
    (AssistancePhase.ACCEPTED, AssistancePhase.SHARING): "纳税人已开始分享屏幕。",
    (AssistancePhase.ACCEPTED, AssistancePhase.PAUSED): "屏幕分享已恢复，仍为暂停状态。",
    (AssistancePhase.SHARING, AssistancePhase.PAUSED): "纳税人已暂停分享。",
    (AssistancePhase.PAUSED, AssistancePhase.SHARING): "纳税人已继续分享。",
    (AssistancePhase.SHARING, AssistancePhase.ACCEPTED): "屏幕分享已停止，纳税人可以重新选择分享内容。",
    (AssistancePhase.PAUSED, AssistancePhase.ACCEPTED): "屏幕分享已停止，纳税人可以重新选择分享内容。",
}
_ASSISTANCE_ENDED: Mapping[EndReason, str] = {
    EndReason.HUNG_UP: "远程协助已结束。",
    EndReason.CANCELLED: "纳税人已取消远程协助。",
    EndReason.DECLINED: "税务人员 {agent} 未接受远程协助。",
    EndReason.RING_TIMEOUT: "远程协助无人应答，已取消。",
    EndReason.MEMBER_LEFT: "一方已离开，远程协助已结束。",
    EndReason.NETWORK_LOST: "网络中断，远程协助已结束。",
    EndReason.INTERACTION_CLOSED: "远程协助已结束。",
    EndReason.SERVER_STOPPING: "服务维护，远程协助已结束。",
}
_CALL: Mapping[CallPhase, str] = {
    CallPhase.ASKED: "纳税人申请音视频互动。",
    CallPhase.RINGING: "税务人员 {agent} 发起音视频互动。",
    CallPhase.CONNECTING: "纳税人已同意音视频互动。",
    CallPhase.ACTIVE: "音视频互动已接通。",
}
_CALL_ENDED: Mapping[EndReason, str] = {
    EndReason.HUNG_UP: "音视频互动已结束。",
    EndReason.CANCELLED: "音视频互动已取消。",
    EndReason.DECLINED: "音视频互动未被接受。",
    EndReason.RING_TIMEOUT: "音视频互动无人应答，已取消。",
    EndReason.MEMBER_LEFT: "一方已离开，音视频互动已结束。",
    EndReason.NETWORK_LOST: "网络中断，音视频互动已结束。",
    EndReason.INTERACTION_CLOSED: "音视频互动已结束。",
    EndReason.SERVER_STOPPING: "服务维护，音视频互动已结束。",
}


def narrate(old: InteractionState | None, new: InteractionState, now_ms: int) -> InteractionState:
    """``new`` with the lines that tell how it came from ``old``; from nothing, that it was opened."""
    agent = new.of_role(Role.AGENT).display_name
    for line in [_opening(new)] if old is None else _lines(old, new):
        new = new.with_line(line.format(agent=agent), now_ms)
    return new


def _opening(new: InteractionState) -> str:
    if new.kind is InteractionKind.SERVICE:
        return _OPENED
    return _COLLABORATES.replace("{business}", _literal(new.context.business or "跨区域涉税事项"))


def _literal(text: str) -> str:
    """What people wrote is no template."""
    return text.replace("{", "{{").replace("}", "}}")


def _lines(old: InteractionState, new: InteractionState) -> Iterator[str]:
    closing = old.phase is not new.phase and new.phase is InteractionPhase.CLOSED
    yield from _of_members(old, new)
    yield from _of_supervision(old, new)
    if not closing:
        yield from _of_service(old, new)
        yield from _of_invitation(old, new)
    yield from _of_assistance(old, new)
    yield from _of_call(old, new)
    if closing:
        if new.close_reason is not None and new.close_reason in _CLOSE_REASONS:
            yield _CLOSE_REASONS[new.close_reason]
        yield _CLOSED


def _of_service(old: InteractionState, new: InteractionState) -> Iterator[str]:
    """Who serves: transfers, a lost agent and the next one, silence."""
    if new.vacant and not old.vacant:
        yield _VACANT
    elif new.of_role(Role.AGENT).person_id != old.of_role(Role.AGENT).person_id or (
        old.vacant and not new.vacant
    ):
        yield _REPLACED
    if (
        new.transfer is not None
        and new.transfer.phase in _TRANSFER
        and (old.transfer is None or old.transfer.phase is not new.transfer.phase)
        and not new.vacant
    ):
        yield _TRANSFER[new.transfer.phase].replace("{target}", _shown_target(new.transfer))
    if new.silence_ends_at is not None and old.silence_ends_at is None:
        yield _SILENCE.replace("{minutes}", str(max(1, round(new.settings.silence_end_ms / 60_000))))


def _of_invitation(old: InteractionState, new: InteractionState) -> Iterator[str]:
    asked, before = new.invitation, old.invitation
    if asked is None:
        return
    same = before is not None and before.invitation_id == asked.invitation_id
    if same and before is not None and before.phase is asked.phase:
        return
    line = _INVITATION[asked.phase].replace("{authority}", _literal(asked.authority))
    shared = asked.share_history and new.kind is InteractionKind.SERVICE
    if asked.phase is InvitationPhase.ACCEPTED and shared:
        line += _HISTORY_SHARED
    yield line.replace("{number}", _literal(asked.to_number))


def _shown_target(transfer: TransferState) -> str:
    return f"税务人员 {transfer.target}" if transfer.to_agent is not None else transfer.target


def _of_supervision(old: InteractionState, new: InteractionState) -> Iterator[str]:
    """Of supervisors only who is seen by all."""
    seen = {m.person_id for m in old.members if m.supervision is SupervisionMode.BARGE}
    sees = {m.person_id for m in new.members if m.supervision is SupervisionMode.BARGE}
    for member in new.members:
        if member.person_id in sees - seen:
            yield _JOINED.replace("{name}", member.display_name)
    for member in old.members:
        if member.person_id in seen - sees:
            yield _QUIT.replace("{name}", member.display_name)


def _of_members(old: InteractionState, new: InteractionState) -> Iterator[str]:
    for member in new.parties:
        known = old.find(member.person_id)
        if known is None or old.vacant or new.vacant:
            continue
        before = known.presence
        if member.presence is Presence.LEFT and before is not Presence.LEFT:
            yield _LEFT[member.role]
        elif before is Presence.LEFT and member.presence is not Presence.LEFT:
            yield _RETURNED[member.role]


def _of_assistance(old: InteractionState, new: InteractionState) -> Iterator[str]:
    before, after = old.assistance.phase, new.assistance.phase
    if before is after:
        return
    if after is AssistancePhase.ENDED:
        if new.assistance.end_reason is not None:
            yield _ASSISTANCE_ENDED[new.assistance.end_reason]
    else:
        yield _ASSISTANCE[(before, after)]


def _of_call(old: InteractionState, new: InteractionState) -> Iterator[str]:
    if old.call.phase is new.call.phase:
        return
    if new.call.phase is CallPhase.ENDED:
        if new.call.end_reason is not None:
            yield _CALL_ENDED[new.call.end_reason]
    elif new.kind is InteractionKind.COLLABORATION and new.call.phase is CallPhase.CONNECTING:
        yield _CALL[CallPhase.RINGING]  # nobody is rung there, and nobody agreed
    else:
        yield _CALL[new.call.phase]
