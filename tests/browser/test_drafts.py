"""Unsaved text outlives the browser, that of each of its pages."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, async_playwright, expect

from tests.support.chromium import launched
from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("server", ["local"], indirect=True)]

# Resolves once the journal has these texts and no others.
KEPT = """async (wanted) => {
    const opening = indexedDB.open("hutch", 1);
    await new Promise((resolve) => (opening.onsuccess = resolve));
    for (let kept = null; kept !== wanted.sort().join(); ) {
        const all = opening.result.transaction("drafts").objectStore("drafts").getAll();
        await new Promise((resolve) => (all.onsuccess = resolve));
        kept = all.result.map(({ text }) => text.trim()).sort().join();
    }
    opening.result.close();
}"""

# As it was kept before pages had names.
KEEP_OLD = """async ([project, path, text, at]) => {
    const opening = indexedDB.open("hutch", 1);
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const drafts = opening.result.transaction("drafts", "readwrite").objectStore("drafts");
    const put = drafts.put({ path, text, etag: "", at }, [project, path]);
    await new Promise((resolve) => (put.onsuccess = resolve));
    opening.result.close();
}"""


@asynccontextmanager
async def killed_in_the_end(profile: Path, server: Server) -> AsyncIterator[BrowserContext]:
    """A browser with this profile, signed in. It ends as in a crash."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(str(profile), **launched())
        context.set_default_timeout(30_000)
        await context.pages[0].goto(server.link)
        yield context
        async with asyncio.timeout(30):
            closed = context.wait_for_event("close")
            for process in processes_of(profile):
                os.kill(process, signal.SIGKILL)
            await closed


def processes_of(profile: Path) -> list[int]:
    """Of the browser with this profile."""
    flag = f"--user-data-dir={profile}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if flag in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


async def open_page(context: BrowserContext, server: Server, project: str) -> Page:
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(f"{server.url}/projects/{project}#a.txt")
    await expect(text(page)).to_be_visible()
    return page


def text(page: Page, path: str = "a.txt") -> Locator:
    return page.get_by_role("textbox", name=path)


async def write(page: Page, words: str) -> None:
    await text(page).press("Control+Home")
    await page.keyboard.type(words)


async def test_what_two_pages_had_unsaved_outlives_the_browser(server: Server, tmp_path: Path) -> None:
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Drafts"}).raise_for_status().json()["id"]
        for name in ("a.txt", "old.txt"):
            client.put(f"/api/projects/{id}/files/{name}", content="saved\n").raise_for_status()
    async with killed_in_the_end(tmp_path / "profile", server) as context:
        first = await open_page(context, server, id)
        await write(first, "first ")
        await first.evaluate(KEPT, ["first saved"])
        second = await open_page(context, server, id)
        # What a page has unsaved that lives is its own.
        await expect(text(second)).to_have_text("saved")
        await write(second, "second ")
        await second.evaluate(KEPT, ["first saved", "second saved"])
        await first.reload()
        await expect(first.get_by_text("were restored")).to_be_visible()
        await expect(text(first)).to_have_text("first saved")
        await expect(first.get_by_text("left unsaved text")).to_have_count(0)
        await write(first, "late ")
        await first.evaluate(KEPT, ["late first saved", "second saved"])
        await first.evaluate(KEEP_OLD, [id, "old.txt", "of an older Hutch", time.time() * 1000])
        await first.evaluate(KEEP_OLD, ["gone", "any.txt", "what nobody misses", 0])
    async with killed_in_the_end(tmp_path / "profile", server) as context:
        page = await open_page(context, server, id)
        await expect(text(page)).to_have_text("late first saved")
        await page.get_by_role("tab", name="old.txt").click()
        await expect(text(page, "old.txt")).to_have_text("of an older Hutch")
        await page.get_by_role("tab", name="a.txt").click()
        await expect(page.get_by_text("Another tab left unsaved text of a.txt")).to_be_visible()
        await page.get_by_role("button", name="Compare").filter(visible=True).click()
        both = page.get_by_role("group", name="Both texts")
        await expect(both.get_by_role("textbox", name="Left unsaved by another tab")).to_have_text("second saved")
        await both.get_by_role("button", name="Take this part").click()
        await both.get_by_role("button", name="Use this text").click()
        await expect(text(page)).to_be_focused()
        await expect(text(page)).to_have_text("second saved")
        await page.keyboard.press("Control+z")
        await expect(text(page)).to_have_text("late first saved")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Saved a.txt.")).to_be_attached()
        await page.evaluate(KEPT, ["of an older Hutch"])
