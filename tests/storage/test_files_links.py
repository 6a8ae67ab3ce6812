"""Links that stand still: those inside a project work, those that lead out or nowhere lead nowhere."""

import os
from collections.abc import Callable

import pytest

from server.errors import Conflict, NotFound
from server.storage import files, walking
from tests.storage.project import Project, anything, content, names_in


@pytest.fixture
def linked(project: Project) -> Project:
    project.put("folder/file", b"inside")
    links = {
        "to-file": "folder/file",
        "to-folder": "folder",
        "folder/up": "../folder/file",
        "passwd": "/etc/passwd",
        "sibling": "../project-of-another",
        "sibling-file": "../project-of-another/secret.txt",
        "magic": "/proc/self/root",
        "loop": "loop",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
        "nowhere": "nothing",
        "nowhere-outside": "../project-of-another/new.txt",
        "above": "..",
        "here": ".",
    }
    for name, target in links.items():
        os.symlink(target, project.folder / name)
    return project


OUTSIDE = [
    b"passwd",
    b"sibling/secret.txt",
    b"sibling-file",
    b"magic/etc/passwd",
    b"loop",
    b"loop-a",
    b"nowhere-outside",
    b"above/project-of-another/secret.txt",
    b"sibling/new/file",
]


def test_links_are_listed_as_links_with_what_they_lead_to_inside(linked: Project) -> None:
    found = {entry.path: (entry.kind, entry.target) for entry in linked.do(walking.tree, b"", 9)}
    assert found[b"to-file"] == found[b"folder/up"] == ("symlink", "file")
    assert found[b"to-folder"] == found[b"here"] == ("symlink", "directory")
    for name in (b"passwd", b"sibling", b"sibling-file", b"magic", b"loop", b"nowhere", b"above"):
        assert found[name] == ("symlink", None)
    assert not any(path.startswith((b"to-folder/", b"sibling/", b"here/", b"magic/")) for path in found)


@pytest.mark.parametrize("path", [b"to-file", b"folder/up", b"to-folder/file", b"to-folder/up", b"here/here/to-file"])
def test_links_inside_work(linked: Project, path: bytes) -> None:
    assert linked.do(content, path) == b"inside"
    assert linked.save(path, b"changed").created is False
    assert (linked.folder / "folder" / "file").read_bytes() == b"changed"
    assert (linked.folder / "to-file").is_symlink() and (linked.folder / "folder" / "up").is_symlink()


def test_a_folder_behind_a_link_is_listed(linked: Project) -> None:
    assert names_in(linked.do(walking.tree, b"to-folder", 2)) == [b"to-folder/file", b"to-folder/up"]


def read(root: int, path: bytes) -> None:
    content(root, path)


def tree(root: int, path: bytes) -> None:
    walking.tree(root, path, 2)


def move_from(root: int, path: bytes) -> None:
    files.move(root, path + b"/secret.txt", b"stolen")


def move_to(root: int, path: bytes) -> None:
    files.move(root, b"folder/file", path + b"/new")


def copy_from(root: int, path: bytes) -> None:
    files.copy(root, path + b"/secret.txt", b"stolen")


def copy_to(root: int, path: bytes) -> None:
    files.copy(root, b"folder/file", path + b"/new")


def make_folder(root: int, path: bytes) -> None:
    files.make_folder(root, path + b"/new/folder")


def delete_below(root: int, path: bytes) -> None:
    files.delete(root, path + b"/secret.txt", anything)


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("call", [read, tree, move_from, move_to, copy_from, copy_to, make_folder, delete_below])
def test_links_out_lead_nowhere(linked: Project, call: Callable[[int, bytes], None], path: bytes) -> None:
    with pytest.raises((Conflict, NotFound)):
        linked.do(call, path)
    assert linked.untouched()
    assert "stolen" not in linked.names()


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_is_saved_through_a_link_out(linked: Project, path: bytes) -> None:
    with pytest.raises(Conflict, match="link"):
        linked.save(path, b"x")
    assert linked.untouched()


@pytest.mark.parametrize("name", [b"passwd", b"sibling", b"sibling-file", b"magic", b"loop", b"nowhere", b"to-folder"])
def test_a_link_itself_is_looked_at_moved_copied_and_deleted(linked: Project, name: bytes) -> None:
    target = os.readlink(linked.folder / os.fsdecode(name))
    assert linked.do(files.look, name).kind == ("directory" if name == b"to-folder" else "symlink")
    linked.do(files.copy, name, b"new/copy")
    linked.do(files.move, name, b"new/moved")
    assert os.readlink(linked.folder / "new/copy") == os.readlink(linked.folder / "new/moved") == target
    linked.do(files.delete, b"new/copy", anything)
    linked.do(files.delete, b"new", anything)
    assert linked.untouched()
    assert (linked.folder / "folder" / "file").exists()


def test_a_link_to_nothing_inside_is_saved_to_where_it_leads(linked: Project) -> None:
    assert linked.save(b"nowhere", b"new").created
    assert (linked.folder / "nothing").read_bytes() == b"new"
    assert (linked.folder / "nowhere").is_symlink()
