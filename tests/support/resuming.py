"""A numbered flood that is read through one dropped connection after another, and compared byte by byte."""

import asyncio
import hashlib
import json
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.support.server import Server
from tests.support.terminal import Terminal

# 2.7 kB ten times a second: while the server is down, for half a minute on a busy machine, less comes than the ring of
# the terminal holds.
FLOOD = (
    "stty -echo -onlcr; exec 9<> <(:); i=0; echo go-$((1 + 1)); "
    """while :; do eval "printf '%08d\\n' {$i..$((i + 299))}"; i=$((i + 300)); read -t 0.1 -u 9; done\n"""
)
LINE = 9
TICK = 300 * LINE
MOST_AT_ONCE = 8_000
"""Bytes that are read through one connection at most."""
RESUME_WITHIN = 40.0
"""Seconds for a connection that shows the terminal again, the server's start included."""
MOST_ABANDONED = 20


@dataclass
class Tally:
    """What was done, and what came of it. Lost or repeated bytes fail the drill at once."""

    drops: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    checksum: str = ""

    def __str__(self) -> str:
        ways = ", ".join(f"{count} × {way}" for way, count in sorted(self.drops.items()))
        return f"{sum(self.drops.values())} drops ({ways}); {self.bytes} bytes, none lost, none repeated"


class Drill:
    """Reads the flood of one terminal. `dice` chooses how and when a connection is dropped."""

    def __init__(self, server: Server, project: str, dice: random.Random) -> None:
        self._server = server
        self._project = project
        self._dice = dice
        self._tally = Tally()
        self._sum = hashlib.sha256()
        self._begin = 0
        self._offset = 0
        self._abandoned: list[ClientConnection] = []

    async def run(self, drops: int, kills: int) -> Tally:
        """Drop the connection `drops` times, `kills` of them by killing the server. Raises AssertionError."""
        ways = ["server killed"] * kills
        ways += self._dice.choices(["closed", "end of file", "reset", "abandoned"], k=drops - kills)
        self._dice.shuffle(ways)
        await self._start()
        try:
            for way in [*ways, "closed"]:
                connection = await self._resume()
                await self._read(connection, self._dice.randrange(1, MOST_AT_ONCE))
                await self._drop(connection, way)
                self._tally.drops[way] += 1
        finally:
            for connection in self._abandoned:
                connection.transport.abort()
        self._tally.drops["closed"] -= 1
        self._tally.bytes = self._offset - self._begin
        self._tally.checksum = self._sum.hexdigest()
        assert self._tally.checksum == hashlib.sha256(_numbers(0, self._tally.bytes)).hexdigest()
        return self._tally

    async def _start(self) -> None:
        async with Terminal(self._server, self._project, "terminals/flood") as terminal:
            await terminal.type(FLOOD)
            await terminal.read_until("go-2\n")
            self._begin = self._offset = terminal.output.index(b"go-2\n") + 5

    async def _resume(self) -> ClientConnection:
        """A connection whose next byte is the one after the last that was read."""
        async with asyncio.timeout(RESUME_WITHIN):
            while True:
                connection = await self._server.socket(f"{self._project}/terminals/flood?offset={self._offset}")
                ready = json.loads(await connection.recv())
                if ready["type"] != "error":
                    break
                # The server is back before its link to the container: it says so, and to come again.
                await connection.close()
        assert ready == {"type": "ready", "offset": self._offset}, ready
        return connection

    async def _read(self, connection: ClientConnection, wanted: int) -> None:
        """At least so many bytes, and on until there is no backlog: of two kills in a row it would outgrow the ring."""
        until, size = self._offset + wanted, 0
        async with asyncio.timeout(RESUME_WITHIN):
            while self._offset < until or size > TICK:
                frame = await connection.recv()
                assert isinstance(frame, bytes), frame
                size, at = len(frame), self._offset - self._begin
                assert frame == _numbers(at, size), f"other bytes than expected at {at}: {frame[:30]!r}"
                self._sum.update(frame)
                self._offset += size
                await connection.send(json.dumps({"type": "ack", "offset": self._offset}))

    async def _drop(self, connection: ClientConnection, way: str) -> None:
        match way:
            case "closed":
                await connection.close()
            case "end of file":
                connection.transport.close()
            case "reset":
                reset(connection)
            case "abandoned":
                # Open, but never read again, as behind a link that is down.
                connection.transport.pause_reading()
                self._abandoned.append(connection)
                if len(self._abandoned) > MOST_ABANDONED:
                    self._abandoned.pop(0).transport.abort()
            case "server killed":
                self._server.kill()
                await asyncio.to_thread(self._server.start)
                try:
                    async with asyncio.timeout(5):
                        while True:
                            await connection.recv()
                except ConnectionClosed:
                    pass


def reset(connection: ClientConnection) -> None:
    """Break the connection off as a crash of the client's machine would: with a reset."""
    raw = connection.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def _numbers(at: int, length: int) -> bytes:
    """What the flood has from its byte `at` on."""
    first = at // LINE
    text = "".join(f"{n:08d}\n" for n in range(first, (at + length) // LINE + 1)).encode()
    return text[at - first * LINE :][:length]
