"""What /proc tells of the processes below this one."""

import os
import time
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
HANGUP_BIT = 1
RECENT = 0.005
"""Seconds for which a walk through /proc stands: less than anyone waits before looking again."""


class Process(NamedTuple):
    """One line of /proc/<pid>/stat: `seconds` of processor time, `memory` resident in bytes."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    seconds: float
    memory: int


_last: tuple[float, dict[int, Process]] = (float("-inf"), {})


def is_alive(pid: int) -> bool:
    """Whether there is such a process, a zombie too."""
    return os.path.exists(f"/proc/{pid}")


def processes() -> dict[int, Process]:
    """All processes that can be seen; those that end meanwhile are left out."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (process := _process(int(entry))):
            found[process.pid] = process
    return found


def _process(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The name may hold spaces and parentheses, so the fields are counted from the last one.
    opening, closing = text.index(b"("), text.rindex(b")")
    rest = text[closing + 2 :].split()
    return Process(
        pid=pid,
        name=text[opening + 1 : closing].decode(errors="replace"),
        state=rest[0].decode(),
        parent=int(rest[1]),
        group=int(rest[2]),
        session=int(rest[3]),
        seconds=(int(rest[11]) + int(rest[12])) / TICKS,
        memory=int(rest[21]) * PAGE,
    )


def descendants(root: int) -> list[Process]:
    """Every process whose chain of parents leads to `root`, without `root` itself."""
    known = processes()
    children: dict[int, list[Process]] = {}
    for process in known.values():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += [process.pid for process in below]
    return found


def session_members(session: int) -> list[Process]:
    """The living processes of a session; zombies have ended already.

    Many terminals that end together look at the same moment: one walk through /proc is then enough for all.
    """
    global _last
    if time.monotonic() - _last[0] > RECENT:
        found = processes()
        _last = (time.monotonic(), found)
    return [process for process in _last[1].values() if process.session == session and process.state not in "ZX"]


def ignores_hangup(pid: int) -> bool:
    """Whether the process ignores SIGHUP, as `nohup` has it do."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("SigIgn:"):
                    return bool(int(line.split()[1], 16) & HANGUP_BIT)
    except OSError:
        pass
    return False
