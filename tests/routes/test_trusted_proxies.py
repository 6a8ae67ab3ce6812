"""Behind a reverse proxy with TLS: what it says of the client counts, and what anybody else says does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus

from server.routes import guard
from server.routes.visits import client_address
from tests.support.previews import PROJECT, Edge, edge

PROXIED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "ide.example.org", "X-Forwarded-For": "203.0.113.9"}
ORIGIN = {"Origin": "https://ide.example.org"}


async def told(request: Request) -> Response:
    """What the server takes the client for."""
    response = JSONResponse({"client": client_address(request.scope), "same": guard.is_same_origin(request.scope)})
    guard.set_session_cookie(response, request, "secret")
    return response


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(client_address(socket.scope))
    await socket.close()


ROUTES = [
    guard.public("/told", told, methods=("GET", "POST")),
    guard.secured_socket("/greet", greet, action="projects.list"),
]


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path, ROUTES, trusted="127.0.0.1, 10.0.0.0/8") as running:
        yield running


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path, ROUTES) as running:
        yield running


async def test_the_origin_is_the_one_that_the_browser_knows(behind: Edge) -> None:
    async with behind.client(**PROXIED) as client:
        answer = await client.post("/told", headers=ORIGIN)
        assert answer.json() == {"client": "203.0.113.9", "same": True}
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-hutch_session=") and "Secure" in cookie
        assert "strict-transport-security" in answer.headers
        for foreign in ("http://ide.example.org", "https://evil.test", behind.ide):
            assert (await client.post("/told", headers={"Origin": foreign})).status_code == 403


async def test_nobody_else_is_believed(alone: Edge) -> None:
    async with alone.client(**PROXIED) as client:
        assert (await client.post("/told", headers=ORIGIN)).status_code == 403
        answer = await client.post("/told", headers={"Origin": alone.ide})
        assert answer.json() == {"client": "127.0.0.1", "same": True}
        assert "Secure" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_first_that_no_proxy_vouches_for(behind: Edge, hops: str, client: str) -> None:
    async with behind.client(**{"X-Forwarded-For": hops}) as asking:
        assert (await asking.get("/told")).json()["client"] == client


async def test_of_several_values_the_last_is_the_proxys_own(behind: Edge) -> None:
    sent = {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "evil.test, ide.example.org"}
    async with behind.client(**sent) as client:
        assert (await client.post("/told", headers={"Origin": "http://ide.example.org"})).status_code == 200
        assert (await client.post("/told", headers={"Origin": "https://evil.test"})).status_code == 403


async def test_nonsense_changes_nothing_or_is_refused(behind: Edge) -> None:
    async with behind.client(**{"X-Forwarded-Proto": "gopher"}) as client:
        assert (await client.post("/told", headers={"Origin": behind.ide})).status_code == 200
    async with behind.client(**{"X-Forwarded-Host": "a b@c"}) as client:
        assert (await client.get("/told")).status_code == 400


async def test_sockets_are_opened_from_the_pages_origin(behind: Edge) -> None:
    cookie = {"Cookie": f"__Host-hutch_session={await behind.session()}"}
    async with behind.socket("/greet", {**PROXIED, **ORIGIN, **cookie}) as socket:
        assert await socket.recv() == "203.0.113.9"
    with pytest.raises(InvalidStatus):
        await behind.socket("/greet", {**PROXIED, **cookie, "Origin": "http://ide.example.org"})


async def test_previews_are_where_the_browser_finds_them(behind: Edge) -> None:
    cookie = f"__Host-hutch_session={await behind.session()}"
    navigates = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}
    async with behind.client(**PROXIED, **navigates) as client:
        away = await client.get(f"/preview-ticket/{PROJECT}/3000", headers={"Cookie": cookie})
        assert away.headers["location"].startswith(f"https://3000-{PROJECT}.preview.localhost/.hutch/ticket?")
