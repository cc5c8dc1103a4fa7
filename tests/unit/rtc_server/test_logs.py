from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from rtc_server import logs
from rtc_server.logs import FORBIDDEN_KEYS, REDACTED, configure, scrub

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("json", "debug", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ids_are_kept(written: io.StringIO) -> None:
    structlog.get_logger("a").info("assistance_started", room_id="r1", person_id="p1", ms=3)
    (line,) = lines(written)
    assert line["event"] == "assistance_started"
    assert (line["room_id"], line["person_id"], line["ms"]) == ("r1", "p1", 3)
    assert line["level"] == "info"


@pytest.mark.parametrize("key", sorted(FORBIDDEN_KEYS))
def test_forbidden_keys_are_redacted_at_every_depth(written: io.StringIO, key: str) -> None:
    structlog.get_logger("a").info("x", **{key: "visible"}, inner={"deep": [{key.upper(): "visible"}]})
    assert "visible" not in written.getvalue()
    (line,) = lines(written)
    assert line[key] == REDACTED


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        "Bearer abcdef123456",
        "a=ice-pwd:asd88fgpdd777uzjYhagZg",
        "a=fingerprint:sha-256 AA:BB",
        "candidate:1 1 UDP 2130706431 192.168.1.7 5000 typ host",
        "13412343624",
        "+8613412343624",
        "password=hunter2",
    ],
)
def test_patterns_are_cut_out_of_any_text(written: io.StringIO, secret: str) -> None:
    structlog.get_logger("a").warning(f"event with {secret}", note=f"again {secret}", items=[secret])
    logging.getLogger("someone.else").error("theirs: %s", secret)
    hidden = secret.removeprefix("Bearer ").removeprefix("password=").removeprefix("a=")
    assert hidden not in written.getvalue()
    assert len(lines(written)) == 2


def test_ids_of_the_standard_library_are_kept_and_cleaned(written: io.StringIO) -> None:
    logging.getLogger("signaling").info("refused", extra={"room_id": "r1", "sdp": "v=0", "token": TOKEN})
    (line,) = lines(written)
    assert (line["room_id"], line["sdp"], line["token"]) == ("r1", REDACTED, REDACTED)


def test_an_exceptions_message_is_scrubbed(written: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot read {TOKEN}")
    except ValueError:
        structlog.get_logger("a").exception("failed")
        logging.getLogger("theirs").exception("failed")
    assert TOKEN not in written.getvalue()
    assert all("ValueError" in str(line["exception"]) for line in lines(written))


def test_room_ids_that_look_like_numbers_survive() -> None:
    text = "room 202611210001347 worker 3 took 13 ms"
    assert scrub(text) == text


def test_packet_logs_of_socketio_stay_silent(written: io.StringIO) -> None:
    logging.getLogger("socketio.server").info("emitting event with %s", TOKEN)
    logging.getLogger("engineio.server").info("received packet")
    assert written.getvalue() == ""


def test_bytes_and_objects_do_not_leak(written: io.StringIO) -> None:
    class Thing:
        def __str__(self) -> str:
            return TOKEN

    structlog.get_logger("a").info("x", packet=b"\x00secret", thing=Thing())
    assert "secret" not in written.getvalue()
    assert TOKEN not in written.getvalue()


def test_console_output_is_redacted_too() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("console", "info", stream)
        structlog.get_logger("a").info("x", token=TOKEN, note=TOKEN)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert TOKEN not in stream.getvalue()
    assert logs.REDACTED in stream.getvalue()
