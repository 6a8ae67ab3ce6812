"""uvicorn's protocols with the bounds that they lack: on the time and size of a request's head, and on fragments.

Without them a client holds a connection for ever by sending a byte now and then, and fills the memory with headers or
with fragments of no length, before any application is asked.

Cookies are bounded in another way. A page in a preview can set as many as a browser keeps, for every other preview: a
request that has them all is no fault of whoever sends it, so it passes without the largest.
"""

import asyncio
import re
from asyncio.transports import Transport
from collections.abc import Callable
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

HEAD_WITHIN: Final = 20.0
"""Seconds for a request's head, from its first byte or the connection on; also for a body that nobody wants now."""
MOST_HEAD: Final = 128 * 1024
"""Bytes at which the connection is dropped. A head over the middleware's own limit still gets its answer."""
MOST_UNREAD: Final = 1024 * 1024
"""Bytes between two pieces of a body, before the parser has made headers of them: more than a browser has cookies."""
MOST_COOKIES: Final = 12 * 1024
"""Bytes of a Cookie header that are passed on: Node's servers take 16 KiB of head."""
MOST_SOCKET_COOKIES: Final = 8000
"""The same for WebSockets, whose parser takes lines of 8 KiB."""
MOST_COUNTED: Final = 1000
"""Cookies that are looked at. Browsers keep fewer than 200 of one site."""
MOST_FRAGMENTS: Final = 4096
"""Fragments of one message."""
CLOSE_WITHIN: Final = 15.0
"""Seconds for a peer to take what was sent to it before its socket was closed."""
END_WITHIN: Final = 1.0
"""The same when the server is to end."""


_OWN_COOKIE: Final = re.compile(rb"(?:__Host-)?hutch_(?:session|preview|pane)=")


class BoundedHttp(HttpToolsProtocol):
    """HTTP whose heads come in time, and are no larger than `MOST_HEAD` once cookies are made to fit."""

    _deadline: asyncio.TimerHandle | None = None
    _head = 0
    _unread = 0
    _in_body = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        # A header that does not end is copied by the parser with each piece of it, and never told.
        if self._unread > MOST_UNREAD and not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._unread = 0
        if self._deadline is None:
            self._arm()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(value) > MOST_COOKIES and name.lower() == b"cookie":
            value = fitting_cookies(value, MOST_COOKIES)
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._in_body = True
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            # Answered without its body. The client may stop sending; it may not go on for ever.
            self._arm()

    def handle_websocket_upgrade(self) -> None:
        self.scope["headers"] = [
            (name, fitting_cookies(value, MOST_SOCKET_COOKIES) if name == b"cookie" else value)
            for name, value in self.scope["headers"]
        ]
        super().handle_websocket_upgrade()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MOST_HEAD:
            # The parser turns it into a 400 and the end of the connection.
            raise ValueError("the head of the request is too large")

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEAD_WITHIN, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def fitting_cookies(value: bytes, most: int) -> bytes:
    """A Cookie header's value with what fits into `most` bytes: Hutch's own cookies first, then the smallest."""
    if len(value) <= most:
        return value
    pairs = [pair.strip() for pair in value.split(b";", MOST_COUNTED)[:MOST_COUNTED]]
    kept, left = [], most
    for number in sorted(
        range(len(pairs)), key=lambda number: (not _OWN_COOKIE.match(pairs[number]), len(pairs[number]))
    ):
        left -= len(pairs[number]) + len("; ")
        if left < 0:
            break
        kept.append(number)
    return b"; ".join(pairs[number] for number in sorted(kept))


class BoundedSocket(WebSocketsSansIOProtocol):
    """WebSockets whose messages have a bounded number of fragments: empty ones count for nothing by size.

    A handshake that the parser refuses is answered, and a peer that takes nothing more is let go of.

    It is also the extension `direct` of its scope: what passes by `take` and `put` waits for no queue and no task,
    which would cost a key's echo more than all else that the server does for it. Messages stay in order: none passes
    one that waits. `take` gets the binary messages and says whether it took each; `receive` gets what it leaves.
    """

    _deadline: asyncio.TimerHandle | None = None
    take: Callable[[bytes], bool] | None = None

    def put(self, data: bytes) -> bool:
        """Send a binary message at once. False when it can't be now; then `send` can wait for it, or say why not."""
        # The peer's close changes the state at once, before uvicorn has come to it.
        if not self.writable.is_set() or self.disconnected or self.conn.state is not State.OPEN:
            return False
        self.conn.send_binary(data)
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # Before the task that serves it has run.
            cast(dict[str, object], self.scope["extensions"])["direct"] = self

    def handle_bytes(self, event: Frame) -> None:
        waiting = self.read_paused or not event.fin or self.close_sent
        if waiting or self.take is None or not self.take(bytes(event.data)):
            super().handle_bytes(event)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc and not self.close_sent:
            # A line that is too long, or too many of them: uvicorn would wait for more.
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Closed in order, the transport would wait for what is unsent until TCP gives up, and so would the endpoint.
        self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(END_WITHIN, self.transport.abort)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            self._deadline = self.loop.call_later(CLOSE_WITHIN, self.transport.abort)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MOST_FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
        else:
            super().handle_cont(event)
