"""One HTTP/1.1 exchange with an app over a connection to it. The parser is httptools', which the server uses too.

What an app sends is never trusted: heads, trailers and chunk extensions are bounded, and nothing is kept of a body but
what is about to be read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Literal, cast

import httptools

from server.errors import BadGateway, BadRequest

Pairs = Sequence[tuple[bytes, bytes]]

READ_AHEAD: Final = 256 * 1024
"""Bytes of an answer that wait to be read before the app has to wait."""
MOST_HEAD: Final = 256 * 1024
"""Bytes of an answer between two pieces of its body: its head, chunk extensions, trailers."""
MOST_HEADERS: Final = 256


class Ended(BadGateway):
    """The app ended the connection before it answered anything."""


class Paced(asyncio.Protocol):
    """A protocol whose writers wait while the other end is slow to read."""

    _drained: asyncio.Future[None] | None = None

    def pause_writing(self) -> None:
        self._drained = self._drained or asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    async def drained(self) -> None:
        """Wait until more may be written. For one task at a time."""
        if self._drained:
            await self._drained


class Connection(Paced):
    """A connection on which one exchange is made at a time. `on_lost` is called once it is no longer good."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.on_lost: Callable[[], None] | None = None
        self.lost = False
        self._exchange: Exchange | None = None

    @property
    def is_good(self) -> bool:
        """Whether another exchange may be made."""
        return self.is_open and self._exchange is None

    @property
    def is_open(self) -> bool:
        return not self.lost and not self.transport.is_closing()

    def begin(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def end(self, *, kept: bool) -> None:
        """The exchange is over."""
        self._exchange = None
        if not kept:
            self.cut()
        elif not self.transport.is_reading():
            self.transport.resume_reading()

    def cut(self) -> None:
        """Close it at once. Safe to call twice."""
        self._lose()
        self.transport.abort()

    async def write(self, *pieces: bytes) -> None:
        """Send, and wait while the app is slow to read. Raises ConnectionResetError."""
        # A transport that is closed may refuse to be written to.
        if not self.is_open:
            raise ConnectionResetError("the app ended the connection")
        for piece in pieces:
            self.transport.write(piece)
        await self.drained()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are not registered as what they are.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._exchange:
            self._exchange.feed(data)
        else:
            # An answer that nobody asked for, or the rest of one that was over: whatever comes next is not to be read.
            self.cut()

    def eof_received(self) -> None:
        self._lose()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose()
        self.resume_writing()

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        if self._exchange:
            self._exchange.feed_eof()
        if self.on_lost:
            self.on_lost()


class Exchange:
    """A request and its answer. `close` when it is no longer wanted, whatever came of it.

    `status` and `headers` are there after `begin`; the body is read with `read`. `on_end` gets whether the connection
    may be used again.
    """

    def __init__(self, connection: Connection, method: str, on_end: Callable[[bool], None]) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._connection = connection
        self._method = method
        self._on_end = on_end
        self._parser = httptools.HttpResponseParser(self)
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._state: Literal["head", "interim", "body", "done"] = "head"
        self._until_eof = False
        self._between = 0
        self._heard = False
        self._kept = False
        self._failure: BadGateway | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._reader: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._closed = False
        connection.begin(self)

    # ---- what the caller uses

    async def begin(
        self, target: bytes, headers: Pairs, body: AsyncIterator[bytes] | None, on_piece: Callable[[], None]
    ) -> None:
        """Send the request, and return when the answer's head is there; `on_piece` is called after each of the body's.

        Raises BadRequest, BadGateway, or Ended when nothing at all came.
        """
        chunked = body is not None and all(name != b"content-length" for name, _ in headers)
        lines = [b"%b %b HTTP/1.1" % (self._method.encode(), target), *(b"%b: %b" % pair for pair in headers)]
        if chunked:
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1 or target.split() != [target]:
            raise BadRequest("the request has control characters where none may be")
        if not self._connection.is_open:
            raise Ended("the app ended the connection before it was asked anything")
        if body is None:
            self._connection.transport.write(head)
        else:
            self._sending = asyncio.create_task(self._send(head, body, chunked, on_piece))
        await self._begun
        if self._failure:
            raise self._failure

    @property
    def at_end(self) -> bool:
        """Whether all of the body was read."""
        return self._state == "done" and not self._pieces

    async def read(self) -> bytes:
        """What is there of the body, empty at its end. Raises BadGateway when it breaks off."""
        while not self._pieces:
            if self._state == "done":
                return b""
            if self._failure:
                raise self._failure
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        data = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self._waiting > READ_AHEAD and not self._connection.lost:
            self._connection.transport.resume_reading()
        self._waiting = 0
        return data

    def close(self) -> None:
        """Be done with it; a connection that is not at the end of the exchange is cut. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        sent = self._sending is None or self._sending.done()
        if self._sending:
            self._sending.cancel()
        kept = self._kept and sent and not self._failure and not self._connection.lost
        self._connection.end(kept=kept)
        # It points back to this object: without it no collector of cycles is needed.
        del self._parser
        self._on_end(kept)

    async def _send(self, head: bytes, body: AsyncIterator[bytes], chunked: bool, on_piece: Callable[[], None]) -> None:
        try:
            await self._connection.write(head)
            async for piece in body:
                await self._connection.write(*((b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,)))
                on_piece()
            if chunked:
                await self._connection.write(b"0\r\n\r\n")
        except OSError:
            # Of the app's end the answer's reader learns by itself, and when the client has gone there is none.
            pass

    # ---- what the connection tells

    def feed(self, data: bytes) -> None:
        self._heard = True
        self._between += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"the app's answer is not HTTP that can be passed on ({type(error).__name__})")
        if self._between > MOST_HEAD and self._state != "done":
            self._fail("the app's answer has more in its headers, or between its chunks, than can be passed on")

    def feed_eof(self) -> None:
        if self._state == "body" and self._until_eof:
            self._finish(kept=False)
        elif self._state != "done":
            failure = BadGateway if self._heard else Ended
            self._failure = self._failure or failure("the app ended the connection in the middle of its answer")
            self._wake()

    # ---- what the parser finds; what these raise ends the parsing

    def on_message_begin(self) -> None:
        if self._state == "done":
            self._kept = False
            raise ValueError("an answer to nothing")

    def on_header(self, name: bytes, value: bytes) -> None:
        # In the body's state these are trailers, which nobody waits for.
        if self._state in ("head", "interim"):
            self.headers.append((name.lower(), value))
            if len(self.headers) > MOST_HEADERS:
                raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if not 100 <= status <= 599 or status == 101:
            self._fail(f"the app answered with the status {status}, which makes no sense here")
            return
        if status < 200:
            self._state = "interim"
            return
        self.status, self._state = status, "body"
        if self._method == "HEAD":
            # The parser can't know that there is no body, so it can't be used on.
            self._finish(kept=False)
        elif status not in (204, 304):
            names = {name: value for name, value in self.headers}
            chunked = names.get(b"transfer-encoding", b"").lower().endswith(b"chunked")
            self._until_eof = not chunked and b"content-length" not in names
        self._between = 0
        self._wake()

    def on_body(self, data: bytes) -> None:
        if self._state != "body":
            return
        self._between = 0
        self._pieces.append(data)
        before, self._waiting = self._waiting, self._waiting + len(data)
        if before <= READ_AHEAD < self._waiting:
            self._connection.transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._state == "body":
            self._finish(kept=self._parser.should_keep_alive())
        elif self._state == "interim":
            self._state = "head"
            self.headers.clear()

    def _finish(self, *, kept: bool) -> None:
        self._state, self._kept = "done", kept
        self._wake()

    def _fail(self, detail: str) -> None:
        if self._state != "done":
            self._failure = self._failure or BadGateway(detail)
            self._wake()
        self._kept = False
        self._connection.cut()

    def _wake(self) -> None:
        if (self.status or self._failure) and not self._begun.done():
            self._begun.set_result(None)
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
