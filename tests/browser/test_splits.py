"""The editor's splits and preview tabs."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.server import Server, wait_for

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("server", ["local"], indirect=True)]

LINES = "".join(f"line {number}\n" for number in range(1, 201))

# Resolves once the browser keeps a draft.
KEPT = """async () => {
    const opening = indexedDB.open("hutch", 1);
    await new Promise((resolve) => (opening.onsuccess = resolve));
    for (let kept = 0; kept === 0; ) {
        const count = opening.result.transaction("drafts").objectStore("drafts").count();
        await new Promise((resolve) => (count.onsuccess = resolve));
        kept = count.result;
    }
    opening.result.close();
}"""


@pytest.fixture
async def project(page: Page, server: Server) -> str:
    """With three files; the page is signed in."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Splits"}).raise_for_status().json()["id"]
        for name in ("a.txt", "b.txt", "c.txt"):
            client.put(f"/api/projects/{id}/files/{name}", content=f"{name}\n{LINES}").raise_for_status()
    await page.goto(server.link)
    return id


def group(page: Page, place: int) -> Locator:
    """The editors of a split, in the order in which the splits came."""
    return page.locator(".editor-group").nth(place)


def text(page: Page, place: int) -> Locator:
    return group(page, place).locator(".surface:not(.behind) .cm-content")


async def open_file(page: Page, server: Server, project: str, name: str) -> None:
    """Alone: the file that a new project shows is closed."""
    await page.goto(f"{server.url}/projects/{project}#{name}")
    await expect(text(page, 0)).to_contain_text(name)
    await page.get_by_role("tab", name="index.js").click(button="middle")
    await expect(page.get_by_role("tab", name="index.js")).to_have_count(0)
    await text(page, 0).press("Control+Home")


async def first_lines(page: Page, expected: str, splits: int = 2) -> None:
    """Every split shows this line first."""
    for place in range(splits):
        await expect(text(page, place).locator(".cm-line").first).to_have_text(expected)


async def test_a_file_in_two_splits_is_one_document(page: Page, server: Server, project: str) -> None:
    await open_file(page, server, project, "a.txt")
    await page.keyboard.type("left ")
    await page.keyboard.press("Control+Backslash")
    await expect(page.locator(".editor-group")).to_have_count(2)
    await expect(text(page, 1)).to_be_focused()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("right ")
    await first_lines(page, "right left a.txt")
    # What was typed in the one is undone in the other.
    await page.keyboard.press("Alt+Shift+PageUp")
    await expect(text(page, 0)).to_be_focused()
    await page.keyboard.press("Control+z")
    await first_lines(page, "left a.txt")
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+Shift+z")
    await first_lines(page, "left a.txt")
    await page.keyboard.press("Alt+w")
    await expect(page.locator(".editor-group")).to_have_count(1)
    await expect(text(page, 0)).to_be_focused()
    await page.keyboard.press("Control+z")
    await first_lines(page, "a.txt", splits=1)
    # A tab comes to the front with the keyboard in it.
    await page.get_by_role("treeitem", name="b.txt").dblclick()
    await first_lines(page, "b.txt", splits=1)
    await page.keyboard.press("Alt+PageUp")
    await first_lines(page, "a.txt", splits=1)
    await expect(text(page, 0)).to_be_focused()
    await page.get_by_role("tab", name="b.txt").click()
    await first_lines(page, "b.txt", splits=1)
    await expect(text(page, 0)).to_be_focused()


async def test_a_draft_and_a_conflict_in_two_splits(page: Page, server: Server, project: str) -> None:
    await open_file(page, server, project, "a.txt")
    await page.keyboard.press("Control+Backslash")
    await expect(text(page, 1)).to_be_focused()
    await page.keyboard.type("mine ")
    # The journal is written when the typing rests.
    await page.evaluate(KEPT)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(page.get_by_text("were restored")).to_have_count(2)
    await first_lines(page, "mine a.txt")
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/a.txt", content="theirs\n").raise_for_status()
    # Not a click, which may scroll to the last line to find its place.
    await text(page, 1).press("Control+s")
    await group(page, 1).get_by_role("button", name="Compare").click()
    both = page.get_by_role("group", name="Both versions")
    await expect(both).to_be_visible()
    await expect(group(page, 1).get_by_role("group", name="Both versions")).to_have_count(1)
    # What was typed there would be lost with the choice.
    await expect(group(page, 0).locator("[inert] .cm-content")).to_have_count(1)
    # What is typed there can be undone there, and is not lost with the comparison.
    ours = both.get_by_role("textbox", name="Your version")
    await ours.press("Control+Home")
    await page.keyboard.type("put off ")
    await page.keyboard.press("Control+z")
    await expect(ours.locator(".cm-line").first).to_have_text("mine a.txt")
    await page.keyboard.press("Control+Shift+z")
    await both.get_by_role("button", name="Decide later").click()
    await first_lines(page, "put off mine a.txt")
    await page.keyboard.press("Control+z")
    await first_lines(page, "mine a.txt")
    await group(page, 1).get_by_role("button", name="Compare").click()
    await expect(ours).to_be_focused()
    await page.keyboard.press("Control+s")
    await expect(both).to_have_count(0)
    await expect(page.get_by_role("tab", name="unsaved changes")).to_have_count(0)
    await first_lines(page, "mine a.txt")
    with server.client() as client:
        assert client.get(f"/api/projects/{project}/files/a.txt").text.startswith("mine a.txt\n")
    await group(page, 0).locator(".cm-line").first.click()
    await page.keyboard.type("!")
    await expect(page.get_by_role("tab", name="unsaved changes")).to_have_count(2)


async def test_splits_come_back_in_another_browser(page: Page, browser: Browser, server: Server, project: str) -> None:
    await open_file(page, server, project, "a.txt")
    await page.keyboard.press("Control+Backslash")
    await page.get_by_role("treeitem", name="b.txt").dblclick()
    await expect(text(page, 1)).to_contain_text("b.txt")
    await page.keyboard.press("Alt+Shift+Backslash")
    await expect(page.locator(".editor-group")).to_have_count(3)
    for _ in range(3):
        await page.get_by_role("separator", name="Width of the editors").press("ArrowLeft")
    # Onto the editors of another split it becomes one of its tabs, near to an edge it gets a split of its own.
    tab = group(page, 1).get_by_role("tab", name="a.txt")
    await tab.drag_to(group(page, 2).locator(".editor-panel"))
    await expect(group(page, 2).get_by_role("tab")).to_have_count(2)
    await expect(group(page, 1).get_by_role("tab")).to_have_count(1)
    tab = group(page, 2).get_by_role("tab", name="b.txt")
    await tab.drag_to(group(page, 0).locator(".editor-panel"), target_position={"x": 8, "y": 100})
    await expect(page.locator(".editor-group")).to_have_count(4)
    await expect(group(page, 3).get_by_role("tab", name="b.txt")).to_be_visible()
    await text(page, 0).press("Control+End")

    places = [await page.locator(f"#editor-group-{name}").bounding_box() for name in range(1, 5)]
    lefts = [place["x"] for place in places if place]
    assert lefts[3] < lefts[0] < lefts[1] == lefts[2]
    with server.client() as client:
        wait_for("the cursor", lambda: cursors(client.get(f"/api/projects/{project}/state").json()).get("a.txt"))
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    there = await context.new_page()
    await there.goto(server.link)
    await there.goto(f"{server.url}/projects/{project}")
    await expect(there.locator(".cm-activeLine:visible")).to_have_count(4)
    assert [await there.locator(f"#editor-group-{name}").bounding_box() for name in range(1, 5)] == places
    await expect(there.locator("#editor-group-1 .cm-scroller")).not_to_have_js_property("scrollTop", 0)

    await there.set_viewport_size({"width": 390, "height": 800})
    await expect(there.locator(".cm-content:visible")).to_have_count(1)
    box = await there.locator(".editor-group.active").bounding_box()
    assert box and (box["x"], box["width"]) == (0, 390)
    await there.get_by_role("button", name="2/4, next split").click()
    await expect(there.get_by_role("button", name="3/4, next split")).to_be_visible()
    await context.close()


def cursors(state: dict[str, Any]) -> dict[str, int]:
    """Of the first group, by path."""
    groups: list[dict[str, Any]] = state.get("session", {}).get("groups", [])
    return next((group["cursors"] for group in groups if group["name"] == "1"), {})


async def test_what_is_only_looked_at_has_a_preview_tab(page: Page, server: Server, project: str) -> None:
    await open_file(page, server, project, "a.txt")
    tabs = page.get_by_role("tablist", name="Open files").get_by_role("tab")
    preview = page.get_by_role("tab", name="preview")
    await page.get_by_role("treeitem", name="b.txt").click()
    await expect(tabs).to_have_text([re.compile("a.txt"), re.compile("b.txt, preview")])
    await expect(preview.locator(".tab-name")).to_have_css("font-style", "italic")
    await page.get_by_role("tree", name="Files").focus()
    await page.keyboard.press("ArrowDown")
    await expect(tabs).to_have_text([re.compile("a.txt"), re.compile("c.txt, preview")])
    await expect(page.get_by_role("tree", name="Files")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(text(page, 0)).to_be_focused()
    await expect(tabs).to_have_text([re.compile("a.txt"), re.compile("c.txt")])
    await expect(preview).to_have_count(0)
    await page.get_by_role("treeitem", name="b.txt").click()
    await expect(preview).to_have_count(1)
    await text(page, 0).press("x")
    await expect(preview).to_have_count(0)
    await page.get_by_role("treeitem", name="package.json").click()
    await preview.dblclick()
    await expect(preview).to_have_count(0)
    await expect(tabs).to_have_count(4)
    await page.keyboard.press("Alt+w")
    await expect(tabs).to_have_count(3)
    await page.keyboard.press("Alt+Shift+t")
    await expect(tabs).to_have_count(4)
    await expect(page.get_by_role("tab", name="package.json")).to_have_attribute("aria-selected", "true")


async def test_several_cursors_and_where_the_editor_is(page: Page, server: Server, project: str) -> None:
    with server.client() as client:
        client.put(
            f"/api/projects/{project}/files/a.txt", content="a.txt\nif:\n\tone\n\tone\n\ttwo\n"
        ).raise_for_status()
    await open_file(page, server, project, "a.txt")
    await expect(page.get_by_text("Tabs of 4")).to_be_visible()
    lines = text(page, 0).locator(".cm-line")
    await lines.nth(2).dblclick(position={"x": 45, "y": 8})
    await page.keyboard.press("Control+d")
    await page.keyboard.type("three")
    await lines.nth(4).click(modifiers=["Alt"], position={"x": 200, "y": 8})
    await lines.nth(1).click(modifiers=["Control"], position={"x": 200, "y": 8})
    await page.keyboard.type("!")
    await expect(lines).to_have_text(["a.txt", "if:!", "\tthree!", "\tthree!", "\ttwo!", ""])
    await page.keyboard.press("F1")
    await page.keyboard.type("select next occurrence")
    await expect(page.get_by_role("option").first).to_have_text("Select the next occurrence tooCtrl+D")


@pytest.mark.parametrize("width", [390], indirect=True)
async def test_a_finger_moves_tabs_after_a_long_press(page: Page, server: Server, project: str) -> None:
    await page.goto(f"{server.url}/projects/{project}#a.txt")
    await expect(page.get_by_role("tab", name="a.txt")).to_have_attribute("aria-selected", "true")
    for name in ("b.txt", "c.txt", "package.json", "hutch.toml", "flake.nix"):
        await page.evaluate("(name) => { location.hash = name; }", f"#{name}")
        await expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    tabs, tablist = page.locator(".tab .tab-name"), page.get_by_role("tablist", name="Open files")
    order = await tabs.all_inner_texts()
    session = await page.context.new_cdp_session(page)

    async def touch(kind: str, x: float = 0, y: float = 0) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def middle(name: str) -> tuple[float, float]:
        box = await page.get_by_role("tab", name=name).bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    # Without one it scrolls.
    scrolled: float = await tablist.evaluate("(list) => list.scrollLeft")
    assert scrolled > 0
    # What was flung goes on for a while.
    await tablist.evaluate(
        "(list) => { window.settled = new Promise((end) => list.addEventListener('scrollend', end, { once: true })); }"
    )
    x, y = await middle("package.json")
    await touch("touchStart", x, y)
    for step in range(1, 9):
        await touch("touchMove", x + 25 * step, y)
    await touch("touchEnd")
    await page.evaluate("async () => { await window.settled; }")
    assert await tablist.evaluate("(list) => list.scrollLeft") < scrolled
    assert await tabs.all_inner_texts() == order

    await page.get_by_role("tab", name="c.txt").evaluate("(tab) => tab.scrollIntoView({ inline: 'center' })")
    scrolled = await tablist.evaluate("(list) => list.scrollLeft")
    (x, y), (to, _) = await middle("c.txt"), await middle("b.txt")
    await touch("touchStart", x, y)
    await expect(page.locator(".tab.lifted")).to_contain_text("c.txt")
    for step in range(1, 6):
        await touch("touchMove", x + (to - 10 - x) * step / 5, y)
    await expect(page.locator(".tab.drop-before")).to_contain_text("b.txt")
    assert await tablist.evaluate("(list) => list.scrollLeft") == scrolled
    await touch("touchEnd")
    at = order.index("b.txt")
    await expect(tabs).to_have_text([*order[:at], "c.txt", "b.txt", *order[at + 2 :]])
    await expect(page.locator(".lifted, .drop-before")).to_have_count(0)
