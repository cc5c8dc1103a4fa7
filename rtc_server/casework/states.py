"""States and kinds of casework, and the Chinese words people read for them: the one source of those words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from signaling.sessions.meeting_states import MediationPhase


class AppointmentState(StrEnum):
    INVITED = "invited"
    """The authority asks (税局邀请); the slot is held until the taxpayer answers."""
    BOOKED = "booked"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"
    MISSED = "missed"


class AppointmentProgress(StrEnum):
    """The interaction the appointment is for (互动状态)."""

    NOT_STARTED = "not_started"
    STARTED = "started"
    ENDED = "ended"


class AppointmentOrigin(StrEnum):
    TAXPAYER = "taxpayer"
    AUTHORITY = "authority"


class AppointmentMethod(StrEnum):
    ONLINE = "online"
    TELEPHONE = "telephone"
    WINDOW = "window"
    """At the counter of the service hall."""


class InquiryState(StrEnum):
    SUBMITTED = "submitted"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    CLOSED = "closed"
    """Without an answer, with a reason."""


class OwnInquiryState(StrEnum):
    """As the taxpayer sees it: to whom it was given, and whether it was answered or closed, is no state of theirs."""

    PROCESSING = "processing"
    COMPLETED = "completed"


class InquiryKind(StrEnum):
    CONSULTATION = "consultation"
    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    OTHER = "other"


class NoticeKind(StrEnum):
    CONFIRMATION = "confirmation"
    RISK = "risk"
    POLICY = "policy"
    GUIDE = "guide"
    ANNOUNCEMENT = "announcement"
    REMINDER = "reminder"
    SURVEY = "survey"
    REFERRAL = "referral"
    DIVIDEND = "dividend"


class NoticeState(StrEnum):
    SCHEDULED = "scheduled"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class TaxpayerKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class WorkOrderState(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    DONE = "done"
    TERMINATED = "terminated"


WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "appointment_state": {
            AppointmentState.INVITED: "待确认",
            AppointmentState.BOOKED: "已预约",
            AppointmentState.DECLINED: "已拒绝",
            AppointmentState.CANCELLED: "已取消",
            AppointmentState.FULFILLED: "已履约",
            AppointmentState.MISSED: "已失约",
        },
        "appointment_progress": {
            AppointmentProgress.NOT_STARTED: "未开始",
            AppointmentProgress.STARTED: "进行中",
            AppointmentProgress.ENDED: "已结束",
        },
        "appointment_origin": {
            AppointmentOrigin.TAXPAYER: "纳税人发起",
            AppointmentOrigin.AUTHORITY: "税局邀请",
        },
        "appointment_method": {
            AppointmentMethod.ONLINE: "在线互动",
            AppointmentMethod.TELEPHONE: "电话",
            AppointmentMethod.WINDOW: "办税服务厅窗口",
        },
        "inquiry_state": {
            InquiryState.SUBMITTED: "待分派",
            InquiryState.ASSIGNED: "处理中",
            InquiryState.ANSWERED: "已答复",
            InquiryState.CLOSED: "已关闭",
        },
        "own_inquiry_state": {
            OwnInquiryState.PROCESSING: "处理中",
            OwnInquiryState.COMPLETED: "已完成",
        },
        "inquiry_kind": {
            InquiryKind.CONSULTATION: "咨询",
            InquiryKind.SUGGESTION: "建议",
            InquiryKind.COMPLAINT: "投诉",
            InquiryKind.OTHER: "其他",
        },
        "notice_kind": {
            NoticeKind.CONFIRMATION: "业务确认单",
            NoticeKind.RISK: "风险预警",
            NoticeKind.POLICY: "税费政策",
            NoticeKind.GUIDE: "操作指南",
            NoticeKind.ANNOUNCEMENT: "通知公告",
            NoticeKind.REMINDER: "提示提醒",
            NoticeKind.SURVEY: "需求调查",
            NoticeKind.REFERRAL: "引导办理",
            NoticeKind.DIVIDEND: "红利账单",
        },
        "notice_state": {
            NoticeState.SCHEDULED: "待发送",
            NoticeState.SENT: "已发送",
            NoticeState.WITHDRAWN: "已撤回",
        },
        "taxpayer_kind": {TaxpayerKind.PERSON: "自然人", TaxpayerKind.COMPANY: "企业"},
        "work_order_state": {
            WorkOrderState.OPEN: "待办理",
            WorkOrderState.PROCESSING: "办理中",
            WorkOrderState.DONE: "已办结",
            WorkOrderState.TERMINATED: "已终止",
        },
        "mediation_phase": {
            MediationPhase.DRAFT: "暂存",
            MediationPhase.APPLIED: "待分派",
            MediationPhase.DISPATCHED: "已分派",
            MediationPhase.IN_PROGRESS: "办理中",
            MediationPhase.DONE: "已办结",
            MediationPhase.WITHDRAWN: "已撤销",
            MediationPhase.REFUSED: "不予受理",
        },
    }
)
