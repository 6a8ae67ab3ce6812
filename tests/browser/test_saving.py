"""Saving in the editor: every byte that was not typed over stays, and what can't be saved is kept until it can."""

import os
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_viewers import folder, open_ide
from tests.storage.project import OWNER, small_disk
from tests.storage.test_files_saving import fill
from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

__all__ = ["folder"]

# What is on the disk before, and after a word and a line break were typed at the beginning.
FILES = {
    "crlf.txt": (b"one\r\ntwo\r\n", b"new\r\none\r\ntwo\r\n"),
    "cr.txt": (b"one\rtwo\r", b"new\rone\rtwo\r"),
    "mixed.txt": (b"one\r\ntwo\nthree\rfour", b"new\none\r\ntwo\nthree\rfour"),
    "bom.txt": (b"\xef\xbb\xbfone\n", b"\xef\xbb\xbfnew\none\n"),
    "bom-crlf.txt": (b"\xef\xbb\xbfone\r\ntwo", b"\xef\xbb\xbfnew\r\none\r\ntwo"),
    "utf16le.txt": (b"\xff\xfe" + "ä\r\n😀".encode("utf-16-le"), b"\xff\xfe" + "new\r\nä\r\n😀".encode("utf-16-le")),
    "utf16be.txt": (b"\xfe\xff" + "ä\n😀".encode("utf-16-be"), b"\xfe\xff" + "new\nä\n😀".encode("utf-16-be")),
    "latin1.txt": (b"caf\xe9 \x80 \x81\n", b"new\ncaf\xe9 \x80 \x81\n"),
    "no-final.txt": (b"one\ntwo", b"new\none\ntwo"),
    "blank-end.txt": (b"one  \n\n\n\n", b"new\none  \n\n\n\n"),
    "odd.txt": (
        "\ufeffa\u2028b\u0085c\ufeffd\u00a0\u200b\x0b\x0c\x1b\n".encode(),
        "\ufeffnew\na\u2028b\u0085c\ufeffd\u00a0\u200b\x0b\x0c\x1b\n".encode(),
    ),
    "empty.txt": (b"", b"new\n"),
}


async def test_every_byte_that_was_not_typed_stays(page: Page, server: Server, folder: Path) -> None:
    for name, (before, _) in FILES.items():
        (folder / name).write_bytes(before)
    await open_ide(page, server, folder)
    for name, (_, after) in FILES.items():
        await (
            page.locator("#file-tree .tree-row")
            .filter(has=page.locator(".tree-name").get_by_text(name, exact=True))
            .click()
        )
        await page.get_by_role("textbox", name=name).click()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("new")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text(f"Saved {name}.")).to_be_attached()
        assert (folder / name).read_bytes() == after, name


async def save_in_vain(page: Page, reason: str) -> None:
    """Save, be told why not, and find what was typed kept."""
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text(reason).last).to_be_visible()
    await expect(page.locator(".tab.dirty")).to_contain_text("notes.txt")
    await expect(page.get_by_role("textbox", name="notes.txt")).to_contain_text("typed before")


async def test_what_can_not_be_saved_is_kept_until_it_can(page: Page, server: Server, folder: Path) -> None:
    with small_disk(folder, "1m"):
        notes = folder / "notes.txt"
        notes.write_text("before\n")
        for path in (folder, notes):
            os.chown(path, OWNER, OWNER)
        await open_ide(page, server, folder)
        await page.get_by_role("treeitem", name="notes.txt").click()
        await page.get_by_role("textbox", name="notes.txt").click()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("typed ")

        filler = fill(folder)
        await save_in_vain(page, "the disk is full: notes.txt was not changed. Free some space, then try again")
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        await save_in_vain(page, "notes.txt is on a file system that is read-only")
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        folder.chmod(0o555)
        notes.chmod(0o444)
        await save_in_vain(page, "notes.txt is read-only, and so is its folder; see chmod")
        assert notes.read_text() == "before\n" and os.listdir(folder) == ["notes.txt"]

        folder.chmod(0o755)
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Saved notes.txt.")).to_be_attached()
        assert notes.read_text() == "typed before\n"
        await expect(page.locator(".tab.dirty")).to_have_count(0)


@pytest.mark.parametrize("forgiven", [("Failed to load resource", "WebSocket connection")])
async def test_saves_that_found_no_server_are_made_when_it_is_back(page: Page, server: Server, folder: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (folder / name).write_text("before\n")
    await open_ide(page, server, folder)
    for name in ("one.txt", "two.txt"):
        await page.get_by_role("treeitem", name=name).dblclick()
        await expect(page.get_by_role("textbox", name=name)).to_be_focused()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("typed ")
    server.kill()
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("two.txt is saved as soon as it can")).to_be_visible()
    await expect(page.get_by_text("two.txt is saved once it is back")).to_be_visible()
    await page.get_by_role("tab", name="one.txt").click()
    await page.get_by_role("textbox", name="one.txt").press("Control+s")
    await expect(page.get_by_text("2 files are saved once it is back")).to_be_visible()
    await page.keyboard.type("later ")
    (folder / "two.txt").write_text("theirs\n")
    server.start()
    await expect(page.get_by_text("Saved one.txt.")).to_be_attached()
    await expect(page.locator(".status-connection")).to_be_empty()
    assert (folder / "one.txt").read_text() == "typed before\n"
    await expect(page.locator(".tab.dirty")).to_have_count(2)
    await page.get_by_role("tab", name="two.txt").click()
    await expect(page.get_by_text("Not saved: two.txt was changed on disk")).to_be_visible()
    assert (folder / "two.txt").read_text() == "theirs\n"


async def test_files_are_saved_by_themselves_where_that_was_chosen(page: Page, server: Server, folder: Path) -> None:
    notes = folder / "notes.txt"
    notes.write_text("before\n")
    await open_ide(page, server, folder)
    await page.get_by_role("treeitem", name="notes.txt").dblclick()
    text = page.get_by_role("textbox", name="notes.txt")
    await expect(text).to_be_focused()
    await page.keyboard.press("Control+,")
    await page.get_by_role("combobox", name="Auto save").select_option("After a delay")
    await page.get_by_role("button", name="Done").click()
    await text.press("Control+Home")
    await page.keyboard.type("typed ")
    await expect(page.locator(".tab.dirty")).to_have_count(0)
    assert notes.read_text() == "typed before\n"
    await page.keyboard.press("F1")
    await page.keyboard.type("auto save when focus")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    # A click waits for a frame: until then Chromium takes what the dialog covered for inert, and drops keys.
    await text.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("more ")
    await page.get_by_role("tree", name="Files").focus()
    await expect(page.locator(".tab.dirty")).to_have_count(0)
    assert notes.read_text() == "more typed before\n"
