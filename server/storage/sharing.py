"""What the database remembers of who sees a project's ports besides its own people."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from server.models import ProjectId, Visibility
from server.storage.database import METADATA, Database

PORTS = Table(
    "ports",
    METADATA,
    Column("project_id", String(32), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("port", Integer, primary_key=True),
    Column("visibility", String(16), nullable=False),
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
