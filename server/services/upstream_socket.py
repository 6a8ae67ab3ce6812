"""WebSockets to the apps in the containers. The protocol is `websockets`' own, without I/O.

Frames pass as they are: nothing is compressed here, and close codes are the app's and the browser's.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from server.errors import BadGateway, GatewayTimeout
from server.models import ProjectId
from server.services.dialing import LINGER, Dialer
from server.services.exchange import READ_AHEAD, Paced

MOST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message, the same as the server takes from browsers."""
MOST_WAITING: Final = 1024
"""Frames that wait to be passed on before the app has to wait: empty ones count for nothing by size."""
ABNORMAL: Final = 1006
"""The connection ended without a close frame."""
NO_CODE: Final = 1005
"""The close frame had no code."""


class Refused(BadGateway):
    """The app answered the handshake with a response of its own, which is the client's to see."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        super().__init__(f"the app refused the WebSocket with the status {status}")
        self.answer = status, headers, body


@dataclass(frozen=True)
class Closed:
    """How the app ended the socket; `NO_CODE` and `ABNORMAL` are not on the wire."""

    code: int
    reason: str


class UpstreamSocket(Paced):
    """A WebSocket to an app. One task may receive and one may send."""

    _transport: asyncio.Transport

    def __init__(self, subprotocols: Sequence[str]) -> None:
        offered = [Subprotocol(name) for name in subprotocols] or None
        self._protocol = ClientProtocol(parse_uri("ws://localhost/"), subprotocols=offered, max_size=MOST_MESSAGE)
        self._events: deque[object] = deque()
        self._waiting = 0
        self._parts: list[bytes] = []
        self._opcode = Opcode.BINARY
        self._lost = False
        self._news: asyncio.Future[None] | None = None

    @property
    def subprotocol(self) -> str | None:
        """What the app chose."""
        return self._protocol.subprotocol

    async def handshake(self, path: str, headers: Sequence[tuple[str, str]], patience: float) -> list[tuple[str, str]]:
        """Open it; returns the headers of the answer. Raises Refused, BadGateway or GatewayTimeout."""
        request = self._protocol.connect()
        request.path = path
        del request.headers["Host"]
        for name, value in headers:
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        try:
            async with asyncio.timeout(patience):
                while not self._events and self._protocol.handshake_exc is None and not self._lost:
                    await self._wait()
        except TimeoutError:
            raise GatewayTimeout(f"the app did not answer the WebSocket within {patience:g} s") from None
        failure = self._protocol.handshake_exc
        if isinstance(failure, InvalidStatus):
            answer = failure.response
            raise Refused(answer.status_code, list(answer.headers.raw_items()), bytes(answer.body))
        response = self._events.popleft() if self._events and failure is None else None
        if not isinstance(response, Response):
            raise BadGateway("the app's answer to the WebSocket's handshake is not valid")
        return list(response.headers.raw_items())

    async def receive(self) -> str | bytes | Closed:
        """The next message, or how the socket ended. Cancelling loses nothing."""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Frame):
                    self._waiting -= len(event.data)
                    if (message := self._take(event)) is not None:
                        return message
            received = self._protocol.close_rcvd
            if received:
                return Closed(received.code, received.reason)
            if self._lost or self._protocol.state is State.CLOSED:
                return Closed(ABNORMAL, "")
            if not self._transport.is_reading():
                self._transport.resume_reading()
            await self._wait()

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait while the app is slow to read. After the end it does nothing."""
        if self._protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()
        await self.drained()

    async def close(self, code: int, reason: str = "") -> None:
        """Close with the code, wait a little for the app's own close, and cut."""
        if self._protocol.state is State.OPEN and code != ABNORMAL:
            if code == NO_CODE:
                self._protocol.send_close()
            else:
                self._protocol.send_close(code, reason)
            self._flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER if code != ABNORMAL else 0):
                # The app ends the connection once it has our close; cut sooner, it might not get to see it.
                while self._protocol.state is not State.CLOSED and not self._lost:
                    self._events.clear()
                    self._transport.resume_reading()
                    await self._wait()
        self.cut()

    def cut(self) -> None:
        """End it without a word. Safe to call twice."""
        self._transport.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are not registered as what they are.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._take_events()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._take_events()
        # The other direction may still have a close to carry.
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self.resume_writing()
        self._wake()

    # ---- parts

    def _take_events(self) -> None:
        for event in self._protocol.events_received():
            self._events.append(event)
            if isinstance(event, Frame):
                self._waiting += len(event.data)
        if self._waiting > READ_AHEAD or len(self._events) > MOST_WAITING:
            self._transport.pause_reading()
        self._flush()
        self._wake()

    async def _wait(self) -> None:
        """Return at the next thing that comes."""
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    def _take(self, frame: Frame) -> str | bytes | None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode = frame.opcode
        elif frame.opcode is not Opcode.CONT:
            return None
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return None
        data, self._parts = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts), []
        if self._opcode is Opcode.BINARY:
            return data
        # The browser's side can only be given valid text; what is not is the app's mistake, shown as such.
        return data.decode("utf-8", "replace")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            # An empty piece stands for the end of what is sent.
            if data and not self._transport.is_closing():
                self._transport.write(data)
            elif not data:
                self._transport.close()


async def open_socket(
    dialer: Dialer,
    project: ProjectId,
    port: int,
    path: str,
    headers: Sequence[tuple[str, str]],
    *,
    subprotocols: Sequence[str],
    patience: float,
) -> tuple[UpstreamSocket, list[tuple[str, str]]]:
    """Open a WebSocket to an app, which the caller cuts at the end; also the headers of the app's answer.

    Raises Refused with the app's answer, BadGateway, GatewayTimeout, and what `Dialer.open` does.
    """
    socket, _ = await dialer.open(project, port, lambda: UpstreamSocket(subprotocols))
    try:
        return socket, await socket.handshake(path, headers, patience)
    except BaseException:
        socket.cut()
        raise
