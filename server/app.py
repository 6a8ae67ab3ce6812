"""The composition root: builds every service once, wires them, and starts and ends what runs in the background."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from server.config import Settings, SettingsError
from server.errors import AppError
from server.middleware import middleware, trusting, unknown_sockets
from server.routes import (
    api,
    deletions,
    files,
    formatting,
    git as git_routes,
    health,
    languages,
    locating,
    logs,
    openapi,
    pages,
    preview,
    recordings,
    remembered,
    rendered,
    search,
    sharing,
    sockets,
    uploads,
)
from server.routes.context import Services
from server.routes.problems import exception_handlers
from server.runtimes.base import Runtime
from server.runtimes.docker import DockerRuntime, container_user
from server.runtimes.image import image_tag
from server.runtimes.local import LocalRuntime
from server.services.accounts import Accounts
from server.services.cloning import Cloning
from server.services.deletions import Deletions
from server.services.documents import Documents
from server.services.domains import domain_conflict, neighbour_conflict
from server.services.formatting import Formatting
from server.services.git import Git
from server.services.git_accounts import GitAccounts
from server.services.lag import LoopLag
from server.services.languages import Languages
from server.services.logs import Logs
from server.services.previews import Previews
from server.services.projects import Projects
from server.services.reaper import Reaper
from server.services.recordings import Recordings
from server.services.remembered import Remembered
from server.services.search import Search
from server.services.share_links import ShareLinks
from server.services.sharing import Sharing
from server.services.templates import Templates
from server.services.terminals import Terminals
from server.services.uploads import Uploads
from server.services.workspaces import Workspaces
from server.storage.database import Database, sqlite_url
from server.storage.history import History
from server.storage.trash import Trash
from server.storage.unfinished import Unfinished

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
ADOPTION_WAIT = 3.0
"""Seconds that the start waits for what runs already to be found; after that it goes on in the background."""
ADOPTION_RETRY = 5.0
TIDY_EVERY = 3600.0

routes: list[BaseRoute] = [
    *api.routes,
    *files.routes,
    *uploads.routes,
    *deletions.routes,
    *remembered.routes,
    *rendered.routes,
    *search.routes,
    *locating.routes,
    *formatting.routes,
    *git_routes.routes,
    *sockets.routes,
    *recordings.routes,
    *logs.routes,
    *languages.routes,
    *openapi.routes,
    *health.routes,
    *preview.routes,
    *sharing.routes,
    *pages.routes,
    unknown_sockets,
]


def create_app(settings: Settings, token: str) -> Starlette:
    """The whole application for these settings. Raises SettingsError where they can't go together.

    Nothing is opened, started or connected before the application's own start.
    """
    domain = settings.preview_domain
    for host in filter(None, (settings.host, settings.url and urlsplit(settings.url).hostname)):
        if conflict := domain_conflict(host, domain) or neighbour_conflict(host, domain):
            raise SettingsError(conflict)
    if settings.runtime == "local":
        _require_loopback(settings)
    return Starlette(
        routes=routes,
        middleware=[*trusting(settings.trusted_proxies), *middleware],
        exception_handlers=exception_handlers,
        lifespan=lambda app: _lifespan(app, settings, token),
    )


@asynccontextmanager
async def _lifespan(app: Starlette, settings: Settings, token: str) -> AsyncIterator[None]:
    async with (
        opened(settings) as database,
        composed(settings, token, database, await _choose_runtime(settings)) as services,
    ):
        app.state.services = services
        adoption = asyncio.create_task(_adopt(services.workspaces))
        background = [
            adoption,
            asyncio.create_task(Reaper(services.workspaces).watch()),
            asyncio.create_task(services.lag.watch()),
            asyncio.create_task(_tidy(services)),
        ]
        await asyncio.wait({adoption}, timeout=ADOPTION_WAIT)
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, up to date."""
    database = Database(sqlite_url(settings.data / "hutch.db"))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def composed(settings: Settings, token: str, database: Database, runtime: Runtime) -> AsyncIterator[Services]:
    """Every service, wired to the others; closed at the end. Nothing runs in the background by itself."""
    owner = container_user() if runtime.name == "docker" else None
    # With the projects, and under names that none can have.
    unfinished, trash = Unfinished(settings.workspaces / ".uploads"), Trash(settings.workspaces / ".trash")
    documents = Documents(
        settings.workspaces,
        owner=owner,
        history=History(settings.data / "history"),
        unfinished=unfinished,
        trash=trash,
    )
    kept = Documents(settings.data / "run")
    accounts, sharing, links = Accounts(database, token), Sharing(database), ShareLinks(database)
    templates = Templates(ROOT / "templates" / "projects", ROOT / "docker")
    projects = Projects(database, documents, templates, settings.limits)
    workspaces = Workspaces(
        runtime,
        projects,
        documents,
        sharing,
        state=settings.data / "run",
        limits=settings.limits,
        idle_stop=settings.idle_stop,
    )
    terminals = Terminals(workspaces)
    previews = Previews(workspaces, accounts, links, domain=settings.preview_domain, ide=settings.url)
    git_accounts = GitAccounts(settings.data / "git.json")
    git = Git(workspaces, git_accounts)
    cloning = Cloning(workspaces, git)
    try:
        yield Services(
            settings,
            accounts,
            projects,
            documents,
            workspaces,
            terminals,
            previews,
            Recordings(kept, workspaces, terminals),
            Logs(kept, workspaces),
            sharing,
            links,
            search=Search(workspaces, documents),
            formatting=Formatting(workspaces, documents),
            git_accounts=git_accounts,
            git=git,
            cloning=cloning,
            uploads=Uploads(documents, unfinished),
            deletions=Deletions(documents, trash),
            remembered=Remembered(database),
            languages=Languages(workspaces, idle=settings.language_idle),
            lag=LoopLag(),
        )
    finally:
        await cloning.close()
        await git.close()
        await previews.close()
        await workspaces.close()
        documents.close()
        kept.close()


async def _choose_runtime(settings: Settings) -> Runtime:
    docker = DockerRuntime(
        settings.engine,
        settings.image or image_tag(),
        subnets=settings.subnets,
        link=settings.link,
        ca_bundle=settings.ca_bundle,
    )
    reason = await _absence(docker) if settings.runtime == "auto" else ""
    if settings.runtime == "docker" or reason is None:
        if lacking := await docker.check():
            logger.warning("projects can be made and edited, but not run: %s", lacking)
        return docker
    await docker.close()
    _require_loopback(settings)
    if reason:
        logger.warning(
            "no containers: %s. Projects run on this machine itself, with its programs and as the user of this server. "
            "`make engine` installs and starts a Docker engine.",
            reason.rstrip("."),
        )
    return LocalRuntime(settings.data / "run", os.environ, ca_bundle=settings.ca_bundle)


async def _absence(docker: DockerRuntime) -> str | None:
    """Why the engine can't be used; None when it answers, whether or not it has the image."""
    try:
        await docker.running()
    except AppError as error:
        return error.detail
    return None


async def _tidy(services: Services) -> None:
    """Drop what is too old, now and every hour: sessions, share links, versions, unfinished uploads, deleted files."""
    while True:
        await services.documents.sweep()
        try:
            await services.accounts.sweep()
            await services.links.sweep()
        except AppError as error:
            logger.warning("expired sessions and share links could not be dropped: %s", error)
        await asyncio.sleep(TIDY_EVERY)


async def _adopt(workspaces: Workspaces) -> None:
    """Find what runs already, as often as it takes the engine to answer."""
    while True:
        try:
            await workspaces.adopt()
            return
        except AppError as error:
            logger.warning("can't look for running projects yet: %s", error)
            await asyncio.sleep(ADOPTION_RETRY)


def _require_loopback(settings: Settings) -> None:
    if not _is_loopback(settings.host):
        raise SettingsError(
            "the local runtime runs programs on this machine as the user of this server, so it serves a loopback "
            "address only: set HUTCH_HOST=127.0.0.1, or HUTCH_RUNTIME=docker"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
