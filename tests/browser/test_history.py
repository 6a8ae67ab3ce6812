"""An earlier version of a file, brought back in the IDE without Git."""

from playwright.async_api import Page, expect

from tests.browser.test_search import content, make_project, open_ide
from tests.support.server import Server

COLOURED = ".cm-line [class*='ͼ']"
LONG = f'long = "{"x" * 100_001}"'


async def test_an_earlier_version_is_compared_and_restored(page: Page, server: Server) -> None:
    project = make_project(server, {"notes.py": "first = 'a'\r\nsame\r\n"})
    with server.client() as client:
        for text in ("second = 'b'", LONG, "third = 'c'"):
            client.put(f"/api/projects/{project}/files/notes.py", content=f"{text}\r\nsame\r\n".encode())
    await open_ide(page, server, project)
    await page.get_by_role("treeitem", name="notes.py").click()
    await expect(page.get_by_role("textbox", name="notes.py")).to_contain_text("third")
    choices = page.get_by_role("dialog", name="Earlier versions")
    versions = page.get_by_role("group", name="An earlier version")
    old = versions.get_by_role("textbox", name="Version of")
    now = versions.get_by_role("textbox", name="As it is now")

    async def choose(place: int) -> None:
        await page.keyboard.press("F1")
        await page.keyboard.type("earlier versions")
        await page.keyboard.press("Enter")
        await expect(choices.get_by_role("option")).to_have_count(4)
        await choices.get_by_role("option").nth(place).click()

    # A side is coloured as the editor colours a file, which leaves out what has a line as long as this.
    await choose(1)
    await expect(now.locator(COLOURED)).not_to_have_count(0)
    await expect(old).to_contain_text("xxx")
    await expect(old.locator(COLOURED)).to_have_count(0)
    await versions.get_by_role("button", name="Close").click()

    await choose(3)
    await expect(old).to_contain_text("first")
    await expect(old.locator(COLOURED)).not_to_have_count(0)
    await expect(now).to_contain_text("third")
    await versions.get_by_role("button", name="Restore this version").click()
    await expect(page.get_by_role("textbox", name="notes.py")).to_contain_text("first")
    await expect(versions).to_have_count(0)
    await page.wait_for_function(
        "async url => (await (await fetch(url)).text()).startsWith('first')",
        arg=f"/api/projects/{project}/files/notes.py",
    )
    assert content(server, project, "notes.py") == "first = 'a'\r\nsame\r\n"
