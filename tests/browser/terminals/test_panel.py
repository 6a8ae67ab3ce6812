"""The panel of one terminal: replays, gaps, lost connections, renderers and the keys of phones."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.terminals.panel import lines, open_panel, type_line
from tests.support.server import Server
from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


async def test_what_a_replay_asks_is_not_answered_again(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await type_line(page, "stty raw -echo; printf '\\033[c\\033[6n\\033]11;?\\a'; cat -v")
    answer = lines(page).filter(has_text=re.compile(r"\^\[\[\?[\d;]+c.*\^\[\[\d+;\d+R.*\^\[\]11;rgb"))
    await expect(answer).to_have_count(1)
    await page.reload()
    await expect(answer).to_have_count(1)
    async with Terminal(server, project, "terminals/terminal-1?offset=0") as program:
        # What xterm.js made of the replay would be in front of this line.
        await expect(page.locator(".terminal-status")).to_be_hidden()
        await program.type("the end")
        said = await program.read_until("the end")
        assert said.count("rgb:") == 1
        assert said.count("^[[?") == 1


async def test_after_a_gap_the_program_draws_anew(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    program = "trap 'echo drawn-$((1 + 1))' WINCH; head -c 1500000 /dev/zero | tr '\\0' x; echo full-$((1 + 1)); "
    async with Terminal(server, project, "terminals/terminal-1?offset=0") as shell:
        await shell.type(f'sh -c "{program.replace("$", chr(92) + "$")} while sleep 0.05; do :; done"\n')
        await shell.read_until("full-2", 60)
        assert "drawn-2" not in shell.output.decode()
        await page.reload()
        await shell.read_until("drawn-2")


@pytest.mark.parametrize("forgiven", [("WebSocket connection to", "Failed to load resource")])
async def test_a_lost_connection_is_one_quiet_line(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await type_line(page, "kept=$((6 * 7)); echo set-$kept")
    # A server that is killed takes along what it has not passed on.
    await expect(lines(page).filter(has_text=re.compile("^set-42"))).to_have_count(1)
    server.kill()
    line = page.locator(".terminal-status")
    await expect(line).to_have_text(re.compile(r"^Reconnecting… [1-9]\d* s\. Keys are not sent meanwhile\.Try now$"))
    await page.keyboard.type("lost")
    server.start()
    await expect(line).to_be_hidden(timeout=30_000)
    await page.keyboard.type("echo still-$kept\n")
    await expect(lines(page).filter(has_text=re.compile("^still-42"))).to_have_count(1)
    # Nor is a list that can't be had, as while the server starts, taken for an empty one: whether the panel comes
    # before or, as here, after what the server tells by itself.
    told = asyncio.Event()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: _note(told, frame)))

    async def later(route: Route) -> None:
        await told.wait()
        await route.continue_()

    await page.route("**/terminals-*.js", later)
    await page.route("**/terminals", lambda route: route.fulfill(status=503), times=1)
    await page.reload()
    await expect(lines(page).filter(has_text=re.compile("^still-42"))).to_have_count(1)
    await expect(page.locator(".terminal-bar [role=tab]")).to_have_count(1)


def _note(told: asyncio.Event, frame: str | bytes) -> None:
    if '"type": "terminals"' in str(frame):
        told.set()


async def test_without_webgl_it_is_drawn_with_elements(page: Page, server: Server, project: str) -> None:
    await page.add_init_script(
        """
        const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.startsWith("webgl") ? null : get.call(this, kind, ...rest);
        };
        """
    )
    await open_panel(page, server, project)
    await type_line(page, "echo drawn-$((1 + 1))")
    await expect(page.locator(".xterm-rows > div").filter(has_text=re.compile("^drawn-2"))).to_have_count(1)


async def test_a_graphics_context_that_is_lost_is_done_without(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    canvas = page.locator(".xterm-screen canvas").last
    if not await canvas.count():
        pytest.skip("this browser has no WebGL")
    await page.evaluate(
        """
        for (const canvas of document.querySelectorAll(".xterm-screen canvas")) {
          canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
        }
        """
    )
    await type_line(page, "echo drawn-$((1 + 1))")
    await expect(page.locator(".xterm-rows > div").filter(has_text=re.compile("^drawn-2"))).to_have_count(1)


@pytest.mark.parametrize("width", [390], indirect=True)
async def test_the_keys_that_a_phone_lacks(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await type_line(page, "echo begun-$((1 + 1)); sleep 1000")
    await expect(lines(page).filter(has_text=re.compile("^begun-2"))).to_have_count(1)
    keys = page.get_by_role("toolbar", name="Terminal keys")
    control = keys.get_by_role("button", name="Ctrl, for the next key")
    await control.tap()
    await expect(control).to_have_attribute("aria-pressed", "true")
    await page.keyboard.type("c")
    await expect(control).to_have_attribute("aria-pressed", "false")
    await page.keyboard.type("echo over-$((1 + 1))")
    await keys.get_by_role("button", name="Home").tap()
    await page.keyboard.type("true && ")
    await page.keyboard.press("Enter")
    await expect(lines(page).filter(has_text=re.compile("^over-2"))).to_have_count(1)


async def test_a_shell_that_opens_by_itself_leaves_the_focus_where_it_is(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={}).raise_for_status().json()["id"]
        await page.goto(server.link)
        await page.goto(f"{server.url}/projects/{project}")
        await page.get_by_role("treeitem", name="index.js").click()
        await page.locator(".cm-content").click()
        client.post(f"/api/projects/{project}/start").raise_for_status()
    await page.locator(".terminal-pane:visible .xterm-helper-textarea").wait_for(state="attached")
    await expect(lines(page).filter(has_text="$").or_(lines(page).filter(has_text="#")).first).to_be_visible()
    await expect(page.locator(".cm-content")).to_be_focused()
