"""Programs on pipes, each for one caller: it ends when its stream does."""

import os
import signal
from collections.abc import Callable
from typing import Final

from .duplex import Duplex
from .ending import Ending
from .link import Link
from .loop import Loop
from .procfs import is_alive, session_members
from .protocol import Kind, frame
from .spawn import Command, decode_status, spawn_piped

ERRORS_KEPT: Final = 2048
"""The last bytes of standard error, told with the end. As JSON they take up to six times as many."""
GRACE: Final = 2.0
"""Seconds from the request to end to the kill."""


class Piped(Duplex):
    """A program whose standard input and output are a stream; the message of its end has what it said of errors.

    When the stream closes, the link is lost, or the program itself ends, all that is left of its session is ended.
    `on_exit` is called once the program has ended.
    """

    def __init__(
        self, loop: Loop, link: Link, id: int, command: Command, on_exit: Callable[["Piped"], None], *, merged: bool
    ) -> None:
        self.pid, writer, reader, self._errors = spawn_piped(command, merged=merged)
        self._on_exit = on_exit
        self._said = b""
        self._exit: dict[str, object] | None = None
        self._ending: Ending | None = None
        super().__init__(loop, link, id, reader, writer)
        if self._errors >= 0:
            loop.watch_read(self._errors, self._read_errors)

    def reaped(self, status: int) -> None:
        """The program has ended with this wait status."""
        code, name = decode_status(status)
        self._exit = {"type": "exit", "code": code, "signal": name}
        self.end(GRACE, lambda: None)
        self._on_exit(self)
        # What it left in the pipe is still to come; what others go on to write is not.
        self._readable = True
        self._link.want(self)
        if self._read_done:
            self._tell()

    def end(self, grace: float, done: Callable[[], None]) -> None:
        """Ask all of its session to end, and kill what is left after `grace` seconds; `done` when all are gone."""
        if self._ending is None or (self._ending.is_over and self._exit is None):
            self._ending = Ending(self._loop, self._left, [(0.0, signal.SIGTERM), (grace, signal.SIGKILL)])
        self._ending.then(done)

    def close(self) -> None:
        if not self._closed:
            self._close_errors()
            super().close()
            self.end(GRACE, lambda: None)

    def _left(self) -> list[int]:
        pids = [member.pid for member in session_members(self.pid)]
        return pids or ([self.pid] if self._exit is None and is_alive(self.pid) else [])

    def _read_errors(self) -> None:
        try:
            while data := os.read(self._errors, 65536):
                self._said = (self._said + data)[-ERRORS_KEPT:]
        except BlockingIOError:
            return
        self._close_errors()

    def _close_errors(self) -> None:
        if self._errors >= 0:
            self._loop.unwatch(self._errors)
            os.close(self._errors)
            self._errors = -1

    def _drained(self) -> None:
        if self._exit is None:
            super()._drained()
        else:
            self._output_ended()

    def _output_ended(self) -> None:
        self._read_done = True
        if self._exit is not None:
            self._tell()

    def _input_ended(self) -> None:
        if self._writer >= 0:
            self._loop.unwatch(self._writer)
            os.close(self._writer)
            self._writer = -1

    def _broken(self) -> None:
        self._output_ended()

    def _unwanted(self) -> None:
        """It reads no more: what is sent to it counts as taken."""
        self._loop.unwatch_write(self._writer)
        self._consumed(self._input_size)
        if self._input_done:
            self._input_ended()

    def _tell(self) -> None:
        """Tell of the end, after the last byte."""
        if not self._closed and self._exit is not None:
            if self._errors >= 0:
                self._read_errors()
            self._link.tell(self.id, {**self._exit, "stderr": self._said.decode(errors="replace")})
            self._link.send(frame(Kind.CLOSE, self.id))
            self._link.drop(self.id)
            self.close()
