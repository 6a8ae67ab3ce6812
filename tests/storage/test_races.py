"""What a call works on is exchanged for a link out of the project, once before each of its steps in turn.

The races in `test_files_race` exchange the way to it and leave the moment to chance. Here every moment comes.
"""

import ctypes
import io
import os
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from tempfile import TemporaryFile
from typing import Any

import pytest

from server.errors import AppError
from server.storage import beneath, files, walking
from server.storage.archives import Packing, unpack
from server.storage.paths import is_temporary
from tests.storage.project import SECRET, Project, anything, content, save, unlocked

INSIDE = b"inside"
STEPS = ("open", "stat", "lstat", "scandir", "rename", "unlink", "rmdir", "mkdir", "readlink", "chmod", "symlink")
PAIRS = {"folder": ("real", "link"), "file": ("file", "pointer")}
_libc = ctypes.CDLL(None, use_errno=True)


def exchange(project: Project, pair: tuple[str, str]) -> None:
    first, second = (os.fsencode(project.folder / "tree" / name) for name in pair)
    # One of the two may be deleted by now.
    _libc.renameat2(-100, first, -100, second, 2)


class Steps:
    """Counts the calls of the system's that are made, and does something before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int, interrupt: Callable[[], None]) -> None:
        self.left = last
        self._interrupt = interrupt
        for name in STEPS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        monkeypatch.setattr(beneath, "_syscall", self._counted(beneath._syscall))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self._interrupt()
            return call(*args, **kwargs)

        return counted


def build(project: Project) -> None:
    """The tree that is worked on: a folder and a file, and beside each a link of the same kind that leads out."""
    project.put("tree/real/secret.txt", INSIDE)
    project.put("tree/real/short-lived/precious.txt", INSIDE)
    project.put("tree/file", INSIDE)
    os.symlink("../../project-of-another", project.folder / "tree" / "link")
    os.symlink("../../project-of-another/secret.txt", project.folder / "tree" / "pointer")


def delete(root: int) -> None:
    files.delete(root, b"tree", anything)


def copy(root: int) -> None:
    files.copy(root, b"tree", b"copied")


def copy_the_file(root: int) -> None:
    files.copy(root, b"tree/file", b"copied")


def move(root: int) -> None:
    files.move(root, b"tree/real/secret.txt", b"moved")


def move_in(root: int) -> None:
    files.move(root, b"tree/file", b"tree/real/moved")


def make_folder(root: int) -> None:
    files.make_folder(root, b"tree/real/new/folder")


def overwrite(root: int) -> None:
    save(root, b"tree/real/secret.txt", INSIDE)


def overwrite_the_file(root: int) -> None:
    save(root, b"tree/file", INSIDE)


def overwrite_in_place(root: int) -> None:
    """As `overwrite_the_file`, of a file with a second hard link."""
    save(root, b"tree/file", INSIDE)


def read(root: int) -> None:
    for path in (b"tree/file", b"tree/real/secret.txt"):
        assert content(root, path) == INSIDE


def look(root: int) -> None:
    # Of a link that leads out only the link itself may be told, and that has no size.
    assert files.look(root, b"tree/file").size in (0, len(INSIDE))


def tree(root: int) -> None:
    for entry in walking.tree(root, b"tree", 9):
        assert entry.kind != "file" or entry.size == len(INSIDE)


def pack(root: int) -> None:
    packing = Packing(root, b"tree")
    try:
        archive = zipfile.ZipFile(io.BytesIO(b"".join(iter(packing.piece, b""))))
    finally:
        packing.close()
    # What could not be read is named in a file of its own.
    found = {archive.read(name) for name in archive.namelist() if name != "left-out-of-this-archive.txt"}
    assert found <= {INSIDE, b""}


def unpack_over(root: int) -> None:
    with TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name in ("real/secret.txt", "real/new/file", "file"):
                archive.writestr(name, INSIDE)
        unpack(root, b"tree", file, replace=True, lock=unlocked())


CALLS = [delete, copy, copy_the_file, move, move_in, make_folder, overwrite, overwrite_the_file]
CALLS += [overwrite_in_place, read, look, tree, pack, unpack_over]


def interrupted(project: Project, call: Callable[[int], None], step: int, interrupt: Callable[[], None]) -> bool:
    """Whether the call came to that step. Errors that a person can be told are as good an end as any."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        steps = Steps(monkeypatch, step, interrupt)
        with suppress(AppError):
            project.do(call)
    return steps.left <= 0


def modes_outside(project: Project) -> dict[str, int]:
    return {str(path): path.lstat().st_mode for path in (project.outside, *project.outside.rglob("*"))}


def check_inside(project: Project) -> None:
    """Nothing secret came in and nothing half made is left; then make room for the next turn."""
    for folder, _, names in os.walk(project.folder):
        for path in (os.path.join(folder, name) for name in names):
            assert not is_temporary(os.fsencode(os.path.basename(path))), path
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    assert file.read() == INSIDE, path
    for made in project.folder.iterdir():
        shutil.rmtree(made) if made.is_dir() and not made.is_symlink() else made.unlink()


@pytest.mark.parametrize("mode", [0o555, 0o755])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("call", CALLS)
def test_no_step_of_a_call_is_led_outside(
    project: Project, monkeypatch: pytest.MonkeyPatch, call: Callable[[int], None], pair: str, mode: int
) -> None:
    # So that folders are moved up before they are deleted, as very deep ones are.
    monkeypatch.setattr(walking, "_DELETE_DEPTH", 1)
    project.put("../project-of-another/short-lived/precious.txt", SECRET)
    # A deletion that goes in would change the one mode; the other lets anything be done inside.
    project.outside.chmod(mode)
    project.remember()
    modes, descriptors = modes_outside(project), len(os.listdir("/proc/self/fd"))
    for step in count(1):
        build(project)
        if call is overwrite_in_place:
            os.link(project.folder / "tree" / "file", project.folder / "tree" / "again")
        came = interrupted(project, call, step, lambda: exchange(project, PAIRS[pair]))
        assert project.untouched() and modes_outside(project) == modes, f"outside was changed at step {step}"
        assert len(os.listdir("/proc/self/fd")) == descriptors, f"a descriptor was lost at step {step}"
        check_inside(project)
        if not came:
            break
        assert step < 500, "the call does not come to an end"
    assert step > 2, "there were hardly any steps"
