"""A project whose terminals are looked at in a browser: one server for the tests of a module."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "local") as server:
        yield server


@pytest.fixture
def project(server: Server) -> str:
    """A project whose container runs, and no terminal in it yet."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"template": "python"}).raise_for_status().json()["id"]
        toml = '[run]\ninstall = false\ncommand = "exec sleep 10000"\n'
        client.put(f"/api/projects/{id}/files/hutch.toml", content=toml).raise_for_status()
        client.post(f"/api/projects/{id}/run").raise_for_status()
    return id


@pytest.fixture
async def page(page: Page) -> Page:
    """A page whose terminals can be read, as screen readers do: there is no text in their picture."""
    await page.context.add_init_script("localStorage.setItem('hutch.terminal.screenReader', 'true')")
    return page
