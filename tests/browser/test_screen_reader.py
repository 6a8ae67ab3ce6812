"""The modes for screen readers: switched by the person, and what they put into the accessibility tree. Less motion."""

import pytest
from playwright.async_api import Page, expect

from tests.support.apps import project_with
from tests.support.server import Server

pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("server", ["local"], indirect=True)]


async def switch(page: Page, setting: str) -> None:
    await page.keyboard.press("F1")
    await page.keyboard.type("Settings")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog", name="Settings").get_by_role("checkbox", name=setting).press("Space")
    await page.keyboard.press("Escape")


async def test_editor_and_terminal_can_be_read(page: Page, server: Server) -> None:
    toml = '[run]\ninstall = false\ncommand = "sleep 1000"\n'
    project = project_with(server, {"hutch.toml": toml, "lines.txt": "one\ntwo\nthree\nfour\n"})
    with server.client() as client:
        client.post(f"/api/projects/{project}/run").raise_for_status()
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}#lines.txt:1")
    editor = page.get_by_role("textbox", name="lines.txt")
    said = page.locator(".cm-editor", has=editor).locator(".cm-announced")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_accessible_description("Escape, then Tab leaves the editor")
    assert await page.evaluate("document.getAnimations().length") == 0, "nothing moves, not even the cursor"
    await page.keyboard.press("Control+End")
    await switch(page, "Screen reader mode of the editor")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_accessible_description("")
    await page.keyboard.press("Control+Home")
    await expect(said).to_have_text("Line 1")
    await page.keyboard.press("Shift+End")
    # The browser's own selection, which a drawn one would hide.
    assert await page.locator(".cm-editor", has=editor).locator(".cm-selectionLayer").count() == 0
    assert await page.evaluate("getSelection().toString()") == "one"
    await page.keyboard.press("Tab")
    await expect(editor).not_to_be_focused()
    await expect(editor).to_contain_text("one")

    await page.keyboard.press("Control+`")
    await page.keyboard.type("echo read-$((6 * 7))\n")
    terminal = page.get_by_role("tabpanel", name="Terminal 1")
    await expect(terminal.get_by_role("listitem")).to_have_count(0)
    await switch(page, "Screen reader mode of terminals")
    await expect(terminal.get_by_role("listitem").filter(has_text="read-42")).to_have_count(1)
    await page.keyboard.type("echo said-$((6 * 7))\n")
    await expect(terminal.locator("[aria-live=assertive]")).to_contain_text("said-42")
    await page.reload()
    await expect(terminal.get_by_role("listitem").filter(has_text="said-42")).to_have_count(1)
    await expect(editor).to_have_accessible_description("")
