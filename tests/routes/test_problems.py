import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed

from server import errors
from server.errors import AppError, Conflict, Invalid, NotFound, TooMany
from server.routes.problems import problem, read_json
from tests.support.previews import Edge, edge


def all_errors() -> list[type[AppError]]:
    return [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, AppError)]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_is_one_problem_document(kind: type[AppError]) -> None:
    response = problem(kind("what is wrong"))
    document = json.loads(bytes(response.body))
    assert response.media_type == "application/problem+json"
    assert document == {
        "type": document["type"],
        "title": kind.title,
        "status": kind.status,
        "detail": "what is wrong",
    }
    assert document["type"].startswith("urn:hutch:")
    assert response.status_code == kind.status


def test_types_tell_errors_apart() -> None:
    types = {json.loads(bytes(problem(kind("x")).body))["type"] for kind in all_errors()}
    assert len(types) == len(all_errors())
    assert "urn:hutch:not-signed-in" in types


def test_what_an_error_adds_is_told_but_never_takes_the_place_of_the_rest() -> None:
    document = json.loads(bytes(problem(Invalid("x", field="name", status=200)).body))
    assert document["field"] == "name" and document["status"] == 422


def test_a_limit_says_when_to_come_back() -> None:
    assert problem(TooMany("x", retry_after=7)).headers["retry-after"] == "7"


async def echo(request: Request) -> Response:
    return JSONResponse(await read_json(request, 1000))


async def fail(request: Request) -> Response:
    raise Conflict("the target exists", path="/x")


async def starlette_error(request: Request) -> Response:
    raise HTTPException(415, "not that", headers={"Accept": "text/plain"})


async def failing_socket(websocket: WebSocket) -> None:
    if websocket.query_params:
        await websocket.accept()
    raise NotFound("no such thing")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Edge]:
    routes = [
        Route("/echo", echo, methods=["POST"]),
        Route("/fail", fail),
        Route("/starlette", starlette_error),
        WebSocketRoute("/socket", failing_socket),
    ]
    async with edge(tmp_path, routes) as running:
        yield running


async def test_errors_in_every_place_are_problems(server: Edge) -> None:
    async with server.client() as client:
        conflict = await client.get("/fail")
        assert (conflict.status_code, conflict.json()["path"]) == (409, "/x")
        for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/echo", 405), ("GET", "/starlette", 415)):
            response = await client.request(method, path)
            assert response.status_code == response.json()["status"] == status
            assert response.headers["content-type"] == "application/problem+json"
        assert (await client.put("/echo")).headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/socket", "/socket?accepted"])
async def test_an_error_in_a_socket_is_a_message_and_a_close_code(server: Edge, path: str) -> None:
    async with server.socket(path, {}) as socket:
        assert json.loads(await socket.recv()) == {"type": "error", "title": "Not found", "detail": "no such thing"}
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4404


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"a": 1}', 200),
        ("application/json; charset=utf-8", b"{}", 200),
        ("Application/JSON", b"{}", 200),
        ("text/plain", b"{}", 400),
        ("application/x-www-form-urlencoded", b"{}", 400),
        ("text/plain; x=application/json", b"{}", 400),
        ("", b"{}", 400),
        ("application/json", b"", 400),
        ("application/json", b"[1]", 400),
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b'{"a":' + b"[" * 900 + b"]" * 90 + b"}", 400),
        ("application/json", b'{"a": "' + b"x" * 1000 + b'"}', 413),
    ],
)
async def test_a_body_is_a_json_object_within_its_limit(
    server: Edge, content_type: str, body: bytes, status: int
) -> None:
    async with server.client() as client:
        response = await client.post("/echo", content=body, headers={"Content-Type": content_type})
    assert response.status_code == status


async def test_a_body_without_a_length_is_cut_off_at_the_limit(server: Edge) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100

    async with server.client() as client:
        response = await client.post("/echo", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


async def test_a_length_of_many_digits_is_refused_without_counting(server: Edge) -> None:
    async def receive() -> Any:
        raise AssertionError("nothing should be read")

    sent = [(b"content-type", b"application/json"), (b"content-length", b"9" * 20)]
    request = Request({"type": "http", "method": "POST", "headers": sent}, receive)
    with pytest.raises(errors.TooLarge):
        await read_json(request)
