"""The audit log for the administrator: who saw, changed, revealed or took out what, when and from where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from aiohttp import web

from rtc_server.identity.policy import Permission
from rtc_server.records.audit import AUDIT, AuditEntry
from rtc_server.rest.listing import (
    Listing,
    ListQuery,
    Moment,
    SearchWords,
    SheetColumn,
    export,
    listing,
    local_time,
)
from rtc_server.rest.resource import Call, Entry, View


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


class AuditQuery(ListQuery):
    """``actor_id`` is the person's id or, for staff, the number others see; ``subject`` the id it was done to."""

    actor_id: SearchWords | None = None
    subject: SearchWords | None = None
    action: SearchWords | None = None
    kind: AuditKind | None = None
    at_from: Moment | None = None
    at_before: Moment | None = None

    @property
    def actions(self) -> list[str] | None:
        if self.kind is None:
            return None
        return [name for name, (kind, _) in ACTIONS.items() if kind is self.kind]


class AuditView(View):
    entry_id: str
    at: int
    actor_id: str
    staff_number: str | None
    action: str
    action_name: str
    kind: AuditKind | None
    kind_name: str
    subject: str | None
    origin: str | None
    detail: str | None


class ActionView(View):
    action: str
    name: str
    kind: AuditKind
    kind_name: str


class ActionsView(View):
    actions: list[ActionView]


def _view(call: Call, one: AuditEntry) -> AuditView:
    kind, name = ACTIONS.get(one.action, (None, one.action))
    return AuditView(
        entry_id=one.entry_id,
        at=one.at,
        actor_id=one.actor_id,
        staff_number=call.desk.organisation.staff_number(one.actor_id),
        action=one.action,
        action_name=name,
        kind=kind,
        kind_name=KIND_NAMES[kind] if kind is not None else "",
        subject=one.subject,
        origin=one.origin,
        detail=one.detail,
    )


def _asked(call: Call) -> AuditQuery:
    query = call.query(AuditQuery)
    staff = call.desk.organisation.whole.staff.values()
    numbered = next((one.person_id for one in staff if one.staff_number == query.actor_id), None)
    return query if numbered is None else query.model_copy(update={"actor_id": numbered})


async def _list(call: Call) -> Listing[AuditView]:
    return await listing(call, AUDIT, (), _asked(call), lambda one: _view(call, one), caught_up=True)


async def _export(call: Call) -> web.Response:
    sheet = ("操作记录", _COLUMNS)
    return await export(call, AUDIT, (), _asked(call), lambda one: _view(call, one), sheet, caught_up=True)


async def _actions(_call: Call) -> ActionsView:
    return ActionsView(
        actions=[
            ActionView(action=action, name=name, kind=kind, kind_name=KIND_NAMES[kind])
            for action, (kind, name) in ACTIONS.items()
        ]
    )


_COLUMNS: tuple[SheetColumn[AuditView], ...] = (
    SheetColumn("时间", 20, lambda one: local_time(one.at)),
    SheetColumn("操作人", 20, lambda one: one.actor_id),
    SheetColumn("工号", 10, lambda one: one.staff_number or ""),
    SheetColumn("类型", 14, lambda one: one.kind_name),
    SheetColumn("操作", 22, lambda one: one.action_name),
    SheetColumn("对象", 28, lambda one: one.subject or ""),
    SheetColumn("说明", 40, lambda one: one.detail or ""),
    SheetColumn("来源地址", 18, lambda one: one.origin or ""),
)

_P = Permission.READ_AUDIT
ENTRIES = (
    Entry("GET", "/api/audit", _P, _list, "Who did what", query=AuditQuery, answer=Listing[AuditView]),
    Entry("GET", "/api/audit/actions", _P, _actions, "What is recorded, with its words", answer=ActionsView),
    Entry("GET", "/api/audit/export.xlsx", _P, _export, "The same as a sheet; recorded", query=AuditQuery),
)
