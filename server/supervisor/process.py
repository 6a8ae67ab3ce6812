"""Programs on PTYs: their output, their input, and their orderly end."""

import os
import signal
import termios
import time
from collections.abc import Callable
from typing import Final, Protocol

from .channel import Channel
from .ending import Ending, kill_group, ladder
from .loop import Loop, Timer
from .procfs import Process as Running, ignores_hangup, is_alive, session_members
from .spawn import Command, decode_status, spawn

READ: Final = 16 * 1024
"""Bytes taken in one turn. More would hold up the keys of other terminals."""
SHORT: Final = 1024
INPUT_LIMIT: Final = 1024 * 1024
"""Bytes of input that wait for a program that does not read. A server that keeps to its acks stays far below."""
DRAIN_LIMIT: Final = 128 * 1024
"""Bytes read after the leader has ended: what the kernel held back, not what a background job goes on to write. With a
window of viewers it fits the ring, so nobody misses the end."""
SIZED: Final = (0.2, 2.0)
"""Seconds after which a size is looked at again: what a program on a quiet machine needs, and one that had to wait."""
REST_GRACE: Final = 5.0
"""Seconds for what a leader leaves behind."""


class Program:
    """A program on a PTY whose output goes to `channel`.

    `on_exit` is called once, after the last byte. A leader's end ends the program: what is left of its session is ended
    too, but for background jobs that ignore SIGHUP when `spares` is set, as `nohup` asks for.
    """

    def __init__(
        self,
        loop: Loop,
        command: Command,
        channel: Channel,
        on_exit: Callable[["Program"], None],
        *,
        spares: bool = True,
    ) -> None:
        self._loop = loop
        self.channel = channel
        self._on_exit = on_exit
        self._spares = spares
        self.code: int | None = None
        self.signal: str | None = None
        self.ended = False
        self.ended_at = 0.0
        self.started_at = time.time()
        self.output_at = 0.0
        self.input_at = 0.0
        self.cols, self.rows = command.cols, command.rows
        self._sized: list[Timer] = []
        self.pid, self._fd = spawn(command)
        self._input = bytearray()
        self._flushed: list[Callable[[], None]] = []
        self._ending: Ending | None = None
        self._resume()

    # ---- output

    def _resume(self) -> None:
        if not self.ended and self._fd >= 0:
            self._loop.watch_read(self._fd, self._read)

    def _read(self) -> None:
        """Take what is there, up to `READ`, as one piece: a flood travels in large frames, an echo at once."""
        pieces, size = [], 0
        while size < READ:
            try:
                data = os.read(self._fd, READ - size)
            except BlockingIOError:
                break
            except OSError:
                # EIO: no process has the PTY open any more.
                data = b""
            if not data:
                self._loop.unwatch_read(self._fd)
                break
            pieces.append(data)
            size += len(data)
            if len(data) < SHORT:
                # All there was; asking again would only say so.
                break
        if pieces:
            self.output_at = time.time()
            self.channel.append(pieces[0] if len(pieces) == 1 else b"".join(pieces), more=size >= READ)
        if self.channel.is_full:
            self._loop.unwatch_read(self._fd)

    def made_room(self) -> None:
        """The viewers of the channel can take more."""
        self._resume()

    # ---- input

    def write(self, data: bytes, flushed: Callable[[], None]) -> bool:
        """Send input; `flushed` is called once the program's PTY has taken it. False when too much waits already."""
        if self.ended or len(self._input) + len(data) > INPUT_LIMIT:
            return False
        self.input_at = time.time()
        self._input += data
        self._flushed.append(flushed)
        self._flush()
        return True

    def _flush(self) -> None:
        while self._input:
            try:
                written = os.write(self._fd, self._input[:READ])
            except BlockingIOError:
                self._loop.watch_write(self._fd, self._flush)
                return
            except OSError:
                self._input.clear()
                break
            del self._input[:written]
        self._loop.unwatch_write(self._fd)
        flushed, self._flushed = self._flushed, []
        for callback in flushed:
            callback()

    def resize(self, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self._set_size()
        for timer in self._sized:
            timer.cancel()
        # Before a prompt readline reads the size and writes it back (set_winsize in rltty.c), over what came between.
        self._sized = [self._loop.call_later(delay, self._set_size) for delay in SIZED]

    def _set_size(self) -> None:
        """Tell the program, unless it knows."""
        size = (self.rows, self.cols)
        if not self.ended and termios.tcgetwinsize(self._fd) != size:
            termios.tcsetwinsize(self._fd, size)

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the foreground process group of the PTY, as a key of its terminal would."""
        if not self.ended:
            kill_group(self._foreground(), number)

    # ---- end

    def reaped(self, status: int) -> None:
        """The leader has ended with this wait status."""
        self.code, self.signal = decode_status(status)
        self._drain()
        self.ended = True
        self.ended_at = time.monotonic()
        self._loop.unwatch(self._fd)
        self.channel.on_room = None
        self.channel.finish({"type": "exit", "code": self.code, "signal": self.signal})
        self._input.clear()
        self._flushed.clear()
        if self._ending is None:
            self._begin_ending(REST_GRACE, signal.SIGHUP)
        # The hang-up: closing the PTY is what a terminal that is gone looks like to the rest of the session.
        os.close(self._fd)
        self._fd = -1
        self._on_exit(self)

    def _drain(self) -> None:
        left = DRAIN_LIMIT
        while left > 0:
            try:
                data = os.read(self._fd, READ)
            except OSError:
                return
            if not data:
                return
            left -= len(data)
            self.channel.append(data)

    def end(self, grace: float, done: Callable[[], None], first: signal.Signals = signal.SIGHUP) -> None:
        """Ask the session to end, insist, then kill, within `grace` seconds; `done` when all are gone."""
        if self._ending is None or (self._ending.is_over and not self.ended):
            self._begin_ending(grace, first).then(done)
        else:
            self._ending.hurry(ladder(grace))
            self._ending.then(done)

    def _begin_ending(self, grace: float, first: signal.Signals) -> Ending:
        members = session_members(self.pid)
        spared = {member.pid for member in members if self._is_spared(member)}
        # A job of several processes is spared as a whole, with those that it is yet to start.
        groups = {member.group for member in members if member.pid in spared}
        groups -= {member.group for member in members if member.pid not in spared} | {self.pid}

        def left() -> list[int]:
            members = session_members(self.pid)
            pids = [member.pid for member in members if member.pid not in spared and member.group not in groups]
            return pids or ([self.pid] if not self.ended and is_alive(self.pid) else [])

        self._ending = Ending(self._loop, left, ladder(grace, first))
        return self._ending

    def _is_spared(self, member: Running) -> bool:
        """Whoever ignores the hang-up asked to be left alone, unless it is in the foreground."""
        if not self._spares or member.pid == self.pid or member.group == self._foreground():
            return False
        return ignores_hangup(member.pid)

    def _foreground(self) -> int:
        try:
            return os.tcgetpgrp(self._fd)
        except OSError:
            return -1


class Reaped(Protocol):
    """A program that is told of its leader's end."""

    def reaped(self, status: int) -> None: ...


def reap(find: Callable[[int], Reaped | None]) -> None:
    """Collect every child that has ended; those that were handed to us by their dying parents too.

    `find` is asked each time, because the end of one program may start the next, which may end at once.
    """
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if program := find(pid):
            program.reaped(status)
