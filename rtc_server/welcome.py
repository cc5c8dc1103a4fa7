"""What ``serve`` prints in demo mode: where to go and who one can be."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table

from rtc_server.identity.accounts import ACCOUNTS
from signaling.sessions.states import Role

_ROLES = {
    Role.TAXPAYER: "纳税人",
    Role.AGENT: "税务人员",
    Role.SUPERVISOR: "班长",
    Role.EDITOR: "知识维护",
    Role.ADMINISTRATOR: "管理员",
}
_MIN_WIDTH = 120


def show(url: str, stream: TextIO) -> None:
    console = Console(file=stream, highlight=False)
    if console.width < _MIN_WIDTH:
        console = Console(file=stream, highlight=False, width=_MIN_WIDTH)
    shown = url.replace("://127.0.0.1:", "://localhost:")
    console.print()
    console.print("[bold]征纳互动服务已启动（演示环境）[/bold]")
    console.print(f"  选择演示账号   [bold cyan]{shown}/demo[/bold cyan]")
    console.print(f"  坐席工作台     {shown}/desk")
    console.print(f"  嵌入示例页面   {shown}/demo/host")
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 1), header_style="bold")
    for title in ("账号", "身份", "姓名", "机关", "工号", "一键登录"):
        table.add_column(title, no_wrap=True)
    for account in ACCOUNTS.values():
        table.add_row(
            account.account,
            _ROLES[account.role],
            account.name,
            (account.authority or "-").removeprefix("国家税务总局"),
            account.staff_number or "-",
            f"{shown}/demo/as/{account.account}",
        )
    console.print(table)
    console.print()
    console.print("先用一位纳税人、再用一位税务人员在两个标签页登录，即可互动。按 Ctrl+C 停止。")
