"""Files whose names are not what one hopes for: shown as what they are, saved, renamed and deleted, or refused."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

# The bytes of each name, and how it is to be read.
NAMES = {
    b"<img src=x onerror=alert(1)>.txt": "<img src=x onerror=alert(1)>.txt",
    b"&lt;b&gt;\"quoted\" 'name'.txt": "&lt;b&gt;\"quoted\" 'name'.txt",
    "раyраl.txt".encode(): "раyраl.txt",
    "\u202etxt.exe".encode(): "⟨U+202E⟩txt.exe",
    b"-rf": "-rf",
    b"new\nline.txt": "new⟨U+000A⟩line.txt",
    b"caf\xe9.txt": "caf⟨0xE9⟩.txt",
    b"%2e%2e%2fescape?#.txt": "%2e%2e%2fescape?#.txt",
    b"x" * 251 + b".txt": "x" * 251 + ".txt",
}


@pytest.fixture
async def folder(page: Page, server: Server) -> Path:
    """The project's folder, with a file of each name; its IDE is open."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Names"}).raise_for_status().json()["id"]
    folder = server.folder / "workspaces" / id
    for name in NAMES:
        (folder / os.fsdecode(name)).write_text("before\n")
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{id}")
    await expect(page.get_by_role("treeitem", name="index.js")).to_be_visible()
    return folder


def row(page: Page, shown: str) -> Locator:
    return page.locator("#file-tree .tree-row").filter(has=page.locator(".tree-name").get_by_text(shown, exact=True))


async def test_whatever_the_name_the_file_can_be_worked_with(page: Page, folder: Path) -> None:
    for name, shown in NAMES.items():
        file = folder / os.fsdecode(name)
        await row(page, shown).click()
        await expect(page.locator("[role=tab][aria-selected=true] .tab-name").first).to_have_text(shown)
        await page.locator(".cm-content:visible").click()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("typed ")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text(f"Saved {shown}.")).to_be_attached()
        assert file.read_text() == "typed before\n"

        await page.get_by_role("tree", name="Files").focus()
        await page.keyboard.press("F2")
        field = page.locator("#file-tree input")
        await expect(field).to_have_value(shown)
        await page.keyboard.press("Enter")
        await expect(field).to_have_count(0)
        assert file.exists(), "what was not changed is not renamed"
        if len(name) < 255:
            await page.keyboard.press("F2")
            await page.keyboard.press("Home")
            await page.keyboard.type("1")
            await page.keyboard.press("Enter")
            shown, file = f"1{shown}", folder / os.fsdecode(b"1" + name)
            await expect(row(page, shown)).to_be_visible()
            assert file.read_text() == "typed before\n"

        await page.get_by_role("tree", name="Files").focus()
        await page.keyboard.press("Delete")
        await expect(page.get_by_text(f"Deleted {shown}.", exact=True)).to_be_visible()
        await expect(row(page, shown)).to_have_count(0)
        assert not file.exists()
    assert await page.locator("img[src='x'], b").count() == 0


REFUSED = {
    "..": "“..” stands for a folder already.",
    "a/../b": "“..” stands for a folder already.",
    "é" * 128: "A name has at most 255 bytes.",
    "index.js": "“index.js” exists here already.",
    ".hutch-tmp-0123456789abcdef": "names of this form are for files that are being saved",
}


async def test_what_can_not_be_a_name_is_refused_with_the_reason(page: Page, folder: Path) -> None:
    before = sorted(os.listdir(folder))
    for name, reason in REFUSED.items():
        await page.get_by_role("button", name="New file").first.click()
        await page.locator("#file-tree input").fill(name)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text(reason)).to_be_visible()
        await page.keyboard.press("Escape")
    assert sorted(os.listdir(folder)) == before
