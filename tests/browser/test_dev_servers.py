"""Dev servers as their makers ship them, with no setting changed, seen in the preview."""

import pytest
from playwright.async_api import Page, expect

from tests.support.apps import INSTALL, project_with, run_in_the_ide
from tests.support.server import Server

pytestmark = [pytest.mark.timeout(300), pytest.mark.engine]
docker = pytest.mark.parametrize("server", ["docker"], indirect=True)

PAGE = "export default function {name}() {{ return <h1>first words</h1>; }}\n"
VITE = {
    "hutch.toml": '[run]\ninstall = "npm install"\ncommand = "npx vite"\nport = 5173\n',
    "vite.config.js": 'import react from "@vitejs/plugin-react";\nexport default { plugins: [react()] };\n',
    "index.html": '<!doctype html><div id="root"></div><script type="module" src="/src/main.jsx"></script>\n',
    "src/main.jsx": (
        'import { createRoot } from "react-dom/client";\nimport App from "./App.jsx";\n'
        'createRoot(document.getElementById("root")).render(<App />);\n'
    ),
    "src/App.jsx": PAGE.format(name="App"),
}
VITE_PACKAGES = {"react": "^18", "react-dom": "^18", "vite": "^5", "@vitejs/plugin-react": "^4"}
WEBPACK = {
    "hutch.toml": '[run]\ninstall = "npm install"\ncommand = "npx webpack serve --mode development"\nport = 8080\n',
    "public/index.html": '<!doctype html><h1></h1><script src="/main.js"></script>\n',
    "src/index.js": (
        'import text from "./text.js";\nconst show = (text) => { document.querySelector("h1").textContent = text; };\n'
        'show(text);\nmodule.hot.accept("./text.js", () => show(text));\n'
    ),
    "src/text.js": 'export default "first words";\n',
}
WEBPACK_PACKAGES = {"webpack": "^5", "webpack-cli": "^6", "webpack-dev-server": "^5"}


async def see_hot_reload(
    page: Page, server: Server, files: dict[str, str], packages: dict[str, str], edited: str, *, within: int = INSTALL
) -> None:
    """Run the app, change a source file, and see the change in pane and tab without a reload. `within` is in ms."""
    project = project_with(server, files, dependencies=packages)
    frame = await run_in_the_ide(page, server, project)
    await expect(frame.locator("h1")).to_have_text("first words", timeout=within)
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Open in a tab of its own").click()
    pages = (frame, await opened.value)
    for shown in pages:
        await expect(shown.locator("h1")).to_have_text("first words", timeout=within)
        await shown.locator("body").evaluate("window.marker = 'the same page'")
    with server.client() as client:
        changed = files[edited].replace("first", "second")
        client.put(f"/api/projects/{project}/files/{edited}", content=changed).raise_for_status()
    for shown in pages:
        await expect(shown.locator("h1")).to_have_text("second words", timeout=within)
        assert await shown.locator("body").evaluate("window.marker") == "the same page", "replaced without a reload"


@docker
async def test_vite_and_react_with_hot_reload_on_a_loopback_port(page: Page, server: Server) -> None:
    await see_hot_reload(page, server, VITE, VITE_PACKAGES, "src/App.jsx")


@docker
async def test_webpack_dev_server_with_hot_reload(page: Page, server: Server) -> None:
    await see_hot_reload(page, server, WEBPACK, WEBPACK_PACKAGES, "src/text.js")
