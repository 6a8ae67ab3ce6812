"""How late the event loop calls back, which is what every key and every request waits on top of its own work."""

import asyncio
from typing import Final

EVERY: Final = 0.1
BOUNDS: Final = (0.001, 0.005, 0.025, 0.1, 0.5)
"""Seconds. Lag below the first is the timer's own grain."""


class LoopLag:
    """Counts of lags, as a histogram has them: `counts[i]` were at most `BOUNDS[i]` seconds, the last is of all."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self.note(loop.time() - due)

    def note(self, seconds: float) -> None:
        self.total += seconds
        for index, bound in enumerate((*BOUNDS, float("inf"))):
            self.counts[index] += seconds <= bound
