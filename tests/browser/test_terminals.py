"""The terminal panel in a real browser: several terminals, several people."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.server import Server
from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "local") as server:
        yield server


@pytest.fixture
def project(server: Server) -> str:
    """A project whose container runs, and no terminal in it yet."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"template": "python"}).raise_for_status().json()["id"]
        toml = '[run]\ninstall = false\ncommand = "exec sleep 10000"\n'
        client.put(f"/api/projects/{id}/files/hutch.toml", content=toml).raise_for_status()
        client.post(f"/api/projects/{id}/run").raise_for_status()
    return id


async def open_panel(page: Page, server: Server, project: str) -> None:
    """Be signed in, in the project's IDE, in its first terminal with the prompt there."""
    if not await page.context.cookies():
        await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    panes = page.get_by_role("navigation", name="Panes")
    if await panes.is_visible():
        await panes.get_by_role("button", name="Terminal").click()
    else:
        await page.locator("#tab-terminal").click()
    await page.locator(".terminal-pane:visible .xterm-helper-textarea").first.wait_for(state="attached")


def lines(page: Page) -> Locator:
    """The lines of the terminal that shows, as a screen reader finds them; the picture of it can't be read."""
    return page.locator(".terminal-pane:visible .xterm-accessibility-tree > div")


@pytest.fixture
async def page(page: Page) -> Page:
    """A page whose terminals can be read."""
    await page.context.add_init_script("localStorage.setItem('hutch.terminal.screenReader', 'true')")
    return page


async def test_a_terminal_is_renamed_by_key_and_by_double_click(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    tab = page.get_by_role("tablist", name="Terminals").get_by_role("tab")
    await expect(tab).to_have_text("Terminal 1")
    async with Terminal(server, project, "terminals/terminal-1"):
        await expect(tab).to_have_accessible_name("Terminal 1 2 viewers")
        await page.get_by_role("button", name="Terminal menu").click()
        await page.get_by_role("menuitem", name="Who is attached (2)").click()
        listed = page.get_by_role("dialog", name="Attached to Terminal 1").get_by_role("listitem")
        await expect(listed).to_have_text([re.compile("May type, for"), re.compile("May type, for")])
        await page.keyboard.press("Escape")
    await expect(tab).to_have_accessible_name("Terminal 1")

    other = await page.context.new_page()
    await open_panel(other, server, project)
    await tab.press("F2")
    field = page.get_by_label("Name of the terminal").get_by_role("textbox")
    await expect(field).to_have_value("Terminal 1")
    await field.fill("x" * 41)
    await field.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="at most 40 characters")).to_be_visible()
    await field.fill("Build")
    await field.press("Enter")
    await expect(page.locator(".xterm-helper-textarea:focus")).to_have_attribute("aria-label", re.compile("^Build"))
    there = other.get_by_role("tablist", name="Terminals").get_by_role("tab")
    await expect(there.locator(".tab-name")).to_have_text("Build")

    await there.dblclick()
    field = other.get_by_label("Name of the terminal").get_by_role("textbox")
    await field.fill("")
    await field.press("Enter")
    await expect(tab.locator(".tab-name")).to_have_text("Terminal 1")


async def test_a_view_only_copy_shows_all_and_takes_nothing(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type("echo shown-$((1 + 1))\n")
    await page.get_by_role("button", name="Terminal menu").click()
    async with page.context.expect_page() as opening:
        await page.get_by_role("menuitem", name="Open a view-only copy").click()
    copy = await opening.value
    await expect(copy.get_by_role("heading", name="Terminal 1")).to_be_visible()
    await expect(copy.get_by_text("View only", exact=True)).to_be_visible()
    await expect(page.get_by_role("tab", name="Terminal 1 2 viewers")).to_be_visible()
    await expect(copy.locator(".key-bar")).to_have_count(0)
    await expect(lines(copy).filter(has_text="shown-2")).to_have_count(1)
    await expect(lines(copy)).to_have_count(await lines(page).count())

    await copy.locator(".xterm-screen").click()
    await copy.keyboard.type("echo intruder\n")
    await copy.keyboard.press("Control+Shift+V")
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type("echo after-$((1 + 1))\n")
    async with Terminal(server, project, "terminals/terminal-1?view=1&offset=0") as program:
        assert "intruder" not in await program.read_until("after-2")

    await page.set_viewport_size({"width": 900, "height": 900})
    async with Terminal(server, project, "terminals/terminal-1?cols=50&rows=5"):
        await expect(lines(copy)).to_have_count(5)
        await expect(lines(page)).to_have_count(5)
    await expect(lines(copy)).not_to_have_count(5)
    await page.get_by_role("tab", name="Terminal 1").press("F2")
    await page.get_by_label("Name of the terminal").get_by_role("textbox").fill("Demo")
    await page.keyboard.press("Enter")
    await expect(copy).to_have_title(re.compile("^Demo"))


async def test_two_pages_share_a_terminal_sized_as_chosen(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    rows = await lines(page).count()
    async with Terminal(server, project, "terminals/terminal-1?cols=60&rows=5") as program:
        await expect(lines(page)).to_have_count(5)
        await page.get_by_role("button", name="Terminal menu").click()
        await page.get_by_role("menuitem", name="Size to who types").click()
        await expect(page.locator(".xterm-helper-textarea:focus")).to_have_count(1)
        await page.keyboard.type("stty size\n")
        await expect(lines(page)).to_have_count(rows)
        told = await program.read_message("size")
        assert told["rows"] == rows
        await program.type("stty size\n")
        await expect(lines(page)).to_have_count(5)
        await expect(lines(page).filter(has_text=re.compile("^5 60"))).to_have_count(1)
    await expect(lines(page)).to_have_count(rows)


async def focused(page: Page) -> str:
    """What a screen reader calls the terminal that has the focus."""
    label = await page.locator(".xterm-helper-textarea:focus").get_attribute("aria-label")
    return (label or "").partition(".")[0]


async def test_terminals_side_by_side_by_keyboard(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    panes = page.locator(".terminal-pane:visible")
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.press("Control+Shift+Digit5")
    await expect(panes).to_have_count(2)
    assert await focused(page) == "Terminal 2"
    await page.keyboard.type("echo right-$((1 + 1))\n")
    await page.keyboard.press("Control+Shift+ArrowLeft")
    assert await focused(page) == "Terminal 1"
    await page.keyboard.type("echo left-$((1 + 1))\n")
    for name, said in (("Terminal 1", "left-2"), ("Terminal 2", "right-2")):
        shown = page.get_by_role("tabpanel", name=name).locator(".xterm-accessibility-tree > div")
        await expect(shown.filter(has_text=re.compile(f"^{said}"))).to_have_count(1)

    line = page.get_by_role("separator", name="Width of the terminals")
    left = page.get_by_role("tabpanel", name="Terminal 1")
    before = await width_of(left)
    for _ in range(3):
        await line.press("ArrowRight")
    after = await width_of(left)
    assert after == pytest.approx(before + 48, abs=2)

    await page.reload()
    await expect(panes).to_have_count(2)
    assert await width_of(left) == pytest.approx(after, abs=2)
    await page.get_by_role("tab", name="Terminal 2").click(modifiers=["Control"])
    await page.get_by_role("button", name="New terminal").click()
    await expect(page.get_by_role("tab", name="Terminal 3")).to_have_attribute("aria-selected", "true")
    await expect(panes).to_have_count(2)
    await page.get_by_role("tab", name="Terminal 2").click(modifiers=["Control"])
    await expect(panes).to_have_count(3)
    await page.get_by_role("button", name="Terminal menu").click()
    await page.get_by_role("menuitem", name="Show only this one").click()
    await expect(panes).to_have_count(1)
    assert await focused(page) == "Terminal 2"
    assert await width_of(panes) == await width_of(page.locator(".terminal-body"))


async def width_of(element: Locator) -> float:
    box = await element.bounding_box()
    assert box
    return box["width"]


async def test_on_a_phone_the_columns_are_tabs(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.get_by_role("button", name="Split").click()
    panes = page.locator(".terminal-pane:visible")
    await expect(panes).to_have_count(2)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("navigation", name="Panes").get_by_role("button", name="Terminal").click()
    await expect(panes).to_have_count(1)
    await page.get_by_role("tab", name="Terminal 1").click()
    await expect(page.get_by_role("tabpanel", name="Terminal 1")).to_be_visible()
    await expect(panes).to_have_count(1)
    assert await width_of(panes) == 390
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "nothing is wider than the phone"


DROP = """async ([selector, name, text, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "image/png" }));
  const target = document.querySelector(selector);
  const said = { bubbles: true, cancelable: true };
  if (kind === "paste") return target.dispatchEvent(new ClipboardEvent("paste", { ...said, clipboardData: data }));
  target.dispatchEvent(new DragEvent("dragover", { ...said, dataTransfer: data }));
  target.dispatchEvent(new DragEvent("drop", { ...said, dataTransfer: data }));
}"""


async def test_a_dropped_file_is_uploaded_and_its_path_pasted(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.locator(".xterm-screen:visible").click()
    await page.keyboard.type("cd /; cat ")
    await page.evaluate(DROP, [".terminal-screen", "it's mine.txt", "dropped-text", "drop"])
    await expect(lines(page).filter(has_text="mine.txt")).not_to_have_count(0)
    await page.evaluate(DROP, [".xterm-helper-textarea", "it's mine.txt", "second-text", "paste"])
    await expect(lines(page).filter(has_text="mine copy.txt")).not_to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(lines(page).filter(has_text="dropped-textsecond-text")).to_have_count(1)
    with server.client() as client:
        assert client.get(f"/api/projects/{project}/files/it's mine copy.txt").text == "second-text"


async def test_a_pasted_picture_is_uploaded(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    await page.evaluate(DROP, [".xterm-helper-textarea", "image.png", "picture", "paste"])
    await expect(lines(page).filter(has_text=re.compile(r"pasted-\d"))).not_to_have_count(0)
    with server.client() as client:
        names = [entry["path"] for entry in client.get(f"/api/projects/{project}/tree").json()]
    [name] = [name for name in names if name.startswith("pasted-")]
    assert re.fullmatch(r"pasted-\d{4}-\d\d-\d\d-\d{6}\.png", name)
