"""Domain errors: a stable code and a Chinese sentence that says what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable words of failure on the wire. A code is never reused for another meaning."""

    BAD_MESSAGE = "bad_message"
    MESSAGE_TOO_LARGE = "message_too_large"
    UNKNOWN_MESSAGE = "unknown_message"
    RATE_LIMITED = "rate_limited"
    VERSION_UNSUPPORTED = "version_unsupported"
    TOKEN_MISSING = "token_missing"  # noqa: S105
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_FOREIGN = "token_foreign"  # noqa: S105
    SIGNED_IN_ELSEWHERE = "signed_in_elsewhere"
    NOT_FOUND = "not_found"
    """Also for what the asker may not know about."""
    NOT_A_MEMBER = "not_a_member"
    NOT_ALLOWED = "not_allowed"
    WRONG_PHASE = "wrong_phase"
    AGENT_OFFLINE = "agent_offline"
    AGENT_BUSY = "agent_busy"
    CALL_START_NOT_ALLOWED = "call_start_not_allowed"
    OUTSIDE_GRANT = "outside_grant"
    BAD_SDP = "bad_sdp"
    BAD_CANDIDATE = "bad_candidate"
    WRONG_STATE = "wrong_state"
    """A media request that does not fit the state of its transport."""
    MEDIA_UNAVAILABLE = "media_unavailable"
    INTERACTION_CLOSED = "interaction_closed"
    TOO_MANY_INTERACTIONS = "too_many_interactions"
    SERVER_STOPPING = "server_stopping"
    QUEUE_CLOSED = "queue_closed"
    """Outside the hours of the centre. Ways out: 留言, 预约."""
    QUEUE_NO_AGENT = "queue_no_agent"
    """Nobody who could serve is signed in. Ways out: 留言, 预约."""
    QUEUE_NO_CENTRE = "queue_no_centre"
    """No centre serves the authority. Way out: 我的机关."""
    OFFER_ENDED = "offer_ended"
    AGENT_SIGNED_OUT = "agent_signed_out"
    """The asker has not begun to serve."""
    ALREADY_RATED = "already_rated"
    FILE_NOT_FOUND = "file_not_found"
    """No such file, not of this interaction, or not taken in yet."""
    FILE_TOO_LARGE = "file_too_large"
    FILE_TYPE_REFUSED = "file_type_refused"
    """Archives, executables, scripts, and whatever is not on the list of types taken."""
    FILE_DAMAGED = "file_damaged"
    """The content is not what the name says, or cannot be read."""
    FILE_INFECTED = "file_infected"
    FILES_UNAVAILABLE = "files_unavailable"
    """The store is full, or the scanner does not answer."""
    UPLOAD_CONFLICT = "upload_conflict"
    """Not at the offset of the upload: ask for it and go on from there."""
    QUOTA_EXCEEDED = "quota_exceeded"
    LINK_EXPIRED = "link_expired"
    CONFLICT = "conflict"
    """What was to be saved contradicts something else."""
    PROFILE_UNKNOWN = "profile_unknown"
    """The taxpayer has not been connected since the start: there is nothing to reveal."""
    RECORDS_UNAVAILABLE = "records_unavailable"
    """What was asked could not be recorded or read; nothing was changed."""
    RECORDING_UNAVAILABLE = "recording_unavailable"
    """Calls are not recorded here."""
    MEETING_LOCKED = "meeting_locked"
    MEETING_FULL = "meeting_full"
    MEETING_ENDED = "meeting_ended"
    MEETING_REMOVED = "meeting_removed"
    """A host has removed the asker; the lobby is no way back."""
    MUTED_BY_HOST = "muted_by_host"
    SHARE_TAKEN = "share_taken"
    """Somebody else shares a screen; only the host takes over."""
    HOST_MUST_BE_STAFF = "host_must_be_staff"
    TOO_MANY_STREAMS = "too_many_streams"
    """A meeting has so many links of devices already."""
    STREAM_REVOKED = "stream_revoked"
    """The link of a device was taken back, has ended, or the server was started anew since."""
    SDP_UNSUPPORTED = "sdp_unsupported"
    """A description that can be read, and asks for what is not done here."""
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    PRECONDITION_MISSING = "precondition_missing"
    """A change of a WHIP or WHEP session without ``If-Match``."""
    PRECONDITION_FAILED = "precondition_failed"
    """``If-Match`` names an ICE session that is no longer."""
    NOTES_TOO_LONG = "notes_too_long"
    ASSISTANT_SILENT = "assistant_silent"
    """A human serves the asker: what they write is for the human."""
    ASSISTANT_STARTING = "assistant_starting"
    """The knowledge is not indexed yet: moments after a start."""
    RECORD_NOT_FOUND = "record_not_found"
    """An appointment, inquiry, notice, work order or application that is not there, or not the asker's to see."""
    SLOT_FULL = "slot_full"
    SLOT_GONE = "slot_gone"
    """No slot of the centre's working hours, or too late to book it."""
    ALREADY_BOOKED = "already_booked"
    """The asker has an appointment at that time."""
    TOO_MANY_APPOINTMENTS = "too_many_appointments"
    TOO_MANY_OPEN = "too_many_open"
    """Of inquiries or applications not decided yet."""
    TAXPAYER_OFFLINE = "taxpayer_offline"
    INVITATION_ENDED = "invitation_ended"
    """It rings here no longer: cancelled, timed out, or the conversation is over."""
    CONFIRMATION_INCOMPLETE = "confirmation_incomplete"
    """Something that must be filled in is missing."""
    SPEECH_NOT_CONFIGURED = "speech_not_configured"
    """There is no model here that recognises speech."""
    SPEECH_UNAVAILABLE = "speech_unavailable"
    SPEECH_BUSY = "speech_busy"
    """Too many dictate at once, or the asker does already."""
    VOICE_UNAVAILABLE = "voice_unavailable"
    """The server reads nothing out: switched off, or it failed."""
    INTERNAL_ERROR = "internal_error"


SENTENCES: Mapping[ErrorCode, str] = {
    ErrorCode.BAD_MESSAGE: "请求内容有误，请刷新页面后重试。",
    ErrorCode.MESSAGE_TOO_LARGE: "发送的内容过大，请缩短后重试。",
    ErrorCode.UNKNOWN_MESSAGE: "当前页面与服务不匹配，请刷新页面。",
    ErrorCode.RATE_LIMITED: "操作过于频繁，请稍后再试。",
    ErrorCode.VERSION_UNSUPPORTED: "页面版本已更新，请刷新页面后继续。",
    ErrorCode.TOKEN_MISSING: "您尚未登录，请先登录。",
    ErrorCode.TOKEN_INVALID: "登录信息无效，请重新登录。",
    ErrorCode.TOKEN_EXPIRED: "登录已过期，请重新登录。",
    ErrorCode.TOKEN_FOREIGN: "登录信息不属于本系统，请从本系统入口重新登录。",
    ErrorCode.SIGNED_IN_ELSEWHERE: "您已在其他页面打开互动，如需在此使用，请选择【在此继续】。",
    ErrorCode.NOT_FOUND: "未找到相关互动，可能已经结束，请返回后重试。",
    ErrorCode.NOT_A_MEMBER: "您不在本次互动中，无法进行此操作。",
    ErrorCode.NOT_ALLOWED: "您没有进行此操作的权限。",
    ErrorCode.WRONG_PHASE: "当前状态下无法进行此操作，请按页面提示继续。",
    ErrorCode.AGENT_OFFLINE: "该税务人员当前不在线，请选择其他税务人员或稍后再试。",
    ErrorCode.AGENT_BUSY: "税务人员正忙，请稍后再试。",
    ErrorCode.CALL_START_NOT_ALLOWED: (
        "您暂时无法主动向坐席人员发起音视频互动，仅能由坐席人员向您发起音视频互动。"
    ),
    ErrorCode.OUTSIDE_GRANT: "当前互动不允许发送该音视频或屏幕内容。",
    ErrorCode.BAD_SDP: "音视频协商失败，请刷新页面后重试。",
    ErrorCode.BAD_CANDIDATE: "网络地址信息有误，请刷新页面后重试。",
    ErrorCode.WRONG_STATE: "音视频连接状态已变化，请重新连接。",
    ErrorCode.MEDIA_UNAVAILABLE: "音视频服务暂时不可用，您可以继续文字互动，稍后再试。",
    ErrorCode.INTERACTION_CLOSED: "本次互动已结束，如需帮助请重新发起互动。",
    ErrorCode.TOO_MANY_INTERACTIONS: "您同时进行的互动过多，请先结束其他互动。",
    ErrorCode.SERVER_STOPPING: "服务正在维护，请稍后重新进入。",
    ErrorCode.QUEUE_CLOSED: "当前不在人工服务时间，您可以留言或预约。",
    ErrorCode.QUEUE_NO_AGENT: "当前没有坐席人员在线，您可以留言或预约。",
    ErrorCode.QUEUE_NO_CENTRE: "暂无可受理运营中心，请联系管理员配置",
    ErrorCode.OFFER_ENDED: "该来访已由其他坐席接待或已取消，请留意新的来访。",
    ErrorCode.AGENT_SIGNED_OUT: "您尚未签入，请先签入再接待。",
    ErrorCode.ALREADY_RATED: "您已提交过评价，感谢您的支持。",
    ErrorCode.FILE_NOT_FOUND: "文件不存在或尚未上传完成，请重新上传。",
    ErrorCode.FILE_TOO_LARGE: "文件须小于 20 MB，请缩小后重新发送。",
    ErrorCode.FILE_TYPE_REFUSED: "不支持发送此类文件，请改发图片、PDF、文档或表格。",
    ErrorCode.FILE_DAMAGED: "文件内容与类型不符或已损坏，请重新选择文件。",
    ErrorCode.FILE_INFECTED: "文件未通过安全检查，无法发送。",
    ErrorCode.FILES_UNAVAILABLE: "文件服务暂时不可用，请稍后再试。",
    ErrorCode.UPLOAD_CONFLICT: "上传进度不一致，请重试。",
    ErrorCode.QUOTA_EXCEEDED: "您发送的文件过多，请稍后再发。",
    ErrorCode.LINK_EXPIRED: "链接已过期，请返回会话重新打开文件。",
    ErrorCode.CONFLICT: "内容与现有数据冲突，请检查后重新保存。",
    ErrorCode.PROFILE_UNKNOWN: "暂无该纳税人的详细信息，请待其重新进入后再查看。",
    ErrorCode.RECORDS_UNAVAILABLE: "记录服务暂时不可用，请稍后重试。",
    ErrorCode.RECORDING_UNAVAILABLE: "当前无法录制，请联系管理员。",
    ErrorCode.MEETING_LOCKED: "会议已锁定，请联系主持人解锁后再进入。",
    ErrorCode.MEETING_FULL: "会议人数已满，请稍后再试或联系主持人。",
    ErrorCode.MEETING_ENDED: "会议已结束，如需再次调解请重新提交申请。",
    ErrorCode.MEETING_REMOVED: "您已被移出会议，如有疑问请联系主持人。",
    ErrorCode.MUTED_BY_HOST: "主持人已将您静音，请举手示意，由主持人邀请您发言。",
    ErrorCode.SHARE_TAKEN: "已有成员正在共享屏幕，请等待其停止后再共享。",
    ErrorCode.HOST_MUST_BE_STAFF: "主持人只能移交给税务人员，请另选成员。",
    ErrorCode.TOO_MANY_STREAMS: "推流和观看链接已达上限，请先撤销不用的链接。",
    ErrorCode.STREAM_REVOKED: "该链接已失效，请联系主持人重新生成。",
    ErrorCode.SDP_UNSUPPORTED: "设备的音视频格式不受支持，请改用 VP8 或 H.264 与 Opus 后重试。",
    ErrorCode.MEDIA_TYPE_UNSUPPORTED: "请求的内容类型不受支持，请检查推流或观看程序的设置。",
    ErrorCode.PRECONDITION_MISSING: "请求没有说明针对哪次连接，请检查推流或观看程序。",
    ErrorCode.PRECONDITION_FAILED: "连接已更新，请重新协商后重试。",
    ErrorCode.NOTES_TOO_LONG: "会议笔记已达长度上限，请删减后继续。",
    ErrorCode.ASSISTANT_SILENT: "税务人员正在为您服务，请直接发送消息；结束后悦悦继续为您解答。",
    ErrorCode.ASSISTANT_STARTING: "悦悦正在准备知识，请过几秒再问，也可以选择【人工】。",
    ErrorCode.RECORD_NOT_FOUND: "未找到该记录，可能已被处理，请返回列表刷新后重试。",
    ErrorCode.SLOT_FULL: "该时段已约满，请选择其他时段。",
    ErrorCode.SLOT_GONE: "该时段不可预约，请重新选择日期和时段。",
    ErrorCode.ALREADY_BOOKED: "您在该时段已有预约，请选择其他时段或先取消原预约。",
    ErrorCode.TOO_MANY_APPOINTMENTS: "您未完成的预约已达上限，请先取消不需要的预约。",
    ErrorCode.TOO_MANY_OPEN: "您有较多事项正在处理中，请等待处理完成后再提交。",
    ErrorCode.TAXPAYER_OFFLINE: "纳税人暂未打开互动窗口，已向其发送提醒，请稍后再发起。",
    ErrorCode.INVITATION_ENDED: "邀请已取消或已超时，如需协同请联系邀请方重新邀请。",
    ErrorCode.CONFIRMATION_INCOMPLETE: "确认单填写不完整，请补齐必填内容后重新提交。",
    ErrorCode.SPEECH_NOT_CONFIGURED: "语音输入未开通，请直接打字。",
    ErrorCode.SPEECH_UNAVAILABLE: "语音识别暂时不可用，请直接打字。",
    ErrorCode.SPEECH_BUSY: "正在使用语音输入的人较多，请稍后再试，或直接打字。",
    ErrorCode.VOICE_UNAVAILABLE: "语音播报暂时不可用，请阅读文字。",
    ErrorCode.INTERNAL_ERROR: "服务出现异常，请稍后再试。",
}
"""Every code has its sentence; the whole interface shows these and no others for a failure."""


class DomainError(Exception):
    """A refusal the person is told about. ``str()`` of it is the code, so that logs hold no private data."""

    def __init__(self, code: ErrorCode, *, retry_after_ms: int | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.retry_after_ms = retry_after_ms

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]


class Refused(DomainError):
    """A rule of a session says no: phase, role, membership, seat."""


class BadInput(DomainError):
    """What came in cannot be read: shape, size, type."""


class RateLimited(DomainError):
    """Too much in too short a time. ``retry_after_ms``: when it would be taken again."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(ErrorCode.RATE_LIMITED, retry_after_ms=retry_after_ms)


class IdentityError(DomainError):
    """A token that is missing, wrong, expired or made for another system."""


class MediaError(DomainError):
    """The media engine refused or did not answer."""
