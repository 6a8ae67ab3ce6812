"""Breaks what can't be broken from outside: a road that swallows everything, a connection of two other processes."""

import asyncio
import ctypes
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PIDFD_GETFD = 438


class Wire:
    """A road to the server that can go dead: both ends stay open, and nothing passes any more."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    def die(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, far_writer]
        self._tasks += [
            asyncio.create_task(_carry(reader, far_writer)),
            asyncio.create_task(_carry(far_reader, writer)),
        ]

    def _drop(self) -> None:
        self.die()
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A new road to `port` of this machine."""
    wire = Wire(port)
    server = await asyncio.start_server(wire._serve, "127.0.0.1")
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        wire._drop()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.transport.abort()


def cut(pid: int, peer: str) -> int:
    """Shut down the Unix connections of process `pid` to the socket that was bound as `peer`; how many there were.

    Both ends see an end of file, as when the other process dies. Needs the right to trace `pid`.
    """
    holder = os.pidfd_open(pid)
    count = 0
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = ctypes.CDLL(None).syscall(_PIDFD_GETFD, holder, int(name), 0)
            if fd < 0:
                continue
            if not os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.close(fd)
                continue
            with socket.socket(fileno=fd) as connection:
                if connection.family == socket.AF_UNIX and _peer(connection) == peer:
                    connection.shutdown(socket.SHUT_RDWR)
                    count += 1
    finally:
        os.close(holder)
    return count


def _peer(connection: socket.socket) -> str:
    try:
        return str(connection.getpeername())
    except OSError:
        return ""
