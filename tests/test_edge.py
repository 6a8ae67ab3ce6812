import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server import edge
from tests.support.previews import serving


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"]), WebSocketRoute("/", echo)])
    async with serving(app) as port:
        yield port


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the server ended the connection, which it must do soon."""
    async with asyncio.timeout(5):
        return await reader.read()


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_does_not_come_ends_the_connection(
    port: int, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    assert await ended(reader) == b""
    writer.close()


async def test_a_head_that_drips_ends_the_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip() -> None:
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        while True:
            writer.write(b"y")
            await asyncio.sleep(0.02)

    # A first request, so that the second drips on a connection that was kept.
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
    dripping = asyncio.create_task(drip())
    assert await ended(reader) == b""
    dripping.cancel()
    writer.close()


async def test_a_kept_connection_serves_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        await reader.readuntil(b"hello")
        await asyncio.sleep(0.1)
    writer.close()


async def test_a_body_that_nobody_wants_ends_the_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert (await ended(reader)).endswith(b"hello")
    dripping.cancel()
    writer.close()


async def test_a_head_beyond_all_measure_is_not_read_to_its_end(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for number in range(edge.MOST_HEAD // 1000 + 2):
        writer.write(b"X-%d: " % number + b"y" * 1000 + b"\r\n")
    assert (await ended(reader)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_fragments_without_length_are_counted(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket:
        await socket.send(["a", *[""] * (edge.MOST_FRAGMENTS - 10)])
        assert await socket.recv() == "a"
        with pytest.raises(ConnectionClosed):
            await socket.send(["a", *[""] * (edge.MOST_FRAGMENTS + 10)])
            await socket.recv()
        assert socket.close_code == 1009
