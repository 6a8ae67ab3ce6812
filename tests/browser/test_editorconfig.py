"""Files are indented and saved as the project's .editorconfig says."""

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_editorconfig_counts_when_a_file_opens_and_when_it_is_saved(page: Page, server: Server) -> None:
    config = "[*]\nindent_style = tab\ntab_width = 8\nend_of_line = crlf\ntrim_trailing_whitespace = true\n"
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
        base = f"/api/projects/{project}/files"
        for path, text in {".editorconfig": config, "src/deep/a.js": "if (x) {  \n"}.items():
            client.put(f"{base}/{path}", content=text.encode()).raise_for_status()
        await page.goto(server.link)
        # Straight to the file, whose folders nobody has opened.
        await page.goto(f"{server.url}/projects/{project}#src/deep/a.js:1")
        status = page.locator(".status-file")
        await expect(status).to_contain_text("Tabs of 8 · .editorconfig")
        await page.get_by_role("textbox", name="src/deep/a.js").click()
        await page.keyboard.press("Control+End")
        await page.keyboard.press("Tab")
        await page.keyboard.type("y();")
        await page.keyboard.press("Control+s")
        await expect(status).to_contain_text("CRLF")
        assert client.get(f"{base}/src/deep/a.js").content == b"if (x) {\r\n\ty();"

        # What changes in the file is seen; a nearer one counts more.
        client.put(f"{base}/src/.editorconfig", content=b"[*.js]\nindent_style = space\nindent_size = 3\n")
        await expect(status).to_contain_text("3 spaces · src/.editorconfig")
        client.delete(f"{base}/src/.editorconfig").raise_for_status()
        client.delete(f"{base}/.editorconfig").raise_for_status()
        await expect(status).not_to_contain_text(".editorconfig")
