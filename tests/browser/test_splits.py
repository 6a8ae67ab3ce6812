"""The editor's splits and preview tabs."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("server", ["local"], indirect=True)]

LINES = "".join(f"line {number}\n" for number in range(1, 201))


@pytest.fixture
async def project(page: Page, server: Server) -> str:
    """With three files; the page is signed in."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Splits"}).raise_for_status().json()["id"]
        for name in ("a.txt", "b.txt", "c.txt"):
            client.put(f"/api/projects/{id}/files/{name}", content=f"{name}\n{LINES}").raise_for_status()
    await page.goto(server.link)
    return id


def group(page: Page, place: int) -> Locator:
    """The editors of a split, in the order in which the splits came."""
    return page.locator(".editor-group").nth(place)


def text(page: Page, place: int) -> Locator:
    return group(page, place).locator(".surface:not(.behind) .cm-content")


async def test_a_file_in_two_splits_is_one_document(page: Page, server: Server, project: str) -> None:
    await page.goto(f"{server.url}/projects/{project}#a.txt")
    await expect(text(page, 0)).to_contain_text("a.txt")
    await text(page, 0).click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("left ")
    await page.keyboard.press("Control+Backslash")
    await expect(page.locator(".editor-group")).to_have_count(2)
    await expect(text(page, 1)).to_be_focused()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("right ")
    for place in (0, 1):
        await expect(text(page, place).locator(".cm-line").first).to_have_text("right left a.txt")
    # What was typed in the one is undone in the other.
    await page.keyboard.press("Alt+Shift+PageUp")
    await expect(text(page, 0)).to_be_focused()
    await page.keyboard.press("Control+z")
    await expect(text(page, 1).locator(".cm-line").first).to_have_text("left a.txt")
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+Shift+z")
    for place in (0, 1):
        await expect(text(page, place).locator(".cm-line").first).to_have_text("left a.txt")
    for _ in ("a.txt", "index.js"):
        await page.keyboard.press("Alt+w")
    await expect(page.locator(".editor-group")).to_have_count(1)
    await expect(text(page, 0)).to_be_focused()
    await page.keyboard.press("Control+z")
    await expect(text(page, 0).locator(".cm-line").first).to_have_text("a.txt")
