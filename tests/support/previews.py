"""The edge of the server without the rest: the real guard, proxy and middleware in a real HTTP server.

In place of containers, projects "run" on loopback ports of this machine; a relay is a TCP connection of its own.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp
from websockets.asyncio.client import connect

from server.config import load
from server.edge import BoundedHttp, BoundedSocket
from server.errors import BadGateway, Conflict
from server.middleware import middleware, trusting, unknown_sockets
from server.models import Port, Project, ProjectId
from server.routes import preview
from server.routes.guard import COOKIE
from server.routes.problems import exception_handlers
from server.runtimes.direct import Direct, Place
from server.services.accounts import Accounts, Actor
from server.services.dialing import Relay
from server.services.previews import Previews
from server.services.share_links import ShareLinks
from server.services.sharing import Sharing
from server.storage.database import Database, sqlite_url

TOKEN = "a-token-for-tests-only"
PROJECT = ProjectId("abc123")
OTHER = ProjectId("xyz789")
DOMAIN = "preview.localhost"


class TcpRelay:
    """What a link's stream is, over a connection from here."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def receive(self) -> bytes | dict[str, Any] | None:
        try:
            return await self._reader.read(65536) or None
        except ConnectionResetError:
            return {"type": "reset"}

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as error:
            raise BadGateway("the app closed the connection") from error

    async def send_eof(self) -> None:
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()


class LocalWay(Direct):
    """The way to a project's container, which is this machine."""

    def __init__(self, id: ProjectId, opened: list[tuple[ProjectId, int]]) -> None:
        super().__init__(self._here)
        self._id = id
        self._opened = opened

    async def open(self, port: int, protocol: asyncio.Protocol) -> asyncio.Transport:
        self._opened.append((self._id, port))
        return await super().open(port, protocol)

    async def _here(self) -> Place:
        return Place("127.0.0.1", "127.0.0.1")


class LocalWorkspaces:
    """Projects whose ports are those of this machine, reached straight or by relay. Counts what it opens."""

    def __init__(self, *, relayed: bool = False) -> None:
        self.running: set[ProjectId] = {PROJECT, OTHER}
        self.opened: list[tuple[ProjectId, int]] = []
        self.listening: tuple[int, ...] = ()
        self.process = "app"
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        self._ready = asyncio.Condition()
        self._ports: set[int] = set()
        self.ways = {} if relayed else {id: LocalWay(id, self.opened) for id in (PROJECT, OTHER)}

    def direct(self, id: ProjectId, port: int) -> Direct | None:
        if id not in self.running:
            raise Conflict("the project does not run: start it with Run first")
        return self.ways.get(id)

    def ports(self, id: ProjectId) -> tuple[Port, ...]:
        return tuple(Port(port, "127.0.0.1", self.process) for port in self.listening)

    async def connect(self, id: ProjectId, port: int) -> TcpRelay:
        if not self.ways:
            self.opened.append((id, port))
        if id not in self.running:
            raise Conflict("the project does not run: start it with Run first")
        try:
            return TcpRelay(*await asyncio.open_connection("127.0.0.1", port))
        except OSError as error:
            raise BadGateway(f"nothing answers on port {port} of the project") from error

    async def open_port(self, port: int) -> None:
        async with self._ready:
            self._ports.add(port)
            self._ready.notify_all()

    async def wait_for_port(self, id: ProjectId, port: int, seconds: float) -> bool:
        self.asked.set()
        try:
            async with asyncio.timeout(seconds), self._ready:
                await self._ready.wait_for(lambda: port in self._ports)
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            self.left.set()
            raise
        return True


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand."""

    seconds: float = field(default_factory=lambda: datetime.now(UTC).timestamp())

    def time(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class Edge:
    """A running server, and what its parts are."""

    port: int
    accounts: Accounts
    previews: Previews
    sharing: Sharing
    links: ShareLinks
    workspaces: LocalWorkspaces
    clock: Clock
    app: Starlette

    @property
    def ide(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def host(self, port: int, project: str = PROJECT) -> str:
        return f"{port}-{project}.{DOMAIN}:{self.port}"

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.ide, headers=headers, timeout=20, trust_env=False)

    def preview(self, port: int, project: str = PROJECT, **headers: str) -> httpx.AsyncClient:
        """A program's client of a preview's host, with the token."""
        sent = {"Host": self.host(port, project), "X-Hutch-Authorization": f"Bearer {TOKEN}", **headers}
        return self.client(**sent)

    def socket(self, path: str, headers: dict[str, str], *, host: str | None = None, **options: Any) -> connect:
        url = f"ws://{host or f'127.0.0.1:{self.port}'}{path}"
        return connect(url, host="127.0.0.1", port=self.port, additional_headers=headers, proxy=None, **options)

    async def session(self) -> str:
        return await self.accounts.sign_in(TOKEN, source="test")

    async def actor(self) -> Actor:
        actor = await self.accounts.authenticate(session=await self.session())
        assert actor
        return actor

    async def cookie(self) -> str:
        return f"{COOKIE}={await self.session()}"


@asynccontextmanager
async def serving(app: ASGIApp, *, ping: float = 20, grace: int = 1) -> AsyncIterator[int]:
    """`app` in the HTTP server that Hutch uses, set up as Hutch sets it up; yields the port.

    `grace` is how many seconds its connections have at the end.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedHttp,
            ws=BoundedSocket,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_ping_interval=ping,
            ws_ping_timeout=ping,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=grace,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def edge(
    folder: Path,
    routes: Sequence[BaseRoute] = (),
    *,
    patience: float = 20,
    relayed: bool = False,
    trusted: str = "",
    connect: Callable[[ProjectId, int], Awaitable[Relay]] | None = None,
) -> AsyncIterator[Edge]:
    """The edge on a free port, with two projects. `routes` come before the previews'; `connect` is another relay."""
    database = Database(sqlite_url(folder / "hutch.db"))
    await database.open()
    clock = Clock()
    for id in (PROJECT, OTHER):
        await database.projects.add(Project(id, id, "node", clock.now()))
    accounts = Accounts(database, TOKEN, now=clock.now)
    sharing, links = Sharing(database), ShareLinks(database, now=clock.now)
    workspaces = LocalWorkspaces(relayed=relayed or connect is not None)
    if connect:
        workspaces.connect = connect  # type: ignore[assignment,method-assign]
    previews = Previews(workspaces, accounts, links, domain=DOMAIN, now=clock.time, patience=patience)
    app = Starlette(
        routes=[*routes, Route("/", _home), *preview.routes, unknown_sockets],
        middleware=[*trusting(load({"HUTCH_TRUSTED_PROXIES": trusted}).trusted_proxies), *middleware],
        exception_handlers=exception_handlers,
    )
    app.state.services = SimpleNamespace(accounts=accounts, previews=previews, sharing=sharing, links=links)
    try:
        async with serving(app) as port:
            yield Edge(port, accounts, previews, sharing, links, workspaces, clock, app)
    finally:
        await previews.close()
        await database.close()


async def _home(_: Any) -> PlainTextResponse:
    return PlainTextResponse("the IDE")


@asynccontextmanager
async def running_app(app: web.Application) -> AsyncIterator[int]:
    """A user's app, by another HTTP implementation; yields its port."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
