"""What the project uses, from the container's own cgroup, or from its processes where there is no container."""

import os
from typing import Any

from .procfs import descendants

MEMORY = (
    ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file"),
)


def usage() -> dict[str, Any]:
    """Memory in bytes without what the kernel would give back at once, and processor seconds; None where unknown."""
    if os.getpid() != 1:
        below = descendants(os.getpid())
        return {"memory": sum(p.memory for p in below), "cpuSeconds": sum(p.seconds for p in below)}
    return {"memory": _memory(), "cpuSeconds": _seconds()}


def _memory() -> int | None:
    for current, stat, cached in MEMORY:
        used = _number(current)
        if used is not None:
            return max(0, used - _fields(stat).get(cached, 0))
    return None


def _seconds() -> float | None:
    microseconds = _fields("/sys/fs/cgroup/cpu.stat").get("usage_usec")
    if microseconds is not None:
        return microseconds / 1e6
    nanoseconds = _number("/sys/fs/cgroup/cpuacct/cpuacct.usage")
    return None if nanoseconds is None else nanoseconds / 1e9


def _number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _fields(path: str) -> dict[str, int]:
    found = {}
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(" ")
                if value.strip().isdigit():
                    found[name] = int(value)
    except OSError:
        pass
    return found
