"""Golden messages: what a page sent and was sent in version 1 is still read and still written so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from signaling.errors import SENTENCES, ErrorCode
from signaling.wire.base import WireModel
from signaling.wire.export import build_schema, render_typescript, stale
from signaling.wire.notifications import NOTIFICATIONS
from signaling.wire.requests import REQUESTS

GOLDEN = Path(__file__).parent / "golden"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
SCHEMA = build_schema()
Json = dict[str, Any]


def golden(event: str) -> Json:
    return dict(json.loads((GOLDEN / f"{event}.json").read_text(encoding="utf-8")))


def section(event: str) -> str:
    """The part of the document about one message."""
    found = re.search(rf"^### {re.escape(event)}\n(.*?)(?=^##)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"{event} is not in the document"
    return found[1]


def examples(event: str) -> list[Json]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section(event), re.DOTALL)]


def round_trip(model: type[WireModel], message: Json) -> None:
    parsed = model.model_validate_json(json.dumps(message))
    assert parsed.model_dump(mode="json") == message


def validate(reference: Json, message: Json) -> None:
    Draft202012Validator({**reference, "$defs": SCHEMA["$defs"]}).validate(message)


def test_there_is_a_golden_file_for_every_message_and_no_other() -> None:
    events = {model.EVENT for model in (*REQUESTS, *NOTIFICATIONS)}
    assert {path.stem for path in GOLDEN.glob("*.json")} == events


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.EVENT)
def test_requests(model: Any) -> None:
    kept = golden(model.EVENT)
    round_trip(model, kept["request"])
    round_trip(model.RESPONSE, kept["response"])
    schema = SCHEMA["requests"][model.EVENT]
    validate(schema["request"], kept["request"])
    validate(schema["response"], kept["response"])
    wanted = [kept["request"], kept["response"]] if kept["response"] else [kept["request"]]
    assert examples(model.EVENT) == wanted


@pytest.mark.parametrize("model", NOTIFICATIONS, ids=lambda model: model.EVENT)
def test_notifications(model: Any) -> None:
    kept = golden(model.EVENT)["notification"]
    round_trip(model, kept)
    validate(SCHEMA["notifications"][model.EVENT], kept)
    assert examples(model.EVENT) == [kept]


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.EVENT)
def test_a_request_with_one_field_more_is_refused_by_both(model: Any) -> None:
    message = {**golden(model.EVENT)["request"], "surprise": 1}
    assert not Draft202012Validator(
        {**SCHEMA["requests"][model.EVENT]["request"], "$defs": SCHEMA["$defs"]}
    ).is_valid(message)
    with pytest.raises(ValueError, match="surprise"):
        model.model_validate_json(json.dumps(message))


def test_every_error_is_in_the_document_with_its_sentence() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", DOCUMENT[DOCUMENT.index("## Errors") :], re.MULTILINE)
    assert dict(rows) == {code.value: SENTENCES[code] for code in ErrorCode}


def test_what_the_web_client_has_is_what_would_be_written() -> None:
    assert stale() == []


def test_stale_files_are_named(tmp_path: Path) -> None:
    assert stale(tmp_path) == ["schema.json", "messages.ts"]


def test_typescript_has_every_event_in_its_map() -> None:
    text = render_typescript(SCHEMA)
    for request in REQUESTS:
        assert f'"{request.EVENT}": {{ request: {request.__name__}; response: ' in text
    for notification in NOTIFICATIONS:
        assert f'"{notification.EVENT}": {notification.__name__};' in text
    assert "any" not in re.findall(r": (\w+)", text)
