"""Who may open the page of a meeting and that of the check before it, and where others are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.rtc_server.conftest import OpenClient


@pytest.fixture
def built(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "meeting.html").write_text("<html>the meeting</html>", encoding="utf-8")
    (tmp_path / "dist" / "check.html").write_text("<html>the check</html>", encoding="utf-8")


@pytest.mark.usefixtures("built")
async def test_whoever_may_take_part_opens_it_and_no_id_is_told_apart(open_client: OpenClient) -> None:
    for account, status in (("taxpayer01", 200), ("agent01", 200), ("lead01", 200)):
        client = await open_client()
        await client.get(f"/demo/as/{account}?to=/api/session")
        for meeting_id in ("m1", "unknown"):
            response = await client.get(f"/meeting/{meeting_id}", allow_redirects=False)
            assert response.status == status
            assert "the meeting" in await response.text()


async def test_a_guest_of_the_demo_chooses_an_account_and_comes_to_the_meeting(
    open_client: OpenClient,
) -> None:
    client = await open_client()
    response = await client.get("/meeting/m1", allow_redirects=False)
    assert response.headers["Location"] == "/demo?to=/meeting/m1"
    text = await (await client.get("/demo?to=/meeting/m1")).text()
    assert 'href="/demo/as/agent01?to=/meeting/m1"' in text
    for hostile in ("//evil.example", "https://evil.example", '/"><script>'):
        text = await (await client.get("/demo", params={"to": hostile})).text()
        assert "evil.example" not in text
        assert "<script>" not in text.split("<body", 1)[1]


async def test_outside_the_demo_one_signs_in_first(open_client: OpenClient) -> None:
    client = await open_client(demo=False, token_secret="a secret of the platform, long enough for it")
    response = await client.get("/meeting/m1", allow_redirects=False)
    assert response.status == 401
    assert "请先登录" in await response.text()


@pytest.mark.usefixtures("built")
async def test_those_who_call_check_their_devices_and_nobody_else(open_client: OpenClient) -> None:
    for account in ("taxpayer01", "agent01", "lead01"):
        client = await open_client()
        await client.get(f"/demo/as/{account}?to=/api/session")
        response = await client.get("/check", allow_redirects=False)
        assert (response.status, await response.text()) == (200, "<html>the check</html>")
    client = await open_client()
    assert (await client.get("/check", allow_redirects=False)).headers["Location"] == "/demo?to=/check"
    await client.get("/demo/as/editor01?to=/api/session")
    assert (await client.get("/check", allow_redirects=False)).headers["Location"] == "/demo?to=/check"
