"""Files of which a part has come, kept by the server beside all projects until the rest has.

For each project a folder, in it two files for each upload: `<id>` has the bytes that came, one after the other, so that
its size is where the upload goes on, and `<id>.json` says what it is to become. Nothing else is known of an upload, so
a server that starts anew goes on with it. No program of a project sees them or can exchange them, and they are on the
file system of the projects, so that the end is a rename. All functions work in the calling thread.
"""

import errno
import json
import os
import re
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.errors import NotFound, TooMany
from server.models import ProjectId
from server.storage.files import write_all

MOST: Final = 100
"""Uploads of one project. They hold nothing but room on the disk."""
MOST_AGE: Final = 86400
"""Seconds without a piece after which an upload is forgotten."""
_ID: Final = re.compile(r"[0-9a-f]{16}")
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Upload:
    """A file of `size` bytes for `path`, of which `offset` have come. `conditions` are kept for whoever judges them."""

    id: str
    project: ProjectId
    path: str
    size: int
    conditions: Mapping[str, str]
    offset: int = 0


class Content:
    """What came of an upload, open. Close it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, FileNotFoundError also for what is no regular file."""
        self._path = path
        self._lock = threading.Lock()
        self._descriptor = os.open(path, _OPEN)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            raise FileNotFoundError

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def add(self, piece: bytes) -> None:
        """Raises OSError; what was written of the piece counts as come. Does nothing after `close`."""
        with self._lock:
            if self._descriptor >= 0:
                write_all(self._descriptor, piece, self.size)

    def give(self, take: Callable[[int, Path], None]) -> None:
        """Call `take` with the descriptor and where the file lies, unless it is closed."""
        with self._lock:
            if self._descriptor >= 0:
                take(self._descriptor, self._path)

    def close(self) -> None:
        """Once no other thread is at it. Does nothing the second time."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


class Unfinished:
    """The uploads of all projects, in `folder`, which is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(
        self, project: ProjectId, owner: tuple[int, int], path: str, size: int, conditions: Mapping[str, str]
    ) -> Upload:
        """A new upload; `owner` is the uid and gid that its room on the disk counts for. Raises TooMany, OSError."""
        folder = self._folder / project
        for made in (self._folder, folder):
            made.mkdir(mode=0o700, exist_ok=True)
        _sweep(folder, time.time() - MOST_AGE)
        if len(_ids(folder)) >= MOST:
            raise TooMany(f"{MOST} uploads are under way already: finish or cancel one first")
        upload = Upload(secrets.token_hex(8), project, path, size, conditions)
        try:
            content = os.open(folder / upload.id, _OPEN | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if os.geteuid() == 0:
                    os.fchown(content, *owner)
            finally:
                os.close(content)
            about = {"path": path, "size": size, "conditions": dict(conditions), "boot": _boot()}
            (folder / f"{upload.id}.json").write_text(json.dumps(about))
        except BaseException:
            self.remove(project, upload.id)
            raise
        return upload

    def find(self, project: ProjectId, id: str) -> Upload:
        """Raises NotFound, also for one that has ended."""
        try:
            about = json.loads(self._about(project, id).read_bytes())
            size = self._content(project, id).lstat().st_size
        except (FileNotFoundError, ValueError):
            raise _unknown() from None
        # What the last writes before a crash of the machine left on the disk, nobody can tell: they were not synced.
        if about["boot"] != _boot():
            raise _unknown()
        return Upload(id, project, about["path"], about["size"], about["conditions"], size)

    def open(self, project: ProjectId, id: str) -> Content:
        """Raises NotFound, OSError."""
        try:
            return Content(self._content(project, id))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP):
                raise
            raise _unknown() from None

    def remove(self, project: ProjectId, id: str) -> None:
        """Forget an upload, if there is one."""
        _remove(self._folder / project, id)

    def remove_all(self, project: ProjectId) -> None:
        """Forget all of a project's uploads."""
        shutil.rmtree(self._folder / project, ignore_errors=True)

    def sweep(self) -> None:
        """Forget those with which nobody went on for too long."""
        before = time.time() - MOST_AGE
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                _sweep(folder, before)

    def _about(self, project: ProjectId, id: str) -> Path:
        return self._content(project, id).with_suffix(".json")

    def _content(self, project: ProjectId, id: str) -> Path:
        """Raises NotFound for what can't be an id."""
        if not _ID.fullmatch(id):
            raise _unknown()
        return self._folder / project / id


def _ids(folder: Path) -> set[str]:
    with suppress(FileNotFoundError):
        return {id for name in os.listdir(folder) if _ID.fullmatch(id := name.removesuffix(".json"))}
    return set()


def _sweep(folder: Path, before: float) -> None:
    for id in _ids(folder):
        times = []
        for name in (id, f"{id}.json"):
            with suppress(FileNotFoundError):
                times.append((folder / name).lstat().st_mtime)
        if times and max(times) < before:
            _remove(folder, id)


def _remove(folder: Path, id: str) -> None:
    # Without the other no upload is found, so it does not matter at which of them a server dies.
    for name in (id, f"{id}.json"):
        (folder / name).unlink(missing_ok=True)


def _boot() -> str:
    """What tells one run of the machine from another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _unknown() -> NotFound:
    return NotFound("there is no such upload: it has ended, or nobody went on with it for a day; begin again")
