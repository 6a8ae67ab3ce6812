"""What the database remembers of who sees a project's ports besides its own people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Row, String, Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from server.models import ProjectId, ShareLink, Visibility
from server.storage.database import METADATA, Database, UtcDateTime

PORTS = Table(
    "ports",
    METADATA,
    Column("project_id", String(32), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("port", Integer, primary_key=True),
    Column("visibility", String(16), nullable=False),
)

SHARE_LINKS = Table(
    "share_links",
    METADATA,
    Column("id", String(16), primary_key=True),
    # The SHA-256 of the random 256 bits in the link, in hex: who reads the table still can't open one.
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("project_id", String(32), ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("port", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)


class PortTable:
    """The ports that are not private. They go with their project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, project: ProjectId) -> dict[int, Visibility]:
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(PORTS).where(PORTS.c.project_id == project))
        return {row.port: Visibility(row.visibility) for row in rows}

    async def set(self, project: ProjectId, port: int, visibility: Visibility) -> bool:
        """Whether there is such a project."""
        try:
            async with self._database.transaction(immediate=True) as connection:
                await connection.execute(delete(PORTS).where(PORTS.c.project_id == project, PORTS.c.port == port))
                if visibility is not Visibility.PRIVATE:
                    await connection.execute(insert(PORTS).values(project_id=project, port=port, visibility=visibility))
        except IntegrityError:
            return False
        return True

    async def clear(self, project: ProjectId) -> None:
        """Make every port of the project private."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(PORTS).where(PORTS.c.project_id == project))


class ShareLinkTable:
    """The share links. Whether one has expired is for the caller to judge. They go with their project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, link: ShareLink, secret_hash: str) -> bool:
        """Whether there is such a project."""
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    insert(SHARE_LINKS).values(
                        id=link.id,
                        secret_hash=secret_hash,
                        project_id=link.project,
                        port=link.port,
                        created_at=link.created_at,
                        expires_at=link.expires_at,
                    )
                )
        except IntegrityError:
            return False
        return True

    async def get(self, id: str) -> ShareLink | None:
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(SHARE_LINKS).where(SHARE_LINKS.c.id == id))).one_or_none()
        return _link(row) if row else None

    async def find(self, secret_hash: str) -> ShareLink | None:
        query = select(SHARE_LINKS).where(SHARE_LINKS.c.secret_hash == secret_hash)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        return _link(row) if row else None

    async def of(self, project: ProjectId, port: int) -> list[ShareLink]:
        """Those of one port, newest first."""
        query = (
            select(SHARE_LINKS)
            .where(SHARE_LINKS.c.project_id == project, SHARE_LINKS.c.port == port)
            .order_by(SHARE_LINKS.c.created_at.desc(), SHARE_LINKS.c.id)
        )
        async with self._database.transaction() as connection:
            return [_link(row) for row in await connection.execute(query)]

    async def count(self, project: ProjectId, now: datetime) -> int:
        """How many of a project's are good at `now`."""
        query = select(func.count()).where(SHARE_LINKS.c.project_id == project, SHARE_LINKS.c.expires_at > now)
        async with self._database.transaction() as connection:
            return (await connection.execute(query)).scalar_one()

    async def delete(self, id: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(SHARE_LINKS).where(SHARE_LINKS.c.id == id))

    async def delete_expired(self, now: datetime) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(SHARE_LINKS).where(SHARE_LINKS.c.expires_at <= now))


def _link(row: Row[Any]) -> ShareLink:
    return ShareLink(row.id, ProjectId(row.project_id), row.port, row.created_at, row.expires_at)
