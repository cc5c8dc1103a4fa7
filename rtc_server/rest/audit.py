"""What is recorded of what staff do, in which words, and how it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rtc_server.casework.service import new_id, now_ms
from rtc_server.records.audit import AuditEntry
from rtc_server.rest.context import client_address
from rtc_server.rest.resource import Call


def audit(call: Call, action: str, subject: str | None, detail: str | None = None) -> None:
    """``subject``: the id it is done to. Called before what is recorded is shown or answered: what cannot be recorded does
    not happen."""
    call.desk.recording.keep_rows(
        AuditEntry(
            entry_id=new_id(),
            at=now_ms(),
            actor_id=call.person.person_id,
            action=action,
            subject=subject,
            origin=str(client_address(call.request)),
            detail=detail,
        )
    )


class AuditKind(StrEnum):
    VIEWED = "viewed"
    REVEALED = "revealed"
    CHANGED = "changed"
    EXPORTED = "exported"
    REMOVED_BY_AGE = "removed_by_age"


KIND_NAMES: Mapping[AuditKind, str] = MappingProxyType(
    {
        AuditKind.VIEWED: "查看",
        AuditKind.REVEALED: "查看完整信息",
        AuditKind.CHANGED: "修改",
        AuditKind.EXPORTED: "导出",
        AuditKind.REMOVED_BY_AGE: "到期清理",
    }
)

_V, _R, _C, _X = AuditKind.VIEWED, AuditKind.REVEALED, AuditKind.CHANGED, AuditKind.EXPORTED
ACTIONS: Mapping[str, tuple[AuditKind, str]] = MappingProxyType(
    {
        "read_appointment": (_V, "查看预约"),
        "read_inquiry": (_V, "查看留言"),
        "read_work_order": (_V, "查看工单"),
        "read_mediation": (_V, "查看调解申请"),
        "view_recording": (_V, "播放通话录制"),
        "reveal_name": (_R, "查看姓名"),
        "reveal_phone": (_R, "查看手机号"),
        "reveal_company": (_R, "查看企业名称"),
        "reveal_appointment_phone": (_R, "查看预约联系电话"),
        "reveal_mediation_phone": (_R, "查看调解申请联系电话"),
        "export_appointment": (_X, "导出预约"),
        "export_inquiry": (_X, "导出留言"),
        "export_work_order": (_X, "导出工单"),
        "export_mediation_application": (_X, "导出调解申请"),
        "export_notice": (_X, "导出消息"),
        "export_survey_answers": (_X, "导出问卷答卷"),
        "export_knowledge": (_X, "导出知识"),
        "export_audit_log": (_X, "导出操作记录"),
        "save_authority": (_C, "保存税务机关"),
        "save_centre": (_C, "保存运营中心"),
        "remove_centre": (_C, "删除运营中心"),
        "save_staff": (_C, "保存人员"),
        "remove_staff": (_C, "删除人员"),
        "save_skill": (_C, "保存技能"),
        "save_wrap_up_code": (_C, "保存小结类别"),
        "choose_authority": (_C, "修改服务机关"),
        "set_slot_capacity": (_C, "设置预约号源"),
        "push_notice": (_C, "推送消息"),
        "withdraw_notice": (_C, "撤回消息"),
        "save_question": (_C, "保存知识"),
        "remove_question": (_C, "删除知识"),
        "add_alias": (_C, "增加相似问"),
        "remove_questions": (_C, "批量删除知识"),
        "move_questions": (_C, "批量移动知识"),
        "limit_questions": (_C, "批量设置知识有效期"),
        "unpin_questions": (_C, "批量取消知识置顶"),
        "save_knowledge_part": (_C, "保存知识配置"),
        "import_knowledge": (_C, "导入知识"),
        "settle_assistant_work": (_C, "处理悦悦待办"),
        "retention": (AuditKind.REMOVED_BY_AGE, "到期记录清理"),
    }
)
"""Every action that is recorded, and its words. A test holds it against what the code records."""
