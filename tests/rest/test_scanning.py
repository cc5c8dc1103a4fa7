"""Files before a real clamd."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import BytesIO

import pytest

from tests.rest.clamd import EICAR, Clamd
from tests.rest.conftest import House, OpenHouse, picture
from tests.rest.test_files import begin, code, upload


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    server = Clamd()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


async def test_what_clamd_knows_is_refused_and_the_rest_is_taken(open_house: OpenHouse, clamd: Clamd) -> None:
    house: House = await open_house(
        files={"clamd_host": "127.0.0.1", "clamd_port": clamd.port, "min_free_bytes": 0}
    )
    house.open("i1")
    status, body = await upload(house, "说明.txt", EICAR)
    assert (status, code(body)) == (422, "file_infected")
    assert not list((house.settings.data / "files").rglob("f*"))
    status, body = await upload(house, "说明.txt", b"harmless")
    assert status == 200, body
    assert (await upload(house, "a.png", picture()))[0] == 200
    large = BytesIO(b"%PDF-1.7\n" + b"0" * (19 * 1024 * 1024))
    assert (await upload(house, "large.pdf", large.getvalue()))[0] == 200


async def test_a_file_nobody_has_looked_at_waits(open_house: OpenHouse) -> None:
    with_nobody = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = with_nobody.sockets[0].getsockname()[1]
    house: House = await open_house(
        files={"clamd_host": "127.0.0.1", "clamd_port": port, "min_free_bytes": 0}
    )
    house.open("i1")
    _, body = await begin(house, "a.txt", 8)
    file_id = str(body["file_id"])
    refused = await house.patch(file_id, 0, b"harmless")
    assert (refused.status, code(await refused.json())) == (503, "files_unavailable")
    with_nobody.close()
    # Nothing has to be sent again when the scanner is back.
    asked = await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    assert asked.headers["Upload-Offset"] == "8"
