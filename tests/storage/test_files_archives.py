import io
import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from tempfile import TemporaryFile
from typing import Any

import pytest

from server.errors import AppError, Conflict, Invalid, StorageFull, TooLarge
from server.storage import archives, walking
from server.storage.archives import Imported, Packing
from server.storage.roots import opened
from tests.storage.project import OWNER, Project, content, names_in, small_disk, unlocked

Member = tuple[str, bytes]


def packed(project: Project, path: bytes = b"") -> zipfile.ZipFile:
    with opened(project.folder) as root:
        packing = Packing(root, path)
        try:
            whole = b"".join(iter(packing.piece, b""))
        finally:
            packing.close()
    archive = zipfile.ZipFile(io.BytesIO(whole))
    assert archive.testzip() is None
    return archive


def unpack(project: Project, archive: bytes, into: bytes = b"", replace: bool = True) -> Imported:
    with TemporaryFile() as file:
        file.write(archive)
        return project.do(archives.unpack, into, file, replace=replace, lock=unlocked())


def zip_of(*members: Member, change: Callable[[zipfile.ZipInfo], Any] = lambda info: None) -> bytes:
    """An archive of these members; `change` does to each what an attacker would."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, value)
    return file.getvalue()


# ---- out


def test_an_archive_holds_everything_as_it_is(project: Project) -> None:
    project.put("a/b/file.txt", b"text" * 1000)
    project.put("image.png", os.urandom(300_000))
    project.put("empty", b"")
    project.put("run.sh", b"#!/bin/sh").chmod(0o755)
    (project.folder / "nothing-in-it").mkdir()
    archive = packed(project)
    assert set(archive.namelist()) == {"a/", "a/b/", "a/b/file.txt", "image.png", "empty", "run.sh", "nothing-in-it/"}
    assert archive.read("a/b/file.txt") == b"text" * 1000
    assert archive.read("image.png") == (project.folder / "image.png").read_bytes()
    assert archive.getinfo("run.sh").external_attr >> 16 & 0o777 == 0o755
    assert packed(project, b"a").namelist() == ["b/", "b/file.txt"]


def test_an_empty_project_is_an_empty_archive(project: Project) -> None:
    assert packed(project).namelist() == []


def test_links_become_what_they_lead_to_inside_and_nothing_otherwise(project: Project) -> None:
    project.put("folder/file", b"inside")
    for name, target in {
        "good": "folder/file",
        "folder/good": "file",
        "to-folder": "folder",
        "passwd": "/etc/passwd",
        "sibling": "../project-of-another/secret.txt",
        "loop": "loop",
        "magic": "/proc/self/environ",
    }.items():
        os.symlink(target, project.folder / name)
    os.mkfifo(project.folder / "fifo")
    archive = packed(project)
    assert set(archive.namelist()) == {"folder/", "folder/file", "folder/good", "good"}
    assert archive.read("good") == archive.read("folder/good") == b"inside"
    assert all(stat.S_IFMT(info.external_attr >> 16) in (stat.S_IFREG, stat.S_IFDIR) for info in archive.infolist())


def test_names_that_would_unpack_elsewhere_are_changed_and_stay_apart(project: Project) -> None:
    odd = [b"..\\..\\evil.bat", b"..", b"C:evil", b"new\nline", b"\xff\xfe", b"\xff\xfd", b"\x1b[2Jred", b"plain name"]
    for name in odd:
        if name != b"..":
            project.save(b"folder/" + name, name)
    names = packed(project, b"folder").namelist()
    assert len(set(names)) == len(odd) - 1
    for packed_name in names:
        assert "\\" not in packed_name and packed_name.isprintable() and not packed_name.startswith(("/", "C:"))
    assert "plain name" in names
    assert any(name.startswith(".._.._evil.bat~") for name in names)


def test_what_may_not_be_read_is_named(project: Project) -> None:
    project.put("readable", b"1")
    project.put("secret/file").parent.chmod(0)
    project.put("private").chmod(0)
    archive = packed(project)
    assert set(archive.namelist()) == {"readable", "secret/", "left-out-of-this-archive.txt"}
    text = archive.read("left-out-of-this-archive.txt").decode()
    assert "secret" in text.splitlines() and "private" in text.splitlines()


def test_odd_times_are_packed(project: Project) -> None:
    os.utime(project.put("old"), (0, 0))
    os.utime(project.put("new"), (2**33, 2**33))
    archive = packed(project)
    assert archive.getinfo("old").date_time == (1980, 1, 1, 0, 0, 0)
    assert archive.getinfo("new").date_time[0] == 2107


def test_packing_takes_the_same_memory_for_any_size(project: Project) -> None:
    with project.put("big").open("r+b") as file:
        file.truncate(200 * 1024 * 1024)
    with opened(project.folder) as root:
        packing = Packing(root, b"")
        tracemalloc.start()
        try:
            while packing.piece():
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            packing.close()
    assert peak < 4 * 1024 * 1024


def test_packing_can_end_early_and_twice(project: Project) -> None:
    project.put("file", os.urandom(2_000_000))
    before = os.listdir("/proc/self/fd")
    with opened(project.folder) as root:
        packing = Packing(root, b"")
        assert packing.piece()
        packing.close()
        packing.close()
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_shrinks_or_grows_meanwhile_is_packed(project: Project) -> None:
    for name in ("shrinks", "grows"):
        project.put(name, os.urandom(1_000_000))
    with opened(project.folder) as root:
        packing = Packing(root, b"")
        pieces = [packing.piece()]
    for name, size in (("shrinks", 10), ("grows", 5_000_000)):
        os.truncate(project.folder / name, size)
    with opened(project.folder):
        pieces += iter(packing.piece, b"")
        packing.close()
    assert zipfile.ZipFile(io.BytesIO(b"".join(pieces))).testzip() is None


# ---- in


def test_an_archive_makes_the_round_trip(project: Project) -> None:
    project.put("a/b/file.txt", b"text")
    project.put("run.sh", b"#!/bin/sh").chmod(0o755)
    (project.folder / "empty").mkdir()
    packing = io.BytesIO()
    with zipfile.ZipFile(packing, "w") as copy, packed(project) as archive:
        for info in archive.infolist():
            copy.writestr(info, archive.read(info))
    done = unpack(project, packing.getvalue(), b"new/place")
    assert (done.files, done.size, done.replaced, done.top) == (2, 13, [], {b"a", b"run.sh", b"empty"})
    assert names_in(project.do(walking.tree, b"new/place", 9)) == [
        b"new/place/a",
        b"new/place/empty",
        b"new/place/run.sh",
        b"new/place/a/b",
        b"new/place/a/b/file.txt",
    ]
    unpacked = project.folder / "new/place/run.sh"
    assert unpacked.stat().st_mode & 0o111 and unpacked.stat().st_uid == OWNER


EVIL = [
    "../evil",
    "a/../../evil",
    "/evil",
    "//evil",
    "a//evil",
    "./evil",
    "..",
    "a/..",
    "..\\evil",
    "C:\\evil",
    "a\\..\\..\\evil",
    "n" * 256,
    "../project-of-another/secret.txt",
]


@pytest.mark.parametrize("name", EVIL)
def test_an_entry_that_leads_elsewhere_refuses_the_archive(project: Project, name: str) -> None:
    with pytest.raises(Invalid, match="the archive's entry"):
        unpack(project, zip_of(("good", b"1"), (name, b"evil")))
    assert project.names() == set()
    assert project.untouched()


def test_a_name_is_not_cut_at_a_nul(project: Project) -> None:
    archive = zip_of(("goodXevil", b"1")).replace(b"goodXevil", b"good\0evil")
    with pytest.raises(Invalid):
        unpack(project, archive)
    assert project.names() == set()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_devices_refuse_the_archive(project: Project, kind: int) -> None:
    def make(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    with pytest.raises(Invalid, match="a link or a device"):
        unpack(project, zip_of(("link", b"../project-of-another"), change=make))
    assert project.names() == set()


def test_nothing_is_unpacked_through_a_link_that_is_there(project: Project) -> None:
    os.symlink("../project-of-another", project.folder / "link")
    for name in ("link/secret.txt", "link/new", "link/new/file"):
        with pytest.raises(Conflict):
            unpack(project, zip_of((name, b"evil")))
    unpack(project, zip_of(("link", b"a file in its place")))
    assert project.do(content, b"link") == b"a file in its place"
    assert project.untouched()


@pytest.mark.parametrize("members", [[("a", b"1"), ("a", b"2")], [("a", b"1"), ("a/", b"")]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_refuse_the_archive(project: Project, members: list[Member]) -> None:
    with pytest.raises(Invalid, match="two entries"):
        unpack(project, zip_of(*members))


def test_a_file_used_as_a_folder_refuses_the_archive(project: Project) -> None:
    with pytest.raises(AppError):
        unpack(project, zip_of(("a", b"1"), ("a/b", b"2")))
    assert project.names() == set()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_ways_to_pack_are_refused(project: Project, method: int) -> None:
    with pytest.raises(Invalid, match="packed in a rare way"):
        unpack(project, zip_of(("a", b"1"), change=lambda info: setattr(info, "compress_type", method)))


def test_encrypted_entries_are_refused(project: Project) -> None:
    archive = bytearray(zip_of(("a", b"1")))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Invalid, match="encrypted"):
        unpack(project, bytes(archive))


@pytest.mark.parametrize(
    "damage",
    [
        lambda archive: b"",
        lambda archive: b"no zip",
        lambda archive: archive[:-30],
        lambda archive: archive[: len(archive) // 2],
        lambda archive: archive.replace(b"PK\x03\x04", b"PK\x03\x05"),
        lambda archive: archive[:45] + bytes([archive[45] ^ 255]) + archive[46:],
    ],
)
def test_what_is_no_archive_or_damaged_is_refused(project: Project, damage: Callable[[bytes], bytes]) -> None:
    archive = zip_of(("file", b"some content that is packed" * 100), ("other", b"1"))
    with pytest.raises(Invalid, match="no zip archive, or a damaged one"):
        unpack(project, damage(archive))
    assert project.names() == set()


def test_every_single_changed_byte_is_survived(project: Project) -> None:
    archive = zip_of(("a/file", b"content"), ("b", b"more"))
    for place in range(len(archive)):
        try:
            unpack(project, archive[:place] + bytes([archive[place] ^ 0x41]) + archive[place + 1 :])
        except AppError:
            pass
    assert project.untouched()
    assert not any("hutch-tmp" in name for name in project.names())


# ---- bombs


def test_a_bomb_of_one_entry_is_refused(project: Project) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as member:
        for _ in range(100):
            member.write(bytes(1024 * 1024))
    assert len(file.getvalue()) < 200_000
    with pytest.raises(TooLarge, match="times as much"):
        unpack(project, file.getvalue())
    assert project.names() == set()


def test_a_small_archive_may_shrink_as_much_as_it_likes(project: Project) -> None:
    assert unpack(project, zip_of(("log", b"the same line\n" * 1_000_000))).size == 14_000_000


def test_an_archive_that_says_it_holds_too_much_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1000)
    with pytest.raises(TooLarge, match="at most 1000 bytes"):
        unpack(project, zip_of(("a", b"1" * 600), ("b", b"1" * 600)))


def test_an_entry_holds_no_more_than_it_says(project: Project) -> None:
    archive = bytearray(zip_of(("a", b"1" * 100_000)))
    struct.pack_into("<I", archive, archive.index(b"PK\x01\x02") + 24, 10)
    with pytest.raises(Invalid):
        unpack(project, bytes(archive))
    assert project.names() == set()


def test_entries_that_share_their_bytes_are_refused(project: Project) -> None:
    archive = bytearray(zip_of(("a", b"1" * 1000), ("b", b"2")))
    second = archive.index(b"PK\x01\x02", archive.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", archive, second + 42, 0)
    with pytest.raises(Invalid, match="overlap"):
        unpack(project, bytes(archive))


def test_a_million_entries_are_refused_before_they_are_made_objects(project: Project) -> None:
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entry) * count, 0, 0)
    archive = entry * count + end
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="at most 50000 entries"):
            unpack(project, archive)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_too_many_entries_are_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_ENTRIES", 2)
    with pytest.raises(TooLarge, match="this has 3"):
        unpack(project, zip_of(("a", b""), ("b", b""), ("c", b"")))


# ---- what is there already


def test_files_that_are_there_are_replaced_or_refuse_the_archive(project: Project) -> None:
    project.put("a/file", b"old")
    archive = zip_of(("a/file", b"new"), ("b", b"2"))
    with pytest.raises(Conflict, match="a/file exists already"):
        unpack(project, archive, replace=False)
    assert project.names() == {"a", "a/file"}
    done = unpack(project, archive)
    assert done.replaced == [b"a/file"]
    assert project.do(content, b"a/file") == b"new"


@pytest.mark.parametrize("members", [[("there", b"1")], [("file/", b"")], [("new", b"1"), ("file/below", b"1")]])
def test_a_file_never_takes_a_folders_place_nor_the_reverse(project: Project, members: list[Member]) -> None:
    project.put("there/kept")
    project.put("file")
    before = project.names()
    with pytest.raises(Conflict):
        unpack(project, zip_of(*members))
    assert project.names() == before


def test_a_full_disk_changes_nothing(project: Project) -> None:
    with small_disk(project.folder, "2m"):
        os.chown(project.folder, OWNER, OWNER)
        project.put("a", b"old")
        with pytest.raises(StorageFull):
            unpack(project, zip_of(("a", b"new"), ("b", os.urandom(3_000_000))))
        assert project.names() == {"a"}
        assert project.do(content, b"a") == b"old"


def test_files_are_moved_into_place_under_the_lock(project: Project) -> None:
    seen: list[set[str]] = []

    class Lock(AbstractContextManager[object]):
        def __enter__(self) -> object:
            seen.append({name for name in project.names() if "hutch-tmp" not in name})
            return self

        def __exit__(self, *_: object) -> None:
            seen.append(project.names())

    with TemporaryFile() as file:
        file.write(zip_of(("a", b"1")))
        project.do(archives.unpack, b"", file, replace=True, lock=Lock())
    assert seen[0] == set()
    assert "a" in seen[1]
