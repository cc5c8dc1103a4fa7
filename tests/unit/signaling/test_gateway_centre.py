"""Pages of the personal centre through the gateway: told what changed, asking nothing; interactions at an appointed time."""

from __future__ import annotations

import pytest

from signaling.errors import Refused
from signaling.wire.centre_notifications import CaseList, CentreChanged
from tests.unit.signaling.service import running_service


async def test_a_page_of_the_centre_stands_beside_the_window_and_is_told_what_changed() -> None:
    async with running_service() as service:
        window = await service.sign_in("taxpayer01")
        page = await service.sign_in("taxpayer01", scope="centre")
        assert not window.closed.is_set()
        assert service.gateway.taxpayers_in_centre() == ["taxpayer01"]
        told = CentreChanged(changed=CaseList.NOTICES, unread=2, todos=1)
        service.gateway.tell_centre("taxpayer01", told)
        service.gateway.tell_centre("taxpayer02", told)
        heard = await page.wait_for("centre.changed")
        assert heard == {"changed": "notices", "unread": 2, "todos": 1}
        assert not any(event == "centre.changed" for event, _ in window.told)
        newer = await service.sign_in("taxpayer01", scope="centre")
        closed = await page.wait_for("session.closed")
        assert closed["reason"]["code"] == "signed_in_elsewhere"
        await newer.leave()
        assert not window.closed.is_set()


async def test_a_page_of_the_centre_requests_nothing() -> None:
    async with running_service() as service:
        await service.sign_in("agent01")
        page = await service.sign_in("taxpayer01", scope="centre")
        assert await page.fails("interaction.open", agent_id="agent01") == "unknown_message"
        assert await page.fails("agent.list") in {"unknown_message", "bad_message"}


async def test_an_interaction_begins_at_its_time_with_who_is_there() -> None:
    async with running_service() as service:
        agent = await service.sign_in("agent01")
        await service.sign_in("taxpayer01", scope="centre")
        with pytest.raises(Refused, match="taxpayer_offline"):
            await service.gateway.begin_interaction("taxpayer01", "agent01", "101")
        window = await service.sign_in("taxpayer01")
        own = await service.gateway.begin_interaction("taxpayer01", "agent01", "101")
        for client in (agent, window):
            opened = await client.wait_for("interaction.changed")
            assert opened["interaction"]["interaction_id"] == own
        with pytest.raises(Refused, match="taxpayer_offline"):
            await service.gateway.begin_interaction("agent01", "agent01", "101")
        with pytest.raises(Refused, match="agent_offline"):
            await service.gateway.begin_interaction("taxpayer01", "agent02", "102")
