"""Threads for what blocks, with a bound for each project, so that one slow disk or huge folder holds up no other."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

T = TypeVar("T")

MOST_THREADS: Final = 32
MOST_OF_ONE: Final = 4
"""Threads that work for one project at the same time."""


class Lane:
    """One project's share of the threads. `lock` is for what its threads must do one after the other."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(MOST_OF_ONE)
        self.lock = threading.Lock()

    async def run(self, work: Callable[[], T], dispose: Callable[[T], None] | None = None) -> T:
        """What `work` returns, done in a thread.

        When the caller is cancelled the work goes on, and keeps its place, to its end; `dispose` is then given what it
        returned.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        try:
            future = self._pool.submit(work)
        except BaseException:
            self._free.release()
            raise
        future.add_done_callback(lambda _: self._release(loop))
        outcome = asyncio.wrap_future(future)
        try:
            # Not a shield: what fails after the caller has gone would be logged, though nobody is there to miss it.
            await asyncio.wait([outcome])
        except asyncio.CancelledError:
            outcome.add_done_callback(_retrieve)
            if dispose:
                future.add_done_callback(lambda done: _dispose(done, dispose))
            raise
        return outcome.result()

    async def finish(self, work: Callable[[], None]) -> None:
        """Do `work`, which gives something back, in a thread at once, and even if the caller is cancelled."""
        await asyncio.shield(asyncio.wrap_future(self._pool.submit(work)))

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        # The loop may have ended while the thread still worked.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free.release)


def _retrieve(outcome: asyncio.Future[T]) -> None:
    if not outcome.cancelled():
        outcome.exception()


def _dispose(done: Future[T], dispose: Callable[[T], None]) -> None:
    if not done.cancelled() and done.exception() is None:
        dispose(done.result())
