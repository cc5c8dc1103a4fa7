"""Canned replies and wrap-up codes of demo mode, written when there are none."""

from __future__ import annotations

import time

from rtc_server.records import canned_replies, wrap_up_codes
from rtc_server.records.canned_replies import CannedReply
from rtc_server.records.recording import Recording
from rtc_server.records.wrap_up_codes import WrapUpCode

_REPLIES = (
    ("问候", "开场", "您好，工号{staff_number}为您服务，请问有什么可以帮您？", "kc"),
    ("问候", "请稍候", "请您稍候，我正在为您查询。", "qsh"),
    ("问候", "结束", "感谢您的来访。如没有其他问题，请点击【已解决】评价本次服务，祝您生活愉快。", "js"),
    (
        "引导",
        "远程协助",
        "请点击窗口下方的【远程协助】，同意后我可以看到您共享的页面，指导您完成操作。",
        "yc",
    ),
    ("引导", "音视频", "文字说明不便时，可由我向您发起音视频通话，请在弹出的提示中点击【同意】。", "sp"),
    ("引导", "上传截图", "请将办理页面截图发送给我，请注意遮挡与本次办理无关的个人信息。", "jt"),
    ("业务", "数电票开具", "登录电子税务局后，依次进入【我要办税】-【开票业务】-【蓝字发票开具】。", "kp"),
    ("业务", "服务机关", "您的主管税务机关为{authority}，由{centre}受理。", "jg"),
)
_CODES = (
    ("invoice", "发票业务"),
    ("declaration", "申报缴税"),
    ("registration", "登记变更"),
    ("refund", "退税退库"),
    ("incentives", "优惠政策"),
    ("system", "系统操作"),
    ("other", "其他"),
)


async def load(recording: Recording) -> None:
    async with recording.write() as connection:
        if await wrap_up_codes.everywhere(connection):
            return
        for order, (code, name) in enumerate(_CODES):
            await wrap_up_codes.save(connection, WrapUpCode(code, None, name, order))
        now_ms = time.time_ns() // 1_000_000
        for order, (group, title, text, shortcut) in enumerate(_REPLIES):
            reply = CannedReply(f"demo-{order + 1}", None, None, group, title, text, shortcut, order, now_ms)
            await canned_replies.save(connection, reply)
