"""The newcomer's path without a mouse: every step by keys, and always to be seen where they go."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.focus import focused
from tests.support.server import Server

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

APP = """from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<a href=/>typed by keyboard</a>")
print("it listens", flush=True)
HTTPServer(("", PORT), Handler).serve_forever()
"""


class Hands:
    """On the keyboard. What they pass with Tab has to show."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def tab(self, key: str = "Tab") -> str:
        """Go on by one; where that leads."""
        await self.press(key)
        name, problem = await focused(self.page)
        if problem:
            self.problems.append(f"{name} {problem}")
        return name

    async def tab_to(self, name: str, key: str = "Tab") -> None:
        """Go on to what is called so."""
        passed = []
        for _ in range(40):
            passed.append(await self.tab(key))
            if re.search(name, passed[-1]):
                return
        raise AssertionError(f"no {name} among {passed}")

    async def command(self, title: str) -> None:
        await self.press("F1")
        await expect(self.page.get_by_role("combobox", name="Commands")).to_be_focused()
        await self.page.keyboard.type(title)
        await self.press("Enter")

    async def write(self, name: str, text: str) -> None:
        """Have the file in the tree opened, its text replaced, and saved."""
        await self.command("Go to the files")
        await expect(self.page.get_by_role("tree", name="Files")).to_be_focused()
        await self.page.keyboard.type(name)
        await self.press("Enter")
        await expect(self.page.get_by_role("textbox", name=name)).to_be_focused()
        await self.press("Control+a", "Delete")
        await self.page.keyboard.insert_text(text)
        await self.press("Control+s")
        await expect(self.page.get_by_role("status").filter(has_text=f"Saved {name}.")).to_have_count(1)


async def test_from_a_new_project_to_its_page(page: Page, server: Server) -> None:
    hands = Hands(page)
    await page.goto(server.link)
    await expect(page.get_by_role("heading", name="New project")).to_be_visible()
    assert await hands.tab() == "a Skip to the projects"
    await hands.tab_to("input Name")
    await page.keyboard.type("By keyboard")
    await hands.tab_to("select Template")
    await page.keyboard.type("Python")
    await hands.tab_to("button Create project")
    await hands.press("Enter")
    await page.wait_for_url("**/projects/*")
    await expect(page.get_by_role("treeitem", name="main.py")).to_be_visible()

    assert await hands.tab() == "a Skip to the editor"
    await hands.tab_to("Files$")
    toml = f'[run]\ncommand = "python3 main.py"\nport = {server.app_port}\n'
    await hands.write("hutch.toml", toml)
    await hands.write("main.py", APP.replace("PORT", str(server.app_port)))
    await hands.press("Tab")
    await expect(page.get_by_role("textbox", name="main.py")).to_be_focused()
    await hands.press("Control+z")
    for key in ("Tab", "Shift+Tab"):
        await page.get_by_role("textbox", name="main.py").focus()
        await hands.press("Escape")
        await hands.tab(key)
        await expect(page.locator(".cm-content:focus")).to_have_count(0)

    await hands.press("Control+Shift+Enter")
    await expect(page.get_by_role("status").filter(has_text="Running").first).to_be_visible()
    await hands.command("Go to the logs")
    await hands.tab_to("Plain text", "Shift+Tab")
    await hands.press("Space")
    await expect(page.get_by_role("region", name="Log as plain text")).to_contain_text("it listens")

    await hands.press("Control+`")
    await expect(page.locator(".xterm-helper-textarea:focus")).to_have_count(1)
    await page.keyboard.type("echo typed > typed.txt\n")
    await expect(page.get_by_role("treeitem", name="typed.txt")).to_be_visible()
    await hands.press("Tab")
    await expect(page.locator(".xterm-helper-textarea:focus")).to_have_count(1)
    await expect(page.frame_locator("iframe").get_by_role("link")).to_have_text("typed by keyboard")
    # The same key leads back, to the text, and hides it.
    await hands.press("Control+`")
    await expect(page.locator(".cm-content:focus")).to_have_count(1)
    await expect(page.locator("#pane-terminal")).to_be_hidden()
    await hands.press("Control+b")
    await hands.press("Control+b")
    await hands.press("Control+`")
    await expect(page.locator(".xterm-helper-textarea:focus")).to_have_count(1)
    await hands.press("F6")
    await page.wait_for_function("document.activeElement.matches('#pane-preview iframe')")
    # Into the app and out again: its keys are its own.
    await hands.tab_to("^(?!iframe)")

    await hands.command("Stop")
    await expect(page.get_by_role("status").filter(has_text="Stopped").first).to_be_visible()
    assert hands.problems == []
