"""The app's log on disk: files of about 1 MiB named by the offset of their first byte, with the times at which it came.

Beside each file of output lies one of times: an offset and milliseconds since the epoch for every piece of output that
came a while after the one before. Both count towards the limit. The server reads them while nothing runs.
"""

import os
import re
import struct
import time
from typing import Final

LIMIT: Final = 10 * 1024 * 1024
"""Bytes of all files."""
SEGMENT: Final = 1024 * 1024
"""Bytes after which the next file is begun; the last piece may exceed it."""
PIECE: Final = 64 * 1024
"""Bytes that are added at once, at most."""
MOST_SEGMENTS: Final = 20
TIME: Final = struct.Struct("!QQ")
APART: Final = 0.01
"""Seconds between the times that are noted."""
TRY_AGAIN: Final = 1.0
"""Seconds after which a disk that was full is tried again."""
_NAME: Final = re.compile(r"([0-9]{20})\.log")


class LogFile:
    """What is kept of the log, from `start` to `end`. A full disk loses output on the disk, not the app."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        starts = sorted(int(found[1]) for name in os.listdir(folder) if (found := _NAME.fullmatch(name)))
        self._used = {start: self._size(start, "log") + self._size(start, "times") for start in starts}
        self._files: tuple[int, int] | None = None
        self._timed_at = 0.0
        self._failed_at = -TRY_AGAIN
        self.end = starts[-1] + self._size(starts[-1], "log") if starts else 0
        self._make_room(0)

    @property
    def start(self) -> int:
        return next(iter(self._used), self.end)

    def append(self, data: bytes) -> None:
        """Add `data`, at most 64 KiB."""
        if time.monotonic() - self._failed_at >= TRY_AGAIN:
            try:
                self._write(data)
            except OSError:
                self._failed_at = time.monotonic()
                self._close()
        self.end += len(data)

    def read(self, offset: int, limit: int) -> bytes:
        """Up to `limit` bytes from `offset` on; fewer at the end of a file, none where it is gone."""
        start = max((start for start in self._used if start <= offset), default=None)
        if start is None:
            return b""
        try:
            with open(self._path(start, "log"), "rb") as file:
                file.seek(offset - start)
                return file.read(limit)
        except OSError:
            return b""

    def _write(self, data: bytes) -> None:
        last = next(reversed(self._used), None)
        if self._files is None or last is None or self._used[last] >= SEGMENT:
            last = self._open(last)
        assert self._files
        now = time.time()
        if abs(now - self._timed_at) >= APART:
            self._used[last] += os.write(self._files[1], TIME.pack(self.end, int(now * 1000)))
            self._timed_at = now
        written = os.write(self._files[0], data)
        self._used[last] += written
        if written < len(data):
            raise OSError("the disk is full")

    def _open(self, last: int | None) -> int:
        """Go on with the last file while it has room and nothing is missing after it, else begin the next one."""
        self._close()
        whole = last is not None and last + self._size(last, "log") == self.end
        if last is None or not whole or self._used[last] >= SEGMENT:
            last = self.end
            self._used[last] = 0
            self._make_room(SEGMENT + PIECE + TIME.size)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        times = os.open(self._path(last, "times"), flags, 0o600)
        try:
            # A time of which a full disk took only a part would shift those after it.
            os.ftruncate(times, os.fstat(times).st_size // TIME.size * TIME.size)
            self._files = os.open(self._path(last, "log"), flags, 0o600), times
        except OSError:
            os.close(times)
            raise
        self._timed_at = 0.0
        return last

    def _make_room(self, room: int) -> None:
        """Remove the oldest, until there is room for so many bytes more."""
        while len(self._used) > MOST_SEGMENTS or sum(self._used.values()) > LIMIT - room:
            start = next(iter(self._used))
            for kind in ("log", "times"):
                try:
                    os.unlink(self._path(start, kind))
                except OSError:
                    pass
            del self._used[start]

    def _close(self) -> None:
        if self._files:
            for file in self._files:
                os.close(file)
            self._files = None

    def _size(self, start: int, kind: str) -> int:
        try:
            return os.path.getsize(self._path(start, kind))
        except OSError:
            return 0

    def _path(self, start: int, kind: str) -> str:
        return f"{self._folder}/{start:020d}.{kind}"
