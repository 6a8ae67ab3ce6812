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

PATIENCE: Final = 8.0
"""Seconds for a connection to be taken: the kernel asks a listener with a full backlog again after 1, 3 and 7 s."""


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


class Connecting:
    """The stream of a connection that is being made to one of the loopback addresses.

    `done` is called once, with the socket, or with None and why there is none.
    """

    def __init__(self, loop: Loop, id: int, port: int, done: Callable[[socket.socket | None, str], None]) -> None:
        self.id = id
        self._loop = loop
        self._port = port
        self._done = done
        self._left = list(ADDRESSES)
        self._why = "connection refused"
        self._socket: socket.socket | None = None
        late = f"its program accepted none within {PATIENCE:g} s"
        self._timer = loop.call_later(PATIENCE, lambda: self._end(None, late))

    def start(self) -> None:
        """Try the next address. `done` may be called from here."""
        if not self._left:
            self._end(None, self._why)
            return
        family, address = self._left.pop(0)
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            self._failed(str(error.strerror))
            return
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex((address, self._port))
        if code in (0, errno.EINPROGRESS):
            self._loop.watch_write(self._socket.fileno(), self._connected)
        else:
            self._failed(os.strerror(code))

    def pull(self) -> list[bytes]:
        return []

    def ack(self, offset: int) -> str | None:
        return "an ack on a stream that is not open yet"

    def close(self) -> None:
        """The server wants it no longer, or its link is gone."""
        self._end(None, "it was closed while it connected")

    def _connected(self) -> None:
        assert self._socket
        self._loop.unwatch(self._socket.fileno())
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._failed(os.strerror(code))
            return
        connection, self._socket = self._socket, None
        self._end(connection, "")

    def _failed(self, why: str) -> None:
        self._why = why.lower()
        self._drop()
        self.start()

    def _end(self, connection: socket.socket | None, why: str) -> None:
        self._timer.cancel()
        self._drop()
        done, self._done = self._done, lambda *_: None
        done(connection, why and f"no connection to port {self._port}: {why}")

    def _drop(self) -> None:
        if self._socket:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None
