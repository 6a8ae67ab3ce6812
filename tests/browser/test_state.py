"""What a page remembers comes back in another browser, by way of the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.server import Server, wait_for

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

LINES = "".join(f"line {number}\n" for number in range(1, 501))


@pytest.fixture
def project(server: Server) -> str:
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "State"}).raise_for_status().json()["id"]
        for name in ("src/long.txt", "other.txt"):
            client.put(f"/api/projects/{id}/files/{name}", content=LINES).raise_for_status()
    return id


@asynccontextmanager
async def a_browser(browser: Browser, server: Server, *, width: int = 1280, touch: bool = False) -> AsyncIterator[Page]:
    """A page of a browser that was never here before, signed in."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, has_touch=touch)
    page = await context.new_page()
    await page.goto(server.link)
    yield page
    await context.close()


@asynccontextmanager
async def held(page: Page, request: str) -> AsyncIterator[asyncio.Event]:
    """Holds back the answers to a request; the event tells that it was made."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await page.route(request, hold)
    yield asked
    answer.set()


def cursor(server: Server, project: str) -> int | None:
    """Where the server remembers the cursor of src/long.txt to be."""
    with server.client() as client:
        session: dict[str, Any] = client.get(f"/api/projects/{project}/state").json().get("session", {})
    places = [group["cursors"].get("src/long.txt") for group in session.get("groups", [])]
    return next(iter(places), None)


async def test_tabs_cursor_and_folders_come_back_in_another_browser(
    browser: Browser, server: Server, project: str
) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#src/long.txt:300")
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 300")
        await page.get_by_role("treeitem", name="src").click()
        await page.get_by_role("treeitem", name="other.txt").click()
        await expect(page.get_by_role("tab", name="other.txt")).to_have_attribute("aria-selected", "true")
        await page.get_by_role("tab", name="long.txt").click()
        await page.locator(".cm-content:visible").press("ArrowDown")
        rested = wait_for("the cursor", lambda: cursor(server, project))
        await page.locator(".cm-content:visible").press("ArrowDown")
        # The page may not wait for anything when it goes.
        await page.reload()
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 302")
        wait_for("what the page did not get to say", lambda: cursor(server, project) != rested)
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}")
        await expect(page.get_by_role("tab", name="long.txt")).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("tab", name="other.txt")).to_be_visible()
        await expect(page.locator("#file-tree [title='src/long.txt']")).to_be_visible()
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 302")
        await expect(page.locator(".cm-activeLine:visible")).to_be_in_viewport()


async def test_the_keyboard_is_in_the_editor_again_after_a_reload(
    browser: Browser, server: Server, project: str
) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt:3")
        text = page.get_by_role("textbox", name="other.txt")
        await expect(text).to_be_focused()
        await page.reload()
        await expect(text).to_be_focused()
        await page.keyboard.type("here ")
        await page.keyboard.press("Control+s")
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("here line 3")
        await expect(page.get_by_text("Saved other.txt.")).to_be_attached()
        # Who has clicked meanwhile is not called away.
        async with held(page, "**/files/other.txt") as asked:
            await page.reload(wait_until="commit")
            await asked.wait()
            await page.get_by_role("heading", name="State").click()
        # It comes after the files.
        await expect(page.get_by_text("A terminal opens in")).to_be_visible()
        await expect(page.locator("body")).to_be_focused()
    # A phone's keyboard would cover what was there.
    async with a_browser(browser, server, width=390, touch=True) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt:3")
        await page.get_by_role("textbox", name="other.txt").tap()
        await expect(page.get_by_role("textbox", name="other.txt")).to_be_focused()
        await page.goto(server.url)
        await page.goto(f"{server.url}/projects/{project}#other.txt:3")
        # That comes last.
        await expect(page).to_have_url(f"{server.url}/projects/{project}")
        await expect(page.locator("body")).to_be_focused()


async def test_who_goes_elsewhere_while_a_file_is_read_is_left_there(
    browser: Browser, server: Server, project: str
) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#src/long.txt:3")
        await page.get_by_role("textbox", name="long.txt").wait_for()
        async with held(page, "**/files/other.txt") as asked:
            await page.keyboard.press("Control+p")
            await page.get_by_role("combobox", name="Go to file").fill("other.txt")
            await page.get_by_role("option", name="other.txt").click()
            await asked.wait()
            await page.keyboard.press("Control+Shift+f")
            await expect(page.get_by_role("textbox", name="Search in files")).to_be_focused()
        await expect(page.get_by_role("tab", name="other.txt")).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("textbox", name="Search in files")).to_be_focused()
    async with a_browser(browser, server, width=390, touch=True) as page:
        panes = page.get_by_role("navigation", name="Panes")
        async with held(page, "**/files/src/long.txt") as asked:
            await page.goto(f"{server.url}/projects/{project}#src/long.txt:300", wait_until="commit")
            await asked.wait()
            await panes.get_by_role("button", name="Files").tap()
        # By then the link has been followed.
        await expect(page).to_have_url(f"{server.url}/projects/{project}")
        await expect(page.get_by_role("treeitem", name="src")).to_be_visible()
        await panes.get_by_role("button", name="Editor").tap()
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 300")


async def test_enter_before_the_list_of_files_has_come_is_not_lost(
    browser: Browser, server: Server, project: str
) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt:3")
        await page.get_by_role("textbox", name="other.txt").wait_for()
        async with held(page, "**/tree?*") as asked:
            await page.keyboard.press("Control+p")
            await asked.wait()
            await page.get_by_role("combobox", name="Go to file").fill("long.txt:7")
            await page.keyboard.press("Enter")
        await expect(page.get_by_role("textbox", name="long.txt")).to_be_focused()
        await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 7")


async def test_a_link_is_followed_before_other_tabs_are_read(browser: Browser, server: Server, project: str) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#src/long.txt:3")
        await asyncio.to_thread(wait_for, "the session", lambda: cursor(server, project))
        async with held(page, "**/files/src/long.txt"):
            await page.goto(server.url)
            await page.goto(f"{server.url}/projects/{project}#other.txt:42", wait_until="commit")
            await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 42")
            await expect(page.get_by_role("textbox", name="other.txt")).to_be_focused()
            await expect(page.get_by_role("tab", name="long.txt")).to_have_count(0)
        await expect(page.get_by_role("tab", name="long.txt")).to_have_attribute("aria-selected", "false")
        await expect(page.get_by_role("textbox", name="other.txt")).to_be_focused()


async def test_a_link_to_a_line_leads_there(page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{server.url}/projects/{project}#other.txt:42")
    await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 42")
    await page.keyboard.press("F1")
    await page.keyboard.type("link to this line")
    await page.keyboard.press("Enter")
    link = await page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.url}/projects/{project}#other.txt:42"
    await page.evaluate("location.hash = '#src/long.txt:7'")
    await expect(page.locator(".cm-activeLine:visible")).to_have_text("line 7")
    # A line can be named where a file is looked for, and what was used before the one in front comes first.
    front = page.get_by_role("tab", selected=True)
    steps = [("oth:99:3", "other.txt", "line 99"), ("", "long.txt", "line 7"), ("", "other.txt", "line 99")]
    for typed, name, line in steps:
        await page.keyboard.press("Control+p")
        await expect(page.get_by_role("option", selected=True)).to_be_visible()
        await page.keyboard.type(typed)
        await page.keyboard.press("Enter")
        await expect(front.filter(has_text="txt").filter(visible=True).first).to_contain_text(name)
        await expect(page.locator(".cm-activeLine:visible")).to_have_text(line)


async def test_the_cursor_goes_back_and_forward(browser: Browser, server: Server, project: str) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt:42")
        line, tab = page.locator(".cm-activeLine:visible"), page.get_by_role("tab", selected=True)
        await expect(line).to_have_text("line 42")
        # Nothing was left yet, and the page's own way to the line is none.
        for _ in range(2):
            await page.keyboard.press("F1")
            await page.get_by_role("combobox", name="Commands").fill("go back to")
            await expect(page.get_by_text("Nothing like that.")).to_be_visible()
            await page.keyboard.press("Escape")
            await page.reload()
            await expect(line).to_have_text("line 42")
        await page.keyboard.press("Control+p")
        await page.get_by_role("combobox", name="Go to file").fill("long.txt:7")
        await page.keyboard.press("Enter")
        await expect(line).to_have_text("line 7")
        await page.keyboard.press("Control+g")
        await page.keyboard.type("200")
        await page.keyboard.press("Enter")
        await expect(line).to_have_text("line 200")
        for key, place in (
            ("Control+Alt+-", "line 7"),
            ("Control+Alt+-", "line 42"),
            ("Control+Shift+_", "line 7"),
            ("Control+Shift+_", "line 200"),
        ):
            await page.keyboard.press(key)
            await expect(line).to_have_text(place)
            await expect(page.get_by_role("textbox", name="txt").filter(visible=True)).to_be_focused()
        await expect(tab.filter(has_text="long.txt")).to_be_visible()


async def test_what_is_on_its_way_to_the_server_outlives_a_reload(
    browser: Browser, server: Server, project: str
) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt")
        text = page.locator(".cm-content:visible")
        await expect(text).to_contain_text("line 1")
        await page.keyboard.press("Alt+z")
        await expect(text).to_have_css("white-space", "break-spaces")
        with server.client() as client:
            await asyncio.to_thread(wait_for, "the setting", lambda: client.get("/api/state").json().get("wrap"))
        async with held(page, "**/api/state") as asked:
            await page.keyboard.press("Alt+z")
            async with asyncio.timeout(30):
                await asked.wait()
            await page.reload()
            await expect(text).to_have_css("white-space", "pre")


async def test_settings_count_at_once_and_in_every_browser(browser: Browser, server: Server, project: str) -> None:
    async with a_browser(browser, server) as page:
        await page.goto(f"{server.url}/projects/{project}#other.txt")
        await expect(page.locator(".cm-content:visible")).to_contain_text("line 1")
        await page.keyboard.press("Control+,")
        await page.get_by_role("combobox", name="Colours").select_option("High contrast")
        await expect(page.locator("html")).to_have_attribute("data-contrast", "more")
        await page.get_by_label("Text size of the editor").fill("22")
        await page.get_by_label("Text size of the editor").press("Tab")
        await expect(page.locator(".cm-content:visible")).to_have_css("font-size", "22px")
        await page.get_by_label("Wrap long lines").check()
        await page.get_by_label("Text size of terminals").fill("99")
        await page.get_by_label("Text size of terminals").press("Tab")
        await page.get_by_role("button", name="Done").click()
        with server.client() as client:
            wait_for("the settings", lambda: client.get("/api/state").json().get("wrap"))
            everywhere = client.get("/api/state").json()
        assert (everywhere["theme"], everywhere["editor.fontSize"]) == ("contrast", 22)
        assert "terminal.fontSize" not in everywhere, "nobody can read that"
    async with a_browser(browser, server) as page:
        await expect(page.locator("html")).to_have_attribute("data-contrast", "more")
        await page.goto(f"{server.url}/projects/{project}#other.txt")
        await expect(page.locator(".cm-content:visible")).to_have_css("font-size", "22px")
        await expect(page.locator(".cm-content:visible")).to_have_css("white-space", "break-spaces")
        # Of a line like this the page would be busy for seconds.
        with server.client() as client:
            client.put(f"/api/projects/{project}/files/bundle.js", content="f(x);" * 50_000).raise_for_status()
        await page.evaluate("location.hash = '#bundle.js'")
        await expect(page.locator(".cm-content:visible")).to_contain_text("f(x);")
        await expect(page.locator(".cm-content:visible")).to_have_css("white-space", "pre")
