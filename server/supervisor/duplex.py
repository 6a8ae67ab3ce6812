"""Bytes both ways between a stream of a link and a pair of descriptors, each way with a window of its own."""

import os
from collections import deque
from itertools import islice
from typing import Final

from .link import Link
from .loop import Loop
from .protocol import MAX_DATA, RELAY_WINDOW, Kind, header

MOST_PIECES: Final = 64
"""That are written in one call."""


class Duplex:
    """What is read from `reader` goes to the server, what the server sends is written to `writer`.

    The two may be the same descriptor; they belong to this object. What its ends mean is for those that extend it.
    """

    def __init__(self, loop: Loop, link: Link, id: int, reader: int, writer: int) -> None:
        self.id = id
        self._loop = loop
        self._link = link
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self._acked = 0
        self._read_done = False
        self._taken = 0
        self._input: deque[bytes | memoryview] = deque()
        self._input_size = 0
        self._input_done = False
        self._readable = True
        self._closed = False
        loop.watch_read(reader, self._can_read)

    # ---- to the server

    def _can_read(self) -> None:
        self._readable = True
        self._loop.unwatch_read(self._reader)
        self._link.want(self)

    def pull(self) -> list[bytes]:
        room = min(MAX_DATA, self._acked + RELAY_WINDOW - self._sent)
        if self._closed or self._read_done or not self._readable or room <= 0:
            return []
        try:
            data = os.read(self._reader, room)
        except BlockingIOError:
            self._drained()
            return []
        except OSError:
            self._broken()
            return []
        if data:
            self._sent += len(data)
            return [header(Kind.DATA, self.id, len(data)), data]
        self._read_done = True
        self._output_ended()
        return []

    def ack(self, offset: int) -> str | None:
        if offset > self._sent:
            return f"an ack of {offset}, but only {self._sent} was sent"
        if offset > self._acked:
            self._acked = offset
            self._link.want(self)
        return None

    # ---- from the server

    def take(self, data: bytes) -> str | None:
        """Pass `data` on. Returns what is wrong with it, if anything."""
        if self._input_done or self._input_size + len(data) > RELAY_WINDOW:
            return "more than the window allows"
        if data:
            self._input.append(data)
        self._input_size += len(data)
        self._flush()
        return None

    def finish(self) -> None:
        """The server has sent its last byte."""
        self._input_done = True
        self._flush()

    def _flush(self) -> None:
        if self._closed:
            return
        try:
            while self._input:
                self._consumed(os.writev(self._writer, [*islice(self._input, MOST_PIECES)]))
        except BlockingIOError:
            self._loop.watch_write(self._writer, self._flush)
            return
        except OSError:
            self._unwanted()
            return
        self._loop.unwatch_write(self._writer)
        if self._input_done:
            self._input_ended()

    def _consumed(self, size: int) -> None:
        self._taken += size
        self._input_size -= size
        left = size
        while left and left >= len(self._input[0]):
            left -= len(self._input.popleft())
        if left:
            self._input[0] = memoryview(self._input[0])[left:]
        self._link.consumed(self.id, self._taken, size)

    # ---- ends

    def abort(self) -> None:
        """The server broke it off."""
        self.close()

    def close(self) -> None:
        """Let go of the descriptors. Does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        for fd in {self._reader, self._writer} - {-1}:
            self._loop.unwatch(fd)
            os.close(fd)

    def _drained(self) -> None:
        """There is nothing to read just now."""
        self._readable = False
        self._loop.watch_read(self._reader, self._can_read)

    def _output_ended(self) -> None:
        """The last byte was read."""
        raise NotImplementedError

    def _input_ended(self) -> None:
        """The last byte was written."""
        raise NotImplementedError

    def _broken(self) -> None:
        """Reading has failed."""
        raise NotImplementedError

    def _unwanted(self) -> None:
        """Writing has failed."""
        raise NotImplementedError
