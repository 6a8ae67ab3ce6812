"""Starts programs on PTYs or on pipes, each the leader of a session of its own.

Not with ptyprocess: it tells of a success when the working directory is gone, leaks a pipe when no process can be made,
and sleeps and takes exit codes when it is collected itself.
"""

import os
import signal
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

_RESET: Final = tuple(
    getattr(signal, f"SIG{name}") for name in ("INT", "QUIT", "PIPE", "HUP", "TERM", "CHLD", "XFSZ", "TTOU", "TTIN")
)

_SET_CHILD_SUBREAPER: Final = 36


class SpawnError(Exception):
    """The program could not be started; the message says why."""


class Command(NamedTuple):
    """What to run. `env` is the whole environment."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    cols: int = 120
    rows: int = 30


def adopt_orphans() -> None:
    """Become the parent of what daemons and `setsid` leave: it is then found below us. A container's first process is.

    On the machine itself only, so the image goes without ctypes.
    """
    if os.getpid() != 1:
        from ctypes import CDLL, get_errno

        libc = CDLL(None, use_errno=True)
        if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(get_errno(), "the supervisor can't adopt orphans")


def spawn(command: Command) -> tuple[int, int]:
    """Start the program; returns its process id and its PTY, which belong to the caller. Raises SpawnError."""
    ptys: list[int] = []

    def fork() -> int:
        pid, pty = os.forkpty()
        ptys.append(pty)
        return pid

    def prepare() -> None:
        termios.tcsetwinsize(0, (command.rows, command.cols))

    try:
        pid = _start(command, fork, prepare)
    except SpawnError:
        for pty in ptys:
            os.close(pty)
        raise
    # forkpty is the one call that hands its descriptor on to the programs started later.
    os.set_inheritable(ptys[0], False)
    os.set_blocking(ptys[0], False)
    return pid, ptys[0]


def spawn_piped(command: Command, *, merged: bool) -> tuple[int, int, int, int]:
    """Start the program on pipes; returns its process id and our ends of standard input, output and error.

    They belong to the caller. With `merged` errors go to the output, and the last is -1. Raises SpawnError.
    """
    pipes: list[int] = []
    try:
        for _ in range(2 if merged else 3):
            pipes += os.pipe()
    except OSError as error:
        for fd in pipes:
            os.close(fd)
        raise SpawnError(f"no pipe can be made for {command.argv[0]}: {error.strerror}") from error
    theirs = (pipes[0], pipes[3], pipes[3] if merged else pipes[5])
    ours = (pipes[1], pipes[2], -1 if merged else pipes[4])

    def prepare() -> None:
        os.setsid()
        for number, fd in enumerate(theirs):
            os.dup2(fd, number)

    try:
        pid = _start(command, os.fork, prepare)
    except SpawnError:
        for fd in set(ours) - {-1}:
            os.close(fd)
        raise
    finally:
        for fd in set(theirs):
            os.close(fd)
    for fd in set(ours) - {-1}:
        os.set_blocking(fd, False)
    return pid, *ours


def _start(command: Command, fork: Callable[[], int], prepare: Callable[[], None]) -> int:
    """The process id of the program, once it runs. `prepare` is called in the child. Raises SpawnError."""
    try:
        reader, writer = os.pipe()
    except OSError as error:
        raise SpawnError(f"no pipe can be made for {command.argv[0]}: {error.strerror}") from error
    try:
        pid = fork()
        if pid == 0:
            _become(command, writer, prepare)
    except OSError as error:
        os.close(reader)
        raise SpawnError(f"no process can be made for {command.argv[0]}: {error.strerror}") from error
    finally:
        os.close(writer)
    # Closed by a successful exec. That takes a moment, and the caller wants to know.
    with open(reader, "rb", buffering=0) as report:
        failure = report.read()
    if failure:
        raise SpawnError(failure.decode(errors="replace"))
    return pid


def _become(command: Command, report: int, prepare: Callable[[], None]) -> NoReturn:
    """In the child: turn into the program, or tell why not and end."""
    culprit = "its input and output"
    try:
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        prepare()
        culprit = "the working directory"
        os.chdir(command.cwd)
        culprit = command.argv[0]
        os.execvpe(culprit, list(command.argv), dict(command.env))
    except BaseException as error:
        # Whatever it is, the child must not go on as a second supervisor.
        reason = error.strerror if isinstance(error, OSError) else repr(error)
        os.write(report, f"{culprit:.500}: {reason:.500}".encode(errors="replace"))
    finally:
        os._exit(127)


def decode_status(status: int) -> tuple[int | None, str | None]:
    """Exit code or signal name of a wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return None, signal.Signals(number).name.removeprefix("SIG")
        except ValueError:
            return None, str(number)
    return os.WEXITSTATUS(status), None
