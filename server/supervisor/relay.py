"""TCP connections to ports inside the container, carried over a link.

An app that listens on 127.0.0.1 or ::1 only can't be reached from outside; from in here it can.
"""

import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from .link import Link
from .loop import Loop
from .protocol import MAX_DATA, RELAY_WINDOW, Kind, frame, header

ADDRESSES: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Relay:
    """One connection and its stream. Each direction has a window of its own and ends on its own."""

    def __init__(self, loop: Loop, link: Link, id: int, connection: socket.socket) -> None:
        self.id = id
        self._loop = loop
        self._link = link
        self._socket = connection
        self._fd = connection.fileno()
        self._sent = 0
        self._acked = 0
        self._read_done = False
        self._taken = 0
        self._input: bytearray = bytearray()
        self._input_done = False
        self._readable = True
        self._closed = False
        loop.watch_read(self._fd, self._can_read)

    # ---- from the app to the server

    def _can_read(self) -> None:
        self._readable = True
        self._loop.unwatch_read(self._fd)
        self._link.want(self)

    def pull(self) -> list[bytes]:
        room = min(MAX_DATA, self._acked + RELAY_WINDOW - self._sent)
        if self._closed or self._read_done or not self._readable or room <= 0:
            return []
        try:
            data = self._socket.recv(room)
        except BlockingIOError:
            self._readable = False
            self._loop.watch_read(self._fd, self._can_read)
            return []
        except OSError:
            self.reset()
            return []
        if data:
            self._sent += len(data)
            return [header(Kind.DATA, self.id, len(data)), data]
        self._read_done = True
        self._link.send(frame(Kind.CLOSE, self.id))
        self._end_when_done()
        return []

    def ack(self, offset: int) -> str | None:
        if offset > self._sent:
            return f"an ack of {offset}, but only {self._sent} was sent"
        if offset > self._acked:
            self._acked = offset
            self._link.want(self)
        return None

    # ---- from the server to the app

    def take(self, data: bytes) -> str | None:
        """Send `data` on to the app. Returns what is wrong with it, if anything."""
        if self._input_done or len(self._input) + len(data) > RELAY_WINDOW:
            return "more than the window allows"
        self._input += data
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
                written = self._socket.send(self._input[:MAX_DATA])
                del self._input[:written]
                self._taken += written
                self._link.consumed(self.id, self._taken)
        except BlockingIOError:
            self._loop.watch_write(self._fd, self._flush)
            return
        except OSError:
            self.reset()
            return
        self._loop.unwatch_write(self._fd)
        if self._input_done:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self._end_when_done()

    # ---- end

    def reset(self) -> None:
        """The app broke the connection off."""
        if not self._closed:
            self._link.tell(self.id, {"type": "reset"})
            self._link.send(frame(Kind.CLOSE, self.id))
            self._link.drop(self.id)
            self.close()

    def abort(self) -> None:
        """The server broke the connection off: the app sees a reset, not an orderly end."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.close()

    def _end_when_done(self) -> None:
        if self._read_done and self._input_done and not self._input:
            self._link.drop(self.id)
            self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.unwatch(self._fd)
            self._socket.close()


def connect(loop: Loop, port: int, done: Callable[[socket.socket | None, str], None]) -> None:
    """Connect to `port` on the loopback addresses in turn; `done` gets the socket, or None and why."""
    _Attempt(loop, port, done).start()


class _Attempt:
    def __init__(self, loop: Loop, port: int, done: Callable[[socket.socket | None, str], None]) -> None:
        self._loop = loop
        self._port = port
        self._done = done
        self._left = list(ADDRESSES)
        self._why = "connection refused"

    def start(self) -> None:
        if not self._left:
            self._done(None, f"nothing accepts on port {self._port}: {self._why}")
            return
        family, address = self._left.pop(0)
        try:
            connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            self._failed(str(error.strerror))
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = connection.connect_ex((address, self._port))
        if code not in (0, errno.EINPROGRESS):
            connection.close()
            self._failed(os.strerror(code))
            return
        self._loop.watch_write(connection.fileno(), lambda: self._connected(connection))

    def _connected(self, connection: socket.socket) -> None:
        self._loop.unwatch(connection.fileno())
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            connection.close()
            self._failed(os.strerror(code))
        else:
            self._done(connection, "")

    def _failed(self, why: str) -> None:
        self._why = why.lower()
        self.start()
