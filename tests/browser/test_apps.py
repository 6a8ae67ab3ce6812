"""Apps from an empty project, with no setting but the run command, seen in the preview."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.apps import INSTALL, project_with, run_in_the_ide
from tests.support.server import Server

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.engine,
    pytest.mark.parametrize("server", ["docker"], indirect=True),
]

RUN_NODE = '[run]\ninstall = "npm install"\ncommand = "node index.js"\nport = 3000\n'
LOGIN = """const app = require("express")();
app.use(require("express").urlencoded());
app.get("/", (request, response) => {
  const name = /name=(\\w+)/.exec(request.headers.cookie ?? "")?.[1];
  const form = '<form method="post" action="/login"><input name="name"><button>Go</button></form>';
  response.send(name ? `<h1>Hello ${name}</h1>` : form);
});
app.post("/login", (request, response) => {
  response.cookie("name", request.body.name, { httpOnly: true, sameSite: "lax" });
  response.redirect("/");
});
app.listen(3000);
"""
FLASK = """from flask import Flask, redirect, request, url_for
app = Flask(__name__)
names = []

@app.get("/")
def home():
    return "<h1>Guests: " + ", ".join(names) + '</h1><form method="post"><input name="name"><button>Add</button></form>'

@app.post("/")
def add():
    names.append(request.form["name"])
    return redirect(url_for("home", _external=True))
"""
CHAT = """const server = require("node:http").createServer((request, response) => response.end(`<!doctype html>
<input><ul></ul><script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat", "chat.v1");
const list = document.querySelector("ul");
const say = (text) => list.append(Object.assign(document.createElement("li"), { textContent: text }));
socket.onopen = () => say("joined by " + socket.protocol);
socket.onmessage = (event) => say(event.data);
document.querySelector("input").onchange = (event) => socket.send(event.target.value);
</script>`));
const chat = new (require("ws").WebSocketServer)({ server, path: "/chat", handleProtocols: () => "chat.v1" });
chat.on("connection", (socket) => {
  socket.on("message", (data) => chat.clients.forEach((client) => client.send(String(data))));
});
server.listen(3000);
"""
CLOCK = """require("node:http").createServer((request, response) => {
  if (request.url !== "/ticks") return response.end(`<!doctype html><h1></h1><script>
    const shown = document.querySelector("h1");
    new EventSource("ticks").onmessage = (event) => { shown.textContent += event.data; };</script>`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  let tick = 0;
  const timer = setInterval(() => response.write(`data: ${++tick}.\\n\\n`), 200);
  response.on("close", () => { clearInterval(timer); console.log("the clock was put away"); });
}).listen(3000);
"""
UPLOAD = """require("node:http").createServer((request, response) => {
  if (request.method === "GET") return response.end(`<!doctype html><input type="file"><p></p><script>
    document.querySelector("input").onchange = async (event) => {
      const answer = await fetch("upload", { method: "PUT", body: event.target.files[0] });
      document.querySelector("p").textContent = await answer.text();
    };</script>`);
  const hash = require("node:crypto").createHash("sha256");
  request.on("data", (chunk) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
}).listen(3000);
"""


async def test_express_with_a_login_cookie(page: Page, server: Server) -> None:
    project = project_with(server, {"hutch.toml": RUN_NODE, "index.js": LOGIN}, dependencies={"express": "^5"})
    frame = await run_in_the_ide(page, server, project)
    await frame.get_by_role("textbox").fill("ada", timeout=INSTALL)
    await frame.get_by_role("button", name="Go").click()
    await expect(frame.locator("h1")).to_have_text("Hello ada")
    await page.get_by_role("button", name="Reload the page").click()
    await expect(frame.locator("h1")).to_have_text("Hello ada")
    kept = [cookie.get("name") for cookie in await page.context.cookies(server.url)]
    assert "name" not in kept, "the app's cookie stays on the app's host"


async def test_flask_from_requirements(page: Page, server: Server) -> None:
    install = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    toml = f'[run]\ninstall = "{install}"\ncommand = ".venv/bin/flask --app main run --debug"\nport = 5000\n'
    files = {"hutch.toml": toml, "requirements.txt": "flask\n", "main.py": FLASK}
    project = project_with(server, files, template="python")
    frame = await run_in_the_ide(page, server, project)
    await frame.get_by_role("textbox").fill("ada", timeout=INSTALL)
    await frame.get_by_role("button", name="Add").click()
    await expect(frame.locator("h1")).to_have_text("Guests: ada")


async def test_a_chat_of_two_pages_over_websockets(page: Page, server: Server) -> None:
    project = project_with(server, {"hutch.toml": RUN_NODE, "index.js": CHAT}, dependencies={"ws": "^8"})
    frame = await run_in_the_ide(page, server, project)
    await expect(frame.get_by_role("listitem")).to_have_text("joined by chat.v1", timeout=INSTALL)
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Open in a tab of its own").click()
    other = await opened.value
    await expect(other.get_by_role("listitem")).to_have_text("joined by chat.v1")
    for writer in (frame.get_by_role("textbox"), other.get_by_role("textbox")):
        await writer.fill("hello")
        await writer.press("Enter")
    for reader in (frame, other):
        await expect(reader.get_by_role("listitem")).to_have_text(["joined by chat.v1", "hello", "hello"])


async def test_a_clock_of_server_sent_events(page: Page, server: Server) -> None:
    project = project_with(server, {"hutch.toml": RUN_NODE, "index.js": CLOCK})
    frame = await run_in_the_ide(page, server, project)
    await expect(frame.locator("h1")).to_have_text(re.compile(r"^1\.2\.3\."), timeout=INSTALL)
    await page.get_by_role("button", name="Reload the page").click()
    await page.locator("#tab-logs").click()
    await page.get_by_role("button", name="Plain text").click()
    await expect(page.get_by_role("tabpanel", name="Logs")).to_contain_text("the clock was put away")


async def upload(page: Page, server: Server, tmp_path: Path, size: int, *, within: int = INSTALL) -> None:
    """Upload `size` MB by the app's page, and see that the app got them; `within` is in milliseconds."""
    file = tmp_path / "large"
    with file.open("wb") as large:
        for number in range(size):
            large.write(number.to_bytes(4, "big") * 250_000)
    project = project_with(server, {"hutch.toml": RUN_NODE, "index.js": UPLOAD})
    frame = await run_in_the_ide(page, server, project)
    await frame.locator("input").set_input_files(file, timeout=INSTALL)
    with file.open("rb") as large:
        digest = hashlib.file_digest(large, "sha256").hexdigest()
    await expect(frame.locator("p")).to_have_text(digest, timeout=within)


async def test_a_large_upload(page: Page, server: Server, tmp_path: Path) -> None:
    await upload(page, server, tmp_path, 100)
