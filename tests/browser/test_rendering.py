"""Markdown, SVG and notebooks as what they mean, beside their text or instead of it."""

import asyncio
import base64
import json
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.browser.test_viewers import folder, open_ide, png
from tests.support.axe import violations
from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

__all__ = ["folder"]

README = """# Manual

See [the guide](docs/guide.md#L3), [outside](http://outside.test/page) and [below](#below).

| a | b |
|---|--:|
| 1 | **2** |

- [x] done
- [ ] open

![a dot](pictures/dot.png) ![tracker](http://outside.test/pixel.png)

<details><summary>More</summary>hidden</details>

"""
NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": ["# Study\n", "of *numbers*"]},
        {
            "cell_type": "code",
            "execution_count": 7,
            "source": ["print(6 * 7)"],
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["10 %\r100 %\n", "\x1b[31m42\x1b[0m\n"]},
                {"output_type": "execute_result", "data": {"text/html": ["<table><tr><td>cell</td></tr></table>"]}},
                {"output_type": "display_data", "data": {"image/png": base64.b64encode(png(30, 20)).decode()}},
                {"output_type": "error", "traceback": ["Traceback", "\x1b[1mValueError\x1b[0m: no"]},
            ],
        },
    ],
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="60"><circle cx="60" cy="30" r="25" fill="teal"/></svg>'
)


def rendered(page: Page, name: str) -> FrameLocator:
    return page.frame_locator(f"iframe[title='{name}, rendered']")


async def test_markdown_is_rendered_beside_its_text(page: Page, server: Server, folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "pictures").mkdir()
    (folder / "docs" / "guide.md").write_text("# Guide\n\nthird line\n")
    (folder / "pictures" / "dot.png").write_bytes(png(40, 20))
    (folder / "README.md").write_text(README + "filler\n\n" * 100 + "## Below\n")
    await open_ide(page, server, folder)
    await page.get_by_role("treeitem", name="README.md").click()
    text = page.get_by_role("textbox", name="README.md")
    await text.click()
    await expect(page.locator("iframe.rendered")).to_have_count(0)
    await page.keyboard.press("Alt+r")
    frame = rendered(page, "README.md")
    await expect(frame.get_by_role("heading", name="Manual")).to_be_visible()
    await expect(frame.get_by_role("cell", name="2")).to_have_attribute("align", "right")
    await expect(frame.get_by_role("checkbox").first).to_be_checked()
    await expect(frame.get_by_role("img", name="a dot")).to_have_js_property("naturalWidth", 40)
    tracker = frame.get_by_role("img", name="tracker")
    await expect(tracker).to_have_attribute("title", "Not loaded: http://outside.test/pixel.png")
    assert await tracker.get_attribute("src") is None

    # What is typed shows, and the place in the view stays.
    await frame.get_by_text("More").click()
    await frame.get_by_role("link", name="below").click()
    heading = frame.get_by_role("heading", name="Below")
    await expect(heading).to_be_in_viewport()
    await text.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("Typed ")
    await expect(frame.locator("main")).to_contain_text("Typed # Manual")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("to the end")
    await expect(heading).to_be_in_viewport()

    # Where no name is resolved, asking may take for ever.
    await page.context.route("http://outside.test/page", lambda route: route.fulfill(body="outside"))
    async with page.context.expect_page() as opened:
        await frame.get_by_role("link", name="outside").click()
    other = await opened.value
    assert await other.evaluate("() => window.opener === null")
    await other.close()
    await frame.get_by_role("link", name="the guide").click()
    await expect(page.get_by_role("tab", name="guide.md")).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".status-bar, footer").first).to_contain_text("Ln 3")
    # Chosen once, a kind of file is shown so.
    await expect(rendered(page, "guide.md").get_by_role("heading", name="Guide")).to_be_visible()

    await page.get_by_role("button", name="Rendered", exact=True).locator("visible=true").click()
    await expect(page.get_by_role("textbox", name="guide.md")).not_to_be_visible()
    await rendered(page, "guide.md").locator("body").click()
    # The frame that had the key is gone then, and Chromium may not tell that it was taken.
    with suppress(TimeoutError):
        await asyncio.wait_for(page.keyboard.press("Alt+r"), 3)
    await expect(page.get_by_role("textbox", name="guide.md")).to_be_focused()


async def test_notebooks_and_drawings_are_rendered(page: Page, server: Server, folder: Path) -> None:
    (folder / "study.ipynb").write_text(json.dumps(NOTEBOOK))
    (folder / "art.svg").write_text(SVG)
    await open_ide(page, server, folder)
    await page.get_by_role("treeitem", name="study.ipynb").click()
    frame = rendered(page, "study.ipynb")
    await expect(frame.get_by_role("heading", name="Study")).to_be_visible()
    await expect(frame.locator(".count")).to_have_text("[7]")
    await expect(frame.locator(".output").first).to_have_text("100 %\n42\n")
    await expect(frame.get_by_role("cell", name="cell")).to_be_visible()
    await expect(frame.get_by_role("img", name="Output")).to_have_js_property("naturalWidth", 30)
    await expect(frame.locator(".output").last).to_have_text("Traceback\nValueError: no")
    await expect(page.get_by_role("textbox", name="study.ipynb")).not_to_be_visible()

    await page.get_by_role("treeitem", name="art.svg").click()
    picture = rendered(page, "art.svg").get_by_role("img", name="art.svg")
    await expect(picture).to_have_js_property("naturalWidth", 120)
    await page.get_by_role("textbox", name="art.svg").click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("no ")
    await expect(rendered(page, "art.svg").locator("main")).to_have_text("This is no SVG that the browser can show.")


@pytest.mark.parametrize("width", [390])
async def test_what_is_looked_at_keeps_the_rules_for_accessible_pages(page: Page, server: Server, folder: Path) -> None:
    (folder / "README.md").write_text(README)
    (folder / "big.log").write_bytes(b"nothing of note\n" * 400_000)
    for name in ("README.md", "big.log"):
        await page.goto(server.link)
        await page.goto(f"{server.url}/projects/{folder.name}#{name}")
        if name == "README.md":
            await page.get_by_role("button", name="Beside").click()
            await expect(page.locator("iframe[data-shown]")).to_be_visible()
        else:
            await expect(page.locator(".surface:not(.behind) .paged-position")).not_to_be_empty()
        assert await violations(page) == []
