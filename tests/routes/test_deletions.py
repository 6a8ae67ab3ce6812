"""Deletions that can be taken back, over HTTP with real files."""

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.models import ProjectId
from server.storage import trash
from tests.routes.asking import assert_problem
from tests.storage.project import OWNER, small_disk
from tests.support.app import App

ODD = os.fsdecode(b"not \xff utf-8\n")


@pytest.fixture
def base(project: str) -> str:
    return f"/api/projects/{project}/deletions"


@pytest.fixture
def folder(app: App, project: str) -> Path:
    """The project's folder with all that a file system has, of another owner than the server."""
    folder = app.settings.workspaces / project
    (folder / "src" / "empty").mkdir(parents=True)
    (folder / "closed").mkdir()
    (folder / "closed" / "file").write_bytes(os.urandom(1000))
    (folder / "src" / ODD).write_bytes(b"odd")
    os.symlink("/etc/passwd", folder / "src" / "out")
    os.symlink("nowhere", folder / "dangling")
    os.symlink("src", folder / "door")
    os.mkfifo(folder / "src" / "pipe")
    (folder / "program").write_bytes(b"#!/bin/sh\n")
    os.link(folder / "program", folder / "src" / "same")
    (folder / "program").chmod(0o2750)
    for path in [folder, *folder.rglob("*")]:
        if os.geteuid() == 0:
            os.chown(path, OWNER, OWNER, follow_symlinks=False)
        os.utime(path, ns=(1, 946_684_800_123_456_789), follow_symlinks=False)
    (folder / "program").chmod(0o2750)
    (folder / "closed").chmod(0o555)
    return folder


def picture(folder: Path) -> dict[str, tuple[Any, ...]]:
    """All that is to be known of what is in the folder."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (
            *(content, status.st_mode, status.st_uid, status.st_gid),
            *(status.st_ino, status.st_mtime_ns, status.st_nlink),
        )
    return found


async def kept(client: httpx.AsyncClient, base: str) -> list[list[str]]:
    """The paths of the deletions that can be taken back."""
    return [sorted(found["paths"]) for found in (await client.get(base)).raise_for_status().json()]


async def test_several_come_back_exactly_as_they_were(
    app: App, client: httpx.AsyncClient, base: str, folder: Path
) -> None:
    before = picture(folder)
    paths = ["src", "dangling", "program", "door", "closed"]
    made = await client.post(base, json={"paths": paths})
    assert made.status_code == 201, made.text
    assert made.json()["paths"] == paths
    assert made.json()["deleted"] < made.json()["expires"]
    assert not {path.name for path in folder.iterdir()} & {*paths, ".trash"}
    assert await kept(client, base) == [sorted(paths)]
    # Nothing but the disk is asked, so the next server would find the same.
    assert len(trash.Trash(app.settings.workspaces / ".trash").all(ProjectId(folder.name))) == 1
    restored = await client.post(f"{base}/{made.json()['id']}/restore")
    assert restored.status_code == 200 and restored.json() == made.json()
    assert picture(folder) == before
    assert await kept(client, base) == []
    assert_problem(await client.post(f"{base}/{made.json()['id']}/restore"), 404, "not kept any more")
    assert not any((app.settings.workspaces / ".trash" / folder.name).iterdir())


async def test_one_below_a_folder_that_is_gone_brings_it_back(
    client: httpx.AsyncClient, base: str, folder: Path
) -> None:
    # As escapes, which is how a browser sends what is no UTF-8.
    body, headers = json.dumps({"paths": [f"src/{ODD}"]}), {"Content-Type": "application/json"}
    odd = await client.post(base, content=body, headers=headers)
    await client.post(base, json={"paths": ["src"]})
    assert await kept(client, base) == [["src"], [f"src/{ODD}"]]
    assert (await client.post(f"{base}/{odd.json()['id']}/restore")).status_code == 200
    assert os.listdir(folder / "src") == [ODD]
    assert await kept(client, base) == [["src"]]


async def test_what_has_a_taken_name_is_not_restored_and_not_lost(
    client: httpx.AsyncClient, base: str, folder: Path
) -> None:
    made = (await client.post(base, json={"paths": ["program", "dangling", "src/out"]})).json()
    (folder / "dangling").symlink_to("elsewhere")
    refused = await client.post(f"{base}/{made['id']}/restore")
    assert_problem(refused, 409, "dangling exists again")
    assert os.readlink(folder / "dangling") == "elsewhere"
    assert not (folder / "program").exists() and len(await kept(client, base)) == 1
    (folder / "dangling").rename(folder / "other")
    shutil.rmtree(folder / "src")
    (folder / "src").write_text("a file now")
    assert_problem(await client.post(f"{base}/{made['id']}/restore"), 409, "where a folder is needed")
    (folder / "src").unlink()
    assert (await client.post(f"{base}/{made['id']}/restore")).json() == made
    assert os.readlink(folder / "dangling") == "nowhere" and os.readlink(folder / "src" / "out") == "/etc/passwd"


async def test_all_are_deleted_or_none(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    before = picture(folder)
    refused = [
        (404, "missing does not exist", ["program", "missing"]),
        (404, "src does not exist", ["src", "src"]),
        (404, "src does not exist", ["src", "src/empty"]),
        (409, "leads out of the project", ["program", "src/out/x"]),
        (400, "", ["program", "../x"]),
        (400, "", [""]),
        (422, "paths must", []),
        (422, "paths must be a list", "program"),
    ]
    for status, words, paths in refused:
        assert_problem(await client.post(base, json={"paths": paths}), status, words)
        assert await kept(client, base) == []
    assert picture(folder) == before
    for unknown in ("0000000000000-0000", "..", "x" * 300):
        assert (await client.post(f"{base}/{unknown}/restore")).status_code == 404


def full(_: Path, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    monkeypatch.setattr(trash, "LEAST_FREE", 1.0)
    monkeypatch.setattr(trash, "ENOUGH_FREE", 2**63)
    return nullcontext()


def small(_: Path, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    monkeypatch.setattr(trash, "MOST_BYTES", 4096)
    return nullcontext()


def unreadable(folder: Path, _: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    (folder / "src" / "empty").chmod(0)
    return nullcontext()


def unwritable(folder: Path, _: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    (folder.parent / ".trash").write_text("in the way")
    return nullcontext()


def elsewhere(folder: Path, _: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    return small_disk(folder, "1m")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and only others are kept from reading")
@pytest.mark.parametrize(
    ("because", "status", "words"),
    [
        (full, 507, "nearly full"),
        (small, 413, "more than"),
        (unreadable, 413, "not all of it can be read"),
        (unwritable, 507, "can't be written"),
        (elsewhere, 409, "another file system"),
    ],
)
async def test_what_could_not_be_restored_is_not_deleted(
    client: httpx.AsyncClient,
    base: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    because: Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[None]],
    status: int,
    words: str,
) -> None:
    with because(folder, monkeypatch):
        (folder / "src" / "deep").mkdir(parents=True, exist_ok=True)
        (folder / "program").write_bytes(bytes(4096))
        before = picture(folder)
        refused = assert_problem(await client.post(base, json={"paths": ["program", "src"]}), status, words)
        assert refused["reason"] == "not-kept"
        assert picture(folder) == before
        assert await kept(client, base) == []


async def test_what_is_kept_is_bounded(
    app: App, client: httpx.AsyncClient, base: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = app.settings.workspaces / ".trash" / folder.name

    async def delete(name: str, size: int = 0) -> None:
        (folder / name).write_bytes(bytes(size))
        assert (await client.post(base, json={"paths": [name]})).status_code == 201

    monkeypatch.setattr(trash, "MOST", 3)
    for name in "abcd":
        await delete(name)
    assert await kept(client, base) == [["d"], ["c"], ["b"]]
    monkeypatch.setattr(trash, "MOST_BYTES", 300_000)
    await delete("e", 200_000)
    await delete("f", 50_000)
    assert await kept(client, base) == [["f"], ["e"], ["d"]]
    await delete("g", 90_000)
    assert await kept(client, base) == [["g"], ["f"]]
    assert len(list(place.iterdir())) == 4, "nothing is left of those that ended"

    # What a server that died half way leaves: the end that it began, and a deletion of which nothing came.
    (place / "ending-0000000000001-0000").mkdir()
    (place / "0000000000002-0000.json").write_text("{}")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + trash.MOST_AGE - 60)
    await app.services.documents.sweep()
    assert await kept(client, base) == [["g"], ["f"]]
    assert len(list(place.iterdir())) == 4
    monkeypatch.setattr(time, "time", lambda: now + trash.MOST_AGE + 60)
    await app.services.documents.sweep()
    assert not any(place.iterdir())
    monkeypatch.undo()

    await delete("h")
    full(folder, monkeypatch)
    await app.services.documents.sweep()
    assert await kept(client, base) == [], "a disk that is nearly full has room for other things"
    monkeypatch.undo()

    assert (await client.post(base, json={"paths": ["src"]})).status_code == 201
    await app.services.projects.delete(ProjectId(folder.name))
    assert not place.exists()
