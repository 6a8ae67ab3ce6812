"""Signing in and out as a person does: browsers say less of a form's origin than a client in a test makes up."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.server import Server

PATIENCE = 30_000
"""Milliseconds; the machine may be busy."""

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("server", ["local"], indirect=True)]


async def test_the_form_signs_in_and_the_button_out(server: Server, page: Page) -> None:
    await page.goto(f"{server.url}/projects/unknown")
    await page.get_by_label("Token").fill("not-the-token-at-all")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text(
        "This is not the token; use the link that the server printed.", timeout=PATIENCE
    )
    await page.get_by_label("Token").fill(server.token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("There is no such project.")).to_be_visible(timeout=PATIENCE)
    await page.get_by_role("link", name="To the projects").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{server.url}/login", timeout=PATIENCE)
    await page.goto(f"{server.url}/")
    await expect(page).to_have_url(f"{server.url}/login?next=/", timeout=PATIENCE)


async def test_the_form_leads_on_to_the_preview_that_was_wanted(server: Server, page: Page) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"template": "python"}).json()["id"]
    await page.goto(f"{server.url}/preview-ticket/{project}/3000")
    await page.get_by_label("Token").fill(server.token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(
        re.compile(rf"http://3000-{project}\.preview\.localhost:{server.port}/"), timeout=PATIENCE
    )
    await expect(page.get_by_role("link", name="Open the project in the IDE")).to_be_visible(timeout=PATIENCE)
