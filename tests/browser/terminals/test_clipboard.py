"""What goes into a terminal and out of it by clipboard and by drop."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminals.panel import choose, lines, open_panel, type_line
from tests.support.server import Server

pytestmark = pytest.mark.timeout(120)


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


async def test_copying_without_a_clipboard_of_pages(page: Page, server: Server, project: str) -> None:
    """As on plain HTTP, where browsers have none."""
    await page.context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await open_panel(page, server, project)
    await type_line(page, "clear; echo copied-$((1 + 1))")
    await expect(lines(page).filter(has_text=re.compile("^copied-2"))).to_have_count(1)
    await choose(page, "Select all")
    await page.keyboard.press("Control+Shift+C")
    assert "copied-2" in await pasted(page)
    await choose(page, "Paste")
    await expect(page.get_by_text("only to its own paste key")).to_be_visible()


async def pasted(page: Page) -> str:
    """What the browser pastes."""
    await page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
    await page.locator("#pasted").press("Control+v")
    return await page.locator("#pasted").input_value()


TEXT = """([text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data });
  document.querySelector(".xterm-helper-textarea").dispatchEvent(paste);
}"""


async def test_lines_that_would_run_at_once_are_asked_for(page: Page, server: Server, project: str) -> None:
    await open_panel(page, server, project)
    # Once the line is taken the terminal shows what comes by itself, and cat once more.
    await type_line(page, "echo take$((1))n; exec cat")
    await expect(lines(page).filter(has_text=re.compile("^take1n"))).to_have_count(1)
    await page.evaluate(TEXT, ["first\nsecond\n\x1b[201~"])
    dialog = page.get_by_role("dialog", name="Paste 2 lines that run at once?")
    await dialog.get_by_role("button", name="Cancel").click()
    await page.evaluate(TEXT, ["first\nsecond\n\x1b[201~"])
    await dialog.get_by_role("button", name="Paste as one line").click()
    one_line = lines(page).filter(has_text=re.compile(r"^first\ssecond\s\[201~"))
    # The dialog closes, and pastes, a moment after the click: an Enter in between would come first.
    await expect(one_line).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(one_line).to_have_count(2)


async def test_a_program_copies_only_after_a_click_and_never_reads(page: Page, server: Server, project: str) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_panel(page, server, project)
    await page.evaluate("navigator.clipboard.writeText('a secret')")
    await type_line(page, "printf '\\033]52;c;?\\a\\033]52;c;%s\\a' \"$(printf 'rm -rf' | base64)\"; cat -v")
    request = page.get_by_role("group").filter(has_text="A program wants to copy")
    await expect(request).to_contain_text("rm -rf")
    assert await page.evaluate("navigator.clipboard.readText()") == "a secret"
    await request.get_by_role("button", name="Copy").click()
    await expect(request).to_be_hidden()
    assert await page.evaluate("navigator.clipboard.readText()") == "rm -rf"
    await page.keyboard.type("no answer\n")
    await expect(lines(page).filter(has_text=re.compile("^no answer"))).to_have_count(2)
    await expect(lines(page).filter(has_text="^[]52")).to_have_count(0)

    await page.reload()
    await expect(lines(page).filter(has_text=re.compile("^no answer"))).to_have_count(2)
    await expect(request).to_be_hidden()
