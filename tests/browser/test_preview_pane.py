"""The preview's pane: where the page is, and what goes wrong in it, as far as the app lets itself be watched."""

import pytest
from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.support.apps import INSTALL, project_with, run_in_the_ide
from tests.support.server import Server

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

APP = """require("node:http").createServer((request, response) => {
  const policy = request.url === "/strict" ? { "content-security-policy": "default-src 'none'" } : {};
  response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "text/html", ...policy });
  response.end(`<!doctype html><h1>${request.url}</h1><a href="/second">on</a><a href="/strict">strict</a>
    <button onclick="history.pushState(null, '', '/pushed?a=b')">push</button>
    <button onclick="console.error('<b>wrong</b>', { at: 1 }); fetch('/missing'); broken()">fail</button>
    <p>${JSON.stringify(request.headers["accept-encoding"] ?? "")}</p>`);
}).listen(process.env.PORT);
"""
PORTS = """const net = require("node:net"), http = require("node:http");
const listen = (server, port) => new Promise((done) => server.listen(port, () => done(server)));
(async () => {
  const free = await Promise.all([0, 0].map((port) => listen(net.createServer(), port)));
  const [low, high] = free.map((server) => server.address().port).sort((a, b) => a - b);
  await Promise.all(free.map((server) => new Promise((done) => server.close(done))));
  await listen(net.createServer((socket) => socket.pipe(socket)), low);
  await listen(http.createServer((request, response) => response.end("<!doctype html><h1>seen</h1>")), high);
})();
"""
LATE = """const { createServer } = require("node:http"), { existsSync } = require("node:fs");
const page = (word) => `<!doctype html><h1>${word}</h1><a href="/more">more</a>`;
const second = createServer((request, response) => response.end(page("second")));
const first = createServer((request, response) => {
  if (request.url === "/more" && !second.listening) second.listen(0);
  response.end(page("first"));
});
console.log("still compiling");
const timer = setInterval(() => {
  if (!existsSync("go")) return;
  clearInterval(timer);
  first.listen(process.env.PORT);
}, 50);
"""
FORGED = """for (const data of [null, 1, "x", { hutch: 1 }, { hutch: { type: "place", path: "https://evil.example/" } },
  { hutch: { type: "place", path: "//evil.example/", back: "yes" } },
  { hutch: { type: "report", kind: "x", text: "y" } },
  { hutch: { type: "report", kind: "error", text: "<img src=x onerror=alert(1)>".repeat(9999), place: "" } }])
  parent.postMessage(data, "*")"""


@pytest.fixture
def forgiven() -> tuple[str, ...]:
    return ("Failed to load resource", "wrong", "broken", "Content Security Policy")


async def opened(page: Page, server: Server) -> FrameLocator:
    toml = f'[run]\ninstall = false\ncommand = "node index.js"\nport = {server.app_port}\n'
    frame = await run_in_the_ide(page, server, project_with(server, {"hutch.toml": toml, "index.js": APP}))
    await expect(frame.locator("h1")).to_have_text("/", timeout=INSTALL)
    return frame


async def test_the_address_follows_the_page_and_back_leads_back(page: Page, server: Server) -> None:
    frame = await opened(page, server)
    address = page.get_by_role("textbox", name="Path of the page")
    back, forward = (page.get_by_role("button", name=name) for name in ("Back to the page", "Forward"))
    await frame.get_by_role("link", name="on").click()
    await expect(address).to_have_value("/second")
    await frame.get_by_role("button", name="push").click()
    await expect(address).to_have_value("/pushed?a=b")
    await back.click()
    await expect(address).to_have_value("/second")
    await expect(frame.locator("h1")).to_have_text("/second")
    await back.click()
    await expect(frame.locator("h1")).to_have_text("/")
    await expect(back).to_be_disabled()
    await forward.click()
    await expect(frame.locator("h1")).to_have_text("/second")
    await address.fill("typed?x=y#z")
    await address.press("Enter")
    await expect(frame.locator("h1")).to_have_text("/typed?x=y")
    await back.click()
    await expect(frame.locator("h1")).to_have_text("/second")
    async with page.context.expect_page() as tab:
        await page.get_by_role("button", name="Open in a tab of its own").click()
    await expect((await tab.value).locator("h1")).to_have_text("/second")
    assert await (await tab.value).locator("p").inner_text() != '"identity"', "only the pane's pages are watched"


async def test_what_goes_wrong_in_the_page_is_listed_as_text(page: Page, server: Server) -> None:
    frame = await opened(page, server)
    strip = page.get_by_role("region", name="Problems of the page")
    await expect(strip).to_be_hidden()
    await frame.get_by_role("button", name="fail").click()
    summary = strip.get_by_role("button", name="2 errors, 1 failed request")
    await summary.click()
    problems = strip.get_by_role("listitem")
    await expect(problems.filter(has_text='<b>wrong</b> {"at":1}')).to_be_visible()
    await expect(problems.filter(has_text="ReferenceError: broken")).to_be_visible()
    await expect(problems.filter(has_text="404 /missing")).to_be_visible()
    await strip.get_by_role("button", name="Clear the list").click()
    await expect(strip).to_be_hidden()


async def test_a_page_in_the_frame_can_not_fool_the_pane(page: Page, server: Server) -> None:
    frame = await opened(page, server)
    address = page.get_by_role("textbox", name="Path of the page")
    await page.evaluate(FORGED.replace("parent.", "window."))
    nested = "document.body.appendChild(document.createElement('iframe')).contentWindow.setTimeout(script)"
    await frame.locator("body").evaluate(f"(body, script) => {nested}", FORGED.replace("parent.", "top."))
    await expect(frame.locator("iframe")).to_have_count(1)
    await frame.locator("body").evaluate(f"() => {{ {FORGED} }}")
    strip = page.get_by_role("region", name="Problems of the page")
    await strip.get_by_role("button", name="1 error").click()
    assert len(await strip.get_by_role("listitem").inner_text()) < 2100
    assert await strip.locator("img").count() == 0
    await expect(address).to_have_value("/evil.example/")
    await page.get_by_role("button", name="Reload the page").click()
    await expect(frame.locator("h1")).to_have_text("/evil.example/")
    assert page.url.startswith(server.url)


async def test_a_strict_page_and_a_person_who_does_not_want_it_are_left_alone(page: Page, server: Server) -> None:
    frame = await opened(page, server)
    await expect(frame.locator("p")).to_have_text('"identity"')
    await frame.get_by_role("link", name="strict").click()
    await expect(frame.locator("h1")).to_have_text("/strict")
    await page.get_by_role("button", name="Reload the page").click()
    menu = page.get_by_role("button", name="Preview menu")
    await menu.click()
    await page.get_by_role("menuitem", name="Watch for errors").click()
    await expect(frame.locator("p")).to_contain_text("gzip")
    await frame.get_by_role("button", name="push").click()
    await expect(page.get_by_role("textbox", name="Path of the page")).to_have_value("/")


async def test_sizes_of_phones_on_their_side_too(page: Page, server: Server) -> None:
    await opened(page, server)
    for choice in ("Small phone", "Rotated"):
        await page.get_by_role("button", name="Preview menu").click()
        await page.get_by_role("menuitem", name=choice).click()
    await page.reload()
    frame = page.frame_locator("iframe")
    await expect(frame.locator("h1")).to_be_visible()
    assert await frame.locator("body").evaluate("[innerWidth, innerHeight]") == [640, 360]


async def open_on_a_phone(page: Page) -> Locator:
    await page.get_by_role("button", name="Preview menu").click()
    await page.get_by_role("menuitem", name="Open on a phone").click()
    return page.get_by_role("dialog")


async def test_the_address_for_a_phone_is_no_name_of_this_machine_itself(page: Page, server: Server) -> None:
    await opened(page, server)
    await expect(await open_on_a_phone(page)).to_contain_text("HUTCH_PREVIEW_DOMAIN")


@pytest.mark.parametrize("settings", [{"HUTCH_PREVIEW_DOMAIN": "preview.test"}])
async def test_the_address_for_a_phone_is_a_code(page: Page, server: Server) -> None:
    toml = f'[run]\ninstall = false\ncommand = "node index.js"\nport = {server.app_port}\n'
    project = project_with(server, {"hutch.toml": toml, "index.js": APP})
    await run_in_the_ide(page, server, project)
    await expect(page.locator("iframe")).to_be_visible(timeout=INSTALL)
    dialog = await open_on_a_phone(page)
    await expect(dialog).to_contain_text(f"http://{server.app_port}-{project}.preview.test:{server.port}/")
    code = dialog.get_by_role("img", name="QR code of http")
    dark = "(canvas) => canvas.getContext('2d').getImageData(4, 4, 7, 1).data.filter((_, at) => at % 4 === 0).join()"
    assert await code.evaluate(dark) == "0,0,0,0,0,0,0", "the upper edge of a finder pattern"


async def test_the_first_port_that_speaks_http_opens_and_no_other(page: Page, server: Server) -> None:
    toml = '[run]\ninstall = false\ncommand = "node index.js"\n'
    frame = await run_in_the_ide(page, server, project_with(server, {"hutch.toml": toml, "index.js": PORTS}))
    await expect(frame.locator("h1")).to_have_text("seen", timeout=INSTALL)
    ports = page.get_by_role("combobox", name="Port")
    mute = ports.get_by_role("option").filter(has_text="no HTTP")
    await expect(mute).to_have_count(1)
    await ports.select_option(await mute.get_attribute("value"))
    await expect(page.get_by_text("does not speak HTTP")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(0)


async def test_the_pane_waits_with_the_log_and_offers_a_port_that_comes_later(page: Page, server: Server) -> None:
    toml = f'[run]\ninstall = false\ncommand = "node index.js"\nport = {server.app_port}\n'
    project = project_with(server, {"hutch.toml": toml, "index.js": LATE})
    frame = await run_in_the_ide(page, server, project)
    log = page.get_by_label("Last lines of the log")
    await expect(log).to_contain_text("still compiling", timeout=INSTALL)
    await expect(page.get_by_text(f"nothing listens on port {server.app_port} yet")).to_be_visible()
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/go", content="").raise_for_status()
    await expect(frame.locator("h1")).to_have_text("first")
    await expect(log).to_be_hidden()
    await frame.get_by_role("link").click()
    notice = page.get_by_role("status").filter(has_text="listens")
    await expect(notice).to_contain_text("node")
    await expect(frame.locator("h1")).to_have_text("first")
    await notice.get_by_role("button", name="Open").click()
    await expect(frame.locator("h1")).to_have_text("second")
    await expect(notice).to_be_hidden()
