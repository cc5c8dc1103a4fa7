"""The audit log for the administrator: who saw, changed, revealed or took out what, when and from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_server.identity.policy import Permission
from rtc_server.records.audit import AUDIT, AuditEntry
from rtc_server.records.lists import Scope
from rtc_server.rest.audit import ACTIONS, KIND_NAMES, AuditKind
from rtc_server.rest.listing import Listing, ListQuery, ListResource, Moment, SearchWords
from rtc_server.rest.resource import Call, Entry, View
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time


class AuditQuery(ListQuery):
    """``actor_id`` is the person's id or, for staff, the number others see; ``subject`` the id it was done to."""

    actor_id: SearchWords | None = None
    subject: SearchWords | None = None
    action: SearchWords | None = None
    kind: AuditKind | None = None
    at_from: Moment | None = None
    at_before: Moment | None = None

    def wanted(self) -> Mapping[str, Any]:
        if self.kind is None:
            return super().wanted()
        return {
            **super().wanted(),
            "actions": [name for name, (kind, _) in ACTIONS.items() if kind is self.kind],
        }


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


class _Everything:
    def listed(self, _call: Call) -> Scope:
        return ()

    one = listed


_SHEET: Sheet[AuditView] = Sheet(
    "操作记录",
    (
        SheetColumn("时间", 20, lambda one: local_time(one.at)),
        SheetColumn("操作人", 20, lambda one: one.actor_id),
        SheetColumn("工号", 10, lambda one: one.staff_number or ""),
        SheetColumn("类型", 14, lambda one: one.kind_name),
        SheetColumn("操作", 22, lambda one: one.action_name),
        SheetColumn("对象", 28, lambda one: one.subject or ""),
        SheetColumn("说明", 40, lambda one: one.detail or ""),
        SheetColumn("来源地址", 18, lambda one: one.origin or ""),
    ),
)
_LOG = ListResource(AUDIT, _view, _Everything(), _SHEET, caught_up=True, query=_asked)


async def _actions(_call: Call) -> ActionsView:
    return ActionsView(
        actions=[
            ActionView(action=action, name=name, kind=kind, kind_name=KIND_NAMES[kind])
            for action, (kind, name) in ACTIONS.items()
        ]
    )


_P = Permission.READ_AUDIT
ENTRIES = (
    Entry("GET", "/api/audit", _P, _LOG.page, "Who did what", query=AuditQuery, answer=Listing[AuditView]),
    Entry("GET", "/api/audit/actions", _P, _actions, "What is recorded, with its words", answer=ActionsView),
    Entry(
        "GET", "/api/audit/export.xlsx", _P, _LOG.export, "The same as a sheet; recorded", query=AuditQuery
    ),
)
