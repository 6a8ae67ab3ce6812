"""A terminal: a program under a name, what people call it, who looks at it, and whose size it has."""

import time
from collections.abc import Callable
from typing import Any, Final

from .channel import Viewer
from .loop import Loop
from .process import Program

SMALLEST: Final = "smallest"
LATEST: Final = "latest"
SIZINGS: Final = (SMALLEST, LATEST)
TELL_EVERY: Final = 0.05
"""Seconds between two sizes told to a viewer at least: another one may send any number of them."""
ANSWERED: Final = 1.0
"""Seconds of silence after which another viewer than the last may answer the program's questions."""
NUDGE: Final = 0.12
"""Seconds between two changes of size. At once they were one signal to the program, and no change to be seen."""

MOST_TITLE: Final = 160
"""Bytes."""
MOST_TOLD: Final = 500
"""Viewers of all terminals that are told of singly, so that the report fits a frame; of more only the number is."""


class Terminal:
    """What outlives a program that is started again under the same name, and the program itself.

    `title` is what people call it; None while that is its name. It is as large as the smallest of its viewers, so that
    all see all of it, or with LATEST as that of whom something was typed last. Viewers that told no size have no say,
    and without any it stays as it is. `changed` is called when something is to be told of it.
    """

    def __init__(self, loop: Loop, program: Program, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._changed = changed
        self.title: str | None = None
        self._sizing = SMALLEST
        self._telling = False
        self._told_at = 0.0
        self.begin(program)

    def begin(self, program: Program) -> None:
        """Hold `program`, which was just started."""
        self.program = program
        self._size = (program.cols, program.rows)
        self._typist: Viewer | None = None
        self._nudging = False
        self._answerer: Viewer | None = None
        self._answered_at = 0.0
        program.channel.on_viewers = self._viewers_changed

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows as its viewers see them, also while it is made to draw anew."""
        return self._size

    @property
    def sizing(self) -> str:
        return self._sizing

    @sizing.setter
    def sizing(self, value: str) -> None:
        self._sizing = value
        self._fit()

    def resize(self, viewer: Viewer, cols: int, rows: int) -> None:
        """Note how large `viewer` is."""
        viewer.size = (cols, rows)
        self._fit()

    def typed(self, viewer: Viewer) -> None:
        """Note that `viewer` sent input."""
        if viewer is not self._typist:
            self._typist = viewer
            self._fit()

    def reply(self, viewer: Viewer, data: bytes) -> None:
        """Pass on what the screen of `viewer` answers. All screens answer each question; the program asked for one."""
        now = time.monotonic()
        if self._answerer is not viewer and self._answerer in self.program.channel.viewers:
            if now - self._answered_at < ANSWERED:
                return
        self._answerer, self._answered_at = viewer, now
        self.program.write(data, lambda: None)

    def redraw(self) -> None:
        """Have the program draw its whole screen, as it does after a change of size."""
        if self._nudging:
            return
        self._nudging = True
        program, (cols, rows) = self.program, self._size
        program.resize(cols - 1 if cols > 1 else 2, rows)

        def settle() -> None:
            if program is self.program:
                self._nudging = False
                program.resize(*self._size)

        self._loop.call_later(NUDGE, settle)

    def _viewers_changed(self) -> None:
        self._changed()
        # Later, when all that leave together are gone: the size of the last of them was no one's choice.
        self._loop.call_soon(self._fit)

    def _fit(self) -> None:
        viewers = self.program.channel.viewers
        sizes = [viewer.size for viewer in viewers if viewer.size]
        if self.program.ended or not sizes:
            size = self._size
        elif self._sizing == LATEST and self._typist in viewers and self._typist.size:
            size = self._typist.size
        else:
            size = min(cols for cols, _ in sizes), min(rows for _, rows in sizes)
        if size != self._size:
            self._size = size
            if recording := self.program.channel.recording:
                recording.resize(*size)
            self._changed()
            if not self._nudging:
                self.program.resize(*size)
        wait = self._told_at + TELL_EVERY - time.monotonic()
        if wait <= 0:
            self._tell()
        elif not self._telling:
            self._telling = True
            self._loop.call_later(wait, self._tell)

    def _tell(self) -> None:
        self._telling = False
        for viewer in self.program.channel.viewers:
            if viewer.show_size(self._size):
                self._told_at = time.monotonic()

    def described(self, name: str, most: int = MOST_TOLD) -> dict[str, Any]:
        """What is reported of it under `name`, with `most` viewers one by one."""
        program = self.program
        viewers, recording = program.channel.viewers, program.channel.recording
        return {
            "name": name,
            "title": self.title,
            "pid": program.pid,
            "ended": program.ended,
            "code": program.code,
            "signal": program.signal,
            "viewers": len(viewers),
            "attached": [_viewer(viewer) for viewer in viewers[:most]],
            "offset": program.channel.ring.end,
            "cols": self._size[0],
            "rows": self._size[1],
            "sizing": self._sizing,
            "startedAt": program.started_at,
            "lastOutputAt": program.output_at,
            "lastInputAt": program.input_at,
            "recording": {"id": recording.id, "startedAt": recording.started_at} if recording else None,
        }


def _viewer(viewer: Viewer) -> dict[str, Any]:
    return {"since": int(viewer.since), "viewOnly": viewer.view_only}
