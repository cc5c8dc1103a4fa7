"""The people of demo mode. They exist nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signaling.sessions.states import Role

GUANGDONG = "国家税务总局广东省税务局"
ANHUI = "国家税务总局安徽省税务局"
TIANHE = "国家税务总局广州市天河区税务局"
ZHONGSHAN = "国家税务总局中山市税务局"


@dataclass(frozen=True, slots=True)
class Account:
    """A demo account. ``can`` says to a newcomer what to try with it; ``home`` is the page it starts at."""

    account: str
    role: Role
    name: str
    home: str
    can: str
    authority: str | None = None
    region: str | None = None
    staff_number: str | None = None
    phone: str | None = None
    company: str | None = None


_ALL = (
    Account(
        "taxpayer01",
        Role.TAXPAYER,
        "张三",
        "/demo/host",
        "自然人纳税人。在电子税务局页面打开右侧【悦悦】，与税务人员文字沟通、发起远程协助、请求音视频。",
        authority=TIANHE,
        region="广东",
        phone="13412343624",
    ),
    Account(
        "taxpayer02",
        Role.TAXPAYER,
        "李小红",
        "/demo/host",
        "另一位自然人纳税人，可与前一位同时使用，查看坐席忙时的提示。",
        authority=GUANGDONG,
        region="广东",
        phone="13698765021",
    ),
    Account(
        "company01",
        Role.TAXPAYER,
        "中山市明华贸易有限公司",
        "/demo/host",
        "企业办税人员，属中山市税务局（仅在工作时间提供人工服务），名称对外显示时已作脱敏处理。",
        authority=ZHONGSHAN,
        region="广东",
        phone="13800001234",
        company="中山市明华贸易有限公司",
    ),
    Account(
        "agent01",
        Role.AGENT,
        "陈志强",
        "/desk",
        "广东税务人员 101。在坐席工作台接受远程协助，发起音视频互动。",
        authority=GUANGDONG,
        region="广东",
        staff_number="101",
    ),
    Account(
        "agent02",
        Role.AGENT,
        "黄丽",
        "/desk",
        "广东税务人员 102，与 101 同属一个税务机关。",
        authority=GUANGDONG,
        region="广东",
        staff_number="102",
    ),
    Account(
        "agent11",
        Role.AGENT,
        "吴敏",
        "/desk",
        "安徽税务人员 211，属于另一地区的税务机关。",
        authority=ANHUI,
        region="安徽",
        staff_number="211",
    ),
    Account(
        "agent12",
        Role.AGENT,
        "许晴",
        "/desk",
        "安徽税务人员 212。作为省内经办人员，办理流转来的业务办理服务确认单。",
        authority=ANHUI,
        region="安徽",
        staff_number="212",
    ),
    Account(
        "lead01",
        Role.SUPERVISOR,
        "周建国",
        "/desk",
        "广东班长席 001。",
        authority=GUANGDONG,
        region="广东",
        staff_number="001",
    ),
    Account(
        "editor01",
        Role.EDITOR,
        "林静",
        "/editor",
        "知识编辑。维护悦悦的问题、套餐与快捷入口，处理未能回答的提问。",
        authority=GUANGDONG,
        staff_number="301",
    ),
    Account(
        "admin",
        Role.ADMINISTRATOR,
        "系统管理员",
        "/admin",
        "系统管理员。维护运营中心、工作时间、人员与设置，查看操作记录。",
        staff_number="900",
    ),
)

ACCOUNTS: Mapping[str, Account] = MappingProxyType({account.account: account for account in _ALL})
