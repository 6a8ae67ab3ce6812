"""Apps as their makers tell people to write them, put into a project and run as a person would."""

from collections.abc import Mapping
from typing import Any

from playwright.async_api import FrameLocator, Page

from tests.support.server import Server

INSTALL = 120_000
"""Milliseconds for npm or pip on half a processor."""


def project_with(server: Server, files: Mapping[str, str], **body: Any) -> str:
    """A new project with these files; `body` is what is asked for besides its name. Returns the id."""
    with server.client() as client:
        created = client.post("/api/projects", json={"name": "app", **body}).raise_for_status()
        project: str = created.json()["id"]
        for path, content in files.items():
            client.put(f"/api/projects/{project}/files/{path}", content=content).raise_for_status()
    return project


async def run_in_the_ide(page: Page, server: Server, project: str) -> FrameLocator:
    """Open the project's page, press Run, and give the frame where the app is to show by itself."""
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await page.get_by_role("button", name="Run", exact=True).first.click()
    return page.frame_locator("iframe")
