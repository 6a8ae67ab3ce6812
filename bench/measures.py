"""The measures: what a person at a terminal waits for, in seconds, and what the server pays, in bytes."""

import asyncio
import itertools
import re
import statistics
import time
from contextlib import suppress
from typing import Final

from bench.peers import Hutch
from bench.targets import Target, Terminal

FIRST_PROMPT: Final = re.compile(rb"[$#] (?:\x1b\[[0-9;?]*[A-Za-z])*$")
PROMPT: Final = b"@@@ "
LOG: Final = "log.txt"
LINE: Final = "2026-01-01T12:00:00.000Z info  [worker-{:04d}] GET /api/items/{:06d} 200 in 12 ms, 1523 bytes\n"
FLOOD: Final = f"yes '{LINE.format(0, 0).strip()}'\r".encode()
"""One program: a shell's loop over several goes on when Ctrl-C comes while it starts the next."""
SLOW_RATE: Final = 1_000_000
KEPT: Final = 256
DEADLINE: Final = 120.0

_names = itertools.count()


def log_text(size: int) -> str:
    """About `size` bytes of what a server logs."""
    count = size // len(LINE.format(0, 0))
    return "".join(LINE.format(number % 16, number) for number in range(count))


class Session:
    """A shell at its prompt, which is `PROMPT` from `open` on."""

    def __init__(self, target: Target, terminal: Terminal, name: str) -> None:
        self.target = target
        self.terminal = terminal
        self.name = name

    @classmethod
    async def open(cls, target: Target) -> "Session":
        name = f"t{next(_names)}"
        session = cls(target, await target.open(name), name)
        tail = b""
        async with asyncio.timeout(DEADLINE):
            while not FIRST_PROMPT.search(tail):
                tail = (tail + await session.terminal.receive())[-KEPT:]
        return session

    async def prepare(self) -> "Session":
        """Have a prompt that no output contains. Apart from `open`, whose time is measured."""
        await self.run("PS1=@'@@ '; PROMPT_COMMAND=", PROMPT)
        return self

    async def run(self, command: str, until: bytes) -> None:
        await self.terminal.send(command.encode() + b"\r")
        await self.until(until)

    async def value(self, expression: str) -> str:
        """What the shell makes of `expression`, which has no spaces."""
        await self.terminal.send(f"echo '<'\"{expression}\"'>'\r".encode())
        text = b""
        async with asyncio.timeout(DEADLINE):
            while not (found := re.search(rb"<([^'\"<>]*)>", text)):
                text += await self.terminal.receive()
        return found[1].decode()

    async def until(self, wanted: bytes, *, rate: int | None = None, seconds: float = DEADLINE) -> None:
        """Read, at most `rate` bytes a second, until `wanted` came."""
        tail = b""
        async with asyncio.timeout(seconds):
            while wanted not in tail:
                data = await self.terminal.receive()
                tail = tail[-len(wanted) :] + data
                if rate:
                    await asyncio.sleep(len(data) / rate)

    async def read_for(self, seconds: float, rate: int | None = None) -> None:
        with suppress(TimeoutError):
            await self.until(b"\0never\0", rate=rate, seconds=seconds)


async def throughput(target: Target, size: int) -> float:
    """Bytes a second of a log, until the word behind it is at the client."""
    session = await (await Session.open(target)).prepare()
    started = time.perf_counter()
    await session.run(f"cat {LOG}; echo DO''NE", b"DONE")
    took = time.perf_counter() - started
    await session.terminal.end()
    return size / took


async def echo(target: Target, keys: int, *, flooded: bool = False) -> tuple[float, float]:
    """Median and p99 of the time from a key to its echo by a program, while a neighbour floods or not."""
    session = await (await Session.open(target)).prepare()
    neighbour = await (await Session.open(target)).prepare()
    reading = asyncio.create_task(_flood(neighbour)) if flooded else None
    await session.run("stty -icanon -echo; echo GO''GO; cat", b"GOGO")
    await session.read_for(0.5)
    times = []
    for _ in range(keys):
        started = time.perf_counter()
        await session.terminal.send(b"x")
        await session.until(b"x")
        times.append(time.perf_counter() - started)
        # People pause, and a loop without a pause would measure the throttling of one core instead.
        await asyncio.sleep(0.002)
    if reading:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        # A flood that goes on would be measured in what comes next.
        await neighbour.terminal.send(b"\x03")
        await neighbour.until(PROMPT)
    await neighbour.terminal.end()
    await session.terminal.end()
    return statistics.median(times), percentile(times, 99)


async def _flood(session: Session) -> None:
    await session.terminal.send(FLOOD)
    await session.read_for(DEADLINE)


def percentile(values: list[float], share: int) -> float:
    """The value that `share` % of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


async def interrupt(target: Target) -> float:
    """From Ctrl-C in a flood to the prompt."""
    session = await (await Session.open(target)).prepare()
    await session.terminal.send(FLOOD)
    await session.read_for(1)
    started = time.perf_counter()
    await session.terminal.send(b"\x03")
    await session.until(PROMPT)
    took = time.perf_counter() - started
    await session.terminal.end()
    return took


async def slow_client(target: Target, seconds: float) -> tuple[float, float]:
    """What the server grows by while a flood is read at 1 MB/s, and from Ctrl-C then to the prompt at that pace."""
    session = await (await Session.open(target)).prepare()
    before = target.memory() or 0
    await session.terminal.send(FLOOD)
    await session.read_for(seconds, SLOW_RATE)
    grown = (target.memory() or 0) - before
    started = time.perf_counter()
    await session.terminal.send(b"\x03")
    try:
        await session.until(PROMPT, rate=SLOW_RATE, seconds=20)
        took = time.perf_counter() - started
    except TimeoutError:
        took = float("inf")
    await session.terminal.end()
    return grown, took


async def opening(target: Target) -> float:
    """From the wish for a terminal to its first prompt."""
    started = time.perf_counter()
    session = await Session.open(target)
    took = time.perf_counter() - started
    await session.terminal.end()
    return took


async def crowd(target: Target, count: int) -> tuple[float, float]:
    """p99 of the first prompts of `count` terminals asked for at once, and the server's bytes for each when idle.

    Only a server that had one before and no more tells the bytes. The first of everything is not what one more costs,
    and later ones get what earlier ones left behind.
    """
    before = target.memory() or 0
    started = time.perf_counter()
    times: list[float] = []

    async def one() -> Session:
        session = await Session.open(target)
        times.append(time.perf_counter() - started)
        return session

    sessions = await asyncio.gather(*(one() for _ in range(count)))
    await asyncio.sleep(1)
    memory = ((target.memory() or 0) - before) / count
    for session in sessions:
        await session.terminal.end()
    await asyncio.sleep(1)
    return percentile(times, 99), memory


async def resume(target: Hutch) -> float:
    """From the handshake of a new connection to the last of the bytes that the dropped one missed."""
    session = await (await Session.open(target)).prepare()
    terminal = session.terminal
    await session.run(f"(sleep 0.3; head -c 400000 {LOG}; echo DO''NE) &", PROMPT)
    offset = terminal.offset  # type: ignore[attr-defined]
    terminal.socket.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(1.5)
    session.terminal = resumed = await target.resume(session.name, offset)
    started = time.perf_counter()
    await session.until(b"DONE")
    took = time.perf_counter() - started
    await resumed.end()
    return took
