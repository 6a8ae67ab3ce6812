"""Recordings of terminals as asciicast v2: what was shown and when, never what was typed.

A line is written for each piece of output as it comes, so that whatever ends this program leaves a recording that can
be played up to its last whole line. The last event of one that was ended in order is a marker with the reason.
"""

import codecs
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

LIMIT: Final = 10 * 1024 * 1024
"""Bytes of one recording. It ends there; the terminal goes on."""
RESERVE: Final = 512
"""Bytes of them that are left for the end."""
MOST: Final = 20
"""Recordings kept for a project: the oldest that has ended makes room for a new one."""
GIVEN_UP: Final = 64
"""Lines at most that make room for the reason of an end, where the disk has no more."""
NAME: Final = re.compile(r"[0-9]{13}\.cast")


class TooManyRecordings(Exception):
    """All that are kept are still being made."""


class Recording:
    """One recording being made. `on_end` is called once, by any method; with the reason where nobody asked for the end.

    `id` is the time of the start in milliseconds since the epoch, and the file's name.
    """

    def __init__(
        self, folder: str, header: Mapping[str, object], on_end: Callable[["Recording", str | None], None]
    ) -> None:
        self._on_end = on_end
        self.started_at = time.time()
        self.id, self._file = _create(folder, int(self.started_at * 1000))
        self._began = time.monotonic()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._size = 0
        self._starts: deque[int] = deque(maxlen=GIVEN_UP)
        try:
            self._write(_line({"version": 2, **header, "timestamp": int(self.started_at)}))
        except OSError:
            os.close(self._file)
            os.unlink(f"{folder}/{self.id}.cast")
            raise

    def output(self, data: bytes) -> None:
        """What the terminal has just shown; the bytes of a character may come apart."""
        if text := self._decoder.decode(data):
            self._event("o", text)

    def resize(self, cols: int, rows: int) -> None:
        self._event("r", f"{cols}x{rows}")

    def end(self, reason: str, *, asked: bool = True) -> None:
        """Close the file. Does nothing the second time."""
        if self._file < 0:
            return
        rest = self._decoder.decode(b"", final=True)
        last = (self._timed("o", rest) if rest else b"") + self._timed("m", reason)
        # A recording without its last line was cut off, as one whose program was killed.
        while not self._wrote(last) and self._starts:
            self._size = self._starts.pop()
        os.close(self._file)
        self._file = -1
        self._on_end(self, None if asked else reason)

    def _event(self, code: str, data: str) -> None:
        if self._file < 0:
            return
        line = self._timed(code, data)
        if self._size + len(line) > LIMIT - RESERVE:
            self.end(f"it has reached the limit of {LIMIT // 1024**2} MiB", asked=False)
            return
        start = self._size
        try:
            self._write(line)
        except OSError as error:
            self.end(f"it can't be written: {error.strerror}", asked=False)
        else:
            self._starts.append(start)

    def _timed(self, code: str, data: str) -> bytes:
        return _line([round(time.monotonic() - self._began, 6), code, data])

    def _wrote(self, line: bytes) -> bool:
        try:
            os.ftruncate(self._file, self._size)
            self._write(line)
        except OSError:
            return False
        return True

    def _write(self, line: bytes) -> None:
        """Write all of the line, or raise OSError and leave none of it."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)


class Recordings:
    """The recordings of a project, in `folder`, which is made when it is needed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._active: set[str] = set()

    def start(self, header: Mapping[str, object], on_end: Callable[[Recording, str | None], None]) -> Recording:
        """A new recording with these fields in its header. Raises OSError, and TooManyRecordings."""

        def ended(recording: Recording, problem: str | None) -> None:
            self._active.discard(recording.id)
            on_end(recording, problem)

        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._make_room()
        recording = Recording(self._folder, header, ended)
        self._active.add(recording.id)
        return recording

    def _make_room(self) -> None:
        kept = sorted(name for name in os.listdir(self._folder) if NAME.fullmatch(name))
        ended = [name for name in kept if name.removesuffix(".cast") not in self._active]
        excess = len(kept) - MOST + 1
        if excess > len(ended):
            raise TooManyRecordings
        for name in ended[: max(0, excess)]:
            os.unlink(f"{self._folder}/{name}")


def _create(folder: str, number: int) -> tuple[str, int]:
    while True:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            return f"{number:013d}", os.open(f"{folder}/{number:013d}.cast", flags, 0o600)
        except FileExistsError:
            number += 1


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
