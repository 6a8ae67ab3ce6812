import os
import socket
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.errors import AppError, BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed, TooLarge
from server.storage import files, walking
from server.storage.paths import MOST_PATH, parse, parse_entry, shown, temporary_name
from server.storage.roots import Entry, acting_as, opened
from tests.storage.project import OWNER, SECRET, Project, anything, content, names_in

TRAVERSALS = [
    "..",
    "../project-of-another/secret.txt",
    "a/../../project-of-another/secret.txt",
    "a/..",
    "./a",
    "a/.",
    "/etc/passwd",
    "//etc/passwd",
    "a//b",
    "a/",
    "/",
    "a\0b",
    "\0",
    "a/\0/../b",
]
ODD_NAMES = [
    b"n" * 255,
    "\N{CJK UNIFIED IDEOGRAPH-4E2D}".encode() * 85,
    b"new\nline",
    b"-rf",
    b"--help",
    b"invalid \xff\xfe utf-8",
    b"back\\slash",
    b"..hidden",
    b"...",
    b" ",
    b"trailing. ",
    b"CON",
    b"%2e%2e",
    b"<img src=x onerror=alert(1)>",
    "right\N{RIGHT-TO-LEFT OVERRIDE}left".encode(),
    "e\N{COMBINING ACUTE ACCENT}".encode(),
    b"\x01\x7f",
    b"*?\"'`$(touch x)",
]


# ---- paths


@pytest.mark.parametrize("text", TRAVERSALS)
def test_what_is_no_path_in_a_project_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "n" * 256,
        "a/" * (MOST_PATH // 2) + "bb",
        "\ud800",
        pytest.param(os.fsdecode(temporary_name()), id="temporary"),
        "a/" + "é" * 128,
    ],
)
def test_what_no_file_system_takes_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


def test_the_folder_itself_is_no_entry() -> None:
    assert parse("") == b""
    with pytest.raises(BadRequest):
        parse_entry("")


def test_a_path_of_the_greatest_length_is_taken() -> None:
    assert len(parse("/".join(["n" * 255] * 15 + ["n" * 255]))) == MOST_PATH


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_make_the_round_trip(project: Project, name: bytes) -> None:
    path = parse_entry(os.fsdecode(b"folder/" + name))
    project.save(path, b"one")
    assert names_in(project.do(walking.tree, b"folder", 1)) == [path]
    assert project.do(content, path) == b"one"
    project.do(files.copy, path, b"copy")
    project.do(files.delete, path, anything)
    project.do(files.move, b"copy", path)
    assert project.do(files.look, path).size == 3
    assert {str(entry) for entry in project.names()} == {"folder", "folder/" + os.fsdecode(name)}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_shown_on_one_line_of_valid_text(name: bytes) -> None:
    line = shown(name)
    assert line.isprintable()
    assert len(line.encode()) <= 800


# ---- lists


def test_a_tree_has_as_many_levels_as_asked_for(project: Project) -> None:
    for path in ("b.txt", "a/c.txt", "a/d/e.txt", "a/d/f/g.txt"):
        project.put(path)
    assert names_in(project.do(walking.tree, b"", 1)) == [b"a", b"b.txt"]
    assert names_in(project.do(walking.tree, b"", 2)) == [b"a", b"b.txt", b"a/c.txt", b"a/d"]
    assert names_in(project.do(walking.tree, b"a/d", 9)) == [b"a/d/e.txt", b"a/d/f", b"a/d/f/g.txt"]


def test_an_entry_tells_kind_size_time_and_version(project: Project) -> None:
    file = project.put("file", b"four")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    (project.folder / "folder").mkdir()
    entry, folder = project.do(walking.tree, b"", 1)
    assert (entry.kind, entry.size, folder.kind, folder.size, folder.etag) == ("file", 4, "directory", 0, None)
    assert entry.modified == datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
    assert entry.etag == f'"{file.stat().st_ino:x}-{1_700_000_000_123_456_789:x}-4"'
    assert project.do(files.look, b"file") == entry


@pytest.mark.parametrize("seconds", [-(2**31), 2**33])
def test_times_beyond_the_calendar_break_no_list(project: Project, seconds: int) -> None:
    os.utime(project.put("file"), ns=(0, seconds * 10**9))
    entry = project.do(files.look, b"file")
    assert 1 <= entry.modified.year <= 9999
    assert Entry(b"", "file", 0, 2**80, 1).modified.year == 9999
    assert Entry(b"", "file", 0, -(2**80), 1).modified.year == 1


def test_the_version_changes_with_the_content(project: Project) -> None:
    first = project.save(b"file", b"one").entry.etag
    second = project.save(b"file", b"two").entry.etag
    assert first != second
    assert project.do(files.look, b"file").etag == second


def test_a_list_of_a_file_or_of_nothing_is_an_error(project: Project) -> None:
    project.put("file")
    with pytest.raises(Conflict, match="folder is needed"):
        project.do(walking.tree, b"file", 1)
    with pytest.raises(NotFound):
        project.do(walking.tree, b"nothing", 1)


def test_a_list_has_an_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_LISTED", 10)
    for number in range(11):
        project.put(f"{number}")
    with pytest.raises(TooLarge):
        project.do(walking.tree, b"", 1)


# ---- what is no regular file


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_special_files_are_refused_without_waiting(project: Project, kind: str) -> None:
    path = project.folder / "README.md"
    listener = socket.socket(socket.AF_UNIX)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        listener.bind(str(path))
    else:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    with listener:
        assert project.do(files.look, b"README.md").kind == "other"
        for attempt in (
            lambda: project.do(content, b"README.md"),
            lambda: project.save(b"README.md", b"x"),
            lambda: project.do(files.copy, b"README.md", b"copy"),
        ):
            with pytest.raises((Conflict, Forbidden)):
                attempt()
        project.put("folder/file")
        path.rename(project.folder / "folder" / "special")
        project.do(files.copy, b"folder", b"copy")
        assert names_in(project.do(walking.tree, b"copy", 1)) == [b"copy/file"]
        project.do(files.delete, b"folder", anything)


def test_a_folder_is_no_file(project: Project) -> None:
    project.put("folder/file")
    with pytest.raises(Conflict, match="is a folder"):
        project.do(content, b"folder")
    with pytest.raises(Conflict, match="is a folder"):
        project.save(b"folder", b"x")
    with pytest.raises(NotFound):
        project.do(content, b"folder/file/below")
    with pytest.raises(Conflict):
        project.save(b"folder/file/below", b"x")


# ---- changes


def test_folders_above_are_made(project: Project) -> None:
    project.save(b"a/b/c", b"1")
    project.do(files.make_folder, b"d/e/f")
    project.do(files.copy, b"a/b/c", b"g/h/i")
    project.do(files.move, b"a/b/c", b"j/k/l")
    assert project.names() >= {"a/b", "d/e/f", "g/h/i", "j/k/l"}
    assert "a/b/c" not in project.names()


@pytest.mark.parametrize("taken", [b"file", b"folder", b"link"])
def test_what_exists_is_never_replaced(project: Project, taken: bytes) -> None:
    project.put("file", b"kept")
    project.put("folder/file", b"kept")
    os.symlink("nothing", project.folder / "link")
    project.put("other", b"other")
    before = project.names()
    attempts: list[Callable[[], object]] = [
        lambda: project.do(files.move, b"other", taken),
        lambda: project.do(files.copy, b"other", taken),
        lambda: project.do(files.make_folder, taken),
    ]
    for attempt in attempts:
        with pytest.raises(Conflict, match="exists already"):
            attempt()
    assert project.names() == before
    assert (project.folder / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("change", [files.move, files.copy])
def test_a_folder_is_not_put_into_itself(project: Project, change: Callable[[int, bytes, bytes], None]) -> None:
    project.put("folder/file")
    os.symlink("folder", project.folder / "alias")
    with pytest.raises(Conflict, match="into itself"):
        project.do(change, b"folder", b"folder/inner/folder")
    if change is files.move:
        with pytest.raises(Conflict):
            project.do(change, b"folder", b"alias/inner")
    assert project.names() == {"folder", "folder/file", "alias"}


def test_what_does_not_exist_is_not_found(project: Project) -> None:
    for attempt in (
        lambda: project.do(files.look, b"nothing"),
        lambda: project.do(content, b"nothing"),
        lambda: project.do(files.move, b"nothing", b"x"),
        lambda: project.do(files.copy, b"nothing", b"x"),
        lambda: project.do(files.delete, b"nothing", anything),
        lambda: project.do(files.delete, b"no/thing", anything),
    ):
        with pytest.raises(NotFound, match="noth|no/thing"):
            attempt()
    assert project.names() == set()


def test_a_copy_of_a_folder_is_whole(project: Project) -> None:
    project.put("folder/deep/file", b"content")
    script = project.put("folder/run.sh", b"#!/bin/sh")
    script.chmod(0o755)
    os.symlink("run.sh", project.folder / "folder" / "link")
    os.symlink("../../project-of-another", project.folder / "folder" / "out")
    project.do(files.copy, b"folder", b"copy")
    assert names_in(project.do(walking.tree, b"copy", 9)) == [
        b"copy/deep",
        b"copy/link",
        b"copy/out",
        b"copy/run.sh",
        b"copy/deep/file",
    ]
    assert (project.folder / "copy/deep/file").read_bytes() == b"content"
    assert (project.folder / "copy/run.sh").stat().st_mode & 0o777 == 0o755
    assert os.readlink(project.folder / "copy/out") == "../../project-of-another"


def test_a_copy_that_fails_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.put("folder/a")
    project.put("folder/b")
    monkeypatch.setattr(walking, "MOST_WALKED", 1)
    with pytest.raises(TooLarge):
        project.do(files.copy, b"folder", b"copy")
    assert project.names() == {"folder", "folder/a", "folder/b"}


def test_holes_are_copied_as_holes(project: Project) -> None:
    size = 2**40
    with project.put("sparse").open("r+b") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"in the middle")
    project.do(files.copy, b"sparse", b"copy")
    copy = project.folder / "copy"
    assert copy.stat().st_size == size
    assert copy.stat().st_blocks * 512 < 1024 * 1024
    with copy.open("rb") as file:
        file.seek(size // 2)
        assert file.read(13) == b"in the middle"


def test_a_deletion_asks_for_the_version(project: Project) -> None:
    project.put("file", b"one")
    etag = project.do(files.look, b"file").etag
    with pytest.raises(PreconditionFailed) as caught:
        project.do(files.delete, b"file", lambda current: current is None)
    assert caught.value.extra == {"etag": etag}
    project.do(files.delete, b"file", lambda current: current is not None and current.etag == etag)
    assert project.names() == set()


def deep(folder: Path, levels: int) -> None:
    """A folder in a folder, so many times, with a file at the end: made by the one road that has no longest path."""
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)


def test_a_tree_of_four_thousand_levels_is_measured_and_deleted(project: Project) -> None:
    with opened(project.folder) as root:
        os.mkdir("deep", dir_fd=root)
        deep(Path(f"/proc/self/fd/{root}/deep"), 4000)
        assert walking.usage(root) > 0
        assert len(walking.tree(root, b"deep", 64)) == 64
        files.delete(root, b"deep", anything)
    assert project.names() == set()


def test_what_its_owner_may_not_write_is_deleted_all_the_same(project: Project) -> None:
    project.put("cache/read-only/file")
    (project.folder / "cache" / "read-only").chmod(0o555)
    (project.folder / "cache").chmod(0)
    project.do(files.delete, b"cache", anything)
    assert project.names() == set()


def test_a_deletion_has_an_end(project: Project) -> None:
    for number in range(10):
        project.put(f"folder/{number}")
    with opened(project.folder) as root, pytest.raises(Conflict, match="delete it again"):
        walking.remove(root, b"folder", most=4)
    assert len(project.names()) == 7
    project.do(files.delete, b"folder", anything)
    assert project.names() == set()


# ---- owners and what is left behind


def test_what_is_made_belongs_to_the_owner_of_the_folder(project: Project) -> None:
    project.save(b"a/file", b"1")
    project.do(files.make_folder, b"b")
    project.do(files.copy, b"a", b"c")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in project.folder.rglob("*")}
    assert owners == {(OWNER, OWNER)}


def test_the_owners_permissions_hold_for_the_server_too(project: Project) -> None:
    project.put("secret/file").parent.chmod(0)
    for attempt in (
        lambda: project.do(content, b"secret/file"),
        lambda: project.do(walking.tree, b"secret", 1),
        lambda: project.save(b"secret/new", b"x"),
        lambda: project.do(files.make_folder, b"secret/new"),
    ):
        with pytest.raises(Forbidden, match="permissions"):
            attempt()


def test_the_thread_is_itself_again_afterwards(tmp_path: Path) -> None:
    with acting_as(OWNER, OWNER):
        pass
    with pytest.raises(AppError), acting_as(OWNER, OWNER):
        raise Conflict("in the middle")
    (tmp_path / "file").write_bytes(b"")
    assert (tmp_path / "file").stat().st_uid == os.geteuid()


def test_leftovers_are_hidden_and_removed_but_not_those_in_use(project: Project) -> None:
    left = os.fsdecode(temporary_name())
    project.put(left, b"half")
    project.put(os.fsdecode(temporary_name()) + "/half/made", b"half")
    saving_name = os.fsdecode(temporary_name())
    descriptor = os.open(project.put(saving_name), os.O_RDWR)
    assert walking.hold(descriptor)
    assert project.do(walking.tree, b"", 3) == []
    assert project.names() == {saving_name}
    os.close(descriptor)
    assert project.do(walking.tree, b"", 3) == []
    assert project.names() == set()


def test_what_was_swept_away_already_is_not_held(project: Project) -> None:
    file = project.put("file")
    with file.open() as handle:
        file.unlink()
        assert not walking.hold(handle.fileno())


def test_usage_counts_blocks_once(project: Project) -> None:
    with opened(project.folder) as root:
        before = walking.usage(root)
    file = project.put("file", SECRET * 100_000)
    os.link(file, project.folder / "again")
    os.symlink("/usr", project.folder / "link")
    with opened(project.folder) as root:
        added = walking.usage(root) - before
    assert len(SECRET) * 100_000 <= added < 2 * len(SECRET) * 100_000


def test_no_descriptor_is_lost(project: Project) -> None:
    project.put("folder/file")
    os.symlink("/etc", project.folder / "out")

    def all_of_it() -> None:
        for attempt in (
            lambda: project.do(content, b"folder/file"),
            lambda: project.do(content, b"folder"),
            lambda: project.do(content, b"out/passwd"),
            lambda: project.save(b"folder/file", b"x"),
            lambda: project.save(b"folder", b"x"),
            lambda: project.save(b"out/x", b"x"),
            lambda: project.save(b"file", b"x", lambda current: False),
            lambda: project.do(files.copy, b"folder", b"copy"),
            lambda: project.do(files.copy, b"folder", b"copy"),
            lambda: project.do(files.move, b"folder", b"copy"),
            lambda: project.do(walking.tree, b"", 2),
            lambda: project.do(files.delete, b"copy", anything),
        ):
            try:
                attempt()
            except AppError:
                pass

    all_of_it()
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(5):
        all_of_it()
    assert sorted(os.listdir("/proc/self/fd")) == before
