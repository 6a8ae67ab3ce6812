"""Saves a file again and again, is killed at random moments, and tells what was found each time. See test_files_saving.

Run as `python -m tests.storage.saver safely FOLDER ROUNDS SEED`, or `naively`; prints one JSON object. Processes are
forked here, and not by the tests, because this one has no threads and nothing else to lose.
"""

import json
import os
import random
import select
import signal
import struct
import sys
import time
from pathlib import Path

from server.storage import walking
from server.storage.paths import is_temporary
from server.storage.roots import opened
from tests.storage.project import save

SIZES = (1, 4096, 300_000, 3_000_000)
COUNT = struct.Struct("=q")


def content(number: int) -> bytes:
    """The whole file of save `number`: its number, over and over."""
    return COUNT.pack(number) * SIZES[number % len(SIZES)]


def save_safely(folder: Path, whole: bytes) -> None:
    with opened(folder) as root:
        save(root, b"file", whole)


def save_naively(folder: Path, whole: bytes) -> None:
    (folder / "file").write_bytes(whole)


WAYS = {"safely": save_safely, "naively": save_naively}


def save_for_ever(way: str, folder: Path, first: int, acknowledge: int) -> None:
    number = first
    while True:
        WAYS[way](folder, content(number))
        os.write(acknowledge, COUNT.pack(number))
        number += 1


def last_acknowledged(acknowledged: int, until: float) -> int | None:
    """The last number that came before the moment; a single read takes all that waits."""
    last = None
    while (left := until - time.monotonic()) > 0:
        if select.select([acknowledged], [], [], left)[0]:
            last = COUNT.unpack(os.read(acknowledged, COUNT.size * 1000)[-COUNT.size :])[0]
    return last


def one_round(way: str, folder: Path, first: int, *, seconds: float) -> int:
    """Save from number `first` on for so long; the last number acknowledged, or the one before `first`."""
    acknowledged, acknowledge = os.pipe()
    child = os.fork()
    if child == 0:
        save_for_ever(way, folder, first, acknowledge)
    os.close(acknowledge)
    last = last_acknowledged(acknowledged, time.monotonic() + seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    # It may have acknowledged one more at the very end.
    rest = os.read(acknowledged, COUNT.size * 1000)
    os.close(acknowledged)
    if rest:
        last = COUNT.unpack(rest[-COUNT.size :])[0]
    return first - 1 if last is None else last


def found(folder: Path) -> int | None:
    """The number whose content the file has, None when it is torn."""
    whole = (folder / "file").read_bytes()
    if len(whole) < COUNT.size:
        return None
    number: int = COUNT.unpack(whole[: COUNT.size])[0]
    return number if whole == content(number) else None


def leftovers(folder: Path) -> int:
    return sum(is_temporary(os.fsencode(name)) for name in os.listdir(folder))


def main(way: str, folder: Path, rounds: int, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    torn = lost = stray = half_made = 0
    last = 0
    with opened(folder) as root:
        began = time.monotonic()
        for first in reversed(range(len(SIZES))):
            save(root, b"file", content(first))
    # Twice what one save of each size takes, so that kills hit saves and miss them on a busy machine too.
    longest = min(1.0, max(0.2, 2 * (time.monotonic() - began)))
    for _ in range(rounds):
        acknowledged = one_round(way, folder, last + 1, seconds=chance.uniform(0.0, longest))
        half_made += leftovers(folder)
        number = found(folder)
        torn += number is None
        # What was not acknowledged may be there or not; what was must be.
        lost += number is not None and not acknowledged <= number <= acknowledged + 1
        with opened(folder) as root:
            walking.tree(root, b"", 1)
        stray += leftovers(folder)
        last = acknowledged if number is None else number
    return {"saves": last, "torn": torn, "lost": lost, "stray": stray, "halfMade": half_made}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
