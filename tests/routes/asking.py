"""Requests as no client would send them, and the problems that they are answered with."""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx

from tests.support.app import TOKEN, App

JSON_BODY = (b"content-type", b"application/json")


def assert_problem(response: httpx.Response, status: int, words: str = "") -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status and words in document["detail"]
    return document


async def ask(app: App, method: str, target: bytes, body: bytes = b"") -> httpx.Response:
    """Send the very bytes of `target`, which clients would tidy up, as the HTTP server hands them on."""
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"authorization", f"Bearer {TOKEN}".encode()), JSON_BODY],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[Any] = []
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return received.pop(0) if received else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app.asgi(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)
