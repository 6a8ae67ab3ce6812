"""Every page by the rules of axe-core, in every theme, on a laptop and on a phone."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminals.panel import choose
from tests.support.apps import project_with
from tests.support.axe import violations
from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("width", [1280, 390], indirect=True)]

WEB = "python3 -m http.server --bind 127.0.0.1"
NOTES = "# Notes\n\nA *word*, a [link](https://example.org) and `code`.\n"
CODE = 'import os  # needle\n\n\nclass Thing:\n    """A thing."""\n    size = 12.5\n    name = f"needle {os.sep}"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "local") as server:
        yield server


@pytest.fixture(scope="module")
def project(server: Server) -> str:
    """A project that runs, with Git, earlier versions and a recording."""
    toml = f"[run]\ninstall = false\ncommand = '{WEB} {server.app_port}'\nport = {server.app_port}\n"
    files = {
        "hutch.toml": toml,
        "notes.md": NOTES,
        "thing.py": CODE,
        "blob.bin": "\0\1\2",
        "index.html": "<h1>shown</h1>",
    }
    id = project_with(server, files)
    with server.client() as client:
        base = f"/api/projects/{id}"
        client.put(f"{base}/files/thing.py", content=CODE + "# more\n").raise_for_status()
        client.post(f"{base}/run").raise_for_status()
        wait_for("the app", lambda: client.get(f"{base}/status").json()["state"] == "running")
        client.put("/api/git/identity", json={"name": "Ada", "email": "ada@example.org"}).raise_for_status()
        for call, body in (("init", {}), ("stage", {"paths": ["thing.py"]}), ("commit", {"message": "Begin"})):
            client.post(f"{base}/git/{call}", json=body).raise_for_status()
        client.put(f"{base}/files/thing.py", content=CODE + "# changed\n").raise_for_status()
    return id


class Look:
    """Walks through the pages and collects what axe says of each."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []

    async def at(self, what: str) -> None:
        self.problems += [f"{what}: {problem}" for problem in await violations(self.page)]

    async def command(self, title: str) -> None:
        """Run a command by its title in the palette, which is the same on every screen."""
        await self.page.locator("#main").wait_for()
        await self.page.keyboard.press("F1")
        await self.page.get_by_role("combobox", name="Commands").fill(title)
        await self.page.keyboard.press("Enter")

    async def dialog(self, what: str) -> None:
        """The dialog that is open, and close it."""
        await self.page.locator("dialog[open]").wait_for()
        await self.at(what)
        await self.page.keyboard.press("Escape")
        await expect(self.page.locator("dialog[open]")).to_have_count(0)


@pytest.fixture
async def look(page: Page) -> AsyncIterator[Look]:
    look = Look(page)
    yield look
    assert not look.problems, "\n".join(look.problems)


async def test_pages_without_the_ide(look: Look, page: Page, server: Server, project: str) -> None:
    await page.goto(f"{server.url}/login")
    await look.at("sign-in")
    await page.get_by_label("Token").fill("wrong")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    await look.at("sign-in refused")
    await page.goto(server.link)
    await page.goto(f"{server.url}/setup")
    await look.at("not found")
    await page.goto(f"{server.url}/preview-ticket/{project}/1")
    await page.get_by_role("link", name="Open the project in the IDE").wait_for()
    await look.at("preview that waits")
    await page.goto(f"{server.url}/preview/unknown/3000/")
    await look.at("preview of an unknown project")


async def test_the_projects_page(look: Look, page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.get_by_role("listitem").filter(has_text="app").first.wait_for()
    await look.at("projects")
    await page.get_by_role("button", name="Actions for app").first.click()
    await look.at("menu of a project")
    await page.get_by_role("menuitem", name="Rename").click()
    await look.dialog("name of a project")
    await page.get_by_label("Name", exact=True).fill("x")
    await page.get_by_role("button", name="Paste JSON").click()
    await page.get_by_role("button", name="Take these").click()
    await page.get_by_label("Git address").fill("file:///etc")
    await page.get_by_role("button", name="Create project").click()
    await expect(page.locator("#create-source-problem")).not_to_be_empty()
    await look.at("new project, refused")


async def test_the_ide(look: Look, page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await look.command("Go to the files")
    await page.get_by_role("treeitem", name="blob.bin").wait_for()
    await look.at("files, nothing open")
    await page.keyboard.press("Shift+F10")
    await look.at("menu of a file")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+n")
    await page.keyboard.type("a/b/")
    await look.at("name of a new file")
    await page.keyboard.press("Escape")
    for name, text in (("notes.md", "Notes"), ("blob.bin", "00 01 02"), ("thing.py", "A thing")):
        await look.command("Go to file")
        await page.get_by_role("combobox", name="Go to file").fill(name)
        await page.get_by_role("option", name=name).wait_for()
        await page.keyboard.press("Enter")
        await page.locator(".surface:not(.behind)").get_by_text(text).first.wait_for()
        await look.at(name)
    await page.get_by_role("textbox", name="thing.py").focus()
    await page.keyboard.type("\nim")
    await page.keyboard.press("Control+Space")
    await page.locator(".cm-tooltip-autocomplete").wait_for()
    await look.at("completion and unsaved text")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+f")
    await page.keyboard.type("needle")
    await look.at("find in the file")
    await page.keyboard.press("Escape")
    await look.command("Go to line")
    await look.at("go to line")
    await page.keyboard.press("Escape")
    await page.keyboard.press("F1")
    await look.dialog("commands")
    await look.command("Settings")
    await look.dialog("settings")
    await page.keyboard.press("Shift+F1")
    await look.dialog("shortcuts")


async def test_the_panels(look: Look, page: Page, server: Server, project: str, width: int) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}#thing.py:2")
    await page.get_by_role("textbox", name="thing.py").wait_for()
    await look.command("Search in files")
    await page.get_by_role("textbox", name="Search in files").fill("needle")
    await page.get_by_role("treeitem", name="thing.py").first.wait_for()
    await look.at("search")
    await look.command("Git: changes")
    await page.get_by_role("list", name="Commits").wait_for()
    await look.at("Git")
    await page.get_by_role("button", name="thing.py", exact=True).first.click()
    for kind in ("added", "removed"):
        await page.locator(f".diff-line.{kind} span:not(.sr-only)").wait_for()
    await look.at("differences")
    await page.keyboard.press("Escape")
    await look.command("Earlier versions")
    await look.dialog("earlier versions")
    await look.command("Earlier versions")
    await page.get_by_role("option").last.click()
    await page.get_by_role("group", name="An earlier version").wait_for()
    await look.at("an earlier version")
    await page.get_by_role("group", name="An earlier version").get_by_role("button", name="Close").click()
    await page.get_by_role("textbox", name="thing.py").focus()
    await page.keyboard.type("mine")
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/thing.py", content=f"{CODE}# theirs at {width}\n").raise_for_status()
    await page.get_by_role("button", name="Compare").click()
    await page.get_by_role("group", name="Both versions").wait_for()
    # The colours come after the texts.
    await page.locator(".cm-deletedLine span:not([class^=cm-])").first.wait_for()
    await look.at("both sides of a conflict")


async def test_terminals_log_and_preview(look: Look, page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await look.command("Go to the terminal")
    await page.locator(".xterm-helper-textarea:focus").wait_for()
    await look.at("terminal")
    await page.get_by_role("button", name="Terminal menu").click()
    await look.at("terminal's menu")
    await page.keyboard.press("Escape")
    await look.command("Go to the terminal")
    await page.keyboard.press("Control+Shift+F")
    await page.get_by_label("Find in the output").locator("visible=true").wait_for()
    await look.at("search in the terminal")
    await page.keyboard.press("Escape")
    await choose(page, "Record this terminal")
    await page.get_by_role("status").filter(has_text="Recording").wait_for()
    await look.at("terminal that is recorded")
    async with Terminal(server, project, "terminals/terminal-1") as typist:
        await typist.type("echo seen-$((1 + 1))\n")
        await typist.read_until("seen-2")
    await choose(page, "Stop recording")
    await choose(page, "Recordings…")
    recordings = page.get_by_role("region", name="Recordings")
    await recordings.get_by_role("button", name="Terminal 1").first.wait_for()
    await look.at("recordings")
    await recordings.get_by_role("button", name="Terminal 1").first.click()
    await recordings.get_by_role("slider", name="Position").wait_for()
    await look.at("player")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await look.command("Go to the logs")
    await page.get_by_role("button", name="Plain text").wait_for()
    await look.at("log")
    await page.get_by_role("button", name="Plain text").click()
    await look.at("log as plain text")
    await look.command("Go to the preview")
    await page.frame_locator("iframe").get_by_role("heading", name="shown").wait_for()
    await look.at("preview")
    for item, what in (("Open on a phone…", "preview on a phone"), ("Share…", "sharing")):
        await page.get_by_role("button", name="Preview menu").click()
        await page.get_by_role("menuitem", name=item).click()
        await look.dialog(what)
    await page.goto(f"{server.url}/projects/{project}/terminals/terminal-1")
    await page.get_by_text("View only", exact=True).wait_for()
    await look.at("view-only terminal")
