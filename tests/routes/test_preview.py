"""Previews as a client sees them, through a real server to a real app by another HTTP implementation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from server.routes.preview_hosts import COOKIE as PREVIEW_COOKIE
from server.services import previews
from server.services.previews import GRANT_LIFETIME, TRUST_FOR, Kind, Target
from server.services.tickets import TICKET_LIFETIME
from tests.routes.test_headers import UNSAFE_PATHS
from tests.support.previews import DOMAIN, OTHER, PROJECT, TOKEN, Edge, LocalWay, edge, running_app

NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}


async def echo(request: web.Request) -> web.Response:
    """Everything the app got to see."""
    body = await request.text()
    headers = [[name, value] for name, value in request.headers.items()]
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "headers": headers, "body": body},
        headers={"Set-Cookie": "app=1; Domain=preview.localhost; Path=/", "X-App": "yes"},
    )


@pytest.fixture
async def app() -> AsyncIterator[int]:
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", echo)
    async with running_app(application) as port:
        yield port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(tmp_path) as running:
        yield running


def seen(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def seen_headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in seen(response)["headers"]}


async def preview_cookie(server: Edge, port: int, **headers: str) -> str:
    """The cookie of a browser that took the whole way from the preview by the IDE and back."""
    host = {"Host": server.host(port)}
    async with server.client() as client:
        away = await client.get("/page?a=b", headers={**host, **NAVIGATE, **headers})
        assert away.status_code == 303
        ticket = await client.get(away.headers["location"], headers={"Cookie": await server.cookie(), **NAVIGATE})
        assert ticket.status_code == 303
        entered = await client.get(on_loopback(server, ticket), headers={**host, **NAVIGATE, **headers})
        assert entered.status_code == 303
        cookie: str = entered.headers["set-cookie"]
        pair = cookie.partition(";")[0]
        arrived = await client.get(entered.headers["location"], headers={**host, **NAVIGATE, "Cookie": pair})
        assert arrived.headers["location"] == "/page?a=b"
    return cookie


def on_loopback(server: Edge, response: httpx.Response) -> str:
    """A redirect's target by address: names below .localhost are for browsers to resolve."""
    url = httpx.URL(response.headers["location"])
    return f"{server.ide}{url.raw_path.decode()}"


# ---- what passes


async def test_a_request_passes_as_it_was_sent(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        response = await client.request("PATCH", "/a%2fb/..;x//c%00?q=%20&r#f", content=b"body", headers={"X-A": "1"})
    document = seen(response)
    assert (document["method"], document["body"]) == ("PATCH", "body")
    assert document["path"] == "/a%2fb/..;x//c%00?q=%20&r"
    assert seen_headers(response)["x-a"] == "1"
    assert response.headers["x-app"] == "yes"
    assert response.headers["origin-agent-cluster"] == "?1"
    assert len(response.headers.get_list("date")) == 1


async def test_credentials_and_names_of_ours_never_reach_the_app(server: Edge, app: int) -> None:
    cookie = await preview_cookie(server, app)
    secrets = [TOKEN, cookie.partition("=")[2].partition(";")[0]]
    sent = {
        "Host": server.host(app),
        "Cookie": f"{cookie.partition(';')[0]}; {await server.cookie()}; app=2",
        "X-Hutch-Authorization": f"Bearer {TOKEN}",
        "Authorization": f"Bearer {TOKEN}",
        "X-Forwarded-Host": "evil.test",
        "Connection": "keep-alive, X-Secret",
        "X-Secret": "1",
    }
    async with server.client() as client:
        for method in ("GET", "POST", "OPTIONS"):
            response = await client.request(method, "/", headers=sent)
            headers = seen_headers(response)
            assert not [secret for secret in secrets if secret in response.text]
            assert headers["cookie"] == "app=2" and "authorization" not in headers and "x-secret" not in headers
            assert headers["x-forwarded-host"] == server.host(app)
            assert headers["host"] == f"localhost:{app}"


async def test_the_apps_own_authorization_passes(server: Edge, app: int) -> None:
    async with server.preview(app, Authorization="Bearer of-the-app") as client:
        assert seen_headers(await client.get("/"))["authorization"] == "Bearer of-the-app"


async def test_the_apps_cookie_stays_on_its_host(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        assert (await client.get("/")).headers["set-cookie"] == "app=1; Path=/"


async def test_a_body_without_a_length_passes_in_pieces(server: Edge, app: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"abc"

    async with server.preview(app) as client:
        assert seen(await client.post("/", content=pieces()))["body"] == "abcabcabc"


async def test_expect_is_answered_here(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        response = await client.post("/", content=b"x" * 100, headers={"Expect": "100-continue"})
    assert seen(response)["body"] == "x" * 100 and "expect" not in seen_headers(response)


async def serve_one(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", handler)
    return running_app(application)


async def test_an_answer_comes_as_it_is_made(server: Edge) -> None:
    go_on, gone = asyncio.Event(), asyncio.Event()

    async def clock(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(b"data: 1\n\n")
            await go_on.wait()
            await response.write(b"data: 2\n\n")
            while True:
                await response.write(b": still here\n\n")
                await asyncio.sleep(0.01)
        except (ConnectionError, asyncio.CancelledError):
            gone.set()
            raise

    async with await serve_one(clock) as port, server.preview(port) as client:
        async with client.stream("GET", "/") as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"data: 1\n\n"
            go_on.set()
            assert (await anext(pieces)).startswith(b"data: 2\n\n")
        # The client has left: the app must not go on talking to nobody.
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_client_that_leaves_before_the_answer_is_not_waited_for(server: Edge) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    application = web.Application()
    application.router.add_get("/", hang)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with server.preview(runner.addresses[0][1]) as client:
        request = asyncio.create_task(client.get("/"))
        await asked.wait()
        request.cancel()
        async with asyncio.timeout(5):
            await gone.wait()
    await runner.cleanup()


async def test_head_ranges_and_empty_answers_pass(server: Edge) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/304":
                return web.Response(status=304, headers={"Content-Length": "10", "ETag": '"1"'})
            case "/204":
                return web.Response(status=204)
            case "/range":
                headers = {"Content-Range": "bytes 2-4/10", "X-Asked": request.headers["Range"]}
                return web.Response(status=206, body=b"234", headers=headers)
        return web.Response(body=b"x" * 1000)

    async with await serve_one(answer) as port, server.preview(port) as client:
        head = await client.head("/")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, "1000", b"")
        unchanged = await client.get("/304")
        assert (unchanged.status_code, unchanged.headers["etag"]) == (304, '"1"')
        assert (await client.get("/204")).status_code == 204
        part = await client.get("/range", headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content, part.headers["x-asked"]) == (206, b"234", "bytes=2-4")
        assert (await client.get("/")).content == b"x" * 1000


async def test_what_is_compressed_stays_as_it_is(server: Edge) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"not really brotli", headers={"Content-Encoding": "br"})

    async with await serve_one(answer) as port, server.preview(port) as client:
        async with client.stream("GET", "/") as response:
            assert b"".join([piece async for piece in response.aiter_raw()]) == b"not really brotli"
            assert response.headers["content-encoding"] == "br"


async def test_redirects_are_the_browsers_to_follow(server: Edge) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        location = "http://169.254.169.254/" if request.path == "/out" else f"http://localhost:{port}/in"
        return web.Response(status=302, headers={"Location": location})

    async with await serve_one(answer) as port, server.preview(port) as client:
        assert (await client.get("/out")).headers["location"] == "http://169.254.169.254/"
        assert (await client.get("/")).headers["location"] == f"http://{server.host(port)}/in"
    assert server.workspaces.opened == [(PROJECT, port)]


async def test_a_large_body_passes_both_ways_at_the_pace_of_the_slower(server: Edge) -> None:
    size, chunk = 100 * 1024 * 1024, b"x" * 65536

    async def answer(request: web.Request) -> web.StreamResponse:
        taken = 0
        async for piece in request.content.iter_any():
            taken += len(piece)
        response = web.StreamResponse(headers={"X-Taken": str(taken)})
        await response.prepare(request)
        for _ in range(size // len(chunk)):
            await response.write(chunk)
        return response

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(size // len(chunk)):
            yield chunk

    async with await serve_one(answer) as port, server.preview(port) as client:
        async with client.stream("POST", "/", content=upload()) as response:
            received = sum([len(piece) async for piece in response.aiter_raw()])
    assert (response.headers["x-taken"], received) == (str(size), size)


async def test_an_upload_is_held_back_by_an_app_that_does_not_read(server: Edge) -> None:
    may_read = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await may_read.wait()
        return web.Response(text=str(len(await request.read())))

    sent = 0
    stuck = asyncio.Event()

    async def upload() -> AsyncIterator[bytes]:
        nonlocal sent
        loop = asyncio.get_running_loop()
        for _ in range(1000):
            sent += 65536
            # Nobody asked for more within the second: that is what being held back looks like from here.
            timer = loop.call_later(1, stuck.set)
            yield b"x" * 65536
            timer.cancel()

    async with await serve_one(answer) as port, server.preview(port) as client:
        posting = asyncio.create_task(client.post("/", content=upload()))
        await stuck.wait()
        assert sent < 30_000_000
        may_read.set()
        assert (await posting).text == str(1000 * 65536)


async def test_an_app_is_held_back_by_a_client_that_does_not_read(server: Edge) -> None:
    written = 0
    stuck = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        for _ in range(1000):
            timer = loop.call_later(1, stuck.set)
            await response.write(b"x" * 65536)
            timer.cancel()
            written += 65536
        return response

    async with await serve_one(answer) as port, server.preview(port) as client:
        async with client.stream("GET", "/") as response:
            await stuck.wait()
            assert written < 30_000_000
            assert sum([len(piece) async for piece in response.aiter_raw()]) == 1000 * 65536


async def test_an_answer_before_the_end_of_the_body_is_passed_on(server: Edge) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=413, text="too much", headers={"Connection": "close"})

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 65536
            await asyncio.sleep(0)

    async with await serve_one(refuse) as port, server.preview(port) as client:
        try:
            assert (await client.post("/", content=upload())).status_code == 413
        except httpx.WriteError:
            # The answer may come with the end of the connection, which this client does not look behind.
            pass


async def test_connections_are_kept_and_never_shared_between_projects(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        for _ in range(3):
            seen(await client.get("/"))
    assert server.workspaces.opened == [(PROJECT, app)]
    async with server.preview(app, OTHER) as client:
        seen(await client.get("/"))
    assert server.workspaces.opened == [(PROJECT, app), (OTHER, app)]


# ---- who may


async def test_a_page_leads_by_the_ide_to_a_cookie_of_the_host(server: Edge, app: int) -> None:
    cookie = await preview_cookie(server, app)
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=43200"} <= attributes
    assert not any(part.lower().startswith("domain") for part in attributes)
    async with server.client() as client:
        sent = {"Host": server.host(app), "Cookie": cookie.partition(";")[0]}
        seen(await client.get("/", headers=sent))
        for host in (server.host(app + 1), server.host(app, OTHER)):
            assert (await client.get("/", headers={**sent, "Host": host})).status_code == 401


async def test_under_tls_the_cookie_is_one_that_neighbours_can_not_plant(server: Edge, app: int) -> None:
    ticket = server.previews.issue_ticket(await server.actor(), Target(PROJECT, app), "/")
    secure = f"https://{app}-{PROJECT}.{DOMAIN}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url=secure) as client:
        entered = await client.get(f"/.hutch/ticket?ticket={ticket}", headers=NAVIGATE)
        name, value = entered.headers["set-cookie"].partition(";")[0].split("=", 1)
        assert name == f"__Host-{PREVIEW_COOKIE}" and "; Secure" in entered.headers["set-cookie"]
        client.cookies.clear()
        for sent, status in ((name, 200), (PREVIEW_COOKIE, 401)):
            assert (await client.get("/", headers={"Cookie": f"{sent}={value}"})).status_code == status


async def follow(server: Edge, client: httpx.AsyncClient, response: httpx.Response) -> tuple[list[str], dict[str, str]]:
    """The hosts that redirects lead a browser through, and the cookies that each has it keep."""
    hosts, cookies = [response.request.headers["host"]], {}
    while response.status_code == 303:
        host = hosts[-1]
        if "set-cookie" in response.headers:
            cookies[host] = response.headers["set-cookie"].partition(";")[0]
        location = response.headers["location"]
        host = host if location.startswith("/") else httpx.URL(location).netloc.decode()
        sent = {"Host": host, "Cookie": cookies.get(host, ""), **NAVIGATE}
        response = await client.get(on_loopback(server, response), headers=sent)
        hosts.append(host)
    assert response.status_code == 200
    return list(dict.fromkeys(hosts)), cookies


async def test_a_browser_gets_to_know_the_projects_other_ports(server: Edge, app: int) -> None:
    first, second, third = server.host(app), server.host(app + 1), server.host(app + 2)
    server.workspaces.listening = (app, app + 1)
    ticket = server.previews.issue_ticket(await server.actor(), Target(PROJECT, app), "/page?a=b")
    async with server.client() as client:
        sent = {"Host": first, **NAVIGATE}
        response = await client.get(f"/.hutch/ticket?ticket={ticket}", headers=sent)
        hosts, cookies = await follow(server, client, response)
        assert hosts == [first, second] and set(cookies) == {first, second}
        assert (await client.get("/", headers={"Host": second, "Cookie": cookies[second]})).status_code == 502

        sent["Cookie"] = cookies[first]
        assert (await client.get("/page?a=b", headers=sent)).status_code == 200
        server.workspaces.listening = (app, app + 1, app + 2)
        for unmoved in ({"Sec-Fetch-Mode": "cors"}, {"X-Hutch-Authorization": f"Bearer {TOKEN}"}):
            assert (await client.get("/page?a=b", headers={**sent, **unmoved})).status_code == 200
        detour = await client.get("/page?a=b", headers=sent)
        location = httpx.URL(detour.headers["location"])
        assert location.netloc.decode() == third
        last = await client.get(on_loopback(server, detour), headers={"Host": third, **NAVIGATE})
        assert last.headers["location"] == f"http://{first}/page?a=b" and "set-cookie" in last.headers
        assert (await client.get("/page?a=b", headers=sent)).status_code == 200, "not sent round again"


async def test_in_a_frame_the_cookie_is_one_that_browsers_keep_there(server: Edge, app: int) -> None:
    cookie = await preview_cookie(server, app, **{"Sec-Fetch-Dest": "iframe"})
    assert cookie.endswith("SameSite=None; Secure; Partitioned")


async def test_a_ticket_is_good_once_and_on_its_host(server: Edge, app: int) -> None:
    async with server.client() as client:
        cookie = {"Cookie": await server.cookie(), **NAVIGATE}
        ticket = await client.get(f"/preview-ticket/{PROJECT}/{app}", headers=cookie)
        way = on_loopback(server, ticket)
        other = await client.get(way, headers={"Host": server.host(app, OTHER), **NAVIGATE})
        assert (other.status_code, "set-cookie" in other.headers) == (401, False)
        ticket = await client.get(f"/preview-ticket/{PROJECT}/{app}", headers=cookie)
        way = on_loopback(server, ticket)
        assert (await client.get(way, headers={"Host": server.host(app), **NAVIGATE})).status_code == 303
        again = await client.get(way, headers={"Host": server.host(app), **NAVIGATE})
        assert (again.status_code, "set-cookie" in again.headers) == (401, False)
        assert ticket.headers["referrer-policy"] == "no-referrer"
        ticket = await client.get(f"/preview-ticket/{PROJECT}/{app}", headers=cookie)
        server.clock.seconds += TICKET_LIFETIME
        late = await client.get(on_loopback(server, ticket), headers={"Host": server.host(app), **NAVIGATE})
        assert (late.status_code, "set-cookie" in late.headers) == (401, False)


async def test_a_ticket_is_for_people_who_are_signed_in_and_open_a_page(server: Edge) -> None:
    path = f"/preview-ticket/{PROJECT}/3000"
    async with server.client() as client:
        away = await client.get(path, headers=NAVIGATE)
        assert (away.status_code, away.headers["location"]) == (303, f"/login?next={path}")
        cookie = await server.cookie()
        script = {"Cookie": cookie, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
        assert (await client.get(path, headers=script)).status_code == 403
        for bad in ("/preview-ticket/nosuch/3000", f"/preview-ticket/{PROJECT}/0", f"/preview-ticket/{PROJECT}/x"):
            assert (await client.get(bad, headers={"Cookie": cookie})).status_code == 404


@pytest.mark.parametrize("path", [path for path in UNSAFE_PATHS if path])
async def test_the_way_back_never_leaves_the_preview(server: Edge, app: int, path: str) -> None:
    async with server.client() as client:
        ticket = await client.get(
            f"/preview-ticket/{PROJECT}/{app}", params={"next": path}, headers={"Cookie": await server.cookie()}
        )
        host = {"Host": server.host(app)}
        entered = await client.get(on_loopback(server, ticket), headers=host)
        assert entered.headers["location"] == "/.hutch/arrived?next=/"
        host["Cookie"] = entered.headers["set-cookie"].partition(";")[0]
        arrived = await client.get("/.hutch/arrived", params={"next": path}, headers=host)
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/")


async def test_what_is_no_page_gets_401_and_no_redirect(server: Edge, app: int) -> None:
    async with server.client() as client:
        host = {"Host": server.host(app)}
        for headers in ({}, {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, {"Accept": "application/json"}):
            response = await client.get("/", headers={**host, **headers})
            assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
        assert (await client.post("/", headers={**host, **NAVIGATE})).status_code == 401
        assert (await client.get("/", headers={**host, "X-Hutch-Authorization": "Bearer wrong"})).status_code == 401
        cookie = f"{PREVIEW_COOKIE}=h.99999999999.-.{'A' * 43}"
        assert (await client.get("/", headers={**host, "Cookie": cookie})).status_code == 401
        assert (await client.get("/", headers={**host, "Cookie": await server.cookie()})).status_code == 401
    assert server.workspaces.opened == []


async def test_without_a_cookie_a_browser_is_not_sent_round_for_ever(server: Edge, app: int) -> None:
    async with server.client() as client:
        response = await client.get("/.hutch/arrived?next=/", headers={"Host": server.host(app), **NAVIGATE})
    assert response.status_code == 403 and "cookie" in response.text


async def test_options_are_the_apps_business(server: Edge, app: int) -> None:
    async with server.client() as client:
        response = await client.options("/", headers={"Host": server.host(app), "Origin": "http://evil.test"})
        assert seen(response)["method"] == "OPTIONS"
        unknown = await client.options("/", headers={"Host": server.host(app, "nosuch")})
        assert unknown.status_code == 401
        hidden = await client.options("/.hutch/ready", headers={"Host": server.host(app)})
        assert hidden.status_code == 404


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "{own}"}, True),
        ({"Origin": "http://5173-abc123.preview.localhost:{port}", "Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "http://3000-xyz789.preview.localhost:{port}", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.test", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://evil.test"}, False),
        ({"Origin": "http://127.0.0.1:{port}"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, False),
        ({"Sec-Fetch-Site": "same-site", "Referer": "http://5173-abc123.preview.localhost:{port}/"}, True),
        ({"Sec-Fetch-Site": "same-site", "Referer": "http://3000-xyz789.preview.localhost:{port}/"}, False),
    ],
)
async def test_another_projects_app_can_not_use_the_cookie(
    server: Edge, app: int, headers: dict[str, str], allowed: bool
) -> None:
    own = f"http://{server.host(app)}"
    sent = {name: value.format(own=own, port=server.port) for name, value in headers.items()}
    sent |= {"Host": server.host(app), "Cookie": (await preview_cookie(server, app)).partition(";")[0]}
    async with server.client() as client:
        for method in ("GET", "POST"):
            assert (await client.request(method, "/", headers=sent)).status_code == (200 if allowed else 403)
        page = {**sent, "Sec-Fetch-Mode": "navigate"}
        if "Origin" not in headers:
            assert (await client.get("/", headers=page)).status_code == 200


async def test_a_preview_ends_with_the_session_and_with_its_time(server: Edge, app: int) -> None:
    cookie = (await preview_cookie(server, app)).partition(";")[0]
    sent = {"Host": server.host(app), "Cookie": cookie}
    async with server.client() as client:
        server.clock.seconds += GRANT_LIFETIME - 5
        renewed = await client.get("/", headers={**sent, **NAVIGATE})
        seen(renewed)
        assert renewed.headers.get_list("set-cookie")[-1].startswith(f"{PREVIEW_COOKIE}=")
        assert len((await client.get("/", headers=sent)).headers.get_list("set-cookie")) == 1
        server.clock.seconds += 10
        assert (await client.get("/", headers=sent)).status_code == 401


async def test_signing_out_ends_previews_and_what_they_stream(server: Edge) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    async with await serve_one(endless) as port:
        session = await server.session()
        actor = await server.accounts.authenticate(session=session)
        assert actor
        grant = server.previews.grant(actor, Target(PROJECT, port), Kind.HOST)
        sent = {"Host": server.host(port), "Cookie": f"{PREVIEW_COOKIE}={grant}"}
        async with server.client() as client:
            async with client.stream("GET", "/", headers=sent) as response:
                pieces = response.aiter_raw()
                assert await anext(pieces) == b"x"
                await server.accounts.sign_out(actor)
                with pytest.raises(httpx.RemoteProtocolError):
                    await anext(pieces)
            server.clock.seconds += TRUST_FOR + 1
            assert (await client.get("/", headers=sent)).status_code == 401


# ---- names


@pytest.mark.parametrize(
    "host",
    [
        f"0-abc123.{DOMAIN}",
        f"65536-abc123.{DOMAIN}",
        f"08080-abc123.{DOMAIN}",
        f"abc123.{DOMAIN}",
        f"3000.{DOMAIN}",
        f"3000-abc123.x.{DOMAIN}",
        f"x.3000-abc123.{DOMAIN}",
        f"3000-abc123.{DOMAIN}.",
        DOMAIN,
        f"www.{DOMAIN}",
    ],
)
async def test_within_the_domain_there_is_nothing_but_previews(server: Edge, host: str) -> None:
    async with server.client() as client:
        for path in ("/", "/preview-ticket/abc123/3000", "/api/projects", "/.hutch/ready"):
            response = await client.get(path, headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
            assert response.status_code == 404 and "the IDE" not in response.text
    assert server.workspaces.opened == []


@pytest.mark.parametrize(
    "host",
    [
        "8080@evil.test",
        f"8080@evil-abc123.{DOMAIN}",
        f"3000-abc123.{DOMAIN}@evil.test",
        f"3000-abc123.{DOMAIN}:99999",
        f"3000-abc123.{DOMAIN}:80:80",
        f"3000%2dabc123.{DOMAIN}",
        f"3000-abc123.{DOMAIN}/x",
        f"3000-abc123.{DOMAIN}, evil.test",
        f" 3000 -abc123.{DOMAIN}",
        "[::1",
        "a b",
        "x/../admin",
        "",
    ],
)
async def test_a_host_that_is_none_is_refused(server: Edge, host: str) -> None:
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    assert (await raw(server, request.encode())).startswith(b"HTTP/1.1 400 ")
    assert server.workspaces.opened == []


async def test_two_hosts_and_none_are_refused(server: Edge, app: int) -> None:
    two = f"GET / HTTP/1.1\r\nHost: {server.host(app)}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert (await raw(server, two.encode())).startswith(b"HTTP/1.1 400 ")
    assert (await raw(server, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert b"the IDE" in await raw(server, b"GET / HTTP/1.0\r\n\r\n")


async def test_the_target_of_the_request_line_names_no_host(server: Edge, app: int) -> None:
    line = f"GET http://{server.host(app)}/x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
    answer = await raw(server, line.encode())
    assert b"404" in answer.partition(b"\r\n")[0] and server.workspaces.opened == []


async def raw(server: Edge, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_an_ide_on_the_parent_of_the_previews_is_not_served(server: Edge) -> None:
    server.previews.domain = "preview.example.org"
    async with server.client() as client:
        response = await client.get("/", headers={"Host": "example.org"})
        assert response.status_code == 403 and "HUTCH_PREVIEW_DOMAIN" in response.json()["detail"]
        assert (await client.get("/", headers={"Host": "ide.example.org"})).text == "the IDE"


# ---- by path


async def test_by_path_a_program_is_served_in_the_sandbox(server: Edge, app: int) -> None:
    async with server.client(Authorization=f"Bearer {TOKEN}") as client:
        response = await client.get(f"/preview/{PROJECT}/{app}/a%2fb?c")
        assert seen(response)["path"] == "/a%2fb?c"
        assert "authorization" not in seen_headers(response) and TOKEN not in response.text
        assert response.headers["content-security-policy"].startswith("sandbox allow-scripts")
        assert "allow-same-origin" not in response.headers["content-security-policy"]
        assert "x-frame-options" not in response.headers
        options = await client.options(f"/preview/{PROJECT}/{app}/")
        assert TOKEN not in options.text


async def test_by_path_a_page_gets_a_grant_in_its_address(server: Edge, app: int) -> None:
    path = f"/preview/{PROJECT}/{app}"
    async with server.client() as client:
        cookie = {"Cookie": await server.cookie()}
        page = await client.get(f"{path}/a?b", headers={**cookie, **NAVIGATE})
        assert page.status_code == 303 and page.headers["location"].startswith(f"{path}/~p.")
        granted = page.headers["location"]
        response = await client.get(granted, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"})
        assert seen(response)["path"] == "/a?b"
        assert seen_headers(response)["origin"] == f"http://localhost:{app}"
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["content-security-policy"].startswith("sandbox ")
        assert "set-cookie" not in response.headers
        posted = await client.post(granted, content=b"x", headers={"Origin": "null", **cookie})
        assert seen(posted)["body"] == "x" and "cookie" not in seen_headers(posted)
        token = await client.get(granted, headers={"Authorization": f"Bearer {TOKEN}"})
        assert TOKEN not in token.text


async def test_a_grant_in_the_path_is_for_one_port_of_one_project_and_for_no_host(server: Edge, app: int) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, app), Kind.PATH)
    async with server.client() as client:
        assert (await client.get(f"/preview/{PROJECT}/{app}/~{grant}/")).status_code == 200
        for path in (f"/preview/{PROJECT}/{app + 1}/~{grant}/", f"/preview/{OTHER}/{app}/~{grant}/"):
            response = await client.get(path)
            assert response.status_code == 401
            assert response.headers["content-security-policy"].startswith("sandbox ")
        sent = {"Host": server.host(app), "Cookie": f"{PREVIEW_COOKIE}={grant}"}
        assert (await client.get("/", headers=sent)).status_code == 401
        server.clock.seconds += GRANT_LIFETIME + 1
        old = await client.get(f"/preview/{PROJECT}/{app}/~{grant}/a?b", headers=NAVIGATE)
        assert (old.status_code, old.headers["location"]) == (303, f"/preview/{PROJECT}/{app}/a?b")


async def test_by_path_the_sandboxed_page_may_ask_its_own_app(server: Edge, app: int) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, app), Kind.PATH)
    asks = {"Origin": "null", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
    async with server.client() as client:
        response = await client.options(f"/preview/{PROJECT}/{app}/~{grant}/", headers=asks)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == "PUT"
    assert response.headers["access-control-allow-headers"] == "x-a"


async def test_by_path_a_session_counts_only_from_the_ides_origin(server: Edge, app: int) -> None:
    path, cookie = f"/preview/{PROJECT}/{app}/", await server.cookie()
    async with server.client() as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"Cookie": cookie})).status_code == 200
        assert (await client.post(path, headers={"Cookie": cookie})).status_code == 403
        foreign = {"Cookie": cookie, "Origin": "http://evil.test"}
        assert (await client.post(path, headers=foreign)).status_code == 403
        assert (await client.post(path, headers={"Cookie": cookie, "Origin": server.ide})).status_code == 200
        away = await client.get(path, headers=NAVIGATE)
        assert (away.status_code, away.headers["location"]) == (303, f"/login?next={path}")


async def test_by_path_no_worker_takes_over_the_ides_origin(server: Edge, app: int) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, app), Kind.PATH)
    async with server.client(**{"Service-Worker": "script", "Authorization": f"Bearer {TOKEN}"}) as client:
        for path in (f"/preview/{PROJECT}/{app}/sw.js", f"/preview/{PROJECT}/{app}/~{grant}/sw.js"):
            assert (await client.get(path)).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/preview/abc123/0/",
        "/preview/abc123/65536/",
        "/preview/abc123/08080/",
        "/preview/abc123/8080@evil/",
        "/preview/abc123%2f3000/x",
        "/preview/abc123/3000%2fx",
        "/preview/abc123",
        "/preview/",
        "/preview//3000/",
        "/preview/ABC123/3000/",
        "/preview/abc123/[::1]/",
        "/preview/%61bc123/3000/",
        "/preview/../preview/3000/",
    ],
)
async def test_by_path_only_a_port_and_an_id_lead_anywhere(server: Edge, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    assert b" 404 " in (await raw(server, request.encode())).partition(b"\r\n")[0]
    assert server.workspaces.opened == []


async def test_by_path_the_slash_at_the_end_is_added(server: Edge) -> None:
    async with server.client() as client:
        response = await client.get(f"/preview/{PROJECT}/3000?a=b")
    assert (response.status_code, response.headers["location"]) == (307, f"/preview/{PROJECT}/3000/?a=b")


# ---- connections that are kept


async def test_a_connection_is_kept_for_its_port_and_project(server: Edge, app: int) -> None:
    async with server.preview(app) as client, server.preview(app, OTHER) as other:
        for _ in range(3):
            assert (await client.get("/")).status_code == (await other.get("/")).status_code == 200
    assert server.workspaces.opened == [(PROJECT, app), (OTHER, app)]


async def test_no_kept_connection_is_used_once_the_container_is_another(server: Edge, app: int) -> None:
    async with server.preview(app) as client:
        assert (await client.get("/")).status_code == 200
        server.workspaces.ways[PROJECT] = LocalWay(PROJECT, server.workspaces.opened)
        assert (await client.get("/")).status_code == 200
        server.workspaces.running.clear()
        assert (await client.get("/")).status_code == 503
    assert server.workspaces.opened == [(PROJECT, app)] * 2


async def test_what_the_straight_way_does_not_reach_is_relayed(server: Edge, app: int) -> None:
    server.workspaces.ways[PROJECT] = Lost(PROJECT, server.workspaces.opened)
    async with server.preview(app) as client:
        assert (await client.get("/")).status_code == 200


class Lost(LocalWay):
    async def open(self, port: int, protocol: asyncio.Protocol) -> asyncio.Transport:
        raise ConnectionRefusedError


# ---- nothing there


async def test_a_page_says_that_nothing_listens_and_waits(server: Edge) -> None:
    async with server.preview(1) as client:
        page = await client.get("/<script>x", headers=NAVIGATE)
        assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
        assert "<script>x" not in page.text and "port 1" in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        data = await client.get("/", headers={"Accept": "application/json"})
        assert (data.status_code, data.json()["type"]) == (502, "urn:hutch:not-listening")
        asking = asyncio.create_task(client.get("/.hutch/ready"))
        await server.workspaces.open_port(1)
        assert (await asking).json() == {"ready": True}


async def test_nobody_waits_for_a_port_once_the_page_is_gone(server: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "READY_WAIT", 60.0)
    async with server.preview(1) as client:
        asking = asyncio.create_task(client.get("/.hutch/ready"))
        async with asyncio.timeout(30):
            await server.workspaces.asked.wait()
            asking.cancel()
            await server.workspaces.left.wait()


async def test_a_project_that_does_not_run_is_said_so(server: Edge) -> None:
    server.workspaces.running.clear()
    async with server.preview(3000) as client:
        page = await client.get("/", headers=NAVIGATE)
        assert page.status_code == 503 and "not running" in page.text and f"/projects/{PROJECT}" in page.text
        assert (await client.get("/")).status_code == 503


async def test_by_path_the_waiting_page_is_in_the_sandbox_too(server: Edge) -> None:
    actor = await server.accounts.authenticate(session=await server.session())
    assert actor
    grant = server.previews.grant(actor, Target(PROJECT, 1), Kind.PATH)
    async with server.client() as client:
        page = await client.get(f"/preview/{PROJECT}/1/~{grant}/x", headers=NAVIGATE)
        assert page.status_code == 502
        assert [value[:7] for value in page.headers.get_list("content-security-policy")][-1:] == ["sandbox"]
        assert f'data-ready="/preview/{PROJECT}/1/~{grant}/.hutch/ready"' in page.text
        await server.workspaces.open_port(1)
        ready = await client.get(f"/preview/{PROJECT}/1/~{grant}/.hutch/ready", headers={"Origin": "null"})
        assert ready.json() == {"ready": True} and ready.headers["access-control-allow-origin"] == "*"


async def test_our_own_paths_are_asked_only_by_who_may(server: Edge, app: int) -> None:
    async with server.client(Host=server.host(app)) as client:
        assert (await client.get("/.hutch/ready")).status_code == 401
    async with server.preview(app) as client:
        assert (await client.get("/.hutch/other")).status_code == 404
    assert server.workspaces.opened == []
