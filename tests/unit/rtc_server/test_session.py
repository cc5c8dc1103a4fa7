from __future__ import annotations

from collections.abc import Callable

import pytest
from yarl import URL

from tests.unit.rtc_server.conftest import OpenClient

TokenOf = Callable[[str], str]


async def test_signing_in_and_out(open_client: OpenClient, token_of: TokenOf) -> None:
    client = await open_client()
    signed_in = await client.post("/api/session", json={"token": token_of("agent01")})
    assert signed_in.status == 200
    assert (await signed_in.json())["person"]["display_name"] == "101"
    cookie = signed_in.cookies["rtc_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert 3500 < int(cookie["max-age"]) <= 3600

    read = await client.get("/api/session")
    body = await read.json()
    assert body["token"] == token_of("agent01") or body["token"].count(".") == 2
    assert body["person"] == {
        "person_id": "agent01",
        "role": "agent",
        "display_name": "101",
        "authority": "国家税务总局广东省税务局",
        "region": "广东",
    }
    assert read.headers["Cache-Control"] == "no-store"

    assert (await client.delete("/api/session")).status == 204
    gone = await client.get("/api/session")
    assert gone.status == 401
    assert (await gone.json())["error"]["code"] == "token_missing"


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "bad_message", 400),
        (b"{", "bad_message", 400),
        (b'{"token": 5}', "bad_message", 400),
        (b'{"token": "x", "more": 1}', "bad_message", 400),
        (b'{"token": ""}', "token_missing", 401),
        (b'{"token": "x.y.z"}', "token_invalid", 401),
        (b'{"token": "' + b"x" * 5000 + b'"}', "token_invalid", 401),
        (b'{"token": "' + b"x" * 70_000 + b'"}', "message_too_large", 413),
    ],
)
async def test_bad_bodies(open_client: OpenClient, body: bytes, code: str, status: int) -> None:
    client = await open_client()
    response = await client.post("/api/session", data=body, headers={"Content-Type": "application/json"})
    assert response.status == status
    error = (await response.json())["error"]
    assert error["code"] == code
    assert error["message"].endswith("。")
    assert "rtc_session" not in response.cookies


async def test_a_form_cannot_sign_in(open_client: OpenClient, token_of: TokenOf) -> None:
    """An HTML form of another site can send text/plain without a preflight."""
    client = await open_client()
    response = await client.post(
        "/api/session", data=f'{{"token": "{token_of("agent01")}"}}', headers={"Content-Type": "text/plain"}
    )
    assert response.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_cannot_act(
    open_client: OpenClient, token_of: TokenOf, headers: dict[str, str]
) -> None:
    client = await open_client(cors_origins=["https://evil.example"])
    await client.post("/api/session", json={"token": token_of("agent01")})
    for response in (
        await client.post("/api/session", json={"token": token_of("agent02")}, headers=headers),
        await client.get("/api/session", headers=headers),
        await client.delete("/api/session", headers=headers),
    ):
        assert response.status == 403
        assert (await response.json())["error"]["code"] == "not_allowed"
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert (await (await client.get("/api/session")).json())["person"]["person_id"] == "agent01"


async def test_our_own_origin_may(open_client: OpenClient, token_of: TokenOf) -> None:
    client = await open_client()
    origin = str(client.make_url("/")).rstrip("/")
    response = await client.post(
        "/api/session",
        json={"token": token_of("agent01")},
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
    )
    assert response.status == 200


async def test_behind_a_trusted_tls_proxy_the_cookie_is_bound_to_the_host(
    open_client: OpenClient, token_of: TokenOf
) -> None:
    client = await open_client(trusted_proxies=["127.0.0.0/8"])
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    response = await client.post("/api/session", json={"token": token_of("agent01")}, headers=headers)
    cookie = response.cookies["__Host-rtc_session"]
    assert cookie["secure"]
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_a_proxy_nobody_trusts_changes_nothing(open_client: OpenClient, token_of: TokenOf) -> None:
    client = await open_client()
    headers = {"X-Forwarded-Proto": "https"}
    response = await client.post("/api/session", json={"token": token_of("agent01")}, headers=headers)
    assert "rtc_session" in response.cookies
    assert "Strict-Transport-Security" not in response.headers


async def test_an_expired_session_is_told_apart(open_client: OpenClient) -> None:
    import time

    import jwt

    from tests.unit.rtc_server.conftest import OWN_SECRET

    now = int(time.time())
    token = jwt.encode(
        {
            "iss": "rtc-server",
            "aud": "rtc-server",
            "sub": "a",
            "role": "editor",
            "name": "x",
            "iat": now - 900,
            "exp": now - 600,
        },
        OWN_SECRET,
        "HS256",
    )
    client = await open_client()
    client.session.cookie_jar.update_cookies({"rtc_session": token}, URL(str(client.make_url("/"))))
    response = await client.get("/api/session")
    assert (await response.json())["error"]["code"] == "token_expired"


PORTAL = "https://portal.example.gov.cn"


async def test_a_portal_hands_a_member_of_staff_over(open_client: OpenClient, token_of: TokenOf) -> None:
    client = await open_client(demo=False, portal_origins=[PORTAL])
    response = await client.post(
        "/sign-in",
        data={"token": token_of("agent01"), "to": "/desk"},
        headers={"Origin": PORTAL},
        allow_redirects=False,
    )
    assert (response.status, response.headers["Location"]) == (303, "/desk")
    assert (await (await client.get("/api/session")).json())["person"]["display_name"] == "101"


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
async def test_nobody_else_hands_anybody_over(
    open_client: OpenClient, token_of: TokenOf, origin: str | None
) -> None:
    client = await open_client(portal_origins=[PORTAL], cors_origins=["https://evil.example"])
    headers = {"Origin": origin} if origin else {}
    response = await client.post(
        "/sign-in", data={"token": token_of("agent01")}, headers=headers, allow_redirects=False
    )
    assert response.status == 403
    assert not response.cookies


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "bad_message"),
        ({"token": "x.y.z"}, "token_invalid"),
        ({"token": "", "to": "/desk"}, "token_missing"),
        ({"token": "good", "to": "//evil.example"}, "bad_message"),
    ],
)
async def test_a_bad_hand_over(
    open_client: OpenClient, token_of: TokenOf, form: dict[str, str], code: str
) -> None:
    client = await open_client(portal_origins=[PORTAL])
    if form.get("token") == "good":
        form = form | {"token": token_of("agent01")}
    response = await client.post("/sign-in", data=form, headers={"Origin": PORTAL}, allow_redirects=False)
    assert (await response.json())["error"]["code"] == code
    assert not response.cookies
