from __future__ import annotations

import html
import re
from urllib.parse import quote

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.rest.local_path import local_path
from signaling.sessions.states import Role
from tests.unit.rtc_server.conftest import OpenClient


async def test_every_account_is_offered(open_client: OpenClient) -> None:
    client = await open_client()
    text = await (await client.get("/demo")).text()
    for account in ACCOUNTS:
        assert f'href="/demo/as/{account}"' in text
    assert "一键" in text or "点击即可登录" in text


def test_the_accounts_of_the_documents_are_there() -> None:
    roles = {name: account.role for name, account in ACCOUNTS.items()}
    assert roles == {
        "taxpayer01": Role.TAXPAYER,
        "taxpayer02": Role.TAXPAYER,
        "company01": Role.TAXPAYER,
        "agent01": Role.AGENT,
        "agent02": Role.AGENT,
        "agent11": Role.AGENT,
        "agent12": Role.AGENT,
        "lead01": Role.SUPERVISOR,
        "editor01": Role.EDITOR,
        "admin": Role.ADMINISTRATOR,
    }
    assert ACCOUNTS["agent01"].authority == ACCOUNTS["agent02"].authority != ACCOUNTS["agent11"].authority
    assert ACCOUNTS["agent01"].region != ACCOUNTS["agent11"].region


@pytest.mark.parametrize("account", sorted(ACCOUNTS))
async def test_one_click_signs_in(open_client: OpenClient, account: str) -> None:
    client = await open_client()
    response = await client.get(f"/demo/as/{account}?to=/api/session")
    body = await response.json()
    assert body["person"]["person_id"] == account
    assert ACCOUNTS[account].name not in str(body["person"])


async def test_accounts_start_where_they_work(open_client: OpenClient) -> None:
    client = await open_client()
    agent = await client.get("/demo/as/agent01", allow_redirects=False)
    assert agent.headers["Location"] == "/desk"
    taxpayer = await client.get("/demo/as/taxpayer01", allow_redirects=False)
    assert taxpayer.headers["Location"] == "/demo/host?account=taxpayer01"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "evil",
        "",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
    ],
)
async def test_no_redirect_leaves_the_server(open_client: OpenClient, target: str) -> None:
    client = await open_client()
    url = URL(f"{client.make_url('/demo/as/agent01')}?to={quote(target, safe='')}", encoded=True)
    response = await client.session.get(url, allow_redirects=False)
    assert response.status == 403
    assert "Location" not in response.headers
    assert "rtc_session" not in response.cookies


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%ae \t\n\r"), max_size=12))
def test_what_passes_is_a_path_of_ours(target: str) -> None:
    passed = local_path(target)
    if passed is not None:
        assert URL("http://ours.example/").join(URL(passed)).host == "ours.example"
        assert passed.startswith("/")
        assert not passed.startswith(("//", "/\\"))


async def test_the_host_page_embeds_the_window_by_one_script_tag(open_client: OpenClient) -> None:
    client = await open_client()
    page = await client.get("/demo/as/company01?to=/demo/host")
    text = await page.text()
    scripts = re.findall(r"<script[^>]*>", text)
    assert len(scripts) == 1
    attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', html.unescape(scripts[0])))
    assert attributes["src"] == "/embed.js"
    assert attributes["data-page"] == "税务数字账户"
    assert attributes["data-business"] == "发票勾选"
    claims = jwt.decode(attributes["data-token"], options={"verify_signature": False})
    assert (claims["sub"], claims["role"]) == ("company01", "taxpayer")
    assert "中山市*****有限公司" in text
    assert ACCOUNTS["company01"].name not in text


async def test_a_call_over_the_relay_alone_can_be_tried(open_client: OpenClient) -> None:
    client = await open_client()
    target = quote("/demo/host?ice=relay", safe="")
    page = await client.session.get(
        URL(f"{client.make_url('/demo/as/taxpayer01')}?to={target}", encoded=True)
    )
    assert page.url.query["account"] == "taxpayer01"
    assert 'data-ice-transport-policy="relay"' in await page.text()


async def test_two_taxpayers_in_two_tabs_stay_apart(open_client: OpenClient) -> None:
    client = await open_client()
    first = await client.get("/demo/as/taxpayer01")
    await client.get("/demo/as/taxpayer02")
    reloaded = await client.get(str(first.url.relative()))
    token = re.search(r'data-token="([^"]+)"', await reloaded.text())
    assert token
    assert jwt.decode(token[1], options={"verify_signature": False})["sub"] == "taxpayer01"


async def test_a_taxpayer_in_another_tab_leaves_the_desk_signed_in(open_client: OpenClient) -> None:
    client = await open_client()
    await client.get("/demo/as/agent01", allow_redirects=False)
    await client.get("/demo/as/taxpayer01", allow_redirects=False)
    session = await (await client.get("/api/session")).json()
    assert session["person"]["person_id"] == "agent01"


@pytest.mark.parametrize("query", ["", "?account=agent01", "?account=nobody"])
async def test_the_host_page_without_a_taxpayer_gives_no_token(open_client: OpenClient, query: str) -> None:
    text = await (await (await open_client()).get(f"/demo/host{query}")).text()
    assert "data-token" not in text
    assert "未登录" in text


@pytest.mark.parametrize("path", ["/", "/demo", "/demo/as/agent01", "/demo/host"])
async def test_outside_demo_mode_there_is_nothing(open_client: OpenClient, path: str) -> None:
    response = await (await open_client(demo=False)).get(path, allow_redirects=False)
    assert response.status == 404
