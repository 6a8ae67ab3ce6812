"""A terminal: a program under a name, what people call it, and who looks at it."""

from typing import Any, Final

from .channel import Viewer
from .process import Program

MOST_TITLE: Final = 160
"""Bytes."""
MOST_TOLD: Final = 500
"""Viewers of all terminals that are told of singly, so that the report fits a frame; of more only the number is."""


class Terminal:
    """What outlives a program that is started again under the same name, and the program itself.

    `title` is what people call it; None while that is its name.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.title: str | None = None

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
            "cols": program.cols,
            "rows": program.rows,
            "startedAt": program.started_at,
            "lastOutputAt": program.output_at,
            "lastInputAt": program.input_at,
            "recording": {"id": recording.id, "startedAt": recording.started_at} if recording else None,
        }


def _viewer(viewer: Viewer) -> dict[str, Any]:
    return {"since": int(viewer.since), "viewOnly": viewer.view_only}
