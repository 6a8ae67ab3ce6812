"""Deleted files and folders, kept by the server beside all projects for a while, so that they can be put back.

For each project a folder, in it two things for each deletion: `<id>.json` says what lay where, and the folder `<id>`,
which belongs to the project's owner, has it under "0", "1" and so on. No program of a project finds it there. As it is
on the file system of the projects, a deletion is a rename: it costs the same for any size, and keeps all there is to a
file. The end of a deletion begins with a rename too, so that nothing is put back by half. All functions work in the
calling thread.
"""

import errno
import json
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from server.errors import AppError, Conflict, NotFound, StorageFull, TooLarge
from server.models import ProjectId
from server.storage import walking
from server.storage.beneath import exists, rename_new
from server.storage.files import open_folder
from server.storage.paths import shown, split
from server.storage.roots import closing, kind_of, parent_of, telling

MOST_BYTES: Final = 512 * 1024 * 1024
"""On the disk, of one project."""
MOST: Final = 100
"""Deletions of one project."""
MOST_AGE: Final = 7 * 86400
"""Seconds."""
LEAST_FREE: Final = 0.05
ENOUGH_FREE: Final = 1024**3
"""Part of the disk, or bytes if that is less, without which nothing is kept: who deletes then wants the room."""
_ID: Final = re.compile(r"[0-9]{13}-[0-9a-f]{4}")
_ENDING: Final = "ending-"
_FOLDER: Final = walking.FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC


def not_kept(kind: type[AppError], why: str) -> AppError:
    """What refuses a deletion because it could not be taken back."""
    return kind(f"{why}, so it can't be kept to be restored", reason="not-kept")


@dataclass(frozen=True)
class Deletion:
    """What was deleted in one go. `left` has what is still kept: names in its folder, and the paths of the project."""

    id: str
    project: ProjectId
    size: int
    left: Mapping[bytes, bytes]

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(int(self.id[:13]) / 1000, UTC)

    @property
    def expires(self) -> datetime:
        return self.time + timedelta(seconds=MOST_AGE)


def measure(root: int, places: Sequence[bytes]) -> int:
    """Bytes that these take on the disk. Raises NotFound, and what refuses a deletion."""
    size = 0
    for place in places:
        with telling(place), parent_of(root, place) as (parent, name):
            taken = walking.measure(parent, name, MOST_BYTES - size)
        if taken is None:
            raise not_kept(TooLarge, f"that is more than {MOST_BYTES // 1024**2} MiB, or not all of it can be read")
        size += taken
    return size


def discard(root: int, places: Sequence[bytes], kept: int) -> None:
    """Move what is at `places` into the open folder `kept`, all or, where an error is raised, nothing."""
    moved: dict[bytes, bytes] = {}
    try:
        for folder, group in groupby(enumerate(places), lambda numbered: split(numbered[1])[0]):
            with telling(folder), parent_of(root, places[len(moved)]) as (parent, _):
                for number, place in group:
                    with telling(place):
                        name = b"%d" % number
                        _take(parent, split(place)[1], kept, name)
                        moved[name] = place
                os.fsync(parent)
        os.fsync(kept)
    except BaseException:
        # What can't go back to its place stays kept, and is told among the deletions.
        for name, place in moved.items():
            with suppress(OSError, AppError):
                _put_back(root, place, kept, name)
        raise


def put_back(root: int, deletion: Deletion, kept: int) -> None:
    """Move all that is left of a deletion out of the open folder `kept` to where it was.

    Raises Conflict when one of the places is taken: nothing is moved then, unless it was taken just meanwhile.
    """
    for place in deletion.left.values():
        if not _is_free(root, place):
            raise Conflict(
                f"{shown(place)} exists again. Give what is there now another name, then restore what was deleted: "
                "it is still kept"
            )
    for name, place in deletion.left.items():
        _put_back(root, place, kept, name)


class Trash:
    """What was deleted in all projects, in `folder`, which is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        """For the short while in which a deletion is put back or its end begins."""

    def begin(self, project: ProjectId, owner: tuple[int, int], places: Sequence[bytes], size: int) -> Deletion:
        """A deletion of which nothing has come yet; `owner` is the project's. Raises what refuses it."""
        folder = self._folder / project
        left = {b"%d" % number: place for number, place in enumerate(places)}
        # Two of the same millisecond are in the order in which they came.
        at = max([int(time.time() * 1000), *(int(id[:13]) + 1 for id in _ids(folder))])
        deletion = Deletion(f"{at:013d}-{secrets.token_hex(2)}", project, size, left)
        try:
            for made in (self._folder, folder):
                made.mkdir(mode=0o700, exist_ok=True)
            if self._is_short():
                raise not_kept(StorageFull, "the disk is nearly full")
            about = {"paths": [os.fsdecode(place) for place in places], "size": size}
            (folder / f"{deletion.id}.json").write_text(json.dumps(about))
            (folder / deletion.id).mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder / deletion.id, *owner)
        except OSError as error:
            self.remove(project, deletion.id)
            raise not_kept(StorageFull, f"the server's trash can't be written ({error.strerror})") from error
        return deletion

    def settle(self, project: ProjectId, id: str) -> None:
        """Forget a deletion of which nothing is left."""
        with suppress(OSError):
            (self._folder / project / id).rmdir()
            (self._folder / project / f"{id}.json").unlink(missing_ok=True)

    def all(self, project: ProjectId) -> list[Deletion]:
        """The deletions of which something is left, newest first."""
        found = []
        for id in sorted(_ids(self._folder / project), reverse=True):
            with suppress(NotFound):
                found.append(self.find(project, id))
        return found

    def find(self, project: ProjectId, id: str) -> Deletion:
        """Raises NotFound, also for one that has ended or of which nothing is left."""
        folder = self._folder / project
        try:
            if not _ID.fullmatch(id):
                raise FileNotFoundError
            about = json.loads((folder / f"{id}.json").read_bytes())
            names = {os.fsencode(name) for name in os.listdir(folder / id)}
        except (FileNotFoundError, ValueError):
            names, about = set(), {}
        paths = enumerate(about.get("paths", []))
        left = {name: os.fsencode(path) for number, path in paths if (name := b"%d" % number) in names}
        if not left:
            raise NotFound("it is not kept any more: it was restored, or deleted too long ago")
        return Deletion(id, project, about["size"], left)

    def open(self, deletion: Deletion) -> int:
        """The folder of a deletion, to be closed by the caller, who may go on as the project's owner."""
        return os.open(self._folder / deletion.project / deletion.id, _FOLDER)

    @contextmanager
    def held(self, project: ProjectId, id: str) -> Iterator[tuple[Deletion, int]]:
        """A deletion that doesn't end meanwhile, and its open folder. Raises NotFound."""
        with self._lock:
            deletion = self.find(project, id)
            with closing(self.open(deletion)) as kept:
                yield deletion, kept

    def remove(self, project: ProjectId, id: str) -> None:
        """Delete for good what is kept of a deletion, if there is one."""
        folder = self._folder / project
        with self._lock, suppress(OSError):
            (folder / id).rename(folder / f"{_ENDING}{id}")
        with suppress(OSError):
            (folder / f"{id}.json").unlink()
        _remove(folder, f"{_ENDING}{id}")

    def remove_all(self, project: ProjectId) -> None:
        """Delete for good all that is kept of a project."""
        _remove(self._folder, project)

    def trim(self, project: ProjectId) -> None:
        """Delete for good what is too old, or too much for the project; what was deleted last goes last."""
        oldest, room = int((time.time() - MOST_AGE) * 1000), MOST_BYTES
        for number, id in enumerate(sorted(_ids(self._folder / project), reverse=True)):
            try:
                room -= self.find(project, id).size
            except NotFound:
                # Begun this moment, or left by a server that died.
                if int(id[:13]) > oldest:
                    continue
            if room < 0 or number >= MOST or int(id[:13]) < oldest:
                self.remove(project, id)

    def sweep(self) -> None:
        """The same for all projects, and for more when the disk is nearly full. Ends what a dead server began to."""
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                project = ProjectId(folder.name)
                for name in os.listdir(folder):
                    if name.startswith(_ENDING):
                        _remove(folder, name)
                self.trim(project)
                for id in sorted(_ids(folder)):
                    if not self._is_short():
                        break
                    self.remove(project, id)

    def _is_short(self) -> bool:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize < min(ENOUGH_FREE, LEAST_FREE * disk.f_blocks * disk.f_frsize)


def _take(parent: int, name: bytes, kept: int, new_name: bytes) -> None:
    try:
        _rename(parent, name, kept, new_name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise not_kept(Conflict, "it is on another file system than the server's trash") from error


def _put_back(root: int, place: bytes, kept: int, name: bytes) -> None:
    with telling(place), closing(open_folder(root, split(place)[0])) as parent:
        _rename(kept, name, parent, split(place)[1])
        os.fsync(parent)


def _is_free(root: int, place: bytes) -> bool:
    try:
        with telling(place), parent_of(root, place) as (parent, name):
            return not exists(parent, name)
    except NotFound:
        return True


def _rename(old: int, name: bytes, new: int, new_name: bytes) -> None:
    """Rename between two open folders, also a folder that its owner may not write in. Raises FileExistsError."""
    try:
        return rename_new(old, name, new, new_name)
    except PermissionError:
        mode = os.stat(name, dir_fd=old, follow_symlinks=False).st_mode
        if kind_of(mode) != "directory" or mode & 0o200:
            raise
    # The kernel asks for that right where a folder gets another parent, for its ".." is changed.
    with closing(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=old)) as handle:
        mode = os.fstat(handle).st_mode & 0o7777
        # Python has no fchmod for such a handle; this name stands for the very folder that it holds.
        os.chmod(f"/proc/self/fd/{handle}", mode | 0o200)
        try:
            rename_new(old, name, new, new_name)
        finally:
            os.chmod(f"/proc/self/fd/{handle}", mode)


def _ids(folder: Path) -> set[str]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return {id for name in os.listdir(folder) if _ID.fullmatch(id := name.removesuffix(".json"))}
    return set()


def _remove(folder: Path, name: str) -> None:
    # What a process still changes meanwhile is left to the next sweep.
    with suppress(OSError), closing(os.open(folder, _FOLDER)) as parent:
        walking.remove(parent, os.fsencode(name), most=sys.maxsize)
