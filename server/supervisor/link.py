"""One connection from a server: frames in, and frames out by turns, small ones first."""

import os
import socket
from collections import deque
from typing import Any, Final, Protocol

from .loop import Loop, Timer
from .protocol import Decoder, Kind, ProtocolError, ack, frame, message, parse_json, parse_offset

_BUFFER: Final = memoryview(bytearray(256 * 1024))
"""What every link reads into: memory of that size for each read would be mapped and unmapped at the cost of a key."""
QUEUE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of replies and events that wait for a server that does not read; past it the link is dropped."""
BATCH: Final = 64 * 1024
"""Bytes of stream data in the write queue. Less would idle the pipe, more would delay an echo behind a flood."""
SEND_BUFFER: Final = 64 * 1024
"""What the kernel is to hold of it, which it doubles for what it keeps beside the bytes. Its default of 208 KiB delays
an echo behind a flood by a millisecond or two."""

PATIENCE: Final = 0.002
"""Seconds that output waits for more of a flood, so that it leaves in large frames."""

ACK_AFTER: Final = 16 * 1024
"""Bytes of input that were consumed: their acks do not wait for something to travel with."""
ACK_WITHIN: Final = 0.02


class Stream(Protocol):
    """A viewer or a relay, as the link sees it."""

    id: int

    def pull(self) -> list[bytes]: ...

    def ack(self, offset: int) -> str | None: ...

    def close(self) -> None: ...


class Link:
    """Frames over a pair of descriptors, which it owns.

    `on_call` gets calls, `on_frame` what concerns a stream; `on_close` is called once when the connection is gone.
    """

    def __init__(self, loop: Loop, reader: int, writer: int, handler: "Handler") -> None:
        self._loop = loop
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._decoder = Decoder()
        self._urgent: deque[bytes] = deque()
        self._urgent_size = 0
        self._data: deque[bytes] = deque()
        self._data_size = 0
        self._wanting: deque[Stream] = deque()
        self._flushing = False
        self._consumed: dict[int, int] = {}
        self._consumed_size = 0
        self._ack_timer = Timer()
        self._more_timer = Timer()
        self.streams: dict[int, Stream] = {}
        self.closed = False
        self.companion: socket.socket | None = None
        for fd in {reader, writer}:
            os.set_blocking(fd, False)
        loop.watch_read(reader, self._read, rank=0)

    # ---- out

    def send(self, whole: bytes) -> None:
        """Send a frame ahead of data: a reply, an event, a message about a stream."""
        if self.closed:
            return
        self._urgent.append(whole)
        self._urgent_size += len(whole)
        if self._urgent_size > QUEUE_LIMIT:
            self._loop.call_soon(self.close)
        self._flush_soon()

    def tell(self, stream: int, value: dict[str, Any]) -> None:
        self.send(message(Kind.MESSAGE, stream, value))

    def consumed(self, stream: int, offset: int, size: int) -> None:
        """Acknowledge `size` more bytes of a stream, up to `offset`.

        Not at once, unless it is much: the echo of a key takes the ack of the key along, and is not behind it.
        """
        if self.closed:
            return
        self._consumed[stream] = offset
        self._consumed_size += size
        if self._consumed_size >= ACK_AFTER:
            self._flush_soon()
        elif len(self._consumed) == 1:
            self._ack_timer = self._loop.call_later(ACK_WITHIN, self._flush_soon)

    def want(self, stream: Stream, *, patient: bool = False) -> None:
        """`stream` may have something to send. With `patient` it has too little yet of what is to be much."""
        if stream not in self._wanting:
            self._wanting.append(stream)
        if not patient:
            self._flush_soon()
        elif self._more_timer.callback is None:
            self._more_timer = self._loop.call_later(PATIENCE, self._flush_soon)

    def drop(self, stream: int) -> None:
        """Forget a stream that has ended. Its last frames are on their way."""
        self._consumed.pop(stream, None)
        self.streams.pop(stream, None)

    def _flush_soon(self) -> None:
        # At the end of the turn, so that what one turn brings leaves in one write.
        if not self._flushing and not self.closed:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._more_timer.cancel()
        if self.closed:
            return
        try:
            while True:
                self._fill()
                if not self._data:
                    self._loop.unwatch_write(self._writer)
                    return
                written = os.writev(self._writer, [self._data[i] for i in range(min(len(self._data), 64))])
                self._advance(written)
        except BlockingIOError:
            self._loop.watch_write(self._writer, self._flush)
        except OSError:
            self.close()

    def _fill(self) -> None:
        """Put what is urgent behind the frame that is half sent, then data of each stream in turn."""
        for consumed, offset in self._consumed.items():
            self._urgent.append(ack(consumed, offset))
            self._urgent_size += len(self._urgent[-1])
        self._consumed.clear()
        self._consumed_size = 0
        self._ack_timer.cancel()
        if self._urgent:
            # `_data[0]` may be half sent, and a payload belongs right behind its header.
            self._data.extend(self._urgent)
            self._data_size += self._urgent_size
            self._urgent.clear()
            self._urgent_size = 0
        while self._wanting and self._data_size < BATCH:
            stream = self._wanting.popleft()
            frames = stream.pull() if self.streams.get(stream.id) is stream else []
            if frames:
                self._data.extend(frames)
                self._data_size += sum(map(len, frames))
                self._wanting.append(stream)

    def _advance(self, written: int) -> None:
        self._data_size -= written
        while written:
            first = self._data[0]
            if len(first) > written:
                self._data[0] = first[written:]
                return
            written -= len(first)
            self._data.popleft()

    # ---- in

    def _read(self) -> None:
        try:
            size = os.readv(self._reader, [_BUFFER])
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self.close()
            return
        data = _BUFFER[:size].tobytes()
        try:
            for kind, stream, payload in self._decoder.feed(data):
                self._take(kind, stream, payload)
                if self.closed:
                    return
        except ProtocolError:
            self.close()

    def _take(self, kind: Kind, stream: int, payload: bytes) -> None:
        if stream == 0:
            if kind is not Kind.CONTROL:
                raise ProtocolError("stream 0 carries calls")
            self._handler.on_call(self, parse_json(payload))
        elif found := self.streams.get(stream):
            try:
                if kind is Kind.ACK:
                    problem = found.ack(parse_offset(payload))
                elif kind is Kind.CONTROL:
                    problem = "calls belong on stream 0"
                else:
                    problem = self._handler.on_frame(self, found, kind, payload)
            except ProtocolError as error:
                problem = str(error)
            if problem:
                self.refuse(stream, problem)
        # A frame for a stream that is gone has crossed its end on the way.

    def refuse(self, stream: int, problem: str) -> None:
        """End one stream with the reason; the others go on."""
        found = self.streams.pop(stream, None)
        if found:
            found.close()
            self.tell(stream, {"type": "error", "title": "Bad message", "detail": problem})
            self.send(frame(Kind.CLOSE, stream))

    def close(self) -> None:
        """Drop the connection and every stream on it. The channels and their programs go on."""
        if self.closed:
            return
        self.closed = True
        for fd in {self._reader, self._writer}:
            self._loop.unwatch(fd)
            os.close(fd)
        for stream in list(self.streams.values()):
            stream.close()
        self.streams.clear()
        self._wanting.clear()
        self._handler.on_close(self)


class Handler(Protocol):
    """Who serves a link."""

    def on_call(self, link: Link, call: dict[str, Any]) -> None: ...

    def on_frame(self, link: Link, stream: Any, kind: Kind, payload: bytes) -> str | None: ...

    def on_close(self, link: Link) -> None: ...
