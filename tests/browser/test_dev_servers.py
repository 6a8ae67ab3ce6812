"""Dev servers as their makers ship them, with no setting changed, seen in the preview."""

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server

pytestmark = pytest.mark.timeout(300)

INSTALL = 120_000
VITE = {
    "hutch.toml": '[run]\ninstall = "npm install"\ncommand = "npx vite"\nport = 5173\n',
    "vite.config.js": 'import react from "@vitejs/plugin-react";\nexport default { plugins: [react()] };\n',
    "index.html": '<!doctype html><div id="root"></div><script type="module" src="/src/main.jsx"></script>\n',
    "src/main.jsx": (
        'import { createRoot } from "react-dom/client";\nimport App from "./App.jsx";\n'
        'createRoot(document.getElementById("root")).render(<App />);\n'
    ),
    "src/App.jsx": "export default function App() { return <h1>first words</h1>; }\n",
}
PACKAGES = {"react": "^18", "react-dom": "^18", "vite": "^5", "@vitejs/plugin-react": "^4"}


@pytest.mark.parametrize("server", [pytest.param("docker", marks=pytest.mark.engine)], indirect=True)
async def test_vite_and_react_with_hot_reload_on_a_loopback_port(page: Page, server: Server) -> None:
    with server.client() as client:
        created = client.post("/api/projects", json={"name": "vite", "dependencies": PACKAGES}).raise_for_status()
        files = f"/api/projects/{created.json()['id']}/files"
        for path, content in VITE.items():
            client.put(f"{files}/{path}", content=content).raise_for_status()
        await page.goto(server.link)
        await page.goto(f"{server.url}/projects/{created.json()['id']}")
        await page.get_by_role("button", name="Run", exact=True).first.click()
        frame = page.frame_locator("iframe")
        await expect(frame.locator("h1")).to_have_text("first words", timeout=INSTALL)
        await frame.locator("body").evaluate("window.marker = 'the same page'")
        client.put(f"{files}/src/App.jsx", content=VITE["src/App.jsx"].replace("first", "second")).raise_for_status()
        await expect(frame.locator("h1")).to_have_text("second words")
        assert await frame.locator("body").evaluate("window.marker") == "the same page", "replaced without a reload"
