"""One stream on a link: a viewer of a channel, a relayed TCP connection, or a program on pipes."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from server.errors import BadGateway, LinkLost
from server.supervisor.protocol import (
    MAX_DATA,
    RELAY_WINDOW,
    VIEWER_WINDOW,
    Kind,
    ProtocolError,
    ack,
    frame,
    message,
    parse_json,
    parse_offset,
)

MAX_MESSAGE: Final = 16 * 1024
"""Bytes of a MESSAGE frame: gap and reset are short, an exit may tell the last of what a program said of errors."""
SMALL: Final = 4096
"""Data frames up to this size are joined while they wait, so that a byte that waits costs a byte."""
ACK_AFTER: Final = 16 * 1024
"""Bytes that were consumed: their ack is not put off."""
ACK_WITHIN: Final = 0.02
"""Seconds that a smaller ack may wait for more."""


class Owner(Protocol):
    """What a stream needs of its link."""

    may_write: asyncio.Event

    def write(self, frame: bytes) -> None: ...

    def lost(self) -> LinkLost: ...

    def forget(self, stream: "Stream", unread: int) -> None: ...

    def charge(self, size: int) -> None: ...


class Stream:
    """Bytes both ways, each way within its window. One task may receive and one may send.

    `offset` is that of the first byte. A viewer acks what its reader has consumed; a relay acks by itself what
    `receive` has handed out. So does a program on pipes: `close` ends it, and its last item is the exit message.

    Data that finds its reader waiting is offered to `direct` first; what that takes is not returned by `receive`.
    """

    def __init__(self, owner: Owner, id: int, *, relay: bool = False, program: bool = False) -> None:
        self.id = id
        self.offset = 0
        self.ended = False
        self._owner = owner
        self._relay = relay or program
        self._program = program
        self._window = RELAY_WINDOW if self._relay else VIEWER_WINDOW
        self._items: deque[bytes | bytearray | dict[str, Any]] = deque()
        self._waiting = 0
        self._received = 0
        self._acked = 0
        self._told = 0
        self._telling: asyncio.TimerHandle | None = None
        self._reader: asyncio.Future[None] | None = None
        self.direct: Callable[[bytes], bool] | None = None
        self._lost: LinkLost | None = None
        self._begun = False
        self._reset = False
        self._peer_done = False
        self._done = False
        self._open = True
        self._input = bytearray()
        self._sent = 0
        self._sent_acked = 0
        self._sender: asyncio.Future[None] | None = None

    # ---- what services use

    async def receive(self) -> bytes | dict[str, Any] | None:
        """The next bytes or message; None after the last. Raises LinkLost. Cancelling loses nothing."""
        if self._reader:
            raise RuntimeError("another task receives from this stream already")
        while not self._items:
            if self._peer_done:
                return None
            if self._lost:
                raise self._lost
            if not self._open:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        item = self._items.popleft()
        if isinstance(item, dict):
            self._waiting -= MAX_MESSAGE
            return item
        self._waiting -= len(item)
        if self._relay:
            self._consume(len(item))
        return bytes(item)

    def ack(self, offset: int) -> None:
        """Tell that everything before `offset` is consumed. Going back, or beyond what came, does nothing."""
        offset = min(offset, self._received)
        if self._open and offset > self._acked:
            self._acked = offset
            if offset - self._told >= ACK_AFTER:
                self._tell()
            elif self._telling is None:
                # What a person types is acked in small pieces, each of which would hold up the next key.
                self._telling = asyncio.get_running_loop().call_later(ACK_WITHIN, self._tell)

    @property
    def unsent(self) -> int:
        """Bytes of input that wait here while the other end takes no more."""
        return len(self._input)

    def feed(self, data: bytes) -> None:
        """Send `data` as soon as the other end takes it, without waiting for that; the caller bounds `unsent`.

        After the end of a viewer's process it does nothing. Raises LinkLost, and BadGateway when the relayed
        connection was reset.
        """
        self._check()
        if self._open:
            self._input += data
            self.flush()

    async def send(self, data: bytes) -> None:
        """Send `data`, and wait while some of it can't be sent. What was begun is sent even when cancelled.

        Raises what `feed` raises.
        """
        self.feed(data)
        while self._open and self._input:
            self._sender = asyncio.get_running_loop().create_future()
            try:
                await self._sender
            finally:
                self._sender = None
            self._check()
        await self._owner.may_write.wait()

    def message(self, value: dict[str, Any]) -> None:
        """Send a message: resize or signal. It does not wait for input that was sent before. Raises LinkLost."""
        self._check()
        if self._open:
            self._owner.write(message(Kind.MESSAGE, self.id, value))

    async def send_eof(self) -> None:
        """End our side of a relayed connection, or a program's input; the other may go on."""
        if not self._done:
            await self.send(b"")
            self._done = True
            self._owner.write(frame(Kind.CLOSE, self.id))
            self._settle()

    def close(self) -> None:
        """Want no more. A viewer's process is not touched; a relayed connection is cut. Safe to call twice."""
        if not self._open:
            return
        try:
            if self._relay and not self._peer_done:
                self._owner.write(message(Kind.MESSAGE, self.id, {"type": "reset"}))
            if not self._done:
                self._owner.write(frame(Kind.CLOSE, self.id))
        except LinkLost:
            pass
        self._done = True
        self._leave()

    # ---- what the link uses

    def begin(self, reply: dict[str, Any]) -> None:
        """Take the answer to the call that opened the stream. Raises ProtocolError when it makes no sense."""
        self._begun = True
        if not self._relay:
            offset = reply.get("offset")
            if not isinstance(offset, int) or not 0 <= offset < 2**63:
                raise ProtocolError("the offset of a viewer is a whole number")
            self.offset = self._acked = self._told = self._received = offset
            self.ended = bool(reply.get("ended"))

    def take(self, kind: Kind, payload: bytes) -> None:
        """Take a frame from the container. Raises ProtocolError when it is not allowed."""
        if not self._begun:
            raise ProtocolError("a frame for a stream before it was opened")
        match kind:
            case Kind.DATA:
                self._take_data(payload)
            case Kind.ACK:
                self._take_ack(parse_offset(payload))
            case Kind.MESSAGE:
                self._take_message(payload)
            case Kind.CLOSE:
                self._peer_done = True
                self._wake()
                self._settle()
            case _:
                raise ProtocolError("a control frame on a stream")

    def flush(self) -> None:
        """Send what waits, as far as window and connection allow."""
        room = (RELAY_WINDOW if self._relay else MAX_DATA) - (self._sent - self._sent_acked)
        while self._open and self._input and room > 0 and self._owner.may_write.is_set():
            piece = bytes(self._input[: min(room, MAX_DATA)])
            del self._input[: len(piece)]
            self._owner.write(frame(Kind.DATA, self.id, piece))
            self._sent += len(piece)
            room -= len(piece)
        if not self._input:
            self._wake_sender()

    def lose(self) -> None:
        """The link broke: what came before it can still be received."""
        self._lost = self._owner.lost()
        self._open = False
        self._wake()

    # ---- parts

    def _take_data(self, payload: bytes) -> None:
        if self._peer_done:
            raise ProtocolError("data after its end")
        if not payload:
            self._owner.charge(0)
            return
        self._received += len(payload)
        if self.direct and self._reader and not self._reader.done() and self.direct(payload):
            return
        self._wait(len(payload))
        last = self._items[-1] if self._items else None
        if len(payload) > SMALL:
            self._items.append(payload)
        elif isinstance(last, bytearray) and len(last) < MAX_DATA - SMALL:
            last += payload
        else:
            self._items.append(bytearray(payload))
        self._wake_reader()

    def _take_message(self, payload: bytes) -> None:
        if len(payload) > MAX_MESSAGE:
            raise ProtocolError(f"a message has at most {MAX_MESSAGE} bytes, got {len(payload)}")
        value = parse_json(payload)
        if value.get("type") == "reset":
            self._reset = True
            self._input.clear()
        elif value.get("type") == "gap":
            self._take_gap(value.get("offset"))
        elif value.get("type") == "size" and (pending := self._pending_size()):
            # Only the newest counts, and no window pays for them.
            self._owner.charge(len(payload))
            pending.update(value)
            return
        self._wait(MAX_MESSAGE)
        self._items.append(value)
        self._wake()

    def _pending_size(self) -> dict[str, Any] | None:
        messages = (item for item in self._items if isinstance(item, dict))
        return next((message for message in messages if message.get("type") == "size"), None)

    def _take_gap(self, offset: object) -> None:
        if not isinstance(offset, int) or not self._received <= offset < 2**63:
            raise ProtocolError("a gap must lead forward")
        self._received = offset

    def _take_ack(self, offset: int) -> None:
        if offset > self._sent:
            raise ProtocolError(f"an ack beyond what was sent: {offset}, sent {self._sent}")
        if offset <= self._sent_acked:
            self._owner.charge(0)
            return
        self._sent_acked = offset
        self.flush()
        self._wake_sender()

    def _wait(self, size: int) -> None:
        """Count what waits for its reader. Twice the window: after a gap, bytes from before it may still wait."""
        self._waiting += size
        if self._waiting > 2 * self._window:
            raise ProtocolError("more than the window of a stream")

    def _tell(self) -> None:
        """Send the ack that is due."""
        if self._telling:
            self._telling.cancel()
            self._telling = None
        if self._open:
            self._told = self._acked
            self._owner.write(ack(self.id, self._acked))

    def _consume(self, size: int) -> None:
        self.offset += size
        self._acked = self.offset
        if self._acked - self._told >= MAX_DATA:
            self._tell()

    def _check(self) -> None:
        if self._reset:
            raise BadGateway("the app closed the connection")
        if self._lost:
            raise self._lost
        if self._done:
            raise RuntimeError("the sending side of this stream was closed already")

    def _settle(self) -> None:
        """A relay ends when both sides have sent their CLOSE, all else with the supervisor's."""
        if self._peer_done and (self._done or self._program or not self._relay):
            self._leave()

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._input.clear()
            self._owner.forget(self, 2 * self._window)
        self._wake()

    def _wake(self) -> None:
        self._wake_reader()
        self._wake_sender()

    def _wake_reader(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)

    def _wake_sender(self) -> None:
        if self._sender and not self._sender.done():
            self._sender.set_result(None)
