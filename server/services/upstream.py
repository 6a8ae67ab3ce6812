"""HTTP to the apps in the containers, over connections that the supervisors relay.

aiohttp speaks HTTP; its transport is a relayed stream in place of a socket. Connections are kept per project and port,
and end with the link that carries them, so that none is ever used for another container than the one it was opened to.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from server.errors import AppError, BadGateway, GatewayTimeout
from server.models import ProjectId

PATIENCE: Final = 120.0
"""Seconds for an app to begin its answer once it has the request: a dev server may compile first."""
KEEP_IDLE: Final = 4.0
"""Seconds that an idle connection is kept: less than the 5 s after which Node closes it from its side."""
WRITE_AHEAD: Final = 128 * 1024
"""Bytes that wait for the app to read before its sender waits too."""
LINGER: Final = 1.0
"""Seconds that an app gets to end a connection in order before it is cut."""
MOST_FIELD: Final = 64 * 1024
MOST_HEADERS: Final = 256
"""Together they bound what an app's headers can cost: one field, and their number."""
SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Relay(Protocol):
    """A TCP connection to a port in a container: `server.runtimes.stream.Stream`, as far as it is used here."""

    async def receive(self) -> bytes | dict[str, Any] | None: ...

    async def send(self, data: bytes) -> None: ...

    async def send_eof(self) -> None: ...

    def close(self) -> None: ...


Connect = Callable[[ProjectId, int], Awaitable[Relay]]


class NotListening(BadGateway):
    """Nothing accepts connections on the port."""

    title = "Nothing listens there"


class RelayTransport(asyncio.Transport):
    """A relayed stream as asyncio knows transports. `close` lets what was written arrive; `abort` does not."""

    def __init__(self, relay: Relay, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._relay = relay
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._outgoing = bytearray()
        self._sending = 0
        self._writing_paused = False
        self._closing = False
        self._lost = False
        self._wake_writer = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._linger: asyncio.TimerHandle | None = None
        self.tasks = (self._loop.create_task(self._read()), self._loop.create_task(self._write()))

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._may_read.is_set()

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._outgoing += data
        self._wake_writer.set()
        if not self._writing_paused and len(self._outgoing) + self._sending > WRITE_AHEAD:
            self._writing_paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._outgoing) + self._sending

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        # What still comes is thrown away, so that the app is not stuck with it and sees the end.
        self._may_read.set()
        self._wake_writer.set()
        self._linger = self._loop.call_later(LINGER, self.abort)
        self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = True
        if self._linger:
            self._linger.cancel()
        self._relay.close()
        for task in self.tasks:
            task.cancel()
        self._loop.call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(error)

    def _break(self, error: Exception) -> None:
        self._lose(error)
        self.abort()

    async def _read(self) -> None:
        try:
            while await self._may_read.wait():
                item = await self._relay.receive()
                if item is None:
                    break
                if isinstance(item, dict):
                    raise ConnectionResetError("the app cut the connection")
                if not self._closing:
                    self._protocol.data_received(item)
        except (AppError, OSError) as error:
            self._break(ConnectionResetError(str(error)))
            return
        if not self._closing:
            self._protocol.eof_received()
            self.close()

    async def _write(self) -> None:
        try:
            while await self._wake_writer.wait():
                self._wake_writer.clear()
                await self._send_waiting()
                if self._closing:
                    await self._relay.send_eof()
                    break
        except (AppError, OSError) as error:
            self._break(ConnectionResetError(str(error)))
            return
        await asyncio.gather(self.tasks[0], return_exceptions=True)
        self.abort()

    async def _send_waiting(self) -> None:
        while self._outgoing:
            data, self._outgoing = bytes(self._outgoing), bytearray()
            self._sending = len(data)
            await self._relay.send(data)
            self._sending = 0
            if self._writing_paused and not self._closing:
                self._writing_paused = False
                self._protocol.resume_writing()


class _Connector(aiohttp.BaseConnector):
    """Connections by relay. The URL's host is the project, so that the pool's key keeps projects apart."""

    def __init__(self, connect: Connect, **options: Any) -> None:
        super().__init__(limit=0, **options)
        self._open = connect
        self._transports: set[RelayTransport] = set()

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        assert req.url.host is not None and req.url.port is not None
        relay = await self._open(ProjectId(req.url.host), req.url.port)
        protocol = ResponseHandler(loop=self._loop)
        transport = RelayTransport(relay, protocol)
        self._transports.add(transport)
        transport.tasks[1].add_done_callback(lambda _: self._transports.discard(transport))
        protocol.connection_made(transport)
        return protocol

    async def cut(self) -> None:
        """Close all, at once, and wait for it."""
        await self.close()
        transports = tuple(self._transports)
        for transport in transports:
            transport.abort()
        await asyncio.gather(*(task for transport in transports for task in transport.tasks), return_exceptions=True)


class Upstream:
    """Requests to apps. `patience` is in seconds, for the head of an answer."""

    def __init__(self, connect: Connect, *, patience: float = PATIENCE) -> None:
        self._connect = connect
        self._patience = patience
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def connect(self, project: ProjectId, port: int) -> Relay:
        """A connection of one's own. Raises NotListening, Conflict when the project does not run, Unavailable."""
        try:
            return await self._connect(project, port)
        except BadGateway as error:
            raise NotListening(error.detail, port=port) from error

    async def request(
        self,
        method: str,
        url: URL,
        headers: Sequence[tuple[str, str]],
        body: AsyncIterator[bytes] | None = None,
    ) -> aiohttp.ClientResponse:
        """Send a request; the caller reads and closes the response. The body is pulled as fast as the app takes it.

        `url` is http, its host the project. Raises NotListening, Conflict, BadGateway, GatewayTimeout, Unavailable.
        """
        # The app may close a kept connection just as it is used. Repeating is aiohttp's answer, where that is safe.
        session = self._session(keep=body is None and method in SAFE_TO_REPEAT)
        try:
            async with asyncio.timeout(self._patience) as deadline:
                data = None if body is None else self._putting_off(deadline, body)
                response = await session.request(
                    method, url, headers=CIMultiDict(headers), data=data, allow_redirects=False
                )
        except TimeoutError:
            raise GatewayTimeout(f"the app did not begin to answer within {self._patience:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise BadGateway(f"the app's answer is not HTTP that can be passed on ({type(error).__name__})") from error
        if not 200 <= response.status <= 599:
            response.close()
            raise BadGateway(f"the app answered with the status {response.status}, which makes no sense here")
        return response

    async def close(self) -> None:
        """Cut every connection."""
        sessions, self._sessions = tuple(self._sessions.values()), {}
        for session in sessions:
            connector = session.connector
            await session.close()
            if isinstance(connector, _Connector):
                await connector.cut()

    async def _putting_off(self, deadline: asyncio.Timeout, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The body; the deadline counts from its last piece, however long it is."""
        loop = asyncio.get_running_loop()
        async for chunk in body:
            # An app may answer before it has read everything: then the deadline is over and done with.
            with suppress(RuntimeError):
                deadline.reschedule(loop.time() + self._patience)
            yield chunk

    def _session(self, *, keep: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(keep)
        if session is None:
            options: dict[str, Any] = {"keepalive_timeout": KEEP_IDLE} if keep else {"force_close": True}
            session = self._sessions[keep] = aiohttp.ClientSession(
                connector=_Connector(self.connect, **options),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=MOST_FIELD,
                max_field_size=MOST_FIELD,
                max_headers=MOST_HEADERS,
            )
        return session
