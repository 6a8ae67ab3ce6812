import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from server.errors import StorageFull, Unavailable
from server.models import Project, ProjectId, Visibility
from server.storage.database import METADATA, Database, Session, sqlite_url
from server.storage.sharing import PortTable

NOW = datetime(2026, 11, 20, 12, 30, 15, 250_000, UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "hutch.db"))
    await database.open()
    yield database
    await database.close()


def project(id: str, created_at: datetime = NOW, name: str = "A name") -> Project:
    return Project(ProjectId(id), name, "node", created_at)


def session(id_hash: str, expires_at: datetime = NOW + timedelta(days=1)) -> Session:
    return Session(id_hash, NOW, expires_at, NOW)


async def test_projects_are_listed_newest_first(database: Database) -> None:
    await database.projects.add(project("older"))
    await database.projects.add(project("newer", NOW + timedelta(microseconds=1)))

    assert [item.id for item in await database.projects.list()] == ["newer", "older"]
    assert await database.projects.count() == 2


async def test_project_comes_back_as_it_was(database: Database) -> None:
    original = project("abcdef", name="Größe 🦫")
    await database.projects.add(original)

    assert await database.projects.get(original.id) == original
    assert await database.projects.get(ProjectId("unknown")) is None


async def test_times_are_utc_whatever_zone_they_came_in(database: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await database.projects.add(project("abcdef", elsewhere))

    found = await database.projects.get(ProjectId("abcdef"))
    assert found and found.created_at == NOW
    assert found.created_at.tzinfo is UTC


async def test_rename_and_delete_say_whether_it_existed(database: Database) -> None:
    await database.projects.add(project("abcdef"))

    assert await database.projects.rename(ProjectId("abcdef"), "Other")
    assert (await database.projects.list())[0].name == "Other"
    assert not await database.projects.rename(ProjectId("unknown"), "Other")
    assert await database.projects.delete(ProjectId("abcdef"))
    assert not await database.projects.delete(ProjectId("abcdef"))
    assert await database.projects.list() == []


async def test_an_id_is_taken_once(database: Database) -> None:
    await database.projects.add(project("abcdef", name="First"))
    with pytest.raises(IntegrityError):
        await database.projects.add(project("abcdef", name="Second"))

    assert [item.name for item in await database.projects.list()] == ["First"]


async def test_sessions_are_kept_touched_and_ended(database: Database) -> None:
    await database.sessions.add(session("a"))
    later = NOW + timedelta(hours=1)
    await database.sessions.touch("a", seen_at=later, expires_at=later + timedelta(days=1))

    assert await database.sessions.get("a") == Session("a", NOW, later + timedelta(days=1), later)
    await database.sessions.delete("a")
    assert await database.sessions.get("a") is None


async def test_a_touch_does_not_revive_a_session(database: Database) -> None:
    await database.sessions.touch("gone", seen_at=NOW, expires_at=NOW)
    assert await database.sessions.get("gone") is None


async def test_only_expired_sessions_are_deleted(database: Database) -> None:
    await database.sessions.add(session("past", NOW - timedelta(seconds=1)))
    await database.sessions.add(session("now", NOW))
    await database.sessions.add(session("future", NOW + timedelta(microseconds=1)))

    assert await database.sessions.delete_expired(NOW) == 2
    assert await database.sessions.get("future")
    await database.sessions.delete_all()
    assert await database.sessions.get("future") is None


async def test_the_ports_of_a_project_go_with_it(database: Database) -> None:
    ports, id = PortTable(database), ProjectId("abcdef")
    assert not await ports.set(id, 3000, Visibility.PUBLIC)
    await database.projects.add(project(id))
    for port, visibility in ((3000, Visibility.PUBLIC), (3000, Visibility.PUBLIC), (4000, Visibility.PRIVATE)):
        assert await ports.set(id, port, visibility)

    assert await ports.of(id) == {3000: Visibility.PUBLIC}
    await database.projects.delete(id)
    assert await ports.of(id) == {}


async def test_migrations_make_the_tables_that_queries_expect(database: Database) -> None:
    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    async with database.transaction() as connection:
        assert await connection.run_sync(difference) == []


async def test_every_connection_is_configured(database: Database) -> None:
    async with database.transaction() as first, database.transaction() as second:
        for connection in (first, second):
            found = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
            ]
            assert found == ["wal", 1, 5000, 2]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    for id in ("first1", "second"):
        database = Database(sqlite_url(tmp_path / "hutch.db"))
        await database.open()
        await database.projects.add(project(id))
        await database.close()

    await database.open()
    assert await database.projects.count() == 2
    await database.close()
    await database.close()


async def test_only_the_owner_can_read_the_files(database: Database, tmp_path: Path) -> None:
    await database.projects.add(project("abcdef"))
    files = await asyncio.to_thread(lambda: sorted(tmp_path.iterdir()))

    assert [file.name for file in files] == ["hutch.db", "hutch.db-shm", "hutch.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_servers_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    # Without the retry about one round in sixty fails.
    for round in range(20):
        databases = [Database(sqlite_url(tmp_path / f"{round}.db")) for _ in range(8)]
        await asyncio.gather(*(database.open() for database in databases))
        for number, database in enumerate(databases):
            await database.projects.add(project(f"project{number}"))

        assert await databases[0].projects.count() == 8
        for database in databases:
            await database.close()


async def test_a_new_database_that_stays_locked_is_said_to_be_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.database.BUSY_TIMEOUT", 50)
    with closing(sqlite3.connect(tmp_path / "hutch.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="busy with another process"):
            await Database(sqlite_url(tmp_path / "hutch.db")).open()


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await connection.execute(text("CREATE TABLE half (id INTEGER)"))
            raise ZeroDivisionError
    async with database.transaction() as connection:
        found = await connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'half'"))
        assert found.scalar_one() == 0


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "hutch.db"))
    await database.open()
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()

    with pytest.raises(Unavailable, match="newer version"):
        await database.open()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hutch.db").write_bytes(b"not a database" * 100)
    with pytest.raises(Unavailable, match="can't be read"):
        await Database(sqlite_url(tmp_path / "hutch.db")).open()


async def test_a_full_disk_is_named(database: Database) -> None:
    async with database.transaction() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFull):
        for number in range(1000):
            await database.projects.add(project(f"project{number}", name="x" * 100))


async def test_another_writer_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.database.BUSY_TIMEOUT", 50)
    database = Database(sqlite_url(tmp_path / "hutch.db"))
    await database.open()
    await database.check_writable()
    other = sqlite3.connect(tmp_path / "hutch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable, match="busy"):
        await database.check_writable()
    other.execute("ROLLBACK")
    other.close()
    await database.check_writable()
    await database.close()


async def test_migrations_need_no_working_directory(tmp_path: Path) -> None:
    program = (
        "import asyncio; from pathlib import Path; from server.storage.database import Database, sqlite_url\n"
        "async def main():\n"
        "    database = Database(sqlite_url(Path('hutch.db').absolute()))\n"
        "    await database.open(); print(await database.projects.count()); await database.close()\n"
        "asyncio.run(main())"
    )
    root = Path(__file__).parents[2]
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert (process.stdout, process.stderr) == ("0\n", "")


async def test_queries_before_opening_are_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await Database(sqlite_url(tmp_path / "hutch.db")).projects.list()
