"""Recordings of terminals: made by the project's supervisor, and read from its state folder whether it runs or not."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from server.errors import Conflict, NotFound
from server.models import ProjectId
from server.services.documents import Documents, OpenDocument
from server.services.terminals import Terminals
from server.services.workspaces import Workspaces

FOLDER: Final = "recordings"
ID: Final = re.compile(r"[0-9]{13}")
MOST_LISTED: Final = 100
_LONGEST: Final = 1e9
_HEAD: Final = 4096
_TAIL: Final = 512 * 1024
"""Longer than any line: where the last one ends is found in it."""


@dataclass(frozen=True)
class Recording:
    """One recording. `seconds` is how long it is; `ended` says why it ended, None while it is made or was cut off."""

    id: str
    title: str
    started_at: datetime
    seconds: float
    size: int
    cols: int
    rows: int
    active: bool
    ended: str | None


class Recordings:
    """The recordings of all projects. `kept` holds the projects' state folders."""

    def __init__(self, kept: Documents, workspaces: Workspaces, terminals: Terminals) -> None:
        self._kept = kept
        self._workspaces = workspaces
        self._terminals = terminals

    async def start(self, id: ProjectId, terminal: str) -> Recording:
        """Begin to record a terminal. Raises NotFound when it does not run, Conflict when it is recorded already."""
        return await self.get(id, await self._terminals.record(id, terminal))

    async def stop(self, id: ProjectId, recording: str) -> Recording:
        """End a recording that is being made. Raises Conflict when it has ended."""
        terminal = (await self._active(id)).get(recording)
        if terminal is None:
            await self.get(id, recording)
            raise Conflict("the recording has ended already")
        await self._terminals.stop_recording(id, terminal)
        return await self.get(id, recording)

    async def list(self, id: ProjectId) -> list[Recording]:
        """The newest first."""
        active = await self._active(id)
        try:
            entries = await self._kept.tree(id, FOLDER)
        except NotFound:
            return []
        names = sorted((entry.path.decode(errors="replace").rpartition("/")[2] for entry in entries), reverse=True)
        ids = [name.removesuffix(".cast") for name in names if ID.fullmatch(name.removesuffix(".cast"))]
        found = [await self._look(id, recording, recording in active) for recording in ids[:MOST_LISTED]]
        return [recording for recording in found if recording]

    async def get(self, id: ProjectId, recording: str) -> Recording:
        """Raises NotFound."""
        found = await self._look(id, recording, recording in await self._active(id))
        if found is None:
            raise NotFound("there is no such recording")
        return found

    async def open(self, id: ProjectId, recording: str) -> tuple[OpenDocument, int]:
        """The recording's file, to be closed by the caller, and the bytes up to the end of its last whole line."""
        document = await self._open(id, recording)
        size = document.entry.size
        start = max(0, size - _TAIL)
        try:
            return document, start + (await document.read(start, size - start)).rfind(b"\n") + 1
        except BaseException:
            await document.close()
            raise

    async def delete(self, id: ProjectId, recording: str) -> None:
        """Raises NotFound, and Conflict while it is being made."""
        if recording in await self._active(id):
            raise Conflict("the recording is being made; stop it first")
        await self._kept.delete(id, _path(recording))

    async def _active(self, id: ProjectId) -> dict[str, str]:
        """The terminals that are being recorded, by the ids of the recordings."""
        await self._workspaces.refresh_terminals(id)
        terminals = self._workspaces.terminals(id)
        return {terminal.recording.id: terminal.name for terminal in terminals if terminal.recording}

    async def _open(self, id: ProjectId, recording: str) -> OpenDocument:
        try:
            return await self._kept.open(id, _path(recording))
        except (NotFound, Conflict):
            raise NotFound("there is no such recording") from None

    async def _look(self, id: ProjectId, recording: str, active: bool) -> Recording | None:
        """What a recording says of itself; None for a file that is none, whoever put it there."""
        try:
            document = await self._open(id, recording)
        except NotFound:
            return None
        try:
            size = document.entry.size
            head = await document.read(0, _HEAD)
            tail = await document.read(max(0, size - _HEAD), _HEAD)
        finally:
            await document.close()
        header = _parsed(head.partition(b"\n")[0])
        if not isinstance(header, dict) or header.get("version") != 2:
            return None
        started_at = datetime.fromtimestamp(int(recording) / 1000, UTC)
        event = _parsed(tail.rstrip(b"\n").rpartition(b"\n")[2])
        is_end = isinstance(event, list) and len(event) == 3 and event[1] == "m"
        seconds = max(0.0, (document.entry.modified - started_at).total_seconds())
        if is_end and isinstance(event[0], (int, float)) and 0 <= event[0] < _LONGEST:
            seconds = event[0]
        return Recording(
            id=recording,
            title=_text(header.get("title")) or recording,
            started_at=started_at,
            seconds=seconds,
            size=size,
            cols=_size(header.get("width"), 80),
            rows=_size(header.get("height"), 24),
            active=active,
            ended=_text(event[2]) or None if is_end and not active else None,
        )


def _path(recording: str) -> str:
    if not ID.fullmatch(recording):
        raise NotFound("there is no such recording")
    return f"{FOLDER}/{recording}.cast"


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    """A text that can be sent, from a file that may hold anything."""
    return value[:200].encode(errors="replace").decode() if isinstance(value, str) else ""


def _size(value: object, usual: int) -> int:
    return value if isinstance(value, int) and 1 <= value <= 1000 else usual
