"""Whole folders: listed, measured, cleaned and deleted, one open folder after the other and never by a path alone."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from server.errors import Conflict, TooLarge
from server.storage.beneath import open_beneath
from server.storage.paths import is_temporary, join, shown, temporary_name
from server.storage.roots import Entry, Kind, closing, entry_of, kind_of, telling

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
MOST_LISTED: Final = 200_000
"""Entries of one list: some 25 MB of JSON."""
MOST_WALKED: Final = 1_000_000
"""Entries that one copy, deletion, archive or measure looks at."""
MEASURE_SECONDS: Final = 10.0
_DELETE_DEPTH: Final = 32
"""Levels that a deletion goes down with a descriptor each. What lies deeper is moved up first."""
_GONE: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""What opening a folder says when it was deleted or exchanged since it was listed."""
_UNREADABLE: Final = {errno.EACCES, errno.EXDEV, errno.ENAMETOOLONG}


def tree(root: int, path: bytes, depth: int) -> list[Entry]:
    """What is below the folder `path`, `depth` levels deep, folder by folder in the order of names.

    Links are named, and what they lead to where that is inside; they are not gone down. Folders that may not be
    read look empty, but for `path` itself. Raises TooLarge when there is too much.
    """
    entries: list[Entry] = []
    with telling(path), closing(open_beneath(root, path, FOLDER)) as base:
        sweep(base)
        levels = [b""]
        for _ in range(depth):
            first = len(entries)
            for folder in levels:
                entries += sorted(islice(_entries(base, folder, []), MOST_LISTED), key=_path_of)
                if len(entries) >= MOST_LISTED:
                    raise TooLarge(f"{shown(path)} holds {MOST_LISTED} entries or more: list it with less depth")
            levels = [entry.path for entry in entries[first:] if entry.kind == "directory"]
    return [_as_seen(root, path, entry) for entry in entries]


def walk(base: int, *, unreadable: list[bytes] | None = None) -> Iterator[Entry]:
    """Everything below the open folder `base`, parents first, links as links, paths relative to it.

    Holds one descriptor, however deep the tree, and no list of a folder. Folders that can't be read are added to
    `unreadable`, or raise OSError when that is None. Raises TooLarge after
    `MOST_WALKED` entries.
    """
    folders = [b""]
    count = 0
    while folders:
        for entry in _entries(base, folders.pop(), unreadable):
            count += 1
            if count > MOST_WALKED:
                raise TooLarge(f"there are more than {MOST_WALKED} files and folders in it, which is too much at once")
            if entry.kind == "directory":
                folders.append(entry.path)
            yield entry


def usage(base: int) -> int:
    """Bytes on disk of all below `base`. A lower bound when there is more than the walk looks at in its time."""
    total = os.fstat(base).st_blocks
    linked: set[int] = set()
    end = time.monotonic() + MEASURE_SECONDS
    folders = [b""]
    count = 0
    while folders and count < MOST_WALKED and time.monotonic() < end:
        for path, status in _statuses(base, folders.pop(), []):
            count += 1
            if kind_of(status.st_mode) == "directory":
                folders.append(path)
            elif status.st_nlink > 1:
                if status.st_ino in linked:
                    continue
                linked.add(status.st_ino)
            total += status.st_blocks
    return total * 512


def measure(folder: int, name: bytes, most: int) -> int | None:
    """Bytes on disk of an entry of the open folder with all below it, and half a KiB for each thing itself.

    None when that is more than `most`, or can't be told: for a folder that may not be read, or after ten seconds.
    """
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    total = _room(status)
    if kind_of(status.st_mode) == "directory":
        end = time.monotonic() + MEASURE_SECONDS
        folders = [b""]
        try:
            with closing(os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)) as base:
                while folders and total <= most:
                    for path, status in _statuses(base, folders.pop(), None):
                        total += _room(status)
                        if kind_of(status.st_mode) == "directory":
                            folders.append(path)
                        if total > most or time.monotonic() > end:
                            return None
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
            return None
    return total if total <= most else None


def sweep(folder: int) -> None:
    """Remove what a killed server left half made in the open folder: a living one holds a lock on its own."""
    with os.scandir(folder) as found:
        left = [name for item in found if is_temporary(name := os.fsencode(item.name))]
    for name in left:
        with suppress(OSError):
            with closing(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)) as half_made:
                fcntl.flock(half_made, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder, name)


def hold(descriptor: int) -> bool:
    """Lock something half made, so that no sweep takes it. False when one was quicker and it is gone already."""
    # File systems without locks have no sweeps either.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return os.fstat(descriptor).st_nlink > 0


def remove(folder: int, name: bytes, *, most: int = MOST_WALKED) -> None:
    """Delete an entry of the open folder: a folder with all that is in it, a link and not what it leads to.

    Raises Conflict when more than `most` entries were deleted and there are more; OSError otherwise.
    """
    try:
        os.unlink(name, dir_fd=folder)
        return
    except IsADirectoryError:
        pass
    except PermissionError as error:
        # What unlink says of a folder on file systems that follow POSIX to the letter; and of a sticky one.
        if error.errno != errno.EPERM or kind_of(os.lstat(name, dir_fd=folder).st_mode) != "directory":
            raise
    with closing(_open_to_empty(folder, name)) as top:
        left = most
        while (remaining := _empty(top, top, _DELETE_DEPTH, left)) != left:
            left = remaining
    os.rmdir(name, dir_fd=folder)


def _empty(top: int, folder: int, depth: int, left: int) -> int:
    """Delete what is in `folder`, moving what is too deep up to `top`. Returns what is left of the count."""
    with os.scandir(folder) as found:
        entries = [(os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in found]
    for name, is_folder in entries:
        if left <= 0:
            raise Conflict("there was more to delete than is done at once; delete it again to go on")
        left -= 1
        with suppress(FileNotFoundError):
            if not is_folder:
                os.unlink(name, dir_fd=folder)
            elif depth == 0:
                os.rename(name, temporary_name(), src_dir_fd=folder, dst_dir_fd=top)
            else:
                with closing(_open_to_empty(folder, name)) as inner:
                    left = _empty(top, inner, depth - 1, left)
                os.rmdir(name, dir_fd=folder)
    return left


def _open_to_empty(folder: int, name: bytes) -> int:
    """Open a folder whose owner wants it gone, which they may without having the right to write in it."""
    with closing(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)) as handle:
        mode = os.fstat(handle).st_mode
        if mode & 0o700 != 0o700:
            # Python has no fchmod for such a handle; this name stands for the very folder that it holds.
            with suppress(PermissionError):
                os.chmod(f"/proc/self/fd/{handle}", mode & 0o7777 | 0o700)
    return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def _entries(base: int, folder: bytes, unreadable: list[bytes] | None) -> Iterator[Entry]:
    return (entry_of(path, status) for path, status in _statuses(base, folder, unreadable))


def _path_of(entry: Entry) -> bytes:
    return entry.path


def _statuses(base: int, folder: bytes, unreadable: list[bytes] | None) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        descriptor = open_beneath(base, folder, FOLDER, follow=False)
    except OSError as error:
        if error.errno in _GONE:
            return
        if error.errno not in _UNREADABLE or unreadable is None:
            raise
        unreadable.append(folder)
        return
    with closing(descriptor), os.scandir(descriptor) as found:
        for item in found:
            name = os.fsencode(item.name)
            if is_temporary(name):
                continue
            with suppress(FileNotFoundError):
                yield join(folder, name), item.stat(follow_symlinks=False)


def _room(status: os.stat_result) -> int:
    return status.st_blocks * 512 + 512


def _as_seen(root: int, path: bytes, entry: Entry) -> Entry:
    """The entry with its path from the project's folder, and what it leads to if it is a link."""
    place = join(path, entry.path)
    target = _target(root, place) if entry.kind == "symlink" else None
    return Entry(place, entry.kind, entry.size, entry.modified_ns, entry.inode, target)


def _target(root: int, path: bytes) -> Kind | None:
    try:
        with closing(open_beneath(root, path, os.O_PATH)) as found:
            return kind_of(os.fstat(found).st_mode)
    except OSError:
        return None
