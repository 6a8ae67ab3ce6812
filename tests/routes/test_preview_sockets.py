"""WebSockets through a preview: the app chooses, frames and close codes pass as they are."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from server.routes.preview_hosts import COOKIE
from server.services.previews import Kind, Target
from tests.support.previews import OTHER, PROJECT, TOKEN, Edge, edge, running_app

PROGRAM = {"X-Hutch-Authorization": f"Bearer {TOKEN}"}


class App:
    """Sends back what it is sent; `close <code>` and `drop` end the socket. Remembers how sockets ended."""

    def __init__(self) -> None:
        self.closed: asyncio.Queue[int | None] = asyncio.Queue()
        self.received = 0
        self.port = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/refuse":
            return web.json_response({"why": "no"}, status=418, headers={"X-App": "yes"})
        socket = web.WebSocketResponse(protocols=["two", "three"], max_msg_size=0)
        await socket.prepare(request)
        if request.path == "/headers":
            await socket.send_json([request.raw_path, *request.headers.items()])
        async for message in socket:
            self.received += len(message.data)
            if message.type is WSMsgType.TEXT and message.data.startswith("close "):
                await socket.close(code=int(message.data[6:]), message=b"the reason")
            elif message.type is WSMsgType.TEXT and message.data == "drop":
                assert request.transport
                request.transport.abort()
            elif request.path == "/sink":
                await asyncio.Event().wait()
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        await self.closed.put(socket.close_code)
        return socket


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App()
    application = web.Application()
    application.router.add_get("/{path:.*}", app.serve)
    async with running_app(application) as app.port:
        yield app


@pytest.fixture(params=["straight", "relayed"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Edge]:
    async with edge(tmp_path, relayed=request.param == "relayed") as running:
        yield running


def open_socket(server: Edge, app: App, path: str = "/", headers: dict[str, str] | None = None, **more: Any) -> Any:
    return server.socket(path, PROGRAM if headers is None else headers, host=server.host(app.port), **more)


async def test_the_app_chooses_the_subprotocol(server: Edge, app: App) -> None:
    names = [Subprotocol("one"), Subprotocol("two")]
    async with open_socket(server, app, subprotocols=names) as socket:
        assert socket.subprotocol == "two"
    async with open_socket(server, app, subprotocols=[Subprotocol("one")]) as socket:
        assert socket.subprotocol is None


async def test_messages_pass_as_they_are(server: Edge, app: App) -> None:
    async with open_socket(server, app, max_size=None) as socket:
        for message in ("", "text ü 🙂", b"", bytes(range(256)), b"x" * 1_000_000, "y" * 300_000):
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["in ", "three ", "parts"])
        assert await socket.recv() == "in three parts"
        await (await socket.ping())


async def test_headers_are_treated_as_those_of_requests(server: Edge, app: App) -> None:
    sent = {
        **PROGRAM,
        "Cookie": "hutch_session=secret1; app=1; hutch_preview=secret2",
        "Authorization": "Bearer of-the-app",
        "X-Forwarded-Host": "evil.test",
        "Origin": f"http://{server.host(app.port)}",
    }
    async with open_socket(server, app, "/headers?a=%20", sent) as socket:
        path, *pairs = json.loads(await socket.recv())
    headers = {name.lower(): value for name, value in pairs}
    assert path == "/headers?a=%20"
    assert headers["host"] == f"localhost:{app.port}" and headers["origin"] == f"http://localhost:{app.port}"
    assert headers["cookie"] == "app=1" and headers["authorization"] == "Bearer of-the-app"
    assert headers["x-forwarded-host"] == server.host(app.port)
    assert not [value for value in headers.values() if TOKEN in value or "secret" in value]
    assert "sec-websocket-extensions" not in headers


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4123, 4999])
async def test_the_apps_close_code_passes(server: Edge, app: App, code: int) -> None:
    async with open_socket(server, app) as socket:
        await socket.send(f"close {code}")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (code, "the reason")


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_clients_close_code_passes(server: Edge, app: App, code: int) -> None:
    async with open_socket(server, app) as socket:
        await socket.close(code, "bye")
        assert await asyncio.wait_for(app.closed.get(), 5) == code


async def test_a_connection_that_breaks_is_no_close(server: Edge, app: App) -> None:
    async with open_socket(server, app) as socket:
        await socket.send("drop")
        with pytest.raises(ConnectionClosedError):
            await socket.recv()
        assert socket.close_code == 1006
    async with open_socket(server, app) as socket:
        socket.transport.abort()
        await asyncio.wait_for(app.closed.get(), 5)


async def test_the_apps_refusal_is_the_clients_to_see(server: Edge, app: App) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(server, app, "/refuse")
    response = refused.value.response
    assert response.status_code == 418 and response.headers["x-app"] == "yes"
    assert json.loads(bytes(response.body)) == {"why": "no"}


async def test_a_client_is_held_back_by_an_app_that_does_not_read(server: Edge, app: App) -> None:
    async with open_socket(server, app, "/sink") as socket:
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                await asyncio.wait_for(socket.send(b"x" * 1_000_000), 1)
                sent += 1_000_000
        socket.transport.abort()
    assert sent < 60_000_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-Hutch-Authorization": "Bearer wrong"}, 401),
        ({"Cookie": f"{COOKIE}=wrong", "Origin": "{own}"}, 401),
        ({"Cookie": "{grant}"}, 403),
        ({"Cookie": "{grant}", "Origin": "http://evil.test"}, 403),
        ({"Cookie": "{grant}", "Origin": "null"}, 403),
        ({"Cookie": "{grant}", "Origin": "http://3000-xyz789.preview.localhost:{port}"}, 403),
        ({"Cookie": "{grant}", "Origin": "{ide}"}, 403),
        ({"Cookie": "{grant}", "Origin": "{own}"}, 101),
        ({"Cookie": "{grant}", "Origin": "http://5173-abc123.preview.localhost:{port}"}, 101),
        ({"Cookie": "{other}", "Origin": "{own}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 101),
    ],
)
async def test_who_may_open_a_socket(server: Edge, app: App, headers: dict[str, str], status: int) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    words = {
        "own": f"http://{server.host(app.port)}",
        "ide": server.ide,
        "port": server.port,
        "grant": f"{COOKIE}={server.previews.grant(actor, Target(PROJECT, app.port), Kind.HOST)}",
        "other": f"{COOKIE}={server.previews.grant(actor, Target(OTHER, app.port), Kind.HOST)}",
    }
    sent = {name: value.format(**words) for name, value in headers.items()}
    if status == 101:
        async with open_socket(server, app, headers=sent) as socket:
            await socket.send("x")
            assert await socket.recv() == "x"
        return
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(server, app, headers=sent)
    assert refused.value.response.status_code == status
    assert server.workspaces.opened == []


async def test_a_socket_ends_with_the_session(server: Edge, app: App) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, app.port), Kind.HOST)
    sent = {"Cookie": f"{COOKIE}={grant}", "Origin": f"http://{server.host(app.port)}"}
    async with open_socket(server, app, headers=sent) as socket:
        await socket.send("x")
        await socket.recv()
        await server.accounts.sign_out(actor)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        await asyncio.wait_for(app.closed.get(), 5)


async def test_by_path_a_sandboxed_page_is_let_in_by_its_address(server: Edge, app: App) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, app.port), Kind.PATH)
    path = f"/preview/{PROJECT}/{app.port}"
    async with server.socket(f"{path}/~{grant}/headers", {"Origin": "null"}) as socket:
        _, *pairs = json.loads(await socket.recv())
        assert ["Origin", f"http://localhost:{app.port}"] in pairs
    async with server.socket(f"{path}/headers", {"Authorization": f"Bearer {TOKEN}"}) as socket:
        _, *pairs = json.loads(await socket.recv())
        assert TOKEN not in json.dumps(pairs)
    for refused_path in (f"{path}/x", f"{path}/~{grant[:-1]}x/x"):
        with pytest.raises(InvalidStatus) as refused:
            await server.socket(refused_path, {"Origin": "null"})
        assert refused.value.response.status_code in (401, 403)


async def test_nothing_listening_is_told_in_the_handshake(server: Edge) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("/", PROGRAM, host=server.host(1))
    assert refused.value.response.status_code == 502
    server.workspaces.running.clear()
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("/", PROGRAM, host=server.host(1))
    assert refused.value.response.status_code == 503
