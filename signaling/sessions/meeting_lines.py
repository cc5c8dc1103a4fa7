"""The system's own lines in the chat of a meeting. Staff are named by their number alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from signaling.sessions.meeting_model import STAFF, MeetingMember, MeetingState
from signaling.sessions.meeting_states import MeetingEnd, MeetingPhase
from signaling.sessions.meeting_streams import StreamAccess

_ENDED: Mapping[MeetingEnd, str] = {
    MeetingEnd.HOST_ENDED: "主持人已结束会议。",
    MeetingEnd.NO_HOST: "长时间没有主持人，会议已自动结束。",
    MeetingEnd.FAILED: "服务出现异常，会议已结束。",
}


def name_of(member: MeetingMember) -> str:
    if member.stream is not None:
        return f"{'推流' if member.stream.access is StreamAccess.PUBLISH else '观看端'} {member.display_name}"
    return f"税务人员 {member.display_name}" if member.role in STAFF else member.display_name


def narrate(old: MeetingState, new: MeetingState, now_ms: int) -> MeetingState:
    for line in _lines(old, new):
        new = new.with_line(line, now_ms)
    return new


def _lines(old: MeetingState, new: MeetingState) -> Iterator[str]:
    ended = old.phase is not new.phase and new.phase is MeetingPhase.ENDED
    if ended:
        if new.end_reason is not None:
            yield _ENDED[new.end_reason]
        return
    if old.phase is MeetingPhase.SCHEDULED and new.phase is MeetingPhase.RUNNING:
        yield "会议已开始。"
    for member in new.members:
        before = old.find(member.person_id)
        was_in = before is not None and before.present
        if member.present and not was_in:
            yield f"{name_of(member)} 已进入会议。"
        elif was_in and not member.present:
            yield f"{name_of(member)} 已{'被移出' if member.removed else '离开'}会议。"
    if new.host_id != old.host_id:
        host = new.find(new.host_id)
        yield (
            f"{name_of(host)} 已成为主持人。"
            if host is not None
            else "主持人已离开，请等候其他税务人员主持会议。"
        )
    if new.locked != old.locked:
        yield "会议已锁定，其他人员无法进入。" if new.locked else "会议已解除锁定。"
    if new.recording.running != old.recording.running:
        yield (
            "会议开始录制，是否录制您的声音和画面由您选择。" if new.recording.running else "会议录制已停止。"
        )
    if new.sharer_id != old.sharer_id and new.sharer_id is not None:
        sharer = new.find(new.sharer_id)
        if sharer is not None:
            yield f"{name_of(sharer)} 开始共享屏幕。"
