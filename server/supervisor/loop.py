"""A selector loop with timers: descriptors that carry input are served before those that carry output."""

import heapq
import itertools
import os
import selectors
import signal
import time
import traceback
from collections.abc import Callable

Callback = Callable[[], None]


class Timer:
    """A callback to come; `cancel` is safe at any time."""

    def __init__(self, callback: Callback | None = None) -> None:
        self.callback = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """Runs callbacks until `stop`. Not for more than one thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._readers: dict[int, tuple[int, Callback]] = {}
        self._writers: dict[int, Callback] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._soon: list[Callback] = []
        self._running = True

    def watch_read(self, fd: int, callback: Callback, rank: int = 1) -> None:
        """Call back whenever `fd` can be read; lower ranks come first."""
        self._readers[fd] = (rank, callback)
        self._register(fd)

    def unwatch_read(self, fd: int) -> None:
        if self._readers.pop(fd, None):
            self._register(fd)

    def watch_write(self, fd: int, callback: Callback) -> None:
        self._writers[fd] = callback
        self._register(fd)

    def unwatch_write(self, fd: int) -> None:
        if self._writers.pop(fd, None):
            self._register(fd)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`. Must come before it is closed: its number may stand for another file right after."""
        self._readers.pop(fd, None)
        self._writers.pop(fd, None)
        self._register(fd)

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def call_soon(self, callback: Callback) -> None:
        """Call back at the end of this turn, after all input was taken."""
        self._soon.append(callback)

    def on_signals(self, numbers: list[signal.Signals], callback: Callable[[int], None]) -> None:
        """Call back with the number of each of these signals, outside the handler."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda *_: None)

        def take() -> None:
            for number in os.read(reader, 4096):
                callback(number)

        self.watch_read(reader, take, rank=0)

    def stop(self) -> None:
        self._running = False

    def run(self) -> None:
        """Serve until `stop` was called."""
        while self._running:
            ready = self._selector.select(self._wait())
            calls = []
            for key, events in ready:
                if events & selectors.EVENT_READ and key.fd in self._readers:
                    rank, callback = self._readers[key.fd]
                    calls.append((rank, key.fd, callback, True))
                if events & selectors.EVENT_WRITE and key.fd in self._writers:
                    calls.append((2, key.fd, self._writers[key.fd], False))
            calls.sort(key=lambda call: call[0])
            for _, fd, callback, reads in calls:
                # An earlier callback of this turn may have closed the descriptor.
                current = self._readers.get(fd, (0, None))[1] if reads else self._writers.get(fd)
                if current is callback:
                    _guarded(callback)
            self._run_timers()
            self._run_soon()

    def _wait(self) -> float | None:
        if self._soon:
            return 0
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback:
                _guarded(callback)

    def _run_soon(self) -> None:
        soon, self._soon = self._soon, []
        for callback in soon:
            _guarded(callback)

    def _register(self, fd: int) -> None:
        events = (selectors.EVENT_READ if fd in self._readers else 0) | (
            selectors.EVENT_WRITE if fd in self._writers else 0
        )
        known = fd in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(fd)
        elif known:
            self._selector.modify(fd, events)
        else:
            self._selector.register(fd, events)


def _guarded(callback: Callback) -> None:
    """Call back; a mistake of ours must not end every terminal of the project."""
    try:
        callback()
    except Exception:
        traceback.print_exc()
