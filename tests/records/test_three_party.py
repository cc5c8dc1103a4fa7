"""Guests, invitations and service confirmation forms come back as they were, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import URL

from rtc_server.records import confirmations
from rtc_server.records.confirmation_recording import ConfirmationRecording
from rtc_server.records.keeper import Records
from rtc_server.records.recording import Recording
from signaling.rooms.kept import KeptInteraction, KeptInvitation, KeptMember
from signaling.sessions.confirmation import (
    Complete,
    ConfirmationAction,
    ConfirmationForm,
    Delivery,
    Fill,
    Filling,
    PassOn,
    handle,
    opened,
)
from signaling.sessions.model import FileRef, InteractionContext
from signaling.sessions.states import InteractionKind, InteractionPhase, InvitationPhase, Role

KEPT = KeptInteraction(
    "i1", "", "", None, "a1", InteractionPhase.OPEN, 1_000, InteractionContext(business="报验"),
    kind=InteractionKind.COLLABORATION,
)  # fmt: skip
AGENT = KeptMember("i1", "a1", Role.AGENT, "101", 1_000)
GUEST = KeptMember("i1", "a2", Role.AGENT, "211", 1_100, None, "合肥", 4, None, True)
RUNG = KeptInvitation(
    "v1", "i1", "a1", "101", "a2", "211", "合肥", InvitationPhase.RINGING, 1_050, False, "说明"
)
ACCEPTED = replace(RUNG, phase=InvitationPhase.ACCEPTED, decided_at=1_100)
FILE = FileRef("x1", "执照.pdf", "application/pdf", 7)
FORM = opened(
    ConfirmationForm(
        "f1", "1", "i1", "a2", "211", "合肥", "a1", "101", "p1", "张*", "变更", "说明", ("执照",), 2_000
    )
)
FILLED = handle(
    FORM,
    Fill("p1", Filling("内容", "电话", (FILE,), Delivery.MAIL, "张三", "地址", "电话"), final=True),
    2_100,
)
PASSED = handle(FILLED, PassOn("a2", "a3", "212", 9_000), 2_200)
DONE = handle(PASSED, Complete("a3", "办结"), 2_300)


async def opened_records(url: URL, folder: Path) -> Recording:
    return Recording(await Records.open(url, folder / "journal"), lambda _: None)


async def test_a_restart_finds_the_guest_and_the_invitation(ready_url: URL, tmp_path: Path) -> None:
    first = await opened_records(ready_url, tmp_path)
    first.keep(KEPT, AGENT, RUNG)
    first.keep(GUEST, ACCEPTED)
    await first.records.close()
    second = await opened_records(ready_url, tmp_path)
    work = await second.restore(10)
    assert [one.interaction for one in work.interactions] == [KEPT]
    assert work.interactions[0].members == (AGENT, GUEST)
    assert work.interactions[0].invitation == ACCEPTED
    assert second.live.serves("a1", "")
    assert not second.live.serves("a2", "")
    second.keep(replace(ACCEPTED, phase=InvitationPhase.ENDED, ended_at=1_200))
    await second.records.close()
    third = await opened_records(ready_url, tmp_path)
    assert (await third.restore(10)).interactions[0].invitation is None
    await third.records.close()


async def test_a_form_comes_back_with_every_step(ready_url: URL, tmp_path: Path) -> None:
    first = ConfirmationRecording(recording := await opened_records(ready_url, tmp_path))
    first.keep_confirmation(FORM, FORM.steps)
    first.keep_confirmation(FILLED, FILLED.steps[1:])
    first.keep_confirmation(PASSED, PASSED.steps[2:])
    before = recording._revision
    await recording.records.close()

    recording = await opened_records(ready_url, tmp_path)
    recording._clock_us = lambda: 0
    second = ConfirmationRecording(recording)
    assert list(await second.open_confirmations()) == [PASSED]
    # What is written now is newer, even with a clock that was set back.
    assert recording.next_revision() > before
    second.keep_confirmation(DONE, DONE.steps[3:])
    assert await second.confirmation("f1") == DONE
    assert await second.confirmation("f2") is None
    assert list(await second.open_confirmations()) == []
    for person in ("p1", "a1", "a2", "a3"):
        assert list(await second.confirmations_of(person, 5)) == [DONE], person
    assert list(await second.confirmations_of("a4", 5)) == []
    async with recording.read() as connection:
        steps = await confirmations.steps(connection, "f1")
    assert [(step.number, step.action, step.actor_id) for step in steps] == [
        (1, ConfirmationAction.SEND, "a2"),
        (2, ConfirmationAction.CONFIRM, "p1"),
        (3, ConfirmationAction.PASS_ON, "a2"),
        (4, ConfirmationAction.COMPLETE, "a3"),
    ]
    await recording.records.close()
