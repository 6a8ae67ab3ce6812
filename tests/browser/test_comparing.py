"""Two files, or a file and what is saved of it, beside each other; and what the palette does to lines."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_search import content
from tests.support.apps import project_with
from tests.support.axe import violations
from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = pytest.mark.parametrize("server", ["local"], indirect=True)


async def open_file(page: Page, server: Server, project: str, name: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}#{name}:1")
    await page.get_by_role("textbox", name=name).focus()


async def command(page: Page, name: str) -> None:
    await page.keyboard.press("F1")
    await page.get_by_role("combobox", name="Commands").fill(name)
    await page.keyboard.press("Enter")


async def test_two_files_are_compared(page: Page, server: Server) -> None:
    project = project_with(server, {"a.txt": "same\none\n", "b.txt": "same\ntwo\n", "c.txt": "same\none\n"})
    await open_file(page, server, project, "a.txt")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("unsaved")
    await page.get_by_role("treeitem", name="a.txt").click()
    await page.get_by_role("treeitem", name="b.txt").click(modifiers=["Control"])
    await page.get_by_role("treeitem", name="b.txt").click(button="right")
    await page.get_by_role("menuitem", name="Compare the two").click()
    comparison = page.get_by_role("group", name="Comparison")
    # As it is in the editor.
    await expect(comparison.get_by_role("textbox", name="a.txt")).to_contain_text("unsaved")
    await expect(comparison.get_by_role("textbox", name="b.txt")).to_contain_text("two")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(comparison).to_have_count(0)

    await page.get_by_role("tab", name="a.txt").click()
    await command(page, "Discard what is not saved")
    await page.get_by_role("treeitem", name="c.txt").click(button="right")
    await page.get_by_role("menuitem", name="Compare with a.txt").click()
    await expect(page.get_by_text("Both files have the same text.")).to_be_visible()


async def test_what_is_not_saved_is_compared_and_discarded(page: Page, server: Server) -> None:
    project = project_with(server, {"a.txt": "one\ntwo\n"})
    await open_file(page, server, project, "a.txt")
    await page.keyboard.type("new ")
    await command(page, "Compare with what is saved")
    version = page.get_by_role("group", name="An earlier version")
    await expect(version.get_by_role("textbox", name="As it is saved")).to_contain_text("one")
    await expect(version.get_by_role("textbox", name="As it is now")).to_contain_text("new one")
    await version.get_by_role("button", name="Close").click()
    await command(page, "Discard what is not saved")
    text = page.get_by_role("textbox", name="a.txt")
    await expect(text.locator(".cm-line").first).to_have_text("one")
    # That can be undone.
    await page.keyboard.press("Control+z")
    await expect(text.locator(".cm-line").first).to_have_text("new one")


async def test_lines_are_sorted_and_blanks_are_seen(page: Page, server: Server) -> None:
    project = project_with(server, {"a.txt": "b\t1\na  2 \n"})
    await open_file(page, server, project, "a.txt")
    text = page.get_by_role("textbox", name="a.txt")
    await expect(text.locator(".cm-highlightSpace, .cm-highlightTab")).to_have_count(0)
    await command(page, "Show spaces and tabs")
    await expect(text.locator(".cm-highlightTab")).to_have_count(1)
    await expect(text.locator(".cm-highlightSpace")).not_to_have_count(0)
    await page.keyboard.press("Control+a")
    await command(page, "Sort the selected lines")
    await command(page, "Delete blanks at the ends")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("Saved a.txt.")).to_be_attached()
    assert content(server, project, "a.txt") == "a  2\nb\t1\n"
    # It is remembered.
    await page.reload()
    await expect(text.locator(".cm-highlightTab")).to_have_count(1)
    await page.wait_for_function(
        "getComputedStyle(document.querySelector('.cm-highlightTab')).backgroundImage !== 'none'"
    )
