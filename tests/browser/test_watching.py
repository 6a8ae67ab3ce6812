"""The tree and the editor follow what programs do to the files."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from playwright.async_api import Page, expect

from server.supervisor.watch import MOST_WATCHES
from tests.support.server import Server

pytestmark = pytest.mark.timeout(180)

PROMISED = 0.5
"""Seconds from a change on disk to its being seen."""


@pytest.fixture
def project(server: Server) -> str:
    """A project whose container runs, with two files."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Watched"}).raise_for_status().json()["id"]
        for name, content in (("hutch.toml", '[run]\ncommand = "sleep 1000"\n'), ("notes.txt", "one\n")):
            client.put(f"/api/projects/{id}/files/{name}", content=content).raise_for_status()
        client.post(f"/api/projects/{id}/run").raise_for_status()
    return id


async def open_project(page: Page, server: Server, project: str) -> Path:
    """The IDE of the project, hearing of changes, with notes.txt in the editor. Returns the project's folder."""
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}#notes.txt")
    await expect(page.get_by_role("textbox", name="notes.txt")).to_contain_text("one")
    folder = server.folder / "workspaces" / project
    (folder / "heard.txt").touch()
    await expect(page.get_by_role("treeitem", name="heard.txt")).to_be_visible()
    return folder


SEEN = """([selector, text, there]) => new Promise((seen) => {
  const shows = () => document.querySelector(selector).textContent.includes(text);
  const look = () => (shows() === there ? seen() : requestAnimationFrame(look));
  look();
})"""
TREE, TEXT = "#file-tree", "[aria-label='notes.txt'].cm-content"


async def seen_after(page: Page, change: Callable[[], object], where: str, text: str, *, there: bool = True) -> float:
    """Seconds from `change` until the page shows `text`, or shows it no longer."""
    began = time.monotonic()
    change()
    await page.evaluate(SEEN, [where, text, there])
    return time.monotonic() - began


async def test_changes_on_disk_are_seen_at_once(page: Page, server: Server, project: str) -> None:
    folder = await open_project(page, server, project)
    took = []
    for number in range(3):
        made, notes = folder / f"made-{number}.txt", folder / "notes.txt"
        took.append(await seen_after(page, made.touch, TREE, made.name))
        took.append(await seen_after(page, made.unlink, TREE, made.name, there=False))
        write = partial(notes.write_text, f"version {number}\n")
        took.append(await seen_after(page, write, TEXT, f"version {number}"))
    # Of several, because the machine may be busy with something else at any one moment.
    assert median(took) < PROMISED, took


async def test_ones_own_saves_are_no_conflict(page: Page, server: Server, project: str) -> None:
    folder = await open_project(page, server, project)
    await page.get_by_role("textbox", name="notes.txt").click()
    for number in range(20):
        await page.keyboard.type(f"{number} ")
        await page.keyboard.press("Control+s")
    await page.keyboard.type("still unsaved")
    # Seen in the tree only after all the saves were told.
    (folder / "after.txt").touch()
    await expect(page.get_by_role("treeitem", name="after.txt")).to_be_visible()
    await expect(page.locator(".banner")).to_have_count(0)
    await expect(page.get_by_role("textbox", name="notes.txt")).to_contain_text("19 still unsaved")


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_more_folders_than_are_watched_are_said_and_looked_at(page: Page, server: Server) -> None:
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Many"}).raise_for_status().json()["id"]
        folder = server.folder / "workspaces" / id
        for number in range(MOST_WATCHES + 1):
            (folder / "many" / f"{number}").mkdir(parents=True)
        (folder / "hutch.toml").write_text('[run]\ncommand = "sleep 1000"\n')
        client.post(f"/api/projects/{id}/run").raise_for_status()
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{id}")
    await expect(page.get_by_text(f"the project has more than {MOST_WATCHES} folders")).to_be_visible()
    await page.locator("#tab-terminal").click()
    await page.locator(".xterm-screen:visible").first.click()
    (folder / "seen-late.txt").touch()
    await expect(page.get_by_role("treeitem", name="seen-late.txt")).to_be_visible()
