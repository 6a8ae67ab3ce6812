"""Starts programs on PTYs, each the leader of a session of its own.

Not with ptyprocess: it tells of a success when the working directory is gone, leaks a pipe when no process can be made,
and sleeps and takes exit codes when it is collected itself.
"""

import os
import signal
import termios
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

_RESET: Final = tuple(
    getattr(signal, f"SIG{name}") for name in ("INT", "QUIT", "PIPE", "HUP", "TERM", "CHLD", "XFSZ", "TTOU", "TTIN")
)


class SpawnError(Exception):
    """The program could not be started; the message says why."""


class Command(NamedTuple):
    """What to run. `env` is the whole environment."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    cols: int = 120
    rows: int = 30


def spawn(command: Command) -> tuple[int, int]:
    """Start the program; returns its process id and its PTY, which belong to the caller. Raises SpawnError."""
    reader, writer = os.pipe()
    try:
        pid, pty = os.forkpty()
        if pid == 0:
            _become(command, writer)
    except OSError as error:
        os.close(reader)
        raise SpawnError(f"no process can be made for {command.argv[0]}: {error.strerror}") from error
    finally:
        os.close(writer)
    # Closed by a successful exec. That takes a moment, and the caller wants to know.
    with open(reader, "rb", buffering=0) as report:
        failure = report.read()
    if failure:
        os.close(pty)
        raise SpawnError(failure.decode(errors="replace"))
    # forkpty is the one call that hands its descriptor on to the programs started later.
    os.set_inheritable(pty, False)
    os.set_blocking(pty, False)
    return pid, pty


def _become(command: Command, report: int) -> NoReturn:
    """In the child: turn into the program, or tell why not and end."""
    culprit = "the terminal"
    try:
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        termios.tcsetwinsize(0, (command.rows, command.cols))
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
