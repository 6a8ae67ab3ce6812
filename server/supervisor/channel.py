"""A channel: the output of a terminal or of the app, and the viewers that read it, each at its own pace."""

import os
import re
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from .protocol import MAX_DATA, VIEWER_WINDOW, Kind, frame, header, message
from .recording import Recording
from .ring import CAPACITY, Ring

LOG_LIMIT: Final = 10 * 1024 * 1024
SEGMENT: Final = 1024 * 1024
SLOW: Final = 0.1
"""Seconds that output may wait on its way to a viewer, beyond what the way itself takes: Ctrl-C waits behind it."""
SEGMENT_NAME: Final = re.compile(r"[0-9]{20}\.log")


class Sender(Protocol):
    """What a stream needs of its link."""

    def want(self, stream: "Viewer") -> None: ...

    def drop(self, stream: int) -> None: ...


class LogFile:
    """The log on disk: files of 1 MiB named by the offset of their first byte, the oldest removed past 10 MiB."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._starts = sorted(int(name[:20]) for name in os.listdir(folder) if SEGMENT_NAME.fullmatch(name))
        self._file: int | None = None
        self._written = 0
        self.end = self._starts[-1] + os.path.getsize(self._path(self._starts[-1])) if self._starts else 0

    @property
    def start(self) -> int:
        return self._starts[0] if self._starts else self.end

    def append(self, data: bytes) -> None:
        """Add `data`. A full disk loses the log on disk, not the app: what can't be written is left out."""
        try:
            if self._file is None or self._written >= SEGMENT:
                self._begin()
            if self._file is not None:
                os.write(self._file, data)
        except OSError:
            self._starts.clear()
            self._close()
        self._written += len(data)
        self.end += len(data)

    def read(self, offset: int, limit: int) -> bytes:
        """Up to `limit` bytes from `offset` on; fewer at the end of a file, none where it is gone."""
        start = max((start for start in self._starts if start <= offset), default=None)
        if start is None:
            return b""
        try:
            with open(self._path(start), "rb") as file:
                file.seek(offset - start)
                return file.read(limit)
        except OSError:
            return b""

    def _begin(self) -> None:
        self._close()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path(self.end), flags, 0o600)
        if self.end not in self._starts:
            self._starts.append(self.end)
        self._written = 0
        while self.end - self._starts[0] > LOG_LIMIT - SEGMENT:
            os.unlink(self._path(self._starts.pop(0)))

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _path(self, start: int) -> str:
        return f"{self._folder}/{start:020d}.log"


class Channel:
    """Output in a ring, numbered by offset.

    With `log` it is also kept on disk, and viewers that can't follow skip ahead. Without, `on_room` is called when
    viewers have made room again after `is_full` was true: the terminal waits for them.
    """

    def __init__(self, log: LogFile | None = None) -> None:
        self._log = log
        self.ring = Ring(CAPACITY, max(log.start, log.end - CAPACITY) if log else 0)
        while log and self.ring.end < log.end:
            data = log.read(self.ring.end, MAX_DATA)
            if not data:
                self.ring = Ring(CAPACITY, log.end)
            self.ring.append(data)
        self.viewers: list[Viewer] = []
        self.exit: dict[str, Any] | None = None
        self.recording: Recording | None = None
        self.on_room: Callable[[], None] | None = None

    @property
    def start(self) -> int:
        """The oldest offset that can still be read."""
        return min(self._log.start, self.ring.start) if self._log and self._log.end else self.ring.start

    @property
    def is_full(self) -> bool:
        """Whether even the fastest viewer is a window behind."""
        if self._log or not self.viewers:
            return False
        return all(self.ring.end >= viewer.limit for viewer in self.viewers)

    def append(self, data: bytes) -> None:
        self.ring.append(data)
        if self._log:
            self._log.append(data)
        if self.recording:
            self.recording.output(data)
        self._wake()

    def read(self, offset: int, limit: int) -> bytes:
        if self._log and offset < self.ring.start:
            return self._log.read(offset, min(limit, self.ring.start - offset))
        return self.ring.read(offset, limit)

    def finish(self, exit: dict[str, Any]) -> None:
        """There is no more to come; viewers learn it after the last byte."""
        self.exit = exit
        if self.recording:
            self.recording.end("the terminal has ended")
        self._wake()

    def attach(self, viewer: "Viewer") -> None:
        self.viewers.append(viewer)
        viewer.sender.want(viewer)
        # It may be ahead of those that hold the terminal up.
        self.made_room()

    def detach(self, viewer: "Viewer") -> None:
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            self.made_room()

    def made_room(self) -> None:
        if self.on_room and not self.is_full:
            self.on_room()

    def _wake(self) -> None:
        for viewer in self.viewers:
            viewer.sender.want(viewer)


class Viewer:
    """A cursor into a channel: what was sent, and what the other end says it has consumed.

    `taken` counts the bytes of input that came the other way; a `view_only` viewer may send none. `since` is a time.
    """

    def __init__(self, sender: Sender, id: int, channel: Channel, offset: int, *, view_only: bool = False) -> None:
        self.sender = sender
        self.id = id
        self.channel = channel
        self.view_only = view_only
        self.since = time.time()
        self.cursor = offset
        self.acked = offset
        self.taken = 0
        self._window = VIEWER_WINDOW
        self._probe: tuple[int, float] | None = None
        self._shortest = float("inf")

    @property
    def limit(self) -> int:
        """The offset up to which may be sent: a full window beyond the last ack, less for a slow reader."""
        return self.acked + self._window

    def pull(self) -> list[bytes]:
        """The next frames that may be sent, none when there is nothing or no room for it."""
        if self.cursor < self.channel.start:
            return self._skip(self.channel.ring.start)
        room = min(MAX_DATA, self.limit - self.cursor)
        if room > 0 and self.cursor < self.channel.ring.end:
            data = self.channel.read(self.cursor, room)
            if not data:
                return self._skip(self.channel.ring.start)
            self.cursor += len(data)
            self._probe = self._probe or (self.cursor, time.monotonic())
            return [header(Kind.DATA, self.id, len(data)), data]
        if self.channel.exit and self.cursor == self.channel.ring.end:
            self.close()
            self.sender.drop(self.id)
            return [message(Kind.MESSAGE, self.id, self.channel.exit), frame(Kind.CLOSE, self.id)]
        return []

    def ack(self, offset: int) -> str | None:
        """Note what was consumed. Returns what is wrong with it, if anything."""
        if offset > self.cursor:
            return f"an ack of {offset}, but only {self.cursor} was sent"
        if offset > self.acked:
            self.acked = offset
            if self._probe and offset >= self._probe[0]:
                self._adapt(time.monotonic() - self._probe[1])
                self._probe = None
            self.channel.made_room()
            self.sender.want(self)
        return None

    def close(self) -> None:
        self.channel.detach(self)

    def _adapt(self, delay: float) -> None:
        """Fit the window to a reader that took `delay` seconds to consume what was sent."""
        self._shortest = min(self._shortest, delay)
        wanted = self._shortest + SLOW
        if delay > wanted:
            self._window = max(MAX_DATA, int(self._window * wanted / delay))
        elif delay < wanted / 2:
            self._window = min(VIEWER_WINDOW, self._window * 2)

    def _skip(self, offset: int) -> list[bytes]:
        self.cursor = offset
        self.acked = max(self.acked, offset)
        return [message(Kind.MESSAGE, self.id, {"type": "gap", "offset": offset})]
