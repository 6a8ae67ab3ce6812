"""The whole application in this process: every service and route the real one, with a runtime of the test's choice."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from server.app import routes
from server.config import Settings, load
from server.errors import Unavailable
from server.middleware import middleware
from server.models import ProjectId
from server.routes.context import Services
from server.routes.problems import exception_handlers
from server.runtimes.base import Layout, Runtime, Spec
from server.runtimes.link import Link
from server.runtimes.local import LocalRuntime
from server.services.accounts import Accounts
from server.services.cloning import Cloning
from server.services.documents import Documents
from server.services.git import Git
from server.services.git_accounts import GitAccounts
from server.services.lag import LoopLag
from server.services.logs import Logs
from server.services.previews import Previews
from server.services.projects import Projects
from server.services.recordings import Recordings
from server.services.remembered import Remembered
from server.services.search import Search
from server.services.share_links import ShareLinks
from server.services.sharing import Sharing
from server.services.templates import Templates
from server.services.uploads import Uploads
from server.services.workspaces import Workspaces
from server.storage.database import Database, sqlite_url
from server.storage.history import History

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
    database = Database(sqlite_url(settings.data / "hutch.db"))
    await database.open()
    documents = Documents(settings.workspaces, history=History(settings.data / "history"))
    accounts, runtime = Accounts(database, TOKEN), make_runtime()
    templates = Templates(ROOT / "templates" / "projects", ROOT / "docker")
    projects = Projects(database, documents, templates, settings.limits)
    sharing, links = Sharing(database), ShareLinks(database)
    workspaces = Workspaces(
        runtime, projects, documents, sharing, state=settings.data / "run", limits=settings.limits, idle_stop=0
    )
    previews = Previews(workspaces, accounts, links, domain=settings.preview_domain)
    asgi = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers)
    kept = Documents(settings.data / "run")
    git_accounts = GitAccounts(settings.data / "git.json")
    git = Git(workspaces, git_accounts)
    cloning = Cloning(workspaces, git)
    asgi.state.services = Services(
        settings,
        accounts,
        projects,
        documents,
        workspaces,
        previews,
        Recordings(kept, workspaces),
        Logs(kept, workspaces),
        sharing,
        links,
        search=Search(workspaces, documents),
        git_accounts=git_accounts,
        git=git,
        cloning=cloning,
        uploads=Uploads(documents),
        remembered=Remembered(database),
        lag=LoopLag(),
    )
    try:
        yield App(asgi, asgi.state.services, database, settings)
    finally:
        if isinstance(runtime, LocalRuntime):
            for project in await projects.list():
                await workspaces.remove(project.id)
        await cloning.close()
        await git.close()
        await previews.close()
        await workspaces.close()
        await database.close()
