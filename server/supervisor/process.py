"""Programs on PTYs, each the leader of a session of its own, and their orderly end."""

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from ptyprocess import PtyProcess

from .channel import Channel
from .loop import Loop, Timer
from .procfs import Process as Running, ignores_hangup, session_members

READ: Final = 64 * 1024
INPUT_LIMIT: Final = 1024 * 1024
"""Bytes of input that wait for a program that does not read."""
DRAIN_LIMIT: Final = 1024 * 1024
"""Bytes read after the leader has ended: what the kernel held back, not what a background job goes on to write."""
SWEEP: Final = 0.05
ENDING: Final = {signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD}


class SpawnError(Exception):
    """The program could not be started; the message says why."""


class Command(NamedTuple):
    """What to run. `env` is the whole environment."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    cols: int = 120
    rows: int = 30


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
        self.started_at = time.time()
        self.output_at = 0.0
        self.input_at = 0.0
        self.cols, self.rows = command.cols, command.rows
        self._pty = _spawn(command)
        self.pid: int = self._pty.pid
        self._fd: int = self._pty.fd
        os.set_blocking(self._fd, False)
        self._input = bytearray()
        self._flushed: list[Callable[[], None]] = []
        self._sweeper: Timer | None = None
        self._resume()

    # ---- output

    def _resume(self) -> None:
        if not self.ended and self._fd >= 0:
            self._loop.watch_read(self._fd, self._read)

    def _read(self) -> None:
        """Take what is there, up to 64 KiB, as one piece: a flood travels in large frames, an echo at once."""
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
        if pieces:
            self.output_at = time.time()
            self.channel.append(pieces[0] if len(pieces) == 1 else b"".join(pieces))
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
        if not self.ended:
            self.cols, self.rows = cols, rows
            self._pty.setwinsize(rows, cols)

    def send_signal(self, name: str) -> None:
        """Signal the foreground process group of the PTY, as a key of its terminal would."""
        try:
            group = os.tcgetpgrp(self._fd)
        except OSError:
            group = self.pid
        _kill_group(group, signal.Signals[f"SIG{name}"])

    # ---- end

    def reaped(self, status: int) -> None:
        """The leader has ended with this wait status."""
        self.code, self.signal = decode_status(status)
        self._drain()
        self.ended = True
        self._loop.unwatch(self._fd)
        self.channel.on_room = None
        self.channel.finish({"type": "exit", "code": self.code, "signal": self.signal})
        # The hang-up: closing the PTY is what a terminal that is gone looks like to the rest of the session.
        # Through the object that owns the descriptor: it would close that number again when it is collected.
        self._pty.fileobj.close()
        self._pty.closed = True
        self._fd = -1
        self._input.clear()
        self._on_exit(self)
        if self._sweeper is None:
            self.end(5.0, lambda: None)

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
        if self._sweeper:
            self._sweeper.cancel()
        ladder = [(0.0, first), (grace * 0.3, signal.SIGTERM), (grace * 0.7, signal.SIGKILL)]
        began = time.monotonic()
        # Whoever ignores the hang-up at its first step asked to be left alone, unless it is in the foreground.
        spared = {member.pid for member in self._members() if self._is_spared(member)}

        def sweep() -> None:
            members = [member for member in self._members() if member.pid not in spared]
            if not members and (self.ended or not _is_alive(self.pid)):
                self._sweeper = None
                done()
                return
            while ladder and time.monotonic() - began >= ladder[0][0]:
                number = ladder.pop(0)[1]
                for member in members:
                    _kill(member.pid, number)
                    # A stopped process acts on nothing but SIGKILL before it is continued.
                    _kill(member.pid, signal.SIGCONT)
            self._sweeper = self._loop.call_later(SWEEP if time.monotonic() - began > SWEEP else 0.01, sweep)

        sweep()

    def _members(self) -> list[Running]:
        return session_members(self.pid)

    def _is_spared(self, member: Running) -> bool:
        if not self._spares or member.pid == self.pid or member.group == self._foreground():
            return False
        return ignores_hangup(member.pid)

    def _foreground(self) -> int:
        try:
            return os.tcgetpgrp(self._fd) if self._fd >= 0 else -1
        except OSError:
            return -1


def _spawn(command: Command) -> PtyProcess:
    try:
        return PtyProcess.spawn(
            list(command.argv),
            cwd=command.cwd,
            env=dict(command.env),
            dimensions=(command.rows, command.cols),
            preexec_fn=_default_signals,
        )
    except OSError as error:
        raise SpawnError(f"{command.argv[0]}: {error.strerror or error}") from error
    except Exception as error:
        # ptyprocess raises what it read from the child, in whatever class that named.
        raise SpawnError(f"{command.argv[0]}: {error}") from error


def decode_status(status: int) -> tuple[int | None, str | None]:
    """Exit code or signal name of a wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return None, signal.Signals(number).name.removeprefix("SIG")
        except ValueError:
            return None, str(number)
    return os.WEXITSTATUS(status), None


def reap(find: Callable[[int], Program | None]) -> None:
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


def _default_signals() -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _kill_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EPERM):
            raise
