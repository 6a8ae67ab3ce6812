"""The two ways to a supervisor: its Unix socket in a shared folder, and a pipe such as a `docker exec`."""

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from server.runtimes.link import Link

SOCKET: Final = "supervisor.sock"
_PIPE_BUFFER: Final = 256 * 1024
_CREDENTIALS: Final = struct.Struct("iII")


def open_socket(state: Path) -> socket.socket:
    """A connected, non-blocking socket to the supervisor whose folder is `state`; the caller owns it.

    The container's user may put anything into that folder: a link to a socket elsewhere is not followed, and a FIFO
    or a file is refused. Raises OSError when nothing accepts there.
    """
    folder = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        entry = os.open(SOCKET, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        if not stat.S_ISSOCK(os.fstat(entry).st_mode):
            raise ConnectionRefusedError("the supervisor's socket is no socket")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            # Through the descriptor that was checked, not by name again. A full backlog is an error, not a wait.
            sock.connect(f"/proc/self/fd/{entry}")
        except BaseException:
            sock.close()
            raise
    finally:
        os.close(entry)
    return sock


def peer_pid(sock: socket.socket) -> int:
    """The process at the other end, as the kernel knows it."""
    pid: int = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[0]
    return pid


async def over_socket(project: str, sock: socket.socket) -> Link:
    """A link over a connected Unix socket, which it owns from now on.

    Raises LinkLost when the other end hangs up at once, as one that is just ending does, Unavailable when it is silent.
    """
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: Link(project), sock=sock)
    return await _greeted(link)


async def over_pipe(
    project: str,
    read: Callable[[], Awaitable[bytes]],
    write: Callable[[bytes], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
) -> Link:
    """A link over a pair of functions, where `read` gives b"" at the end. `close` is called once, when it is over.

    The functions may raise OSError. Raises LinkLost and Unavailable as `over_socket` does.
    """
    link = Link(project)
    _Pipe(link, read, write, close)
    return await _greeted(link)


async def _greeted(link: Link) -> Link:
    try:
        await link.greet()
    except BaseException:
        await link.close()
        raise
    return link


class _Pipe(asyncio.WriteTransport):
    """Makes a transport of two functions: one task reads, one writes, for as long as the link lives."""

    def __init__(
        self,
        link: Link,
        read: Callable[[], Awaitable[bytes]],
        write: Callable[[bytes], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._link = link
        self._read, self._write, self._end = read, write, close
        self._buffer = bytearray()
        self._high = _PIPE_BUFFER
        self._paused = False
        self._closing = self._aborted = False
        self._filled = asyncio.Event()
        link.connection_made(self)
        self._task = asyncio.create_task(self._run())

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = _PIPE_BUFFER if high is None else high

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._buffer += data
        self._filled.set()
        if len(self._buffer) > self._high and not self._paused:
            self._paused = True
            self._link.pause_writing()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._filled.set()

    def abort(self) -> None:
        # Once only: a second cancel would interrupt the clearing up.
        if not self._aborted:
            self._closing = self._aborted = True
            self._task.cancel()

    async def _run(self) -> None:
        reader, writer = asyncio.create_task(self._read_all()), asyncio.create_task(self._write_all())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closing = True
            reader.cancel()
            writer.cancel()
            # Not until both have let go: closing under a reader leaves it an error that nobody asks for.
            await asyncio.gather(reader, writer, return_exceptions=True)
            self._link.connection_lost(None)
            await self._end()

    async def _read_all(self) -> None:
        try:
            while data := await self._read():
                self._link.data_received(data)
        except OSError:
            return

    async def _write_all(self) -> None:
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._buffer:
                    data, self._buffer = bytes(self._buffer), bytearray()
                    await self._write(data)
                if self._closing:
                    return
                if self._paused:
                    self._paused = False
                    self._link.resume_writing()
        except OSError:
            return
