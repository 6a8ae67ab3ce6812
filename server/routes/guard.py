"""The one way to make a route: every endpoint behind a guard that sees requests and sockets alike.

A browser is known by its session cookie, which it sends along whoever asks it to; so with a cookie the Origin counts,
on every socket and every unsafe method. A bearer token is sent on purpose, and nothing else need be asked. The guard is
plain ASGI because Starlette's own middleware class lets WebSockets pass unseen.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute, request_response, websocket_session
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from server import wire
from server.errors import AppError, Forbidden, NotSignedIn
from server.models import ProjectId
from server.routes import headers
from server.routes.context import services_of
from server.routes.error_page import error_page, wants_page
from server.routes.problems import problem, refuse_socket
from server.services.accounts import ACTIONS, Actor, Ending

Endpoint = Callable[[Request], Awaitable[Response]]
SocketEndpoint = Callable[[WebSocket], Awaitable[None]]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE: Final = "hutch_session"
COOKIE_AGE: Final = 400 * 86400
"""Seconds, the most that browsers keep a cookie; when the session ends is the server's to say."""
MOST_COOKIES: Final = 4
"""Sessions tried of one request: a neighbouring host can plant cookies of our name, and must not shut people out."""


def secured(path: str, endpoint: Endpoint, *, action: str, methods: Sequence[str] = ("GET",)) -> Route:
    """A route whose endpoint runs for people who may do `action`, to the project that `{project}` in the path names."""
    guarded = Guarded(request_response(endpoint), _checked(action, path))
    return Route(path, guarded, methods=list(methods), name=endpoint.__name__)


def secured_socket(path: str, endpoint: SocketEndpoint, *, action: str) -> WebSocketRoute:
    """The same for a WebSocket. The endpoint accepts it."""
    return WebSocketRoute(path, Guarded(websocket_session(endpoint), _checked(action, path)), name=endpoint.__name__)


def public(path: str, endpoint: Endpoint, *, methods: Sequence[str] = ("GET",)) -> Route:
    """A route for everyone. A test holds the list of them."""
    return Route(path, Public(request_response(endpoint)), methods=list(methods), name=endpoint.__name__)


class Guarded:
    """Lets pass whoever may do the action. The endpoint finds the person by `actor_of`."""

    def __init__(self, app: ASGIApp, action: str) -> None:
        self._app = app
        self.action = action

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            actor = await admit(HTTPConnection(scope), self.action)
        except AppError as error:
            await refuse(error, scope, receive, send)
            return
        scope.setdefault("state", {})["actor"] = actor
        if scope["type"] == "websocket":
            ending = services_of(HTTPConnection(scope)).accounts.ending(actor)
            await until_ended(self._app, ending)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Public:
    """Lets everyone pass, but refuses what another site has a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = headers.values(scope["headers"], b"origin") or headers.values(scope["headers"], b"sec-fetch-site")
        if scope["method"] in SAFE_METHODS or not asked or is_same_origin(scope):
            await self._app(scope, receive, send)
        else:
            await problem(_foreign())(scope, receive, send)


async def admit(connection: HTTPConnection, action: str) -> Actor:
    """The person, once it is sure that they meant this and may do it. Raises NotSignedIn, Forbidden or NotFound."""
    actor = await identify(connection)
    target = connection.path_params.get("project") if ACTIONS[action].on_project else None
    await services_of(connection).accounts.require(actor, action, None if target is None else ProjectId(target))
    assert actor is not None
    return actor


async def identify(connection: HTTPConnection) -> Actor | None:
    """The person who sent this, None when it is nobody known. Raises Forbidden where another site had it sent."""
    services = services_of(connection)
    scope = connection.scope
    token = headers.bearer(scope["headers"])
    if token is not None:
        return await services.accounts.authenticate(bearer=token)
    presented = session_cookies(connection)
    if not _is_meant(scope, presented):
        raise _foreign()
    for session in presented:
        actor = await services.accounts.authenticate(session=session)
        if actor is not None:
            services.previews.note_ide(str(headers.addressed(scope)))
            return actor
    return None


def actor_of(connection: HTTPConnection) -> Actor:
    """The person whom the guard let pass."""
    actor: Actor = connection.state.actor
    return actor


async def refuse(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    """Tell of `error`: a person's browser is sent to the sign-in page, a socket learns it in a message it can read."""
    if scope["type"] == "websocket":
        await _refuse_socket(error, scope, receive, send)
        return
    response = problem(error)
    if wants_page(scope):
        signs_in = isinstance(error, NotSignedIn)
        response = RedirectResponse(sign_in_url(scope), 303) if signs_in else error_page(error)
    await response(scope, receive, send)


def sign_in_url(scope: Scope) -> str:
    """The sign-in page, with the way back to what was asked for."""
    return "/login?next=" + quote(headers.safe_path(requested_path(scope)), safe="/")


def requested_path(scope: Scope) -> str:
    """Path and query as they were sent."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    return (raw + (b"?" + query if query else b"")).decode("latin-1")


def is_same_origin(scope: Scope) -> bool:
    """Whether a page of the very origin that is addressed sent this: scheme, host and port.

    Where a browser sends no Origin it says the same in Sec-Fetch-Site; a request with neither is not known to be ours.
    """
    sent = headers.values(scope["headers"], b"origin")
    if not sent:
        return headers.single(scope["headers"], b"sec-fetch-site") == "same-origin"
    origin = headers.parse_origin(sent[0]) if len(sent) == 1 else None
    return origin is not None and origin == headers.addressed(scope)


def session_cookies(connection: HTTPConnection) -> list[str]:
    """The sessions that the browser presents, a few at most."""
    return headers.cookies(connection.scope["headers"], _cookie_name(connection))[:MOST_COOKIES]


def set_session_cookie(response: Response, connection: HTTPConnection, secret: str) -> None:
    """Have the browser keep the session. Under TLS the name's prefix keeps neighbouring hosts from planting one."""
    _set_cookie(response, connection, secret, COOKIE_AGE)


def clear_session_cookie(response: Response, connection: HTTPConnection) -> None:
    _set_cookie(response, connection, "", 0)


def _set_cookie(response: Response, connection: HTTPConnection, value: str, age: int) -> None:
    secure = headers.is_secure(connection.scope)
    name = _cookie_name(connection)
    response.set_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")


def _cookie_name(connection: HTTPConnection) -> str:
    return f"__Host-{COOKIE}" if headers.is_secure(connection.scope) else COOKIE


def _is_meant(scope: Scope, presented: list[str]) -> bool:
    """Whether what comes with cookies was sent by a page of ours, or is a person's own navigation."""
    if scope["type"] == "websocket":
        # Without cookie or Origin it is a program that forgot its token: it learns so from the error message.
        known = bool(presented) or bool(headers.values(scope["headers"], b"origin"))
        return not known or is_same_origin(scope)
    if not presented:
        return True
    if scope["method"] not in SAFE_METHODS:
        return is_same_origin(scope)
    site = headers.single(scope["headers"], b"sec-fetch-site")
    navigates = headers.single(scope["headers"], b"sec-fetch-mode") == "navigate"
    return site in (None, "same-origin", "none") or navigates


def _foreign() -> Forbidden:
    return Forbidden(
        "this was sent by another site than the one it is addressed to; "
        "a proxy in front of Hutch must pass the Host header on unchanged"
    )


def _checked(action: str, path: str) -> str:
    """Deny by default: an action that is not in the table, or asks for a project that the path lacks, is no route."""
    if ACTIONS[action].on_project is not ("{project}" in path):
        raise ValueError(f"{path}: {action} and {{project}} in the path go together")
    return action


async def _refuse_socket(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    if isinstance(error, Forbidden) and "websocket.http.response" in scope.get("extensions", {}):
        # A foreign page learns nothing, not even that there is a socket here.
        await WebSocket(scope, receive, send).send_denial_response(problem(error))
    elif isinstance(error, Forbidden):
        await WebSocket(scope, receive, send).close()
    else:
        await refuse_socket(WebSocket(scope, receive, send), error)


def until_ended(app: ASGIApp, ending: Ending, *, told: bool = True) -> ASGIApp:
    """The WebSocket application `app`, with its socket closed as soon as the leave to use it ends.

    `told` says whether the client knows our error messages, or gets the close code alone.
    """

    async def ended_with_leave(scope: Scope, receive: Receive, send: Send) -> None:
        socket = _EndableSocket(send, told)
        forget = ending.watch(socket.end)
        try:
            await app(scope, receive, socket.send)
        finally:
            forget()

    return ended_with_leave


class _EndableSocket:
    """A socket's sending side that can be closed from outside; what the endpoint receives then is the disconnect."""

    def __init__(self, send: Send, told: bool) -> None:
        self._send = send
        self._told = told
        self._accepted = False
        self._closing: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        if self._closing is not None:
            raise OSError("the session has ended")
        self._accepted = True
        await self._send(message)

    def end(self) -> None:
        self._closing = self._closing or asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        error = NotSignedIn("you have signed out")
        with suppress(OSError, RuntimeError):
            if self._accepted and self._told:
                await self._send({"type": "websocket.send", "text": json.dumps(wire.error(error))})
            await self._send({"type": "websocket.close", "code": error.close_code, "reason": ""})
