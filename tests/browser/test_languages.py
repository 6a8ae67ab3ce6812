"""Language intelligence in the IDE, with the TypeScript and the Python server of the projects' image."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.test_search import content, make_project, open_ide
from tests.support.axe import violations
from tests.support.server import Server

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]

TYPESCRIPT = {
    "tsconfig.json": '{ "include": ["*.ts"] }\n',
    "people.ts": "export interface Person { name: string }\n\n"
    "/** Greets **one** person. <img src=x onerror=alert(1)> */\n"
    "export function greet(person: Person): string { return person.name }\n"
    "/** Says good-bye. */\nexport const farewell = 1\n",
    "main.ts": 'import { greet } from "./people";\n\nconst count: number = greet({ name: "A" });\ngreet({name:"B"})\n',
    "other.ts": 'import { greet } from "./people";\ngreet({ name: "C" });\r\n',
    "style.css": "p {\n}\n",
}
PYTHON = {
    "shapes.py": "class Circle:\n    def area(self) -> float:\n        return 3.0\n",
    "main.py": "import os\nfrom shapes import Circle\n\nprint(Circle().area())\n",
}


def lines(page: Page) -> Locator:
    return page.locator(".surface:not(.behind) .cm-line")


async def show(page: Page, path: str) -> None:
    await page.get_by_role("treeitem", name=path).click()
    await expect(page.get_by_role("tab", name=path)).to_have_attribute("aria-selected", "true")


async def put_cursor(page: Page, line: int, column: int) -> None:
    """Both from 1."""
    await lines(page).nth(line - 1).click()
    await page.keyboard.press("Home")
    for _ in range(column - 1):
        await page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("server", ["docker"], indirect=True)
async def test_typescript(page: Page, server: Server) -> None:
    project = make_project(server, TYPESCRIPT)
    await open_ide(page, server, project)
    await show(page, "main.ts")
    status = page.locator(".status-language")
    await expect(status).to_contain_text("TypeScript: tsgo")
    await expect(status).to_contain_text("1 error")
    await expect(page.locator(".cm-lintRange-error")).to_have_text("count")

    # The problem is in the list, and gone once it is mended.
    await page.keyboard.press("Control+Shift+M")
    problems = page.get_by_role("tabpanel", name="Problems")
    await expect(problems.get_by_role("status")).to_have_text("1 error in 1 file.")
    await expect(problems.get_by_role("treeitem", name="Error, line 3")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox", name="main.ts")).to_be_focused()
    await page.keyboard.press("Control+Shift+M")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status-file")).to_contain_text("Ln 3, Col 7")
    await page.keyboard.press("End")
    await page.keyboard.press("Backspace")
    await page.keyboard.type(".len")
    await page.get_by_role("option", name="length").click()
    await expect(lines(page).nth(2)).to_have_text('const count: number = greet({ name: "A" }).length')
    await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    await expect(status).not_to_contain_text("error")
    await expect(problems.get_by_role("status")).to_have_text("No problems are known.")

    # What is chosen is described, and what it imports comes with it and goes with it.
    await page.keyboard.press("Control+End")
    await page.keyboard.type("fare")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("farewell")
    about = page.locator(".cm-completionInfo")
    await expect(about).to_contain_text("./people")
    described = await page.get_by_role("option", selected=True).get_attribute("aria-describedby")
    assert described == await about.get_attribute("id")
    # A list that has just come up takes no key, which may be meant for the text.
    await page.evaluate("Date.now = ((now) => () => now() + 1000)(Date.now)")
    await page.keyboard.press("Enter")
    await expect(lines(page).first).to_have_text('import { farewell, greet } from "./people";')
    await expect(lines(page).last).to_have_text("farewell")
    await page.keyboard.press("Control+z")
    await expect(lines(page).first).to_have_text('import { greet } from "./people";')
    await expect(lines(page).last).to_have_text("fare")
    for _ in "fare":
        await page.keyboard.press("Backspace")

    # What is known of a word, by pointer and by keyboard; HTML in it is text.
    await page.get_by_text("greet", exact=True).nth(1).hover()
    tooltip = page.locator(".cm-lsp-hover-tooltip")
    await expect(tooltip).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(tooltip.locator("strong")).to_have_text("one")
    await expect(tooltip.locator("img")).to_have_count(0)
    await page.mouse.move(0, 0)
    await expect(tooltip).to_have_count(0)
    await put_cursor(page, 4, 3)
    await expect(page.locator(".cm-occurrence")).to_have_text(["greet"] * 3)
    await page.keyboard.press("Alt+F12")
    await expect(tooltip).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(tooltip).to_have_count(0)

    # To the definition in another file, and back.
    await page.keyboard.press("F12")
    await expect(page.get_by_role("tab", name="people.ts")).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".status-file")).to_contain_text("Ln 4, Col 17")
    await page.keyboard.press("Control+Alt+-")
    await expect(page.locator(".status-file")).to_contain_text("Ln 4, Col 3")

    # To what is defined in the file, in all files, and back to files, by name.
    await page.keyboard.press("Control+Shift+O")
    symbol = page.get_by_role("combobox", name="Go to symbol in this file")
    await expect(page.get_by_role("option", selected=True)).to_have_text("greetvariable")
    await symbol.fill("cou")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status-file")).to_contain_text("Ln 3, Col 7")
    await page.keyboard.press("Control+p")
    finder = page.get_by_role("dialog").get_by_role("combobox")
    await finder.fill("#perso")
    await expect(page.get_by_role("option", selected=True)).to_have_text("Personinterface · people.ts:1")
    await expect(finder).to_have_accessible_name("Go to symbol in all files")
    assert await violations(page) == []
    await finder.fill("peop")
    await expect(page.get_by_role("option", selected=True)).to_have_text("people.ts")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+t")
    await page.get_by_role("combobox", name="Go to symbol in all files").fill("Person")
    await page.get_by_role("option", name="Person").first.click()
    await expect(page.locator(".status-file")).to_contain_text("Ln 1, Col 18")
    await page.keyboard.press("Control+Alt+-")
    await page.keyboard.press("Control+Alt+-")
    await expect(page.locator(".status-file")).to_contain_text("Ln 4, Col 3")

    # The references stay in a list while they are walked, also around what is typed.
    await page.keyboard.press("Shift+F12")
    references = page.get_by_role("tabpanel", name="References")
    await expect(references.get_by_role("status")).to_have_text("6 references to greet in 3 files.")
    await expect(references.locator(".search-line")).to_have_count(6)
    await expect(references.locator(".search-line").first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status-file")).to_contain_text("Ln 3, Col 23")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Enter")
    await page.keyboard.press("F4")
    await expect(page.locator(".status-file")).to_contain_text("Ln 5, Col 1")
    await expect(references.locator("[aria-current]")).to_contain_text('greet({name:"B"})')
    await page.keyboard.press("Control+z")
    await page.keyboard.press("F4")
    await expect(page.get_by_role("tab", name="other.ts")).to_have_class(re.compile("preview"))
    await page.keyboard.press("Alt+w")
    await page.keyboard.press("Shift+F4")
    await expect(page.locator(".status-file")).to_contain_text("Ln 4, Col 1")
    assert await violations(page) == []
    await page.get_by_role("button", name="Close references").click()
    await expect(page.get_by_role("tab", name="References")).to_be_hidden()
    await expect(page.get_by_role("textbox", name="main.ts")).to_be_focused()
    await expect(page.get_by_role("tab", name="Problems")).to_have_attribute("aria-selected", "true")

    # A rename changes what is open in the editor, and the rest on the disk.
    await page.keyboard.press("F2")
    name = page.get_by_role("dialog", name="Rename greet").get_by_role("textbox")
    await name.fill("welcome")
    await name.press("Enter")
    await expect(page.locator(".notices")).to_contain_text("Renamed greet in 2 files in the editor")
    await expect(lines(page).nth(3)).to_have_text('welcome({name:"B"})')
    assert content(server, project, "other.ts") == TYPESCRIPT["other.ts"].replace("greet", "welcome")
    assert content(server, project, "people.ts") == TYPESCRIPT["people.ts"]

    await page.keyboard.press("Shift+Alt+F")
    await expect(lines(page).nth(3)).to_have_text('welcome({ name: "B" })')

    # What is missing is imported by a quick fix, offered with the problem and at the cursor; imports are put in order.
    await page.keyboard.press("Control+End")
    await page.keyboard.type("farewell")
    await page.keyboard.press("Escape")
    await expect(page.locator(".cm-lintRange-error")).to_have_text("farewell")
    await page.keyboard.press("F8")
    await expect(page.locator(".cm-diagnostic").get_by_role("button", name="Quick fix… Ctrl+.")).to_be_visible()
    await page.keyboard.press("Control+.")
    fix = page.get_by_role("menu", name="Quick fixes").get_by_role("menuitem", name="./people")
    await expect(fix).to_be_focused()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox", name="main.ts")).to_be_focused()
    await page.locator(".cm-lintRange-error").hover()
    await page.get_by_role("button", name="Quick fix… Ctrl+.").click()
    await expect(fix).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(lines(page).first).to_have_text('import { farewell, welcome } from "./people";')
    await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    await page.keyboard.press("Control+Shift+K")
    await page.keyboard.press("Alt+Shift+O")
    await expect(lines(page).first).to_have_text('import { welcome } from "./people";')
    await expect(page.locator(".sr-only[aria-live]")).to_contain_text("Organize Imports: done.")

    # A list that brought the region at the bottom up takes it away again.
    await page.keyboard.press("Control+Shift+M")
    await expect(problems).to_be_visible()
    await page.keyboard.press("Control+j")
    await expect(problems).to_be_hidden()
    await page.keyboard.press("Control+Shift+M")
    await page.get_by_role("button", name="Close problems").click()
    await expect(page.locator("#pane-bottom")).to_be_hidden()

    # A server may have its client suggest what is to follow an entry, as that of CSS does after a property.
    await show(page, "style.css")
    await expect(status).to_contain_text("CSS: vscode-css-language-server")
    await lines(page).first.click()
    await page.keyboard.press("End")
    await page.keyboard.type("\ndispla")
    await page.get_by_role("option", name="display", exact=True).click()
    await expect(lines(page).nth(1)).to_have_text("display: ;")
    await page.get_by_role("option", name="inline-block").click()
    await expect(lines(page).nth(1)).to_have_text("display: inline-block;")
    await page.get_by_role("tab", name="main.ts").click()

    # On a phone a line below the text tells of the server and the problems, unless the keyboard takes the room.
    await page.keyboard.type("(")
    await page.set_viewport_size({"width": 390, "height": 800})
    await expect(page.get_by_role("button", name="TypeScript: tsgo")).to_be_visible()
    await page.get_by_role("button", name="error").click()
    await expect(problems.get_by_role("treeitem", name="Error, line").first).to_be_focused()
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="main.ts")).to_be_focused()
    await page.set_viewport_size({"width": 390, "height": 420})
    await expect(page.get_by_role("button", name="TypeScript: tsgo")).to_be_hidden()


@pytest.mark.parametrize("server", ["docker"], indirect=True)
async def test_python(page: Page, server: Server) -> None:
    project = make_project(server, PYTHON)
    await open_ide(page, server, project)
    await show(page, "main.py")
    status = page.locator(".status-language")
    await expect(status).to_contain_text("Python: pylsp")
    await expect(status).to_contain_text("1 warning")

    # By keyboard from problem to problem; the message is shown and read out.
    await put_cursor(page, 3, 1)
    await page.keyboard.press("F8")
    await expect(page.locator(".cm-tooltip .cm-diagnostic")).to_contain_text("'os' imported but unused")
    await expect(page.locator(".sr-only[aria-live]")).to_contain_text("'os' imported but unused")
    await page.keyboard.press("Control+.")
    await expect(page.locator(".notices")).to_contain_text("no quick fix for this place")
    await expect(page.locator(".cm-diagnostic").get_by_role("button")).to_have_count(0)
    await page.keyboard.press("Control+Shift+K")
    await expect(lines(page).first).to_have_text("from shapes import Circle")
    await expect(status).not_to_contain_text("warning")

    await page.keyboard.press("Control+End")
    await page.keyboard.type("Circle().ar")
    about = page.locator(".cm-completionInfo")
    await expect(about).to_contain_text("area() -> float")
    await expect(about.locator("pre")).to_have_count(1)
    await page.get_by_role("option", name="area()").click()
    await expect(lines(page).nth(3)).to_have_text("Circle().area")

    await put_cursor(page, 3, 8)
    await page.keyboard.press("F12")
    await expect(page.get_by_role("tab", name="shapes.py")).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".status-file")).to_contain_text("Ln 1, Col 7")
    await page.keyboard.press("Control+Shift+O")
    await page.get_by_role("combobox", name="Go to symbol in this file").fill("area")
    await expect(page.get_by_role("option", selected=True)).to_have_text("areamethod · Circle")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status-file")).to_contain_text("Ln 2, Col 5")
    await page.keyboard.press("Control+Alt+-")
    await expect(page.locator(".status-file")).to_contain_text("Ln 1, Col 7")
    await page.keyboard.press("F2")
    name = page.get_by_role("dialog", name="Rename Circle").get_by_role("textbox")
    await name.fill("Disc")
    await name.press("Enter")
    await expect(lines(page).first).to_have_text("class Disc:")
    await page.get_by_role("tab", name="main.py").click()
    await expect(lines(page).nth(2)).to_have_text("print(Disc().area())")

    # The connection is lost while something is typed; what comes back knows it.
    await page.context.set_offline(True)
    await page.context.set_offline(False)
    await put_cursor(page, 1, 1)
    await page.keyboard.type("import re\n")
    await expect(status).to_contain_text("1 warning")
    await expect(status).to_contain_text("Python: pylsp")


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_without_a_server(page: Page, server: Server) -> None:
    project = make_project(server, {"flake.nix": '{\n  description = "";\n  outputs = { }: { };\n}\n'})
    await open_ide(page, server, project)
    await show(page, "flake.nix")
    state = page.locator(".status-language").get_by_role("button")
    await expect(state).to_have_text("Nix: no language server")
    await state.click()
    await expect(page.get_by_role("dialog")).to_contain_text("nil or nixd")
    await page.get_by_role("button", name="Close").click()
    await lines(page).first.click()
    await page.keyboard.press("F12")
    await expect(page.locator(".notices")).to_contain_text("nil or nixd")

    # What the file defines is known without one.
    await page.keyboard.press("Control+p")
    await page.get_by_role("dialog").get_by_role("combobox").fill("@out")
    await expect(page.get_by_role("option")).to_have_text("outputsattribute")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status-file")).to_contain_text("Ln 3, Col 3")

    # Switched off, nothing is said or asked any more.
    await page.keyboard.press("Control+,")
    await page.get_by_role("checkbox", name="Language servers").uncheck()
    await page.get_by_role("button", name="Done").click()
    await expect(state).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("tab", name="flake.nix")).to_be_visible()
    await expect(page.locator(".status-file")).to_contain_text("Nix")
    await expect(state).to_have_count(0)
