"""Showing a port to others, from the preview's menu: what a stranger's browser then gets."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.apps import INSTALL, project_with, run_in_the_ide
from tests.support.server import Server

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]


async def test_a_port_is_shown_to_others_and_no_longer(page: Page, server: Server, browser: Browser) -> None:
    command = f"python3 -m http.server --bind 127.0.0.1 {server.app_port}"
    toml = f"[run]\ninstall = false\ncommand = '{command}'\nport = {server.app_port}\n"
    project = project_with(server, {"hutch.toml": toml, "index.html": "<h1>shown</h1>"})
    frame = await run_in_the_ide(page, server, project)
    await expect(frame.locator("h1")).to_have_text("shown", timeout=INSTALL)
    stranger = await (await browser.new_context()).new_page()
    address = page.frames[1].url.partition("?")[0]
    await stranger.goto(address)
    await expect(stranger.get_by_label("Token")).to_be_visible()

    await page.get_by_role("button", name="Preview menu").click()
    await page.get_by_role("menuitem", name="Share…").click()
    dialog = page.get_by_role("dialog", name=f"Who sees port {server.app_port}")
    await expect(dialog.get_by_role("radio", name="Private")).to_be_checked()
    await dialog.get_by_role("radio", name="Public").check()
    await expect(page.get_by_role("button", name="Public", include_hidden=True)).to_be_visible()
    await stranger.goto(address)
    await expect(stranger.locator("h1")).to_have_text("shown")
    await dialog.get_by_role("radio", name="Private").check()
    await expect(page.get_by_role("button", name="Public", include_hidden=True)).to_be_hidden()
    # Under an address of its own: what the app let the browser keep for a while is no question to the server.
    await stranger.goto(f"{address}?private")
    await expect(stranger.get_by_label("Token")).to_be_visible()

    await dialog.get_by_role("button", name="Make a link").click()
    link = await dialog.get_by_role("textbox", name="The new link").input_value()
    await expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    await stranger.goto(link)
    await expect(stranger.locator("h1")).to_have_text("shown")
    assert stranger.url == address
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(dialog.get_by_role("listitem")).to_have_count(0)
    await stranger.goto(f"{address}?revoked")
    await expect(stranger.get_by_label("Token")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
