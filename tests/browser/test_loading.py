"""Pages on a network that fails for a moment, as one does where containers start and stop."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.axe import violations
from tests.support.chromium import Fetched
from tests.support.server import Server


@pytest.mark.parametrize("server", ["local"], indirect=True)
@pytest.mark.parametrize("width", [1280], indirect=True)
@pytest.mark.parametrize("forgiven", [("Failed to load resource",)])
async def test_what_could_not_be_fetched_is_fetched_again(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
    await page.goto(server.link)
    failed: set[str] = set()

    async def fail_once(route: Route) -> None:
        if route.request.method == "GET" and route.request.url not in failed:
            failed.add(route.request.url)
            await route.abort("connectionaborted")
        else:
            await route.fallback()

    await page.route("**/static/dist/chunks/**", fail_once)
    await page.route("**/api/**", fail_once)
    await page.goto(f"{server.url}/projects/{project}")
    await page.get_by_role("treeitem", name="index.js").click()
    await expect(page.locator(".cm-content")).to_contain_text("http")
    await page.locator("#tab-terminal").click()
    await expect(page.get_by_text("A terminal opens in the project’s container")).to_be_visible()
    assert any("/chunks/" in url for url in failed) and any("/api/" in url for url in failed)


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_a_file_that_takes_long_is_said_to_be_loading(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
    await page.goto(server.link)
    slow = asyncio.Event()
    fails = False

    async def hold(route: Route) -> None:
        await slow.wait()
        await (route.abort() if fails else route.continue_())

    note = page.get_by_role("status").filter(has_text="Loading")
    held = re.compile("/files/(index.js|package.json)$")
    await page.route(held, hold)
    await page.goto(f"{server.url}/projects/{project}#index.js:1")
    await expect(note).to_have_text("Loading index.js…")
    slow.set()
    await expect(page.get_by_role("textbox", name="index.js")).to_be_visible()
    await expect(note).to_have_count(0)

    # On a phone it shows where the file was chosen.
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("navigation", name="Panes").get_by_role("button", name="Files").click()
    slow.clear()
    fails = True
    await page.get_by_role("treeitem", name="package.json").click()
    await expect(note).to_have_text("Loading package.json…")
    assert await violations(page) == []
    slow.set()
    await expect(page.get_by_text("The server can't be reached.").first).to_be_visible()
    await expect(note).to_have_count(0)
    await page.unroute(held)


# Adds up, at the moment when the editor gets the focus, what has come until then: compressed, as over the wire.
AT_FOCUS = """addEventListener("focusin", ({ target }) => {
  if (window.firstBytes || !target.matches(".cm-content")) return;
  const bundles = performance.getEntriesByType("resource").filter(({ name }) => /[.](js|css)$/.test(name));
  window.firstBytes = bundles.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}, { capture: true })"""
LATER = {"git", "search", "merge", "settings", "shortcuts", "history", "recordings", "vim", "vscode"}
"""What is loaded when somebody uses it."""


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_a_file_can_be_edited_after_little_was_fetched(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
    await page.goto(server.link)
    # Another profile of the browser, which has nothing of the pages yet.
    assert page.context.browser
    context = await page.context.browser.new_context(storage_state=await page.context.storage_state())
    fresh = await context.new_page()
    fetched = await Fetched.of(fresh)
    await fresh.add_init_script(AT_FOCUS)
    await fresh.goto(f"{server.url}/projects/{project}#index.js:1")
    await expect(fresh.get_by_role("textbox", name="index.js")).to_be_focused()
    first: int = await fresh.evaluate("window.firstBytes")
    assert 100_000 < first <= 350_000, f"{first} bytes of script and style before the first file can be edited"
    await expect(fresh.get_by_role("button", name="Preview menu")).to_be_visible()
    names = {url.rpartition("/")[2].partition("-")[0] for url in fetched.sizes}
    assert {"ide", "preview"} <= names, "parts of the page have files of their own"
    assert not names & LATER
    await context.close()
