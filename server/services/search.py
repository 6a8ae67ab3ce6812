"""Search in a project's files: by ripgrep where the project runs, by a walk on the server's side where it can't."""

import asyncio
import base64
import binascii
import json
import os
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final

from server.errors import BadRequest, Conflict, GatewayTimeout, LinkLost, Unavailable
from server.models import Hit, Pattern, ProjectId
from server.runtimes.link import Stream
from server.services.documents import Documents
from server.services.workspaces import Workspaces

SECONDS: Final = 30.0
WALK_SECONDS: Final = 10.0
"""The same without ripgrep: a search that takes longer costs the server itself."""
MOST_FINDS: Final = 10_000
MOST_OUTPUT: Final = 16 * 1024 * 1024
"""Bytes of ripgrep's answer."""
MOST_LINE: Final = 1024 * 1024
"""Bytes of it for one line of a file. Of longer ones only the place is told."""
SHOWN: Final = 400
"""Characters of a line that are told."""
BEFORE: Final = 60
"""Those of them that come before the first find."""
_EVENT: Final = b'{"type":"match"'
_HEAD: Final = 16 * 1024
_WALKED: Final = "Searched without ripgrep: .gitignore was not read, and files over 4 MiB were left out."


class Search:
    """Finds text in the files of projects."""

    def __init__(self, workspaces: Workspaces, documents: Documents) -> None:
        self._workspaces = workspaces
        self._documents = documents

    async def find(self, id: ProjectId, pattern: Pattern) -> AsyncGenerator[dict[str, Any], None]:
        """A `match` for each line with finds, in JSON's types, and one `end`. Close the iterator to end the search.

        Raises BadRequest for a wrong pattern, before anything was found.
        """
        self._workspaces.touch(id, "search")
        try:
            stream = await self._workspaces.execute(id, _arguments(pattern))
        except (Conflict, Unavailable):
            hits, tally = self._documents.search(id, pattern, WALK_SECONDS), _Tally(_WALKED)
        else:
            tally = _Tally(None)
            hits = _ripgrep(stream, tally)
        try:
            async for hit in hits:
                yield tally.told(hit)
                if tally.finds >= MOST_FINDS:
                    tally.stopped = f"There is more: the search ends at {MOST_FINDS} finds. Search for something rarer."
                    break
        except (GatewayTimeout, LinkLost) as error:
            tally.stopped = f"The search is not complete: {error.detail}."
        finally:
            await hits.aclose()
        yield tally.end()


class _Tally:
    """What was found so far."""

    def __init__(self, note: str | None) -> None:
        self.finds = 0
        self.stopped: str | None = None
        self.note = note
        self._files: set[bytes] = set()

    def told(self, hit: Hit) -> dict[str, Any]:
        self._files.add(hit.path)
        self.finds += max(1, len(hit.spans))
        return {"type": "match", "path": os.fsdecode(hit.path), **_line_json(hit)}

    def end(self) -> dict[str, Any]:
        found = {"matches": self.finds, "files": len(self._files)}
        return {"type": "end", **found, "stopped": self.stopped, "note": self.note}


def _line_json(hit: Hit) -> dict[str, Any]:
    """The line as an editor counts: in UTF-16 units, `skipped` of which were cut off before `text`."""
    line = hit.line.rstrip(b"\r\n")
    text = line.decode(errors="replace")
    if not hit.spans:
        return {"line": hit.number, "column": 1, "text": text[:SHOWN], "skipped": 0, "ranges": [], "long": True}
    places = list(_places(line, hit.spans))
    first = len(line[: hit.spans[0][0]].decode(errors="replace"))
    start = 0 if len(text) <= SHOWN else max(0, min(first - BEFORE, len(text) - SHOWN))
    return {
        "line": hit.number,
        "column": places[0][0] + 1,
        "text": text[start : start + SHOWN],
        "skipped": _units(text[:start]),
        "ranges": places,
        "long": False,
    }


def _places(line: bytes, spans: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    at = units = 0
    for start, end in spans:
        before = units + _units(line[at:start].decode(errors="replace"))
        units = before + _units(line[start:end].decode(errors="replace"))
        at = end
        yield before, units


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _arguments(pattern: Pattern) -> list[str]:
    argv = ["rg", "--no-config", "--json", "--hidden", "--no-require-git", "--no-ignore-parent", "--no-ignore-global"]
    argv += ["--crlf", "--sort=path", "--max-filesize=64M", "--threads=2"]
    argv += ["--case-sensitive" if pattern.case else "--ignore-case"]
    argv += [] if pattern.regex else ["--fixed-strings"]
    argv += ["--word-regexp"] if pattern.word else []
    argv += ["--no-ignore"] if pattern.ignored else []
    for glob in pattern.include:
        # A folder's name stands for what is in it.
        inside = glob.rstrip("/") if "/" in glob.strip("/") else f"**/{glob.strip('/')}"
        argv += ["--glob", glob, "--glob", f"{inside}/**"]
    for glob in (*pattern.exclude, ".git", ".hutch-tmp-*"):
        argv += ["--glob", f"!{glob}"]
    return [*argv, "-e", pattern.text, "--", "./"]


async def _ripgrep(stream: Stream, tally: _Tally) -> AsyncGenerator[Hit, None]:
    try:
        lines, begun = _Lines(), False
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                item = await asyncio.wait_for(stream.receive(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise GatewayTimeout(f"it takes longer than {SECONDS:g} s") from None
            if isinstance(item, bytes):
                for hit in lines.feed(item):
                    begun = True
                    yield hit
                if lines.taken > MOST_OUTPUT:
                    raise GatewayTimeout("there is too much to tell; search for something rarer")
            else:
                if item and item.get("code") not in (0, 1):
                    _check(item, begun, tally)
                return
    finally:
        stream.close()


def _check(ended: dict[str, Any], begun: bool, tally: _Tally) -> None:
    """Tell of ripgrep's complaints: a wrong pattern is refused, files that can't be read are noted."""
    said = str(ended.get("stderr", "")).strip()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), None)
    if not begun and (reason or "regex" in said or "glob" in said):
        raise BadRequest(f"the pattern is not valid: {reason or lines[0].removeprefix('rg: ')}")
    if ended.get("code") is None:
        tally.stopped = "The search is not complete: ripgrep was ended, perhaps for lack of memory."
    elif lines:
        tally.note = f"Some files could not be searched: {lines[-1].removeprefix('rg: ./')}"


class _Lines:
    """Hits from ripgrep's JSON. What comes from the container may be anything, and is bounded."""

    def __init__(self) -> None:
        self.taken = 0
        self._rest = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Hit]:
        *whole, rest = data.split(b"\n")
        for index, piece in enumerate(whole):
            if index and not piece.startswith(_EVENT):
                self.taken += len(piece) + 1
                continue
            yield from self._keep(piece)
            if not self._too_long and (hit := _hit(self._rest)):
                yield hit
            self._rest.clear()
            self._too_long = False
        yield from self._keep(rest)

    def _keep(self, piece: bytes) -> Iterator[Hit]:
        """Add to the line. When it becomes too long, its place is told, and the rest of it costs nothing."""
        if self._too_long:
            return
        self.taken += len(piece) + 1
        self._rest += piece
        if len(self._rest) > MOST_LINE:
            self._too_long = True
            if hit := _long(self._rest[:_HEAD]):
                yield hit


def _hit(line: bytes | bytearray) -> Hit | None:
    if not line.startswith(_EVENT):
        return None
    try:
        data = json.loads(line)["data"]
        spans = tuple((int(found["start"]), int(found["end"])) for found in data["submatches"])
        return Hit(_path(data["path"]), int(data["line_number"]), _bytes(data["lines"]), spans)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _long(head: bytes | bytearray) -> Hit | None:
    """The place of a line that is too long, from the beginning of what ripgrep says of it."""
    text = bytes(head).decode(errors="replace")
    start = text.find('{"text"' if '"path":{"text"' in text else '{"bytes"')
    try:
        return Hit(_path(json.JSONDecoder().raw_decode(text, start)[0]), 1, b"", ())
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _path(value: dict[str, str]) -> bytes:
    return _bytes(value).removeprefix(b"./")


def _bytes(value: dict[str, str]) -> bytes:
    if "text" in value:
        return value["text"].encode(errors="surrogatepass")
    try:
        return base64.b64decode(value["bytes"])
    except binascii.Error as error:
        raise ValueError("no base64") from error
