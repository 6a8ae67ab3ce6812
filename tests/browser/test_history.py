"""An earlier version of a file, brought back in the IDE without Git."""

from playwright.async_api import Page, expect

from tests.browser.test_search import content, make_project, open_ide
from tests.support.server import Server


async def test_an_earlier_version_is_compared_and_restored(page: Page, server: Server) -> None:
    project = make_project(server, {"notes.txt": "first\r\nsame\r\n"})
    with server.client() as client:
        for text in ("second", "third"):
            client.put(f"/api/projects/{project}/files/notes.txt", content=f"{text}\r\nsame\r\n".encode())
    await open_ide(page, server, project)
    await page.get_by_role("treeitem", name="notes.txt").click()
    await expect(page.get_by_role("textbox", name="notes.txt")).to_contain_text("third")
    await page.keyboard.press("F1")
    await page.keyboard.type("earlier versions")
    await page.keyboard.press("Enter")
    choices = page.get_by_role("dialog", name="Earlier versions")
    await expect(choices.get_by_role("option")).to_have_count(3)
    await choices.get_by_role("option").last.click()
    versions = page.get_by_role("group", name="An earlier version")
    await expect(versions.get_by_role("textbox", name="Version of")).to_contain_text("first")
    await expect(versions.get_by_role("textbox", name="As it is now")).to_contain_text("third")
    await versions.get_by_role("button", name="Restore this version").click()
    await expect(page.get_by_role("textbox", name="notes.txt")).to_contain_text("first")
    await expect(versions).to_have_count(0)
    await page.wait_for_function(
        "async url => (await (await fetch(url)).text()).startsWith('first')",
        arg=f"/api/projects/{project}/files/notes.txt",
    )
    assert content(server, project, "notes.txt") == "first\r\nsame\r\n"
