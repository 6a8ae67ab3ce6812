"""Files and folders of an open project: looked at, read, made, moved, copied and deleted.

Every function works from the descriptor of the project's folder and a path that `paths.parse` let through. It may be
raced by the project's own processes, and still touches nothing outside. What goes wrong is told as an AppError.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from server.errors import Conflict, NotFound, PreconditionFailed
from server.storage import walking
from server.storage.beneath import exists, open_beneath, rename_new
from server.storage.paths import shown, split, temporary_name
from server.storage.roots import Entry, closing, entry_of, kind_of, parent_of, telling

Require = Callable[[Entry | None], bool]
"""Whether a change may go on, given what is there now (None: nothing)."""

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
"""Without waiting: a FIFO would otherwise hold the thread until somebody writes to it."""
_COPY_PIECE: Final = 8 * 1024 * 1024


def look(root: int, path: bytes) -> Entry:
    """What is at `path`: links are followed, but one that leads out or nowhere is shown as the link it is."""
    with telling(path, reading=True):
        try:
            with closing(open_beneath(root, path, os.O_PATH)) as found:
                return entry_of(path, os.fstat(found))
        except OSError as error:
            with parent_of(root, path) as (parent, name):
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                raise error
            return entry_of(path, status)


def is_file(root: int, path: bytes) -> bool:
    """Whether there is a regular file, which a link may lead to."""
    try:
        with closing(open_beneath(root, path, os.O_PATH)) as found:
            return stat.S_ISREG(os.fstat(found).st_mode)
    except OSError:
        return False


def open_file(root: int, path: bytes) -> tuple[int, Entry]:
    """A descriptor of the regular file at `path`, to be closed by the caller, and the version that it has."""
    with telling(path, reading=True):
        descriptor = open_beneath(root, path, _READ)
    try:
        entry = entry_of(path, os.fstat(descriptor))
        if entry.kind == "directory":
            raise Conflict(f"{shown(path)} is a folder; ask for its tree instead")
        if entry.kind != "file":
            raise Conflict(f"{shown(path)} is no regular file but a pipe or a device, and has no content to show")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, entry


def check(require: Require, path: bytes, current: Entry | None) -> None:
    """Raises PreconditionFailed, with the version there is now, when the change may not go on."""
    if not require(current):
        what = "has changed since the version that the request names" if current else "does not exist any more"
        raise PreconditionFailed(f"{shown(path)} {what}", etag=current.etag if current else None)


def make_folder(root: int, path: bytes) -> None:
    """A new folder, with those above it that are missing. Raises Conflict when there is something already."""
    with telling(path), closing(open_folder(root, split(path)[0])) as parent:
        os.mkdir(split(path)[1], dir_fd=parent)
        os.fsync(parent)


def open_folder(root: int, path: bytes) -> int:
    """A descriptor of the folder `path`, made with all above it where missing. Raises OSError."""
    try:
        return open_beneath(root, path, walking.FOLDER)
    except FileNotFoundError:
        above, name = split(path)
        if not name:
            raise
    with closing(open_folder(root, above)) as parent:
        # Somebody else may make it at the same moment; a dangling link of that name shows when it is opened.
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
            os.fsync(parent)
    return open_beneath(root, path, walking.FOLDER)


def delete(root: int, path: bytes, require: Require) -> None:
    """Delete a file, a link, or a folder with all it holds. Raises NotFound, PreconditionFailed."""
    check(require, path, _look_if_there(root, path))
    with telling(path), parent_of(root, path) as (parent, name):
        if not exists(parent, name):
            raise NotFound(f"{shown(path)} does not exist")
        walking.remove(parent, name)
        os.fsync(parent)


def move(root: int, source: bytes, target: bytes) -> None:
    """Give something another path. Folders above the new one are made. Raises Conflict when it is taken."""
    _check_not_inside(source, target)
    with telling(source), parent_of(root, source) as (old, name):
        if not exists(old, name):
            raise NotFound(f"{shown(source)} does not exist")
        with telling(target), closing(open_folder(root, split(target)[0])) as new:
            rename_new(old, name, new, split(target)[1])
            os.fsync(new)
        os.fsync(old)


def copy(root: int, source: bytes, target: bytes) -> None:
    """Copy a file, a link as a link, or a whole folder; pipes, sockets and devices in it are left out.

    The target appears whole or not at all. Raises Conflict when it is taken.
    """
    _check_not_inside(source, target)
    with telling(source), parent_of(root, source) as (old, name):
        kind = kind_of(os.stat(name, dir_fd=old, follow_symlinks=False).st_mode)
        if kind == "other":
            raise Conflict(f"{shown(source)} is a pipe, a socket or a device, which can't be copied")
        with telling(target), closing(open_folder(root, split(target)[0])) as new:
            final = split(target)[1]
            if exists(new, final):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            half_made = temporary_name()
            try:
                _copy_entry(old, name, new, half_made)
                rename_new(new, half_made, new, final)
            except BaseException:
                with suppress(FileNotFoundError):
                    walking.remove(new, half_made)
                raise
            os.fsync(new)


def _look_if_there(root: int, path: bytes) -> Entry | None:
    try:
        return look(root, path)
    except NotFound:
        return None


def _check_not_inside(source: bytes, target: bytes) -> None:
    if target.startswith(source + b"/"):
        raise Conflict(f"{shown(source)} can't be put into itself")


def _copy_entry(old: int, name: bytes, new: int, new_name: bytes) -> None:
    """Copy what the open folder `old` has under `name`, whatever it is by now."""
    kind = kind_of(os.stat(name, dir_fd=old, follow_symlinks=False).st_mode)
    if kind == "file":
        _copy_file(old, name, new, new_name)
    elif kind == "symlink":
        os.symlink(os.readlink(name, dir_fd=old), new_name, dir_fd=new)
    elif kind == "directory":
        os.mkdir(new_name, dir_fd=new)
        flags = walking.FOLDER | os.O_NOFOLLOW
        with closing(os.open(name, flags, dir_fd=old)) as base, closing(os.open(new_name, flags, dir_fd=new)) as copied:
            walking.hold(copied)
            _copy_folder(base, copied)


def _copy_folder(base: int, copied: int) -> None:
    for entry in walking.walk(base):
        folder, name = split(entry.path)
        # A folder that was deleted or exchanged meanwhile is no more to be copied than what was in it.
        with suppress(FileNotFoundError, NotADirectoryError):
            with (
                closing(open_beneath(base, folder, walking.FOLDER, follow=False)) as old,
                closing(open_beneath(copied, folder, walking.FOLDER, follow=False)) as new,
            ):
                if entry.kind == "directory":
                    os.mkdir(name, dir_fd=new)
                elif entry.kind != "other":
                    _copy_entry(old, name, new, name)


def _copy_file(old: int, name: bytes, new: int, new_name: bytes) -> None:
    with closing(os.open(name, _READ | os.O_NOFOLLOW, dir_fd=old)) as source:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with closing(os.open(new_name, flags, 0o600, dir_fd=new)) as target:
            walking.hold(target)
            _copy_content(source, target, status.st_size)
            os.fchmod(target, status.st_mode & 0o777)


def _copy_content(source: int, target: int, size: int) -> None:
    """Copy `size` bytes, holes as holes: a file of a terabyte may hold next to nothing."""
    os.ftruncate(target, size)
    position = 0
    while position < size:
        try:
            start = os.lseek(source, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        position = min(os.lseek(source, start, os.SEEK_HOLE), size)
        copy_bytes(source, target, start, position)


def copy_bytes(source: int, target: int, start: int, end: int) -> None:
    """Copy the bytes from `start` to `end` to the same place, or up to where `source` ends."""
    while start < end:
        piece = os.pread(source, min(end - start, _COPY_PIECE), start)
        if not piece:
            return
        write_all(target, piece, start)
        start += len(piece)


def write_all(target: int, content: bytes, position: int) -> None:
    """Write all of it at `position`: one call of the system's may take less."""
    view = memoryview(content)
    while view:
        written = os.pwrite(target, view, position)
        view, position = view[written:], position + written
