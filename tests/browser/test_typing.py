"""What keys put into a file: typed, from an input method, at several cursors; and the cursor itself meanwhile."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_keymaps import open_project
from tests.support.server import Server

pytestmark = pytest.mark.parametrize("server", ["local"], indirect=True)


async def test_keys_and_input_methods_write_what_they_say(page: Page, server: Server) -> None:
    await open_project(page, server, {"one.txt": "", "two.js": "a\nb\n"})
    await page.get_by_role("treeitem", name="one.txt").click()
    text = page.get_by_role("textbox", name="one.txt")
    await text.click()
    await page.keyboard.type("an old word")
    # What is selected is replaced, and undone with what replaced it.
    await page.keyboard.press("Control+Shift+ArrowLeft")
    await page.keyboard.type("key é ")
    session = await page.context.new_cdp_session(page)
    # What an input method suggests is replaced by what is chosen, and keys go on after it.
    await session.send("Input.imeSetComposition", {"text": "か", "selectionStart": 1, "selectionEnd": 1})
    await session.send("Input.insertText", {"text": "火"})
    await page.keyboard.type("!")
    await expect(text).to_have_text("an old key é 火!")
    for _ in range(4):
        await page.keyboard.press("Control+z")
    await expect(text).to_have_text("")

    # A bracket is closed, a typed closing one is passed over, and every cursor writes.
    await page.get_by_role("treeitem", name="two.js").click()
    text = page.get_by_role("textbox", name="two.js")
    await text.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Alt+ArrowDown")
    await page.keyboard.press("End")
    await page.keyboard.type("(1);")
    await expect(text.locator(".cm-line")).to_have_text(["a(1);", "b(1);", ""])


async def test_the_cursor_blinks_only_while_nobody_types(page: Page, server: Server) -> None:
    await open_project(page, server, {"one.txt": ""})
    await page.get_by_role("treeitem", name="one.txt").click()
    text = page.get_by_role("textbox", name="one.txt")
    await text.click()
    cursor = page.locator(".cm-focused .cm-cursor")
    await expect(cursor).to_have_css("animation-name", "cm-blink")
    # Looked at as soon as the key is up, long before the cursor rests again.
    await page.evaluate(
        """() => void (window.atKey = new Promise((resolve) => addEventListener("keyup", () =>
          resolve(getComputedStyle(document.querySelector(".cm-focused .cm-cursor")).animationName))))"""
    )
    await page.keyboard.type("x")
    at_key = await page.evaluate("() => window.atKey")
    assert at_key == "none"
    await expect(cursor).to_have_css("animation-name", "cm-blink")


async def test_the_cursor_stands_still_for_who_wants_nothing_to_move(page: Page, server: Server) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await open_project(page, server, {"one.txt": ""})
    await page.get_by_role("treeitem", name="one.txt").click()
    await page.get_by_role("textbox", name="one.txt").click()
    await page.keyboard.type("x")
    # Longer than it rests before it would blink.
    await page.wait_for_timeout(1_000)
    await expect(page.locator(".cm-focused .cm-cursor")).to_have_css("animation-name", "none")


async def test_a_line_wider_than_the_window_widens_the_text_in_steps(page: Page, server: Server) -> None:
    await open_project(page, server, {"wide.txt": "short\n"})
    await page.get_by_role("treeitem", name="wide.txt").click()
    text = page.get_by_role("textbox", name="wide.txt")
    await text.click()
    scroller = page.locator(".cm-scroller").filter(has=text)
    hidden = "(scroller) => scroller.scrollWidth - scroller.clientWidth"
    # As they are painted: of several keys in one frame only the last is.
    await text.evaluate(
        """(text) => {
          window.widths = new Set();
          new ResizeObserver(() => widths.add(text.offsetWidth)).observe(text);
        }"""
    )
    await page.keyboard.type("w" * 200)
    # The cursor stays in sight, and one step of room is all that is to be scrolled through beyond it.
    await expect(page.locator(".cm-focused .cm-cursor-primary")).to_be_in_viewport()
    assert 0 < await scroller.evaluate(hidden) < 200 * 10
    window, *steps = await page.evaluate("() => [...widths]")
    assert steps and not any(width % 240 for width in steps), f"{steps} after {window}"

    # Nothing is left to scroll when the wide line is gone, or wrapped.
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await expect(text).to_have_text("")
    assert await scroller.evaluate(hidden) == 0
    await page.keyboard.press("Control+z")
    await expect(text).to_contain_text("www")
    assert await scroller.evaluate(hidden) > 0
    await page.keyboard.press("Alt+z")
    await expect(text).to_have_css("white-space", "break-spaces")
    assert await scroller.evaluate(hidden) == 0
