"""What terminals are compared: each target opens login shells and says what its server keeps in memory."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from ptyprocess import PtyProcess

READ: Final = 256 * 1024


class Terminal(Protocol):
    """A client's end of one shell. What `receive` returns counts as consumed at the next call."""

    async def receive(self) -> bytes:
        """The next output. Raises EOFError after the last."""
        ...

    async def send(self, data: bytes) -> None: ...

    async def end(self) -> None:
        """End the shell and the connection to it."""
        ...


class Target(Protocol):
    """One way to have a terminal."""

    name: str

    async def open(self, name: str) -> Terminal:
        """A new login shell of 80 × 24."""
        ...

    def memory(self) -> int | None:
        """Resident bytes of the server's processes; None where there is no server."""
        ...


def resident(pids: list[int]) -> int:
    """Resident bytes of these processes together."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page for pid in pids)


def spent(pids: list[int]) -> float:
    """Seconds of processor time that these processes have used."""
    used = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] for pid in pids)
    return sum(int(ticks) for pair in used for ticks in pair) / os.sysconf("SC_CLK_TCK")


def named(names: tuple[str, ...]) -> list[int]:
    """The processes of these names."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip().startswith(names):
                found.append(int(folder.name))
        except OSError:
            # It ended meanwhile.
            continue
    return found


class PtyTerminal:
    """A PTY read by this very process."""

    def __init__(self, folder: Path, command: Sequence[str] = ("bash", "-l")) -> None:
        self._pty = PtyProcess.spawn(list(command), cwd=str(folder), dimensions=(24, 80))
        os.set_blocking(self._pty.fd, False)
        self._loop = asyncio.get_running_loop()

    async def receive(self) -> bytes:
        while True:
            try:
                if data := os.read(self._pty.fd, READ):
                    return data
            except BlockingIOError:
                await self._readable()
                continue
            except OSError:
                pass
            raise EOFError

    async def send(self, data: bytes) -> None:
        os.write(self._pty.fd, data)

    async def end(self) -> None:
        self._pty.kill(signal.SIGKILL)
        self._pty.close(force=True)

    async def _readable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._pty.fd, _set, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(self._pty.fd)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class Pty:
    """The bound of what a terminal can do: nothing between program and client."""

    name = "raw PTY"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self, name: str) -> Terminal:
        return PtyTerminal(self._folder)

    def memory(self) -> int | None:
        return None
