"""TCP connections to ports inside the container, carried over a link.

An app that listens on 127.0.0.1 or ::1 only can't be reached from outside; from in here it can.
"""

import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from .duplex import Duplex
from .link import Link
from .loop import Loop
from .protocol import Kind, frame

ADDRESSES: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Relay(Duplex):
    """One connection and its stream. Each direction ends on its own."""

    def __init__(self, loop: Loop, link: Link, id: int, connection: socket.socket) -> None:
        self._socket = connection
        super().__init__(loop, link, id, connection.fileno(), connection.fileno())

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

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.unwatch(self._reader)
            self._socket.close()

    def _output_ended(self) -> None:
        self._link.send(frame(Kind.CLOSE, self.id))
        self._end_when_done()

    def _input_ended(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self._end_when_done()

    def _broken(self) -> None:
        self.reset()

    def _unwanted(self) -> None:
        self.reset()

    def _end_when_done(self) -> None:
        if self._read_done and self._input_done and not self._input:
            self._link.drop(self.id)
            self.close()


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
