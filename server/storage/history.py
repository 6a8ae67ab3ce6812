"""Earlier versions of files, kept by the server outside of every project: each save leaves one.

For each project a folder, in it one for each file, named by the hash of its path; in that one compressed file for each
version, named by its time. A version that can't be kept, on a full disk for example, fails no save. All functions
work in the calling thread; two that work on the same project must not run at the same time.
"""

import hashlib
import logging
import math
import os
import re
import secrets
import shutil
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from server.errors import NotFound
from server.models import ProjectId

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 1024 * 1024
"""Larger files have no history."""
MOST_VERSIONS: Final = 50
"""Of one file: closer together the newer they are."""
MOST_AGE: Final = 30 * 86400
"""Seconds."""
MOST_OF_PROJECT: Final = 64 * 1024 * 1024
"""Bytes on the disk, compressed."""
ID: Final = re.compile(r"[0-9]{13}-[0-9a-f]{4}")


@dataclass(frozen=True)
class Version:
    """A version of a file. `size` is that of its content."""

    id: str
    time: datetime
    size: int


class History:
    """The versions of all projects' files, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sizes: dict[ProjectId, int] = {}

    def keep(self, project: ProjectId, path: bytes, before: bytes | None, after: bytes | None) -> None:
        """Keep what a save wrote, and what it wrote over if that was no save's; None for what is too large."""
        try:
            with self._lock:
                folder = self._of(project, path)
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                last = self._last(folder)
                if before and before != last:
                    self._write(project, folder, before)
                if after is not None and after != (before if before is not None else last):
                    self._write(project, folder, after)
                self._prune(project, folder)
        except OSError as error:
            logger.warning("no version of a file of project %s could be kept: %s", project, error.strerror)

    def versions(self, project: ProjectId, path: bytes) -> list[Version]:
        """The versions of a file, newest first."""
        found = []
        for name in reversed(_names(self._of(project, path))):
            id, _, size = name.partition(".")
            found.append(Version(id, datetime.fromtimestamp(int(id[:13]) / 1000, UTC), int(size)))
        return found

    def read(self, project: ProjectId, path: bytes, id: str) -> bytes:
        """The content of a version. Raises NotFound."""
        folder = self._of(project, path)
        name = next((name for name in _names(folder) if name.startswith(f"{id}.")), None) if ID.fullmatch(id) else None
        content = _content(folder / name) if name else None
        if content is None:
            raise NotFound("there is no such version any more")
        return content

    def sweep(self) -> None:
        """Forget what is too old, also of files that are saved no more."""
        with self._lock, suppress(OSError):
            for project in self._folder.iterdir():
                for folder in project.iterdir():
                    self._prune_file(ProjectId(project.name), folder)

    def remove(self, project: ProjectId) -> None:
        """Forget all of a project."""
        with self._lock:
            self._sizes.pop(project, None)
            shutil.rmtree(self._folder / project, ignore_errors=True)

    def _of(self, project: ProjectId, path: bytes) -> Path:
        return self._folder / project / hashlib.sha256(path).hexdigest()[:32]

    def _last(self, folder: Path) -> bytes | None:
        names = _names(folder)
        return _content(folder / names[-1]) if names else None

    def _write(self, project: ProjectId, folder: Path, content: bytes) -> None:
        # Two of the same millisecond are in the order in which they came.
        newest = max((int(name[:13]) for name in _names(folder)), default=0)
        at = max(int(time.time() * 1000), newest + 1)
        temporary = folder / f"new-{secrets.token_hex(4)}"
        packed = zlib.compress(content, 6)
        try:
            temporary.write_bytes(packed)
            temporary.rename(folder / f"{at:013d}-{secrets.token_hex(2)}.{len(content)}")
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if project in self._sizes:
            self._sizes[project] += len(packed)

    def _prune_file(self, project: ProjectId, folder: Path) -> None:
        now = int(time.time() * 1000)
        names = _names(folder)
        # The newest stays, however old: it is what the next save is compared with.
        old = [name for name in names[:-1] if int(name[:13]) < now - MOST_AGE * 1000]
        for name in old + _crowded([name for name in names if name not in old], now):
            self._unlink(project, folder / name)

    def _prune(self, project: ProjectId, folder: Path) -> None:
        self._prune_file(project, folder)
        if project not in self._sizes:
            self._sizes[project] = sum(size for _, size in self._files(project))
        if self._sizes[project] > MOST_OF_PROJECT:
            for file, _ in sorted(self._files(project), key=lambda found: found[0].name):
                if self._sizes[project] <= MOST_OF_PROJECT * 0.9:
                    break
                self._unlink(project, file)

    def _files(self, project: ProjectId) -> list[tuple[Path, int]]:
        found = []
        for folder in (self._folder / project).iterdir():
            for name in _names(folder):
                with suppress(OSError):
                    found.append((folder / name, (folder / name).stat().st_size))
        return found

    def _unlink(self, project: ProjectId, file: Path) -> None:
        with suppress(FileNotFoundError):
            size = file.stat().st_size
            file.unlink()
            if project in self._sizes:
                self._sizes[project] -= size


def _names(folder: Path) -> list[str]:
    """The versions in the folder, oldest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if ID.fullmatch(name.partition(".")[0]) and name.partition(".")[2].isdigit())


def _crowded(names: list[str], now: int) -> list[str]:
    """Those beyond `MOST_VERSIONS` that are missed least: where the gap they leave is shortest for the root of its age.

    So what is kept gets thinner with age, and saves that follow each other by the second push no earlier day out. The
    oldest and the newest stay. `now` is in milliseconds.
    """
    left, gone = [(int(name[:13]), name) for name in names], []

    def missed(index: int) -> float:
        (before, _), (at, _), (after, _) = left[index - 1 : index + 2]
        return (after - before) / math.sqrt(max(1, now - at))

    while len(left) > MOST_VERSIONS:
        gone.append(left.pop(min(range(1, len(left) - 1), key=missed))[1])
    return gone


def _content(file: Path) -> bytes | None:
    try:
        return zlib.decompress(file.read_bytes())
    except (OSError, zlib.error):
        return None
