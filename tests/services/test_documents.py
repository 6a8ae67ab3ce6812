import asyncio
import io
import os
import threading
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.errors import AppError, BadRequest, Conflict, Invalid, NotFound, PreconditionFailed, StorageFull, TooLarge
from server.models import ProjectId
from server.services.documents import Documents
from server.services.threads import MOST_OF_ONE
from server.storage.beneath import Unsupported
from tests.storage.project import OWNER, small_disk

ID = ProjectId("abcdef")
OTHER = ProjectId("ghijkl")


@pytest.fixture
def root() -> Iterator[Path]:
    with TemporaryDirectory(prefix="hutch-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def documents(root: Path) -> AsyncIterator[Documents]:
    documents = Documents(root, owner=(OWNER, OWNER))
    await documents.create(ID, {})
    yield documents
    documents.close()


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def descriptors() -> list[str]:
    """What is open besides the threads' and the loop's own: regular files and folders."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
        if "hutch-test" in target:
            found.append(target)
    return found


# ---- whole projects


async def test_a_new_project_is_whole_and_belongs_to_its_owner(documents: Documents, root: Path) -> None:
    await documents.create(OTHER, {"package.json": b"{}", "src/index.js": b"1", "empty": b""})
    assert await documents.read(OTHER, "src/index.js") == b"1"
    assert documents.folder(OTHER) == root / OTHER
    assert {path.stat().st_uid for path in (root / OTHER).rglob("*")} == {OWNER}
    assert (root / OTHER).stat().st_uid == OWNER
    assert sorted(os.listdir(root)) == [ID, OTHER]


async def test_without_an_owner_it_is_that_of_the_root(root: Path) -> None:
    os.chown(root, 1234, 1235)
    documents = Documents(root)
    await documents.create(OTHER, {"a": b""})
    status = (root / OTHER / "a").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)
    documents.close()


async def test_a_root_that_is_not_there_is_made(root: Path) -> None:
    documents = Documents(root / "deep" / "down")
    await documents.create(ID, {"a": b"1"})
    assert await documents.read(ID, "a") == b"1"
    documents.close()


@pytest.mark.parametrize("files", [{"ok": b"", "../evil": b""}, {"ok": b"", "": b""}, {"a": b"", "a/b": b""}])
async def test_a_project_that_can_not_be_made_leaves_nothing(
    documents: Documents, root: Path, files: Mapping[str, bytes]
) -> None:
    with pytest.raises(AppError):
        await documents.create(OTHER, files)
    assert os.listdir(root) == [ID]


async def test_a_project_is_made_once(documents: Documents, root: Path) -> None:
    await documents.write(ID, "kept", b"1")
    with pytest.raises(Conflict, match="exists already"):
        await documents.create(ID, {"new": b""})
    assert os.listdir(root) == [ID]
    assert os.listdir(root / ID) == ["kept"]


async def test_a_full_disk_makes_no_half_a_project(root: Path) -> None:
    with small_disk(root, "1m"):
        documents = Documents(root)
        with pytest.raises(StorageFull):
            await documents.create(OTHER, {"a": b"1", "b": b"x" * 2_000_000})
        assert os.listdir(root) == []
        documents.close()


async def test_what_a_killed_server_left_goes_with_the_next_creation(documents: Documents, root: Path) -> None:
    left = root / ".hutch-tmp-0123456789abcdef"
    (left / "half").mkdir(parents=True)
    await documents.create(OTHER, {})
    assert sorted(os.listdir(root)) == [ID, OTHER]


async def test_a_removed_project_is_gone_and_may_be_made_again(documents: Documents, root: Path) -> None:
    await documents.write(ID, "a/b", b"1")
    (root / ID / "a").chmod(0)
    os.symlink("/etc", root / ID / "link")
    await documents.remove(ID)
    await documents.remove(ID)
    assert os.listdir(root) == []
    assert os.path.exists("/etc/passwd")
    with pytest.raises(NotFound):
        await documents.tree(ID)
    await documents.create(ID, {})


@pytest.mark.parametrize("id", ["..", ".", "", "a/b", "../abcdef", "ABCDEF", "abc", "abcdef\n", "a" * 33, "abc-def"])
async def test_what_is_no_id_reaches_no_folder(documents: Documents, id: str) -> None:
    with pytest.raises(NotFound):
        documents.folder(ProjectId(id))
    with pytest.raises(NotFound):
        await documents.remove(ProjectId(id))
    with pytest.raises(NotFound):
        await documents.read(ProjectId(id), "a")


async def test_a_project_that_is_a_link_is_not_followed(documents: Documents, root: Path) -> None:
    os.symlink("/etc", root / OTHER)
    with pytest.raises(NotFound):
        await documents.read(OTHER, "passwd")


def test_a_machine_that_can_not_is_told_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.beneath._OPENAT2", 100_000)
    with pytest.raises(Unsupported):
        Documents(root)


# ---- files


async def test_files_are_written_read_moved_copied_and_deleted(documents: Documents) -> None:
    saved = await documents.write(ID, "a/file", b"one")
    assert saved.created and saved.entry == await documents.stat(ID, "a/file")
    await documents.copy(ID, "a", "b")
    await documents.move(ID, "a/file", "c/moved")
    await documents.make_folder(ID, "d/e")
    await documents.delete(ID, "a")
    paths = [os.fsdecode(entry.path) for entry in await documents.tree(ID, "", 3)]
    assert paths == ["b", "c", "d", "b/file", "c/moved", "d/e"]
    assert await documents.usage(ID) > 0


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\0", "a//b", "\ud800"])
async def test_every_parameter_refuses_what_leads_out(documents: Documents, path: str) -> None:
    await documents.write(ID, "file", b"1")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: documents.tree(ID, path),
        lambda: documents.stat(ID, path),
        lambda: documents.open(ID, path),
        lambda: documents.read(ID, path),
        lambda: documents.write(ID, path, b""),
        lambda: documents.delete(ID, path),
        lambda: documents.make_folder(ID, path),
        lambda: documents.move(ID, path, "new"),
        lambda: documents.move(ID, "file", path),
        lambda: documents.copy(ID, path, "new"),
        lambda: documents.copy(ID, "file", path),
        lambda: anext(documents.archive(ID, path)),
        lambda: documents.unpack(ID, pieces_of(b""), path),
        lambda: documents.create(OTHER, {path: b""}),
    ]
    for attempt in attempts:
        with pytest.raises(BadRequest):
            await attempt()
    assert [entry.path for entry in await documents.tree(ID)] == [b"file"]


async def test_a_file_is_read_in_pieces_and_parts(documents: Documents) -> None:
    whole = os.urandom(1_000_000)
    await documents.write(ID, "file", whole)
    document = await documents.open(ID, "file")
    pieces = [piece async for piece in document.pieces()]
    assert b"".join(pieces) == whole and len(pieces) > 1
    assert b"".join([piece async for piece in document.pieces(10, 500_000)]) == whole[10:500_000]
    await documents.write(ID, "file", b"another")
    assert await document.read(0, 10) == whole[:10]
    await document.close()
    await document.close()
    assert await document.read(0, 10) == b""
    with pytest.raises(TooLarge):
        await documents.read(ID, "file", most=6)


async def test_a_file_cut_off_while_it_is_read_is_told(documents: Documents, root: Path) -> None:
    await documents.write(ID, "file", b"x" * 1_000_000)
    document = await documents.open(ID, "file")
    os.truncate(root / ID / "file", 10)
    with pytest.raises(Conflict, match="cut off"):
        [piece async for piece in document.pieces()]
    await document.close()


async def test_a_save_that_is_too_large_changes_nothing(documents: Documents, root: Path) -> None:
    await documents.write(ID, "file", b"old")
    with pytest.raises(TooLarge):
        await documents.save(ID, "file", pieces_of(b"x" * 600_000, b"x" * 600_000), most=1_000_000)
    assert await documents.read(ID, "file") == b"old"
    assert os.listdir(root / ID) == ["file"]
    assert descriptors() == []


async def test_a_source_that_fails_changes_nothing(documents: Documents, root: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 1_000_000
        raise BadRequest("the connection ended")

    with pytest.raises(BadRequest):
        await documents.save(ID, "file", failing())
    assert os.listdir(root / ID) == []
    assert descriptors() == []


async def test_two_saves_of_one_version_do_not_both_win(documents: Documents) -> None:
    etag = (await documents.write(ID, "file", b"old")).entry.etag

    async def save(content: bytes) -> bool:
        try:
            await documents.write(ID, "file", content, lambda current: current is not None and current.etag == etag)
        except PreconditionFailed:
            return False
        return True

    assert sum(await asyncio.gather(*(save(b"%d" % number) for number in range(20)))) == 1


# ---- threads and cancelling


async def test_a_cancelled_save_leaves_neither_file_nor_descriptor(documents: Documents, root: Path) -> None:
    began = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 1_000_000
        began.set()
        await asyncio.Event().wait()

    saving = asyncio.create_task(documents.save(ID, "file", endless()))
    await began.wait()
    assert len(os.listdir(root / ID)) == 1
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    # Cancelled or not, what was begun is given back by a thread of its own.
    await documents.usage(ID)
    documents._pool.shutdown(wait=True)
    assert os.listdir(root / ID) == []
    assert descriptors() == []


async def test_cancelling_at_any_moment_loses_no_descriptor(documents: Documents, root: Path) -> None:
    await documents.write(ID, "file", b"x" * 300_000)

    async def use() -> None:
        document = await documents.open(ID, "file")
        try:
            await document.read(0, 10)
            await documents.write(ID, "other", b"y" * 300_000)
            archive = documents.archive(ID)
            try:
                async for _ in archive:
                    pass
            finally:
                await archive.aclose()
        finally:
            await document.close()

    for turns in range(60):
        using = asyncio.create_task(use())
        for _ in range(turns):
            await asyncio.sleep(0)
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)
    documents._pool.shutdown(wait=True)
    assert descriptors() == []
    assert set(os.listdir(root / ID)) <= {"file", "other"}


async def test_a_project_that_blocks_leaves_threads_to_the_others(documents: Documents) -> None:
    await documents.create(OTHER, {"file": b"1"})
    go_on = threading.Event()
    reached = threading.Semaphore(0)

    def block(_: int) -> None:
        reached.release()
        go_on.wait(30)

    blocked = [asyncio.create_task(documents._do(ID, block)) for _ in range(100)]
    try:
        for _ in range(MOST_OF_ONE):
            assert await asyncio.to_thread(reached.acquire, timeout=10)
        async with asyncio.timeout(10):
            assert await documents.read(OTHER, "file") == b"1"
        assert not reached.acquire(blocking=False)
        # A cancelled call keeps its place until its thread is free.
        blocked[0].cancel()
        async with asyncio.timeout(10):
            await documents.read(OTHER, "file")
        assert not reached.acquire(blocking=False)
    finally:
        go_on.set()
    await asyncio.gather(*blocked, return_exceptions=True)


# ---- archives


async def test_a_project_goes_from_one_to_another_by_archive(documents: Documents, root: Path) -> None:
    await documents.create(OTHER, {"a/file": b"old"})
    await documents.write(ID, "a/file", b"new" * 100_000)
    await documents.write(ID, "b", os.urandom(600_000))
    done = await documents.unpack(OTHER, documents.archive(ID))
    assert (done.files, done.replaced) == (2, [b"a/file"])
    assert await documents.read(OTHER, "b") == await documents.read(ID, "b")
    assert sorted(os.listdir(root)) == [ID, OTHER]
    assert descriptors() == []


async def test_an_archive_of_nothing_is_told_at_the_first_piece(documents: Documents) -> None:
    with pytest.raises(NotFound):
        await anext(documents.archive(ID, "nothing"))


async def test_an_archive_may_be_left_early(documents: Documents) -> None:
    await documents.write(ID, "file", os.urandom(2_000_000))
    archive = documents.archive(ID)
    assert await anext(archive)
    await archive.aclose()
    assert descriptors() == []


async def test_an_archive_that_can_not_be_taken_leaves_nothing(documents: Documents, root: Path) -> None:
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../evil", b"")
    with pytest.raises(Invalid):
        await documents.unpack(ID, pieces_of(evil.getvalue()))
    with pytest.raises(TooLarge):
        await documents.unpack(ID, pieces_of(b"x" * 100), most=10)
    assert os.listdir(root) == [ID]
    assert os.listdir(root / ID) == []
    assert descriptors() == []
