"""Demo mode's pages: who one can be, one click to be it, and a site that embeds the window. Nowhere else."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import quote

from aiohttp import web

from rtc_server.identity.accounts import ACCOUNTS, Account
from rtc_server.identity.masking import mask_name
from rtc_server.identity.tokens import TokenMinter
from rtc_server.rest.local_path import local_path
from rtc_server.rest.pages import Html, fill, page
from rtc_server.rest.session import AUTHENTICATOR, current_or_none, remember
from signaling.errors import ErrorCode, Refused
from signaling.sessions.states import Role

MINTER = web.AppKey("minter", TokenMinter)
TOKEN_LIFETIME_S = 12 * 3600
HOST_PAGE = "/demo/host"

_GROUPS = {Role.TAXPAYER: "纳税人", Role.AGENT: "税务人员（坐席）"}
_OTHERS = "管理人员"


def _card(account: Account, target: str | None) -> Html:
    taxpayer = account.role is Role.TAXPAYER
    return fill(
        "demo_account.html",
        account=account.account,
        to="" if target is None else f"?to={quote(target)}",
        role=account.role.value,
        letter="企" if mask_name(account.name).endswith("公司") else account.name[0],
        name=account.name if taxpayer else f"{account.name}（{account.staff_number}）",
        organisation="" if taxpayer else account.authority or "全系统",
        can=account.can,
    )


async def _list(request: web.Request) -> web.Response:
    """``to``: where the chosen account goes, e.g. the meeting somebody was sent the address of."""
    target = local_path(request.query["to"]) if "to" in request.query else None
    groups = Html()
    by_group = groupby(ACCOUNTS.values(), lambda account: _GROUPS.get(account.role, _OTHERS))
    for index, (title, accounts) in enumerate(by_group):
        cards = Html("".join(_card(account, target) for account in accounts))
        groups = Html(groups + fill("demo_group.html", anchor=f"group-{index}", title=title, cards=cards))
    return page(request, "demo.html", groups=groups)


async def _sign_in_as(request: web.Request) -> web.StreamResponse:
    """Sign in as a demo account and go to ``to``.

    The site that embeds the window has a session of its own, as in life: there the account stands in the address,
    so that several taxpayers can be open in several tabs. Going there leaves a session of our own pages alone.
    """
    account = ACCOUNTS.get(request.match_info["account"])
    if account is None:
        raise Refused(ErrorCode.NOT_FOUND)
    target = local_path(request.query.get("to", account.home))
    if target is None:
        raise Refused(ErrorCode.NOT_ALLOWED)
    to_host = target == HOST_PAGE or target.startswith(f"{HOST_PAGE}?")
    if to_host:
        target += ("&" if "?" in target else "?") + f"account={quote(account.account)}"
    response = web.HTTPFound(target)
    if not (to_host and await current_or_none(request) is not None):
        token = request.app[MINTER].mint(account, TOKEN_LIFETIME_S)
        remember(request, response, token, await request.app[AUTHENTICATOR].authenticate(token))
    response.headers["Cache-Control"] = "no-store"
    raise response


async def _host(request: web.Request) -> web.Response:
    account = ACCOUNTS.get(request.query.get("account", ""))
    if account is None or account.role is not Role.TAXPAYER:
        return page(request, "host.html", person=fill("host_signed_out.html"), window=Html())
    token = request.app[MINTER].mint(account, TOKEN_LIFETIME_S)
    relay_only = request.query.get("ice") == "relay"
    direct = "1" if request.query.get("direct") == "1" else "0"
    return page(
        request,
        "host.html",
        person=fill("host_signed_in.html", name=mask_name(account.name)),
        window=fill("host_window.html", token=token, direct=direct, ice="relay" if relay_only else "all"),
    )


async def _home(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/demo")


def add_routes(app: web.Application, minter: TokenMinter) -> None:
    app[MINTER] = minter
    app.router.add_get("/", _home)
    app.router.add_get("/demo", _list)
    app.router.add_get("/demo/as/{account}", _sign_in_as)
    app.router.add_get(HOST_PAGE, _host)
