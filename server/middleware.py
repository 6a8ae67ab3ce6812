"""What stands around every route: limits, a log line, security headers, and the last answer when something breaks.

Plain ASGI throughout, so that WebSockets are seen too. `middleware` is in order, the outermost first.
"""

import asyncio
import logging
import random
import re
import time
from typing import Final

from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected

from server.routes import headers
from server.routes.guard import requested_path
from server.routes.preview_hosts import PreviewHosts
from server.routes.problems import status_problem
from server.routes.proxy import OF_PREVIEW
from server.routes.trusted_proxies import Networks, TrustedProxies

logger = logging.getLogger(__name__)
access = logging.getLogger("server.access")

MOST_HEADERS: Final = 100
MOST_HEADER_BYTES: Final = 64 * 1024
"""All names and values of one request. The HTTP parser has no limit of its own."""
BODY_SILENCE: Final = 60.0
"""Seconds within which the next piece of a body must come. Uploads may take long as a whole, but not pause for ever."""
REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
"""What no route takes and no app should be asked: they tunnel, or echo a request with its cookies."""
LOGGED_PATH: Final = 500
_ids: Final = random.Random()
"""For requests' ids, which are no secrets: the kernel's random numbers cost a call of it each."""
_GRANT: Final = re.compile(r"(/preview/[^/]+/[^/]+/~)[^/?]+")
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_NO_FRAMES: Final = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


class Boundary:
    """Gives every request an id, logs it, and answers for what nobody expected: one log entry, no words to the client.

    The line in the log has no query, where secrets may stand, and nothing that a terminal would obey.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        _quiet_libraries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        id, began, status = f"{_ids.getrandbits(64):016x}", time.monotonic(), 0
        scope.setdefault("state", {})["request_id"] = id

        async def note(message: Message) -> None:
            nonlocal status
            match message["type"]:
                case "http.response.start" | "websocket.http.response.start":
                    status = message["status"]
                    message = {**message, "headers": _with_id(message, id)}
                case "websocket.accept":
                    status = 101
                case "websocket.close" if not status:
                    status = 403
            await send(message)

        try:
            await self._app(scope, receive, note)
        except ClientDisconnected:
            # In the middle of the answer or of the handshake: nobody's error.
            pass
        except Exception:
            logger.exception("request %s failed: %s", id, describe(scope))
            await _apologize(scope, receive, note, id, begun=bool(status))
        finally:
            if access.isEnabledFor(logging.INFO):
                took = (time.monotonic() - began) * 1000
                access.info("%s %s %d %.0f ms %s", describe(scope), id, status, took, _from(scope))


class Limits:
    """Refuses what is too large before anyone parses it, and what the rest of the server has no use for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = scope["headers"]
            size = sum(len(name) + len(value) for name, value in sent)
            if len(sent) > MOST_HEADERS or size > MOST_HEADER_BYTES:
                await status_problem(431, "the request has too many headers, or too long ones")(scope, receive, send)
            elif scope["method"] in REFUSED_METHODS:
                await status_problem(405, "this server has no such method", headers=_ALLOW)(scope, receive, send)
            else:
                await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not headers.has_body(scope):
            await self._app(scope, receive, send)
            return
        more, late = True, False

        async def receive_in_time() -> Message:
            nonlocal more, late
            if not more:
                return await receive()
            try:
                async with asyncio.timeout(BODY_SILENCE):
                    message = await receive()
            except TimeoutError:
                # To the endpoint a client that stopped in the middle has gone.
                logger.info("the body of %s did not go on within %g s", describe(scope), BODY_SILENCE)
                message, late = {"type": "http.disconnect"}, True
            more = message.get("more_body", False)
            return message

        async def send_last(message: Message) -> None:
            if late and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive_in_time, send_last)


class SecurityHeaders:
    """The headers that keep the IDE's pages and answers to the IDE. What an app answers is left as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] in _STARTS and OF_PREVIEW not in scope:
                message = {**message, "headers": _secured(list(message.get("headers", [])), scope)}
            await send(message)

        await self._app(scope, receive, add)


class LibraryFilter(logging.Filter):
    """Keeps the libraries' lines on single requests out of the log: they have queries, cookies and contents in them.

    Also what they say of answers that were broken off on purpose, and of sockets that were refused.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.msg if isinstance(record.msg, str) else ""
        said = message.startswith(('%s - "', "ASGI callable returned without completing", "connection rejected"))
        return record.levelno > logging.DEBUG and not said


def describe(scope: Scope) -> str:
    """Method and path on one line, without the query and without grants."""
    method = "SOCKET" if scope["type"] == "websocket" else scope["method"]
    path = _GRANT.sub(r"\1…", requested_path(scope).partition("?")[0])
    if len(path) > LOGGED_PATH:
        path = path[:LOGGED_PATH] + "…"
    return f"{method} {_printable(path)}"


async def close_unknown(websocket: WebSocket) -> None:
    """The end of a socket to nowhere."""
    await websocket.send_denial_response(status_problem(404, "there is no such WebSocket"))


unknown_sockets: Final = WebSocketRoute("/{path:path}", close_unknown)
"""The last of the routes: static files and the like know no sockets and would fail on one."""

middleware: Final[list[Middleware]] = [
    Middleware(SecurityHeaders),
    Middleware(Boundary),
    Middleware(Limits),
    Middleware(PreviewHosts),
]


def trusting(networks: Networks) -> list[Middleware]:
    """What goes before all else where there are proxies to believe."""
    return [Middleware(TrustedProxies, networks=networks)] if networks else []


_ALLOW: Final = {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
_STARTS: Final = ("http.response.start", "websocket.http.response.start")


async def _apologize(scope: Scope, receive: Receive, send: Send, id: str, *, begun: bool) -> None:
    if begun:
        if scope["type"] == "websocket":
            await _quietly_close(scope, receive, send)
        return
    response = status_problem(500, f"something went wrong here; the server's log has more under {id}")
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


async def _quietly_close(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await send({"type": "websocket.close", "code": 1011, "reason": ""})
    except (OSError, RuntimeError):
        # Closed already: the mistake was made after that.
        pass


def _quiet_libraries() -> None:
    for name in ("uvicorn.error", "uvicorn.access", "websockets.client"):
        library = logging.getLogger(name)
        if not any(isinstance(item, LibraryFilter) for item in library.filters):
            library.addFilter(LibraryFilter())


def _secured(answered: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in answered}
    added = [pair for pair in _SECURITY if pair[0] not in present]
    if _NO_FRAMES[0] not in present:
        added.append(_NO_FRAMES)
    if scope["path"].startswith("/api/") and b"cache-control" not in present:
        added.append((b"cache-control", b"no-store"))
    if headers.is_secure(scope):
        added.append(_HSTS)
    return answered + added


def _with_id(message: Message, id: str) -> list[tuple[bytes, bytes]]:
    sent = list(message.get("headers", []))
    # An app behind a preview may have ids of its own.
    return sent if any(name.lower() == b"x-request-id" for name, _ in sent) else [*sent, (b"x-request-id", id.encode())]


def _from(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "-"


def _printable(text: str) -> str:
    return "".join(char if " " < char < "\x7f" or char == "…" else f"\\x{ord(char):02x}" for char in text)
