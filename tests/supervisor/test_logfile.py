"""The log on disk: bounded, across restarts and full disks, with the times of what is in it."""

import resource
import time
from pathlib import Path

from server.supervisor.logfile import LIMIT, MOST_SEGMENTS, PIECE, TIME, LogFile
from tests.supervisor.client import SupervisorProcess
from tests.supervisor.test_run import run, settled

BLOCK = bytes(range(256)) * 256


def stored(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def whole(log: LogFile) -> bytes:
    """Everything that can be read, which must be without a gap."""
    pieces, offset = [], log.start
    while piece := log.read(offset, PIECE):
        pieces.append(piece)
        offset += len(piece)
    assert offset == log.end
    return b"".join(pieces)


def times(folder: Path) -> list[tuple[int, int]]:
    return [entry for path in sorted(folder.glob("*.times")) for entry in TIME.iter_unpack(path.read_bytes())]


def test_it_is_bounded_and_readable_from_its_oldest_byte(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    for _ in range(3 * LIMIT // len(BLOCK)):
        log.append(BLOCK)
    assert LIMIT - 3 * 1024 * 1024 < stored(tmp_path / "log") <= LIMIT
    data = whole(log)
    assert len(data) == log.end - log.start > LIMIT - 3 * 1024 * 1024
    assert data == (BLOCK * 400)[: len(data)]
    assert log.read(log.start - 1, 5) == b""
    again = LogFile(str(tmp_path / "log"))
    assert (again.start, again.end) == (log.start, log.end)


def test_fifty_restarts_make_no_more_files_than_one(tmp_path: Path) -> None:
    said = b""
    for number in range(50):
        log = LogFile(str(tmp_path / "log"))
        line = b"life %d\n" % number
        log.append(line)
        said += line
    assert len(list((tmp_path / "log").iterdir())) == 2
    assert whole(LogFile(str(tmp_path / "log"))) == said


def test_a_supervisor_that_is_started_again_and_again_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for number in range(5):
        with SupervisorProcess(tmp_path) as process, process.link() as client:
            run(client, f"echo life {number}")
            settled(client, "exited")
    assert len(list((tmp_path / "state" / "log").iterdir())) == 2
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        text = client.attach("log").until("life 4\r\n")
        assert [f"\r\nlife {number}\r\n" in "\r\n" + text.replace("\x1b[2m", "") for number in range(5)] == [True] * 5


def test_many_small_files_of_an_older_version_are_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number * 10:020d}.log").write_bytes(b"0123456789")
    log = LogFile(str(folder))
    assert len(list(folder.iterdir())) == MOST_SEGMENTS
    assert whole(log) == b"0123456789" * MOST_SEGMENTS


def test_the_times_of_what_comes_are_kept_and_count_towards_the_limit(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    before = int(time.time() * 1000)
    log.append(b"first\n")
    log.append(b"at once after it\n")
    time.sleep(0.02)
    log.append(b"later\n")
    found = times(tmp_path / "log")
    assert [offset for offset, _ in found] in ([0, 23], [0, 6, 23])
    assert before <= found[0][1] <= found[-1][1] - 15 <= time.time() * 1000
    assert log._used == {0: stored(tmp_path / "log")}


def test_a_full_disk_leaves_a_gap_and_no_heap_of_files(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.append(b"x" * 50_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        for _ in range(100):
            log.append(b"y" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(list((tmp_path / "log").iterdir())) <= 4
    assert log.end == 50_000 + 100 * 20_000
    assert log.read(49_999, 5) == b"xyyyy", "what was written before stays"
    assert log.read(log.end - 20_000, 5) == b""
    log._failed_at -= 10
    at = log.end
    log.append(b"after it")
    assert log.read(at, 99) == b"after it"
    assert LogFile(str(tmp_path / "log")).end == log.end
