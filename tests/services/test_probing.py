"""Which listeners speak HTTP, asked of real ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from server.errors import BadGateway
from server.models import Port
from server.services import probing
from server.services.probing import MOST_PROBES, Probes, speaks_http
from tests.support.previews import TcpRelay, running_app

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def dial(port: int) -> TcpRelay:
    return TcpRelay(*await asyncio.open_connection("127.0.0.1", port))


@asynccontextmanager
async def listener(talk: Talk) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)


async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail at your service\r\n")
    await reader.read()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def bytewise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    for byte in b"HTTP/1.0 500 Broken\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
    await reader.read()


@pytest.mark.parametrize(("talk", "verdict"), [(echo, False), (greeting, False), (silent, False), (refusing, None)])
async def test_what_is_no_http_is_recognised_in_bounded_time(talk: Talk, verdict: bool | None) -> None:
    async with listener(talk) as port:
        relay = await dial(port)
        assert await speaks_http(relay, port, patience=0.3) is verdict
        relay.close()


async def test_the_connection_ends_in_order() -> None:
    left: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n" * 1000)
        while data := await reader.read(100):
            left.append(data)
        left.append(b"the end")

    async with listener(note) as port:
        relay = await dial(port)
        await speaks_http(relay, port)
        # An app sees a reset as an error, and not each handles it.
        assert left[-1] == b"the end"
        relay.close()


async def test_http_is_recognised_whatever_the_answer() -> None:
    async def missing(request: web.Request) -> web.Response:
        assert (request.method, request.path, request.host) == ("HEAD", "/", f"localhost:{port}")
        return web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/", missing)
    async with running_app(app) as port:
        relay = await dial(port)
        assert await speaks_http(relay, port) is True
        relay.close()
    async with listener(bytewise) as port:
        relay = await dial(port)
        assert await speaks_http(relay, port) is True
        relay.close()


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> int:
    """How often what said nothing is asked again, which takes no time here."""
    monkeypatch.setattr(probing, "AGAIN", [0.001] * 4)
    return 4


class Asked:
    """Probes, with what they did noted."""

    def __init__(self) -> None:
        self.probes = Probes()
        self.dialled: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.told = 0
        self.refused = False

    async def connect(self, port: int) -> TcpRelay:
        self.dialled.append(port)
        if self.refused:
            raise BadGateway("nothing answers")
        return await dial(port)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    def tell(self) -> None:
        self.told += 1

    def ask(self, *ports: Port) -> None:
        self.probes.ask(ports, self.connect, self.start, self.tell)

    async def settle(self) -> None:
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_each_listener_is_asked_once_and_a_new_one_anew() -> None:
    asked = Asked()
    async with listener(echo) as number:
        first, second = (Port(number, "127.0.0.1", "app", pid) for pid in (1, 2))
        asked.ask(first)
        assert [port.http for port in asked.probes.judged([first])] == [None]
        asked.ask(first)
        await asked.settle()
        asked.ask(first)
        assert [port.http for port in asked.probes.judged([first])] == [False]
        assert (asked.dialled, asked.told) == ([number], 1)
        asked.ask(second)
        await asked.settle()
        asked.ask()
        asked.ask(first)
        await asked.settle()
        assert asked.dialled == [number] * 3


async def test_one_that_only_tries_whether_its_port_is_free_is_not_taken_for_the_app(again: int) -> None:
    """As webpack-dev-server does: the kernel has accepted for it before it closes, and then the app listens."""
    asked, seen = Asked(), list[bool | None]()

    async def first_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(asked.probes.judged([port])[0].http)
        if len(seen) > 2:
            await bytewise(reader, writer)

    async with listener(first_hang_up) as number:
        port = Port(number, "127.0.0.1", "node", 1)
        asked.ask(port)
        await asked.settle()
    assert (asked.probes.judged([port])[0].http, asked.told) == (True, 2)
    assert seen == [None, None, False]


async def test_what_always_hangs_up_is_left_alone_in_the_end(again: int) -> None:
    asked = Asked()
    async with listener(refusing) as number:
        port = Port(number, "127.0.0.1", "app", 1)
        asked.ask(port)
        await asked.settle()
        asked.ask(port)
        await asked.settle()
    assert (len(asked.dialled), asked.told) == (1 + again, 1)
    assert asked.probes.judged([port])[0].http is False


async def test_what_can_not_be_reached_stays_unknown_and_is_asked_again(again: int) -> None:
    asked, port = Asked(), Port(1, "127.0.0.1", "app", 1)
    asked.refused = True
    for _ in range(2):
        asked.ask(port)
        await asked.settle()
    assert (len(asked.dialled), asked.told) == (2 * (1 + again), 0)
    assert asked.probes.judged([port])[0].http is None


async def test_a_flood_of_ports_is_not_followed_and_what_is_gone_is_let_go() -> None:
    asked = Asked()
    async with listener(silent) as number:
        asked.ask(*(Port(number, "127.0.0.1", "app", pid) for pid in range(100)))
        assert len(asked.tasks) == MOST_PROBES
        asked.ask()
        await asked.settle()
        assert all(task.cancelled() for task in asked.tasks)


async def test_databases_are_not_asked() -> None:
    asked, port = Asked(), Port(5432, "127.0.0.1", "postgres", 1)
    asked.ask(port)
    assert (asked.probes.judged([port])[0].http, asked.tasks) == (False, [])
