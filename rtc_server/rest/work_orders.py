"""Work orders (工单) over HTTP: an agent raises one from a conversation; the taxpayer follows, urges, ends, rates it."""

from __future__ import annotations

from rtc_server.casework import work_orders as rules
from rtc_server.casework.service import new_id, now_ms
from rtc_server.casework.states import WORDS, WorkOrderState
from rtc_server.casework.work_orders import WorkOrder, WorkOrderStep
from rtc_server.identity.policy import Permission
from rtc_server.records import changes
from rtc_server.records import work_orders as rows
from rtc_server.records.numbering import WORK_ORDER as LETTERS
from rtc_server.records.numbering import next_number
from rtc_server.records.work_orders import WORK_ORDER, WORK_ORDERS
from rtc_server.rest import access
from rtc_server.rest.audit import audit
from rtc_server.rest.centres import own_centre
from rtc_server.rest.listing import (
    Listing,
    ListQuery,
    ListResource,
    Moment,
    OfCentre,
    OwnedBy,
    SearchWords,
    StaffListQuery,
)
from rtc_server.rest.resource import Body, Call, Entry, Line, Prose, View, required
from rtc_server.rest.sheets import Sheet, SheetColumn, local_time
from signaling.errors import ErrorCode, Refused
from signaling.sessions.states import Role
from signaling.wire.base import Identifier
from signaling.wire.centre_notifications import CaseList


class WorkOrdersQuery(ListQuery):
    number: SearchWords | None = None
    subject: SearchWords | None = None
    state: WorkOrderState | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None


class StaffWorkOrdersQuery(WorkOrdersQuery, StaffListQuery):
    agent_id: SearchWords | None = None


class WorkOrderBody(Body):
    interaction_id: Identifier
    subject: Line
    detail: Prose


class StepBody(Body):
    """``done``: with this it is settled."""

    text: Prose
    done: bool = False


class HandOnBody(Body):
    agent_id: Identifier


class TerminateBody(Body):
    reason: Line


class RateBody(Body):
    resolved: bool


class StepView(View):
    """``actor``: a staff number, or 纳税人."""

    at: int
    actor: str
    text: str


class WorkOrderView(View):
    """``progress`` is the last step. ``steps`` when one is opened."""

    work_order_id: str
    number: str
    taxpayer_name: str
    centre_id: str
    centre_name: str
    interaction_id: str | None
    subject: str
    detail: str
    state: WorkOrderState
    state_name: str
    progress: str
    agent_id: str | None
    staff_number: str | None
    created_at: int
    updated_at: int
    urged: int
    urged_at: int | None
    ended_at: int | None
    resolved: bool | None
    steps: list[StepView] = []


def _view(call: Call, one: WorkOrder) -> WorkOrderView:
    organisation = call.desk.organisation
    centre = organisation.centre(one.centre_id)
    return WorkOrderView(
        work_order_id=one.work_order_id,
        number=one.number,
        taxpayer_name=one.taxpayer_name,
        centre_id=one.centre_id,
        centre_name=centre.name if centre is not None else "",
        interaction_id=one.interaction_id,
        subject=one.subject,
        detail=one.detail,
        state=one.state,
        state_name=WORDS["work_order_state"][one.state],
        progress=one.progress,
        agent_id=None if call.person.role is Role.TAXPAYER else one.agent_id,
        staff_number=organisation.staff_number(one.agent_id),
        created_at=one.created_at,
        updated_at=one.updated_at,
        urged=one.urged,
        urged_at=one.urged_at,
        ended_at=one.ended_at,
        resolved=one.resolved,
    )


_SHEET: Sheet[WorkOrderView] = Sheet(
    "工单",
    (
        SheetColumn("工单编号", 24, lambda one: one.number),
        SheetColumn("工单主题", 36, lambda one: one.subject),
        SheetColumn("纳税人", 20, lambda one: one.taxpayer_name),
        SheetColumn("工单状态", 10, lambda one: one.state_name),
        SheetColumn("办理进度", 48, lambda one: one.progress),
        SheetColumn("税务人员", 10, lambda one: one.staff_number or ""),
        SheetColumn("催办次数", 10, lambda one: str(one.urged)),
        SheetColumn("创建时间", 18, lambda one: local_time(one.created_at)),
        SheetColumn("办结时间", 18, lambda one: local_time(one.ended_at)),
    ),
)
_OWN = ListResource(WORK_ORDERS, _view, OwnedBy(rows.work_order.c.taxpayer_id))
_OF_CENTRE = ListResource(WORK_ORDERS, _view, OfCentre(rows.work_order.c.centre_id), _SHEET)


async def _whole(call: Call, one: WorkOrder) -> WorkOrderView:
    async with call.desk.recording.read(caught_up=False) as connection:
        steps = await rows.steps(connection, one.work_order_id)
    return _view(call, one).model_copy(update={"steps": [_step(call, one, step) for step in steps]})


def _step(call: Call, order: WorkOrder, step: WorkOrderStep) -> StepView:
    if step.actor_id == order.taxpayer_id:
        actor = "纳税人"
    else:
        actor = f"税务人员 {call.desk.organisation.staff_number(step.actor_id) or ''}".strip()
    return StepView(at=step.at, actor=actor, text=step.text)


async def _store(
    call: Call, old: WorkOrder, new: WorkOrder, step: str, tell: tuple[str, str] | None = None
) -> WorkOrderView:
    async with call.desk.recording.write() as connection:
        stored = await changes.change(connection, WORK_ORDER, old, new)
        await rows.add_step(connection, new.work_order_id, now_ms(), call.person.person_id, step)
        if tell is not None:
            await call.desk.casework.inform(connection, new.taxpayer_id, *tell, link=_address(new))
    await _told(call, stored)
    return await _whole(call, stored)


def _address(one: WorkOrder) -> tuple[str, str]:
    return ("查看工单", f"/centre/work_orders?number={one.number}")


async def _tell_agent(call: Call, one: WorkOrder, agent_id: str, title: str, text: str) -> None:
    """In the inbox, where it is seen from the desk too; not of what one did oneself."""
    if agent_id != call.person.person_id:
        link = ("查看工单", f"/desk/records/work_orders?number={one.number}")
        await call.desk.casework.inform_now(agent_id, title, text, link, CaseList.WORK_ORDERS)


async def _told(call: Call, one: WorkOrder) -> None:
    await call.desk.casework.changed(CaseList.WORK_ORDERS, people=[one.taxpayer_id], centre_id=one.centre_id)


# The taxpayer


async def _read_own(call: Call) -> WorkOrderView:
    return await _whole(call, await _OWN.one(call))


async def _urge(call: Call) -> WorkOrderView:
    known = await _OWN.one(call)
    urged = await _store(call, known, rules.urge(known, now_ms()), "催办")
    text = f"纳税人催办工单（{known.number}，{known.subject}），已催办 {urged.urged} 次，请尽快办理。"
    await _tell_agent(call, known, known.agent_id, "工单被催办", text)
    return urged


async def _terminate(call: Call) -> WorkOrderView:
    known, reason = await _OWN.one(call), call.body(TerminateBody).reason
    ended = await _store(call, known, rules.terminate(known, f"终止：{reason}", now_ms()), f"终止：{reason}")
    text = f"纳税人终止了工单（{known.number}，{known.subject}），不需再办理。原因：{reason}"
    await _tell_agent(call, known, known.agent_id, "工单已被纳税人终止", text)
    return ended


async def _rate(call: Call) -> WorkOrderView:
    known, resolved = await _OWN.one(call), call.body(RateBody).resolved
    words = f"评价：{'已解决' if resolved else '未解决'}"
    return await _store(call, known, rules.rate(known, resolved, now_ms()), words)


# Staff


async def _read(call: Call) -> WorkOrderView:
    found = await _OF_CENTRE.one(call)
    audit(call, "read_work_order", found.taxpayer_id, found.number)
    return await _whole(call, found)


async def _raise(call: Call) -> WorkOrderView:
    """From a conversation the member of staff serves or served lately."""
    body, at = call.body(WorkOrderBody), now_ms()
    interaction = await access.with_taxpayer(call.desk, call.person, body.interaction_id)
    centre_id = interaction.centre_id or required(own_centre(call, None))
    region = call.desk.casework.region_of(interaction.context.authority)
    own = call.person.person_id
    async with call.desk.recording.write() as connection:
        made = WorkOrder(
            work_order_id=new_id(),
            revision=1,
            number=await next_number(connection, LETTERS, region, at),
            taxpayer_id=interaction.taxpayer_id,
            taxpayer_name=interaction.taxpayer_name,
            centre_id=centre_id,
            authority=region,
            interaction_id=body.interaction_id,
            subject=body.subject,
            detail=body.detail,
            state=WorkOrderState.OPEN,
            progress="已受理",
            agent_id=own,
            created_at=at,
            updated_at=at,
            created_by=own,
        )
        await changes.add(connection, WORK_ORDER, made)
        await rows.add_step(connection, made.work_order_id, at, own, "已受理")
        text = f"您反映的事项“{made.subject}”已生成工单（{made.number}），办理进度可在我的工单中查看。"
        await call.desk.casework.inform(connection, made.taxpayer_id, "工单已受理", text, link=_address(made))
    await _told(call, made)
    return await _whole(call, made)


async def _advance(call: Call) -> WorkOrderView:
    known, body = await _OF_CENTRE.one(call), call.body(StepBody)
    _check_own(call, known)
    new = (rules.finish if body.done else rules.advance)(known, body.text, now_ms())
    title = "工单已办结" if body.done else "工单有新进度"
    return await _store(call, known, new, body.text, (title, f"您的工单（{known.number}）：{body.text}"))


async def _hand_on(call: Call) -> WorkOrderView:
    known, agent_id = await _OF_CENTRE.one(call), call.body(HandOnBody).agent_id
    _check_own(call, known)
    agent = call.desk.organisation.staff(agent_id)
    if agent is None or known.centre_id not in agent.centres:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    new = rules.hand_on(known, agent_id, now_ms())
    handed = await _store(call, known, new, f"转交税务人员 {agent.staff_number} 办理")
    text = f"工单（{known.number}，{known.subject}）已转交给您，请及时办理。"
    await _tell_agent(call, known, agent_id, "工单已转交给您", text)
    return handed


def _check_own(call: Call, known: WorkOrder) -> None:
    if call.person.role is Role.AGENT and known.agent_id != call.person.person_id:
        raise Refused(ErrorCode.NOT_ALLOWED)


_T, _S = Permission.OWN_CENTRE, Permission.CASEWORK
_MINE, _ALL = "/api/centre/work-orders", "/api/casework/work-orders"
_ONE = WorkOrderView

ENTRIES = (
    Entry("GET", _MINE, _T, _OWN.page, "One's own work orders",
          query=WorkOrdersQuery, answer=Listing[WorkOrderView]),
    Entry("GET", f"{_MINE}/{{work_order_id}}", _T, _read_own, "One of one's own, with its steps",
          answer=_ONE),
    Entry("POST", f"{_MINE}/{{work_order_id}}/urge", _T, _urge, "Urge; once an hour", answer=_ONE),
    Entry("POST", f"{_MINE}/{{work_order_id}}/terminate", _T, _terminate, "No longer needed",
          body=TerminateBody, answer=_ONE),
    Entry("POST", f"{_MINE}/{{work_order_id}}/rating", _T, _rate, "Rate, once, after its end",
          body=RateBody, answer=_ONE),
    Entry("GET", _ALL, _S, _OF_CENTRE.page, "Work orders of a centre",
          query=StaffWorkOrdersQuery, answer=Listing[WorkOrderView]),
    Entry("GET", f"{_ALL}/export.xlsx", _S, _OF_CENTRE.export, "The same as a sheet", query=StaffWorkOrdersQuery),
    Entry("POST", _ALL, _S, _raise, "Raise one from a conversation",
          body=WorkOrderBody, answer=_ONE, status=201),
    Entry("GET", f"{_ALL}/{{work_order_id}}", _S, _read, "One of a centre; recorded", answer=_ONE),
    Entry("POST", f"{_ALL}/{{work_order_id}}/steps", _S, _advance, "A step, or the last",
          body=StepBody, answer=_ONE),
    Entry("POST", f"{_ALL}/{{work_order_id}}/hand-on", _S, _hand_on, "To another agent of the centre",
          body=HandOnBody, answer=_ONE),
)  # fmt: skip
