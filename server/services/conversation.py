"""JSON-RPC with one language server: messages framed as the Language Server Protocol's base part says."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from server.errors import AppError, BadGateway, BadRequest, TooLarge
from server.runtimes.link import Stream
from server.services.diagnostics import Diagnostics
from server.services.turns import Turns

MOST_SENT: Final = 4 * 1024 * 1024
"""Bytes of a message to a server: an opened file comes in one."""
MOST_RECEIVED: Final = 8 * 1024 * 1024
"""Bytes of a message from a server: a completion list of a large library has several million."""
MOST_HEAD: Final = 4096


class Conversation:
    """One task may receive and one may send. `command` is the server's, `root` the URI of the project's folder for it.

    `active_at` is when a message was last sent, by `clock`. `begun` is what the server has said already, and `ended`
    makes what `receive` raises when it ends by itself. `at_once` is how many requests the server can work on.
    """

    def __init__(
        self,
        stream: Stream,
        command: str,
        root: str,
        begun: bytes,
        clock: Callable[[], float],
        ended: Callable[[dict[str, Any]], AppError],
        at_once: int | None = None,
    ) -> None:
        self.command = command
        self.root = root
        self.active_at = clock()
        self._clock = clock
        self._stream = stream
        self._buffer = bytearray(begun)
        self._ended = ended
        self._dismissed = False
        self._diagnostics = Diagnostics(self._feed)
        self._turns = None if at_once is None else Turns(at_once)
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def receive(self) -> str | None:
        """The next message, a JSON text; None after the last, when the client has told the server to exit.

        Raises BadGateway for what is no message, LinkLost, what `end` was given, and what `ended` returns.
        """
        while True:
            body = await self._body()
            if body is None:
                return None
            if self._turns:
                self._turns.received(body)
            if (told := self._diagnostics.received(body)) is not None:
                return told

    async def send(self, text: str) -> None:
        """Send a message, and wait while the server takes no more. Raises BadRequest for what is none, TooLarge."""
        if len(text) > MOST_SENT:
            raise TooLarge(f"a message to a language server has at most {MOST_SENT} characters")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise BadRequest("a message to a language server must be one JSON-RPC object in a text frame")
        self.active_at = self._clock()
        if self._turns:
            await self._turns.sending(message)
        # From here on its end is no crash.
        self._dismissed = self._dismissed or message.get("method") == "exit"
        await self._stream.send(_framed(text))
        self._diagnostics.sent(message)

    def end(self, reason: AppError) -> None:
        """Have `receive` raise `reason` instead of waiting."""
        if not self._stopped.done():
            self._stopped.set_exception(reason)

    def close(self) -> None:
        """End the server. Safe to call twice."""
        self._stream.close()
        if not self._stopped.cancel() and not self._stopped.cancelled():
            # Looked at, or it would be logged as forgotten.
            self._stopped.exception()

    def _feed(self, message: dict[str, Any]) -> None:
        self._stream.feed(_framed(json.dumps(message)))

    async def _body(self) -> str | None:
        while (length := self._head()) is None:
            if not await self._more():
                return None
        size, start = length
        while len(self._buffer) < start + size:
            if not await self._more():
                return None
        body = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise BadGateway(f"{self.command} sent what is no text") from error

    def _head(self) -> tuple[int, int] | None:
        """Length and start of the next body, once its head has come."""
        end = self._buffer.find(b"\r\n\r\n", 0, MOST_HEAD)
        if end < 0:
            if len(self._buffer) >= MOST_HEAD:
                raise BadGateway(f"{self.command} sent what is no message")
            return None
        for line in bytes(self._buffer[:end]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                size = int(value[:20])
                if size > MOST_RECEIVED:
                    raise BadGateway(f"{self.command} sent a message of {size} bytes, at most {MOST_RECEIVED}")
                return size, end + 4
        raise BadGateway(f"{self.command} sent a message without its length")

    async def _more(self) -> bool:
        receiving = asyncio.create_task(self._stream.receive())
        either: tuple[asyncio.Future[Any], ...] = (receiving, self._stopped)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.done():
                self._stopped.result()
            item = receiving.result()
        finally:
            receiving.cancel()
        if isinstance(item, bytes):
            self._buffer += item
            return True
        if self._dismissed:
            return False
        raise self._ended(item or {})


def _framed(text: str) -> bytes:
    body = text.encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
