"""The whole application and a hostile app beside it, in this process, so that a test can take a guard out.

One server and one Chromium for all tests; each test has a browser profile of its own.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Frame, Page

from server.models import ProjectId
from server.routes.guard import COOKIE
from tests.support.app import TOKEN, App, run_locally, running_app
from tests.support.chromium import chromium
from tests.support.previews import serving
from tests.support.server import free_port

DOMAIN = "preview.hutch.localhost"
APP = Path(__file__).parent / "app.py"


@dataclass
class World:
    """What an attack is made in. The addresses have no slash at their end."""

    app: App
    port: int
    project: ProjectId
    hostile: int
    other: ProjectId
    victim: int
    session: str

    @property
    def ide(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def near_ide(self) -> str:
        """The same on the previews' own site, where a browser sends the IDE's cookie along with their requests."""
        return f"http://ide.hutch.localhost:{self.port}"

    @property
    def ide_page(self) -> str:
        return f"{self.ide}/projects/{self.project}"

    @property
    def host_preview(self) -> str:
        return f"http://{self.hostile}-{self.project}.{DOMAIN}:{self.port}"

    @property
    def neighbour(self) -> str:
        """Another project's preview, of the same app."""
        return f"http://{self.victim}-{self.other}.{DOMAIN}:{self.port}"

    @property
    def path_preview(self) -> str:
        return f"{self.ide}/preview/{self.project}/{self.hostile}"

    async def framed(self, page: Page, source: str, around: str | None = None) -> Frame:
        """The hostile page in a frame of the IDE's, with nothing but the server's headers around it."""
        await page.goto(around or self.ide)
        await page.evaluate("localStorage.setItem('secret', 'of the IDE')")
        show = "(src) => document.body.appendChild(Object.assign(document.createElement('iframe'), { src }))"
        element = (await page.evaluate_handle(show, source)).as_element()
        frame = element and await element.content_frame()
        assert frame
        await frame.wait_for_function("document.title === 'hostile'")
        return frame


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    async with running_app(
        folder, run_locally(folder / "data" / "run", os.environ), HUTCH_PREVIEW_DOMAIN=DOMAIN
    ) as app:
        (project, hostile), (other, victim) = await asyncio.gather(run(app), run(app))
        async with serving(app.asgi) as own:
            session = await app.services.accounts.sign_in(TOKEN, source="test")
            yield World(app, own, project, hostile, other, victim, session)


async def run(app: App) -> tuple[ProjectId, int]:
    """A project that runs the app, and its port."""
    port = free_port()
    services, project = app.services, (await app.services.projects.create(template="python")).id
    toml = f"[run]\ninstall = 'true'\ncommand = 'exec {sys.executable} hostile.py {port}'\n"
    await services.documents.write(project, "hutch.toml", toml.encode())
    await services.documents.write(project, "hostile.py", APP.read_bytes())
    await services.workspaces.run(project)
    assert await services.workspaces.wait_for_port(project, port, 60)
    return project, port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser, world: World) -> AsyncIterator[BrowserContext]:
    """A profile that is signed in, with a cookie of the IDE's host that scripts may read."""
    context = await browser.new_context()
    for ide in (world.ide, world.near_ide):
        kept = {"url": ide, "sameSite": "Lax"}
        await context.add_cookies([{"name": COOKIE, "value": world.session, "httpOnly": True, **kept}])  # type: ignore[typeddict-item]
    await context.add_cookies([{"name": "secret", "value": "of the IDE", "url": world.ide}])
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext) -> Page:
    page = await context.new_page()
    page.set_default_timeout(15_000)
    return page
