"""Saves that leave a file whole, whatever happens: the old content or the new, and after the answer only the new.

The content goes to a temporary file in the same folder, is synced, and takes the file's place by a rename. Where that
can't be (the file has several hard links, or its folder may not be written) it is written in place, once all of it has
arrived and room for it is reserved; the caller is told.
"""

import errno
import os
import threading
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.errors import Conflict, Forbidden
from server.storage import walking
from server.storage.beneath import open_beneath, rename_new
from server.storage.files import Require, check, copy_bytes, open_folder, write_all
from server.storage.paths import join, shown, split, temporary_name
from server.storage.roots import Entry, closing, entry_of, kind_of, telling

_MOST_LINKS: Final = 40
"""As many as the kernel follows."""
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_LOOK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NOT_WRITABLE: Final = {errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Saved:
    """A save that is on the disk. `warning` is a sentence where it was not done in the safe way."""

    entry: Entry
    created: bool
    warning: str | None = None


class Saving:
    """One save under way. It ends with `commit` or `abandon`, and holds descriptors until then.

    The constructor and `commit` raise PreconditionFailed when `require` refuses what is there; nothing is changed then.
    """

    def __init__(self, root: int, path: bytes, require: Require) -> None:
        self._path = path
        self._require = require
        self._size = 0
        self._temporary: bytes | None = None
        self._lock = threading.Lock()
        with telling(path):
            real = _resolved(root, path)
            self._name = split(real)[1]
            self._folder = open_folder(root, split(real)[0]) if real == path else _open_existing(root, real)
            try:
                current = self._current()
                check(require, path, current[0] if current else None)
                self._content = self._open_temporary(root, current is not None, 0o600 if current else 0o666)
            except BaseException:
                os.close(self._folder)
                raise

    def write(self, content: bytes) -> None:
        """Add to the new content. Raises StorageFull; the file is as it was."""
        with self._lock, telling(self._path):
            write_all(self._content, content, self._size)
            self._size += len(content)

    def take(self, content: int, place: Path) -> None:
        """Have the open file `content`, which lies at `place`, as the new content, instead of what was written.

        It is moved, or where it lies on another file system, copied. Raises StorageFull; the file is as it was.
        """
        with self._lock, telling(self._path):
            # Before it is moved: in between it belongs to nobody who could go on with it.
            os.fsync(content)
            self._size = os.fstat(content).st_size
            if not self._move_here(content, place):
                copy_bytes(content, self._content, 0, self._size)

    def contents(self, most: int) -> tuple[bytes | None, bytes | None]:
        """What is to be replaced, and by what; None for what has more than `most` bytes or can't be read."""
        with self._lock:
            after = os.pread(self._content, most + 1, 0) if self._size <= most else None
            before = None
            with suppress(OSError), closing(os.open(self._name, _LOOK, dir_fd=self._folder)) as current:
                status = os.fstat(current)
                if kind_of(status.st_mode) == "file" and status.st_size <= most:
                    before = os.pread(current, most, 0)
            return before, after

    def commit(self, lock: AbstractContextManager[object]) -> Saved:
        """Put the new content in the file's place, durably. `lock` keeps other commits of the project apart."""
        with self._lock, telling(self._path):
            try:
                return self._commit(lock)
            finally:
                self._close()

    def abandon(self) -> None:
        """Forget the new content, once no other thread is at it. Does nothing after the end."""
        with self._lock:
            self._close()

    def _move_here(self, content: int, place: Path) -> bool:
        """Put it in the place of the temporary file. False where that can't be."""
        if self._temporary is None:
            return False
        walking.hold(content)
        try:
            os.rename(place, self._temporary, dst_dir_fd=self._folder)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        replaced, self._content = self._content, os.dup(content)
        with closing(replaced):
            self._take_after(os.fstat(replaced))
        return True

    def _close(self) -> None:
        if self._folder < 0:
            return
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._folder)
        os.close(self._content)
        os.close(self._folder)
        self._content = self._folder = -1

    def _commit(self, lock: AbstractContextManager[object]) -> Saved:
        before = self._current()
        if before:
            self._take_after(before[1])
        os.fsync(self._content)
        with lock:
            current = self._current()
            check(self._require, self._path, current[0] if current else None)
            if current and (self._temporary is None or current[1].st_nlink > 1):
                return self._write_over(current[1])
            self._replace(current is not None)
        os.fsync(self._folder)
        return Saved(entry_of(self._path, os.fstat(self._content)), current is None)

    def _replace(self, known: bool) -> None:
        assert self._temporary
        if known:
            os.rename(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        else:
            rename_new(self._folder, self._temporary, self._folder, self._name)
        self._temporary = None

    def _write_over(self, expected: os.stat_result) -> Saved:
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with closing(os.open(self._name, flags, dir_fd=self._folder)) as target:
            status = os.fstat(target)
            if status.st_ino != expected.st_ino:
                raise Conflict(f"{shown(self._path)} was replaced at this very moment; try again")
            if self._size > status.st_size:
                _reserve(target, status.st_size, self._size)
            copy_bytes(self._content, target, 0, self._size)
            os.ftruncate(target, self._size)
            os.fsync(target)
            entry = entry_of(self._path, os.fstat(target))
        reason = "has several hard links" if expected.st_nlink > 1 else "is in a folder that may not be written"
        return Saved(entry, False, f"{shown(self._path)} {reason}, so it was written in place")

    def _current(self) -> tuple[Entry, os.stat_result] | None:
        """What is to be replaced. Raises Conflict for what is no regular file."""
        try:
            status = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        kind = kind_of(status.st_mode)
        if kind == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if kind == "symlink":
            raise Conflict(f"{shown(self._path)} became a link at this very moment; try again")
        if kind == "other":
            raise Conflict(f"{shown(self._path)} is a pipe, a socket or a device, which can't be saved to")
        return entry_of(self._path, status), status

    def _open_temporary(self, root: int, known: bool, mode: int) -> int:
        try:
            while True:
                name = temporary_name()
                descriptor = os.open(name, _NEW, mode, dir_fd=self._folder)
                if walking.hold(descriptor):
                    self._temporary = name
                    return descriptor
                os.close(descriptor)
        except OSError as error:
            if not known or error.errno not in _NOT_WRITABLE:
                raise
        return self._open_unnamed(root)

    def _open_unnamed(self, root: int) -> int:
        """A file without a name for what will be written in place, when its own folder takes no other file."""
        try:
            with closing(os.open(self._name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder)):
                return open_beneath(root, b"", os.O_TMPFILE | os.O_RDWR, 0o600)
        except OSError as error:
            raise Forbidden(f"{shown(self._path)} is read-only, and so is its folder; see chmod") from error

    def _take_after(self, status: os.stat_result) -> None:
        """Give the new file the mode of the old one, and its owner where that is ours to give."""
        with suppress(PermissionError):
            os.fchown(self._content, status.st_uid, status.st_gid)
        os.fchmod(self._content, status.st_mode & 0o777)


def _open_existing(root: int, real: bytes) -> int:
    return open_beneath(root, split(real)[0], walking.FOLDER)


def _resolved(root: int, path: bytes) -> bytes:
    """The path of what would be replaced: that of the file which a link inside the project leads to. Raises OSError."""
    for _ in range(_MOST_LINKS):
        folder, name = split(path)
        if name in (b"", b".", b".."):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target = _link(root, folder, name)
        if target is None:
            return path
        if target.startswith(b"/"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        path = join(folder, target)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _link(root: int, folder: bytes, name: bytes) -> bytes | None:
    """What the link of that name says; None when it is no link or does not exist."""
    try:
        with closing(open_beneath(root, folder, os.O_PATH | os.O_DIRECTORY)) as parent:
            return os.readlink(name, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _reserve(target: int, old: int, new: int) -> None:
    """Have the disk set room aside before a byte of the old content is touched. Raises OSError when there is none."""
    try:
        os.posix_fallocate(target, 0, new)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
            return
        os.ftruncate(target, old)
        raise
