"""Files from the first byte to the last reader: resumed, checked, refused, and shown to members alone."""

from __future__ import annotations

import json
import time
import zipfile
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from rtc_server.files.store import FileStore
from rtc_server.service_desk import close_desk
from tests.rest.conftest import House, OpenHouse, picture

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def package(*names: str, content: bytes = b"<x/>") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


DOCX = package("[Content_Types].xml", "word/document.xml")
OFD = package("OFD.xml", "Doc_0/Document.xml")


async def begin(
    house: House, name: str, size: int, account: str = "taxpayer01", interaction: str = "i1"
) -> tuple[int, dict[str, object]]:
    response = await house.client.post(
        "/api/files",
        json={"interaction_id": interaction, "name": name, "size": size},
        headers=house.headers(account),
    )
    return response.status, await response.json()


async def upload(house: House, name: str, content: bytes) -> tuple[int, dict[str, object]]:
    status, body = await begin(house, name, len(content))
    if status != 201:
        return status, body
    response = await house.patch(str(body["file_id"]), 0, content)
    return response.status, await response.json()


def code(body: dict[str, object]) -> object:
    error = body["error"]
    assert isinstance(error, dict)
    return error["code"]


async def link_of(house: House, file_id: str, account: str) -> str:
    response = await house.client.post(f"/api/files/{file_id}/link", headers=house.headers(account))
    assert response.status == 200, await response.text()
    return str((await response.json())["url"])


async def test_an_upload_goes_on_where_the_line_dropped(house: House) -> None:
    house.open("i1")
    _, body = await begin(house, "说明.pdf", len(PDF))
    file_id = str(body["file_id"])
    first = await house.patch(file_id, 0, PDF[:10])
    assert (first.status, first.headers["Upload-Offset"]) == (200, "10")
    asked = await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == ("10", str(len(PDF)))
    wrong = await house.patch(file_id, 5, PDF[5:])
    assert (wrong.status, code(await wrong.json())) == (409, "upload_conflict")
    last = await house.patch(file_id, 10, PDF[10:])
    answer = await last.json()
    assert answer["offset"] == len(PDF)
    assert answer["file"] == {
        "file_id": file_id,
        "name": "说明.pdf",
        "media_type": "application/pdf",
        "size": len(PDF),
        "width": None,
        "height": None,
    }
    fetched = await house.client.get(await link_of(house, file_id, "taxpayer01"))
    assert await fetched.read() == PDF
    # Whoever did not hear of the end asks again.
    asked = await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    assert asked.headers["Upload-Offset"] == str(len(PDF))
    repeated = await house.patch(file_id, len(PDF), b"")
    assert (await repeated.json())["file"] == answer["file"]
    assert (await house.patch(file_id, len(PDF), b"", "agent01")).status == 404


async def test_an_upload_goes_on_after_a_restart(house: House) -> None:
    house.open("i1")
    _, body = await begin(house, "a.pdf", len(PDF))
    file_id = str(body["file_id"])
    await house.patch(file_id, 0, PDF[:7])
    await house.desk.files.stop()
    house.desk.files._running.clear()
    await house.desk.files.start()
    asked = await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    assert asked.headers["Upload-Offset"] == "7"
    assert (await house.patch(file_id, 7, PDF[7:])).status == 200


async def test_a_picture_is_written_anew_without_what_was_hidden_in_it(house: House) -> None:
    house.open("i1")
    exif = Image.Exif()
    exif[0x010F] = "secret camera"
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    content = (
        picture((40, 30), "JPEG", exif=exif, comment=b"secret comment") + b"<script>secret tail</script>"
    )
    file_id = await house.send_file("i1", "照片.jpg", content)
    response = await house.client.get(await link_of(house, file_id, "agent01"))
    got = await response.read()
    assert b"secret" not in got
    with Image.open(BytesIO(got)) as image:
        assert (image.format, image.size) == ("JPEG", (30, 40))
        assert not dict(image.getexif())


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("GIF", "a.gif", "a.png"),
        ("BMP", "b.bmp", "b.png"),
        ("WEBP", "c.webp", "c.webp"),
        ("PNG", "d.jpg", "d.png"),
    ],
)
async def test_pictures_get_the_ending_they_are(house: House, kind: str, name: str, kept: str) -> None:
    house.open("i1")
    status, body = await upload(house, name, picture(kind=kind))
    assert status == 200
    file = body["file"]
    assert isinstance(file, dict)
    assert (file["name"], file["width"], file["height"]) == (kept, 40, 30)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", DOCX),
        ("发票.ofd", OFD),
        ("a.txt", "您好，请查收".encode()),
        ("b.csv", "姓名,金额\n张三,1".encode("gb18030")),
        ("a.pdf", PDF),
        ("a.txt", b"a < b and c > d"),
    ],
)
async def test_documents_are_taken(house: House, name: str, content: bytes) -> None:
    house.open("i1")
    status, body = await upload(house, name, content)
    assert status == 200, body


@pytest.mark.parametrize(
    "name",
    [
        "a.exe",
        "a.zip",
        "a.rar",
        "a.7z",
        "a.html",
        "a.svg",
        "a.js",
        "a.exe.txt",
        "a",
        ".pdf",
        "a.docm",
        "a.bat",
        "x.gz",
        "photo\u202egpj.exe",
        "../../etc/passwd",
    ],
)
async def test_names_that_are_refused(house: House, name: str) -> None:
    house.open("i1")
    status, body = await begin(house, name, 10)
    assert (status, code(body)) == (415, "file_type_refused")


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.png", b"MZ" + b"\0" * 200, "file_damaged"),
        ("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "file_damaged"),
        ("a.png", picture()[:-30], "file_damaged"),
        ("a.pdf", DOCX, "file_damaged"),
        ("a.pdf", b"junk %PDF-1.7", "file_damaged"),
        ("a.docx", package("evil.exe"), "file_type_refused"),
        ("a.docx", package("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "file_type_refused"),
        ("a.docx", package("[Content_Types].xml", "word/document.xml", "word/embeddings/run.exe"), "file_type_refused"),
        ("a.xlsx", DOCX, "file_type_refused"),
        ("a.docx", package("[Content_Types].xml", "word/document.xml", content=b"\0" * (8 << 20)), "file_damaged"),
        ("a.docx", b"PK\x03\x04 not a container", "file_damaged"),
        ("a.txt", b"<html><script>alert(1)</script>", "file_type_refused"),
        ("a.txt", b"\x00\x01\x02\x03", "file_type_refused"),
        ("a.txt", b"#!/bin/sh\nrm -rf /\n", "file_type_refused"),
        ("a.txt", package("a.txt"), "file_type_refused"),
        ("a.csv", b"\x7fELF\x02\x01\x01", "file_type_refused"),
        ("a.doc", b"not a compound file", "file_damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"), "file_type_refused"),
        ("a.txt", b"<\0s\0c\0r\0i\0p\0t\0>", "file_type_refused"),
        ("a.txt", b"\xff\xfe" + "<script>".encode("utf-16-le"), "file_type_refused"),
    ],
)  # fmt: skip
async def test_contents_that_are_refused(house: House, name: str, content: bytes, refusal: str) -> None:
    house.open("i1")
    _status, body = await begin(house, name, len(content))
    file_id = str(body["file_id"])
    response = await house.patch(file_id, 0, content)
    assert code(await response.json()) == refusal
    again = await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    assert again.status == 404
    link = await house.client.post(f"/api/files/{file_id}/link", headers=house.headers("taxpayer01"))
    assert code(await link.json()) == "file_not_found"
    assert not list((house.settings.data / "files").rglob("f*"))


async def test_a_decompression_bomb_is_not_decoded(open_house: OpenHouse) -> None:
    house: House = await open_house(files={"max_pixels": 10_000, "min_free_bytes": 0})
    house.open("i1")
    status, body = await upload(house, "a.png", picture((200, 200)))
    assert (status, code(body)) == (422, "file_damaged")


async def test_sizes(open_house: OpenHouse) -> None:
    house: House = await open_house(files={"max_bytes": 2_000, "min_free_bytes": 0})
    house.open("i1")
    assert (await begin(house, "a.pdf", 2_000))[0] == 413
    assert code((await begin(house, "a.pdf", 0))[1]) == "file_damaged"
    status, body = await begin(house, "a.pdf", 100)
    assert status == 201
    more = await house.patch(str(body["file_id"]), 0, b"%PDF-" + b"x" * 200)
    assert (more.status, code(await more.json())) == (413, "file_too_large")


async def test_quotas_of_a_person(open_house: OpenHouse) -> None:
    house: House = await open_house(files={"uploads_at_once": 2, "min_free_bytes": 0})
    house.open("i1")
    begun = [await begin(house, "a.pdf", 1_000) for _ in range(3)]
    assert [status for status, _ in begun] == [201, 201, 429]
    assert code(begun[2][1]) == "quota_exceeded"
    for _, body in begun[:2]:
        await house.client.delete(f"/api/files/{body['file_id']}", headers=house.headers("taxpayer01"))
    assert (await begin(house, "a.pdf", 1_000))[0] == 201
    assert (await begin(house, "a.pdf", 1_000))[0] == 201
    assert code((await begin(house, "a.pdf", 1_000))[1]) == "quota_exceeded", "two at once"


async def test_uploads_a_person_may_begin(open_house: OpenHouse) -> None:
    house: House = await open_house(files={"rate": "2/hour", "min_free_bytes": 0})
    house.open("i1")
    assert [(await begin(house, "a.pdf", 1_000))[0] for _ in range(2)] == [201, 201]
    assert code((await begin(house, "a.pdf", 1_000))[1]) == "rate_limited"


async def test_what_a_person_may_send_in_a_day_outlasts_a_restart(open_house: OpenHouse) -> None:
    megabyte = 1024 * 1024
    house: House = await open_house(files={"daily_megabytes": 1, "min_free_bytes": 0})
    house.open("i1")
    await house.send_file("i1", "a.txt", b"a" * 600_000)
    status, body = await begin(house, "b.txt", megabyte - 600_000 + 1)
    assert (status, code(body)) == (429, "quota_exceeded")
    await close_desk(house.desk)
    house = await open_house(files={"daily_megabytes": 1, "min_free_bytes": 0})
    house.open("i2")
    status, body = await begin(house, "b.txt", megabyte - 600_000 + 1, interaction="i2")
    assert (status, code(body)) == (429, "quota_exceeded")
    begun = await begin(house, "b.txt", 300_000, interaction="i2")
    assert begun[0] == 201
    status, body = await begin(house, "c.txt", 200_000, interaction="i2")
    assert (status, code(body)) == (429, "quota_exceeded"), "what is on its way counts too"
    assert (await begin(house, "b.txt", megabyte - 1, "agent01", "i2"))[0] == 201, "each for themselves"


async def test_a_full_disk_is_said_and_nothing_begins(open_house: OpenHouse) -> None:
    house: House = await open_house(files={"min_free_bytes": 2**60})
    house.open("i1")
    status, body = await begin(house, "a.pdf", 100)
    assert (status, code(body)) == (503, "files_unavailable")


async def test_links_expire_and_cannot_be_made_up(house: House) -> None:
    house.open("i1")
    file_id = await house.send_file("i1", "a.pdf", PDF)
    url = await link_of(house, file_id, "agent01")
    query = parse_qs(urlsplit(url).query)
    path = urlsplit(url).path
    for changed in ({"signature": "0" * 64}, {"expires": str(int(query["expires"][0]) + 60)}):
        values = {name: values[0] for name, values in query.items()} | changed
        refused = await house.client.get(path, params=values)
        assert (refused.status, code(await refused.json())) == (403, "not_allowed")
    house.desk.links._clock = lambda: time.time() + 3600
    late = await house.client.get(url)
    assert (late.status, code(await late.json())) == (410, "link_expired")


async def test_a_download_can_run_nothing(house: House) -> None:
    house.open("i1")
    file_id = await house.send_file("i1", "a.txt", "文本".encode())
    response = await house.client.get(await link_of(house, file_id, "agent01"))
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.txt"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    )
    assert response.headers["Content-Type"].startswith("text/plain")
    picture_id = await house.send_file("i1", "a.png", picture(), seq=2)
    shown = await house.client.get(await link_of(house, picture_id, "agent01"))
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "sandbox" in shown.headers["Content-Security-Policy"]


async def test_files_are_sent_by_members_of_open_interactions_alone(house: House) -> None:
    house.open("i1")
    assert (await begin(house, "a.pdf", 10, "taxpayer02"))[0] == 404
    assert (await begin(house, "a.pdf", 10, "agent02"))[0] == 404
    assert (await begin(house, "a.pdf", 10, "lead01"))[0] == 403  # may see it, is not in it
    # An editor sends files for answers, and takes part in no conversation.
    assert (await begin(house, "a.pdf", 10, "editor01"))[0] == 404
    assert (await begin(house, "a.pdf", 10, "agent01"))[0] == 201
    house.close("i1")
    status, body = await begin(house, "a.pdf", 10)
    assert (status, code(body)) == (409, "interaction_closed")


async def test_rooms_take_only_the_senders_own_file_of_this_interaction(house: House) -> None:
    house.open("i1")
    house.open("i2")
    file_id = await house.send_file("i1", "a.pdf", PDF)
    stored = house.desk.files.stored
    assert await stored(file_id, "i1", "taxpayer01") is not None
    assert await stored(file_id, "i2", "taxpayer01") is None
    assert await stored(file_id, "i1", "agent01") is None
    assert await stored("f" + "0" * 32, "i1", "taxpayer01") is None
    house.desk.files._recent.clear()  # from the database, too
    assert await stored(file_id, "i1", "taxpayer01") is not None


async def test_abandoned_uploads_are_deleted(house: House) -> None:
    house.open("i1")
    _, body = await begin(house, "a.pdf", 100)
    file_id = str(body["file_id"])
    await house.patch(file_id, 0, b"%PDF-")
    await house.desk.files.clean(time.time() + 10)
    assert (
        await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    ).status == 200
    await house.desk.files.clean(time.time() + house.settings.files.abandoned_s + 1)
    assert (
        await house.client.head(f"/api/files/{file_id}", headers=house.headers("taxpayer01"))
    ).status == 404
    assert list(FileStore(house.settings.data / "files").unfinished()) == []


async def test_a_sheet_that_cannot_be_read_is_passed_over(house: House) -> None:
    folder = house.settings.data / "files" / "uploading"
    (folder / "fbad.json").write_text("{")
    (folder / "fother.json").write_text(json.dumps({"unknown": 1}))
    assert list(FileStore(house.settings.data / "files").unfinished()) == []
    assert not list(folder.glob("*.json"))
