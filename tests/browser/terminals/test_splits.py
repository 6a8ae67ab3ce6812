"""Terminals side by side."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.terminals.panel import open_panel
from tests.support.server import Server

pytestmark = pytest.mark.timeout(120)


async def focused(page: Page) -> str:
    """What a screen reader calls the terminal that has the focus."""
    label = await page.locator(".xterm-helper-textarea:focus").get_attribute("aria-label")
    return (label or "").partition(".")[0]


async def test_terminals_side_by_side_by_keyboard(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    panes = page.locator(".terminal-pane:visible")
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.press("Control+Shift+Digit5")
    await expect(panes).to_have_count(2)
    assert await focused(page) == "Terminal 2"
    await page.keyboard.type("echo right-$((1 + 1))\n")
    await page.keyboard.press("Control+Shift+ArrowLeft")
    assert await focused(page) == "Terminal 1"
    await page.keyboard.type("echo left-$((1 + 1))\n")
    for name, said in (("Terminal 1", "left-2"), ("Terminal 2", "right-2")):
        shown = page.get_by_role("tabpanel", name=name).locator(".xterm-accessibility-tree > div")
        await expect(shown.filter(has_text=re.compile(f"^{said}"))).to_have_count(1)

    line = page.get_by_role("separator", name="Width of the terminals")
    left = page.get_by_role("tabpanel", name="Terminal 1")
    before = await width_of(left)
    for _ in range(3):
        await line.press("ArrowRight")
    after = await width_of(left)
    assert after == pytest.approx(before + 48, abs=2)

    await page.reload()
    await expect(panes).to_have_count(2)
    assert await width_of(left) == pytest.approx(after, abs=2)
    await page.get_by_role("tab", name="Terminal 2").click(modifiers=["Control"])
    await page.get_by_role("button", name="New terminal").click()
    await expect(page.get_by_role("tab", name="Terminal 3")).to_have_attribute("aria-selected", "true")
    await expect(panes).to_have_count(2)
    await page.get_by_role("tab", name="Terminal 2").click(modifiers=["Control"])
    await expect(panes).to_have_count(3)
    await page.get_by_role("button", name="Terminal menu").click()
    await page.get_by_role("menuitem", name="Show only this one").click()
    await expect(panes).to_have_count(1)
    assert await focused(page) == "Terminal 2"
    assert await width_of(panes) == await width_of(page.locator(".terminal-body"))


async def width_of(element: Locator) -> float:
    box = await element.bounding_box()
    assert box
    return box["width"]


async def test_on_a_phone_the_columns_are_tabs(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.get_by_role("button", name="Split (").click()
    panes = page.locator(".terminal-pane:visible")
    await expect(panes).to_have_count(2)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("navigation", name="Panes").get_by_role("button", name="Terminal").click()
    await expect(panes).to_have_count(1)
    await page.get_by_role("tab", name="Terminal 1").click()
    await expect(page.get_by_role("tabpanel", name="Terminal 1")).to_be_visible()
    await expect(panes).to_have_count(1)
    assert await width_of(panes) == 390
    await page.get_by_role("button", name="New terminal").click()
    await expect(page.get_by_role("tabpanel", name="Terminal 3")).to_be_visible()
    assert await focused(page) == "Terminal 3"
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "nothing is wider than the phone"
