"""The terminal panel, as its tests use it."""

from playwright.async_api import Locator, Page

from tests.support.server import Server


async def open_panel(page: Page, server: Server, project: str) -> None:
    """Be signed in, in the project's IDE, in its first terminal with the prompt there."""
    if not await page.context.cookies():
        await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    # The page is there before what it is made of.
    await page.locator("#tab-terminal").wait_for(state="attached")
    panes = page.get_by_role("navigation", name="Panes")
    if await panes.is_visible():
        await panes.get_by_role("button", name="Terminal").click()
    else:
        await page.locator("#tab-terminal").click()
    await page.locator(".terminal-pane:visible .xterm-helper-textarea").first.wait_for(state="attached")


def lines(page: Page) -> Locator:
    """The lines of the terminal that shows, as a screen reader finds them."""
    return page.locator(".terminal-pane:visible .xterm-accessibility-tree > div")


async def type_line(page: Page, text: str) -> None:
    """Type into the terminal that shows, with Enter."""
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type(text + "\n")


async def choose(page: Page, item: str) -> None:
    """Choose from the terminal menu."""
    await page.get_by_role("button", name="Terminal menu").click()
    await page.get_by_role("menuitem", name=item).click()
