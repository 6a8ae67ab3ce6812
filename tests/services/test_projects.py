import asyncio
import json
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server.errors import AppError, Invalid, NotFound
from server.models import PROJECT_ID, Limits, ProjectId
from server.services.documents import Documents
from server.services.projects import Projects, check_name, new_id
from server.services.templates import Templates
from server.storage.database import Database, sqlite_url

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024


@dataclass
class World:
    projects: Projects
    database: Database
    documents: Documents
    folder: Path

    def on_disk(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "workspaces"
    await asyncio.to_thread(folder.mkdir)
    database, documents = Database(sqlite_url(tmp_path / "hutch.db")), Documents(folder)
    await database.open()
    templates = Templates(ROOT / "templates" / "projects", ROOT / "docker")
    yield World(Projects(database, documents, templates, Limits()), database, documents, folder)
    await database.close()


async def test_a_new_project_has_all_its_files(world: World) -> None:
    dependencies = {"express": "^4.18.2", "mongoose": "^7.6.0"}
    project = await world.projects.create(name="  My app ", dependencies=dependencies)

    folder = world.folder / project.id
    names = {".gitignore", "flake.lock", "flake.nix", "hutch.toml", "index.js", "package.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / "package.json").read_text())["dependencies"] == dependencies
    starter = (folder / "index.js").read_text()
    assert f"Project {project.id} running" in starter and 'require("express")' in starter
    assert project.name == "My app"
    assert project.template == "node"
    assert abs(project.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert await world.projects.get(project.id) == project


async def test_nothing_need_be_said(world: World) -> None:
    project = await world.projects.create()

    assert project.name == project.id
    assert json.loads((world.folder / project.id / "package.json").read_text())["dependencies"] == {}
    assert "express" not in (world.folder / project.id / "index.js").read_text()


async def test_every_template_makes_a_project(world: World) -> None:
    for template in world.projects.templates():
        project = await world.projects.create(template=template.name)
        assert project.template == template.name
        assert (await world.projects.run_config(project.id)).command == template.run.command


LONG = "x" * 10_000


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": LONG}, "name"),
        ({"name": ""}, "name"),
        ({"name": "\u200b\u2060"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 7}, "name"),
        ({"template": "cobol"}, "template"),
        ({"template": LONG}, "template"),
        ({"template": "../node"}, "template"),
        ({"template": ["node"]}, "template"),
        ({"dependencies": {"express": "^4", "Bad!": "1"}}, "dependencies.Bad!"),
        ({"dependencies": {"express": "banana"}}, "dependencies.express"),
        ({"dependencies": {f"p{number}": "1" for number in range(201)}}, "dependencies"),
        ({"dependencies": {"express": "^4"}, "template": "python"}, "dependencies"),
        ({"dependencies": [LONG]}, "dependencies"),
        ({"source": "file:///etc/a.git"}, "source"),
    ],
)
async def test_what_is_not_acceptable_is_named_and_leaves_nothing(
    world: World, sent: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await world.projects.create(**sent)

    assert caught.value.extra["field"] == field
    assert len(caught.value.detail) < 500
    assert caught.value.detail.isprintable()
    assert world.on_disk() == []
    assert await world.projects.count() == 0


async def test_a_row_that_can_not_be_written_leaves_no_files(world: World) -> None:
    async with world.database.transaction() as connection:
        await connection.execute(text("DROP TABLE projects"))
    with pytest.raises((AppError, SQLAlchemyError)):
        await world.projects.create()
    assert world.on_disk() == []


async def test_files_that_can_not_be_written_leave_no_row(world: World) -> None:
    await asyncio.to_thread(world.folder.rmdir)
    await asyncio.to_thread(world.folder.write_text, "no folder")
    with pytest.raises((AppError, OSError)):
        await world.projects.create()
    assert await world.projects.count() == 0


async def test_a_caller_who_goes_away_leaves_a_whole_project_or_none(world: World) -> None:
    for turns in range(25):
        creating = asyncio.create_task(world.projects.create(name="Cancelled"))
        for _ in range(turns):
            await asyncio.sleep(0)
        creating.cancel()
        await asyncio.gather(creating, return_exceptions=True)
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    projects = await world.projects.list()
    assert world.on_disk() == sorted(project.id for project in projects)
    assert all((world.folder / project.id / "package.json").is_file() for project in projects)


async def test_projects_are_made_side_by_side(world: World) -> None:
    made = await asyncio.gather(*(world.projects.create(name=str(number)) for number in range(20)))
    assert world.on_disk() == sorted(project.id for project in made)
    assert await world.projects.count() == 20


async def test_rename_and_delete(world: World) -> None:
    project = await world.projects.create(name="Before")
    assert (await world.projects.rename(project.id, "After")).name == "After"
    with pytest.raises(Invalid):
        await world.projects.rename(project.id, " ")
    assert (await world.projects.get(project.id)).name == "After"

    await world.projects.delete(project.id)
    assert world.on_disk() == []
    for call in (
        world.projects.get(project.id),
        world.projects.delete(project.id),
        world.projects.rename(project.id, "x"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_project_whose_files_are_gone_can_be_deleted(world: World) -> None:
    project = await world.projects.create()
    await world.documents.remove(project.id)
    await world.projects.delete(project.id)
    assert await world.projects.list() == []


async def test_hutch_toml_goes_over_the_template(world: World) -> None:
    project = await world.projects.create()
    toml = world.folder / project.id / "hutch.toml"

    await asyncio.to_thread(toml.write_text, '[run]\nport = 8080\n[limits]\nmemory = "64MiB"\n[env]\nA = "b"\n')
    config = await world.projects.run_config(project.id)
    assert (config.install, config.command, config.port) == ("npm install", "node index.js", 8080)
    assert config.limits == Limits(memory=64 * MIB)
    assert config.env == {"A": "b"}

    await asyncio.to_thread(toml.unlink)
    assert (await world.projects.run_config(project.id)).port == 3000

    await asyncio.to_thread(toml.write_text, "[run]\nport = no\n")
    with pytest.raises(Invalid, match="hutch.toml, line 2"):
        await world.projects.run_config(project.id)


async def test_hutch_toml_that_is_no_readable_file_is_refused(world: World, tmp_path: Path) -> None:
    project = await world.projects.create()
    toml = world.folder / project.id / "hutch.toml"
    secret = tmp_path / "secret.toml"

    def swap(make: str) -> None:
        toml.rmdir() if toml.is_dir() else toml.unlink(missing_ok=True)
        match make:
            case "folder":
                toml.mkdir()
            case "link":
                secret.write_text("[run]\nport = 4444\n")
                toml.symlink_to(secret)
            case "big":
                toml.write_bytes(b"#" * 2 * MIB)

    for make in ("folder", "big", "link"):
        await asyncio.to_thread(swap, make)
        with pytest.raises(AppError) as caught:
            await world.projects.run_config(project.id)
        assert str(world.folder) not in caught.value.detail
        assert caught.value.status < 500


async def test_a_template_that_is_no_longer_installed_asks_for_a_command(world: World) -> None:
    project = await world.projects.create()
    async with world.database.transaction() as connection:
        await connection.execute(text("UPDATE projects SET template = 'gone'"))
    assert (await world.projects.run_config(project.id)).command == "node index.js"

    toml = world.folder / project.id / "hutch.toml"
    await asyncio.to_thread(toml.write_text, "")
    with pytest.raises(Invalid, match="names no command"):
        await world.projects.run_config(project.id)


async def test_an_unknown_project_has_no_run_config(world: World) -> None:
    with pytest.raises(NotFound):
        await world.projects.run_config(ProjectId("unknown"))


def test_ids_are_dns_labels_that_begin_with_a_letter() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(id) == 12 and PROJECT_ID.fullmatch(id) and re.fullmatch(r"[a-z][a-z0-9]+", id) for id in ids)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  My app\t", "My app"),
        ("x" * 100, "x" * 100),
        ("Größe", "Größe"),
        (unicodedata.normalize("NFD", "Größe"), "Größe"),
        ("日本語", "日本語"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("<b>\"'&", "<b>\"'&"),
        ("שלום\u200e!", "שלום\u200e!"),
    ],
)
def test_names_of_any_script_are_kept(name: str, kept: str) -> None:
    assert check_name(name) == kept


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 101, "a\x00b", "a\x1b[31m", "a\u2028b", "a\u202eb", "a\u2066b", "\ud800", "\u200d", None, {}, 1],
)
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(Invalid) as caught:
        check_name(name)
    assert caught.value.extra["field"] == "name"
