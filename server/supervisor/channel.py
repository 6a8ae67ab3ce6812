"""A channel: the output of a terminal or of the app, and the viewers that read it, each at its own pace."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from .logfile import LogFile
from .protocol import MAX_DATA, VIEWER_WINDOW, Kind, frame, header, message
from .recording import Recording
from .ring import CAPACITY, Ring

SLOW: Final = 0.1
"""Seconds that output may wait on its way to a viewer, beyond what the way itself takes: Ctrl-C waits behind it."""

MOST_GAPS: Final = 64
"""Gaps on their way to a viewer: one that acks byte by byte under a flood would have one for each."""


class Sender(Protocol):
    """What a stream needs of its link."""

    def want(self, stream: "Viewer", *, patient: bool = False) -> None: ...

    def drop(self, stream: int) -> None: ...

    def tell(self, stream: int, value: dict[str, Any]) -> None: ...


class Channel:
    """Output in a ring, numbered by offset.

    With `log` it is also kept on disk, and viewers that can't follow skip ahead. Without, `on_room` is called when
    viewers have made room again after `is_full` was true: the terminal waits for them. `on_viewers` is called when a
    viewer has come or gone.
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
        self.on_viewers: Callable[[], None] | None = None

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

    def append(self, data: bytes, *, more: bool = False) -> None:
        """Take output. `more` says that the program has more to say, for which the viewers may wait a moment."""
        self.ring.append(data)
        if self._log:
            self._log.append(data)
        if self.recording:
            self.recording.output(data)
        self._wake(more)

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
        self._viewers_changed()

    def detach(self, viewer: "Viewer") -> None:
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            self.made_room()
            self._viewers_changed()

    def made_room(self) -> None:
        if self.on_room and not self.is_full:
            self.on_room()

    def _viewers_changed(self) -> None:
        if self.on_viewers:
            self.on_viewers()

    def _wake(self, more: bool = False) -> None:
        for viewer in self.viewers:
            viewer.sender.want(viewer, patient=more and self.ring.end - viewer.cursor < MAX_DATA)


class Viewer:
    """A cursor into a channel: what was sent, and what the other end says it has consumed.

    `size` are its own columns and rows, None where it told none. It is told those of the terminal from when they first
    differ: until then it takes its own for the terminal's.

    What is on its way is counted in bytes, not in offsets: a gap leads on, but brings no ack. `_spans` are the offsets
    at which output began or went on after a gap, each with the bytes sent before it.

    `taken` counts the bytes of input that came the other way; a `view_only` viewer may send none. `since` is a time.
    """

    def __init__(self, sender: Sender, id: int, channel: Channel, offset: int, *, view_only: bool = False) -> None:
        self.sender = sender
        self.id = id
        self.channel = channel
        self.view_only = view_only
        self.since = time.time()
        self.size: tuple[int, int] | None = None
        self._shown: tuple[int, int] | None = None
        self.cursor = offset
        self.acked = offset
        self._sent = 0
        self._consumed = 0
        self._spans = deque([(offset, 0)])
        self.taken = 0
        self._window = VIEWER_WINDOW
        self._probe: tuple[int, float] | None = None
        self._shortest = float("inf")

    @property
    def limit(self) -> int:
        """The offset up to which may be sent: a full window beyond what is consumed, less for a slow reader."""
        return self.cursor + self._window - (self._sent - self._consumed)

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
            self._sent += len(data)
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
            self._consume(offset)
            if self._probe and offset >= self._probe[0]:
                self._adapt(time.monotonic() - self._probe[1])
                self._probe = None
            self.channel.made_room()
            self.sender.want(self)
        return None

    def show_size(self, size: tuple[int, int]) -> bool:
        """Tell the terminal's columns and rows where they are news. Who may have a size and told none does not care."""
        if size == (self._shown or self.size) or not (self.size or self.view_only):
            return False
        self._shown = size
        self.sender.tell(self.id, {"type": "size", "cols": size[0], "rows": size[1]})
        return True

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

    def _consume(self, offset: int) -> None:
        while len(self._spans) > 1 and self._spans[1][0] <= offset:
            self._spans.popleft()
        start, before = self._spans[0]
        # Within a gap it stands for all that came before the gap.
        end = self._spans[1][1] if len(self._spans) > 1 else self._sent
        self._consumed = min(before + offset - start, end)

    def _skip(self, offset: int) -> list[bytes]:
        """Go on at `offset`, once there is room for what comes then: all that is skipped by that time is one gap."""
        if self.limit <= self.cursor or len(self._spans) > MOST_GAPS:
            return []
        self.cursor = offset
        self._spans.append((offset, self._sent))
        return [message(Kind.MESSAGE, self.id, {"type": "gap", "offset": offset})]
