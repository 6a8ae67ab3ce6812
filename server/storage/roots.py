"""The folder of a project, open: everything else in storage works from it, as its owner."""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from server.errors import AppError, Conflict, Forbidden, NotFound, StorageFull, TooLarge, Unavailable
from server.storage.beneath import open_beneath
from server.storage.paths import shown, split

Kind = Literal["file", "directory", "symlink", "other"]
_EARLIEST: Final = -62_135_596_800_000_000
_LATEST: Final = 253_402_300_799_000_000
"""The calendar's ends in microseconds since 1970."""
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a project. `size` is 0 for all but files; `target` is what a link inside the project leads to."""

    path: bytes
    kind: Kind
    size: int
    modified_ns: int
    inode: int
    target: Kind | None = None

    @property
    def etag(self) -> str | None:
        """The version of a file's content, with the quotes that HTTP puts around it. None for all but files."""
        if self.kind != "file":
            return None
        return f'"{self.inode:x}-{self.modified_ns:x}-{self.size:x}"'

    @property
    def modified(self) -> datetime:
        # A file may claim any time; the calendar ends with the year 9999.
        return datetime.fromtimestamp(min(max(self.modified_ns // 1000, _EARLIEST), _LATEST) / 1e6, UTC)


def entry_of(path: bytes, status: os.stat_result, target: Kind | None = None) -> Entry:
    kind = kind_of(status.st_mode)
    size = status.st_size if kind == "file" else 0
    return Entry(path, kind, size, status.st_mtime_ns, status.st_ino, target)


def kind_of(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "symlink" if stat.S_ISLNK(mode) else "other"


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """The descriptor of a project's folder, with the calling thread acting as its owner meanwhile.

    The folder's parent must be the server's own, for this one step is by path. Raises NotFound.
    """
    try:
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("the project's folder is not there") from None
    try:
        owner = os.fstat(root)
        with acting_as(owner.st_uid, owner.st_gid):
            yield root
    finally:
        os.close(root)


@contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Let this thread touch files as another account; only root can, for others it changes nothing.

    What root makes then belongs to the account, and permissions and reserved space hold as they do in the container.
    """
    if os.geteuid() != 0 or uid == 0:
        yield
        return
    _libc.setfsgid(ctypes.c_uint(gid))
    _libc.setfsuid(ctypes.c_uint(uid))
    try:
        yield
    finally:
        _libc.setfsuid(ctypes.c_uint(0))
        _libc.setfsgid(ctypes.c_uint(0))


def sync_all(descriptor: int) -> None:
    """Have all that was written to the descriptor's file system on the disk: for many files, quick for many files."""
    if _libc.syncfs(ctypes.c_int(descriptor)) != 0:
        raise OSError(code := ctypes.get_errno(), os.strerror(code))


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close the descriptor at the end, whatever happens."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(root: int, path: bytes) -> Iterator[tuple[int, bytes]]:
    """The open folder that holds `path`, and the name in it. Links to folders inside the project are followed."""
    folder, name = split(path)
    with closing(open_beneath(root, folder, os.O_RDONLY | os.O_DIRECTORY)) as parent:
        yield parent, name


_SENTENCES: Final[dict[int, tuple[type[AppError], str]]] = {
    errno.ENOENT: (NotFound, "{path} does not exist"),
    errno.ENOTDIR: (Conflict, "a part of {path} is a file where a folder is needed"),
    errno.EISDIR: (Conflict, "{path} is a folder where a file is needed"),
    errno.EEXIST: (Conflict, "{path} exists already"),
    errno.ENOTEMPTY: (Conflict, "{path} is a folder that is not empty"),
    errno.EXDEV: (Conflict, "{path} leads out of the project through a link, which the editor does not follow"),
    errno.ELOOP: (Conflict, "{path} is a link, or goes through one, that can't be followed here"),
    errno.EINVAL: (Conflict, "{path} can't be put into itself"),
    errno.ENXIO: (Conflict, "{path} is no regular file but a socket or a device, and has no content to show"),
    errno.ETXTBSY: (Conflict, "{path} is a program that runs just now; stop it, then try again"),
    errno.EAGAIN: (Conflict, "{path} is held by a program just now, or moves about; try again"),
    errno.EBUSY: (Conflict, "{path} is in use by the system"),
    errno.ENAMETOOLONG: (Conflict, "{path} is too long a path for the file system"),
    errno.EACCES: (Forbidden, "the permissions of {path} or of its folder do not allow this; see chmod"),
    errno.EPERM: (Forbidden, "the file system does not allow this for {path}"),
    errno.EROFS: (Forbidden, "{path} is on a file system that is read-only"),
    errno.ENOSPC: (StorageFull, "the disk is full: {path} was not changed. Free some space, then try again"),
    errno.EDQUOT: (
        StorageFull,
        "the quota of the disk is used up: {path} was not changed. Free some space, then try again",
    ),
    errno.EFBIG: (TooLarge, "{path} would be larger than the file system allows"),
    errno.EIO: (Unavailable, "the disk reported an error at {path}; nothing can be said about its content"),
    errno.EMFILE: (Unavailable, "the server has too many files open; try again in a moment"),
    errno.ENFILE: (Unavailable, "the machine has too many files open; try again in a moment"),
    errno.EMLINK: (Conflict, "the folder of {path} has too many entries"),
}


@contextmanager
def telling(path: bytes, *, reading: bool = False) -> Iterator[None]:
    """Turn what the kernel says of `path` into a sentence for the person. Other errors pass as they are.

    To one who is `reading`, what would be below a file does not exist, and that is all.
    """
    try:
        yield
    except OSError as error:
        code = errno.ENOENT if reading and error.errno == errno.ENOTDIR else error.errno
        if code not in _SENTENCES:
            raise
        kind, sentence = _SENTENCES[code]
        raise kind(sentence.format(path=shown(path))) from error
