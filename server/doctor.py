"""`hutch doctor`: what this machine has, what it lacks, and the command that mends it."""

import asyncio
import errno
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, UnixConnector

from server.config import Settings
from server.runtimes.image import image_tag

# Below these versions there are published ways out of a container: one for each line of releases that was mended.
FLOORS = {
    "Engine": [(29, 5, 1)],
    "containerd": [(1, 7, 32), (2, 0, 9), (2, 2, 4), (2, 3, 1)],
    "runc": [(1, 3, 6), (1, 4, 3)],
}
LEAST_FREE = 5 * 1024**3
INOTIFY = Path("/proc/sys/fs/inotify")
# What the containers of one user share.
LEAST_INOTIFY = {"max_user_watches": 65536, "max_user_instances": 512}
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
    folders = [("data", settings.data), ("workspaces", settings.workspaces)]
    if "info" in engine and settings.engine.startswith("unix://"):
        folders.append(("engine", Path(engine["info"].get("DockerRootDir", "/"))))
    return [
        python(),
        kernel(),
        *engine_findings(engine, settings),
        *(disk(name, path) for name, path in folders),
        await preview_names(settings.preview_domain),
        *(inotify(INOTIFY / name, least) for name, least in LEAST_INOTIFY.items()),
        certificates(settings.ca_bundle),
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


async def ask_engine(settings: Settings) -> dict[str, Any]:
    """The engine's `version` and `info`, the name of the image and whether it is there; or `error`, and `denied` where
    this user may not ask."""
    url = settings.engine
    local = url.startswith("unix://")
    connector = UnixConnector(path=url.removeprefix("unix://")) if local else TCPConnector()
    base = "http://engine" if local else url.replace("tcp://", "http://")
    image = settings.image or image_tag()
    try:
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=ENGINE_WAIT)) as session:
            answers: dict[str, Any] = {"image": image}
            for name in ("version", "info"):
                async with session.get(f"{base}/{name}", raise_for_status=True) as answer:
                    answers[name] = await answer.json()
            async with session.get(f"{base}/images/{image}/json") as answer:
                answers["has_image"] = answer.status == 200
            return answers
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        denied = isinstance(error, OSError) and error.errno == errno.EACCES
        return {"error": getattr(error, "strerror", None) or str(error) or "no answer in time", "denied": denied}


def engine_findings(engine: dict[str, Any], settings: Settings) -> Iterator[Finding]:
    """What the engine's answers mean. Without one, projects run on the machine itself."""
    needed = Level.NOTE if settings.runtime == "local" else Level.MISSING
    if "error" in engine:
        level = needed if settings.runtime == "docker" else Level.NOTE
        mend = "sudo usermod -aG docker $USER, then sign in again" if engine["denied"] else "make engine"
        yield Finding(level, "Docker engine", f"none answers at {settings.engine} ({engine['error']})", mend)
        return
    for component in engine["version"].get("Components") or []:
        if component["Name"] in FLOORS:
            yield _against_floors(component["Name"], component["Version"])
    yield cgroups(engine["info"])
    options = " ".join(engine["info"].get("SecurityOptions") or [])
    if "seccomp" not in options or "unconfined" in options:
        yield Finding(Level.NOTE, "seccomp", "not in force", "run dockerd with its default seccomp profile")
    if engine["has_image"]:
        yield Finding(Level.OK, "image", engine["image"])
    else:
        yield Finding(needed, "image", f"{engine['image']} is not there", "make image")


def cgroups(info: dict[str, Any]) -> Finding:
    """The version of cgroups by which the engine bounds containers, and what it can't bound."""
    bounds = {"memory": "MemoryLimit", "processors": "CpuCfsQuota", "processes": "PidsLimit"}
    lacking = [name for name, key in bounds.items() if not info.get(key)]
    version = f"v{info.get('CgroupVersion', '1')}"
    if lacking:
        found = f"{version}, no limits on {', '.join(lacking)}"
        return Finding(Level.NOTE, "cgroups", found, "start the kernel with these controllers on")
    return Finding(Level.OK, "cgroups", version)


def _against_floors(name: str, version: str) -> Finding:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    floors = FLOORS[name]
    # A line of releases between two that were mended was not.
    floor = next((floor for floor in floors if floor[:2] >= numbers[:2]), floors[-1])
    if numbers < floor:
        wanted = ".".join(map(str, floor))
        mend = f"{wanted} closes known ways out of containers: upgrade before you host for people you don't trust"
        return Finding(Level.NOTE, name, f"{version}, below {wanted}", mend)
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


def inotify(path: Path, least: int) -> Finding:
    """A limit of the kernel on how much programs may watch for changes; dev servers run into it."""
    subject = f"inotify {path.name}"
    try:
        limit = int(path.read_text())
    except (OSError, ValueError):
        return Finding(Level.NOTE, subject, "the limit can't be read")
    if limit < least:
        mend = f"sudo sysctl fs.inotify.{path.name}={least * 8}"
        return Finding(Level.NOTE, subject, f"{limit}; the dev servers of several projects need more", mend)
    return Finding(Level.OK, subject, str(limit))


def certificates(bundle: Path | None) -> Finding:
    """Behind a company's own authority, package managers in containers need its certificate."""
    if bundle is None:
        return Finding(Level.OK, "certificates", "those of the image; HUTCH_CA_BUNDLE names others")
    try:
        usable = b"-----BEGIN CERTIFICATE-----" in bundle.read_bytes()
    except OSError:
        usable = False
    if not usable:
        found = f"no certificates (PEM) can be read from {bundle}"
        return Finding(Level.MISSING, "certificates", found, "name a file that has some with HUTCH_CA_BUNDLE")
    return Finding(Level.OK, "certificates", f"projects trust {bundle}")
