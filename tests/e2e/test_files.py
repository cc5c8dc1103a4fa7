"""Pictures, files and screenshots inside a conversation: what goes through, what does not, and how that is said (H3)."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Download, FilePayload, Locator, Page, expect

from tests.e2e.office import Story
from tests.e2e.people import Agent, Person, Taxpayer
from tests.harness.browser import screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEBIBYTE = 1 << 20
SECRET = b"hidden behind the picture"
RED = (229, 50, 45)
"""What marks on a screenshot are drawn in."""

BYTES_OF = """async (picture) => {
  const bytes = new Uint8Array(await (await fetch(picture.src)).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


def file(name: str, content: bytes, media_type: str = "application/octet-stream") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def photograph() -> bytes:
    """With an EXIF block, and something after its end."""
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    target = io.BytesIO()
    Image.new("RGB", (600, 400), (40, 110, 200)).save(target, "JPEG", exif=exif)
    return target.getvalue() + SECRET


def archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as one:
        one.writestr("明细.txt", "一")
    return target.getvalue()


def document(size: int) -> bytes:
    """A PDF by its looks, of so many bytes."""
    head, tail = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"\n%%EOF\n"
    return head + os.urandom(size - len(head) - len(tail)) + tail


async def received(person: Person, number: int = 0) -> Image.Image:
    """A picture of the conversation, as the browser got it."""
    shown = person.at("message-picture").nth(number).locator("img")
    await expect(shown).to_be_visible(timeout=20_000)
    await expect(shown).to_have_js_property("complete", True)
    data = base64.b64decode(await shown.evaluate(BYTES_OF))
    assert SECRET not in data
    return Image.open(io.BytesIO(data))


async def downloaded(person: Person, message: Locator) -> tuple[str, bytes]:
    """Name and content of a file as the person gets it by a click."""
    begun: asyncio.Future[Download] = asyncio.get_running_loop().create_future()

    def watch(page: Page) -> None:
        page.on("download", lambda one: None if begun.done() else begun.set_result(one))

    # Which of the two it belongs to is for the browser to say: the page, or the one that was opened for it.
    watch(person.page)
    person.page.context.on("page", watch)
    await message.click()
    download = await asyncio.wait_for(begun, 20)
    return download.suggested_filename, (await download.path()).read_bytes()


async def test_pictures_several_at_once_arrive_written_anew(story: Story) -> None:
    taxpayer, agent = await story.meet()
    png = io.BytesIO()
    Image.new("RGB", (300, 500), (200, 60, 40)).save(png, "PNG")
    await taxpayer.at("picture-input").set_input_files(
        [file("现场.jpg", photograph(), "image/jpeg"), file("凭证.png", png.getvalue(), "image/png")]
    )
    await agent.counts("message-picture", 2)
    pictures = [await received(agent, number) for number in range(2)]
    assert sorted(picture.size for picture in pictures) == [(300, 500), (600, 400)]
    assert all(not picture.getexif() for picture in pictures)
    await taxpayer.counts("upload", 0)
    # And the other way.
    await agent.at("picture-input").set_input_files([file("示例.png", png.getvalue(), "image/png")])
    assert (await received(taxpayer, 2)).size == (300, 500)
    await screenshot(taxpayer.page, "files-pictures-taxpayer")
    await screenshot(agent.page, "files-pictures-agent")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("资料.zip", archive(), "不支持发送此类文件"),
        ("setup.exe", b"MZ" + bytes(500), "不支持发送此类文件"),
        ("报表.pdf", archive(), "文件内容与类型不符"),
        ("照片.png", b"MZ" + bytes(500), "文件内容与类型不符"),
    ],
    ids=["zip", "exe", "renamed zip", "renamed exe"],
)
async def test_refused_with_a_sentence(story: Story, name: str, content: bytes, sentence: str) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.at("file-input").set_input_files([file(name, content)])
    await is_refused(taxpayer, agent, name, sentence)


async def test_20_megabytes_are_too_much(story: Story, tmp_path: Path) -> None:
    taxpayer, agent = await story.meet()
    large = tmp_path / "扫描件.pdf"
    large.write_bytes(document(20 * MEBIBYTE))
    await taxpayer.at("file-input").set_input_files(large)
    await is_refused(taxpayer, agent, large.name, "文件须小于 20 MB，请缩小后重新发送")


async def is_refused(taxpayer: Taxpayer, agent: Agent, name: str, sentence: str) -> None:
    await taxpayer.sees("upload", name)
    await taxpayer.sees("upload-failure", sentence)
    await screenshot(taxpayer.page, "files-refused")
    await taxpayer.says("刚才的文件没发出去")
    await agent.reads("刚才的文件没发出去")
    await agent.counts("message-file", 0)
    await agent.counts("message-picture", 0)
    await taxpayer.press("upload-drop")
    await taxpayer.counts("upload", 0)


async def test_a_screenshot_is_cropped_and_marked_before_it_is_sent(story: Story) -> None:
    taxpayer, agent = await story.meet()
    await taxpayer.press("attach-screenshot")
    await taxpayer.sees("screenshot-editor")
    canvas = taxpayer.at("screenshot-canvas")
    whole = await canvas.bounding_box()
    assert whole is not None

    async def drag(x: float, y: float, to_x: float, to_y: float) -> None:
        assert whole is not None
        mouse = taxpayer.page.mouse
        await mouse.move(whole["x"] + whole["width"] * x, whole["y"] + whole["height"] * y)
        await mouse.down()
        await mouse.move(whole["x"] + whole["width"] * to_x, whole["y"] + whole["height"] * to_y, steps=5)
        await mouse.up()

    await drag(0.25, 0.25, 0.75, 0.75)
    await taxpayer.page.get_by_role("radio", name="方框").click()
    await drag(0.4, 0.4, 0.6, 0.6)
    await taxpayer.page.get_by_role("radio", name="箭头").click()
    await drag(0.3, 0.7, 0.45, 0.5)
    await screenshot(taxpayer.page, "files-screenshot-editor")
    full = await canvas.evaluate("(canvas) => [canvas.width, canvas.height]")
    await taxpayer.press("screenshot-send")
    await taxpayer.sees_no("screenshot-editor")
    picture = (await received(agent)).convert("RGB")
    assert abs(picture.width - full[0] / 2) <= 4
    assert abs(picture.height - full[1] / 2) <= 4
    colours = picture.getcolors(picture.width * picture.height)
    assert colours is not None
    assert sum(count for count, colour in colours if colour == RED) > 100
    await screenshot(agent.page, "files-screenshot-agent")


async def test_an_upload_shows_its_progress_and_goes_on_after_a_cut_line(story: Story) -> None:
    content = document(4 * MEBIBYTE)
    line = await story.line(upstream_bytes_per_s=1.5 * MEBIBYTE)
    agent = await story.agent()
    taxpayer = await story.taxpayer(url=line.url)
    await taxpayer.press("human")
    await agent.accepts()
    await taxpayer.sees("greeting-card")
    before = line.upstream_bytes
    await taxpayer.at("file-input").set_input_files([file("年度报表.pdf", content, "application/pdf")])
    await expect(taxpayer.at("upload")).to_contain_text("已发送", timeout=20_000)
    await taxpayer.page.wait_for_function(UPLOADED_A_THIRD)
    await screenshot(taxpayer.page, "files-progress")
    line.cut()
    await taxpayer.sees("connection-state", "重新连接")
    await screenshot(taxpayer.page, "files-cut")
    line.mend()
    await agent.sees("message-file", "年度报表.pdf", timeout_ms=40_000)
    # What had arrived before the cut was not sent again.
    assert line.upstream_bytes - before < len(content) * 1.5
    name, got = await downloaded(agent, agent.at("message-file"))
    assert name == "年度报表.pdf"
    assert got == content
    await taxpayer.counts("upload", 0)
    await screenshot(agent.page, "files-arrived")


async def test_an_upload_that_is_cancelled_leaves_nothing(story: Story) -> None:
    line = await story.line(upstream_bytes_per_s=MEBIBYTE)
    agent = await story.agent()
    taxpayer = await story.taxpayer(url=line.url)
    await taxpayer.press("human")
    await agent.accepts()
    await taxpayer.sees("greeting-card")
    await taxpayer.at("file-input").set_input_files([file("报表.pdf", document(4 * MEBIBYTE))])
    await expect(taxpayer.at("upload")).to_contain_text("已发送")
    await taxpayer.press("upload-drop")
    await taxpayer.counts("upload", 0)
    await taxpayer.says("先不发了")
    await agent.reads("先不发了")
    await agent.counts("message-file", 0)


UPLOADED_A_THIRD = """() => {
  const bar = document.querySelector('yueyue-window').shadowRoot.querySelector('[data-testid=upload] progress');
  return bar !== null && bar.value > 0.33;
}"""
