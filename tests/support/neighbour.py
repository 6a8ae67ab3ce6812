"""A terminal whose output is numbered: whoever disturbs it leaves a hole, or a pause."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.server import Server
from tests.support.terminal import Terminal

# Waits without a process of its own: a project may have a hundred of them and half a processor.
_COUNT = "stty -echo -onlcr; exec 9<> <(:); i=0; while :; do echo n$((i += 1)); read -t 0.02 -u 9; done\n"
LONGEST_PAUSE = 5.0
"""Seconds. A busy machine may hold it up; a terminal that is blocked by another stays silent for longer."""


class Neighbour:
    """Counts the lines that came, and checks that each is the one after the last."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.count = 0
        self.pause = 0.0
        self._counted = asyncio.Event()

    async def watch(self) -> None:
        await self._terminal.type(_COUNT)
        await self._terminal.read_until("n1\n")
        rest, at = self._terminal.output[self._terminal.output.index(b"n1\n") :], time.monotonic()
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self.count += 1
                self._counted.set()
                assert line == b"n%d" % self.count, f"line {self.count} is {line!r}"
            self._terminal.output = b""
            await self._terminal.read_frame()
            now = time.monotonic()
            self.pause, at = max(self.pause, now - at), now
            rest += self._terminal.output

    async def goes_on(self) -> None:
        """Return once it has counted further."""
        self._counted.clear()
        async with asyncio.timeout(10):
            await self._counted.wait()


@asynccontextmanager
async def undisturbed(server: Server, project: str) -> AsyncIterator[Neighbour]:
    """A neighbour to whom nothing may happen meanwhile."""
    async with Terminal(server, project, "terminals/neighbour") as terminal:
        neighbour = Neighbour(terminal)
        watching = asyncio.create_task(neighbour.watch())
        try:
            yield neighbour
            if not watching.done():
                await neighbour.goes_on()
        finally:
            if not watching.done():
                watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if not watching.cancelled():
            watching.result()
        assert neighbour.pause < LONGEST_PAUSE, f"silent for {neighbour.pause:.1f} s"
        await terminal.tell(type="close")
        await terminal.read_message("exit")
