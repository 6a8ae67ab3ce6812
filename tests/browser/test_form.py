"""The form of a file is chosen in the status bar: its encoding, its line breaks, its indentation and its language."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_viewers import open_ide
from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("server", ["local"], indirect=True)]

# As the page calls the encoding, and as Python does.
ENCODINGS = [
    ("Western (Windows-1252, Latin-1)", "cp1252", "café € “ß”\n"),
    ("Central European (Windows-1250)", "cp1250", "žluťoučký kůň\n"),
    ("Cyrillic (KOI8-R)", "koi8-r", "Привет\n"),
    ("Japanese (Shift JIS)", "cp932", "日本語ソ表ｱ①\n"),
    ("Japanese (EUC-JP)", "euc-jp", "日本語ソ丂ｱ\n"),
    ("Simplified Chinese (GBK)", "gbk", "中文，汉字\n"),
    ("Traditional Chinese (Big5)", "big5", "中文，漢字\n"),
    ("Korean (EUC-KR)", "cp949", "한글 똠\n"),
    # Without a mark at its beginning it is bytes to the editor until it is told.
    ("UTF-16 LE", "utf-16-le", "wide\n"),
]


@pytest.fixture
def folder(server: Server) -> Path:
    """The project's folder."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Form"}).raise_for_status().json()["id"]
    return server.folder / "workspaces" / id


async def show(page: Page, name: str) -> None:
    await page.get_by_role("treeitem", name=name).dblclick()
    await expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


async def choose(page: Page, *names: str) -> None:
    """Each in the list that the one before it has opened."""
    for name in names:
        await page.get_by_role("combobox").fill(name)
        await page.keyboard.press("Enter")


async def command(page: Page, *names: str) -> None:
    await page.keyboard.press("F1")
    await choose(page, *names)


async def test_a_file_is_read_and_written_in_the_encoding_chosen(page: Page, server: Server, folder: Path) -> None:
    for _, codec, text in ENCODINGS:
        (folder / f"{codec}.txt").write_bytes(text.encode(codec))
    (folder / "half.txt").write_bytes("日本\n".encode("cp932") + b"\x93")
    await open_ide(page, server, folder)
    for name, codec, text in ENCODINGS:
        file = f"{codec}.txt"
        await show(page, file)
        editor = page.get_by_role("textbox", name=file)
        await page.evaluate("document.querySelectorAll('.surface').forEach((one) => one.classList.add('before'))")
        await command(page, "Read in another encoding", name)
        await expect(page.locator(".surface.before:not(.behind)")).to_have_count(0)
        await expect(editor.locator(".cm-line").first).to_have_text(text.rstrip("\n"))
        await expect(editor).to_be_focused()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("x")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text(f"Saved {file}.")).to_be_attached()
        assert (folder / file).read_bytes() == f"x{text}".encode(codec), name

    # What does not fit can't be damaged, and may fit in another.
    await show(page, "half.txt")
    await command(page, "Read in another encoding", "Shift JIS")
    await expect(page.get_by_text("not quite SHIFT_JIS. It opens read-only")).to_be_visible()
    await page.get_by_role("button", name="Read in another encoding…").click()
    await choose(page, "KOI8-R")
    await expect(page.get_by_text("opens read-only")).to_be_hidden()

    # What was chosen is remembered, for files that are closed too.
    await page.get_by_role("tab", name="cp932.txt").click()
    await page.keyboard.press("Alt+w")
    await page.reload()
    await page.get_by_role("treeitem", name="cp932.txt").dblclick()
    await expect(page.get_by_role("textbox", name="cp932.txt")).to_contain_text("x日本語ソ表ｱ①")
    await expect(page.get_by_role("button", name="SHIFT_JIS · LF")).to_be_visible()


async def test_a_file_is_saved_in_another_form(page: Page, server: Server, folder: Path) -> None:
    (folder / "a.txt").write_text("Grüße\nzwei\n")
    await open_ide(page, server, folder)
    await show(page, "a.txt")
    form = page.locator(".status-file button[title^=Encoding]")
    await expect(form).to_have_text("UTF-8 · LF")
    await form.click()
    await choose(page, "line breaks", "CRLF")
    await expect(form).to_have_text("UTF-8 · CRLF")
    await form.click()
    await choose(page, "Save in another", "Windows-1252")
    await expect(form).to_have_text("WINDOWS-1252 · CRLF")
    assert (folder / "a.txt").read_bytes() == "Grüße\r\nzwei\r\n".encode("cp1252")

    # What can't be written leaves all as it was, and says why.
    await form.click()
    await choose(page, "Save in another", "KOI8-R")
    await expect(page.get_by_text("KOI8-R has no “ü”, which is in line 1")).to_be_visible()
    assert (folder / "a.txt").read_bytes() == "Grüße\r\nzwei\r\n".encode("cp1252")
    await expect(page.get_by_role("textbox", name="a.txt")).to_be_focused()


async def test_indentation_and_language_are_chosen(page: Page, server: Server, folder: Path) -> None:
    (folder / "tool").write_text("#!/usr/bin/env python3\nif x:\n  y = 'z'\n")
    (folder / "notes").write_text("if x:\n")
    await open_ide(page, server, folder)
    await show(page, "tool")
    status = page.locator(".status-file")
    # As its first line says.
    await expect(status).to_contain_text("Python")
    await expect(page.get_by_role("textbox", name="tool").locator(".cm-line span").first).to_contain_text("python3")
    await status.get_by_role("button", name="2 spaces").click()
    await choose(page, "Convert the lines to 4 spaces")
    await expect(status.get_by_role("button", name="4 spaces")).to_be_visible()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("if y:")
    await page.keyboard.press("Enter")
    await page.keyboard.type("w()")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("Saved tool.")).to_be_attached()
    assert (folder / "tool").read_text() == "#!/usr/bin/env python3\nif x:\n    y = 'z'\nif y:\n    w()"

    await show(page, "notes")
    await status.get_by_role("button", name="Plain text").click()
    await choose(page, "Python")
    await expect(status.get_by_role("button", name="Python")).to_be_visible()
    keyword = page.get_by_role("textbox", name="notes").locator(".cm-line span").first
    await expect(keyword).to_have_text("if")
