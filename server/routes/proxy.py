"""Carries one request, or one WebSocket, between a client and an app. Nothing is kept: bytes go on as they come."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from server.errors import AppError, BadGateway
from server.routes import headers
from server.routes.context import Services
from server.routes.forwarding import Road, to_app, to_browser
from server.services.accounts import Ending
from server.services.exchange import Exchange
from server.services.upstream_socket import ABNORMAL, NO_CODE, Closed, Refused, UpstreamSocket

Pairs = list[tuple[bytes, bytes]]

OF_PREVIEW: Final = "hutch.preview"
"""Set in the scope of what a preview answers, so that the IDE's own headers stay off it."""
_BAD_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class _Client:
    """The client's side of a request: its body, and whether it is still there."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._body_taken = asyncio.Event()
        self.has_body = _has_body(scope)
        self.answered = False
        self.gone = False
        if not self.has_body:
            self._body_taken.set()

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
        self._body_taken.set()

    def leave(self) -> None:
        """Have the exchange end at once."""
        if not self.answered and not self.gone and self._task:
            self.gone = True
            self._task.cancel()

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Run the block for as long as the client is there; a client that has gone ends it quietly."""
        watcher = asyncio.create_task(self._watch())
        try:
            yield
        except asyncio.CancelledError:
            if not self.gone or self._task is None or self._task.uncancel() > 0:
                raise
        except AppError:
            if not self.gone:
                raise
        finally:
            watcher.cancel()

    async def _watch(self) -> None:
        await self._body_taken.wait()
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
        async with client.present(), self._until_ended(client):
            query: bytes = scope["query_string"]
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
                await send(start)
                await _send_body(exchange, client, send)
            finally:
                exchange.close()

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

    @asynccontextmanager
    async def _until_ended(self, client: _Client) -> AsyncIterator[None]:
        if self.ending is None:
            yield
            return
        forget = self.ending.watch(client.leave)
        try:
            yield
        finally:
            forget()


async def _send_body(exchange: Exchange, client: _Client, send: Send) -> None:
    try:
        while not client.answered:
            chunk = await exchange.read()
            client.answered = exchange.at_end
            await send({"type": "http.response.body", "body": chunk, "more_body": not client.answered})
    except (BadGateway, OSError):
        # The answer has begun. All that is left is to end it in a way that nobody takes for its end.
        return


def _start(exchange: Exchange, road: Road, *, framed: bool) -> Message:
    answered = to_browser(exchange.headers, road, framed=framed)
    if exchange.status in (204, 304):
        # It tells of a body that does not come, which the server takes for a mistake.
        answered = [pair for pair in answered if pair[0] != b"content-length"]
    if any(_BAD_VALUE.search(value) for _, value in answered):
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


def _has_body(scope: Scope) -> bool:
    length = headers.single(scope["headers"], b"content-length")
    return length not in (None, "0") or bool(headers.values(scope["headers"], b"transfer-encoding"))


def _encoded(answer: Sequence[tuple[str, str]]) -> Pairs:
    return [(name.encode("latin-1").lower(), value.encode("latin-1")) for name, value in answer]
