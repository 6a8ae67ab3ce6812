"""Files that come in pieces, over as many requests as it takes: a broken connection costs one piece at most.

What has come is beside the file's place already, unseen, so that the end is a rename however large the file is. It is
forgotten when nobody goes on with it, and when the server ends: a program then begins again.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Final

from server.errors import Conflict, Invalid, NotFound, TooLarge, TooMany
from server.models import ProjectId
from server.services.documents import Documents, OpenSave, Require, Saved, gathered

MOST_SIZE: Final = 64 * 1024**3
MOST_OPEN: Final = 16
"""Uploads of one project that are under way: each holds two descriptors."""
IDLE: Final = 3600.0
"""Seconds without a piece after which an upload is forgotten."""


@dataclass
class Upload:
    """An upload under way. `offset` is how many bytes of `size` have come."""

    id: str
    project: ProjectId
    path: str
    size: int
    used_at: float
    save: OpenSave
    offset: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    turn: int = 0


class Uploads:
    """The uploads of all projects. `clock` gives seconds. Cancelling any method is safe: what has come stays."""

    def __init__(self, documents: Documents, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._clock = clock
        self._uploads: dict[str, Upload] = {}

    async def begin(self, id: ProjectId, path: str, size: int, require: Require) -> Upload:
        """An upload of `size` bytes to `path`. Raises what a save raises, and TooMany."""
        if size > MOST_SIZE:
            raise TooLarge(f"a file may have at most {MOST_SIZE} bytes")
        await self._forget_idle()
        if sum(upload.project == id for upload in self._uploads.values()) >= MOST_OPEN:
            raise TooMany(f"{MOST_OPEN} uploads are under way already: finish or cancel one first")
        save = await self._documents.begin_save(id, path, require)
        upload = Upload(secrets.token_hex(8), id, path, size, self._clock(), save)
        self._uploads[upload.id] = upload
        return upload

    def find(self, id: ProjectId, upload: str) -> Upload:
        """Raises NotFound, also for one that has ended."""
        found = self._uploads.get(upload)
        if found is None or found.project != id:
            raise NotFound("there is no such upload: it has ended, or the server was restarted; begin again")
        return found

    async def append(self, upload: Upload, offset: int, content: AsyncIterable[bytes]) -> Saved | None:
        """Add `content`, whose first byte is byte `offset` of the file. The save, once all bytes have come.

        Takes the upload over from a request that still waits for its next byte. Raises Conflict when `offset` is not
        the upload's, StorageFull, and for the last piece PreconditionFailed, which ends the upload.
        """
        upload.turn += 1
        turn = upload.turn
        async with upload.lock:
            if offset != upload.offset:
                raise Conflict(f"the next byte is number {upload.offset}, not {offset}", offset=upload.offset)
        async for piece in gathered(content, upload.size - offset):
            async with upload.lock:
                if upload.turn != turn:
                    raise Conflict("another request goes on with this upload", offset=upload.offset)
                await upload.save.write(piece)
                upload.offset += len(piece)
                upload.used_at = self._clock()
        async with upload.lock:
            if upload.offset < upload.size or upload.turn != turn:
                return None
            self._uploads.pop(upload.id, None)
            try:
                return await upload.save.commit()
            finally:
                await upload.save.abandon()

    async def cancel(self, upload: Upload) -> None:
        """Forget what has come."""
        self._uploads.pop(upload.id, None)
        async with upload.lock:
            upload.turn += 1
            await upload.save.abandon()

    async def _forget_idle(self) -> None:
        before = self._clock() - IDLE
        for upload in [upload for upload in self._uploads.values() if upload.used_at < before]:
            await self.cancel(upload)


def parse_size(value: object) -> int:
    """A number of bytes. Raises Invalid."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid("size must be the number of the file's bytes", field="size")
    return value
