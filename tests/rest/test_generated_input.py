"""Whatever is sent to any entry: a stable code, never a fault of ours."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from rtc_server.rest.resource import Entry, openapi
from rtc_server.rest.resources import resources
from signaling.errors import ErrorCode
from tests.rest.conftest import House
from tests.rest.test_files import PDF

LONGEST_LINE = 8_100
"""A longer request line is refused by the HTTP parser, before anything of ours."""
ROUNDS = 12
NASTY = (
    "", " ", "null", "0", "-1", "i1", "gd", "..", "../../etc/passwd", "%00", "\x00", "a\x00b", "\ud83d", "𝕏" * 40, "x" * 5_000,
    "' OR 1=1 --", "${jndi:x}", "<script>", "440000", "2027-01-01", "f" + "0" * 32, "9" * 400, "1e999", "\u202e", "张三",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**200,
    1.5,
    float("nan"),
    [],
    {},
    [None],
    {"a": {}},
    *NASTY,
)


def value_of(schema: dict[str, Any], definitions: dict[str, Any], dice: random.Random, depth: int = 0) -> Any:
    """Mostly what the schema wants, so that it gets past the first check."""
    if depth > 6 or dice.random() < 0.12:
        return dice.choice(VALUES)
    if "$ref" in schema:
        return value_of(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions, dice, depth + 1)
    if "anyOf" in schema:
        return value_of(dice.choice(schema["anyOf"]), definitions, dice, depth + 1)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            made = {
                name: value_of(part, definitions, dice, depth + 1)
                for name, part in known.items()
                if dice.random() < 0.95
            }
            return made | ({dice.choice(NASTY): 1} if dice.random() < 0.05 else {})
        case "array":
            return [
                value_of(schema.get("items", {}), definitions, dice, depth + 1)
                for _ in range(dice.choice((0, 1, 2, 3)))
            ]
        case "integer":
            return dice.choice((schema.get("minimum", 0), schema.get("maximum", 9), 1, 7, 600, 1440))
        case "boolean":
            return dice.random() < 0.5
        case "string":
            pattern = schema.get("pattern", "")
            if "[0-9]{6}" in pattern:
                return dice.choice(("440000", "340000", "999999"))
            if "[0-9]{4}-" in pattern:
                return dice.choice(("2027-01-01", "2027-13-01", "0000-00-00"))
            return dice.choice(("i1", "gd", "general", "a.pdf", "文字", *NASTY))
        case _:
            return None


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("entry", resources().entries, ids=lambda entry: f"{entry.method} {entry.path}")
async def test_no_input_makes_a_fault(house: House, entry: Entry) -> None:
    house.open("i1")
    file_id = await house.send_file("i1", "a.pdf", PDF)
    dice = random.Random(f"{entry.method} {entry.path}")
    accounts = ("admin", "agent01", "taxpayer01", "lead01", "editor01")
    schema = entry.body.model_json_schema() if entry.body is not None else {}
    for number in range(ROUNDS * 3):
        ids = ("i1", file_id, "gd", "demo-1", "440000", *NASTY)
        path = entry.path
        while "{" in path:
            before, _, rest = path.partition("{")
            path = before + quoted(dice.choice(ids) or "x") + rest.partition("}")[2]
        body: bytes | None = None
        headers = house.headers(accounts[number % len(accounts)])
        if entry.body is not None:
            body = encoded(value_of(schema, schema.get("$defs", {}), dice))
            if dice.random() < 0.1:
                body = dice.choice(
                    (b"", b"{", b"[" * 3_000, b"\xff\xfe", b'{"a":"\\ud800"}', b"nul", body[:-1])
                )
            headers["Content-Type"] = dice.choice(
                ("application/json", "application/json", "application/json", "text/plain")
            )
        elif entry.method == "PATCH":
            body = dice.choice((b"", b"x", PDF))
            headers["Content-Type"] = "application/offset+octet-stream"
            headers["Upload-Offset"] = dice.choice(("0", "1", "-1", "x", "9" * 30, ""))
        query = ""
        if entry.query is not None:
            names = list(entry.query.model_fields)
            query = "?" + "&".join(
                f"{dice.choice([*names, 'other'])}={quoted(dice.choice(NASTY))}"
                for _ in range(dice.randrange(3))
            )
        response = await house.client.request(entry.method, yarl(path + query), data=body, headers=headers)
        text = (await response.read()).decode(errors="replace")  # a download may be no text
        assert response.status < 500, (entry.method, path, query, body, text)
        assert "Traceback" not in text
        if len(path + query) > LONGEST_LINE:
            assert response.status == 400
        elif response.status >= 400 and entry.method != "HEAD":
            assert json.loads(text)["error"]["code"] in set(ErrorCode)


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text.encode("utf-8", "surrogatepass"), safe="") or "x"


def yarl(path: str) -> Any:
    from yarl import URL

    return URL(path, encoded=True)


async def test_the_content_of_files_takes_no_made_up_links(house: House) -> None:
    house.open("i1")
    file_id = await house.send_file("i1", "a.pdf", PDF)
    for expires in NASTY:
        for signature in ("", "x", "é", "0" * 64):
            path = f"/api/files/{file_id}/content?expires={quoted(expires)}&signature={quoted(signature)}"
            response = await house.client.get(yarl(path))
            assert 400 <= response.status < 500


async def test_the_openapi_document_describes_every_entry(house: House) -> None:
    document = await (await house.client.get("/api/openapi.json")).json()
    entries = resources().entries
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(entry.method, entry.path) for entry in entries}
    assert document["openapi"] == openapi(entries)["openapi"] == "3.1.0"
