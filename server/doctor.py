"""`hutch doctor`: what this machine has, what it lacks, and the command that mends it."""

import asyncio
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, UnixConnector

from server.config import Settings
from server.runtimes.image import image_tag

# Below these versions an engine has published ways out of a container.
FLOORS = {"Engine": (29, 5, 1), "containerd": (2, 2, 4), "runc": (1, 3, 6)}
LEAST_FREE = 5 * 1024**3
LEAST_WATCHES = 65536
ENGINE_WAIT = 5.0


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found, and the command or change that mends it where it is not as it should be."""

    level: Level
    subject: str
    found: str
    mend: str = ""


def main(settings: Settings) -> int:
    """Print what was found; 1 when something is missing without which nothing runs."""
    findings = asyncio.run(examine(settings))
    for finding in findings:
        print(f"{finding.level.value:>8}  {finding.subject}: {finding.found}")
        if finding.mend:
            print(f"{'':>8}  → {finding.mend}")
    return int(any(finding.level is Level.MISSING for finding in findings))


async def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which a person would mend things."""
    engine = await ask_engine(settings)
    return [
        python(),
        kernel(),
        cgroups(Path("/sys/fs/cgroup")),
        *engine_findings(engine, settings),
        *[disk(name, path) for name, path in (("data", settings.data), ("workspaces", settings.workspaces))],
        *([disk("engine", Path(engine["info"]["DockerRootDir"]))] if engine.get("info") else []),
        await preview_names(settings.preview_domain),
        watches(Path("/proc/sys/fs/inotify/max_user_watches")),
        certificates(settings),
    ]


def python() -> Finding:
    return Finding(Level.OK, "Python", platform.python_version())


def kernel() -> Finding:
    release = platform.release()
    found = re.match(r"(\d+)\.(\d+)", release)
    recent = found is not None and (int(found[1]), int(found[2])) >= (5, 6)
    if sys.platform != "linux" or not recent:
        return Finding(Level.MISSING, "kernel", release, "Linux 5.6 or newer is needed, for safe access to files")
    return Finding(Level.OK, "kernel", release)


def cgroups(root: Path) -> Finding:
    """Which version of cgroups bounds memory, processors and processes of the containers."""
    if (root / "cgroup.controllers").exists():
        present = set((root / "cgroup.controllers").read_text().split())
        version, needed = "v2", {"memory", "cpu", "pids"}
    else:
        present = {path.name for path in root.iterdir()} if root.is_dir() else set()
        version, needed = "v1", {"memory", "cpu", "pids"}
    lacking = sorted(needed - present)
    if lacking:
        return Finding(
            Level.NOTE, "cgroups", f"{version} without {', '.join(lacking)}", "limits of that kind will not hold"
        )
    return Finding(Level.OK, "cgroups", version)


async def ask_engine(settings: Settings) -> dict[str, Any]:
    """The engine's version, info and whether it has the image; `error` where it does not answer."""
    url = settings.engine
    local = url.startswith("unix://")
    connector = UnixConnector(path=url.removeprefix("unix://")) if local else TCPConnector()
    base = "http://engine" if local else url.replace("tcp://", "http://")
    image = settings.image or image_tag()
    try:
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=ENGINE_WAIT)) as session:
            answers: dict[str, Any] = {"image": image}
            for name, path in (("version", "/version"), ("info", "/info")):
                async with session.get(base + path) as answer:
                    answers[name] = await answer.json()
            async with session.get(f"{base}/images/{image}/json") as answer:
                answers["has_image"] = answer.status == 200
            return answers
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        return {"error": getattr(error, "strerror", None) or str(error) or "no answer in time"}


def engine_findings(engine: dict[str, Any], settings: Settings) -> Iterable[Finding]:
    """What the engine's answers mean. Without one, projects run on the machine itself."""
    if "error" in engine:
        level = Level.MISSING if settings.runtime == "docker" else Level.NOTE
        found = f"none answers at {settings.engine} ({engine['error']})"
        yield Finding(level, "Docker engine", found, "make engine")
        return
    for component in engine["version"].get("Components", []):
        floor = FLOORS.get(component["Name"])
        if floor:
            yield _against_floor(component["Name"], component["Version"], floor)
    options = " ".join(engine["info"].get("SecurityOptions") or [])
    if "seccomp" not in options or "unconfined" in options:
        yield Finding(Level.NOTE, "seccomp", "not in force", "run dockerd with its default seccomp profile")
    if engine["has_image"]:
        yield Finding(Level.OK, "image", engine["image"])
    else:
        yield Finding(Level.MISSING, "image", f"{engine['image']} is not there", "make image")


def _against_floor(name: str, version: str, floor: tuple[int, ...]) -> Finding:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    wanted = ".".join(map(str, floor))
    if numbers < floor:
        return Finding(
            Level.NOTE,
            name,
            f"{version}, below {wanted}",
            f"known ways out of containers are closed in {wanted}: upgrade before you host for people you don't trust",
        )
    return Finding(Level.OK, name, version)


def disk(name: str, path: Path) -> Finding:
    """The space left where `path` is, or would be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return Finding(Level.NOTE, f"disk of {name}", str(error.strerror))
    found = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE:
        mend = f"make room: less than {LEAST_FREE // 1024**3} GiB is tight"
        return Finding(Level.NOTE, f"disk of {name}", found, mend)
    return Finding(Level.OK, f"disk of {name}", found)


async def preview_names(domain: str) -> Finding:
    """Whether names of previews lead anywhere. Browsers know `localhost` and all below it without asking."""
    name = f"3000-example1.{domain}"
    if domain.endswith(".localhost"):
        return Finding(Level.OK, "previews", f"at *.{domain}, which browsers resolve to this machine")
    try:
        await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return Finding(
            Level.MISSING, "previews", f"{name} does not resolve", f"a wildcard DNS record *.{domain} for this server"
        )
    return Finding(Level.OK, "previews", f"at *.{domain}")


def watches(path: Path) -> Finding:
    try:
        limit = int(path.read_text())
    except (OSError, ValueError):
        return Finding(Level.NOTE, "file watches", "the limit can't be read")
    if limit < LEAST_WATCHES:
        mend = f"sysctl fs.inotify.max_user_watches={LEAST_WATCHES * 8}"
        return Finding(Level.NOTE, "file watches", f"{limit} for each user; dev servers need more", mend)
    return Finding(Level.OK, "file watches", str(limit))


def certificates(settings: Settings) -> Finding:
    """Behind a company's own authority, package managers in containers need its certificate."""
    if settings.ca_bundle:
        return Finding(Level.OK, "certificates", f"projects trust {settings.ca_bundle}")
    return Finding(Level.OK, "certificates", "those of the image; HUTCH_CA_BUNDLE names others")
