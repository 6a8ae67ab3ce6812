"""Files that come in pieces, over as many requests as it takes: a broken connection costs one piece at most.

What has come lies unseen beside the projects, so that the end is a rename however large the file is. All that is known
of an upload lies there too: the next server goes on with it, and so does a page that was loaded again.
"""

import asyncio
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from server.errors import Conflict, Invalid, PreconditionFailed, TooLarge
from server.models import ProjectId
from server.services.documents import Documents, Require, Saved, gathered
from server.storage import paths, roots
from server.storage.unfinished import Content, Unfinished, Upload

__all__ = ["Upload", "Uploads", "parse_size"]

MOST_SIZE: Final = 64 * 1024**3


@dataclass(eq=False)
class _Turns:
    """The requests that are at one upload. The latest goes on with it; `lock` keeps them from doing so together."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    latest: int = 0

    def take(self) -> int:
        self.latest += 1
        return self.latest

    def check(self, mine: int) -> None:
        if mine != self.latest:
            raise Conflict("another request goes on with this upload")


class Uploads:
    """The uploads of all projects. Cancelling any method is safe: what has come stays."""

    def __init__(self, documents: Documents, unfinished: Unfinished) -> None:
        self._documents = documents
        self._unfinished = unfinished
        self._turns: WeakValueDictionary[str, _Turns] = WeakValueDictionary()

    async def begin(
        self, id: ProjectId, path: str, size: int, conditions: Mapping[str, str], require: Require
    ) -> Upload:
        """An upload of `size` bytes to `path`, with the conditions that `require` judges by.

        Raises what a save raises, and TooMany.
        """
        if size > MOST_SIZE:
            raise TooLarge(f"a file may have at most {MOST_SIZE} bytes")
        # What would refuse the save is told before a byte is sent.
        save = await self._documents.begin_save(id, path, require)
        await save.abandon()
        folder = self._documents.folder(id)

        def work() -> Upload:
            with roots.telling(paths.parse_entry(path)):
                status = folder.stat()
                return self._unfinished.begin(id, (status.st_uid, status.st_gid), path, size, conditions)

        return await self._documents.lane(id).run(work)

    async def find(self, id: ProjectId, upload: str) -> Upload:
        """Raises NotFound, also for one that has ended."""
        return await self._documents.lane(id).run(lambda: self._unfinished.find(id, upload))

    async def append(
        self, upload: Upload, offset: int, content: AsyncIterable[bytes], require: Require
    ) -> Saved | Upload:
        """Add `content`, whose first byte is byte `offset` of the file. The save, once all bytes have come.

        Takes the upload over from a request that still waits for its next byte. Raises Conflict when `offset` is not
        the upload's, StorageFull, and for the last piece PreconditionFailed, which ends the upload.
        """
        turns, lane = self._turns_of(upload), self._documents.lane(upload.project)
        mine = turns.take()
        async with turns.lock:
            file = await lane.run(partial(self._open, upload), Content.close)
        try:
            if offset != file.size:
                raise Conflict(f"the next byte is number {file.size}, not {offset}", offset=file.size)
            async for piece in gathered(content, upload.size - offset):
                async with turns.lock:
                    turns.check(mine)
                    await lane.run(partial(_add, upload, file, piece))
            async with turns.lock:
                turns.check(mine)
                if file.size < upload.size:
                    return replace(upload, offset=file.size)
                return await self._finish(upload, file, require)
        finally:
            await lane.finish(file.close)

    async def cancel(self, upload: Upload) -> None:
        """Forget what has come."""
        turns = self._turns_of(upload)
        turns.take()
        async with turns.lock:
            await self._remove(upload)

    def _open(self, upload: Upload) -> Content:
        with roots.telling(paths.parse_entry(upload.path)):
            return self._unfinished.open(upload.project, upload.id)

    async def _finish(self, upload: Upload, file: Content, require: Require) -> Saved:
        try:
            save = await self._documents.begin_save(upload.project, upload.path, require)
            try:
                await save.take(file)
                saved = await save.commit()
            finally:
                await save.abandon()
        except PreconditionFailed:
            await self._remove(upload)
            raise
        await self._remove(upload)
        return saved

    async def _remove(self, upload: Upload) -> None:
        await self._documents.lane(upload.project).run(lambda: self._unfinished.remove(upload.project, upload.id))

    def _turns_of(self, upload: Upload) -> _Turns:
        return self._turns.setdefault(upload.id, _Turns())


def _add(upload: Upload, file: Content, piece: bytes) -> None:
    with roots.telling(paths.parse_entry(upload.path)):
        file.add(piece)


def parse_size(value: object) -> int:
    """A number of bytes. Raises Invalid."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid("size must be the number of the file's bytes", field="size")
    return value
