"""A hostile page in a preview, on a host of its own and by path, gets nothing of the IDE or of another project.

Each test also takes out the guard that it is about, and then the same attack succeeds: so it would be noticed.
"""

import asyncio
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Frame, Page

from server import edge, middleware
from server.errors import AppError
from server.routes import forwarding, guard, pages, preview
from server.routes.visits import Visit
from tests.hostile.conftest import World

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FORMS = ("host", "path")
on_both_forms = pytest.mark.parametrize("form", FORMS)


def preview_at(world: World, form: str, path: str = "/") -> str:
    return (world.host_preview if form == "host" else world.path_preview) + path


def without_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a path preview be what it would be without its policy: a page of the IDE's origin."""
    monkeypatch.setattr(forwarding, "SANDBOX", b"default-src * 'unsafe-inline' 'unsafe-eval' data: blob:")


def without_guard(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """What keeps orders away: on a host the Origin, as cookies come along from the same site; by path the sandbox."""
    if form == "host":
        monkeypatch.setattr(guard, "_is_meant", lambda scope, presented: True)
    else:
        without_sandbox(monkeypatch)


def without_header(monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.setattr(middleware, "_SECURITY", tuple(pair for pair in middleware._SECURITY if pair[0] != name))


def attempt(script: str) -> str:
    """What the script comes to, false where the browser stops it."""
    return f"async (to) => {{ try {{ return await ({script})(to); }} catch {{ return false; }} }}"


READS = {
    "cookies": "() => document.cookie.includes('of the IDE')",
    "storage": "() => localStorage.getItem('secret') === 'of the IDE'",
    "page": "() => parent.document.querySelectorAll('*').length > 0",
    "API": "({ api }) => fetch(api, { credentials: 'include' }).then((reply) => reply.ok)",
    "files": "({ api }) => fetch(`${api}/files/hutch.toml`, { credentials: 'include' }).then((reply) => reply.ok)",
}


async def reads(frame: Frame, world: World, what: str) -> Any:
    return await frame.evaluate(attempt(READS[what]), {"api": f"{world.ide}/api/projects/{world.project}"})


@on_both_forms
async def test_nothing_of_the_ide_is_read(world: World, page: Page, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = await world.framed(page, preview_at(world, form))
    assert {what: await reads(frame, world, what) for what in READS} == dict.fromkeys(READS, False)
    without_sandbox(monkeypatch)
    frame = await world.framed(page, preview_at(world, "path"))
    assert {what: await reads(frame, world, what) for what in READS} == dict.fromkeys(READS, True)


SHOW = """(url) => new Promise((done) => {
    const frame = Object.assign(document.createElement('iframe'), { src: url, onload: () => done() });
    document.body.append(frame);
})"""


@on_both_forms
async def test_the_ide_is_not_shown_in_a_frame(
    world: World, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shows() -> bool:
        outer = await world.framed(page, preview_at(world, form))
        await outer.evaluate(SHOW, world.ide)
        return outer.child_frames[0].url.startswith(world.ide)

    assert not await shows()
    without_header(monkeypatch, b"x-frame-options")
    monkeypatch.setattr(pages, "policy", lambda request, nonce: "default-src 'self' 'unsafe-inline'; frame-src *")
    assert await shows()


@on_both_forms
async def test_a_tab_that_the_ide_opens_has_no_hold_of_it(
    world: World, context: BrowserContext, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steers() -> bool:
        await page.goto(world.ide)
        async with context.expect_page() as opened:
            await page.evaluate("(url) => { window.open(url); }", preview_at(world, form))
        tab = await opened.value
        await tab.wait_for_function("document.title === 'hostile'")
        held: bool = await tab.evaluate("!!window.opener")
        await tab.close()
        return held

    assert not await steers()
    without_header(monkeypatch, b"cross-origin-opener-policy")
    assert await steers()


@on_both_forms
async def test_a_window_of_the_ide_that_it_opens_is_out_of_its_reach(
    world: World, context: BrowserContext, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def holds() -> bool:
        frame = await world.framed(page, preview_at(world, form))
        async with context.expect_page() as opened:
            await frame.evaluate("(url) => { window.held = window.open(url); }", world.ide)
        tab = await opened.value
        await tab.wait_for_load_state()
        found = tab.url.startswith(world.ide) and await frame.evaluate("!!window.held && !window.held.closed")
        await tab.close()
        return found

    assert not await holds()
    without_header(monkeypatch, b"cross-origin-opener-policy")
    assert await holds()


MESSAGES = """() => {
    for (const type of ['run', 'stop', 'status', 'ports', 'open', 'navigate', 'close', 'console', 'error'])
        for (const message of [type, { type }, JSON.stringify({ type, path: '/', ports: [] })])
            parent.postMessage(message, '*');
    // What the pane believes of the page that it shows, and of no other.
    parent.postMessage({ hutch: { type: 'place', path: '/forged', back: true, forward: true } }, '*');
    parent.postMessage({ hutch: { type: 'report', kind: 'error', text: 'forged', place: '' } }, '*');
    return true;
}"""


LISTEN = "() => { window.heard = 0; addEventListener('message', () => { window.heard++; }); }"
HEARD = "() => new Promise((done) => { setInterval(() => { if (window.heard >= 29) done(); }, 10); })"
SHOWN = """() => [
    document.title,
    location.href,
    document.querySelectorAll('dialog[open], [role=menu]').length,
    document.querySelector('.preview-address').value,
    document.body.textContent.includes('forged'),
]"""


@on_both_forms
async def test_messages_to_the_ide_are_not_listened_to(world: World, page: Page, form: str) -> None:
    orders: list[str] = []
    page.on("request", lambda request: orders.append(request.url) if request.method != "GET" else None)

    async def change() -> bool:
        frame = await world.framed(page, preview_at(world, form), world.ide_page)
        await page.wait_for_selector(".preview-stage:not([data-loading]) iframe")
        await page.evaluate(LISTEN)
        # What the page has to say by itself, it says now: which panes are open.
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        orders.clear()
        before = await page.evaluate(SHOWN)
        await frame.evaluate(MESSAGES)
        # Listeners of the IDE's own come before this one.
        await page.evaluate(HEARD)
        return bool(orders or await page.evaluate(SHOWN) != before)

    assert not await change()
    # In the IDE alone: the page in the pane is known by its title, and may get messages too.
    await page.add_init_script("if (window === top) onmessage = () => { document.title += '!'; };")
    assert await change()


ORDERS = {
    "fetch": "(url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' })",
    "beacon": "(url) => navigator.sendBeacon(url)",
    "form": """(url) => {
        const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, target: 'into' });
        document.body.append(Object.assign(document.createElement('iframe'), { name: 'into' }), form);
        form.submit();
    }""",
}


@on_both_forms
@pytest.mark.parametrize("order", ORDERS)
async def test_nothing_is_ordered_in_the_persons_name(
    world: World, context: BrowserContext, page: Page, form: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: asyncio.Queue[bool] = asyncio.Queue()

    async def note(connection: Any, action: str, admit: Any = guard.admit) -> Any:
        try:
            actor = await admit(connection, action)
        except AppError:
            if action == "project.run":
                asked.put_nowait(False)
            raise
        if action == "project.run":
            asked.put_nowait(True)
        return actor

    async def gives() -> bool:
        ide = world.near_ide if form == "host" else world.ide
        frame = await world.framed(page, preview_at(world, form), ide)
        await frame.evaluate(f"(url) => {{ ({ORDERS[order]})(url); }}", f"{ide}/stop/{world.project}")
        async with asyncio.timeout(15):
            return await asked.get()

    monkeypatch.setattr(guard, "admit", note)
    monkeypatch.setattr(world.app.services.workspaces, "stop", nothing)
    assert not await gives()
    without_guard(monkeypatch, form)
    assert await gives()


async def nothing(id: str) -> None:
    """What the order comes to."""


TERMINAL = """({ url }) => new Promise((done) => {
    const socket = new WebSocket(url);
    socket.onmessage = ({ data }) => { done(String(data).includes('ready')); socket.close(); };
    socket.onerror = socket.onclose = () => done(false);
})"""


@on_both_forms
async def test_no_terminal_is_opened(
    world: World, context: BrowserContext, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ide = world.near_ide if form == "host" else world.ide
    url = f"{ide.replace('http', 'ws')}/api/projects/{world.project}/terminals/of-{form}"

    async def opens() -> Any:
        frame = await world.framed(page, preview_at(world, form), ide)
        return await frame.evaluate(attempt(TERMINAL), {"url": url})

    assert await opens() is False
    names = [terminal.name for terminal in world.app.services.workspaces.terminals(world.project)]
    assert f"of-{form}" not in names
    without_guard(monkeypatch, form)
    assert await opens() is True


REGISTER = "(scope) => navigator.serviceWorker.register('sw.js', { scope }).then((worker) => worker.scope)"


async def registers(world: World, page: Page, form: str, scope: str) -> Any:
    frame = await world.framed(page, preview_at(world, form))
    return await frame.evaluate(attempt(REGISTER), scope)


async def test_no_service_worker_comes_over_the_ide(world: World, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    own = world.path_preview.removeprefix(world.ide) + "/"
    assert await registers(world, page, "path", own) is False
    without_sandbox(monkeypatch)
    assert await registers(world, page, "path", own) is False, "its script is not given out"
    monkeypatch.setattr(preview._PathVisit, "admitted", Visit.admitted)
    assert await registers(world, page, "path", "/") is False, "its app can't widen the scope"
    monkeypatch.setattr(forwarding, "_NOT_ON_OUR_ORIGIN", frozenset())
    assert await registers(world, page, "path", "/") == f"{world.ide}/"


async def test_on_its_own_host_a_service_worker_may_be(world: World, page: Page) -> None:
    await page.goto(f"{world.host_preview}/")
    assert await page.evaluate(attempt(REGISTER), f"{world.ide}/") is False
    assert await page.evaluate(attempt(REGISTER), "/") == f"{world.host_preview}/"


BOMB = """(domains) => {
    for (let number = 0; number < 200; number++)
        for (const domain of domains)
            document.cookie = `bomb${number}=${'x'.repeat(3500)}; Path=/${domain && `; Domain=${domain}`}`;
    return document.cookie.length > 10_000;
}"""
DOMAINS = ["", "127.0.0.1", "localhost", "hutch.localhost", "preview.hutch.localhost"]


@on_both_forms
async def test_two_hundred_cookies_leave_the_ide_usable(
    world: World, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def works() -> bool:
        reply = await page.goto(f"{world.ide}/api/projects")
        return reply is not None and reply.status == 200

    frame = await world.framed(page, preview_at(world, form))
    await frame.evaluate(attempt(BOMB), DOMAINS)
    await page.goto(f"{preview_at(world, form)}")
    assert await page.evaluate(attempt(BOMB), DOMAINS) is (form == "host"), "on its own host it may"
    assert await works()
    without_sandbox(monkeypatch)
    frame = await world.framed(page, preview_at(world, "path"))
    await frame.evaluate(attempt(BOMB), DOMAINS)
    assert not await works()


async def test_two_hundred_cookies_leave_other_previews_usable(
    world: World, context: BrowserContext, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def works() -> bool:
        reply = await page.goto(f"{world.neighbour}/")
        sent = await page.evaluate("document.cookie.length")
        assert sent > 100_000, "the browser has them for the neighbour too"
        return reply is not None and reply.status == 200 and await page.title() == "hostile"

    await page.goto(f"{world.host_preview}/")
    await page.evaluate(attempt(BOMB), ["preview.hutch.localhost"])
    assert await works()
    await page.evaluate(attempt(BOMB), ["preview.hutch.localhost"])
    monkeypatch.setattr(edge, "fitting_cookies", lambda value, most: value)
    assert not await works()


@on_both_forms
async def test_an_apps_cookie_stays_with_its_host(
    world: World, context: BrowserContext, page: Page, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def planted() -> set[str]:
        await page.goto(preview_at(world, form, "/plant"))
        elsewhere = [world.ide, world.near_ide, world.neighbour]
        found = {str(cookie.get("name")) for cookie in await context.cookies(elsewhere)}
        return {name for name in found if name.startswith(("planted", "own"))}

    assert await planted() == set()
    own = {cookie.get("name") for cookie in await context.cookies(world.host_preview)}
    assert ("own" in own) is (form == "host")
    monkeypatch.setitem(forwarding._RESPONSE_VALUES, b"set-cookie", lambda value, road: value)
    assert await planted() != set()


async def test_clearing_a_site_signs_nobody_out(
    world: World, context: BrowserContext, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.goto(world.near_ide)
    await page.goto(f"{world.host_preview}/")
    assert {"hutch_session"} <= {cookie.get("name") for cookie in await context.cookies(world.near_ide)}
    monkeypatch.setattr(forwarding, "_CLEARABLE", ('"cookies"',))
    await page.goto(f"{world.host_preview}/")
    assert not await context.cookies(world.near_ide)
