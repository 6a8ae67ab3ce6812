import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import Unavailable
from server.runtimes import direct as module
from server.runtimes.direct import Direct, Place
from tests.support.server import free_port

HERE = Place("127.0.0.1", "127.0.0.1")


class Engine:
    """Says what it is told to, and counts how often it is asked."""

    def __init__(self, *answers: Place | None | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self) -> Place | None:
        self.asked += 1
        answer = self._answers[min(self.asked, len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_engine_is_asked_once_for_many_connections(port: int) -> None:
    engine = Engine(HERE)
    direct = Direct(engine)
    for transport in await asyncio.gather(*(direct.open(port, asyncio.Protocol()) for _ in range(20))):
        transport.abort()
    assert engine.asked == 1


async def test_where_the_container_is_gets_looked_at_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN", -1.0)
    direct = Direct(Engine(HERE, None, Unavailable("the engine does not answer"), HERE))
    (await direct.open(port, asyncio.Protocol())).abort()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await direct.open(port, asyncio.Protocol())
    (await direct.open(port, asyncio.Protocol())).abort()


async def test_a_port_that_is_closed_does_not_close_the_way(port: int) -> None:
    direct = Direct(Engine(HERE))
    with pytest.raises(ConnectionRefusedError):
        await direct.open(free_port(), asyncio.Protocol())
    (await direct.open(port, asyncio.Protocol())).abort()


async def test_a_network_that_is_not_this_machines_is_never_entered(port: int) -> None:
    # The address answers; that it is the container's can't be, because the gateway is not here.
    engine = Engine(Place("127.0.0.1", "192.0.2.1"))
    direct = Direct(engine)
    for _ in range(2):
        with pytest.raises(OSError):
            await direct.open(port, asyncio.Protocol())
    assert engine.asked == 1 and direct.is_useless


async def test_a_way_that_was_too_slow_once_is_tried_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    direct = Direct(Engine(HERE))
    monkeypatch.setattr(module, "CONNECT_WITHIN", 0.0)
    with pytest.raises(TimeoutError):
        await direct.open(port, asyncio.Protocol())
    assert direct.is_useless
    loop = asyncio.get_running_loop()
    later = loop.time() + module.USELESS_FOR
    monkeypatch.undo()
    monkeypatch.setattr(loop, "time", lambda: later)
    (await direct.open(port, asyncio.Protocol())).abort()
