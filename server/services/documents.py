"""The files of every project, on the host's side: what the editor and the API do, running container or not.

A project's folder belongs to the project's processes, which may change it under any call. All work is done in threads,
a few for each project. Paths are text as `server.storage.paths` describes it; every method that takes one raises
BadRequest for what is no path, NotFound, Conflict, Forbidden or StorageFull with a sentence for the person. Cancelling
is safe: what a thread has begun it ends or undoes.
"""

import asyncio
import os
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import IO, Final, TypeVar

from server.errors import Conflict, NotFound, TooLarge
from server.models import PROJECT_ID, Hit, Pattern, ProjectId
from server.services.threads import MOST_THREADS, Lane
from server.storage import archives, beneath, files, paths, roots, walking
from server.storage.archives import Imported, Packing
from server.storage.files import Require
from server.storage.history import MOST_BYTES as MOST_VERSION, History, Version
from server.storage.roots import Entry
from server.storage.saving import Saved, Saving
from server.storage.searching import Matcher, Searching
from server.storage.trash import Trash
from server.storage.unfinished import Content, Unfinished

__all__ = [
    "MOST_UPLOAD",
    "Documents",
    "Entry",
    "Imported",
    "OpenDocument",
    "OpenSave",
    "Require",
    "Saved",
    "anything",
    "gathered",
]

T = TypeVar("T")

MOST_UPLOAD: Final = 1024**3
PIECE: Final = 256 * 1024
"""Bytes handed to or from a thread at once."""
_MOST_READ: Final = 16 * 1024**2


def anything(_: Entry | None) -> bool:
    """The `Require` of a change that may always go on."""
    return True


class OpenDocument:
    """A file open for reading: the content of `entry`'s version, whatever is saved meanwhile. Close it."""

    def __init__(self, descriptor: int, entry: Entry, lane: Lane) -> None:
        self._descriptor = descriptor
        self._lane = lane
        self._lock = threading.Lock()
        self.entry = entry

    async def pieces(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to `end`, in pieces. Raises Conflict when the file gets shorter meanwhile."""
        end = self.entry.size if end is None else end
        while start < end:
            piece = await self.read(start, min(end - start, PIECE))
            if not piece:
                raise Conflict(f"{paths.shown(self.entry.path)} was cut off while it was read")
            yield piece
            start += len(piece)

    async def read(self, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; none at the end, or after `close`."""
        return await self._lane.run(lambda: self._read(start, size))

    async def examine(self, start: int, size: int, look: Callable[[bytes], T]) -> T:
        """What `look`, which is called in the thread, makes of at most `size` bytes from `start` on."""
        return await self._lane.run(lambda: look(self._read(start, size)))

    async def close(self) -> None:
        """Let go of the file, once no thread reads it. Does nothing the second time."""
        await self._lane.finish(self._close)

    def _read(self, start: int, size: int) -> bytes:
        with self._lock:
            return os.pread(self._descriptor, size, start) if self._descriptor >= 0 else b""

    def _close(self) -> None:
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


class OpenSave:
    """A save whose content comes bit by bit, and of which nobody sees anything before `commit`. End it, either way."""

    def __init__(self, saving: Saving, lane: Lane, commit: Callable[[], Awaitable[Saved]]) -> None:
        self._saving = saving
        self._lane = lane
        self._commit = commit

    async def write(self, piece: bytes) -> None:
        """Add to the content. Raises StorageFull; the file is as it was."""
        await self._lane.run(lambda: self._saving.write(piece))

    async def take(self, content: Content) -> None:
        """Have what came of an upload as the content. Raises StorageFull; the file is as it was."""
        await self._lane.run(lambda: content.give(self._saving.take))

    async def commit(self) -> Saved:
        """Put the content in the file's place, durably. Raises PreconditionFailed; nothing is changed then."""
        return await self._commit()

    async def abandon(self) -> None:
        """Forget the content. Does nothing after the end."""
        await self._lane.finish(self._saving.abandon)


class Documents:
    """Files of the projects in `workspaces_root`, which the server owns and no project can write.

    `owner` is the uid and gid that new projects' folders get when the server is root; that of `workspaces_root` when
    None. Whatever is made in a project later belongs to the owner of its folder. `history` keeps what is saved,
    `unfinished` what is being uploaded, `trash` what was deleted; all lose what was a project's when that is removed.
    Raises `beneath.Unsupported` on a machine where files can't be opened safely.
    """

    def __init__(
        self,
        workspaces_root: Path,
        *,
        owner: tuple[int, int] | None = None,
        history: History | None = None,
        unfinished: Unfinished | None = None,
        trash: Trash | None = None,
    ) -> None:
        beneath.require()
        self._history = history
        self._unfinished = unfinished
        self._trash = trash
        self._root = workspaces_root
        self._owner = owner
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="files")
        self._lanes: dict[ProjectId, Lane] = {}
        self._beginning = threading.Lock()

    def folder(self, id: ProjectId) -> Path:
        """Where the project's files are, whether or not there are any. Raises NotFound for what can't be an id."""
        if not PROJECT_ID.fullmatch(id):
            raise NotFound("there is no such project")
        return self._root / id

    # ---- whole projects

    async def create(self, id: ProjectId, files: Mapping[str, bytes]) -> None:
        """A new project with these files, on the disk whole or not at all. Raises Conflict when the folder exists."""
        folder = self.folder(id)
        content = {paths.parse_entry(path): value for path, value in files.items()}
        await self.lane(id).run(lambda: self._create(folder, content))

    async def remove(self, id: ProjectId) -> None:
        """Delete all the project's files, as whomever the server is. Does nothing when there are none."""
        folder = self.folder(id)
        for beside in (self._unfinished, self._trash):
            if beside:
                await self.lane(id).run(partial(beside.remove_all, id))
        await self.lane(id).run(lambda: self._remove(folder))
        if history := self._history:
            await self.lane(id).run(lambda: history.remove(id))
        self._lanes.pop(id, None)

    async def usage(self, id: ProjectId) -> int:
        """Bytes that the files take on the disk; a lower bound for more than a million files or ten seconds' look."""
        return await self._do(id, walking.usage)

    # ---- looking and reading

    async def tree(self, id: ProjectId, path: str = "", depth: int = 1) -> list[Entry]:
        """What is below the folder `path`, `depth` levels deep. Raises TooLarge when that is too much."""
        place = paths.parse(path)
        return await self._do(id, lambda root: walking.tree(root, place, depth))

    async def stat(self, id: ProjectId, path: str) -> Entry:
        """What is at `path`; links that stay inside the project are followed."""
        place = paths.parse(path)
        return await self._do(id, lambda root: files.look(root, place))

    async def present(self, id: ProjectId, wanted: Iterable[str]) -> set[str]:
        """Those of the paths at which there is a regular file."""
        places = {path: paths.parse_entry(path) for path in wanted}

        def work(root: int) -> set[str]:
            return {path for path, place in places.items() if files.is_file(root, place)}

        return await self._do(id, work)

    async def open(self, id: ProjectId, path: str) -> OpenDocument:
        """The regular file at `path`. The caller closes it. Raises Conflict for a folder or a special file."""
        place, lane = paths.parse_entry(path), self.lane(id)
        descriptor, entry = await self._do(
            id, lambda root: files.open_file(root, place), dispose=lambda opened: os.close(opened[0])
        )
        return OpenDocument(descriptor, entry, lane)

    async def read(self, id: ProjectId, path: str, most: int = _MOST_READ) -> bytes:
        """The whole content of a file. Raises TooLarge when it has more than `most` bytes."""
        document = await self.open(id, path)
        try:
            if document.entry.size > most:
                raise TooLarge(f"{paths.shown(document.entry.path)} has more than {most} bytes")
            return b"".join([piece async for piece in document.pieces()])
        finally:
            await document.close()

    # ---- changing

    async def write(self, id: ProjectId, path: str, content: bytes, require: Require = anything) -> Saved:
        """Save `content` as the file at `path`, making folders above it. Raises PreconditionFailed."""

        async def once() -> AsyncIterator[bytes]:
            yield content

        return await self.save(id, path, once(), require, most=len(content))

    async def save(
        self,
        id: ProjectId,
        path: str,
        content: AsyncIterable[bytes],
        require: Require = anything,
        *,
        most: int = MOST_UPLOAD,
    ) -> Saved:
        """Save what comes as the file at `path`; it is on the disk, whole, when this returns.

        `require` decides by the file's version, before anything is taken and again at the end. Raises
        PreconditionFailed, TooLarge after `most` bytes; nothing is changed then.
        """
        save = await self.begin_save(id, path, require)
        try:
            async for piece in gathered(content, most):
                await save.write(piece)
            return await save.commit()
        except BaseException:
            await save.abandon()
            raise

    async def begin_save(self, id: ProjectId, path: str, require: Require = anything) -> OpenSave:
        """A save whose content is still to come; the caller ends it. Raises PreconditionFailed."""
        place = paths.parse_entry(path)
        saving = await self._do(id, lambda root: Saving(root, place, require), dispose=Saving.abandon)
        lane = self.lane(id)
        return OpenSave(saving, lane, lambda: self._commit(id, place, saving))

    async def _commit(self, id: ProjectId, place: bytes, saving: Saving) -> Saved:
        lane, history = self.lane(id), self._history
        if history is None:
            return await self._do(id, lambda _: saving.commit(lane.lock))

        def work(_: int) -> tuple[Saved, tuple[bytes | None, bytes | None]]:
            # Before, for afterwards the old content is gone.
            contents = saving.contents(MOST_VERSION)
            return saving.commit(lane.lock), contents

        saved, contents = await self._do(id, work)
        # Not as the project's owner, to whom the server's own folder is closed.
        await lane.run(lambda: history.keep(id, place, *contents))
        return saved

    async def versions(self, id: ProjectId, path: str) -> list[Version]:
        """The earlier versions of a file that saves have left, newest first; the file itself may be gone."""
        place, history = paths.parse_entry(path), self._history
        return await self.lane(id).run(lambda: history.versions(id, place) if history else [])

    async def version(self, id: ProjectId, path: str, version: str) -> bytes:
        """The content of one of them. Raises NotFound."""
        place, history = paths.parse_entry(path), self._history
        if history is None:
            raise NotFound("no versions are kept")
        return await self.lane(id).run(lambda: history.read(id, place, version))

    async def delete(self, id: ProjectId, path: str, require: Require = anything) -> None:
        """Delete a file, a link, or a folder with all it holds. Raises PreconditionFailed."""
        place = paths.parse_entry(path)
        await self._change(id, lambda root: files.delete(root, place, require))

    async def make_folder(self, id: ProjectId, path: str) -> None:
        """A new folder, with those above it that are missing. Raises Conflict when something is there."""
        place = paths.parse_entry(path)
        await self._change(id, lambda root: files.make_folder(root, place))

    async def move(self, id: ProjectId, source: str, target: str) -> None:
        """Give a file or folder another path. Raises Conflict when that is taken."""
        old, new = paths.parse_entry(source), paths.parse_entry(target)
        await self._change(id, lambda root: files.move(root, old, new))

    async def copy(self, id: ProjectId, source: str, target: str) -> None:
        """Copy a file or a whole folder; it appears whole or not at all. Raises Conflict when the target exists."""
        old, new = paths.parse_entry(source), paths.parse_entry(target)
        await self._do(id, lambda root: files.copy(root, old, new))

    # ---- searching

    async def search(self, id: ProjectId, pattern: Pattern, seconds: float) -> AsyncGenerator[Hit, None]:
        """Lines in which `pattern` is found, without ripgrep. Close the iterator to end it early.

        Raises BadRequest for a wrong pattern, GatewayTimeout after `seconds`.
        """
        lane = self.lane(id)
        matcher = await lane.run(lambda: Matcher(pattern, seconds), dispose=Matcher.close)
        try:
            searching = await self._do(id, lambda root: Searching(root, pattern, matcher), dispose=Searching.close)
        except BaseException:
            await lane.finish(matcher.close)
            raise
        try:
            while (hits := await self._do(id, lambda _: searching.piece())) is not None:
                for hit in hits:
                    yield hit
        finally:
            await lane.finish(searching.close)

    # ---- archives

    async def archive(self, id: ProjectId, path: str = "") -> AsyncGenerator[bytes, None]:
        """A zip archive of all below the folder `path`, made as it is taken. Close the iterator to end it early."""
        place, lane = paths.parse(path), self.lane(id)
        packing = await self._do(id, lambda root: Packing(root, place), dispose=Packing.close)
        try:
            while piece := await self._do(id, lambda _: packing.piece()):
                yield piece
        finally:
            await lane.finish(packing.close)

    async def unpack(
        self,
        id: ProjectId,
        content: AsyncIterable[bytes],
        into: str = "",
        *,
        replace: bool = True,
        most: int = MOST_UPLOAD,
    ) -> Imported:
        """Unpack a zip archive into the folder `into`.

        Raises Invalid for an archive or an entry that can't be taken, TooLarge, Conflict for paths that are taken by
        another kind of thing, or by a file unless `replace`; nothing is changed then.
        """
        place, lane = paths.parse(into), self.lane(id)
        # Beside the projects, for it counts against the disk of the projects; without a name, so nothing stays behind.
        with await lane.run(lambda: tempfile.TemporaryFile(dir=self._root), dispose=_closed) as file:
            async for piece in gathered(content, most):
                await lane.run(partial(file.write, piece))
            return await self._do(id, lambda root: archives.unpack(root, place, file, replace=replace, lock=lane.lock))

    async def sweep(self) -> None:
        """Drop kept versions, unfinished uploads and deleted files that are too old, of all projects."""
        for kept in (self._history, self._unfinished, self._trash):
            if kept:
                await asyncio.to_thread(kept.sweep)

    def close(self) -> None:
        """Let go of the threads; what they have begun they end."""
        self._pool.shutdown(wait=False)

    # ---- how the work is done

    async def _do(self, id: ProjectId, work: Callable[[int], T], dispose: Callable[[T], None] | None = None) -> T:
        """Run `work` in a thread with the open folder of the project, as its owner."""
        folder = self.folder(id)

        def whole() -> T:
            with roots.opened(folder) as root:
                return work(root)

        return await self.lane(id).run(whole, dispose)

    async def _change(self, id: ProjectId, work: Callable[[int], T]) -> T:
        """The same, with no other change of the project's files from this server meanwhile."""
        lane = self.lane(id)

        def alone(root: int) -> T:
            with lane.lock:
                return work(root)

        return await self._do(id, alone)

    def lane(self, id: ProjectId) -> Lane:
        """The threads for what blocks on behalf of this project."""
        if id not in self._lanes:
            self._lanes[id] = Lane(self._pool)
        return self._lanes[id]

    # ---- in threads

    def _create(self, folder: Path, content: Mapping[bytes, bytes]) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        name, half_made = os.fsencode(folder.name), paths.temporary_name()
        with roots.telling(name), roots.closing(os.open(self._root, walking.FOLDER)) as parent:
            try:
                with roots.closing(self._begin(parent, half_made)) as root:
                    self._fill(root, self._owner or _owner_of(parent), content)
                    beneath.rename_new(parent, half_made, parent, name)
            except BaseException:
                with suppress(FileNotFoundError):
                    walking.remove(parent, half_made)
                raise
            os.fsync(parent)

    def _begin(self, parent: int, half_made: bytes) -> int:
        # One at a time: until it is held, a folder of that name looks to another's sweep like one that was left behind.
        with self._beginning:
            walking.sweep(parent)
            os.mkdir(half_made, 0o700, dir_fd=parent)
            root = os.open(half_made, walking.FOLDER, dir_fd=parent)
            walking.hold(root)
            return root

    def _fill(self, root: int, owner: tuple[int, int], content: Mapping[bytes, bytes]) -> None:
        if os.geteuid() == 0:
            os.fchown(root, *owner)
        with roots.acting_as(*owner):
            for path, value in content.items():
                saving = Saving(root, path, anything)
                try:
                    saving.write(value)
                    saving.commit(nullcontext())
                finally:
                    saving.abandon()

    def _remove(self, folder: Path) -> None:
        name, half_gone = os.fsencode(folder.name), paths.temporary_name()
        with suppress(FileNotFoundError), roots.closing(os.open(self._root, walking.FOLDER)) as parent:
            # By this name the next project's creation finds it, should the server die before all is deleted.
            os.rename(name, half_gone, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)
            walking.remove(parent, half_gone, most=sys.maxsize)


async def gathered(content: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces worth a thread's while. Raises TooLarge when there are more than `most`."""
    held: list[bytes] = []
    size = total = 0
    async for chunk in content:
        size, total = size + len(chunk), total + len(chunk)
        if total > most:
            raise TooLarge(f"at most {most} bytes are taken")
        held.append(chunk)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


def _owner_of(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_uid, status.st_gid


def _closed(file: IO[bytes]) -> None:
    file.close()
