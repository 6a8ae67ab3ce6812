"""A real Chromium against the real server; a page that complains in its console fails the test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.chromium import chromium
from tests.support.server import Server

# As long as for everything else: a machine with much to do makes a page slow, not wrong.
expect.set_options(timeout=30_000)


@pytest.fixture
def settings() -> dict[str, Any]:
    """Of the server, where a test needs others."""
    return {}


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path: Path, settings: dict[str, Any]) -> Iterator[Server]:
    tmp_path.chmod(0o755)
    with Server(tmp_path, request.param, **settings) as server:
        yield server


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(params=[1280])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


@pytest.fixture
def forgiven() -> tuple[str, ...]:
    """What the console may say all the same: what the preview's own page misses. A test that kills the server adds."""
    return ("Failed to load resource",)


@pytest.fixture
async def page(browser: Browser, server: Server, width: int, forgiven: tuple[str, ...]) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": width, "height": 800}, has_touch=width < 600)
    page = await context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []

    def note(text: str) -> None:
        if not any(known in text for known in forgiven):
            complaints.append(text)

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    yield page
    await context.close()
    assert complaints == []
