"""The keys of other editors: chosen in the settings or the palette, kept for the person."""

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server

pytestmark = pytest.mark.parametrize("server", ["local"], indirect=True)


def read(server: Server, project: str, path: str) -> str:
    with server.client() as client:
        return client.get(f"/api/projects/{project}/files/{path}").text


async def open_project(page: Page, server: Server, files: dict[str, str]) -> str:
    with server.client() as client:
        project: str = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
        for path, text in files.items():
            client.put(f"/api/projects/{project}/files/{path}", content=text.encode()).raise_for_status()
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    return project


async def choose_keys(page: Page, name: str) -> None:
    await page.keyboard.press("F1")
    await page.keyboard.type(f"Keys of the editor: {name}")
    await page.keyboard.press("Enter")


async def test_vim_writes_closes_and_says_its_mode(page: Page, server: Server) -> None:
    project = await open_project(page, server, {"one.txt": "first\nsecond\n", "two.txt": "other\n"})
    await page.get_by_role("treeitem", name="one.txt").click()
    await page.keyboard.press("Control+,")
    await page.get_by_label("Keys").select_option("Vim")
    await page.get_by_role("button", name="Done").click()
    mode = page.locator(".status-mode")
    await expect(mode).to_have_text("normal")
    await page.get_by_role("textbox", name="one.txt").click()
    await page.keyboard.type("ggdd")
    await page.keyboard.type("A line")
    await expect(mode).to_have_text("insert")
    await page.keyboard.press("Escape")
    await page.keyboard.type("V")
    await expect(mode).to_have_text("visual line")
    await page.keyboard.press("Escape")
    await page.keyboard.type(":w\n")
    await expect(page.get_by_role("tab", name="one.txt")).not_to_contain_text("unsaved changes")
    assert read(server, project, "one.txt") == "second line\n"

    # Ctrl+B is a page up, not the side bar; what is written in one tab is not in the other.
    await page.keyboard.press("Control+b")
    await page.get_by_role("treeitem", name="two.txt").click()
    await page.get_by_role("textbox", name="two.txt").click()
    await page.keyboard.type("ggx:wq\n")
    await expect(page.get_by_role("tab", name="two.txt")).to_have_count(0)
    assert read(server, project, "two.txt") == "ther\n"
    # In a split they act on what it shows, and close its tab alone.
    editors = page.get_by_role("textbox", name="one.txt")
    await editors.click()
    await page.keyboard.press("Control+\\")
    await expect(editors).to_have_count(2)
    await page.keyboard.type("ggAs")
    await page.keyboard.press("Escape")
    await page.keyboard.type(":w\n")
    await expect(page.get_by_role("tab", name="one.txt").first).not_to_contain_text("unsaved changes")
    assert read(server, project, "one.txt") == "second lines\n"
    # What one split gives up is still unsaved in the other.
    await page.keyboard.type("ggdd:q!\n")
    await expect(editors).to_have_count(1)
    await expect(page.get_by_role("tab", name="one.txt")).to_contain_text("unsaved changes")
    await page.get_by_role("textbox", name="one.txt").click()
    await page.keyboard.type(":q!\n")
    await expect(page.get_by_role("tab", name="one.txt")).to_have_count(0)
    assert read(server, project, "one.txt") == "second lines\n"

    # Another page of the same person has the keys, and what it doesn't have is loaded.
    await page.reload()
    await page.get_by_role("treeitem", name="one.txt").click()
    await expect(mode).to_have_text("normal")
    await page.get_by_role("textbox", name="one.txt").click()
    await expect(page.locator(".surface:not(.behind) .cm-fat-cursor")).to_be_visible()
    await choose_keys(page, "Hutch")
    await expect(mode).to_have_count(0)
    await page.get_by_role("textbox", name="one.txt").click()
    await page.keyboard.type("dd")
    await expect(page.get_by_role("textbox", name="one.txt")).to_contain_text("dd")


async def test_keys_of_visual_studio_code(page: Page, server: Server) -> None:
    await open_project(page, server, {"one.js": "  let a;\n  let b;\n"})
    await page.get_by_role("treeitem", name="one.js").click()
    await choose_keys(page, "Visual")
    editor = page.get_by_role("textbox", name="one.js")
    await editor.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Control+c")
    await expect(editor).to_contain_text("// let a;")
    await page.keyboard.press("Control+Shift+Enter")
    await page.keyboard.type("above")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Shift+Alt+i")
    await page.keyboard.type("!")
    lines = await editor.locator(".cm-line").all_text_contents()
    assert lines == ["  above!", "  // let a;!", "  let b;!", "!"]
    await page.keyboard.press("Control+h")
    await expect(page.get_by_role("textbox", name="Replace")).to_be_focused()
    await page.get_by_role("textbox", name="Find").press("Control+a")
    await page.keyboard.type("let")
    count = page.locator(".cm-find-count")
    await expect(count).to_have_text("2 found")
    await page.keyboard.press("Enter")
    await expect(count).to_contain_text("of 2")
