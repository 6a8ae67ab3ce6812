import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import httpx
import pytest
import uvloop

from tests.support.app import App, running_app


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What apps do to connections is tried on the loop of the server, whose transports differ."""
    on_uvloop = item.path.stem in ("test_preview_hostile", "test_preview_sockets")
    return {"uvloop": uvloop.new_event_loop} if on_uvloop else {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with app.client() as client:
        yield client


@pytest.fixture
async def project(client: httpx.AsyncClient) -> str:
    response = await client.post("/api/projects", json={})
    assert response.status_code == 201
    return str(response.json()["id"])


@pytest.fixture
def base(project: str) -> str:
    return f"/api/projects/{project}"


@pytest.fixture
def folder(app: App, project: str) -> Path:
    return app.settings.workspaces / project
