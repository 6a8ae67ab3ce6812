"""What a project and its server have open, as the kernel, the engine and the server's metrics count it."""

import json
import os
import re
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from server.supervisor.procfs import descendants
from tests.support.server import Server, wait_for


@dataclass(frozen=True)
class Counts:
    """`execs` are those that run in the container; 0 where there is none."""

    server_descriptors: int
    server_tasks: int
    server_threads: int
    supervisor_descriptors: int
    supervisor_threads: int
    processes: int
    execs: int
    terminals: int
    viewers: int

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items())


def supervisor_of(server: Server, project: str) -> int:
    """Its process, by the lock that it holds."""
    inode = (server.folder / "data" / "run" / project / "supervisor.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and int(fields[5].rpartition(":")[2]) == inode and int(fields[4]) > 0:
            return int(fields[4])
    raise AssertionError("no supervisor holds the project's folder")


def count(server: Server, project: str) -> Counts:
    """As it is now."""
    assert server.process
    supervisor = supervisor_of(server, project)
    with server.client() as client:
        tasks = re.search(r"^hutch_tasks (\d+)", client.get("/metrics").raise_for_status().text, re.MULTILINE)
        terminals = client.get(f"/api/projects/{project}/terminals").raise_for_status().json()
    assert tasks
    return Counts(
        server_descriptors=_descriptors(server.process.pid),
        server_tasks=int(tasks[1]),
        server_threads=_threads(server.process.pid),
        supervisor_descriptors=_descriptors(supervisor),
        supervisor_threads=_threads(supervisor),
        processes=len(descendants(supervisor)),
        execs=_execs(project) if server.runtime == "docker" else 0,
        terminals=len(terminals),
        viewers=sum(terminal["viewers"] for terminal in terminals),
    )


def settled(server: Server, project: str, before: Counts, seconds: float = 60) -> Counts:
    """The counts once nothing is more than it was before. Raises AssertionError with both when that does not come.

    Threads are those of two pools, which grow to their size and stay: asyncio's and the database's.
    """
    pool = min(32, (os.cpu_count() or 1) + 4) + 5
    now = before

    def is_as_before() -> bool:
        nonlocal now
        now = count(server, project)
        more = {name for name, value in asdict(now).items() if value > getattr(before, name)}
        return not more or (more == {"server_threads"} and now.server_threads <= before.server_threads + pool)

    try:
        wait_for("the counts from before", is_as_before, seconds)
    except AssertionError:
        raise AssertionError(f"more is left than was there\nbefore: {before}\nafter:  {now}") from None
    return now


def _descriptors(pid: int) -> int:
    """Without those of the database, whose connections are a pool too."""
    open_files = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            open_files += "/hutch.db" not in os.readlink(f"/proc/{pid}/fd/{name}")
    return open_files


def _threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def _execs(project: str) -> int:
    shown = subprocess.run(
        ["docker", "inspect", "--format", "{{json .ExecIDs}}", f"hutch-{project}"],
        capture_output=True,
        check=True,
        text=True,
    )
    return len(json.loads(shown.stdout) or [])
