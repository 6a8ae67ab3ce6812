"""WebSockets to the apps in the containers. The protocol is `websockets`' own, without I/O, over a relayed stream.

Frames pass as they are: nothing is compressed here, and close codes are the app's and the browser's.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from server.errors import AppError, BadGateway, GatewayTimeout
from server.services.upstream import LINGER, WRITE_AHEAD, Relay

MOST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message, the same as the server takes from browsers."""
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


class UpstreamSocket:
    """An open WebSocket to an app. One task may receive and one may send."""

    def __init__(self, relay: Relay, protocol: ClientProtocol) -> None:
        self._relay = relay
        self._protocol = protocol
        self._events: deque[object] = deque()
        self._parts: list[bytes] = []
        self._opcode = Opcode.BINARY
        self._outgoing: deque[bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._writer = asyncio.get_running_loop().create_task(self._write())

    @property
    def subprotocol(self) -> str | None:
        """What the app chose."""
        return self._protocol.subprotocol

    async def handshake(self, request: Request, patience: float) -> list[tuple[str, str]]:
        """Open it; returns the headers of the answer. Raises Refused, BadGateway or GatewayTimeout."""
        self._protocol.send_request(request)
        self._flush()
        try:
            async with asyncio.timeout(patience):
                while not self._events and self._protocol.handshake_exc is None:
                    await self._pull()
        except TimeoutError:
            raise GatewayTimeout(f"the app did not answer the WebSocket within {patience:g} s") from None
        except (AppError, OSError) as error:
            raise BadGateway("the app ended the connection during the WebSocket's handshake") from error
        failure = self._protocol.handshake_exc
        if isinstance(failure, InvalidStatus):
            answer = failure.response
            raise Refused(answer.status_code, list(answer.headers.raw_items()), bytes(answer.body))
        response = self._events.popleft() if failure is None else None
        if not isinstance(response, Response):
            raise BadGateway("the app's answer to the WebSocket's handshake is not valid")
        return list(response.headers.raw_items())

    async def receive(self) -> str | bytes | Closed:
        """The next message, or how the socket ended. Cancelling loses nothing."""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Frame) and (message := self._take(event)) is not None:
                    return message
            if self._ended():
                return self._how_closed()
            try:
                await self._pull()
            except (AppError, OSError):
                return Closed(ABNORMAL, "")

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait while the app is slow to read. After the end it does nothing."""
        if self._protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()
        await self._drained.wait()

    async def close(self, code: int, reason: str = "") -> None:
        """Close with the code, wait a little for the app's own close, and cut."""
        if self._protocol.state is State.OPEN and code != ABNORMAL:
            if code == NO_CODE:
                self._protocol.send_close()
            else:
                self._protocol.send_close(code, reason)
            self._flush()
        with suppress(TimeoutError, AppError, OSError):
            async with asyncio.timeout(LINGER if code != ABNORMAL else 0):
                # The app ends the connection once it has our close; cut sooner, it might not get to see it.
                while self._protocol.state is not State.CLOSED:
                    await self._pull()
                    self._events.clear()
        self.cut()

    def cut(self) -> None:
        """End it without a word. Safe to call twice."""
        self._writer.cancel()
        self._relay.close()
        self._drained.set()

    def _ended(self) -> bool:
        return self._protocol.state is State.CLOSED or self._protocol.close_rcvd is not None

    def _how_closed(self) -> Closed:
        received = self._protocol.close_rcvd
        return Closed(received.code, received.reason) if received else Closed(ABNORMAL, "")

    async def _pull(self) -> None:
        item = await self._relay.receive()
        if isinstance(item, dict):
            raise ConnectionResetError("the app cut the connection")
        if item is None:
            self._protocol.receive_eof()
        else:
            self._protocol.receive_data(item)
        self._events.extend(self._protocol.events_received())
        if item is None and self._protocol.state is State.CONNECTING and not self._events:
            raise ConnectionResetError("the app ended the connection")
        self._flush()

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
            self._outgoing.append(bytes(data))
            self._waiting += len(data)
        if self._outgoing:
            if self._waiting > WRITE_AHEAD:
                self._drained.clear()
            self._wake.set()

    async def _write(self) -> None:
        """Carry what is to be sent. A task of its own, so that no answer to a ping ever holds up receiving."""
        try:
            while await self._wake.wait():
                self._wake.clear()
                while self._outgoing:
                    data = self._outgoing.popleft()
                    await (self._relay.send(data) if data else self._relay.send_eof())
                    self._waiting -= len(data)
                    if self._waiting <= WRITE_AHEAD:
                        self._drained.set()
        except (AppError, OSError):
            self._drained.set()


async def open_socket(
    relay: Relay,
    path: str,
    headers: Sequence[tuple[str, str]],
    *,
    subprotocols: Sequence[str],
    patience: float,
) -> tuple[UpstreamSocket, list[tuple[str, str]]]:
    """Open a WebSocket over `relay`, which it owns from now on; also the headers of the app's answer.

    Raises Refused with the app's answer, BadGateway or GatewayTimeout.
    """
    offered = [Subprotocol(name) for name in subprotocols] or None
    protocol = ClientProtocol(parse_uri("ws://localhost/"), subprotocols=offered, max_size=MOST_MESSAGE)
    request = protocol.connect()
    request.path = path
    del request.headers["Host"]
    for name, value in headers:
        request.headers[name] = value
    socket = UpstreamSocket(relay, protocol)
    try:
        return socket, await socket.handshake(request, patience)
    except BaseException:
        socket.cut()
        raise
