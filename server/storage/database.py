"""What the server remembers besides files: projects and sessions, in SQLite.

The URL is the one thing that names the engine, so that another can take its place. Every query is one short
transaction; SQLite's log is synced before a change is acknowledged. Times go in and come out aware, in UTC.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Row,
    String,
    Table,
    TypeDecorator,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.errors import StorageFull, Unavailable
from server.models import Project, ProjectId

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT = 5000
"""Milliseconds to wait for another process's write: more than any transaction of ours takes."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite has no zone to keep."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()

PROJECTS = Table(
    "projects",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("template", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    # The SHA-256 of a random 256-bit token, in hex: who reads the table still has no session.
    Column("id_hash", String(64), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("last_seen_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class Session:
    """A signed-in browser. `id_hash` is the SHA-256 of its token, in hex."""

    id_hash: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime


def sqlite_url(path: Path) -> str:
    """The URL of the database in the file `path`."""
    return f"sqlite+aiosqlite:///{path}"


class Database:
    """One pool of connections and the queries on it. `open` before use, `close` after; queries are safe to cancel.

    Every query raises StorageFull when the disk is, and Unavailable when the file can't be read or written.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine: AsyncEngine | None = None
        self.projects = ProjectTable(self)
        self.sessions = SessionTable(self)

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises Unavailable when a newer Hutch has written the database."""
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            try:
                await asyncio.to_thread(_create_sqlite, Path(self._url.database))
            except sqlite3.DatabaseError as error:
                raise _explained(str(error)) from error
        self._engine = create_async_engine(self._url)
        if self._url.get_backend_name() == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        try:
            async with self.transaction(immediate=True) as connection:
                await connection.run_sync(_migrate)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of every connection. Safe to call again."""
        engine, self._engine = self._engine, None
        if engine:
            await engine.dispose()

    async def check_writable(self) -> None:
        """Raises Unavailable or StorageFull when nothing can be written just now."""
        async with self.transaction(immediate=True) as connection:
            await connection.rollback()

    @asynccontextmanager
    async def transaction(self, *, immediate: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end and rolled back on an error; `immediate` takes the write lock at once."""
        if self._engine is None:
            raise RuntimeError("the database is not open")
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(hutch_immediate=immediate)
                async with connection.begin():
                    yield connection
        except DatabaseError as error:
            # Its other subclasses are about the statement: a duplicate, or a mistake of ours.
            if type(error) not in (DatabaseError, OperationalError):
                raise
            raise _explained(str(error.orig)) from error


class ProjectTable:
    """The projects. An id is the primary key; adding one twice raises sqlalchemy's IntegrityError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, project: Project) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(PROJECTS).values(
                    id=project.id, name=project.name, template=project.template, created_at=project.created_at
                )
            )

    async def get(self, id: ProjectId) -> Project | None:
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(PROJECTS).where(PROJECTS.c.id == id))).one_or_none()
        return _project(row) if row else None

    async def list(self) -> list[Project]:
        """All projects, newest first."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(PROJECTS).order_by(PROJECTS.c.created_at.desc(), PROJECTS.c.id))
        return [_project(row) for row in rows]

    async def count(self) -> int:
        async with self._database.transaction() as connection:
            return (await connection.execute(select(func.count()).select_from(PROJECTS))).scalar_one()

    async def rename(self, id: ProjectId, name: str) -> bool:
        """Whether there was such a project."""
        async with self._database.transaction() as connection:
            result = await connection.execute(update(PROJECTS).where(PROJECTS.c.id == id).values(name=name))
        return bool(result.rowcount)

    async def delete(self, id: ProjectId) -> bool:
        """Whether there was such a project."""
        async with self._database.transaction() as connection:
            result = await connection.execute(delete(PROJECTS).where(PROJECTS.c.id == id))
        return bool(result.rowcount)


class SessionTable:
    """The sessions. Whether one has expired is for the caller to judge: `get` returns it all the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(SESSIONS).values(
                    id_hash=session.id_hash,
                    created_at=session.created_at,
                    expires_at=session.expires_at,
                    last_seen_at=session.last_seen_at,
                )
            )

    async def get(self, id_hash: str) -> Session | None:
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(SESSIONS).where(SESSIONS.c.id_hash == id_hash))).one_or_none()
        return Session(row.id_hash, row.created_at, row.expires_at, row.last_seen_at) if row else None

    async def touch(self, id_hash: str, *, seen_at: datetime, expires_at: datetime) -> None:
        """Note a use. A session deleted meanwhile stays deleted."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(SESSIONS)
                .where(SESSIONS.c.id_hash == id_hash)
                .values(last_seen_at=seen_at, expires_at=expires_at)
            )

    async def delete(self, id_hash: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.id_hash == id_hash))

    async def delete_expired(self, now: datetime) -> int:
        """How many had expired by `now`."""
        async with self._database.transaction() as connection:
            result = await connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at <= now))
        return result.rowcount

    async def delete_all(self) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(SESSIONS))


def _project(row: Row[Any]) -> Project:
    return Project(ProjectId(row.id), row.name, row.template, row.created_at)


def _create_sqlite(path: Path) -> None:
    """Make the file, for its owner alone, with a log that readers need not wait for."""
    # SQLite gives its log the permissions of the database, so that setting them once is enough.
    path.touch(mode=0o600)
    deadline = time.monotonic() + BUSY_TIMEOUT / 1000
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Two that switch at once would wait for each other for ever, so SQLite fails one of them at once.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Without this the driver begins transactions by its own rules, and changes to the schema would not be part of one.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {BUSY_TIMEOUT}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("hutch_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Unavailable(
            "the database was written by a newer version of Hutch; update Hutch, or start it with another data folder"
        ) from error


def _explained(reason: str) -> StorageFull | Unavailable:
    if "full" in reason:
        return StorageFull("the disk of the database is full; free some space and try again")
    if "locked" in reason:
        return Unavailable("the database is busy with another process; try again in a moment")
    return Unavailable("the database can't be read or written; see the server's log and the data folder's permissions")
