"""Which of a project's ports speak HTTP: each listener is asked by a plain request for its first page's head.

One that answers, or stays silent, is asked once. One that ends the connection without a word is asked again: it may
have been there only to find out whether the port is free, with the true one of the same process right behind it, as
webpack-dev-server does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from server.errors import AppError
from server.models import Port
from server.services.dialing import Relay

PATIENCE: Final = 60.0
"""Seconds for the first bytes of an answer: a dev server compiles first. A database is silent and waits for more."""
AGAIN: Final = (0.5, 2.0, 8.0, 30.0)
"""Seconds before each time that one which said nothing is asked again. From the second on it counts as no HTTP."""
LINGER: Final = 2.0
"""Seconds that what was asked gets to end the connection in order."""
MOST_PROBES: Final = 16
"""Listeners of one project that are asked at a time. What opens ports faster is not told apart."""
DATABASES: Final = frozenset({"redis-server", "valkey-server", "postgres", "mysqld", "mariadbd", "memcached", "mongod"})
"""Programs that are known not to, and may complain in their logs when they are asked."""
_ANSWER: Final = b"HTTP/"


class Probes:
    """What is known of the listeners of one project. A listener is a port of one process."""

    def __init__(self) -> None:
        self._known: dict[Port, bool] = {}
        self._tasks: dict[Port, asyncio.Task[None]] = {}

    def judged(self, ports: Iterable[Port]) -> tuple[Port, ...]:
        """The ports with what is known of them."""
        return tuple(replace(port, http=self._known.get(port)) for port in ports)

    def ask(
        self,
        ports: Iterable[Port],
        connect: Callable[[int], Awaitable[Relay]],
        start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        tell: Callable[[], None],
    ) -> None:
        """Ask those that are new, and forget those that are gone. `tell` is called for each one that was found out."""
        now = set(ports)
        self._known = {port: known for port, known in self._known.items() if port in now}
        for port in [port for port in self._tasks if port not in now]:
            self._tasks.pop(port).cancel()
        for port in now - self._known.keys() - self._tasks.keys():
            if port.process in DATABASES:
                self._known[port] = False
            elif len(self._tasks) < MOST_PROBES:
                self._tasks[port] = start(self._probe(port, connect, tell))

    async def _probe(self, port: Port, connect: Callable[[int], Awaitable[Relay]], tell: Callable[[], None]) -> None:
        for pause in (0, *AGAIN):
            await asyncio.sleep(pause)
            try:
                http = await _ask_once(port, connect)
            except AppError:
                # Nothing is known of it: if that stays so, it is asked when the ports are reported the next time.
                continue
            if http is not None or pause:
                self._learn(port, bool(http), tell)
            if http is not None:
                break
        self._tasks.pop(port, None)

    def _learn(self, port: Port, http: bool, tell: Callable[[], None]) -> None:
        if self._known.get(port) is not http:
            self._known[port] = http
            tell()


async def _ask_once(port: Port, connect: Callable[[int], Awaitable[Relay]]) -> bool | None:
    relay = await connect(port.port)
    try:
        return await speaks_http(relay, port.port)
    finally:
        relay.close()


async def speaks_http(relay: Relay, port: int, *, patience: float = PATIENCE) -> bool | None:
    """Whether what is at the other end answers HTTP within `patience` seconds, None when it hangs up without a word.

    The caller closes the relay.
    """
    request = (
        f"HEAD / HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: Hutch\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    answer, silent = b"", False
    try:
        async with asyncio.timeout(patience):
            await relay.send(request.encode())
            while len(answer) < len(_ANSWER) and isinstance(piece := await relay.receive(), bytes):
                answer += piece
    except TimeoutError:
        silent = True
    except (AppError, OSError):
        pass
    await _take_leave(relay)
    return answer.startswith(_ANSWER) if answer or silent else None


async def _take_leave(relay: Relay) -> None:
    """End the connection in order: an app that minds no errors of its sockets would die of a reset."""
    with suppress(AppError, OSError, TimeoutError):
        async with asyncio.timeout(LINGER):
            await relay.send_eof()
            while isinstance(await relay.receive(), bytes):
                pass
