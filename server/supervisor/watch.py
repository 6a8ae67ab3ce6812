"""What changes in the project's folder, by the kernel's inotify: told in batches, by path.

Each folder has a watch of its own, but for `LEFT_OUT`, which programs fill by the thousand; of the top's .git only
`HINTS` are told. Links are not followed. Where a limit ends the watching, what is watched already goes on being told.
"""

import ctypes
import errno
import os
import struct
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Final

from .loop import Loop, Timer

MOST_WATCHES: Final = 8192
"""Each pins about a kilobyte of the kernel's memory, which counts as the project's."""
LEFT_OUT: Final = frozenset({"node_modules", ".git"})
_UNDER_WAY: Final = frozenset({"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"})
HINTS: Final = _UNDER_WAY | {"HEAD", "index", "COMMIT_EDITMSG", "FETCH_HEAD", "ORIG_HEAD", "packed-refs"}
"""What tells in .git that a commit, a checkout, a staging or a fetch has happened, or that a merge began or ended."""
HALF_SAVED: Final = ".hutch-tmp-"
"""Begins the names of files that the server is saving; the save itself is told under the file's own name."""
SOON: Final = 0.1
LATER: Final = 0.2
"""Seconds in which changes are gathered: the first ones for a short while, those that go on for longer."""
CALM: Final = 1.0
MOST_PATHS: Final = 100
MOST_CHARACTERS: Final = 32 * 1024
"""All paths of a batch: each may take six bytes as JSON, and a frame has 256 KiB."""
TRY_AGAIN: Final = 60.0
"""Seconds until a limit that was met is tried again."""
SLICE: Final = 0.004
"""Seconds of looking at folders before what is typed is served."""

_EVENT: Final = struct.Struct("iIII")
_OVERFLOW, _IGNORED, _IS_FOLDER = 0x4000, 0x8000, 0x40000000
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
_ONLY_FOLDERS = 0x01000000
_MASK: Final = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDERS
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIMITS: Final = {
    errno.ENOSPC: "the kernel watches no more folders for this user (fs.inotify.max_user_watches)",
    errno.EMFILE: "the kernel has no more watchers for this user (fs.inotify.max_user_instances)",
}

_END: Final = object()
_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Folder:
    """A folder that is watched or soon will be. Its path is known by its parents, so that a move costs nothing."""

    __slots__ = ("parent", "name", "children", "watch", "gone", "new")

    def __init__(self, parent: "_Folder | None", name: str, new: bool) -> None:
        self.parent = parent
        self.name = name
        self.children: dict[str, _Folder] = {}
        self.watch: int | None = None
        self.gone = False
        self.new = new

    @property
    def names(self) -> list[str]:
        """The parts of its path."""
        names, folder = [], self
        while folder.parent:
            names.append(folder.name)
            folder = folder.parent
        return names[::-1]


class Watcher:
    """Watches the folder `root` from `start` on.

    `tell` gets the changed paths, at most `MOST_PATHS`, with "" for "anything may have changed"; `changed` is called
    when `live` or `detail` did.
    """

    def __init__(self, loop: Loop, root: str, tell: Callable[[list[str]], None], changed: Callable[[], None]) -> None:
        self.live = False
        self.detail: str | None = None
        self._loop = loop
        self._root = root
        self._tell = tell
        self._changed = changed
        self._fd: int | None = None
        self._folders: dict[int, _Folder] = {}
        self._waiting: deque[_Folder] = deque()
        self._walking: Generator[None] | None = None
        self._limit: str | None = None
        self._missed = False
        self._paths: dict[str, None] = {}
        self._whole: set[str] = set()
        self._length = 0
        self._timer: Timer | None = None
        self._told_at = 0.0
        self._retry: Timer | None = None

    def start(self) -> None:
        """Watch everything; again from the beginning when called again."""
        if self._walking:
            self._walking.close()
        if self._fd is not None:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
        self._fd, self._walking, self._limit = None, None, None
        self._folders.clear()
        self._waiting.clear()
        fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            self._limited(ctypes.get_errno())
            self._settle()
            return
        self._fd = fd
        self._loop.watch_read(fd, self._read)
        self._look_at(_Folder(None, "", new=False))

    # ---- finding the folders

    def _look_at(self, folder: _Folder) -> None:
        self._waiting.append(folder)
        if self._walking is None:
            walking = self._walking = self._walk()
            self._loop.call_soon(lambda: self._step(walking))

    def _step(self, walking: Generator[None]) -> None:
        until = time.monotonic() + SLICE
        while self._walking is walking:
            if next(walking, _END) is _END:
                self._walking = None
                self._settle()
            elif time.monotonic() > until:
                self._loop.call_soon(lambda: self._step(walking))
                return

    def _walk(self) -> Generator[None]:
        """Watch the waiting folders and all below them, a little at a time."""
        while self._waiting:
            yield
            folder = self._waiting.popleft()
            if folder.gone or self._limit:
                continue
            try:
                fd = self._open(folder)
            except OSError:
                # Gone or replaced in between, which is told by its parent; or not for the project's user to read.
                continue
            try:
                if self._add(folder, fd) and not _is_top_git(folder):
                    for number, entry in enumerate(os.scandir(fd)):
                        if number % 64 == 0:
                            yield
                        if folder.gone or self._limit:
                            break
                        if entry.is_dir(follow_symlinks=False):
                            self._found(folder, entry.name, new=folder.new)
            except OSError:
                continue
            finally:
                os.close(fd)

    def _open(self, folder: _Folder) -> int:
        """The folder as it is reached from the root over no link."""
        fd = os.open(self._root, _OPEN & ~os.O_NOFOLLOW)
        for name in folder.names:
            above = fd
            try:
                fd = os.open(name, _OPEN, dir_fd=above)
            finally:
                os.close(above)
        return fd

    def _add(self, folder: _Folder, fd: int) -> bool:
        # By descriptor, so that what is watched is what was opened.
        watch = _libc.inotify_add_watch(self._fd, f"/proc/self/fd/{fd}".encode(), _MASK)
        if watch < 0:
            self._limited(ctypes.get_errno())
            return False
        if (known := self._folders.get(watch)) and known is not folder:
            # It was moved here, and the events that say so are still to be read.
            self._detach(known)
        folder.watch = watch
        self._folders[watch] = folder
        if folder.new:
            # What was put into it before it was watched was told to nobody.
            self._note("/".join(folder.names))
        return True

    def _found(self, parent: _Folder, name: str, *, new: bool) -> None:
        if self._limit or name in parent.children or (name in LEFT_OUT and (parent.parent or name != ".git")):
            return
        if len(self._folders) + len(self._waiting) >= MOST_WATCHES:
            self._limit = f"the project has more than {MOST_WATCHES} folders"
        else:
            folder = parent.children[name] = _Folder(parent, name, new)
            self._look_at(folder)

    def _limited(self, number: int) -> None:
        self._limit = _LIMITS.get(number) or f"the folders can't be watched: {os.strerror(number).lower()}"

    def _settle(self) -> None:
        """All folders were looked at."""
        if self._missed:
            self._missed = False
            self._note("")
        live, detail = self._limit is None, self._limit
        if self._retry:
            self._retry.cancel()
        self._retry = self._loop.call_later(TRY_AGAIN, self.start) if detail else None
        if (live, detail) != (self.live, self.detail):
            self.live, self.detail = live, detail
            self._changed()

    # ---- what the kernel tells

    def _read(self) -> None:
        assert self._fd is not None
        try:
            data = os.read(self._fd, 64 * 1024)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
            if mask & _OVERFLOW:
                self._missed = True
                self.start()
                return
            if folder := self._folders.get(watch):
                self._take(folder, mask, name)

    def _take(self, folder: _Folder, mask: int, name: str) -> None:
        if mask & _IGNORED:
            # Deleted, which its parent tells; only the root has none.
            self._forget(folder)
        if not name or name.startswith(HALF_SAVED) or (_is_top_git(folder) and name not in HINTS):
            return
        self._note("/".join([*folder.names, name]))
        if mask & _IS_FOLDER:
            if mask & (_MOVED_FROM | _DELETE) and (child := folder.children.get(name)):
                self._forget(child)
            elif mask & (_CREATE | _MOVED_TO | _ATTRIB):
                self._found(folder, name, new=True)

    def _forget(self, folder: _Folder) -> None:
        """End the watches of a folder and all below it."""
        self._detach(folder)
        below = [folder]
        while below:
            folder = below.pop()
            folder.gone = True
            below += folder.children.values()
            if folder.watch is not None and self._folders.get(folder.watch) is folder:
                del self._folders[folder.watch]
                _libc.inotify_rm_watch(self._fd, folder.watch)

    def _detach(self, folder: _Folder) -> None:
        if folder.parent and folder.parent.children.get(folder.name) is folder:
            del folder.parent.children[folder.name]

    # ---- telling

    def _note(self, path: str) -> None:
        if path not in self._paths and self._whole.isdisjoint(("", path.rpartition("/")[0])):
            self._paths[path] = None
            self._length += len(path)
            if self._too_many():
                # Their folders stand for them.
                self._whole |= {path.rpartition("/")[0] for path in self._paths}
                self._paths, self._length = {}, sum(map(len, self._whole))
                if self._too_many() or "" in self._whole:
                    self._whole, self._length = {""}, 0
        if self._timer is None:
            calm = time.monotonic() - self._told_at > CALM
            self._timer = self._loop.call_later(SOON if calm else LATER, self._send)

    def _too_many(self) -> bool:
        return len(self._paths) + len(self._whole) > MOST_PATHS or self._length > MOST_CHARACTERS

    def _send(self) -> None:
        paths = [*self._whole, *self._paths]
        self._paths, self._whole, self._length, self._timer = {}, set(), 0, None
        self._told_at = time.monotonic()
        self._tell(paths)


def _is_top_git(folder: _Folder) -> bool:
    return folder.name == ".git"
