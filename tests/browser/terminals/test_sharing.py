"""Terminals that several people look at: names, onlookers, sizes."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminals.panel import lines, open_panel
from tests.support.server import Server
from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


async def test_a_terminal_is_renamed_by_key_and_by_double_click(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    tab = page.get_by_role("tablist", name="Terminals").get_by_role("tab")
    await expect(tab).to_have_text("Terminal 1")
    async with Terminal(server, project, "terminals/terminal-1"):
        await expect(tab).to_have_accessible_name("Terminal 1 2 viewers")
        await page.get_by_role("button", name="Terminal menu").click()
        await page.get_by_role("menuitem", name="Who is attached (2)").click()
        listed = page.get_by_role("dialog", name="Attached to Terminal 1").get_by_role("listitem")
        await expect(listed).to_have_text([re.compile("May type, for"), re.compile("May type, for")])
        await page.keyboard.press("Escape")
    await expect(tab).to_have_accessible_name("Terminal 1")

    other = await page.context.new_page()
    await open_panel(other, server, project)
    await tab.press("F2")
    field = page.get_by_label("Name of the terminal").get_by_role("textbox")
    await expect(field).to_have_value("Terminal 1")
    await field.fill("x" * 41)
    await field.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="at most 40 characters")).to_be_visible()
    await field.fill("Build")
    await field.press("Enter")
    await expect(page.locator(".xterm-helper-textarea:focus")).to_have_attribute("aria-label", re.compile("^Build"))
    there = other.get_by_role("tablist", name="Terminals").get_by_role("tab")
    await expect(there.locator(".tab-name")).to_have_text("Build")

    await there.dblclick()
    field = other.get_by_label("Name of the terminal").get_by_role("textbox")
    await field.fill("")
    await field.press("Enter")
    await expect(tab.locator(".tab-name")).to_have_text("Terminal 1")


async def test_a_view_only_copy_shows_all_and_takes_nothing(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type("echo shown-$((1 + 1))\n")
    await page.get_by_role("button", name="Terminal menu").click()
    async with page.context.expect_page() as opening:
        await page.get_by_role("menuitem", name="Open a view-only copy").click()
    copy = await opening.value
    await expect(copy.get_by_role("heading", name="Terminal 1")).to_be_visible()
    await expect(copy.get_by_text("View only", exact=True)).to_be_visible()
    await expect(page.get_by_role("tab", name="Terminal 1 2 viewers")).to_be_visible()
    await expect(copy.locator(".key-bar")).to_have_count(0)
    await expect(lines(copy).filter(has_text="shown-2")).to_have_count(1)
    await expect(lines(copy)).to_have_count(await lines(page).count())

    await copy.locator(".xterm-screen").click()
    await copy.keyboard.type("echo intruder\n")
    await copy.keyboard.press("Control+Shift+V")
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type("echo after-$((1 + 1))\n")
    async with Terminal(server, project, "terminals/terminal-1?view=1&offset=0") as program:
        assert "intruder" not in await program.read_until("after-2")

    await page.set_viewport_size({"width": 900, "height": 900})
    async with Terminal(server, project, "terminals/terminal-1?cols=50&rows=5"):
        await expect(lines(copy)).to_have_count(5)
        await expect(lines(page)).to_have_count(5)
    await expect(lines(copy)).not_to_have_count(5)
    await page.get_by_role("tab", name="Terminal 1").press("F2")
    await page.get_by_label("Name of the terminal").get_by_role("textbox").fill("Demo")
    await page.keyboard.press("Enter")
    await expect(copy).to_have_title(re.compile("^Demo"))


async def test_two_pages_share_a_terminal_sized_as_chosen(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    rows = await lines(page).count()
    async with Terminal(server, project, "terminals/terminal-1?cols=60&rows=5") as program:
        await expect(lines(page)).to_have_count(5)
        await page.get_by_role("button", name="Terminal menu").click()
        await page.get_by_role("menuitem", name="Size to who types").click()
        await expect(page.locator(".xterm-helper-textarea:focus")).to_have_count(1)
        await page.keyboard.type("stty size\n")
        await expect(lines(page)).to_have_count(rows)
        told = await program.read_message("size")
        assert told["rows"] == rows
        await program.type("stty size\n")
        await expect(lines(page)).to_have_count(5)
        await expect(lines(page).filter(has_text=re.compile("^5 60"))).to_have_count(1)
    await expect(lines(page)).to_have_count(rows)


async def test_a_question_is_answered_once_whoever_looks(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    other = await page.context.new_page()
    await open_panel(other, server, project)
    async with Terminal(server, project, "terminals/terminal-1") as program:
        asks = r"sleep 1; printf '\033[c'; sleep 1.2; printf '\033[6n'; sleep 1; echo the-$((1 + 1))-end"
        await program.type(f"stty raw -echo; ({asks}) & cat -v\n")
        said = await program.read_until("the-2-end")
    assert (said.count("^[[?1;2c"), len(re.findall(r"\^\[\[\d+;\d+R", said))) == (1, 1)
