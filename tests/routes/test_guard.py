import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.routes.guard import (
    COOKIE,
    Guarded,
    Public,
    actor_of,
    clear_session_cookie,
    public,
    secured,
    secured_socket,
    session_cookies,
    set_session_cookie,
)
from tests.support.previews import PROJECT, TOKEN, Edge, edge


async def who(request: Request) -> JSONResponse:
    return JSONResponse({"session": actor_of(request).session is not None})


async def change(request: Request) -> Response:
    return Response(status_code=204)


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def sign_in(request: Request) -> Response:
    response = Response(status_code=204)
    set_session_cookie(response, request, "secret")
    return response


async def sign_out(request: Request) -> Response:
    response = Response(status_code=204)
    clear_session_cookie(response, request)
    return response


ROUTES = [
    secured("/api/me", who, action="projects.list"),
    secured("/projects/{project}", who, action="project.read"),
    secured("/api/projects/{project}", who, action="project.read"),
    secured("/api/projects/{project}", change, action="project.write", methods=["PUT", "DELETE"]),
    secured_socket("/api/projects/{project}/talk", talk, action="project.terminal"),
    public("/open", change, methods=["GET", "POST"]),
    public("/sign-in", sign_in, methods=["POST"]),
    public("/sign-out", sign_out, methods=["POST"]),
]
SOCKET = f"/api/projects/{PROJECT}/talk"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path, ROUTES) as running:
        yield running


async def status(server: Edge, method: str, path: str, **headers: str) -> int:
    async with server.client() as client:
        response = await client.request(method, path, headers=headers)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code
    return response.status_code


async def test_a_token_and_a_session_let_pass(server: Edge) -> None:
    async with server.client() as client:
        assert (await client.get("/api/me", headers={"Authorization": f"Bearer {TOKEN}"})).json() == {"session": False}
        assert (await client.get("/api/me", headers={"Cookie": await server.cookie()})).json() == {"session": True}


async def test_nobody_known_is_told_to_sign_in(server: Edge) -> None:
    async with server.client() as client:
        response = await client.get("/api/me")
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get("/api/me", headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await client.get("/api/me", headers={"Cookie": f"{COOKIE}=wrong"})).status_code == 401


async def test_with_a_token_the_session_does_not_count(server: Edge) -> None:
    cookie = await server.cookie()
    assert await status(server, "GET", "/api/me", Cookie=cookie, Authorization="Bearer wrong") == 401
    foreign = {"Cookie": cookie, "Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.test"}
    assert await status(server, "PUT", f"/api/projects/{PROJECT}", **foreign) == 204


async def test_a_project_that_does_not_exist_is_404_for_who_is_known_and_401_for_others(server: Edge) -> None:
    assert await status(server, "GET", "/api/projects/nosuch", Authorization=f"Bearer {TOKEN}") == 404
    assert await status(server, "GET", "/api/projects/nosuch") == 401


async def test_a_page_leads_to_the_sign_in_and_back_and_nothing_else_does(server: Edge) -> None:
    async with server.client() as client:
        page = await client.get(f"/projects/{PROJECT}?a=b", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, f"/login?next=/projects/{PROJECT}%3Fa%3Db")
        script = {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}
        assert (await client.get(f"/projects/{PROJECT}", headers=script)).status_code == 401
        assert (await client.get("/api/me", headers={"Accept": "text/html"})).status_code == 401


async def test_a_planted_cookie_does_not_shut_out(server: Edge) -> None:
    good = await server.cookie()
    assert await status(server, "GET", "/api/me", Cookie=f"{COOKIE}=planted; {good}") == 200
    many = "; ".join(f"{COOKIE}=planted{n}" for n in range(50))
    assert await status(server, "GET", "/api/me", Cookie=f"{many}; {good}") == 401


# Origin header, Sec-Fetch-Site header, whether it is allowed. {own} is the origin that the client addresses.
ORIGINS = [
    ("{own}", None, True),
    ("{own}", "same-origin", True),
    (None, "same-origin", True),
    (None, None, False),
    (None, "cross-site", False),
    (None, "same-site", False),
    (None, "none", False),
    ("null", None, False),
    ("null", "cross-site", False),
    ("", None, False),
    ("http://evil.test", None, False),
    ("http://evil.test", "same-origin", False),
    ("https://127.0.0.1:{port}", None, False),
    ("http://127.0.0.1", None, False),
    ("http://127.0.0.1:1{port}", None, False),
    ("http://127.0.0.1:{port}.evil.test", None, False),
    ("http://127.0.0.1.evil.test:{port}", None, False),
    ("http://evil127.0.0.1:{port}", None, False),
    ("http://localhost:{port}", None, False),
    ("http://[::1]:{port}", None, False),
    ("http://[::ffff:127.0.0.1]:{port}", None, False),
    ("http://x@127.0.0.1:{port}", None, False),
    ("http://127.0.0.1:{port}@evil.test", None, False),
    ("{own}/", None, False),
    ("{own} http://evil.test", None, False),
    ("http://3000-abc123.preview.localhost:{port}", None, False),
    ("file://", None, False),
    ("chrome-extension://abc", None, False),
]


def origin_headers(server: Edge, origin: str | None, site: str | None) -> dict[str, str]:
    sent = {}
    if origin is not None:
        sent["Origin"] = origin.format(own=server.ide, port=server.port)
    if site is not None:
        sent["Sec-Fetch-Site"] = site
    return sent


@pytest.mark.parametrize(("origin", "site", "allowed"), ORIGINS)
async def test_with_a_session_an_unsafe_request_must_come_from_the_very_origin(
    server: Edge, origin: str | None, site: str | None, allowed: bool
) -> None:
    sent = {"Cookie": await server.cookie(), **origin_headers(server, origin, site)}
    async with server.client() as client:
        for method in ("PUT", "DELETE"):
            response = await client.request(method, f"/api/projects/{PROJECT}", headers=sent)
            assert response.status_code == (204 if allowed else 403)


@pytest.mark.parametrize(("origin", "site", "allowed"), ORIGINS)
async def test_with_a_session_a_socket_must_come_from_the_very_origin(
    server: Edge, origin: str | None, site: str | None, allowed: bool
) -> None:
    sent = {"Cookie": await server.cookie(), **origin_headers(server, origin, site)}
    if allowed:
        async with server.socket(SOCKET, sent) as socket:
            assert await socket.recv() == "hello"
        return
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(SOCKET, sent)
    assert refused.value.response.status_code == 403


async def test_the_same_name_over_tls_is_another_origin(server: Edge) -> None:
    sent = {"Cookie": await server.cookie(), "Host": "ide.test", "Origin": "https://ide.test"}
    async with server.client() as client:
        assert (await client.put(f"/api/projects/{PROJECT}", headers=sent)).status_code == 403
        sent["Origin"] = "http://ide.test"
        assert (await client.put(f"/api/projects/{PROJECT}", headers=sent)).status_code == 204
        sent["Host"] = "[0:0::1]:8000"
        sent["Origin"] = "http://[::1]:8000"
        assert (await client.put(f"/api/projects/{PROJECT}", headers=sent)).status_code == 204


async def test_two_origins_are_none(server: Edge) -> None:
    cookie = await server.cookie()
    async with server.client() as client:
        sent = [("Cookie", cookie), ("Origin", server.ide), ("Origin", server.ide)]
        assert (await client.put(f"/api/projects/{PROJECT}", headers=sent)).status_code == 403


@pytest.mark.parametrize(
    ("site", "mode", "allowed"),
    [
        (None, None, True),
        ("same-origin", "cors", True),
        ("none", "navigate", True),
        ("cross-site", "navigate", True),
        ("cross-site", "no-cors", False),
        ("same-site", "cors", False),
        ("cross-site", "websocket", False),
    ],
)
async def test_with_a_session_another_site_reads_nothing(
    server: Edge, site: str | None, mode: str | None, allowed: bool
) -> None:
    sent = {"Cookie": await server.cookie()}
    sent |= {"Sec-Fetch-Site": site} if site else {}
    sent |= {"Sec-Fetch-Mode": mode} if mode else {}
    assert await status(server, "GET", "/api/me", **sent) == (200 if allowed else 403)


async def test_a_socket_with_the_token_needs_no_origin(server: Edge) -> None:
    async with server.socket(SOCKET, {"Authorization": f"Bearer {TOKEN}"}) as socket:
        assert await socket.recv() == "hello"
    async with server.socket(SOCKET, {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.test"}) as socket:
        assert await socket.recv() == "hello"


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        (SOCKET, {}, 4401),
        (SOCKET, {"Authorization": "Bearer wrong"}, 4401),
        ("/api/projects/nosuch/talk", {"Authorization": f"Bearer {TOKEN}"}, 4404),
        ("/api/projects/nosuch/talk", {}, 4401),
    ],
)
async def test_a_socket_learns_why_it_is_closed(server: Edge, path: str, sent: dict[str, str], code: int) -> None:
    async with server.socket(path, sent) as socket:
        message = json.loads(await socket.recv())
        assert message["type"] == "error" and message["title"] and message["detail"]
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == code


async def test_a_foreign_socket_without_a_cookie_is_refused_too(server: Edge) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(SOCKET, {"Origin": "http://evil.test"})
    assert refused.value.response.status_code == 403


async def test_a_socket_ends_with_its_session_and_others_stay(server: Edge) -> None:
    def sent(secret: str) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={secret}", "Origin": server.ide}

    one, other = await server.session(), await server.session()
    async with server.socket(SOCKET, sent(one)) as socket, server.socket(SOCKET, sent(other)) as stays:
        await socket.recv()
        await stays.recv()
        actor = await server.accounts.authenticate(session=one)
        assert actor
        await server.accounts.sign_out(actor)
        assert json.loads(await socket.recv())["type"] == "error"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401
        await (await stays.ping())


async def test_a_public_route_is_open_but_not_to_what_another_site_sends(server: Edge) -> None:
    assert await status(server, "GET", "/open", Origin="http://evil.test") == 204
    assert await status(server, "POST", "/open") == 204
    assert await status(server, "POST", "/open", Origin=server.ide) == 204
    assert await status(server, "POST", "/open", Origin="http://evil.test") == 403
    assert await status(server, "POST", "/open", Origin="null") == 403
    async with server.client() as client:
        assert (await client.post("/open", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403


async def test_the_cookie_is_kept_from_scripts_and_other_sites(server: Edge) -> None:
    async with server.client() as client:
        set_cookie = (await client.post("/sign-in")).headers["set-cookie"]
        cleared = (await client.post("/sign-out")).headers["set-cookie"]
    assert set_cookie.startswith(f"{COOKIE}=secret;")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in set_cookie.split(";")}
    assert "Domain" not in set_cookie and "Secure" not in set_cookie
    assert "Max-Age=0" in cleared


def test_under_tls_the_cookie_has_the_prefix_that_keeps_neighbours_out() -> None:
    scope = {"type": "http", "scheme": "https", "headers": [(b"cookie", b"hutch_session=a; __Host-hutch_session=b")]}
    request = Request(scope)
    response = Response()
    set_session_cookie(response, request, "secret")
    assert response.headers["set-cookie"].startswith("__Host-hutch_session=secret;")
    assert "Secure" in response.headers["set-cookie"]
    assert session_cookies(request) == ["b"]


def test_a_route_without_a_known_action_can_not_be_made() -> None:
    with pytest.raises(KeyError):
        secured("/x", who, action="nothing")
    with pytest.raises(ValueError):
        secured("/x", who, action="project.read")
    with pytest.raises(ValueError):
        secured_socket("/{project}", talk, action="projects.list")


def test_what_the_makers_make_is_guarded() -> None:
    assert isinstance(secured("/x", who, action="projects.list").app, Guarded)
    assert isinstance(secured_socket("/{project}", talk, action="project.read").app, Guarded)
    assert isinstance(public("/x", who).app, Public)
    assert not isinstance(WebSocketRoute("/x", talk).app, Guarded)
