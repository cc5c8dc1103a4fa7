"""The organisation of demo mode: two provinces. The people are the accounts of ``rtc_server.identity.accounts``.

The centres of the demo never close, so that one can try it at any hour; 中山 keeps office hours to show what that is like.
Names and codes of regions: GB/T 2260.
"""

from __future__ import annotations

from datetime import date

from rtc_server.organisation.authorities import Authority, AuthorityTree, parent_code
from rtc_server.organisation.centres import OperatingCentre, Organisation, ServiceSettings
from rtc_server.organisation.hours import Shift, SpecialDay, always, weekdays
from rtc_server.organisation.people import Skill, StaffMember
from signaling.sessions.states import Role

GUANGDONG = "440000"
ANHUI = "340000"
ZHONGSHAN = "442000"

SKILLS = (
    Skill("general", "综合业务"),
    Skill("incentives", "税收优惠"),
    Skill("international", "涉外业务"),
    Skill("e_invoice", "数电票业务"),
)

_REGIONS = {
    "440000": "广东省",
    "440100": "广州市",
    "440103": "广州市荔湾区",
    "440104": "广州市越秀区",
    "440105": "广州市海珠区",
    "440106": "广州市天河区",
    "440111": "广州市白云区",
    "440112": "广州市黄埔区",
    "440113": "广州市番禺区",
    "440400": "珠海市",
    "440402": "珠海市香洲区",
    "440600": "佛山市",
    "440604": "佛山市禅城区",
    "440605": "佛山市南海区",
    "440606": "佛山市顺德区",
    "441900": "东莞市",
    "442000": "中山市",
    "340000": "安徽省",
    "340100": "合肥市",
    "340102": "合肥市瑶海区",
    "340103": "合肥市庐阳区",
    "340104": "合肥市蜀山区",
    "340111": "合肥市包河区",
    "340200": "芜湖市",
    "340202": "芜湖市镜湖区",
    "340300": "蚌埠市",
    "340400": "淮南市",
    "341000": "黄山市",
}

_NEW_YEAR = SpecialDay(date(2027, 1, 1), "元旦")


def _authorities() -> AuthorityTree:
    return AuthorityTree(
        Authority(code, f"国家税务总局{region}税务局", region.removesuffix("省"), parent_code(code))
        for code, region in _REGIONS.items()
    )


def organisation() -> Organisation:
    everything = frozenset(skill.code for skill in SKILLS)
    centres = (
        OperatingCentre("gd", "广东省税务局服务运营中心", always(), frozenset({GUANGDONG})),
        OperatingCentre(
            "gd-zhongshan",
            "中山市税务局服务运营中心",
            weekdays(Shift(9 * 60, 12 * 60), Shift(13 * 60 + 30, 17 * 60)),
            frozenset({ZHONGSHAN}),
            holidays=(_NEW_YEAR,),
        ),
        OperatingCentre(
            "ah",
            "安徽省税务局服务运营中心",
            always(),
            frozenset({ANHUI}),
            settings=ServiceSettings(default_capacity=2),
        ),
    )
    staff = (
        StaffMember("agent01", "101", Role.AGENT, GUANGDONG, frozenset({"gd"}), everything),
        StaffMember("agent02", "102", Role.AGENT, GUANGDONG, frozenset({"gd", "gd-zhongshan"}), everything),
        StaffMember("agent11", "211", Role.AGENT, ANHUI, frozenset({"ah"}), everything),
        StaffMember("agent12", "212", Role.AGENT, ANHUI, frozenset({"ah"}), everything),
        StaffMember("lead01", "001", Role.SUPERVISOR, GUANGDONG, frozenset({"gd", "gd-zhongshan"})),
        StaffMember("editor01", "301", Role.EDITOR, GUANGDONG),
        StaffMember("admin", "900", Role.ADMINISTRATOR, GUANGDONG),
    )
    return Organisation(_authorities(), centres, staff)
