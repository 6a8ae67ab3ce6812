"""Apps that answer garbage, too much, nothing, or break off: the answer is 502 or 504, soon, and others go on."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from server.errors import GatewayTimeout
from server.services.upstream import KEEP_IDLE
from tests.support.previews import TOKEN, Edge, edge

PATIENCE = 1.0
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(params=["straight", "relayed"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Edge]:
    async with edge(tmp_path, patience=PATIENCE, relayed=request.param == "relayed") as running:
        yield running


@asynccontextmanager
async def hostile(script: Script) -> AsyncIterator[int]:
    """An app that does as `script` says once it has read a request's head; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


def saying(answer: bytes) -> Script:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return script


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def flooding(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        writer.write(b"X-%d: " % number + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def one_long_header(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _number in range(1600):
        writer.write(b"x" * 65536)
        await writer.drain()


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: yes and so on and on and on and on":
        writer.write(bytes([byte]))
        await asyncio.sleep(0.1)


def without_end(start: bytes, piece: bytes) -> Script:
    """100 MB of `piece`."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        many = piece * (65536 // len(piece))
        for _number in range(100_000_000 // len(many)):
            writer.write(many)
            await writer.drain()

    return script


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
ENDLESS = [
    without_end(CHUNKED + b"0\r\n", b"X-Trailer: yes\r\n"),
    without_end(CHUNKED + b"0\r\nX: ", b"x"),
    without_end(CHUNKED + b"2;x=", b"x"),
    without_end(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
]

GARBAGE = [
    b"",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00\x01\x02" * 100,
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x1b[2Jb\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("answer", GARBAGE)
async def test_garbage_is_a_bad_gateway(server: Edge, answer: bytes) -> None:
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        response = await client.get("/")
        assert response.status_code == 502, response.text
        page = await client.get("/", headers={"Sec-Fetch-Mode": "navigate"})
        assert page.status_code == 502 and "no usable answer" in page.text


@pytest.mark.parametrize(
    ("script", "status"),
    [(resetting, 502), (silent, 504), (dripping, 504), (flooding, 502), (one_long_header, 502)],
)
async def test_bad_manners_end_in_bounded_time(server: Edge, script: Script, status: int) -> None:
    began = time.monotonic()
    async with hostile(script) as port, server.preview(port) as client:
        assert (await client.get("/")).status_code == status
    assert time.monotonic() - began < PATIENCE + 5


@pytest.mark.parametrize("script", ENDLESS)
async def test_what_stands_beside_a_body_has_an_end_too(server: Edge, script: Script) -> None:
    began = time.monotonic()
    async with hostile(script) as port, server.preview(port) as client:
        try:
            assert (await client.get("/")).status_code == 502
        except httpx.RemoteProtocolError:
            # A part of the body was passed on before, so that all that is left is to break off.
            pass
    assert time.monotonic() - began < 5


async def test_a_slow_upload_is_not_taken_for_a_silent_app(server: Edge) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        await writer.drain()

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"x"
            await asyncio.sleep(PATIENCE / 4)

    async with hostile(count) as port, server.preview(port) as client:
        assert (await client.post("/", content=slowly())).text == "done"


async def test_an_app_that_hangs_up_in_an_upload_is_a_bad_gateway(
    server: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    hung_up = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        hung_up.set()

    async def upload() -> AsyncIterator[bytes]:
        yield b"x"
        await hung_up.wait()
        for _ in range(20):
            yield b"x" * 65536
            await asyncio.sleep(0)

    async with hostile(hang_up) as port, server.preview(port) as client:
        for _ in range(5):
            hung_up.clear()
            assert (await client.post("/", content=upload())).status_code == 502
    gc.collect()
    assert not [record for record in caplog.records if "never retrieved" in record.message]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(server: Edge, answer: bytes) -> None:
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        try:
            response = await client.get("/")
        except httpx.RemoteProtocolError:
            return
        # Known for broken before anything of it was passed on.
        assert response.status_code == 502


async def test_the_old_protocol_and_its_end_by_closing_pass(server: Edge) -> None:
    async with hostile(saying(b"HTTP/1.0 200 OK\r\n\r\nthe end is the end")) as port, server.preview(port) as client:
        assert (await client.get("/")).text == "the end is the end"


async def test_early_hints_are_passed_over(server: Edge) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        assert (await client.get("/")).text == "ok"


async def test_trailers_are_dropped(server: Edge) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: hutch_session=x\r\n\r\n"
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        response = await client.get("/")
        assert response.text == "ok" and "set-cookie" not in response.headers


async def test_a_second_answer_on_a_kept_connection_reaches_nobody(server: Edge) -> None:
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
    async with hostile(saying(two)) as port, server.preview(port) as client:
        for _ in range(3):
            assert (await client.get("/")).text == "first"


async def test_what_comes_after_an_answer_is_not_the_next_one(server: Edge) -> None:
    """Nor is a connection on which it came used again."""
    connections = 0

    async def poisoned(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        await writer.drain()
        await may_poison.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        await writer.drain()
        # The server hangs up on it.
        assert await reader.read() == b""
        cut.set()

    may_poison, cut = asyncio.Event(), asyncio.Event()
    async with hostile(poisoned) as port, server.preview(port) as client:
        assert (await client.get("/")).text == "first"
        may_poison.set()
        # Sooner than a connection that is idle would be closed anyway.
        async with asyncio.timeout(KEEP_IDLE - 1):
            await cut.wait()
        assert (await client.get("/")).text == "first"
    assert connections == 2


async def test_headers_for_the_next_hop_alone_are_not_passed_on(server: Edge) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Proxy-Authenticate: Basic\r\nX-End: 2\r\n\r\nok"
    )
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        response = await client.get("/")
    assert response.headers["x-end"] == "2"
    assert not response.headers.keys() & {"x-hop", "keep-alive", "proxy-authenticate"}


@pytest.mark.parametrize("status", [204, 304])
async def test_a_body_where_none_may_be_is_nobodys(server: Edge, status: int) -> None:
    """It would be taken for the next answer."""
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 40\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" % status
    async with hostile(saying(answer)) as port, server.preview(port) as client:
        for _ in range(2):
            response = await client.get("/")
            assert (response.status_code, response.content) == (status, b"")


async def test_others_go_on_beside_apps_that_hang(tmp_path: Path) -> None:
    fine = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    async with edge(tmp_path, patience=10 * PATIENCE) as server, hostile(silent) as stuck, hostile(fine) as port:
        async with server.preview(stuck) as waiting, server.preview(port) as client:
            hanging = [asyncio.create_task(waiting.get("/")) for _ in range(50)]
            for _ in range(10):
                assert (await client.get("/")).text == "ok"
            assert not any(request.done() for request in hanging), "nobody waited for those that hang"
            assert {response.status_code for response in await asyncio.gather(*hanging)} == {504}


async def test_nothing_is_left_of_a_hundred_hanging_requests(server: Edge) -> None:
    ended = asyncio.Semaphore(0)

    async def counted(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            ended.release()

    async with hostile(counted) as port, server.preview(port) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(100)))
        assert {answer.status_code for answer in answers} == {504}
        async with asyncio.timeout(5):
            for _ in range(100):
                await ended.acquire()


SOCKET_GARBAGE = [
    b"",
    b"\x00" * 50,
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
]


@pytest.mark.parametrize("answer", SOCKET_GARBAGE)
async def test_garbage_in_the_handshake_is_a_bad_gateway(server: Edge, answer: bytes) -> None:
    async with hostile(saying(answer)) as port:
        with pytest.raises(InvalidStatus) as refused:
            await server.socket("/", {"X-Hutch-Authorization": f"Bearer {TOKEN}"}, host=server.host(port))
        assert refused.value.response.status_code == 502


async def test_silence_in_the_handshake_is_a_timeout(server: Edge) -> None:
    async with hostile(silent) as port:
        with pytest.raises(InvalidStatus) as refused:
            await server.socket("/", {"X-Hutch-Authorization": f"Bearer {TOKEN}"}, host=server.host(port))
        assert refused.value.response.status_code == GatewayTimeout.status


async def test_a_refusal_that_smuggles_is_none(server: Edge) -> None:
    answer = b"HTTP/1.1 403 No\r\nSet-Cookie: hutch_session=x\r\nSet-Cookie: a=b; Domain=localhost\r\n\r\n"
    async with hostile(saying(answer)) as port:
        with pytest.raises((InvalidStatus, InvalidMessage, InvalidHandshake)) as refused:
            await server.socket("/", {"X-Hutch-Authorization": f"Bearer {TOKEN}"}, host=server.host(port))
        assert isinstance(refused.value, InvalidStatus)
        assert refused.value.response.headers.get_all("set-cookie") == ["a=b"]
