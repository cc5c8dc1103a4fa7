"""Authorities, centres and who serves whom."""

from __future__ import annotations

import pytest

from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.organisation.authorities import (
    Authority,
    AuthorityLevel,
    AuthorityTree,
    is_region_code,
    parent_code,
)
from rtc_server.organisation.centres import OperatingCentre, Organisation
from rtc_server.organisation.demo import organisation
from rtc_server.organisation.hours import always
from rtc_server.organisation.people import StaffMember
from signaling.sessions.states import Role


def test_region_codes() -> None:
    assert [parent_code(code) for code in ("440106", "440100", "440000")] == ["440100", "440000", None]
    assert Authority("442000", "中山", "中山").level is AuthorityLevel.CITY
    for wrong in ("4401", "44010a", "000106", "440006", "４４０１０６"):
        assert not is_region_code(wrong)
        with pytest.raises(ValueError, match="region code"):
            Authority(wrong, "x", "x")


def test_the_nearest_centre_upwards_serves() -> None:
    demo = organisation()
    served = {code: demo.centre_for(code) for code in ("440106", "440000", "442000", "340104", "110000")}
    assert {code: centre.centre_id if centre else None for code, centre in served.items()} == {
        "440106": "gd",
        "440000": "gd",
        "442000": "gd-zhongshan",
        "340104": "ah",
        "110000": None,
    }


def test_an_authority_is_found_by_code_and_names() -> None:
    demo = organisation()
    for text in ("440000", "国家税务总局广东省税务局", "广东"):
        found = demo.authorities.find(text)
        assert found is not None
        assert found.code == "440000"
    assert demo.centre_for("国家税务总局合肥市蜀山区税务局") is demo.centres["ah"]


def test_demo_agrees_with_the_demo_accounts() -> None:
    demo = organisation()
    staff = {account.account: account for account in ACCOUNTS.values() if account.role is not Role.TAXPAYER}
    assert set(demo.staff) == set(staff)
    for person_id, account in staff.items():
        member = demo.staff[person_id]
        assert (member.role, member.staff_number) == (account.role, account.staff_number)
        if account.authority is not None:
            found = demo.authorities.find(account.authority)
            assert found is not None
            assert found.code == member.authority
    for account in ACCOUNTS.values():
        if account.role is Role.TAXPAYER:
            assert account.region is not None
            centre = demo.centre_for(account.region)
            assert centre is not None
            assert demo.agents_of(centre.centre_id)


def test_capacity_comes_from_the_person_or_the_centre() -> None:
    demo = organisation()
    assert demo.capacity_of(demo.staff["agent11"]) == 2
    assert demo.capacity_of(StaffMember("x", "1", Role.AGENT, "440000", frozenset({"gd"}), capacity=7)) == 7


def test_contradictions_are_refused() -> None:
    tree = AuthorityTree([Authority("440000", "粤", "粤")])
    centre = OperatingCentre("c", "c", always(), frozenset({"440000"}))
    with pytest.raises(ValueError, match="two centres"):
        Organisation(tree, [centre, OperatingCentre("d", "d", always(), frozenset({"440000"}))], [])
    with pytest.raises(ValueError, match="unknown authority"):
        Organisation(tree, [OperatingCentre("d", "d", always(), frozenset({"340000"}))], [])
    with pytest.raises(ValueError, match="works for"):
        Organisation(tree, [centre], [StaffMember("x", "1", Role.AGENT, "440000", frozenset({"d"}))])
    with pytest.raises(ValueError, match="twice"):
        AuthorityTree([Authority("440000", "a", "a"), Authority("440000", "b", "b")])
    with pytest.raises(ValueError, match="unknown parent"):
        AuthorityTree([Authority("440100", "a", "a", "440000")])
    with pytest.raises(ValueError, match="own ancestor"):
        AuthorityTree([Authority("440000", "a", "a", "440100"), Authority("440100", "b", "b", "440000")])
