"""What the project uses, from the container's own cgroup, or from its processes where there is no container."""

import os
from typing import Any

from .procfs import descendants

MEMORY = (
    ("/sys/fs/cgroup/", "memory.current", "memory.max", ""),
    ("/sys/fs/cgroup/memory/", "memory.usage_in_bytes", "memory.limit_in_bytes", "total_"),
)


def usage() -> dict[str, Any]:
    """Memory in bytes without what the kernel would give back at once, and processor seconds; None where unknown.

    `memoryShare` is the part of the limit that is taken by what the kernel can't give back at all.
    """
    if os.getpid() != 1:
        below = descendants(os.getpid())
        memory = sum(p.memory for p in below)
        return {"memory": memory, "memoryShare": None, "cpuSeconds": sum(p.seconds for p in below)}
    return {**_memory(), "cpuSeconds": _seconds()}


def _memory() -> dict[str, Any]:
    for folder, current, most, prefix in MEMORY:
        used, limit = _number(folder + current), _number(folder + most)
        if used is not None:
            fields = _fields(folder + "memory.stat")
            inactive, active = (fields.get(f"{prefix}{kind}_file", 0) for kind in ("inactive", "active"))
            share = max(0, used - inactive - active) / limit if limit else None
            return {"memory": max(0, used - inactive), "memoryShare": share}
    return {"memory": None, "memoryShare": None}


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
