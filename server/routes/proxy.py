"""Carries one request, or one WebSocket, between a client and an app. Nothing is kept: bytes go on as they come."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from starlette.types import Message, Receive, Scope, Send

from server.errors import AppError, BadGateway, Unavailable
from server.routes import headers
from server.routes.context import Services
from server.routes.forwarding import Road, to_app, to_browser
from server.services.accounts import Ending
from server.services.exchange import Exchange
from server.services.upstream_socket import ABNORMAL, NO_CODE, Closed, Refused, UpstreamSocket

Pairs = list[tuple[bytes, bytes]]

OF_PREVIEW: Final = "hutch.preview"
"""Set in the scope of what a preview answers, so that the IDE's own headers stay off it."""
WATCH_AFTER: Final = 0.1
"""Seconds after which the client of a request without a body is watched: whether it is still there."""
SILENCE: Final = 1.0
"""Seconds without a byte from the app after which an answer of unknown length is cut when the server is to end."""
_BAD_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class _Client:
    """The client's side of a request: its body, and whether it is still there.

    `passed` counts the pieces of the answer that went to it. `kind` is how the answer ends: "measured" by its length,
    "open" at some time or never, "events" never. One that is yet to begin is "open" when it may be waited for as long
    as there is no news: with a body of its own a request has a purpose.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.has_body = headers.has_body(scope)
        self.kind: Literal["measured", "open", "events"] = "measured" if self.has_body else "open"
        self.passed = 0
        self.answered = False
        self.gone = False
        self.late = False
        if not self.has_body:
            # A task for each request is dear, and most are answered before their client could leave.
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._watch)

    async def body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.leave()
                raise ConnectionResetError("the client has gone")
            if message.get("body"):
                yield message["body"]
            more = message.get("more_body", False)
        if not self.answered:
            self._watch()

    def leave(self) -> None:
        """Have the exchange end at once."""
        if not self.answered and not self.gone and self._task:
            self.gone = True
            self._task.cancel()

    def hurry(self, passed: int | None = None) -> None:
        """The server is to end: leave what never ends, and what is open once nothing comes any more."""
        if self.answered or self.kind == "measured":
            return
        if self.kind == "events" or self.passed == passed:
            self.late = True
            self.leave()
        else:
            self._patience = asyncio.get_running_loop().call_later(SILENCE, self.hurry, self.passed)

    def has_left(self) -> bool:
        """Whether it was the client's leaving that cancelled this task, which then goes on."""
        return self.gone and self._task is not None and self._task.uncancel() == 0

    def forget(self) -> None:
        """Watch no longer whether it is there."""
        self.answered = True
        for timer in (self._timer, self._patience):
            if timer:
                timer.cancel()
        if self._watcher:
            self._watcher.cancel()

    def _watch(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.leave()


@dataclass(frozen=True)
class Passage:
    """What is carried where: `path` as the app knows it, `extra` headers for the answer, `ending` of the leave.

    Both methods are ASGI applications.
    """

    services: Services
    road: Road
    path: bytes
    ending: Ending | None
    extra: Pairs

    async def carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the app answers.

        Raises what `Upstream.request` does while nothing has been sent; after that a broken answer breaks the
        connection.
        """
        client = _Client(scope, receive)
        forget = self.ending.watch(client.leave) if self.ending else None
        forget_closing = self.services.previews.closing.watch(client.hurry)
        begun = False
        query: bytes = scope["query_string"]
        try:
            exchange = await self.services.previews.upstream.request(
                self.road.target.project,
                self.road.target.port,
                scope["method"],
                self.path + (b"?" + query if query else b""),
                to_app(scope["headers"], self.road),
                client.body() if client.has_body else None,
            )
            try:
                start = _start(exchange, self.road, framed=headers.is_framed(scope))
                start["headers"] += self.extra
                client.kind, begun = _kind(exchange), True
                await send(start)
                await _send_body(exchange, client, send)
            finally:
                exchange.close()
        except asyncio.CancelledError:
            if not client.has_left():
                raise
            if client.late and not begun:
                raise Unavailable("the server is starting anew; ask again in a moment") from None
        except AppError:
            if not client.gone:
                raise
        finally:
            client.forget()
            forget_closing()
            if forget:
                forget()

    async def carry_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Join the client to a WebSocket of the app, opened first: the app chooses the subprotocol, or refuses.

        Raises what `Previews.open_socket` does, Refused excepted, while the client's is not accepted.
        """
        await receive()
        query: bytes = scope["query_string"]
        path = (self.path + (b"?" + query if query else b"")).decode("latin-1")
        # This client writes Latin-1: bytes go through it unchanged.
        sent = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in to_app(scope["headers"], self.road)
        ]
        try:
            socket, answer = await self.services.previews.open_socket(
                self.road.target, path, sent, scope["subprotocols"]
            )
        except Refused as refusal:
            await _pass_refusal(refusal, self.road, send)
            return
        try:
            passed = to_browser(_encoded(answer), self.road)
            await send({"type": "websocket.accept", "subprotocol": socket.subprotocol, "headers": passed})
            await _join(socket, receive, send)
        finally:
            socket.cut()


async def _send_body(exchange: Exchange, client: _Client, send: Send) -> None:
    try:
        while not client.answered:
            chunk = await exchange.read()
            client.answered = exchange.at_end
            client.passed += 1
            await send({"type": "http.response.body", "body": chunk, "more_body": not client.answered})
    except (BadGateway, OSError):
        # The answer has begun. All that is left is to end it in a way that nobody takes for its end.
        return


def _kind(exchange: Exchange) -> Literal["measured", "open", "events"]:
    if (headers.single(exchange.headers, b"content-type") or "").startswith("text/event-stream"):
        return "events"
    return "measured" if headers.values(exchange.headers, b"content-length") else "open"


def _start(exchange: Exchange, road: Road, *, framed: bool) -> Message:
    answered = to_browser(exchange.headers, road, framed=framed)
    if exchange.status in (204, 304):
        # It tells of a body that does not come, which the server takes for a mistake.
        answered = [pair for pair in answered if pair[0] != b"content-length"]
    if _BAD_VALUE.search(b"".join([value for _, value in answered])):
        raise BadGateway("the app's answer has a header with control characters")
    return {"type": "http.response.start", "status": exchange.status, "headers": answered}


async def _join(socket: UpstreamSocket, receive: Receive, send: Send) -> None:
    """Carry messages both ways until one side closes, then close the other in the same way."""
    from_app = asyncio.create_task(_carry_from_app(socket, send))
    from_client = asyncio.create_task(_carry_from_client(socket, receive))
    try:
        await asyncio.wait({from_app, from_client}, return_when=asyncio.FIRST_COMPLETED)
        if from_app.done():
            closed = from_app.result()
            if closed.code != ABNORMAL:
                code = 1000 if closed.code == NO_CODE else closed.code
                await send({"type": "websocket.close", "code": code, "reason": closed.reason})
            from_client.cancel()
            await asyncio.gather(from_client, return_exceptions=True)
            await socket.close(NO_CODE)
        else:
            from_app.cancel()
            await asyncio.gather(from_app, return_exceptions=True)
            await socket.close(*from_client.result())
    finally:
        from_app.cancel()
        from_client.cancel()
        await asyncio.gather(from_app, from_client, return_exceptions=True)


async def _carry_from_app(socket: UpstreamSocket, send: Send) -> Closed:
    while not isinstance(message := await socket.receive(), Closed):
        kind = "text" if isinstance(message, str) else "bytes"
        await send({"type": "websocket.send", kind: message})
    return message


async def _carry_from_client(socket: UpstreamSocket, receive: Receive) -> tuple[int, str]:
    while (message := await receive())["type"] != "websocket.disconnect":
        data = message.get("bytes")
        await socket.send(message["text"] if data is None else data)
    return message.get("code", NO_CODE), message.get("reason") or ""


async def _pass_refusal(refusal: Refused, road: Road, send: Send) -> None:
    status, answer, body = refusal.answer
    passed = [pair for pair in to_browser(_encoded(answer), road) if pair[0] not in (b"content-length", b"upgrade")]
    if not 200 <= status <= 599 or any(_BAD_VALUE.search(value) for _, value in passed):
        raise BadGateway("the app's answer to the WebSocket's handshake is not valid")
    await send({"type": "websocket.http.response.start", "status": status, "headers": passed})
    await send({"type": "websocket.http.response.body", "body": body})


def _encoded(answer: Sequence[tuple[str, str]]) -> Pairs:
    return [(name.encode("latin-1").lower(), value.encode("latin-1")) for name, value in answer]
