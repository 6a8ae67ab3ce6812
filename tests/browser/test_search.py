"""Searching and replacing in all files, in the IDE, with ripgrep in the project that runs."""

from collections.abc import Mapping

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server, wait_for

FILES = {
    "src/one.js": "const needle = 1;\n// needle and Needle\n",
    "src/two.js": "needle(needle);\n",
    "notes.txt": "a needle in the hay\r\n",
}


def make_project(server: Server, files: Mapping[str, str | bytes]) -> str:
    """A running project with these files."""
    with server.client() as client:
        project: str = client.post("/api/projects", json={"name": "haystack"}).raise_for_status().json()["id"]
        base = f"/api/projects/{project}"
        for path, content in {**files, "hutch.toml": '[run]\ncommand = "sleep 1000"\ninstall = ""\n'}.items():
            client.put(f"{base}/files/{path}", content=content).raise_for_status()
        client.post(f"{base}/run").raise_for_status()
        wait_for("the container", lambda: client.get(f"{base}/status").json()["container"], 60)
    return project


async def open_ide(page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await expect(page.get_by_role("treeitem", name="hutch.toml")).to_be_visible()


def content(server: Server, project: str, path: str) -> str:
    with server.client() as client:
        return client.get(f"/api/projects/{project}/files/{path}").content.decode()


async def test_search_replace_and_undo(page: Page, server: Server) -> None:
    project = make_project(server, FILES)
    await open_ide(page, server, project)
    # What is typed while the panel is on its way goes into no file.
    await page.get_by_role("treeitem", name="notes.txt").dblclick()
    await expect(page.get_by_role("textbox", name="notes.txt")).to_be_focused()
    await page.keyboard.press("Control+Shift+F")
    await page.keyboard.type("x")
    query = page.get_by_role("textbox", name="Search in files")
    await expect(query).to_be_focused()
    await expect(page.get_by_role("tab", name="notes.txt")).not_to_contain_text("unsaved")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("needle")
    summary = page.locator(".search-summary")
    await expect(summary).to_have_text("6 results in 3 files.")

    # Down into the results, and to a line of one of them, by keyboard alone.
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("treeitem", name="notes.txt")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("tab", name="one.js")).to_have_attribute("aria-selected", "true")
    assert await page.evaluate("getSelection().toString()") == "needle"

    await page.get_by_role("button", name="Match case").click()
    await expect(summary).to_have_text("5 results in 3 files.")
    await page.get_by_role("button", name="Regular expression").click()
    await query.fill("(needle")
    await expect(page.locator(".search .problem")).to_contain_text("not valid")
    await expect(page.locator(".search")).not_to_contain_text("Nothing found")
    await query.fill(r"needle(\W)")
    await expect(summary).to_have_text("5 results in 3 files.")
    await page.get_by_role("button", name="Replace", exact=True).click()
    await page.get_by_role("textbox", name="Replace with").fill("pin$1")
    await expect(page.locator(".search-text ins").first).to_have_text("pin ")

    # A file that changes between the search and the replace is left alone, and named.
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/src/two.js", content=b"changed by somebody else\n")
    await page.get_by_role("button", name="Replace all").click()
    outcome = page.locator(".search-outcome")
    await expect(outcome).to_contain_text("Replaced in 2 files.")
    await expect(outcome).to_contain_text("src/two.js: it has changed since the search.")
    assert content(server, project, "src/one.js") == "const pin = 1;\n// pin and Needle\n"
    assert content(server, project, "notes.txt") == "a pin in the hay\r\n"
    await expect(page.get_by_role("textbox", name="src/one.js")).to_contain_text("const pin = 1;")
    await outcome.get_by_role("button", name="Undo").click()
    await expect(outcome).to_contain_text("Undone in 2 files.")
    assert {path: content(server, project, path) for path in ("src/one.js", "notes.txt")} == {
        path: FILES[path] for path in ("src/one.js", "notes.txt")
    }


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_unsaved_text_is_searched_and_replaced_where_it_is(page: Page, server: Server) -> None:
    project = make_project(server, FILES)
    await open_ide(page, server, project)
    await page.get_by_role("treeitem", name="notes.txt").dblclick()
    editor = page.get_by_role("textbox", name="notes.txt")
    await expect(editor).to_be_focused()
    await page.keyboard.type("typed above, needle\n")
    await page.keyboard.press("Control+Shift+F")
    await expect(page.get_by_role("textbox", name="Search in files")).to_be_focused()
    await page.keyboard.type("needle")
    summary, rows = page.locator(".search-summary"), page.locator("[data-path='notes.txt'] .search-line")
    await expect(summary).to_have_text("7 results in 3 files.")
    await expect(rows).to_have_text(["1typed above, needle", "2a needle in the hay"])

    # The list follows what is typed, and the lines are where the editor has them.
    await editor.press("Control+Home")
    await page.keyboard.type("first\n")
    await expect(rows).to_have_text(["2typed above, needle", "3a needle in the hay"])
    await rows.last.click()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Ln 3")
    assert await page.evaluate("getSelection().toString()") == "needle"

    await page.get_by_role("button", name="Replace", exact=True).click()
    await page.get_by_role("textbox", name="Replace with").fill("pin")
    await page.get_by_role("button", name="Replace all").click()
    outcome = page.locator(".search-outcome")
    await expect(outcome).to_contain_text("Replaced in 3 files, 1 of them with text that is not saved.")
    await expect(editor).to_contain_text("typed above, pin")
    await expect(page.get_by_role("tab", name="notes.txt")).to_contain_text("unsaved")
    assert content(server, project, "notes.txt") == FILES["notes.txt"]
    assert content(server, project, "src/two.js") == "pin(pin);\n"
    await outcome.get_by_role("button", name="Undo").click()
    await expect(outcome).to_contain_text("Undone in 3 files")
    await expect(editor).to_contain_text("typed above, needle")
    assert {path: content(server, project, path) for path in FILES} == FILES
    await editor.press("Control+z")
    await expect(editor).to_contain_text("typed above, pin")
    await page.keyboard.press("Control+z")
    await expect(editor).to_contain_text("typed above, needle")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("tab", name="notes.txt")).not_to_contain_text("unsaved")
    assert content(server, project, "notes.txt") == "first\r\ntyped above, needle\r\na needle in the hay\r\n"


@pytest.mark.parametrize("width", [390], indirect=True)
async def test_names_and_lines_that_are_html_are_text(page: Page, server: Server) -> None:
    markup = "<img src=x onerror=alert(1)>"
    project = make_project(server, {f"{markup}.txt": f"needle {markup}\n"})
    await open_phone(page, server, project)
    await page.get_by_role("tab", name="Search").click()
    await page.get_by_role("textbox", name="Search in files").fill("needle")
    await expect(page.locator(".search-name")).to_have_text(f"{markup}.txt")
    await expect(page.locator(".search-text")).to_have_text(f"needle {markup}")
    assert await page.locator(".search-results img").count() == 0
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "nothing is wider than the phone"


async def open_phone(page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await page.get_by_role("navigation", name="Panes").get_by_role("button", name="Files").click()
