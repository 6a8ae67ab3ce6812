"""Logs and recordings are read from a folder in which a project's own programs may put anything."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from server.errors import NotFound
from server.models import ProjectId
from server.services.documents import Documents
from server.services.logs import KeptLog, Logs
from server.services.recordings import Recordings
from server.services.terminals import Terminals

ID = ProjectId("project1")
SECRET = b"not for the project's people"


class Stopped:
    """Workspaces of which nothing runs."""

    async def refresh_terminals(self, id: ProjectId) -> None:
        pass

    def terminals(self, id: ProjectId) -> tuple[()]:
        return ()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Documents]:
    documents = Documents(tmp_path / "run")
    (tmp_path / "run" / ID).mkdir(parents=True)
    (tmp_path / "secret").write_bytes(SECRET)
    yield documents
    documents.close()


@pytest.fixture
def logs(kept: Documents) -> Logs:
    return Logs(kept, cast(Any, Stopped()))


@pytest.fixture
def recordings(kept: Documents) -> Recordings:
    stopped = cast(Any, Stopped())
    return Recordings(kept, stopped, Terminals(stopped))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "run" / ID


def segment(state: Path, start: int, data: bytes, times: bytes = b"") -> None:
    (state / "log").mkdir(exist_ok=True)
    (state / "log" / f"{start:020d}.log").write_bytes(data)
    (state / "log" / f"{start:020d}.times").write_bytes(times)


async def pieces(log: KeptLog) -> list[tuple[int, bytes]]:
    found, offset = [], log.start
    while (piece := await log.read(offset))[1]:
        found.append(piece)
        offset = piece[0] + len(piece[1])
    return found


async def test_a_log_is_read_over_its_files_and_gaps(logs: Logs, state: Path) -> None:
    assert await pieces(await logs.open(ID)) == []
    segment(state, 10, b"0123456789")
    segment(state, 20, b"abc")
    segment(state, 50, b"after a gap")
    log = await logs.open(ID)
    assert (log.start, log.end) == (10, 61)
    assert await pieces(log) == [(10, b"0123456789"), (20, b"abc"), (50, b"after a gap")]
    assert await log.read(22) == (22, b"c")
    (state / "log" / f"{20:020d}.log").unlink()
    assert await log.read(20) == (50, b"after a gap"), "it went while it was read"


async def test_what_leads_out_of_the_folder_or_never_ends_is_not_read(logs: Logs, state: Path) -> None:
    segment(state, 0, b"mine")
    os.symlink("../../../secret", state / "log" / f"{4:020d}.log")
    os.mkfifo(state / "log" / f"{100:020d}.log")
    (state / "log" / "00000000000000000200.log.x").write_bytes(SECRET)
    os.mkfifo(state / "log" / f"{300:020d}.times")
    segment(state, 400, b"the end")
    assert await pieces(await logs.open(ID)) == [(0, b"mine"), (400, b"the end")]
    (state / "log").rename(state / "was")
    os.symlink("../..", state / "log")
    assert await pieces(await logs.open(ID)) == []


async def test_no_more_of_a_file_is_read_than_a_supervisor_writes(logs: Logs, state: Path) -> None:
    segment(state, 0, b"")
    os.truncate(state / "log" / f"{0:020d}.log", 1024**4)
    log = await logs.open(ID)
    assert log.end == sum(len(piece) for _, piece in await pieces(log)) == 2 * 1024 * 1024


async def test_times_that_make_no_sense_are_left_out(logs: Logs, state: Path) -> None:
    entries = [(0, 1000), (5, 2000), (3, 3000), (99, 4000), (7, 2**63), (8, 5000)]
    segment(state, 0, b"0123456789", b"".join(struct.pack("!QQ", *entry) for entry in entries) + b"torn")
    segment(state, 10, b"0123456789", struct.pack("!QQ", 10, 6000))
    log = await logs.open(ID)
    times = await log.times(0)
    assert [(offset, time.timestamp()) for offset, time in times.entries] == [(0, 1), (5, 2), (8, 5), (10, 6)]
    assert [moment.timestamp() if (moment := times.at(offset)) else None for offset in (0, 4, 5, 9, 15)] == [
        1,
        1,
        2,
        5,
        6,
    ]
    some = await log.times(0, most=2)
    assert len(some.entries) == 2 and some.more
    assert some.at(0) and not (await log.times(10)).at(9)


def recording(state: Path, number: int, text: str | bytes) -> str:
    (state / "recordings").mkdir(exist_ok=True)
    path = state / "recordings" / f"{number:013d}.cast"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path.stem


async def test_only_recordings_are_listed_and_strange_ones_do_no_harm(recordings: Recordings, state: Path) -> None:
    assert await recordings.list(ID) == []
    good = recording(
        state, 3, '{"version":2,"width":100,"height":30,"title":"t"}\n[1.5,"o","x"]\n[2.5,"m","it was stopped"]\n'
    )
    odd = recording(state, 2, '{"version":2,"width":-1,"title":"\\ud800"}\n[NaN,"m","\\udfff"]\n')
    cut = recording(state, 1, '{"version":2,"width":80,"height":24}\n[1.5,"o","x"]\n[2.5,"o","half')
    for number, text in enumerate((b"", b"\xff\xfe", b"[]\n", b"{" * 5000, b'{"version":3}\n'), 10):
        recording(state, number, text)
    os.symlink("../../../secret", state / "recordings" / f"{30:013d}.cast")
    os.mkfifo(state / "recordings" / f"{31:013d}.cast")
    (state / "recordings" / f"{32:013d}.cast").mkdir()
    listed = await recordings.list(ID)
    assert [item.id for item in listed] == [good, odd, cut]
    first, second, third = listed
    assert (first.title, first.cols, first.rows, first.seconds, first.ended) == ("t", 100, 30, 2.5, "it was stopped")
    assert (second.title, second.cols, second.ended) == ("?", 80, "?")
    assert 0 <= second.seconds < float("inf")
    assert third.ended is None and third.seconds > 0
    document, size = await recordings.open(ID, cut)
    assert (await document.read(0, size)).endswith(b'"x"]\n'), "up to the last whole line"
    await document.close()
    for wrong in (f"{30:013d}", f"{31:013d}", f"{32:013d}", "../recordings/1", "1", "9" * 13):
        with pytest.raises(NotFound):
            await recordings.open(ID, wrong)
    await recordings.delete(ID, good)
    assert [item.id for item in await recordings.list(ID)] == [odd, cut]
