"""Dictation over its WebSocket, and answers read aloud: who may, what is refused, what bad input does."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from rtc_server.config import SpeechSettings
from rtc_server.rest import speech
from rtc_server.speech.recogniser import Recogniser
from rtc_server.speech.service import SpeechService
from rtc_server.speech.voice import VoiceService
from tests.rest.conftest import House, OpenHouse

WORKER = (sys.executable, str(Path(__file__).parents[1] / "harness" / "speech_worker.py"))
ME = "taxpayer01"
TENTH = bytes(3_200)


def listens(house: House, prompt: str = "", **settings: Any) -> SpeechService:
    """A recognising process that does what its prompt says."""
    service = SpeechService(
        SpeechSettings(**settings), lambda: house.desk.knowledge.base, recogniser=Recogniser(WORKER)
    )
    service._prompt = (house.desk.knowledge.base, prompt)
    object.__setattr__(house.desk, "speech", service)
    return service


def token(house: House, account: str = ME) -> str:
    return house.headers(account)["Authorization"].removeprefix("Bearer ")


@asynccontextmanager
async def dictation(house: House, account: str = ME) -> AsyncIterator[ClientWebSocketResponse]:
    async with house.client.ws_connect(speech.PATH) as socket:
        await socket.send_json({"type": "start", "token": token(house, account)})
        yield socket


async def refused(socket: ClientWebSocketResponse) -> str:
    """The code, and that nothing follows it."""
    message = await socket.receive_json(timeout=20)
    assert message["type"] == "error", message
    assert message["error"]["message"].endswith("。")
    assert (await socket.receive(timeout=20)).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    return str(message["error"]["code"])


async def ready(socket: ClientWebSocketResponse) -> None:
    assert (await socket.receive_json(timeout=20))["type"] == "ready"


async def final(socket: ClientWebSocketResponse) -> Any:
    while (message := await socket.receive_json(timeout=30))["type"] == "partial":
        pass
    assert message["type"] == "final", message
    return message


async def nobody_more_than(house: House, people: int) -> None:
    """A connection that was closed is done with a moment later."""
    async with asyncio.timeout(10):
        while house.desk.speech.speaking > people:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_guesses_and_then_the_text(house: House) -> None:
    listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        for _ in range(10):
            await socket.send_bytes(TENTH)
        guess = await socket.receive_json(timeout=20)
        assert guess["type"] == "partial"
        assert guess["stable"] + guess["rest"] == "听到0.7秒"
        await socket.send_json({"type": "stop"})
        done = await final(socket)
    assert done == {"type": "final", "text": "听到1.0秒细", "complete": True, "cut_off": False}
    assert house.desk.speech.speaking == 0


async def test_without_a_model_it_says_what_is_missing(house: House) -> None:
    state = await house.client.get("/api/assistant/voice", headers=house.headers(ME))
    assert await state.json() == {"recognition": "not_configured", "max_seconds": 60, "reading": True}
    async with dictation(house) as socket:
        assert await refused(socket) == "speech_not_configured"


async def test_a_folder_that_is_no_model_is_unavailable(open_house: OpenHouse, tmp_path: Path) -> None:
    house = await open_house(speech={"model": tmp_path})
    async with dictation(house) as socket:
        assert await refused(socket) == "speech_unavailable"


@pytest.mark.parametrize("account", ["agent01", "lead01", "editor01", "admin"])
async def test_for_taxpayers_alone(house: House, account: str) -> None:
    listens(house)
    async with dictation(house, account) as socket:
        assert await refused(socket) == "not_allowed"


@pytest.mark.parametrize(
    "first",
    ["", "{", "[]", '{"type":"stop"}', '{"type":"start"}', '{"type":"start","token":7}', '{"type":"start","token":"x","more":1}',
     '{"type":"begin","token":"x"}'],
)  # fmt: skip
async def test_the_first_message_says_whose_it_is(house: House, first: str) -> None:
    listens(house)
    async with house.client.ws_connect(speech.PATH) as socket:
        await socket.send_str(first)
        assert await refused(socket) == "bad_message"


async def test_a_token_is_needed_and_a_cookie_does_not_do(house: House) -> None:
    listens(house)
    async with house.client.ws_connect(speech.PATH, headers=house.headers(ME)) as socket:
        await socket.send_json({"type": "start", "token": "no token"})
        assert await refused(socket) == "token_invalid"
    async with house.client.ws_connect(speech.PATH) as socket:
        await socket.send_bytes(TENTH)
        assert await refused(socket) == "bad_message"


async def test_who_says_nothing_is_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "START_S", 0.05)
    async with house.client.ws_connect(speech.PATH) as socket:
        assert await refused(socket) == "bad_message"


async def test_no_websocket_is_no_dictation(house: House) -> None:
    response = await house.client.get(speech.PATH, headers=house.headers(ME))
    assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_message")


@pytest.mark.parametrize("wrong", [b"\x00", '{"type":"go on"}', "stop"])
async def test_wrong_messages_end_it(house: House, wrong: bytes | str) -> None:
    listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        await (socket.send_bytes(wrong) if isinstance(wrong, bytes) else socket.send_str(wrong))
        assert await refused(socket) == "bad_message"
    assert house.desk.speech.speaking == 0


async def test_more_than_anybody_can_say_is_refused(house: House) -> None:
    listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        for _ in range(8):
            await socket.send_bytes(bytes(32_000))
        while (message := await socket.receive_json(timeout=20))["type"] == "partial":
            pass
        assert message["error"]["code"] == "rate_limited"


async def test_a_message_that_is_too_large_ends_the_connection(house: House) -> None:
    listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        await socket.send_bytes(bytes(speech.MAX_FRAME_BYTES + 2))
        while (await socket.receive(timeout=20)).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
            pass
    await nobody_more_than(house, 0)


async def test_the_longest_time_ends_it_by_itself(house: House) -> None:
    listens(house, max_seconds=5)
    async with dictation(house) as socket:
        await ready(socket)
        for _ in range(51):
            await socket.send_bytes(TENTH)
        done = await final(socket)
    assert (done["cut_off"], done["complete"]) == (True, True)
    assert done["text"].endswith("细")


async def test_who_falls_silent_is_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "SILENT_S", 0.2)
    listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        await socket.send_bytes(TENTH)
        assert (await final(socket))["text"] == "听到0.1秒细"


async def test_one_at_a_time_and_a_few_at_once(house: House) -> None:
    listens(house, streams=2)
    async with dictation(house) as first, dictation(house, "taxpayer02") as second:
        await ready(first)
        await ready(second)
        async with dictation(house) as again:
            assert await refused(again) == "speech_busy"
        async with dictation(house, "company01") as third:
            assert await refused(third) == "speech_busy"
        await first.close()
        await nobody_more_than(house, 1)
        async with dictation(house, "company01") as third:
            await ready(third)


async def test_a_process_that_dies_keeps_what_was_shown(house: House) -> None:
    service = listens(house)
    async with dictation(house) as socket:
        await ready(socket)
        for _ in range(8):
            await socket.send_bytes(TENTH)
        assert (await socket.receive_json(timeout=20))["type"] == "partial"
        async with house_prompt(house, "crash"):
            await socket.send_json({"type": "stop"})
            done = await final(socket)
    assert (done["text"], done["complete"]) == ("听到0.7秒", False)
    assert service.speaking == 0


@asynccontextmanager
async def house_prompt(house: House, prompt: str) -> AsyncIterator[None]:
    """What the process is told from now on, also of dictations that run."""
    recogniser = house.desk.speech._recogniser
    assert recogniser is not None
    hear = recogniser.hear
    recogniser.hear = lambda sound, **more: hear(sound, **(more | {"prompt": prompt}))  # type: ignore[method-assign]
    yield
    recogniser.hear = hear  # type: ignore[method-assign]


async def test_how_often_a_person_may_begin(house: House) -> None:
    listens(house, streams=10)
    object.__setattr__(house.settings.speech, "rate", "2/minute")
    for _ in range(2):
        async with dictation(house) as socket:
            await ready(socket)
            await socket.send_json({"type": "stop"})
            assert (await final(socket))["text"] == ""
    async with dictation(house) as socket:
        assert await refused(socket) == "rate_limited"


async def test_an_answer_read_aloud(house: House) -> None:
    path = "/api/assistant/questions/fapiao-001/voice"
    sounds = [await house.client.get(path, headers=house.headers(ME)) for _ in range(2)]
    assert [one.status for one in sounds] == [200, 200]
    assert sounds[0].content_type == "audio/mpeg"
    body = await sounds[0].read()
    assert body == await sounds[1].read()
    assert house.desk.voice.made == 1
    with av.open(io.BytesIO(body)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    seconds = sum(frame.shape[-1] for frame in frames) / 22_050
    assert seconds > 8
    assert max(abs(frame).max() for frame in frames) > 0.05
    gone = await house.client.get("/api/assistant/questions/none/voice", headers=house.headers(ME))
    assert gone.status == 404
    other = await house.client.get(path, headers=house.headers("agent01"))
    assert other.status == 403


async def test_reading_aloud_may_be_switched_off_and_is_limited(open_house: OpenHouse) -> None:
    path = "/api/assistant/questions/fapiao-001/voice"
    house = await open_house(speech={"voice": False})
    response = await house.client.get(path, headers=house.headers(ME))
    assert (response.status, (await response.json())["error"]["code"]) == (503, "voice_unavailable")
    object.__setattr__(house.settings.speech, "voice_rate", "1/minute")
    codes = []
    for _ in range(2):
        response = await house.client.get(path, headers=house.headers(ME))
        codes.append((await response.json())["error"]["code"])
    assert codes == ["voice_unavailable", "rate_limited"]


@pytest.mark.parametrize(
    "command", [(sys.executable, "-c", "raise SystemExit(1)"), (sys.executable, "-c", "")]
)
async def test_a_voice_that_fails_says_so(house: House, command: tuple[str, ...]) -> None:
    object.__setattr__(house.desk, "voice", VoiceService(SpeechSettings(), command))
    response = await house.client.get("/api/assistant/questions/fapiao-001/voice", headers=house.headers(ME))
    assert (response.status, (await response.json())["error"]["code"]) == (503, "voice_unavailable")


async def test_sound_is_kept_while_there_is_room() -> None:
    megabyte = "import sys; sys.stdin.read(); sys.stdout.write('x' * 600_000)"
    voice = VoiceService(SpeechSettings(voice_cache_megabytes=1), (sys.executable, "-c", megabyte))
    for text in ("甲", "乙", "乙", "甲"):
        await voice.read_out(text)
    assert voice.made == 3
    await asyncio.gather(*(voice.read_out("丙") for _ in range(5)))
    assert voice.made == 4
    await voice.stop()


async def test_a_spoken_question_is_found_by_its_sound(house: House) -> None:
    assert await asyncio.to_thread(house.desk.knowledge.indexer.settled, 100)
    said = "曾直说发漂弄丢了怎么半"

    async def ask(**more: Any) -> Any:
        response = await house.client.post(
            "/api/assistant/turns", json={"text": said, **more}, headers=house.headers(ME)
        )
        assert response.status == 200, await response.text()
        return await response.json()

    heard = await ask(spoken=True)
    assert (heard["via"], heard["asked"]) == ("spoken", said)
    shown = [heard["answer"]["question_id"]] if heard["answer"] else []
    shown += [one["question_id"] for one in heard["questions"]]
    assert "fapiao-009" in shown
    typed = await ask()
    assert typed["via"] == "typed"


def test_logs_hold_nothing_that_was_said() -> None:
    """The modules that touch sound or text log only codes and figures."""
    folder = Path(speech.__file__).parents[1] / "speech"
    lines = [
        line
        for path in (*folder.glob("*.py"), Path(speech.__file__))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "log." in line
    ]
    assert lines
    assert not any(word in json.dumps(lines) for word in ("text=", "sound=", "said=", "prompt=", "partial="))
