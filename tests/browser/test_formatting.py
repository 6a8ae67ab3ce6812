"""Files are formatted when they are saved, by the Prettier that the project has."""

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server, wait_for

CONFIG = '[run]\ninstall = "npm install"\ncommand = "sleep 1000"\n'


@pytest.mark.engine
@pytest.mark.parametrize("server", ["docker"], indirect=True)
async def test_prettier_formats_what_is_saved(page: Page, server: Server) -> None:
    with server.client() as client:
        made = client.post("/api/projects", json={"dependencies": {"prettier": "3.6.2"}}).raise_for_status().json()
        base = f"/api/projects/{made['id']}"
        text = "const first = 1\nconst last = 2\n"
        files = {".prettierrc": '{"semi": false}', "hutch.toml": CONFIG, "src/a.ts": text}
        for path, content in files.items():
            client.put(f"{base}/files/{path}", content=content.encode()).raise_for_status()
        stopped = client.post(f"{base}/format", params={"path": "src/a.ts"}, content=b"a()")
        assert stopped.status_code == 409
        client.post(f"{base}/run").raise_for_status()
        await page.goto(server.link)
        await page.goto(f"{server.url}/projects/{made['id']}#src/a.ts:1")
        wait_for("the app", lambda: client.get(f"{base}/status").json()["state"] == "running", 120)
        await expect(page.get_by_text("Running", exact=True).first).to_be_visible()

        editor, tab = page.get_by_role("textbox", name="src/a.ts"), page.get_by_role("tab", name="a.ts")
        await editor.click()
        await page.keyboard.press("Control+End")
        await page.keyboard.type("function  f( x:number ){return x}")
        await page.keyboard.press("Control+Home")
        await page.keyboard.press("Control+s")
        await expect(editor).to_contain_text("function f(x: number)")
        await expect(tab).not_to_contain_text("unsaved changes")
        saved = client.get(f"{base}/files/src/a.ts").text
        assert saved == f"{text}function f(x: number) {{\n  return x\n}}\n"
        # The cursor stayed, and what the formatter did is one step back.
        await expect(page.locator(".status")).to_contain_text("Ln 1, Col 1")
        await page.keyboard.press("Control+z")
        await expect(editor).to_contain_text("function  f( x:number ){return x}")

        # What it refuses is saved as it was typed, and its words are shown.
        await page.keyboard.type("const = ")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Saved as typed: prettier: src/a.ts: SyntaxError")).to_be_visible()
        await expect(tab).not_to_contain_text("unsaved changes")
        assert client.get(f"{base}/files/src/a.ts").text.startswith("const = const first = 1\n")

        # By hand, with saving as it is typed.
        await page.keyboard.press("F1")
        await page.keyboard.type("Format files when they are saved")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Control+z")
        await page.keyboard.press("Control+s")
        await expect(tab).not_to_contain_text("unsaved changes")
        assert "function  f( x:number )" in client.get(f"{base}/files/src/a.ts").text
        await editor.focus()
        await page.keyboard.press("Shift+Alt+f")
        await expect(editor).to_contain_text("function f(x: number)")
        await expect(tab).to_contain_text("unsaved changes")
