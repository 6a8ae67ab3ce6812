"""Pages on a network that fails for a moment, as one does where containers start and stop."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.server import Server


@pytest.mark.parametrize("server", ["local"], indirect=True)
@pytest.mark.parametrize("width", [1280], indirect=True)
@pytest.mark.parametrize("forgiven", [("Failed to load resource",)])
async def test_what_could_not_be_fetched_is_fetched_again(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
    await page.goto(server.link)
    failed: set[str] = set()

    async def fail_once(route: Route) -> None:
        if route.request.method == "GET" and route.request.url not in failed:
            failed.add(route.request.url)
            await route.abort("connectionaborted")
        else:
            await route.fallback()

    await page.route("**/static/dist/chunks/**", fail_once)
    await page.route("**/api/**", fail_once)
    await page.goto(f"{server.url}/projects/{project}")
    await page.get_by_role("treeitem", name="index.js").click()
    await expect(page.locator(".cm-content")).to_contain_text("http")
    await page.locator("#tab-terminal").click()
    await expect(page.get_by_text("A terminal opens in the project’s container")).to_be_visible()
    assert any("/chunks/" in url for url in failed) and any("/api/" in url for url in failed)
