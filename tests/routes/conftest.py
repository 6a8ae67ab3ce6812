from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.app import App, running_app


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
