"""What the pages of the personal centre and of its staff side begin with, and 我的机关."""

from __future__ import annotations

from rtc_server.casework.service import now_ms
from rtc_server.casework.states import WORDS
from rtc_server.identity.policy import Permission, may
from rtc_server.records import notices, taxpayers
from rtc_server.records.notices import Unread
from rtc_server.records.store import put
from rtc_server.records.taxpayers import TAXPAYER_CHOICE, TaxpayerChoice
from rtc_server.rest.audit import audit
from rtc_server.rest.resource import Body, Call, Entry, View
from signaling.errors import ErrorCode, Refused
from signaling.wire.base import Identifier


class NamedView(View):
    code: str
    name: str


class AuthorityView(NamedView):
    """``served``: a centre serves it or one above it, that of ``centre_id``."""

    parent: str | None
    served: bool
    centre_id: str | None


class AgentView(View):
    agent_id: str
    staff_number: str
    centres: list[str]


class HomeView(View):
    """``authority`` is the one that serves now, ``chosen`` the one from the next sign-in on, if that is another."""

    authority: NamedView | None
    chosen: NamedView | None
    centre: NamedView | None
    unread: int
    todos: int


class StaffHomeView(View):
    """``may`` are the permissions that show or hide what a page offers; the server asks again."""

    centres: list[NamedView]
    agents: list[AgentView]
    may: list[str]
    unread: int
    todos: int


class ChoicesView(View):
    """Words for codes by the kind of code, and what one chooses from."""

    words: dict[str, dict[str, str]]
    services: list[NamedView]
    centres: list[NamedView]
    authorities: list[AuthorityView]


class RightView(View):
    """``url``: its document, elsewhere."""

    right_id: str
    title: str
    text: str
    url: str | None


class RightsView(View):
    rights: list[RightView]


class AuthorityBody(Body):
    authority: Identifier


async def _home(call: Call) -> HomeView:
    casework, own = call.desk.casework, call.person.person_id
    casework.note(call.person)
    async with call.desk.recording.read(caught_up=False) as connection:
        counts = (await notices.counts(connection, [own])).get(own, Unread())
        chosen = await taxpayers.choice(connection, own)
    code = casework.authority_of(call.person)
    centre = call.desk.organisation.centre_for(code)
    return HomeView(
        authority=_named(call, code),
        chosen=_named(call, chosen) if chosen != code else None,
        centre=NamedView(code=centre.centre_id, name=centre.name) if centre is not None else None,
        unread=counts.unread,
        todos=counts.todos,
    )


def _named(call: Call, code: str | None) -> NamedView | None:
    found = call.desk.organisation.whole.authorities.get(code) if code is not None else None
    return NamedView(code=found.code, name=found.name) if found is not None else None


async def _choose_authority(call: Call) -> HomeView:
    code = call.body(AuthorityBody).authority
    if call.desk.organisation.centre_for(code) is None:
        raise Refused(ErrorCode.QUEUE_NO_CENTRE)
    found = call.desk.organisation.whole.authorities.find(code)
    if found is None:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    async with call.desk.recording.write() as connection:
        await put(connection, TAXPAYER_CHOICE, TaxpayerChoice(call.person.person_id, found.code, now_ms()))
    call.desk.casework.choose(call.person.person_id, found.code)
    audit(call, "choose_authority", call.person.person_id, found.code)
    return await _home(call)


async def _staff_home(call: Call) -> StaffHomeView:
    organisation, own = call.desk.organisation, call.person.person_id
    mine = organisation.centres_of(own)
    async with call.desk.recording.read(caught_up=False) as connection:
        counts = (await notices.counts(connection, [own])).get(own, Unread())
    return StaffHomeView(
        unread=counts.unread,
        todos=counts.todos,
        centres=[
            NamedView(code=one.centre_id, name=one.name)
            for one in organisation.whole.centres.values()
            if one.centre_id in mine
        ],
        agents=[
            AgentView(
                agent_id=one.person_id, staff_number=one.staff_number, centres=sorted(one.centres & mine)
            )
            for one in sorted(organisation.whole.staff.values(), key=lambda each: each.staff_number)
            if one.centres & mine and organisation.staff(one.person_id) is not None
        ],
        may=[
            permission.value
            for permission in (Permission.RUN_SLOTS, Permission.ASSIGN_CASES, Permission.PUSH_NOTICES)
            if may(call.person.role, permission)
        ],
    )


async def _choices(call: Call) -> ChoicesView:
    organisation = call.desk.organisation
    return ChoicesView(
        words={kind: dict(words) for kind, words in WORDS.items()},
        services=[NamedView(code=one.code, name=one.name) for one in organisation.skills],
        centres=[NamedView(code=one.centre_id, name=one.name) for one in organisation.whole.centres.values()],
        authorities=[
            AuthorityView(
                code=one.code,
                name=one.name,
                parent=one.parent,
                served=centre is not None,
                centre_id=centre.centre_id if centre is not None else None,
            )
            for one, centre in (
                (one, organisation.centre_for(one.code)) for one in organisation.whole.authorities
            )
        ],
    )


async def _rights(call: Call) -> RightsView:
    region = call.desk.assistant.asker(call.person).region
    return RightsView(
        rights=[
            RightView(right_id=one.right_id, title=one.title, text=one.text, url=one.url)
            for one in call.desk.knowledge.base.rights_of(region)
        ]
    )


ENTRIES = (
    Entry("GET", "/api/centre", Permission.OWN_CENTRE, _home, "One's authority, centre and counts",
          answer=HomeView),
    Entry("GET", "/api/centre/rights", Permission.OWN_CENTRE, _rights, "What a taxpayer of one's region may claim",
          answer=RightsView),
    Entry("PUT", "/api/centre/authority", Permission.OWN_CENTRE, _choose_authority,
          "Be served by another authority from the next sign-in on",
          body=AuthorityBody, answer=HomeView),
    Entry("GET", "/api/casework", Permission.CASEWORK, _staff_home, "One's centres, their agents, what one may",
          answer=StaffHomeView),
    Entry("GET", "/api/choices", Permission.READ_SLOTS, _choices, "Words for codes, services, centres, authorities",
          answer=ChoicesView),
)  # fmt: skip
