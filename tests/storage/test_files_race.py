"""A folder and a link out of the project are exchanged all the while, as a hostile process in a container can."""

import io
import os
import time
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from server.errors import AppError
from server.models import ProjectId
from server.storage import files, trash, walking
from server.storage.archives import Packing
from server.storage.roots import closing
from server.storage.trash import Deletion
from tests.storage.project import SECRET, Project, anything, save, swapping

SECONDS = float(os.environ.get("RACE_SECONDS", "1"))
"""How long each race goes on. `make soak` looks harder."""
NAIVE_SECONDS = 60.0
INSIDE = b"inside"


@pytest.fixture(params=["../project-of-another", "absolute"])
def raced(project: Project, request: pytest.FixtureRequest) -> Project:
    project.put("door/secret.txt", INSIDE)
    project.put("door/deep/secret.txt", INSIDE)
    project.put("mine.txt", INSIDE)
    target = str(project.outside) if request.param == "absolute" else request.param
    os.symlink(target, project.folder / "link")
    # What a call could reach outside if it were led there.
    project.put("../project-of-another/deep/secret.txt", SECRET)
    project.put("../project-of-another/short-lived/precious.txt", SECRET)
    project.put("../kept/file").unlink()
    project.remember()
    return project


def race(project: Project, call: Callable[[int, int], None]) -> tuple[int, int]:
    """Call again and again while the door is exchanged; how often it went well, and how often it was refused."""
    done = refused = 0
    end = time.monotonic() + SECONDS
    with swapping(project.folder / "door", project.folder / "link"):
        for turn in count():
            try:
                project.do(call, turn)
                done += 1
            except AppError:
                refused += 1
            if time.monotonic() > end and done and refused:
                break
    return done, refused


def read(root: int, turn: int) -> None:
    descriptor, _ = files.open_file(root, (b"door/secret.txt", b"door/deep/secret.txt")[turn % 2])
    try:
        assert os.read(descriptor, 100) != SECRET
    finally:
        os.close(descriptor)


def look(root: int, turn: int) -> None:
    assert files.look(root, b"door/secret.txt").size == len(INSIDE)


def overwrite(root: int, turn: int) -> None:
    save(root, b"door/secret.txt", INSIDE)


def create(root: int, turn: int) -> None:
    save(root, b"door/made/%d" % turn, INSIDE)


def make_folder(root: int, turn: int) -> None:
    files.make_folder(root, b"door/folder/%d" % turn)


def delete(root: int, turn: int) -> None:
    save(root, b"door/short-lived/file", INSIDE)
    files.delete(root, b"door/short-lived", anything)


def discard(root: int, turn: int) -> None:
    save(root, b"door/short-lived/file", INSIDE)
    with closing(os.open("../kept", walking.FOLDER, dir_fd=root)) as kept:
        try:
            trash.discard(root, [b"door/short-lived"], kept)
            assert os.listdir(kept) == ["0"]
            trash.put_back(root, Deletion("", ProjectId(""), 0, {b"0": b"door/short-lived"}), kept)
        finally:
            for name in os.listdir(kept):
                walking.remove(kept, os.fsencode(name))


def move(root: int, turn: int) -> None:
    save(root, b"mine-%d" % turn, INSIDE)
    files.move(root, b"mine-%d" % turn, b"door/moved-%d" % turn)
    files.move(root, b"door/moved-%d" % turn, b"back-%d" % turn)


def copy(root: int, turn: int) -> None:
    files.copy(root, b"door/secret.txt", b"copy")
    try:
        descriptor, _ = files.open_file(root, b"copy")
        assert os.read(descriptor, 100) != SECRET
        os.close(descriptor)
        files.copy(root, b"copy", b"door/copies/%d" % turn)
    finally:
        files.delete(root, b"copy", anything)


def copy_all(root: int, turn: int) -> None:
    files.copy(root, b"door", b"copies")
    try:
        for entry in walking.tree(root, b"copies", 9):
            assert entry.kind != "file" or entry.size == len(INSIDE)
        files.look(root, b"copies/secret.txt")
    finally:
        files.delete(root, b"copies", anything)


def tree(root: int, turn: int) -> None:
    for entry in walking.tree(root, b"door", 3):
        assert entry.kind != "file" or entry.size == len(INSIDE)


def pack(root: int, turn: int) -> None:
    packing = Packing(root, b"door")
    try:
        archive = zipfile.ZipFile(io.BytesIO(b"".join(iter(packing.piece, b""))))
    finally:
        packing.close()
    # Packed bytes don't show what they hold.
    assert all(archive.read(name) != SECRET for name in archive.namelist())


@pytest.mark.parametrize(
    "call", [read, look, overwrite, create, make_folder, delete, discard, move, copy, copy_all, tree, pack]
)
def test_nothing_outside_is_read_or_written(raced: Project, call: Callable[[int, int], None]) -> None:
    done, refused = race(raced, call)
    assert done and refused, "the race never took place"
    assert raced.untouched()


def read_naively(root: Path, path: str) -> bytes:
    """What the calls above must not be: the path is checked, and then another one may be opened."""
    real = os.path.realpath(root / path)
    if not real.startswith(f"{root}/"):
        raise PermissionError(path)
    return (root / path).read_bytes()


def test_the_race_shows_what_a_checked_path_is_worth(raced: Project) -> None:
    end = time.monotonic() + NAIVE_SECONDS
    with swapping(raced.folder / "door", raced.folder / "link"):
        while time.monotonic() < end:
            try:
                if read_naively(raced.folder, "door/secret.txt") == SECRET:
                    return
            except OSError:
                pass
    pytest.fail("no secret was read by the naive way: the race is too tame to show anything")
