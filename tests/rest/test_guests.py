"""What a guest of a conversation reaches over REST: the files of the lines they may read, and nothing else of the taxpayer."""

from __future__ import annotations

from rtc_server.records.confirmation_recording import ConfirmationRecording
from rtc_server.rest.files import CONFIRMATIONS
from signaling.rooms.kept import KeptInteraction, KeptMember
from signaling.sessions.confirmation import ConfirmationForm, Fill, Filling, PassOn, handle, opened
from signaling.sessions.model import FileRef, InteractionContext
from signaling.sessions.states import InteractionKind, InteractionPhase, Role
from tests.rest.conftest import House
from tests.rest.test_files import PDF

GUEST = "agent11"
OF_THE_TAXPAYER = ("history", "sessions", "profile", "notes", "tags")


def join(house: House, history_from: int, left_at: int | None = None) -> None:
    """``GUEST`` in the conversation, who may read from this line on."""
    guest = KeptMember("i1", GUEST, Role.AGENT, "211", 2_000, left_at, "合肥市税务局", history_from)
    house.desk.recording.keep(guest)


async def link(house: House, file_id: str, account: str) -> int:
    response = await house.client.post(f"/api/files/{file_id}/link", headers=house.headers(account))
    return int(response.status)


async def test_files_from_the_invitation_on(house: House) -> None:
    house.open("i1")
    before = await house.send_file("i1", "before.pdf", PDF, seq=3)
    join(house, history_from=5)
    after = await house.send_file("i1", "after.pdf", PDF, seq=6)
    own = await house.send_file("i1", "own.pdf", PDF, GUEST, seq=7)
    assert [await link(house, file, GUEST) for file in (before, after, own)] == [404, 200, 200]
    assert await link(house, after, "agent02") == 404
    join(house, history_from=1)
    assert await link(house, before, GUEST) == 200
    join(house, history_from=5, left_at=3_000)
    assert [await link(house, file, GUEST) for file in (before, after)] == [404, 404]
    begun = await house.client.post(
        "/api/files",
        json={"interaction_id": "i1", "name": "late.pdf", "size": 4},
        headers=house.headers(GUEST),
    )
    assert begun.status == 404


async def test_nothing_else_of_the_taxpayer(house: House) -> None:
    house.open("i0")
    house.say("i0", 1, "以前的秘密")
    house.close("i0")
    house.open("i1")
    join(house, history_from=2)
    for what in OF_THE_TAXPAYER:
        for interaction in ("i0", "i1"):
            response = await house.client.get(
                f"/api/interactions/{interaction}/{what}", headers=house.headers(GUEST)
            )
            assert response.status == 404, (what, interaction)
            assert "秘密" not in await response.text()
    revealed = await house.client.post(
        "/api/interactions/i1/reveal", json={"field": "phone"}, headers=house.headers(GUEST)
    )
    assert revealed.status == 404
    order = {"interaction_id": "i1", "subject": "代他人提交", "detail": "协办人员不可提交"}
    raised = await house.client.post("/api/casework/work-orders", json=order, headers=house.headers(GUEST))
    assert raised.status == 404


async def test_a_collaboration_is_nobody_s_history(house: House) -> None:
    """Two of them have the same taxpayer, namely none: who is in one may not see the other."""
    for number, agent in ((1, "agent01"), (2, GUEST)):
        own = f"c{number}"
        kept = KeptInteraction(
            own, "", "", None, agent, InteractionPhase.OPEN, 1_000, InteractionContext(),
            kind=InteractionKind.COLLABORATION,
        )  # fmt: skip
        house.desk.recording.keep(kept, KeptMember(own, agent, Role.AGENT, "101", 1_000))
    file = await house.send_file("c1", "a.pdf", PDF, "agent01")
    assert await link(house, file, "agent01") == 200
    assert await link(house, file, GUEST) == 404
    for account in ("agent01", GUEST):
        for what in OF_THE_TAXPAYER:
            path = f"/api/interactions/c1/{what}"
            response = await house.client.get(path, headers=house.headers(account))
            assert response.status == 404, (account, what)
        order = {"interaction_id": "c1", "subject": "线下协同", "detail": "无纳税人"}
        raised = await house.client.post(
            "/api/casework/work-orders", json=order, headers=house.headers(account)
        )
        assert raised.status == 404, "there is nobody to raise it for"


class Forms:
    """Where the record alone knows of forms."""

    def __init__(self, records: ConfirmationRecording) -> None:
        self._records = records

    async def may_read_file(self, person_id: str, interaction_id: str, file_id: str) -> bool:
        forms = await self._records.confirmations_of(person_id, 50)
        materials = [
            f for form in forms for f in form.filling.materials if form.interaction_id == interaction_id
        ]
        return any(file.file_id == file_id for file in materials)


async def test_material_is_opened_by_whom_the_form_concerns(house: House) -> None:
    house.open("i1")
    material = await house.send_file("i1", "licence.pdf", PDF, seq=2)
    other = await house.send_file("i1", "other.pdf", PDF, seq=3)
    records = ConfirmationRecording(house.desk.recording)
    house.client.app[CONFIRMATIONS] = Forms(records)  # type: ignore[index]
    file = FileRef(material, "licence.pdf", "application/pdf", len(PDF))
    form = opened(
        ConfirmationForm(
            "f1", "1", "i1", GUEST, "211", "合肥", "agent01", "101", "taxpayer01", "张*", "变更", "", (), 5
        )
    )
    form = handle(form, Fill("taxpayer01", Filling("内容", "电话", (file,)), final=True), 6)
    form = handle(form, PassOn(GUEST, "agent12", "212", 1_000), 7)
    records.keep_confirmation(form, form.steps)
    for account, allowed in ((GUEST, 200), ("agent12", 200), ("agent02", 404), ("taxpayer02", 404)):
        assert await link(house, material, account) == allowed, account
        assert await link(house, other, account) == 404, account
