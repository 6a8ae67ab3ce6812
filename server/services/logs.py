"""The app's log: followed through the supervisor while the project runs, and read from the files it keeps otherwise."""

import asyncio
import re
import struct
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from server.errors import Conflict, LinkLost, NotFound
from server.models import ProjectId
from server.services.documents import Documents
from server.services.workspaces import Workspaces

FOLDER: Final = "log"
PIECE: Final = 64 * 1024
WINDOW: Final = 512 * 1024
"""Bytes sent to a viewer beyond its last ack, as by the supervisor."""
MOST_TIMES: Final = 2000
_NAME: Final = re.compile(r"([0-9]{20})\.log")
_TIME: Final = struct.Struct("!QQ")
_LONGEST: Final = 2 * 1024 * 1024
"""Bytes of any file that is looked at: those of a supervisor have little more than 1 MiB."""
_LATEST: Final = 253_402_300_799_999
"""The end of the calendar in milliseconds since 1970."""


class Viewed(Protocol):
    """What a viewer reads, whichever way it comes. See `Stream`."""

    offset: int
    direct: Callable[[bytes], bool] | None

    async def receive(self) -> bytes | dict[str, Any] | None: ...

    @property
    def unsent(self) -> int: ...

    def feed(self, data: bytes) -> None: ...

    def ack(self, offset: int) -> None: ...

    def message(self, value: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class _Segment:
    start: int
    end: int


@dataclass(frozen=True)
class Times:
    """When output came: what lies at an offset came at the time of the last entry before it.

    The offsets are those of `entries`; `more` says that there are later ones.
    """

    entries: tuple[tuple[int, datetime], ...]
    more: bool = False

    def since(self, offset: int) -> tuple[tuple[int, datetime], ...]:
        """The entry that counts for `offset`, and those after it."""
        return self.entries[max(0, self._after(offset) - 1) :]

    def at(self, offset: int) -> datetime | None:
        """None where it is not known."""
        index = self._after(offset)
        return self.entries[index - 1][1] if index else None

    def _after(self, offset: int) -> int:
        return bisect_right(self.entries, offset, key=lambda entry: entry[0])


class Logs:
    """The logs of all projects. `kept` holds the projects' state folders."""

    def __init__(self, kept: Documents, workspaces: Workspaces) -> None:
        self._kept = kept
        self._workspaces = workspaces

    async def follow(self, id: ProjectId, offset: int | None) -> Viewed:
        """A viewer of the log from `offset` on, or from the oldest byte that is kept; the caller closes it.

        While nothing runs it shows what is kept, and ends with LinkLost when something may run: to be asked for again.
        """
        try:
            return await self._workspaces.logs(id, offset)
        except Conflict:
            log = await self.open(id)
            first = log.start if offset is None else min(max(offset, log.start), log.end)
            return _KeptStream(log, first, self._workspaces, id)

    async def open(self, id: ProjectId) -> "KeptLog":
        """What is kept of the log now."""
        try:
            entries = await self._kept.tree(id, FOLDER)
        except (NotFound, Conflict):
            return KeptLog(self._kept, id, [])
        found = [(_NAME.fullmatch(entry.path.decode(errors="replace").rpartition("/")[2]), entry) for entry in entries]
        starts = sorted((int(match[1]), min(entry.size, _LONGEST)) for match, entry in found if match)
        return KeptLog(self._kept, id, [_Segment(start, start + size) for start, size in starts])


class KeptLog:
    """The files of one log as they are now. They may be removed meanwhile: what is gone is passed over."""

    def __init__(self, kept: Documents, id: ProjectId, segments: list[_Segment]) -> None:
        self._kept = kept
        self._id = id
        self._segments = segments
        self.start = segments[0].start if segments else 0
        self.end = segments[-1].end if segments else 0

    async def read(self, offset: int) -> tuple[int, bytes]:
        """The first piece of output at `offset` or after it, and the offset where it begins; no bytes at the end."""
        for segment in self._segments:
            if segment.end > offset:
                at = max(offset, segment.start)
                data = await self._read(segment.start, "log", at - segment.start, min(PIECE, segment.end - at))
                if data:
                    return at, data
        return self.end, b""

    async def times(self, offset: int, most: int = MOST_TIMES) -> Times:
        """When what lies at `offset` came, and what comes after it, up to `most` entries."""
        found: list[tuple[int, datetime]] = []
        for segment in self._segments:
            if len(found) <= most and (segment.end > offset or segment is self._segments[-1]):
                data = await self._read(segment.start, "times", 0, _LONGEST)
                found += _entries(data, segment, offset, most + 1 - len(found))
        return Times(tuple(found[:most]), len(found) > most)

    async def _read(self, start: int, kind: str, position: int, size: int) -> bytes:
        try:
            document = await self._kept.open(self._id, f"{FOLDER}/{start:020d}.{kind}")
        except (NotFound, Conflict):
            return b""
        try:
            return await document.read(position, size)
        finally:
            await document.close()


class _KeptStream:
    """A viewer of what is kept, with the manners of one that follows a supervisor."""

    unsent = 0
    direct: Callable[[bytes], bool] | None = None

    def __init__(self, log: KeptLog, offset: int, workspaces: Workspaces, id: ProjectId) -> None:
        self.offset = offset
        self._log = log
        self._workspaces = workspaces
        self._id = id
        self._sent = self._acked = offset
        self._room = asyncio.Event()
        self._next = b""

    async def receive(self) -> bytes | dict[str, Any] | None:
        """Cancelling loses nothing but the stream itself."""
        while not self._next and self._sent < self._log.end:
            while self._sent - self._acked >= WINDOW:
                self._room.clear()
                await self._room.wait()
            at, self._next = await self._log.read(self._sent)
            if at > self._sent:
                self._sent = self._acked = at
                return {"type": "gap", "offset": at}
        data, self._next = self._next, b""
        if not data:
            await self._until_it_may_run()
            raise LinkLost("the project may run now; connect again with the last offset")
        self._sent += len(data)
        return data

    def ack(self, offset: int) -> None:
        self._acked = max(self._acked, min(offset, self._sent))
        self._room.set()

    def feed(self, data: bytes) -> None:
        """There is nobody to take it."""

    def message(self, value: dict[str, Any]) -> None:
        """There is nobody to take it."""

    def close(self) -> None:
        """There is nothing to let go of."""

    async def _until_it_may_run(self) -> None:
        async with self._workspaces.subscribe(self._id) as events:
            while self._id not in self._workspaces.running():
                if (await events.next())["type"] == "status":
                    return


def _entries(data: bytes, segment: _Segment, offset: int, most: int) -> list[tuple[int, datetime]]:
    """The last entry up to `offset` and those after it; what a program of the project wrote there makes no sense."""
    count = len(data) // _TIME.size

    def offset_of(index: int) -> int:
        return int(_TIME.unpack_from(data, index * _TIME.size)[0])

    first = max(0, bisect_right(range(count), offset, key=offset_of) - 1)
    found = []
    before = segment.start
    for at, milliseconds in _TIME.iter_unpack(data[first * _TIME.size : min(count, first + most) * _TIME.size]):
        if before <= at <= segment.end and milliseconds <= _LATEST:
            found.append((at, datetime.fromtimestamp(milliseconds / 1000, UTC)))
            before = at
    return found
