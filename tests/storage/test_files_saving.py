import errno
import json
import os
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from server.errors import AppError, Conflict, Forbidden, PreconditionFailed, StorageFull
from server.storage import files, walking
from server.storage.files import Require
from server.storage.roots import Entry, opened
from server.storage.saving import Saving
from tests.storage.project import OWNER, Project, anything, content, small_disk, unlocked

ROUNDS = int(os.environ.get("KILLS", "100"))
"""Kills in one run. `make soak` looks harder."""


def absent(current: Entry | None) -> bool:
    return current is None


def having(etag: str | None) -> Require:
    return lambda current: current is not None and current.etag == etag


# ---- versions


def test_a_save_tells_the_version_that_a_reader_sees(project: Project) -> None:
    first = project.save(b"file", b"one", absent)
    assert first.created and first.entry == project.do(files.look, b"file")
    second = project.save(b"file", b"two", having(first.entry.etag))
    assert not second.created and second.warning is None
    assert second.entry == project.do(files.look, b"file")
    assert project.names() == {"file"}


@pytest.mark.parametrize("require", [absent, having('"0-0-0"')])
def test_a_save_over_another_version_changes_nothing(project: Project, require: Require) -> None:
    there = project.save(b"file", b"there").entry
    with pytest.raises(PreconditionFailed) as caught:
        project.save(b"file", b"new", require)
    assert caught.value.extra == {"etag": there.etag}
    assert project.do(content, b"file") == b"there"
    assert project.names() == {"file"}


def test_a_save_over_a_file_that_is_gone_is_refused(project: Project) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        project.save(b"file", b"new", having('"0-0-0"'))
    assert caught.value.extra == {"etag": None}
    assert project.names() == set()


@pytest.mark.parametrize("meanwhile", [b"by another", None])
def test_the_version_is_compared_again_at_the_end(project: Project, meanwhile: bytes | None) -> None:
    etag = project.save(b"file", b"old").entry.etag
    with opened(project.folder) as root:
        under_way = Saving(root, b"file", having(etag))
        under_way.write(b"new")
    if meanwhile is None:
        (project.folder / "file").unlink()
    else:
        (project.folder / "file").write_bytes(meanwhile)
    with opened(project.folder), pytest.raises(PreconditionFailed):
        under_way.commit(unlocked())
    assert project.names() == (set() if meanwhile is None else {"file"})
    assert meanwhile is None or project.do(content, b"file") == meanwhile


def test_a_file_that_appears_meanwhile_is_not_replaced(project: Project) -> None:
    with opened(project.folder) as root:
        under_way = Saving(root, b"file", absent)
        under_way.write(b"new")
    project.put("file", b"by another")
    with opened(project.folder), pytest.raises(PreconditionFailed):
        under_way.commit(unlocked())
    assert project.do(content, b"file") == b"by another"


def test_of_many_who_save_the_same_version_one_wins(project: Project) -> None:
    etag = project.save(b"file", b"old").entry.etag
    lock, ready = threading.Lock(), threading.Barrier(8)
    won: list[bytes] = []

    def save_it(mine: bytes) -> None:
        with opened(project.folder) as root:
            under_way = Saving(root, b"file", having(etag))
            under_way.write(mine)
            ready.wait(10)
            try:
                under_way.commit(lock)
                won.append(mine)
            except PreconditionFailed:
                pass

    threads = [threading.Thread(target=save_it, args=(b"by %d" % number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert project.do(content, b"file") == won[0]
    assert project.names() == {"file"}


# ---- what a save keeps, and how it ends


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o444])
def test_mode_and_owner_are_kept(project: Project, mode: int) -> None:
    project.put("file", b"old").chmod(mode)
    project.save(b"file", b"new")
    status = (project.folder / "file").stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, OWNER, OWNER)


def test_nobody_else_reads_a_secret_while_it_is_saved(project: Project) -> None:
    project.put("file", b"old").chmod(0o600)
    with opened(project.folder) as root:
        under_way = Saving(root, b"file", anything)
        under_way.write(b"secret")
        modes = {path.name: path.stat().st_mode & 0o077 for path in project.folder.iterdir()}
        under_way.abandon()
    assert len(modes) == 2 and set(modes.values()) == {0}


def test_content_comes_in_pieces_of_any_size(project: Project) -> None:
    pieces = [b"", b"a" * 100_000, b"", b"b", b"c" * 1_000_000]
    with opened(project.folder) as root:
        under_way = Saving(root, b"file", anything)
        for piece in pieces:
            under_way.write(piece)
        assert under_way.commit(unlocked()).entry.size == 1_100_001
    assert project.do(content, b"file") == b"".join(pieces)


def test_an_abandoned_save_leaves_nothing_and_can_be_abandoned_again(project: Project) -> None:
    before = os.listdir("/proc/self/fd")
    with opened(project.folder) as root:
        under_way = Saving(root, b"file", anything)
        under_way.write(b"x")
        under_way.abandon()
        under_way.abandon()
    assert project.names() == set()
    assert os.listdir("/proc/self/fd") == before


def test_a_reader_keeps_the_version_it_opened(project: Project) -> None:
    project.save(b"file", b"old")
    descriptor, _ = project.do(files.open_file, b"file")
    project.save(b"file", b"new")
    assert os.read(descriptor, 10) == b"old"
    os.close(descriptor)


def test_a_failed_sync_is_a_failed_save(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.save(b"file", b"old")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "from the disk")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(AppError, match="the disk reported an error"):
        project.save(b"file", b"new")
    assert project.do(content, b"file") == b"old"
    assert project.names() == {"file"}


# ---- content that came before


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("there", ["nothing", "a file", "a file with two names"])
def test_a_file_that_came_in_pieces_takes_the_place_of_another(project: Project, elsewhere: bool, there: str) -> None:
    came = project.folder.parent / "uploads" / "came"
    came.parent.mkdir()
    with small_disk(came.parent, "2m") if elsewhere else nullcontext():
        came.write_bytes(b"whole" * 100_000)
        came.chmod(0o600)
        if there != "nothing":
            project.put("folder/file", b"old" * 300_000).chmod(0o640)
        if there == "a file with two names":
            os.link(project.folder / "folder" / "file", project.folder / "again")
        before = project.names() | {"folder", "folder/file"}
        with opened(project.folder) as root:
            saving = Saving(root, b"folder/file", anything)
        with came.open("rb") as file:
            saving.take(file.fileno(), came)
        with opened(project.folder):
            saved = saving.commit(unlocked())
        assert came.exists() == elsewhere
    project.save(b"usual", b"")
    status = (project.folder / "folder" / "file").stat()
    mode = (project.folder / "usual").stat().st_mode & 0o777 if there == "nothing" else 0o640
    assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (mode, OWNER, OWNER)
    assert saved.created == (there == "nothing") and saved.entry.size == 500_000
    assert project.do(content, b"folder/file") == b"whole" * 100_000
    assert project.names() == before | {"usual"}


# ---- where the safe way is closed


def test_a_file_with_several_links_is_written_in_place_with_a_warning(project: Project) -> None:
    file = project.put("file", b"something long")
    os.link(file, project.folder / "again")
    saved = project.save(b"file", b"short")
    assert saved.warning and "hard links" in saved.warning
    assert project.do(content, b"again") == b"short"
    assert saved.entry == project.do(files.look, b"file")
    assert project.save(b"again", b"long" * 100_000).warning
    assert project.do(content, b"file") == b"long" * 100_000
    assert file.stat().st_nlink == 2
    assert project.names() == {"file", "again"}


def test_a_file_in_a_read_only_folder_is_written_in_place_with_a_warning(project: Project) -> None:
    project.put("folder/file", b"old")
    (project.folder / "folder").chmod(0o555)
    saved = project.save(b"folder/file", b"new content")
    assert saved.warning and "folder that may not be written" in saved.warning
    assert project.do(content, b"folder/file") == b"new content"


def test_nothing_new_is_put_into_a_read_only_folder_until_it_may(project: Project) -> None:
    project.put("folder/file", b"old").chmod(0o444)
    folder = project.folder / "folder"
    folder.chmod(0o555)
    with pytest.raises(Forbidden, match="permissions of folder/new"):
        project.save(b"folder/new", b"x")
    with pytest.raises(Forbidden, match="read-only"):
        project.save(b"folder/file", b"x")
    assert project.do(content, b"folder/file") == b"old"
    folder.chmod(0o755)
    project.save(b"folder/new", b"x")
    project.save(b"folder/file", b"x")
    assert project.names() == {"folder", "folder/file", "folder/new"}


def test_a_file_exchanged_while_it_is_written_in_place_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(project.put("file", b"old"), project.folder / "again")
    other = project.put("other", b"other")
    original = os.open

    def exchange(path: bytes | str, flags: int, *rest: int, **options: int) -> int:
        if path == b"file" and flags & os.O_WRONLY:
            os.rename(other, project.folder / "file")
        return original(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", exchange)
    with pytest.raises(Conflict, match="replaced at this very moment"):
        project.save(b"file", b"new")
    assert (project.folder / "file").read_bytes() == b"other"


# ---- a full disk


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


@pytest.mark.parametrize("linked", [False, True])
def test_a_full_disk_costs_nothing_and_a_later_save_works(project: Project, linked: bool) -> None:
    with small_disk(project.folder, "2m"):
        os.chown(project.folder, OWNER, OWNER)
        file = project.put("file", b"old")
        if linked:
            os.link(file, project.folder / "again")
        before = project.names()
        filler = fill(project.folder)
        for name in (b"file", b"new"):
            with pytest.raises(StorageFull, match="the disk is full.*Free some space"):
                project.save(name, b"n" * 1_000_000)
        assert project.do(content, b"file") == b"old"
        assert project.names() == before | {"filler"}
        filler.unlink()
        project.save(b"file", b"n" * 500_000)
        assert project.do(content, b"file") == b"n" * 500_000
        assert project.names() == before


def test_room_is_reserved_before_a_file_is_written_in_place(project: Project) -> None:
    with small_disk(project.folder, "2m"):
        os.chown(project.folder, OWNER, OWNER)
        os.link(project.put("file", b"old" * 1000), project.folder / "again")
        # The new content fits once, beside the old, but not twice.
        with pytest.raises(StorageFull):
            project.save(b"file", b"n" * 1_200_000)
        assert project.do(content, b"file") == b"old" * 1000
        assert project.names() == {"file", "again"}


def test_a_copy_on_a_full_disk_leaves_nothing(project: Project) -> None:
    with small_disk(project.folder, "2m"):
        os.chown(project.folder, OWNER, OWNER)
        project.put("folder/file", b"x" * 900_000)
        project.put("folder/other", b"x" * 900_000)
        with pytest.raises(StorageFull):
            project.do(files.copy, b"folder", b"copy")
        assert project.names() == {"folder", "folder/file", "folder/other"}


# ---- killed


def killed_while_saving(way: str, project: Project, rounds: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.storage.saver", way, str(project.folder), str(rounds), "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=90 + rounds)
    report: dict[str, int] = json.loads(done.stdout)
    return report


@pytest.mark.timeout(120 + ROUNDS)
def test_a_killed_server_leaves_files_whole_and_nothing_behind(project: Project) -> None:
    report = killed_while_saving("safely", project, ROUNDS)
    assert report["torn"] == report["lost"] == report["stray"] == 0
    assert report["halfMade"] > ROUNDS // 10, "hardly any kill hit a save"
    assert report["saves"] > ROUNDS // 10, "hardly any save was acknowledged"
    assert project.do(walking.tree, b"", 1) == [project.do(files.look, b"file")]


def test_the_kills_show_what_a_plain_write_is_worth(project: Project) -> None:
    assert killed_while_saving("naively", project, ROUNDS // 5)["torn"] > 0
