"""A recording in a real browser: begun, seen by everyone, played with keys, downloaded and deleted."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminals.panel import choose, open_panel
from tests.support.server import Server
from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


async def test_a_recording_is_seen_by_everyone_and_played(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    other = await page.context.new_page()
    await open_panel(other, server, project)
    await choose(page, "Record this terminal")
    for seen in (page, other):
        await expect(seen.get_by_role("tab", name="Being recorded: Terminal 1")).to_be_visible()
        await expect(seen.get_by_role("status").filter(has_text="Recording")).to_be_visible()
    async with Terminal(server, project, "terminals/terminal-1") as typist:
        for wanted in ("first", "second"):
            await typist.type(f"printf '\\033[2J\\033[H'; echo {wanted}-$((6 * 7)); sleep 1.2\n")
            await typist.read_until(f"{wanted}-42")
    await other.get_by_role("status").filter(has_text="Recording").get_by_role("button", name="Stop").click()
    for seen in (page, other):
        await expect(seen.get_by_role("tab", name="Being recorded")).to_have_count(0)
        await expect(seen.get_by_role("status").filter(has_text="Recording")).to_have_count(0)

    await choose(page, "Recordings…")
    recordings = page.get_by_role("region", name="Recordings")
    await recordings.get_by_role("button", name=re.compile("^Terminal 1")).click()
    screen = recordings.locator(".xterm-accessibility-tree")
    await expect(screen).to_contain_text("first-42")
    await expect(screen).to_contain_text("second-42")
    await expect(recordings.get_by_role("status").filter(has_text="The recording has ended")).to_have_count(1)
    position = recordings.get_by_role("slider", name="Position")
    await expect(position).to_have_attribute("aria-valuetext", re.compile(r"0:0[1-3] of 0:0[1-3]"))
    await position.fill("0")
    await expect(screen).not_to_contain_text("first-42")
    await recordings.get_by_label("Speed").select_option("4×")
    await position.focus()
    await page.keyboard.press("Space")
    await expect(recordings.get_by_role("button", name="Pause")).to_be_visible()
    await expect(screen).to_contain_text("second-42")
    await page.keyboard.press("ArrowLeft")
    await expect(position).to_have_attribute("aria-valuetext", re.compile("^0:00 of"))

    await page.keyboard.press("Escape")
    async with page.expect_download() as downloading:
        await recordings.get_by_role("link", name="Download Terminal 1").click()
    cast = Path(await (await downloading.value).path()).read_text().splitlines()
    assert json.loads(cast[0])["version"] == 2
    assert "second-42" in "".join(cast)
    await recordings.get_by_role("button", name="Delete Terminal 1").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(recordings.get_by_text("Nothing has been recorded yet")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(recordings).to_have_count(0)


async def test_the_player_is_loaded_when_it_is_used(page: Page, server: Server, project: str) -> None:
    scripts: list[str] = []
    page.on("request", lambda request: scripts.append(request.url) if request.resource_type == "script" else None)
    await open_panel(page, server, project)
    await expect(page.get_by_role("button", name="Terminal menu")).to_be_visible()
    assert not [url for url in scripts if "recordings" in url]
    await choose(page, "Recordings…")
    await expect(page.get_by_role("region", name="Recordings")).to_be_visible()
    assert [url for url in scripts if "recordings" in url]
