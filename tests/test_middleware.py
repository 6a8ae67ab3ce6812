import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server import middleware
from tests.support.previews import PROJECT, Edge, edge

SECRET = "words-that-nobody-may-see"


async def fail(request: Request) -> Response:
    raise RuntimeError(SECRET)


async def fail_late(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError(SECRET)

    from_here: Any = pieces()
    return _Streaming(from_here)


class _Streaming(Response):
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})


async def read(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("gone", 400)


async def fail_socket(websocket: WebSocket) -> None:
    if websocket.query_params:
        await websocket.accept()
    raise RuntimeError(SECRET)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    routes = [
        Route("/fail", fail),
        Route("/late", fail_late),
        Route("/read", read, methods=["POST"]),
        Route("/api/x", read, methods=["GET"]),
        WebSocketRoute("/socket", fail_socket),
    ]
    async with edge(tmp_path, routes) as running:
        yield running


async def raw(server: Edge, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_nobody_expected_is_logged_once_and_kept_back(
    server: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.client() as client:
        response = await client.get("/fail?token=in-the-query")
    assert response.status_code == 500 and response.headers["content-type"] == "application/problem+json"
    id = response.headers["x-request-id"]
    assert id in response.json()["detail"] and SECRET not in response.text
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 1 and id in failures[0].getMessage() and failures[0].exc_info


async def test_an_answer_that_fails_half_way_is_broken_off(server: Edge, caplog: pytest.LogCaptureFixture) -> None:
    async with server.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/late")
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


async def test_a_socket_that_fails_is_closed(server: Edge, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("/socket", {})
    assert refused.value.response.status_code == 500
    async with server.socket("/socket?accepted", {}) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1011
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 2


@pytest.mark.parametrize("path", ["/nowhere", "/static/dist/main.js", "/", "/fail", "/api/projects/x/nothing"])
async def test_a_socket_to_nowhere_is_refused(server: Edge, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(path, {})
    assert refused.value.response.status_code == 404
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
async def test_methods_that_echo_are_refused(server: Edge, method: str) -> None:
    for host in ("127.0.0.1", server.host(1)):
        answer = await raw(server, f"{method} / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert answer.split(b" ")[1] in (b"405", b"400")


@pytest.mark.parametrize("method", ["PROPFIND", "LOCK", "POST", "DELETE"])
async def test_a_method_that_a_route_lacks_is_405(server: Edge, method: str) -> None:
    async with server.client() as client:
        response = await client.request(method, "/fail")
    assert response.status_code == 405 and response.headers["allow"]


async def test_security_headers_are_on_every_answer_of_the_ide(server: Edge) -> None:
    async with server.client() as client:
        for path in ("/", "/nowhere", "/fail", "/api/x", f"/preview-ticket/{PROJECT}/3000"):
            headers = (await client.get(path, headers={"Accept": "text/html"})).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "server" not in headers and "strict-transport-security" not in headers
        assert (await client.get("/api/x")).headers["cache-control"] == "no-store"
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("/nowhere", {})
    assert refused.value.response.headers["x-content-type-options"] == "nosniff"


async def test_under_tls_browsers_are_told_to_stay_there() -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("x", headers={"Content-Security-Policy": "default-src 'self'"})(scope, receive, send)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    scope = {"type": "http", "scheme": "https", "path": "/", "headers": [], "method": "GET"}
    await middleware.SecurityHeaders(app)(scope, receive, send)
    headers = dict(sent[0]["headers"])
    assert b"strict-transport-security" in headers
    assert headers[b"content-security-policy"] == b"default-src 'self'"


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-{number}: 1" for number in range(middleware.MOST_HEADERS + 1)],
        ["X-Long: " + "x" * (middleware.MOST_HEADER_BYTES + 1)],
        ["X-" + "y" * (middleware.MOST_HEADER_BYTES + 1) + ": 1"],
    ],
)
async def test_too_many_headers_are_refused(server: Edge, lines: list[str]) -> None:
    request = "\r\n".join(["GET / HTTP/1.1", "Host: x", "Connection: close", *lines, "", ""])
    assert (await raw(server, request.encode())).startswith(b"HTTP/1.1 431 ")


async def test_a_body_that_does_not_go_on_ends_the_connection(server: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SILENCE", 0.2)
    request = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"
    async with asyncio.timeout(5):
        answer = await raw(server, request)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"connection: close" in answer


async def test_a_slow_but_steady_body_is_taken(server: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SILENCE", 0.5)

    async def steadily() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x"
            await asyncio.sleep(0.1)

    async with server.client() as client:
        assert (await client.post("/read", content=steadily())).text == "10"


async def test_the_log_has_one_clean_line_and_no_secrets(server: Edge, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with server.client() as client:
        response = await client.get("/login?token=canary1", headers={"Authorization": "Bearer canary2"})
        await client.get("/preview/abc123/3000/~p.1.-.canary3/x?y=canary4")
        await client.get("/%1b%5d0;title%07%0d%0aforged%e2%80%ae" + "a" * 3000)
    with pytest.raises(InvalidStatus):
        await server.socket("/x?token=canary5", {"Cookie": "hutch_session=canary6"})
    # The client that asks is in this process too, and logs what it asks.
    text = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    assert "canary" not in text
    lines = [record.getMessage() for record in caplog.records if record.name == "server.access"]
    assert len(lines) == 4
    assert lines[0].startswith("GET /login ") and response.headers["x-request-id"] in lines[0] and " 404 " in lines[0]
    assert "/preview/abc123/3000/~…/x" in lines[1]
    assert all(line.isprintable() and len(line) < 700 for line in lines)
    assert lines[3].startswith("SOCKET /x ")


def test_what_a_terminal_would_obey_is_escaped() -> None:
    scope = {"type": "http", "method": "GET", "raw_path": b"/\x1b[2J\xe2\x80\xae\r\n", "query_string": b"secret"}
    assert middleware.describe(scope) == r"GET /\x1b[2J\xe2\x80\xae\x0d\x0a"
