import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server import edge
from tests.support.previews import serving


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def cookies(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.headers.get("cookie", ""))


async def tell_cookies(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.headers.get("cookie", ""))
    await websocket.close()


async def deluge(websocket: WebSocket) -> None:
    """Send more than any socket's buffers hold to whoever comes."""
    await websocket.accept()
    receiving = asyncio.create_task(websocket.receive())
    sending = asyncio.create_task(_pour(websocket))
    await asyncio.wait({receiving, sending}, return_when=asyncio.FIRST_COMPLETED)
    sending.cancel()
    await asyncio.gather(receiving, sending, return_exceptions=True)


async def _pour(websocket: WebSocket) -> None:
    while True:
        await websocket.send_bytes(bytes(1 << 20))


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def direct(websocket: WebSocket) -> None:
    """Take what begins with a d at once, and tell of every message which way it came, in order."""
    await websocket.accept()
    way = websocket.scope["extensions"]["direct"]

    def take(data: bytes) -> bool:
        return data.startswith(b"d") and bool(way.put(b"at once " + data))

    way.take = take
    with suppress(WebSocketDisconnect):
        async for data in websocket.iter_bytes():
            await websocket.send_bytes(b"queued " + data)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    routes = [
        Route("/", hello, methods=["GET", "POST"]),
        Route("/cookies", cookies),
        WebSocketRoute("/", echo),
        WebSocketRoute("/cookies", tell_cookies),
        WebSocketRoute("/deluge", deluge),
        WebSocketRoute("/direct", direct),
    ]
    async with serving(Starlette(routes=routes), ping=0.5) as port:
        yield port


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the server ended the connection, which it must do soon.

    Of bytes that come to an ended connection the kernel tells their sender by a reset.
    """
    came = b""
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            while piece := await reader.read(65536):
                came += piece
    return came


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


async def test_a_header_that_does_not_end_is_not_read_for_ever(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(5):
            for _ in range(64 * edge.MOST_UNREAD // 65536):
                writer.write(b"y" * 65536)
                await writer.drain()
    writer.close()


def bomb(count: int, size: int) -> str:
    return "; ".join(f"bomb{number}={'x' * size}" for number in range(count))


@pytest.mark.parametrize(("count", "size"), [(180, 4090), (20_000, 1)])
async def test_of_more_cookies_than_an_app_takes_the_smallest_are_left_and_ours(
    port: int, count: int, size: int
) -> None:
    ours = f"__Host-hutch_preview={'y' * 200}"
    sent = {"Cookie": f"first=z; {bomb(count, size)}; small=1; {ours}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        answer = (await client.get("/cookies", headers=sent)).text
    async with connect(
        f"ws://127.0.0.1:{port}/cookies", proxy=None, additional_headers={"Cookie": bomb(10, 1000)}
    ) as socket:
        assert 4000 < len(await socket.recv()) <= edge.MOST_SOCKET_COOKIES
    assert len(answer) <= edge.MOST_COOKIES
    if size > 1:
        assert answer == f"first=z; bomb0={'x' * size}; bomb1={'x' * size}; small=1; {ours}"


def test_our_cookies_are_kept_before_smaller_ones() -> None:
    ours = b"hutch_session=" + b"y" * 60
    value = b"; ".join([*(b"hutch_x%d=1" % number for number in range(20)), ours, b"a=1"])
    assert edge.fitting_cookies(value, 90) == ours + b"; a=1"
    assert edge.fitting_cookies(value, len(value)) == value


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/" + "x" * 10_000, {}, 414),
        ("/", {"X": "x" * 10_000}, 431),
        ("/", {f"X-{n}": "" for n in range(200)}, 431),
    ],
)
async def test_a_handshake_that_the_parser_refuses_is_answered(
    port: int, path: str, more: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus, match=f"HTTP {status}"):
        await connect(f"ws://127.0.0.1:{port}{path}", proxy=None, additional_headers=more, open_timeout=5)


def descriptors() -> int:
    """Of this process, which is the server's too."""
    return len(os.listdir("/proc/self/fd"))


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not wanted():  # noqa: ASYNC110  what is looked at is the kernel's
            await asyncio.sleep(0.01)


async def takes_nothing(port: int) -> asyncio.StreamWriter:
    """A peer that asks for more than it will ever read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    handshake = "GET /deluge HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    handshake += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n"
    writer.write(handshake.encode())
    await reader.read(1)
    return writer


@pytest.mark.parametrize("end", ["silence", "close", "garbage"])
async def test_a_peer_that_takes_nothing_is_let_go_of(port: int, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "CLOSE_WITHIN", 0.2)
    writer = await takes_nothing(port)
    before = descriptors()
    if end == "close":
        writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
    elif end == "garbage":
        writer.write(b"\xff" * 100)
    await until(lambda: descriptors() < before)
    writer.close()


async def test_a_peer_that_takes_nothing_does_not_hold_up_the_servers_end(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Starlette(routes=[WebSocketRoute("/deluge", deluge)]), grace=10) as port:
        writer = await takes_nothing(port)
    assert "timeout graceful shutdown exceeded" not in caplog.text
    writer.close()


async def test_fragments_without_length_are_counted(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket:
        await socket.send(["a", *[""] * (edge.MOST_FRAGMENTS - 10)])
        assert await socket.recv() == "a"
        with pytest.raises(ConnectionClosed):
            await socket.send(["a", *[""] * (edge.MOST_FRAGMENTS + 10)])
            await socket.recv()
        assert socket.close_code == 1009


def masked(first: int, data: bytes) -> bytes:
    """A client's frame with the first byte `first`, and a mask that changes nothing."""
    return bytes([first, 0x80 | len(data)]) + bytes(4) + data


async def test_what_passes_directly_passes_nothing_that_waits(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/direct", proxy=None) as socket:
        await socket.send(b"d1")
        assert await socket.recv() == b"at once d1"
        # In one piece: what is left to the queue, and in fragments, then what could be taken at once but for those.
        socket.transport.write(masked(0x82, b"q2") + masked(0x02, b"d") + masked(0x80, b"3") + masked(0x82, b"d4"))
        assert [await socket.recv() for _ in range(3)] == [b"queued q2", b"queued d3", b"queued d4"]
        await socket.send(b"d5")
        assert await socket.recv() == b"at once d5"


async def test_nothing_passes_directly_to_a_peer_that_is_closing(port: int, caplog: pytest.LogCaptureFixture) -> None:
    async with connect(f"ws://127.0.0.1:{port}/direct", proxy=None) as socket:
        # In one piece: by the time that the first is answered, the second is known.
        socket.transport.write(masked(0x82, b"d1") + masked(0x88, (1000).to_bytes(2)))
        await socket.wait_closed()
    assert socket.close_code == 1000
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
