"""The orderly end of processes: asked, told, then killed, each with a deadline."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .loop import Loop

Rung = tuple[float, signal.Signals]
"""A signal and the seconds after which it is sent to whoever is left."""
AT_FIRST: Final = 0.01
LATER: Final = 0.05
"""Seconds between looks at who is left."""
GIVE_UP: Final = 2.0
"""Seconds after the last signal in which even the kernel had its time: what is left then is another user's."""


def ladder(grace: float, first: signal.Signals = signal.SIGHUP) -> tuple[Rung, ...]:
    """`first` at once, SIGTERM, then SIGKILL, so that all are gone within `grace` seconds."""
    return (0.0, first), (grace * 0.3, signal.SIGTERM), (grace * 0.7, signal.SIGKILL)


class Ending:
    """Ends the processes that `find` names until it names none. `done` callbacks are called once, when that is so."""

    def __init__(self, loop: Loop, find: Callable[[], Iterable[int]], rungs: Sequence[Rung]) -> None:
        self._loop = loop
        self._find = find
        self._waiting: list[Callable[[], None]] = []
        self._began = time.monotonic()
        self._rungs = [(self._began + seconds, number) for seconds, number in rungs]
        self._last = self._rungs[-1][0]
        self._none = False
        self.is_over = False
        loop.call_soon(self._look)

    def then(self, done: Callable[[], None]) -> None:
        """Call `done` when all are gone, at once if they are."""
        if self.is_over:
            done()
        else:
            self._waiting.append(done)

    def hurry(self, rungs: Sequence[Rung]) -> None:
        """Send what is still to be sent no later than `rungs` say."""
        now = time.monotonic()
        due = {number: now + seconds for seconds, number in rungs}
        self._rungs = [(min(at, due.get(number, at)), number) for at, number in self._rungs]
        self._last = min(self._last, now + rungs[-1][0])

    def _look(self) -> None:
        left = list(self._find())
        now = time.monotonic()
        # None twice: the first time may have been by a walk through /proc from before the last one was started.
        if (not left and self._none) or now > self._last + GIVE_UP:
            self.is_over = True
            waiting, self._waiting = self._waiting, []
            for done in waiting:
                done()
            return
        self._none = not left
        while self._rungs[0][0] <= now:
            _send(left, self._rungs[0][1])
            if len(self._rungs) == 1:
                # Sent again at each look: who is left may have been started meanwhile.
                break
            self._rungs.pop(0)
        self._loop.call_later(AT_FIRST if now - self._began < LATER else LATER, self._look)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        kill(pid, number)
        # A stopped process acts on nothing but SIGKILL before it is continued.
        kill(pid, signal.SIGCONT)


def kill(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone, or another user's."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_group(group: int, number: signal.Signals) -> None:
    """Signal a process group that may be gone. A PTY that is left has the foreground group 0, which would be ours."""
    if group <= 1:
        return
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass
