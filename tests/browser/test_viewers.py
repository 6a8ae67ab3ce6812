"""Files that are looked at and not edited: a log of a gigabyte, bytes, pictures, sound."""

import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

LINE = b"%-62s\r\n"
LINES = 1024**3 // 64


@pytest.fixture
def folder(server: Server) -> Path:
    """The project's folder."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Viewers"}).raise_for_status().json()["id"]
    return server.folder / "workspaces" / id


async def open_ide(page: Page, server: Server, folder: Path) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{folder.name}")


async def show(page: Page, name: str) -> Locator:
    """The editor's surface of the file, once it is opened."""
    await page.get_by_role("treeitem", name=name).click()
    await expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    return page.locator(".surface:not(.behind)")


def make_log(path: Path) -> None:
    """A gigabyte of lines of 64 bytes, some of which can be told apart."""
    block = LINE % b"nothing of note" * (1024**2 // 64)
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(block)
        for line in (1, 2, LINES // 2, 9_000_001, LINES):
            file.seek((line - 1) * 64)
            file.write(LINE % (f"line {line} – Ölstand".encode()))


async def top_line(text: Locator) -> str:
    """The number beside the first line in sight."""
    number: str = await text.evaluate(
        """async (view) => {
          await new Promise(requestAnimationFrame);
          const top = view.getBoundingClientRect().top;
          const rows = [...view.querySelectorAll(".cm-lineNumbers .cm-gutterElement")];
          return rows.find((row) => row.offsetHeight > 0 && row.getBoundingClientRect().bottom > top + 12).textContent;
        }"""
    )
    return number


async def expect_top(surface: Locator, number: str) -> None:
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text(number)
    for _ in range(100):
        # It is in the page before it has been scrolled to.
        if await top_line(surface.locator(".cm-scroller")) == number:
            return
    pytest.fail(f"{number} is not at the top")


async def test_a_log_of_a_gigabyte_is_read_in_pieces(page: Page, server: Server, folder: Path) -> None:
    make_log(folder / "big.log")
    received: list[int] = []
    page.on("response", lambda it: received.append(int(it.headers["content-length"])) if it.status == 206 else None)
    await open_ide(page, server, folder)
    surface = await show(page, "big.log")
    text = surface.locator(".cm-content")
    await expect(text).to_contain_text("line 1 – Ölstand")
    await expect(surface.locator(".paged-position")).to_have_text("1.0 GB · 0 %")

    # To the end, and by the mouse up from there; to a line, a part, a text.
    await text.click()
    await page.keyboard.press("Control+End")
    await expect(text).to_contain_text(f"line {LINES} – Ölstand")
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text(str(LINES))
    await expect(surface.locator(".paged-position")).to_have_text("1.0 GB · 100 %")
    await page.mouse.wheel(0, -200_000)
    await expect(text).not_to_contain_text("Ölstand")
    await expect(surface.locator(".paged-position")).to_have_text(re.compile("99.9 %|100.0 %"))
    place = surface.get_by_role("textbox", name="Go to")
    await page.keyboard.press("Control+g")
    await expect(place).to_be_focused()
    await page.keyboard.type("9000001")
    await page.keyboard.press("Enter")
    await expect(text).to_contain_text("line 9000001 – Ölstand")
    await expect(text).to_be_focused()
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text("9000001")
    await expect_top(surface, "9000001")
    await place.fill("50 %")
    await place.press("Enter")
    await expect(surface.locator(".paged-position")).to_have_text("1.0 GB · 50.0 %")
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text(str(LINES // 2 + 2))

    await text.press("Control+f")
    await page.keyboard.type("ölstand")
    await page.keyboard.press("Enter")
    await expect(surface.get_by_role("status")).to_have_text("Not found.")
    await surface.get_by_role("searchbox").fill("– Ölstand")
    keys = (
        ("Enter", 9_000_001),
        ("Enter", LINES),
        ("Enter", 1),
        ("Enter", 2),
        ("Shift+Enter", 1),
        ("Shift+Enter", LINES),
    )
    for key, line in keys:
        await page.keyboard.press(key)
        offset = 64 * (line - 1) + len(f"line {line} ")
        await expect(surface.get_by_role("status")).to_contain_text(f"Found at byte {offset}.")
        await expect(text).to_contain_text(f"line {line} – Ölstand")
    await expect(surface.get_by_role("status")).to_contain_text("Begun again at the end.")
    assert await surface.locator(".cm-selectionBackground").count() > 0

    # Through a part of it, screen by screen: the page holds no more than before.
    slider = surface.get_by_role("slider", name="Position in the file")
    await slider.fill("300000")
    await expect(surface.locator(".paged-position")).to_have_text("1.0 GB · 30.0 %")
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text(str(int(LINES * 0.3) + 2))
    first = int(await top_line(surface.locator(".cm-scroller")))
    for _ in range(40):
        await page.mouse.wheel(0, 10_000)
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    await expect(surface.locator(".cm-lineNumbers")).not_to_contain_text("·")
    assert int(await top_line(surface.locator(".cm-scroller"))) > first + 5000
    assert await text.evaluate("(it) => it.cmTile.view.state.doc.length") < 700_000
    assert await page.locator("*").count() < 3000
    assert 10 < len(received) < 100 and max(received) <= 128 * 1024

    # Another program goes on writing.
    with (folder / "big.log").open("ab") as file:
        file.write(b"one more line")
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(surface.get_by_role("status")).to_contain_text("Changed on disk at")
    await expect(surface.get_by_role("button", name="Edit anyway")).to_have_count(0)
    await text.press("Control+End")
    await expect(text).to_contain_text("one more line")


def save(server: Server, folder: Path, name: str, content: bytes) -> None:
    """As another page of the IDE would."""
    with server.client() as client:
        client.put(f"/api/projects/{folder.name}/files/{name}", content=content).raise_for_status()


def png(width: int, height: int) -> bytes:
    """A picture whose every pixel is half transparent."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x20\x60\xc0\x80" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_silence(path: Path, seconds: int) -> None:
    """A sound of 16 kB a second, most of it a hole in the file."""
    with path.open("wb") as file:
        size = seconds * 16_000
        file.write(
            struct.pack(
                "<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16_000, 2, 16, b"data", size
            )
        )
        file.truncate(size + 44)


async def test_sound_is_loaded_only_as_it_is_played(page: Page, folder: Path, server: Server) -> None:
    ranges: list[str] = []

    def note(request: Request) -> None:
        if "sound.wav?v=" in request.url:
            ranges.append(request.headers.get("range", ""))

    page.on("request", note)
    make_silence(folder / "sound.wav", 3 * 3600)
    (folder / "film.mp4").write_bytes(b"<script>parent.ran = true</script>\0")
    (folder / "words.webm").write_text("<b>no film</b>")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7\0")
    await open_ide(page, server, folder)
    surface = await show(page, "sound.wav")
    sound = surface.locator("audio")
    await expect(sound).to_have_accessible_name("sound.wav")
    await expect(sound).to_have_js_property("readyState", 0)
    assert ranges == []
    await sound.focus()
    await page.keyboard.press("Space")
    await expect(sound).to_have_js_property("paused", False)
    await expect(sound).to_have_js_property("duration", 3 * 3600)
    await sound.evaluate("(it) => new Promise((done) => { it.onseeked = done; it.currentTime = 2.5 * 3600; })")
    assert ranges[0] == "bytes=0-" and int(ranges[-1][6:-1]) > 100_000_000, "what is between is passed over"
    await surface.get_by_role("button", name="As bytes").click()
    await expect(surface.get_by_role("textbox", name="sound.wav, bytes in hex")).to_be_visible()
    await surface.get_by_role("button", name="Play").click()
    await expect(sound).to_have_js_property("paused", True)

    surface = await show(page, "film.mp4")
    await surface.locator("video").focus()
    await page.keyboard.press("Space")
    await expect(surface.get_by_role("status")).to_have_text("The browser can’t play this file.")
    assert await page.evaluate("window.ran") is None
    surface = await show(page, "words.webm")
    await expect(surface.get_by_role("textbox", name="words.webm")).to_have_text("<b>no film</b>")
    surface = await show(page, "paper.pdf")
    await expect(surface.get_by_role("status")).to_have_text("PDF can’t be shown here, only its bytes.")
    await expect(surface.get_by_role("link", name="Download")).to_be_visible()


async def test_bytes_are_shown_in_hex_and_pictures_in_their_size(page: Page, folder: Path, server: Server) -> None:
    (folder / "data.bin").write_bytes(bytes(range(256)) * 4096 + b"the end")
    (folder / "dot.png").write_bytes(png(40, 20))
    await open_ide(page, server, folder)
    surface = await show(page, "data.bin")
    text = surface.get_by_role("textbox", name="data.bin, bytes in hex")
    await expect(text).to_contain_text("40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO")
    await expect(surface.locator(".cm-lineNumbers")).to_contain_text("00000040")
    await surface.get_by_role("textbox", name="Go to").fill("0x80040")
    await page.keyboard.press("Enter")
    await expect_top(surface, "00080040")
    await surface.get_by_role("searchbox").fill("the end")
    await page.keyboard.press("Enter")
    await expect(text).to_contain_text("74 68 65 20 65 6e 64")
    await surface.get_by_role("searchbox").fill("0xfe ff 74")
    await page.keyboard.press("Enter")
    await expect(surface.locator(".cm-selectionBackground").first).to_be_visible()
    await surface.get_by_role("button", name="As text").click()
    await expect(surface.get_by_role("textbox", name="data.bin, read-only")).to_contain_text("the end")
    await surface.get_by_role("button", name="As bytes").click()
    await expect(text).to_be_visible()

    surface = await show(page, "dot.png")
    picture = surface.get_by_role("img", name="dot.png")
    await expect(surface.get_by_role("status")).to_have_text(re.compile("^40 × 20 · .* · 100 %$"))
    await surface.locator(".picture-stage").focus()
    for key, width in (("+", 80), ("+", 160), ("-", 80), ("1", 40), ("0", 40)):
        await page.keyboard.press(key)
        await expect(picture).to_have_js_property("clientWidth", width)
    save(server, folder, "dot.png", png(3000, 1000))
    await expect(surface.get_by_role("status")).to_have_text(re.compile("^3000 × 1000"))
    assert await picture.evaluate(
        "(it) => it.getBoundingClientRect().right <= it.parentElement.getBoundingClientRect().right"
    )
    save(server, folder, "dot.png", b"no picture")
    await expect(surface.get_by_role("status")).to_have_text("The browser can’t show this picture.")
