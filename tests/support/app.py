"""The whole application in this process: every service and route the real one, with a runtime of the test's choice."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from server.app import composed, opened, routes
from server.config import Settings, load
from server.errors import Unavailable
from server.middleware import middleware
from server.models import ProjectId
from server.routes.context import Services
from server.routes.problems import exception_handlers
from server.runtimes.base import Layout, Runtime, Spec
from server.runtimes.link import Link
from server.runtimes.local import LocalRuntime
from server.storage.database import Database

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only"
ORIGIN = "http://127.0.0.1:8000"
SILENT = "the engine does not answer; start it and try again"


class Refusing:
    """A runtime as it is while its engine is down: it knows projects, but can neither start nor remove one."""

    name = "docker"

    async def check(self) -> str | None:
        return SILENT

    def layout(self, spec: Spec) -> Layout:
        return Layout("/workspace", ("bash", "-l"), None, {})

    async def start(self, spec: Spec) -> None:
        raise Unavailable(SILENT)

    async def connect(self, spec: Spec) -> Link:
        raise Unavailable(SILENT)

    async def stop(self, project: ProjectId) -> None:
        raise Unavailable(SILENT)

    async def remove(self, project: ProjectId) -> None:
        raise Unavailable(SILENT)

    async def running(self) -> set[ProjectId]:
        raise Unavailable(SILENT)

    async def close(self) -> None:
        pass


@dataclass
class App:
    """A running application and what it is made of."""

    asgi: Starlette
    services: Services
    database: Database
    settings: Settings

    def client(self, *, token: str | None = TOKEN, origin: str = ORIGIN, **options: Any) -> httpx.AsyncClient:
        """A program's client with the token, or a stranger's without."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.asgi)
        return httpx.AsyncClient(transport=transport, base_url=origin, headers=headers, timeout=30, **options)


def run_locally(state: Path, environment: Mapping[str, str]) -> Callable[[], Runtime]:
    return lambda: LocalRuntime(state, environment)


@asynccontextmanager
async def running_app(
    folder: Path, make_runtime: Callable[[], Runtime] = Refusing, **environment: str
) -> AsyncIterator[App]:
    """The application with its folders below `folder`; ends what its projects run."""
    folders = {"HUTCH_DATA": str(folder / "data"), "HUTCH_WORKSPACES": str(folder / "workspaces")}
    settings = load({**folders, **environment})
    for path in (settings.data, settings.workspaces):
        path.mkdir(parents=True, exist_ok=True)
    asgi = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers)
    runtime = make_runtime()
    async with opened(settings) as database, composed(settings, TOKEN, database, runtime) as services:
        asgi.state.services = services
        try:
            yield App(asgi, services, database, settings)
        finally:
            if isinstance(runtime, LocalRuntime):
                for project in await services.projects.list():
                    await services.workspaces.remove(project.id)
