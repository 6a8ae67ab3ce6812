"""Previews in a real browser: that they work in a tab and in a frame of the IDE, and that projects stay apart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Error, Page
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.routes.guard import COOKIE
from tests.support.chromium import chromium
from tests.support.previews import OTHER, PROJECT, Edge, edge, running_app
from tests.support.server import free_port

pytestmark = pytest.mark.browser


async def ide_page(request: Request) -> Response:
    """A page of the IDE with the frame that the query asks for."""
    frame = request.query_params.get("frame", "about:blank")
    policy = "default-src 'none'; frame-src *; connect-src 'self'; frame-ancestors 'none'"
    html = f'<!doctype html><title>IDE</title><iframe id="preview" src="{frame}"></iframe>'
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


ROUTES = [Route("/ide", ide_page)]

APP_PAGE = """<!doctype html><title>app</title>
<script src="script.js"></script>
<script type="module" src="module.js"></script>
<p id="state">loading</p>"""
APP_MODULE = """
const results = { script: window.fromScript };
const reply = await fetch("data", { method: "POST", headers: { "x-own": "1" }, body: "sent" });
results.fetched = await reply.text();
results.socket = await new Promise((done) => {
  const socket = new WebSocket(new URL("socket", location.href).href.replace("http", "ws"));
  socket.onmessage = (event) => done(event.data);
  socket.onerror = () => done("failed");
});
window.results = results;
document.getElementById("state").textContent = "ready";
"""


async def app_answer(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/script.js":
            return web.Response(text="window.fromScript = 'loaded';", content_type="text/javascript")
        case "/module.js":
            return web.Response(text=APP_MODULE, content_type="text/javascript")
        case "/data":
            return web.Response(text=await request.text())
        case "/socket":
            joined = web.WebSocketResponse()
            await joined.prepare(request)
            await joined.send_str("from the app")
            await joined.receive()
            return joined
        case "/strict":
            headers = {"X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'"}
            return web.Response(text=APP_PAGE, content_type="text/html", headers=headers)
    return web.Response(text=APP_PAGE, content_type="text/html")


@pytest.fixture
async def app() -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", app_answer)
    async with running_app(application) as port:
        yield port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path, ROUTES) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium(["--no-proxy-server"]) as browser:
        yield browser


@pytest.fixture
async def context(browser: Browser, server: Edge) -> AsyncIterator[BrowserContext]:
    """A browser that is signed in."""
    context = await browser.new_context()
    session = await server.session()
    await context.add_cookies(
        [{"name": COOKIE, "value": session, "url": server.ide, "httpOnly": True, "sameSite": "Lax"}]
    )
    yield context
    await context.close()


def host_url(server: Edge, port: int, project: str = PROJECT) -> str:
    return f"http://{server.host(port, project)}/"


def path_url(port: int) -> str:
    return f"/preview/{PROJECT}/{port}/"


async def framed(context: BrowserContext, server: Edge, source: str) -> tuple[Page, Any]:
    page = await context.new_page()
    await page.goto(f"{server.ide}/ide?frame={source}")
    frame = page.frames[1]
    await frame.wait_for_selector("#state:text('ready')")
    return page, frame


WORKS = {"script": "loaded", "fetched": "sent", "socket": "from the app"}


async def test_a_preview_opens_in_a_tab_and_stays_open(context: BrowserContext, server: Edge, app: int) -> None:
    page = await context.new_page()
    await page.goto(host_url(server, app) + "?a=b")
    await page.wait_for_selector("#state:text('ready')")
    assert page.url == host_url(server, app) + "?a=b"
    assert await page.evaluate("results") == WORKS
    await page.reload()
    await page.wait_for_selector("#state:text('ready')")


async def test_in_a_tab_the_sockets_of_webpack_lead_to_it(context: BrowserContext, server: Edge, app: int) -> None:
    page = await context.new_page()
    server.workspaces.listening = (app,)
    for process, reached in (("webpack", "from the app"), ("node", "failed")):
        server.workspaces.process = process
        await page.goto(host_url(server, app))
        await page.wait_for_selector("#state:text('ready')")
        assert await page.evaluate(ASK_FOR_PORT, free_port()) == reached
        assert await page.evaluate("results") == WORKS


async def test_a_preview_works_in_a_frame_of_the_ide(context: BrowserContext, server: Edge, app: int) -> None:
    _, frame = await framed(context, server, host_url(server, app))
    assert await frame.evaluate("results") == WORKS


async def test_an_app_that_forbids_frames_is_shown_in_the_ide_all_the_same(
    context: BrowserContext, server: Edge, app: int
) -> None:
    _, frame = await framed(context, server, host_url(server, app) + "strict")
    assert await frame.evaluate("results") == WORKS
    _, frame = await framed(context, server, path_url(app) + "strict")
    assert await frame.evaluate("results") == WORKS


async def test_by_path_a_preview_works_in_its_sandbox(context: BrowserContext, server: Edge, app: int) -> None:
    _, frame = await framed(context, server, path_url(app))
    assert await frame.evaluate("results") == WORKS
    page = await context.new_page()
    await page.goto(server.ide + path_url(app))
    await page.wait_for_selector("#state:text('ready')")
    assert await page.evaluate("results") == WORKS


TOLD = (
    "new Promise((done) => addEventListener('message', ({ data, origin }) => data.hutch && done([data.hutch, origin])))"
)


ASK_FOR_PORT = """(port) => new Promise((done) => {
    const socket = new WebSocket(`ws://${location.hostname}:${port}/socket`);
    socket.onmessage = (event) => done(event.data); socket.onerror = () => done("failed"); })"""
STORES = """[localStorage, sessionStorage].map((kept, index) => {
    if (index) return [kept.length, Object.keys(kept)];
    kept.setItem("a", 1);
    kept.of = "of";
    const had = [kept.getItem("a"), kept.getItem("none"), kept.length, kept.key(0), kept["of"], "a" in kept];
    kept.removeItem("a");
    kept.clear();
    return kept.length ? "not cleared" : had;
})"""


@pytest.mark.parametrize("by_path", [False, True])
async def test_a_watched_page_tells_the_pane_where_it_is(
    context: BrowserContext, server: Edge, app: int, by_path: bool
) -> None:
    base = path_url(app) if by_path else host_url(server, app)
    page = await context.new_page()
    await page.goto(f"{server.ide}/ide")
    told = asyncio.ensure_future(page.evaluate(TOLD))
    await page.evaluate(f"preview.src = '{base}.hutch/pane?watch=1&next=' + encodeURIComponent('/?a=b#c')")
    message, origin = await told
    assert message == {"type": "place", "path": "/?a=b#c", "back": False, "forward": False}
    assert origin == ("null" if by_path else host_url(server, app).rstrip("/"))
    frame = page.frames[1]
    await frame.wait_for_selector("#state:text('ready')")
    assert await frame.evaluate("results") == WORKS
    # With the app's own base in the path, and no other host: sockets go to this app, however a page was built.
    assert await frame.evaluate(ASK_FOR_PORT, free_port()) == "from the app"
    # This browser blocks third-party cookies, and with them a frame's storage, as a sandbox does: that is made up for.
    assert await frame.evaluate(STORES) == [["1", None, 2, "a", "of", True], [0, []]]
    await page.evaluate(f"preview.src = '{base}.hutch/pane?next=/'")
    await frame.wait_for_url("**/")
    await frame.wait_for_selector("#state:text('ready')")
    assert await frame.evaluate("fetch('.').then((answer) => answer.text())") == APP_PAGE
    assert await frame.evaluate("String(WebSocket)") == "function WebSocket() { [native code] }"
    with pytest.raises(Error, match="SecurityError"):
        await frame.evaluate("localStorage")


@pytest.mark.parametrize("by_path", [False, True])
async def test_the_waiting_page_loads_by_itself(
    context: BrowserContext, server: Edge, app: int, by_path: bool, unused: int
) -> None:
    page = await context.new_page()
    address = server.ide + path_url(unused) if by_path else host_url(server, unused)
    await page.goto(f"{server.ide}/ide?frame={address}")
    frame = page.frames[1]
    await frame.wait_for_selector("h1:text('Nothing listens')")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", app_answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused).start()
    await server.workspaces.open_port(unused)
    await frame.wait_for_selector("#state:text('ready')")
    await page.close()
    await runner.cleanup()


@pytest.fixture
async def unused() -> int:
    listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = listener.sockets[0].getsockname()[1]
    listener.close()
    return port


async def test_another_projects_page_can_not_use_a_preview(context: BrowserContext, server: Edge, app: int) -> None:
    page = await context.new_page()
    await page.goto(host_url(server, app))
    await page.wait_for_selector("#state:text('ready')")
    await page.goto(host_url(server, app, OTHER))
    await page.wait_for_selector("#state:text('ready')")
    target = host_url(server, app)
    before = len(server.workspaces.opened)
    socket = f"""new Promise((done) => {{
        const socket = new WebSocket('{target.replace("http", "ws")}socket');
        socket.onmessage = () => done(true); socket.onerror = () => done(false); }})"""
    assert await page.evaluate(socket) is False
    send = f"fetch('{target}data', {{ method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }})"
    await page.evaluate(send + ".then(() => null)")
    read = f"fetch('{target}data', {{ credentials: 'include' }}).then((reply) => reply.text()).catch(() => 'refused')"
    assert await page.evaluate(read) == "refused"
    assert (PROJECT, app) not in server.workspaces.opened[before:]


async def api_answer(request: web.Request) -> web.StreamResponse:
    """An API that lets its front end on another port ask, with cookies, as people write it on their own machine."""
    headers = {
        "Access-Control-Allow-Origin": request.headers.get("Origin", ""),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "content-type, x-own",
        "Access-Control-Allow-Methods": "PUT",
    }
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=headers)
    if request.path == "/login":
        response = web.Response(text="in", headers=headers)
        response.set_cookie("user", "ada", httponly=True)
        return response
    seen = [request.headers.get("Origin"), request.cookies.get("user"), await request.text()]
    return web.json_response(seen, headers=headers)


@pytest.fixture
async def api(app: int, server: Edge) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api_answer)
    async with running_app(application) as port:
        yield port


ASK = """async (api) => {
    const options = { credentials: 'include', headers: { 'x-own': '1', 'Content-Type': 'application/json' } };
    await fetch(api + 'login', { credentials: 'include' });
    const reply = await fetch(api + 'items', { ...options, method: 'PUT', body: '{}' });
    return [reply.status, await reply.json()];
}"""


@pytest.mark.parametrize("in_frame", [False, True])
async def test_a_page_asks_another_private_port_of_its_project(
    context: BrowserContext, server: Edge, app: int, api: int, in_frame: bool
) -> None:
    server.workspaces.listening = (app,)
    if in_frame:
        _, page = await framed(context, server, host_url(server, app))
    else:
        page = await context.new_page()
        await page.goto(host_url(server, app))
    await page.wait_for_selector("#state:text('ready')")
    answer = [200, [f"http://localhost:{app}", "ada", "{}"]]
    assert await page.evaluate(f"({ASK})('{host_url(server, api)}').catch(() => 'refused')") == "refused"

    server.workspaces.listening = (app, api)
    await page.goto(host_url(server, app) + "?again")
    await page.wait_for_selector("#state:text('ready')")
    assert page.url == host_url(server, app) + "?again"
    assert await page.evaluate(ASK, host_url(server, api)) == answer
