"""What the database remembers for pages: one JSON document a project, and one for all pages."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ForeignKey, String, Table, Text, delete, insert, select
from sqlalchemy.exc import IntegrityError

from server.errors import NotFound, TooLarge
from server.models import ProjectId
from server.storage.database import METADATA, Database

REMEMBERED = Table(
    "remembered",
    METADATA,
    # The project's id, or "" for what is no project's.
    Column("scope", String(32), primary_key=True),
    Column("project_id", String(32), ForeignKey("projects.id", ondelete="CASCADE"), nullable=True),
    Column("document", Text, nullable=False),
)


class RememberedTable:
    """The documents. A project's goes with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, project: ProjectId | None) -> dict[str, Any]:
        """The document; an empty one where nothing was remembered."""
        query = select(REMEMBERED.c.document).where(REMEMBERED.c.scope == (project or ""))
        async with self._database.transaction() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return _parsed(text)

    async def merge(self, project: ProjectId | None, changes: Mapping[str, Any], most: int) -> dict[str, Any]:
        """Set the keys of `changes`, or take them out where they are None. Returns the whole document.

        Raises TooLarge when it would have more than `most` bytes, NotFound when there is no such project.
        """
        scope = project or ""
        async with self._database.transaction(immediate=True) as connection:
            query = select(REMEMBERED.c.document).where(REMEMBERED.c.scope == scope)
            merged = _parsed((await connection.execute(query)).scalar_one_or_none()) | dict(changes)
            document = {key: value for key, value in merged.items() if value is not None}
            text = json.dumps(document, separators=(",", ":"))
            if len(text) > most:
                raise TooLarge(f"at most {most} bytes are remembered, this would make it {len(text)}")
            await connection.execute(delete(REMEMBERED).where(REMEMBERED.c.scope == scope))
            try:
                await connection.execute(insert(REMEMBERED).values(scope=scope, project_id=project, document=text))
            except IntegrityError:
                raise NotFound("there is no such project") from None
        return document


def _parsed(text: str | None) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
