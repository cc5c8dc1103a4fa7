"""Pages of the personal centre through the gateway: told what changed, asking nothing; interactions at an appointed time."""

from __future__ import annotations

import pytest

from signaling.errors import Refused
from signaling.gateway import CENTRE_TABS
from signaling.wire.centre_notifications import CaseList, CentreChanged
from tests.unit.signaling.service import running_service


async def test_every_open_page_is_told_the_counts_and_the_window_too() -> None:
    async with running_service() as service:
        window = await service.sign_in("taxpayer01")
        tabs = [await service.sign_in("taxpayer01", scope="centre") for _ in range(3)]
        other = await service.sign_in("taxpayer02", scope="centre")
        assert service.gateway.people_there() == {"taxpayer01", "taxpayer02"}
        service.gateway.tell_centre("taxpayer01", CentreChanged(changed=CaseList.NOTICES, unread=2, todos=1))
        for page in (window, *tabs):
            heard = await page.wait_for("centre.changed")
            assert heard == {"changed": "notices", "unread": 2, "todos": 1}
        # Without counts it is of no concern to the window, which shows nothing else.
        service.gateway.tell_centre("taxpayer01", CentreChanged(changed=CaseList.INQUIRIES))
        await tabs[0].wait_for("centre.changed", lambda told: told["changed"] == "inquiries")
        service.gateway.tell_centre("taxpayer01", CentreChanged(changed=CaseList.NOTICES, unread=0, todos=0))
        await window.wait_for("centre.changed", lambda told: told["unread"] == 0)
        assert [data["changed"] for event, data in window.told if event == "centre.changed"] == [
            "notices"
        ] * 2
        assert not any(event == "centre.changed" for event, _ in other.told)
        await tabs[0].leave()
        service.gateway.tell_centre("taxpayer01", CentreChanged(changed=CaseList.NOTICES, unread=7, todos=0))
        await tabs[2].wait_for("centre.changed", lambda told: told["unread"] == 7)


async def test_of_too_many_pages_the_oldest_gives_way() -> None:
    async with running_service() as service:
        window = await service.sign_in("taxpayer01")
        tabs = [await service.sign_in("taxpayer01", scope="centre") for _ in range(CENTRE_TABS)]
        newest = await service.sign_in("taxpayer01", scope="centre")
        closed = await tabs[0].wait_for("session.closed")
        assert closed["reason"]["code"] == "signed_in_elsewhere"
        service.gateway.tell_centre("taxpayer01", CentreChanged(changed=CaseList.NOTICES, unread=1, todos=0))
        for page in (*tabs[1:], newest, window):
            await page.wait_for("centre.changed")
        assert not any(page.closed.is_set() for page in (*tabs[1:], newest, window))
        for page in (*tabs[1:], newest):
            await page.leave()
        await window.leave()
        await service.books.nobody.wait()
        assert service.gateway.people_there() == set()


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
