"""The newest bytes of a stream, numbered by their offset since its beginning."""

import mmap
from typing import Final

CAPACITY: Final = 1024 * 1024


class Ring:
    """Keeps the last `capacity` bytes. Memory is used only as far as it was written: most terminals say little."""

    def __init__(self, capacity: int = CAPACITY, start: int = 0) -> None:
        # Not a bytearray, which would fill all of it with zeros: 1 MiB for each idle terminal.
        self._buffer = mmap.mmap(-1, capacity, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._capacity = capacity
        self.start = start
        self.end = start

    def append(self, data: bytes) -> None:
        """Add `data`; the oldest bytes are forgotten to make room."""
        length = len(data)
        if length > self._capacity:
            self.end += length - self._capacity
            data = data[length - self._capacity :]
            length = self._capacity
        at = self.end % self._capacity
        first = min(length, self._capacity - at)
        self._buffer[at : at + first] = data[:first]
        if first < length:
            self._buffer[: length - first] = data[first:]
        self.end += length
        self.start = max(self.start, self.end - self._capacity)

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset` on, which must lie within start and end."""
        if not self.start <= offset <= self.end:
            raise ValueError(f"offset {offset} is outside {self.start} to {self.end}")
        length = min(limit, self.end - offset)
        at = offset % self._capacity
        first = min(length, self._capacity - at)
        data = self._buffer[at : at + first]
        return data if first == length else data + self._buffer[: length - first]
