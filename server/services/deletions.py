"""Deletions that can be taken back: what is deleted so goes into the server's trash, and comes back from there.

Cancelling any method is safe: what a thread has begun it ends or undoes.
"""

import os
from collections.abc import Sequence

from server.errors import Invalid
from server.models import ProjectId
from server.services.documents import Documents
from server.storage import paths, roots, trash
from server.storage.trash import Deletion, Trash

__all__ = ["Deletion", "Deletions"]


class Deletions:
    """The deletions of all projects."""

    def __init__(self, documents: Documents, kept: Trash) -> None:
        self._documents = documents
        self._trash = kept

    async def delete(self, id: ProjectId, wanted: Sequence[str]) -> Deletion:
        """Delete files, links, and folders with all they hold: all of them or, where an error is raised, none.

        Raises TooLarge, StorageFull or Conflict with the reason "not-kept" for what could not be taken back.
        """
        if not wanted:
            raise Invalid("paths must name what to delete", field="paths")
        places = [paths.parse_entry(path) for path in wanted]
        folder, lane = self._documents.folder(id), self._documents.lane(id)

        def work() -> Deletion:
            with roots.opened(folder) as root:
                size, status = trash.measure(root, places), os.fstat(root)
            deletion = self._trash.begin(id, (status.st_uid, status.st_gid), places, size)
            try:
                with roots.closing(self._trash.open(deletion)) as kept, roots.opened(folder) as root, lane.lock:
                    trash.discard(root, places, kept)
            except BaseException:
                self._trash.settle(id, deletion.id)
                raise
            self._trash.trim(id)
            return deletion

        return await lane.run(work)

    async def all(self, id: ProjectId) -> list[Deletion]:
        """Those that can be taken back, newest first."""
        return await self._documents.lane(id).run(lambda: self._trash.all(id))

    async def restore(self, id: ProjectId, deletion: str) -> Deletion:
        """Put everything back where it was. Raises NotFound, Conflict when a place is taken."""
        folder, lane = self._documents.folder(id), self._documents.lane(id)

        def work() -> Deletion:
            with self._trash.held(id, deletion) as (found, kept), roots.opened(folder) as root, lane.lock:
                trash.put_back(root, found, kept)
            self._trash.settle(id, deletion)
            return found

        return await lane.run(work)
