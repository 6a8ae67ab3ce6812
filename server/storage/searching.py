"""Search in a project's files without ripgrep: for a container that does not run, and machines that lack the program.

The walk is that of the other file operations and follows no link; the matching is a process of its own. It knows no
.gitignore: the folders that such a file usually names are left out instead.
"""

import codecs
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from server.errors import BadRequest, GatewayTimeout
from server.models import Hit, Pattern
from server.storage import files, walking
from server.storage.beneath import open_beneath
from server.storage.matcher import LENGTH
from server.storage.roots import Entry, closing, telling

MOST_BYTES: Final = 4 * 1024 * 1024
"""A larger file is no text that a person wrote."""
IGNORED: Final = frozenset({b"node_modules", b".venv", b"__pycache__", b"dist", b"build", b"target", b".direnv"})
_SNIFFED: Final = 8192
_PIECE: Final = 0.2
"""Seconds of work for one call of `piece`."""
_MATCHER: Final = Path(__file__).parent / "matcher.py"


class Searching:
    """One search under way, from the open folder of the project. Close it; that ends the matcher too."""

    def __init__(self, root: int, pattern: Pattern, matcher: "Matcher") -> None:
        self._wanted = _filter(pattern)
        self._deadline = matcher.deadline
        self._lock = threading.Lock()
        self._matcher = matcher
        with telling(b""):
            self._base = open_beneath(root, b"", walking.FOLDER)
        self._hits = self._walk(pattern)

    def piece(self) -> list[Hit] | None:
        """What was found next, perhaps nothing yet; None at the end. Raises GatewayTimeout after the time given."""
        with self._lock:
            began, hits = time.monotonic(), []
            for hit in self._hits:
                if hit:
                    hits.append(hit)
                if time.monotonic() > self._deadline:
                    raise GatewayTimeout("the search took too long")
                if time.monotonic() - began > _PIECE:
                    return hits
            return hits or None

    def close(self) -> None:
        """End the matching and let go of the folder. Does nothing the second time."""
        self._matcher.close()
        with self._lock:
            if self._base >= 0:
                os.close(self._base)
                self._base = -1

    def _walk(self, pattern: Pattern) -> Iterator[Hit | None]:
        """The hits, with None for each file that has none."""
        left_out = {b".git"} if pattern.ignored else IGNORED | {b".git"}
        for entry in walking.walk(self._base, unreadable=[]):
            parts = entry.path.split(b"/")
            if entry.kind != "file" or entry.size > MOST_BYTES or left_out.intersection(parts):
                yield None
            elif self._wanted(os.fsdecode(entry.path)):
                yield from self._search(entry)
            yield None

    def _search(self, entry: Entry) -> Iterator[Hit]:
        content = b""
        with suppress(Exception):
            # Whatever became of it since it was listed, it is searched no more.
            content = _content(self._base, entry.path).removeprefix(codecs.BOM_UTF8)
        if not content or b"\0" in content[:_SNIFFED]:
            return
        found = self._matcher.match(content)
        lines = content.split(b"\n") if found else []
        for number, spans in found:
            yield Hit(entry.path, number, lines[number - 1], tuple((start, end) for start, end in spans))


def _content(base: int, path: bytes) -> bytes:
    descriptor, _ = files.open_file(base, path)
    with closing(descriptor):
        return os.pread(descriptor, MOST_BYTES, 0)


class Matcher:
    """The process that matches, killed when it has not answered `seconds` from now. Raises BadRequest.

    It is not started as the owner of a project, to whom the server's own files are closed.
    """

    def __init__(self, pattern: Pattern, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        source = pattern.text if pattern.regex else re.escape(pattern.text)
        # Not \b, which would not hold beside what is no word character itself.
        source = rf"(?<!\w)(?:{source})(?!\w)" if pattern.word else source
        argv = [sys.executable, "-ISs", str(_MATCHER), source, "s" if pattern.case else "i"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
        problem = self._answer()
        if problem is not None:
            self.close()
            raise BadRequest(f"the pattern is not valid: {problem}")

    def match(self, content: bytes) -> list[Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(LENGTH.pack(len(content)) + content)
            self._process.stdin.flush()
        except OSError:
            raise GatewayTimeout("the search was ended") from None
        found: list[Any] = self._answer()
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError):
                if pipe:
                    pipe.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        ready = select.poll()
        ready.register(self._process.stdout, select.POLLIN)
        left = max(0.0, self.deadline - time.monotonic())
        line = self._process.stdout.readline() if ready.poll(left * 1000) else b""
        if not line:
            self._process.kill()
            raise GatewayTimeout("the search took too long: a simpler pattern takes less time")
        return json.loads(line)


def _filter(pattern: Pattern) -> Any:
    """Whether a path is wanted by the globs."""
    include = [_glob(glob) for glob in pattern.include]
    exclude = [_glob(glob) for glob in pattern.exclude]

    def wanted(path: str) -> bool:
        if include and not any(glob.match(path) for glob in include):
            return False
        return not any(glob.match(path) for glob in exclude)

    return wanted


def _glob(glob: str) -> re.Pattern[str]:
    """A glob of .gitignore as it is matched against the whole path: what it names, or anything below that."""
    anchored = "/" in glob.strip("/")
    parts = []
    for piece in re.findall(r"\*\*/?|\*|\?|\[[^\]/]+\]|[^*?\[]+|\[", glob.strip("/")):
        match piece:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if piece.startswith("[") and len(piece) > 1:
                parts.append(
                    "[" + piece[1:-1].replace("\\", "\\\\").replace("!", "^", 1 if piece[1] == "!" else 0) + "]"
                )
            case _:
                parts.append(re.escape(piece))
    try:
        return re.compile(("" if anchored else "(?:.*/)?") + "".join(parts) + "(?:/.*)?\\Z", re.DOTALL)
    except re.error as error:
        raise BadRequest(f"{glob!r:.100} is no glob: {error}") from None
