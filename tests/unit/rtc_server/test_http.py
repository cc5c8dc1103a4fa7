"""What surrounds every request: headers, CORS, limits, errors, health, metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rtc_server.health import Health
from rtc_server.identity.policy import PERMISSIONS, Permission, may
from rtc_server.metrics import Metrics
from signaling.sessions.states import Role
from tests.unit.rtc_server.conftest import OpenClient

SITE = "https://etax.example.gov.cn"


# Headers


async def test_pages_carry_a_policy_with_a_fresh_nonce(open_client: OpenClient) -> None:
    client = await open_client(frame_ancestors=[SITE])
    policies = set()
    for _ in range(2):
        response = await client.get("/demo")
        policy = response.headers["Content-Security-Policy"]
        policies.add(policy)
        assert "default-src 'none'" in policy
        assert "object-src 'none'" in policy
        assert f"frame-ancestors 'self' {SITE}" in policy
        assert "'unsafe-eval'" not in policy
        assert "'unsafe-inline'" not in policy.split("style-src-attr")[0]
        assert "display-capture=(self)" in response.headers["Permissions-Policy"]
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert len(policies) == 2


@pytest.mark.parametrize("path", ["/demo", "/healthz", "/api/session", "/nowhere", "/embed.js"])
async def test_every_response_is_guarded(open_client: OpenClient, path: str) -> None:
    response = await (await open_client()).get(path)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response.headers["Content-Security-Policy"]
    assert "aiohttp" not in response.headers["Server"]


async def test_cors_is_for_listed_sites_and_never_with_credentials(open_client: OpenClient) -> None:
    client = await open_client(cors_origins=[SITE])
    listed = await client.get("/healthz", headers={"Origin": SITE})
    assert listed.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in listed.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in listed.headers
    other = await client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_preflight(open_client: OpenClient) -> None:
    client = await open_client(cors_origins=[SITE])
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    listed = await client.options("/api/session", headers=headers | {"Origin": SITE})
    assert listed.status == 204
    assert listed.headers["Access-Control-Allow-Origin"] == SITE
    assert "POST" in listed.headers["Access-Control-Allow-Methods"]
    other = await client.options("/api/session", headers=headers | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Methods" not in other.headers


# Errors and limits


async def test_errors_have_stable_codes(open_client: OpenClient) -> None:
    client = await open_client()
    for response, status, code in (
        (await client.get("/nowhere"), 404, "not_found"),
        (await client.put("/api/session"), 405, "unknown_message"),
        (await client.get("/demo/as/nobody"), 404, "not_found"),
    ):
        assert response.status == status
        assert response.content_type == "application/json"
        assert (await response.json())["error"]["code"] == code


async def test_a_fault_of_ours_tells_nothing(open_client: OpenClient) -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("secret detail")

    client = await open_client(health=Health("e", dict, broken))
    response = await client.get("/healthz")
    assert response.status == 500
    text = await response.text()
    assert json.loads(text)["error"]["code"] == "internal_error"
    assert "secret detail" not in text


async def test_an_address_is_limited(open_client: OpenClient) -> None:
    client = await open_client(limits={"sign_in": "3/minute"})
    answers = [await client.post("/api/session", json={"token": "x"}) for _ in range(5)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    error = (await answers[-1].json())["error"]
    assert error["code"] == "rate_limited"
    assert 0 < error["retry_after_ms"] <= 60_000
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert (await client.get("/healthz")).status == 200


async def test_limits_count_the_address_a_trusted_proxy_tells(open_client: OpenClient) -> None:
    client = await open_client(limits={"sign_in": "1/minute"}, trusted_proxies=["127.0.0.1/32", "10.0.0.0/8"])

    async def from_(forwarded: str) -> int:
        response = await client.post(
            "/api/session", json={"token": "x"}, headers={"X-Forwarded-For": forwarded}
        )
        return response.status

    assert await from_("198.51.100.1") == 401
    assert await from_("198.51.100.2") == 401
    # What the client itself wrote further left is not believed.
    assert await from_("203.0.113.9, 198.51.100.1, 10.1.1.1") == 429
    # A household's IPv6 addresses count as one.
    assert await from_("2001:db8:1:1::1") == 401
    assert await from_("2001:db8:1:1:ffff::2") == 429
    assert await from_("2001:db8:1:2::1") == 401


async def test_a_proxy_nobody_trusts_cannot_choose_the_address(open_client: OpenClient) -> None:
    client = await open_client(limits={"sign_in": "1/minute"})
    for status, forwarded in ((401, "198.51.100.1"), (429, "198.51.100.2")):
        response = await client.post(
            "/api/session", json={"token": "x"}, headers={"X-Forwarded-For": forwarded}
        )
        assert response.status == status


# Health and metrics


async def test_health_tells_its_parts(open_client: OpenClient) -> None:
    response = await (await open_client()).get("/healthz")
    body = await response.json()
    assert response.status == 200
    assert body["status"] == "ok"
    assert body["engine"] == {"version": "engine 1.2.3", "state": "running"}
    assert body["turn"] == {"ok": None, "state": "off"}
    assert body["uptime_s"] >= 0
    assert re.fullmatch(r"\d+\.\d+\.\d+", body["version"])


async def test_a_dead_engine_is_unhealthy(open_client: OpenClient) -> None:
    def dead() -> dict[str, object]:
        raise OSError("gone")

    response = await (await open_client(health=Health("e", dead, lambda: {"ok": True}))).get("/healthz")
    assert response.status == 503
    assert (await response.json())["status"] == "unhealthy"


async def test_without_its_relay_the_server_is_degraded_and_serves(open_client: OpenClient) -> None:
    response = await (await open_client(health=Health("e", dict, lambda: {"ok": False}))).get("/healthz")
    assert response.status == 200
    assert (await response.json())["status"] == "degraded"


async def test_draining_refuses_what_is_new(open_client: OpenClient) -> None:
    health = Health("e", dict, lambda: {"ok": True})
    client = await open_client(health=health)
    health.draining = True
    state = await client.get("/healthz")
    assert state.status == 503
    assert (await state.json())["status"] == "draining"
    refused = await client.get("/demo")
    assert refused.status == 503
    assert (await refused.json())["error"]["code"] == "server_stopping"


async def test_metrics_are_for_this_machine_or_the_token(open_client: OpenClient) -> None:
    client = await open_client()
    assert "rtc_connections 0.0" in await (await client.get("/metrics")).text()
    proxied = {"X-Forwarded-For": "198.51.100.1"}
    assert (await client.get("/metrics", headers=proxied)).status == 403

    token = "a scraper's token that is long enough"
    guarded = await open_client(metrics_token=token)
    assert (await guarded.get("/metrics", headers=proxied)).status == 403
    wrong = proxied | {"Authorization": "Bearer wrong"}
    assert (await guarded.get("/metrics", headers=wrong)).status == 403
    right = proxied | {"Authorization": f"Bearer {token}"}
    assert (await guarded.get("/metrics", headers=right)).status == 200


def test_signalling_figures() -> None:
    metrics = Metrics()
    metrics.connections(2)
    metrics.connections(-1)
    metrics.interactions(1)
    metrics.request("call.start", "call_start_not_allowed", 0.002)
    metrics.joined(0.25)
    text = metrics.exposition().decode()
    assert "rtc_connections 1.0" in text
    assert "rtc_interactions 1.0" in text
    assert 'rtc_requests_total{event="call.start",outcome="call_start_not_allowed"} 1.0' in text
    assert 'rtc_join_seconds_bucket{le="0.2"} 0.0' in text
    assert 'rtc_join_seconds_bucket{le="0.3"} 1.0' in text


ENGINE_FIGURES = {
    "rooms": 2,
    "packets_in": 10,
    "something_new": 5,
    "loop_us_p99": 90,
    "packets_dropped": {"outside_grant": 3, "bad_srtp": 0},
    "workers": [
        {"rooms": 1, "loop_us": [[10, 4], [100, 1], [9_000_000, 1]], "time_in_engine_us": []},
        {"rooms": 1, "loop_us": [[25, 2]], "time_in_engine_us": [[30, 7]]},
    ],
}


def test_engine_figures() -> None:
    metrics = Metrics()
    metrics.add_engine(lambda: ENGINE_FIGURES)
    lines = metrics.exposition().decode().splitlines()
    for line in (
        "# TYPE rtc_engine_rooms gauge",
        "rtc_engine_rooms 2.0",
        "# TYPE rtc_engine_packets_in_total counter",
        "rtc_engine_packets_in_total 10.0",
        'rtc_engine_packets_dropped_total{reason="outside_grant"} 3.0',
        "rtc_engine_something_new 5.0",
        'rtc_engine_loop_seconds_bucket{le="2.5e-05",worker="0"} 4.0',
        'rtc_engine_loop_seconds_bucket{le="0.0001",worker="0"} 5.0',
        'rtc_engine_loop_seconds_bucket{le="1.6384",worker="0"} 5.0',
        'rtc_engine_loop_seconds_bucket{le="+Inf",worker="0"} 6.0',
        'rtc_engine_loop_seconds_bucket{le="2.5e-05",worker="1"} 2.0',
        'rtc_engine_forward_seconds_count{worker="1"} 7.0',
    ):
        assert line in lines
    assert not any("loop_us" in line for line in lines)


def test_a_dead_engine_does_not_hide_the_other_figures() -> None:
    def dead() -> dict[str, object]:
        raise OSError("gone")

    metrics = Metrics()
    metrics.add_engine(dead)
    assert "rtc_connections 0.0" in metrics.exposition().decode()


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.connections(1)
    assert "rtc_connections 0.0" in other.exposition().decode()


# The web client


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "desk.html").write_text(
        '<script>let a = 1</script><script type="module" src="/assets/a.js"></script>'
    )
    (folder / "embed.js").write_text("export {};" * 500)
    (folder / "assets" / "a-1f.js").write_text("1;" * 2000)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def test_assets_are_cached_for_ever_and_compressed(open_client: OpenClient, dist: Path) -> None:
    client = await open_client(client_dist=dist)
    response = await client.get("/assets/a-1f.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.content_type == "text/javascript"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert await response.text() == "1;" * 2000
    again = await client.get("/assets/a-1f.js", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304


async def test_a_new_build_is_seen_without_a_restart(open_client: OpenClient, dist: Path) -> None:
    client = await open_client(client_dist=dist)
    first = await (await client.get("/embed.js")).text()
    (dist / "embed.js").write_text("// rebuilt")
    response = await client.get("/embed.js")
    assert await response.text() == "// rebuilt" != first
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/",
        "/assets/none.js",
    ],
)
async def test_nothing_outside_the_build_is_served(open_client: OpenClient, dist: Path, path: str) -> None:
    from yarl import URL

    client = await open_client(client_dist=dist)
    response = await client.session.get(URL(str(client.make_url("")).rstrip("/") + path, encoded=True))
    assert response.status == 404
    assert "secret" not in (await response.text())


async def test_without_a_build_the_script_says_so(open_client: OpenClient) -> None:
    response = await (await open_client()).get("/embed.js")
    assert "not built" in await response.text()


async def test_the_desk_is_for_agents(open_client: OpenClient, dist: Path) -> None:
    client = await open_client(client_dist=dist)
    nobody = await client.get("/desk", allow_redirects=False)
    assert (nobody.status, nobody.headers["Location"]) == (302, "/demo")
    await client.get("/demo/as/taxpayer01?to=/api/session")
    assert (await client.get("/desk", allow_redirects=False)).status == 302
    await client.get("/demo/as/agent01?to=/api/session")
    desk = await client.get("/desk")
    assert desk.status == 200
    assert "'sha256-" in desk.headers["Content-Security-Policy"]
    assert "let a = 1" in await desk.text()
    reloaded = await client.get("/desk", headers={"If-None-Match": desk.headers["ETag"]})
    assert reloaded.status == 304


async def test_outside_demo_mode_the_desk_asks_to_sign_in(open_client: OpenClient, dist: Path) -> None:
    client = await open_client(demo=False, client_dist=dist)
    response = await client.get("/desk")
    assert response.status == 401
    assert "请先登录" in await response.text()


def test_every_role_has_its_row() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert may(Role.AGENT, Permission.DESK)
    assert not may(Role.TAXPAYER, Permission.DESK)
    assert not any(may(role, Permission.WINDOW) for role in Role if role is not Role.TAXPAYER)
