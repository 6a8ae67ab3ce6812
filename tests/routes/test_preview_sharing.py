"""Ports that others than the project's own people reach: public ones, and private ones by a share link."""

from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.models import ShareLink, Visibility
from server.services.attempts import ATTEMPTS
from tests.routes.test_preview import NAVIGATE
from tests.support.previews import OTHER, PROJECT, Edge, edge, running_app


async def answer(request: web.Request) -> web.StreamResponse:
    """What the app got to see, or on a socket its echo; `/endless` is an answer without end."""
    if request.path == "/socket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket
    if request.path == "/endless":
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await request.transport.wait_closed()  # type: ignore[union-attr]
        return response
    return web.json_response(dict(request.headers))


@pytest.fixture
async def app() -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with running_app(application) as port:
        yield port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path) as running:
        yield running


@pytest.fixture
async def public(server: Edge, app: int) -> int:
    await server.sharing.set_visibility(PROJECT, app, Visibility.PUBLIC)
    return app


async def test_a_public_port_needs_no_sign_in_and_sets_no_cookie(server: Edge, public: int) -> None:
    async with server.client(Host=server.host(public)) as client:
        for sent in (NAVIGATE, {"Origin": "https://elsewhere.test"}, {"Cookie": "hutch_preview=bad; app=1"}):
            response = await client.get("/", headers=sent)
            assert response.status_code == 200 and "set-cookie" not in response.headers
            assert "hutch" not in str(response.json().get("Cookie"))


async def test_other_ports_and_projects_stay_private(server: Edge, public: int) -> None:
    async with server.client() as client:
        for host in (server.host(public, OTHER), server.host(public + 1)):
            assert (await client.get("/", headers={"Host": host})).status_code == 401
        assert (await client.get(f"/preview/{OTHER}/{public}/")).status_code == 401


async def test_a_public_socket_is_open_to_strangers_until_the_port_is_private(server: Edge, public: int) -> None:
    async with server.socket("/socket", {"Origin": "https://elsewhere.test"}, host=server.host(public)) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        await server.sharing.set_visibility(PROJECT, public, Visibility.PRIVATE)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("/socket", {}, host=server.host(public))
    assert refused.value.response.status_code == 401


async def test_what_strangers_are_sent_ends_when_the_port_is_private_again(server: Edge, public: int) -> None:
    async with server.client(Host=server.host(public)) as client:
        async with client.stream("GET", "/endless") as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"begun"
            await server.sharing.make_private(PROJECT)
            with pytest.raises(Exception, match="peer closed|incomplete"):
                await anext(pieces)
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/", headers=NAVIGATE)).status_code == 303


async def test_by_path_a_public_port_is_served_in_the_sandbox_to_whoever_asks(server: Edge, public: int) -> None:
    base = f"/preview/{PROJECT}/{public}/"
    async with server.client() as client:
        page = await client.get(base, headers=NAVIGATE)
        assert page.status_code == 200
        assert "sandbox" in page.headers["content-security-policy"] and "allow-same-origin" not in str(page.headers)
        script = await client.get(base, headers={"Origin": "null", "Sec-Fetch-Mode": "cors"})
        assert script.headers["access-control-allow-origin"] == "*"
        asked = {"Origin": "null", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-own"}
        preflight = await client.options(base, headers=asked)
        assert preflight.headers["access-control-allow-headers"] == "x-own"
    async with server.socket(f"{base}socket", {"Origin": "null"}) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def test_by_path_not_even_a_public_port_gets_a_worker(server: Edge, public: int) -> None:
    async with server.client() as client:
        response = await client.get(f"/preview/{PROJECT}/{public}/sw.js", headers={"Service-Worker": "script"})
    assert response.status_code == 403


async def test_a_public_port_leads_no_stranger_to_the_ide(server: Edge, public: int) -> None:
    async with server.client(Host=server.host(public)) as client:
        assert (await client.get("/.hutch/other")).status_code == 404
        ticket = await client.get(f"{server.ide}/preview-ticket/{PROJECT}/{public}", headers={"Host": "127.0.0.1"})
        assert ticket.status_code == 401


# ---- share links


async def share(server: Edge, port: int, seconds: int = 3600) -> tuple[str, ShareLink]:
    return await server.links.create(PROJECT, port, seconds)


async def opened(server: Edge, port: int, secret: str, project: str = PROJECT) -> httpx.Response:
    async with server.client(Host=server.host(port, project), **NAVIGATE) as client:
        return await client.get(f"/.hutch/share?token={secret}")


async def cookie(server: Edge, port: int, secret: str) -> str:
    response = await opened(server, port, secret)
    assert (response.status_code, response.headers["referrer-policy"]) == (303, "no-referrer")
    sent: str = response.headers["set-cookie"]
    return sent.partition(";")[0]


async def test_a_link_gives_a_browser_a_cookie_for_that_host_until_it_expires(server: Edge, app: int) -> None:
    secret, _ = await share(server, app, 600)
    response = await opened(server, app, secret)
    [morsel] = SimpleCookie(response.headers["set-cookie"]).values()
    assert (morsel["path"], morsel["domain"], morsel["httponly"]) == ("/", "", True)
    assert 590 <= int(morsel["max-age"]) <= 600

    sent = {"Host": server.host(app), "Cookie": f"{morsel.key}={morsel.value}"}
    async with server.client() as client:
        page = await client.get("/", headers={**sent, **NAVIGATE})
        assert page.status_code == 200 and "set-cookie" not in page.headers, "nothing prolongs it"
        assert "Cookie" not in page.json()
        for host in (server.host(app + 1), server.host(app, OTHER)):
            assert (await client.get("/", headers={**sent, "Host": host})).status_code == 401
        for path in ("/api/projects", f"/preview/{PROJECT}/{app}/", f"/preview-ticket/{PROJECT}/{app}"):
            assert (await client.get(path, headers={"Cookie": sent["Cookie"]})).status_code in (401, 404)
        server.clock.seconds += 601
        assert (await client.get("/", headers=sent)).status_code == 401
    assert (await opened(server, app, secret)).status_code == 401


async def test_a_link_can_be_opened_by_several_browsers(server: Edge, app: int) -> None:
    secret, _ = await share(server, app)
    for _ in range(2):
        sent = {"Host": server.host(app), "Cookie": await cookie(server, app, secret)}
        async with server.client() as client:
            assert (await client.get("/", headers=sent)).status_code == 200


async def test_a_revoked_link_is_refused_at_the_next_request_and_its_sockets_are_cut(server: Edge, app: int) -> None:
    secret, link = await share(server, app)
    sent = {"Cookie": await cookie(server, app, secret), "Origin": f"http://{server.host(app)}"}
    async with server.client(Host=server.host(app)) as client:
        assert (await client.get("/", headers=sent)).status_code == 200
        async with server.socket("/socket", sent, host=server.host(app)) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            await server.links.revoke(PROJECT, app, link.id)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert (await client.get("/", headers=sent)).status_code == 401
    response = await opened(server, app, secret)
    assert response.status_code == 401 and "was revoked" in response.text


async def test_a_link_opens_its_own_port_alone(server: Edge, app: int) -> None:
    secret, _ = await share(server, app)
    for port, project, token in ((app + 1, PROJECT, secret), (app, OTHER, secret), (app, PROJECT, secret + "x")):
        response = await opened(server, port, token, project)
        assert response.status_code == 401 and "set-cookie" not in response.headers


async def test_another_site_can_not_use_what_a_link_gave(server: Edge, app: int) -> None:
    secret, _ = await share(server, app)
    sent = {"Cookie": await cookie(server, app, secret), "Origin": f"http://{server.host(app, OTHER)}"}
    async with server.client(Host=server.host(app)) as client:
        assert (await client.post("/", headers=sent)).status_code == 403


async def test_links_can_not_be_guessed_for_long(server: Edge, app: int) -> None:
    secret, _ = await share(server, app)
    for _ in range(ATTEMPTS):
        assert (await opened(server, app, "wrong")).status_code == 401
    assert (await opened(server, app, secret)).status_code == 429


async def test_expired_links_are_not_listed_and_dropped(server: Edge) -> None:
    _, first = await share(server, 3000, 60)
    _, second = await share(server, 3000, 600)
    assert {link.id for link in await server.links.of(PROJECT, 3000)} == {first.id, second.id}
    server.clock.seconds += 61
    assert [link.id for link in await server.links.of(PROJECT, 3000)] == [second.id]
    assert second.expires_at - second.created_at == timedelta(minutes=10)
