"""HTTP to the apps in the containers, over connections that are kept for each port of each project.

A kept connection is used again only while the way on which it was opened is still the way to that container; one that
the supervisor relays ends with the link that carries it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from server.errors import GatewayTimeout
from server.models import ProjectId
from server.runtimes.link import Direct
from server.services.dialing import Dialer
from server.services.exchange import Connection, Ended, Exchange, Pairs

PATIENCE: Final = 120.0
"""Seconds for an app to begin its answer once it has the request: a dev server may compile first."""
KEEP_IDLE: Final = 4.0
"""Seconds that an idle connection is kept: less than the 5 s after which Node closes it from its side."""
MOST_IDLE: Final = 64
"""Connections kept for one port."""
SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Kept:
    """A connection with the way it took, and the timer that ends it when it is idle."""

    def __init__(self, connection: Connection, way: Direct | None) -> None:
        self.connection = connection
        self.way = way
        self.timer: asyncio.TimerHandle | None = None


class Upstream:
    """Requests to apps. `patience` is in seconds, for the head of an answer."""

    def __init__(self, dialer: Dialer, *, patience: float = PATIENCE) -> None:
        self._dialer = dialer
        self._patience = patience
        self._idle: defaultdict[tuple[ProjectId, int], list[_Kept]] = defaultdict(list)
        self._open: set[Connection] = set()

    async def request(
        self,
        project: ProjectId,
        port: int,
        method: str,
        target: bytes,
        headers: Pairs,
        body: AsyncIterator[bytes] | None = None,
    ) -> Exchange:
        """Send a request; the caller reads and closes the answer. The body is pulled as fast as the app takes it.

        `target` is path and query as they are sent. Raises NotListening, Conflict, BadRequest, BadGateway,
        GatewayTimeout, Unavailable.
        """
        # The app may close a kept connection just as it is used. Then the request is repeated, where that is safe.
        if body is None and method in SAFE_TO_REPEAT and (kept := self._take(project, port)):
            with suppress(Ended):
                return await self._ask(project, port, kept, method, target, headers, None)
        connection, way = await self._dialer.open(project, port, Connection)
        self._open.add(connection)
        connection.on_lost = lambda: self._open.discard(connection)
        return await self._ask(project, port, _Kept(connection, way), method, target, headers, body)

    def close(self) -> None:
        """Cut every connection."""
        for connection in tuple(self._open):
            connection.cut()

    async def _ask(
        self,
        project: ProjectId,
        port: int,
        kept: _Kept,
        method: str,
        target: bytes,
        headers: Pairs,
        body: AsyncIterator[bytes] | None,
    ) -> Exchange:
        exchange = Exchange(kept.connection, method, lambda good: self._put_back(project, port, kept, good))
        loop = asyncio.get_running_loop()

        def put_off() -> None:
            # An app may answer before it has read everything: then the deadline is over and done with.
            with suppress(RuntimeError):
                deadline.reschedule(loop.time() + self._patience)

        try:
            async with asyncio.timeout(self._patience) as deadline:
                await exchange.begin(target, headers, body, put_off)
        except TimeoutError:
            exchange.close()
            raise GatewayTimeout(f"the app did not begin to answer within {self._patience:g} s") from None
        except BaseException:
            exchange.close()
            raise
        return exchange

    def _take(self, project: ProjectId, port: int) -> _Kept | None:
        idle = self._idle.get((project, port))
        while idle:
            kept = idle.pop()
            if kept.timer:
                kept.timer.cancel()
            if kept.connection.is_good and kept.way is self._dialer.direct(project, port):
                return kept
            kept.connection.cut()
        return None

    def _put_back(self, project: ProjectId, port: int, kept: _Kept, good: bool) -> None:
        idle = self._idle[project, port]
        if not good or not kept.connection.is_good or len(idle) >= MOST_IDLE:
            kept.connection.cut()
            self._tidy(project, port)
            return
        idle.append(kept)
        kept.timer = asyncio.get_running_loop().call_later(KEEP_IDLE, self._expire, project, port, kept)

    def _expire(self, project: ProjectId, port: int, kept: _Kept) -> None:
        kept.connection.cut()
        idle = self._idle.get((project, port), [])
        if kept in idle:
            idle.remove(kept)
        self._tidy(project, port)

    def _tidy(self, project: ProjectId, port: int) -> None:
        if not self._idle.get((project, port)):
            self._idle.pop((project, port), None)
