"""The newcomer's whole path, as a person walks it: from the printed link to a stopped app."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.end_to_end.test_main_job import use_port
from tests.support.server import Server
from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(300)

APP = """const app = require("express")();
app.get("/", (request, response) => response.json({ message: "TEXT" }));
app.listen(process.env.PORT || 3000);
"""
INSTALL = 120_000
"""Milliseconds for npm on half a processor."""


async def create(page: Page, server: Server) -> str:
    """Follow the link, create a project with Express, and be in its IDE. Returns the id."""
    await page.goto(server.link)
    await expect(page).to_have_title(re.compile("Hutch"))
    await page.get_by_label("Name").first.fill("My first project")
    await expect(page.get_by_placeholder("express").first).to_have_value("express")
    await page.get_by_role("button", name="Create project").click()
    await page.wait_for_url("**/projects/*")
    project = page.url.rpartition("/")[2]
    with server.client() as client:
        use_port(server, client, project)
    return project


async def edit(page: Page, text: str) -> None:
    """Replace the starter in index.js by one that answers `text`, and save."""
    editor = page.locator(".cm-content")
    await expect(editor).to_contain_text("running")
    await editor.click()
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(APP.replace("TEXT", text))
    await page.keyboard.press("Control+s")


async def typed_into_the_shell(server: Server, project: str, text: str) -> None:
    """See, with another viewer, that the terminal's shell got and answered what was typed."""
    with server.client() as client:
        name = client.get(f"/api/projects/{project}/terminals").json()[0]["name"]
    async with Terminal(server, project, f"terminals/{name}?offset=0") as viewer:
        await viewer.read_until(text)


async def type_in_terminal(page: Page, server: Server, project: str) -> None:
    terminal = page.locator(".xterm-helper-textarea").first
    await terminal.wait_for(state="attached")
    await page.locator(".xterm-screen:visible").first.click()
    await page.keyboard.type("echo $((6 * 7))-from-the-shell\n")
    await typed_into_the_shell(server, project, "42-from-the-shell")


async def test_on_a_laptop(page: Page, server: Server) -> None:
    project = await create(page, server)
    await expect(page.get_by_role("treeitem", name="index.js")).to_be_visible()
    await page.get_by_role("treeitem", name="index.js").click()
    await edit(page, "edited in the browser")
    with server.client() as client:
        await expect(page.get_by_text("Unsaved")).to_have_count(0)
        saved = client.get(f"/api/projects/{project}/files/index.js").text
    assert "edited in the browser" in saved

    await page.get_by_role("button", name="Run", exact=True).first.click()
    steps = page.get_by_role("list", name="Steps of the run").first
    await expect(steps).to_contain_text("Install")
    await page.locator("#tab-logs").click()
    await expect(page.get_by_role("status").filter(has_text="Running").first).to_be_visible(timeout=INSTALL)
    frame = page.frame_locator("iframe")
    await expect(frame.locator("body")).to_contain_text("edited in the browser")

    await page.locator("#tab-terminal").click()
    await type_in_terminal(page, server, project)

    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="Stopped").first).to_be_visible()
    await page.reload()
    await expect(page.locator(".cm-content")).to_contain_text("edited in the browser")


@pytest.mark.parametrize("width", [390], indirect=True)
async def test_on_a_phone(page: Page, server: Server) -> None:
    project = await create(page, server)
    panes = page.get_by_role("navigation", name="Panes")
    await panes.get_by_role("button", name="Files").click()
    await page.get_by_role("treeitem", name="index.js").click()
    await edit(page, "edited on a phone")
    await page.get_by_role("button", name="Run", exact=True).first.click()
    await panes.get_by_role("button", name="Preview").click()
    frame = page.frame_locator("iframe")
    await expect(frame.locator("body")).to_contain_text("edited on a phone", timeout=INSTALL)
    await panes.get_by_role("button", name="Terminal").click()
    await type_in_terminal(page, server, project)
    await page.get_by_role("button", name="Stop", exact=True).first.click()
    await expect(page.get_by_role("button", name="Run", exact=True).first).to_be_visible()
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "nothing is wider than the phone"


@pytest.mark.parametrize("forgiven", [("Failed to load resource", "WebSocket connection to")])
async def test_the_terminal_survives_a_reload_and_a_killed_server(page: Page, server: Server) -> None:
    project = await create(page, server)
    await page.get_by_role("button", name="Run", exact=True).first.click()
    await page.locator("#tab-terminal").click()
    await type_in_terminal(page, server, project)
    await page.locator(".xterm-screen:visible").first.click()
    await page.keyboard.type("marker=kept-$((1 + 1)); echo set-$marker\n")
    # A browser sends nothing more for a page that it leaves.
    await typed_into_the_shell(server, project, "set-kept-2")
    await page.reload()
    server.kill()
    server.start()
    await page.locator("#tab-terminal").click()
    await page.locator(".xterm-helper-textarea").first.wait_for(state="attached")
    # Not only no word of a lost connection, which is also so while the first attempt is under way.
    await expect(page.locator(".terminal-status[data-state='live']")).to_have_count(1)
    await page.locator(".xterm-screen:visible").first.click()
    await page.keyboard.type("echo $marker-after\n")
    await typed_into_the_shell(server, project, "kept-2-after")
