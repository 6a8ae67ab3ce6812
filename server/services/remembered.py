"""What a page remembers for its person: open tabs, sizes, colours. On the server, so that every browser has it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from server.errors import Invalid
from server.models import ProjectId
from server.storage.database import Database
from server.storage.remembered import RememberedTable

MOST_BYTES: Final = 64 * 1024
"""Of one document, as JSON."""
MOST_DEPTH: Final = 8
_KEY: Final = re.compile(r"[a-z][A-Za-z0-9.]{0,63}")


class Remembered:
    """Keeps a document for each project, and one for all pages (None). What the values mean only the pages know."""

    def __init__(self, database: Database) -> None:
        self._table = RememberedTable(database)

    async def get(self, project: ProjectId | None) -> dict[str, Any]:
        return await self._table.get(project)

    async def merge(self, project: ProjectId | None, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Set or, where the value is None, forget these keys. Returns the whole. Raises Invalid, TooLarge, NotFound."""
        for key, value in changes.items():
            if not _KEY.fullmatch(key):
                raise Invalid("a key has 1 to 64 letters, digits and dots, and begins with a small letter", field=key)
            if _depth(value) > MOST_DEPTH:
                raise Invalid(f"a value may be nested {MOST_DEPTH} levels deep at most", field=key)
        return await self._table.merge(project, changes, MOST_BYTES)


def _depth(value: object) -> int:
    """How deep it is nested, without going deeper than it takes to know that it is too deep."""
    level, depth = [value], 0
    while level and depth <= MOST_DEPTH:
        depth += 1
        below: list[object] = []
        for item in level:
            below += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        level = below
    return depth
