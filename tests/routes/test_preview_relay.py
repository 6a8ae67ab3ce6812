"""Previews over the real road: a supervisor's relay on a real link."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import BadGateway, Conflict
from server.models import ProjectId
from server.runtimes.base import Spec
from server.runtimes.link import Link
from server.runtimes.local import LocalRuntime
from server.services.dialing import Relay
from tests.support.previews import PROJECT, TOKEN, Edge, edge

APP = Path(__file__).parent.parent / "support" / "relayed_app.py"


class Road:
    """The link of one project, made anew on demand as the workspaces do."""

    def __init__(self, folder: Path) -> None:
        self.runtime = LocalRuntime(folder, os.environ)
        self.spec = Spec(PROJECT, workspace=folder / "workspace", state=folder / PROJECT)
        self.link: Link | None = None

    async def open(self) -> None:
        self.spec.workspace.mkdir(exist_ok=True)
        await self.runtime.start(self.spec)
        self.link = await self.runtime.connect(self.spec)

    async def connect(self, id: ProjectId, port: int) -> Relay:
        assert self.link
        try:
            return await self.link.connect(port)
        except Conflict as error:
            raise BadGateway("nothing answers") from error


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    road = Road(tmp_path)
    await road.open()
    yield road
    if road.link:
        await road.link.close()
    await road.runtime.remove(PROJECT)
    await road.runtime.close()


@pytest.fixture
async def server(tmp_path: Path, road: Road) -> AsyncIterator[Edge]:
    async with edge(tmp_path, connect=road.connect) as running:
        yield running


@pytest.fixture
async def app(road: Road) -> int:
    """The port of an app that runs in the project, for no other is reached."""
    assert road.link
    argv = [sys.executable, str(APP)]
    await road.link.call("spawn", name="terminal/app", argv=argv, cwd="/", env={}, cols=80, rows=24)
    output = await road.link.attach("terminal/app", 0)
    text = b""
    while b"\r\n" not in text:
        piece = await output.receive()
        assert isinstance(piece, bytes), piece
        text += piece
    output.close()
    return int(text.split()[1])


async def test_requests_pass_and_connections_are_kept(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        for _ in range(5):
            assert len((await client.get("/")).content) == 65536
        answers = await asyncio.gather(*(client.get("/") for _ in range(40)))
        assert {len(answer.content) for answer in answers} == {65536}


async def test_large_bodies_pass_within_the_windows(server: Edge, app: int) -> None:
    async def upload() -> AsyncIterator[bytes]:
        for _ in range(500):
            yield b"y" * 65536

    async with server.preview(app) as client:
        async with client.stream("POST", "/?pieces=500", content=upload()) as response:
            received = sum([len(piece) async for piece in response.aiter_raw()])
        assert (response.headers["x-taken"], received) == (str(500 * 65536), 500 * 65536)


async def test_a_client_that_does_not_read_holds_up_nobody_else(server: Edge, app: int) -> None:
    async with server.preview(app) as slow, server.preview(app) as client:
        async with slow.stream("GET", "/?pieces=5000"):
            for _ in range(5):
                assert len((await client.get("/")).content) == 65536


async def test_sockets_pass(server: Edge, app: int) -> None:
    sent = {"X-Hutch-Authorization": f"Bearer {TOKEN}"}
    async with server.socket("/socket", sent, host=server.host(app), max_size=None) as socket:
        for size in (0, 1, 70_000, 3_000_000):
            await socket.send(b"z" * size)
            assert await socket.recv() == b"z" * size
        await socket.close(4001, "done")


async def test_nothing_listening_is_said(server: Edge) -> None:
    async with server.preview(1) as client:
        assert (await client.get("/")).json()["type"] == "urn:hutch:not-listening"


async def test_kept_connections_end_with_the_link_that_carries_them(server: Edge, app: int, road: Road) -> None:
    async with server.preview(app) as client:
        assert (await client.get("/")).status_code == 200
        assert road.link
        await road.link.close()
        road.link = await road.runtime.connect(road.spec)
        assert (await client.get("/")).status_code == 200


async def test_an_answer_breaks_off_with_the_link(server: Edge, app: int, road: Road) -> None:
    async with server.preview(app) as client:
        async with client.stream("GET", "/?pieces=100000") as response:
            pieces = response.aiter_raw()
            await anext(pieces)
            assert road.link
            await road.link.close()
            with pytest.raises(Exception, match="peer closed|incomplete"):
                async for _ in pieces:
                    pass
        road.link = await road.runtime.connect(road.spec)
