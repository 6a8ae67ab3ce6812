"""The other end of a link, played by the test: it answers the greeting and then does what it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from server.runtimes.link import Link
from server.runtimes.roads import over_pipe, over_socket
from server.runtimes.stream import Stream
from server.supervisor.protocol import VERSION, Decoder, Kind, message, parse_json

Frame = tuple[Kind, int, bytes]


class Peer:
    """Frames read from and written to the link under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._decoder = Decoder()
        self._frames: list[Frame] = []

    async def frame(self) -> Frame:
        """The next frame that the link sent."""
        while not self._frames:
            data = await self.reader.read(1 << 18)
            if not data:
                raise EOFError("the link was closed")
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    async def call(self) -> dict[str, Any]:
        kind, stream, payload = await self.frame()
        assert (kind, stream) == (Kind.CONTROL, 0)
        return parse_json(payload)

    async def answer(self, method: str, result: dict[str, Any]) -> dict[str, Any]:
        """Take the next call, which must be of `method`, and answer it; its parameters."""
        call = await self.call()
        assert call["method"] == method
        self.control({"id": call["id"], "result": result})
        params: dict[str, Any] = call["params"]
        return params

    def control(self, value: dict[str, Any]) -> None:
        self.writer.write(message(Kind.CONTROL, 0, value))

    async def closed(self) -> None:
        """Return once the link has hung up."""
        try:
            while True:
                await self.frame()
        except (EOFError, ConnectionError):
            pass


async def greet(peer: Peer, **more: Any) -> None:
    await peer.answer("hello", {"version": VERSION, "boot": "b1", "terminals": [], "ports": [], "run": None, **more})


@asynccontextmanager
async def linked(*, pipe: bool = False) -> AsyncIterator[tuple[Link, Peer]]:
    """A greeted link and its peer, over a socket or over a pair of functions."""
    ours, theirs = socket.socketpair()
    peer = Peer(*await asyncio.open_unix_connection(sock=theirs))
    greeting = asyncio.create_task(greet(peer))
    link = await (_over_pipe(ours) if pipe else over_socket("p1", ours))
    await greeting
    try:
        yield link, peer
    finally:
        await link.close()
        peer.writer.close()


async def _over_pipe(sock: socket.socket) -> Link:
    reader, writer = await asyncio.open_unix_connection(sock=sock)

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    async def close() -> None:
        writer.close()

    return await over_pipe("p1", lambda: reader.read(1 << 18), write, close)


async def viewer(link: Link, peer: Peer, offset: int = 0) -> Stream:
    """A stream on the channel `log`, from `offset` on."""
    opening = asyncio.create_task(link.attach("log", offset))
    await peer.answer("attach", {"offset": offset, "ended": False})
    return await opening


async def relay(link: Link, peer: Peer) -> Stream:
    opening = asyncio.create_task(link.connect(3000))
    await peer.answer("connect", {})
    return await opening
