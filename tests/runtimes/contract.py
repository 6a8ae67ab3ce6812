"""What the contract is tried on: a runtime of each kind, with fresh projects that leave nothing behind."""

import asyncio
import itertools
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiodocker import Docker

from server.models import Limits, ProjectId
from server.runtimes.base import Runtime, Spec
from server.runtimes.docker import DockerRuntime, container_user
from server.runtimes.docker.runtime import Road
from server.runtimes.link import Link
from server.runtimes.local import LocalRuntime
from server.runtimes.stream import Stream
from tests.runtimes.engines import REAL

ENGINE = f"unix://{REAL}"
SUBNETS = "10.213.0.0/16"
LONG_LIVED = 'echo ready; while read line; do echo "got $line"; done'
PATIENCE = 30.0
"""Seconds for anything at all: the machine may be busy, and a container has half a processor."""


@dataclass
class World:
    """One kind of runtime. `make` gives another instance of it, as a server that starts has; `source` is how."""

    kind: str
    root: Path
    make: Callable[[], Runtime]
    source: str = ""
    runtimes: list[Runtime] = field(default_factory=list)
    specs: list[Spec] = field(default_factory=list)
    names: Iterator[int] = field(default_factory=itertools.count)

    @property
    def is_docker(self) -> bool:
        return self.kind != "local"

    def runtime(self) -> Runtime:
        self.runtimes.append(self.make())
        return self.runtimes[-1]

    def spec(self, limits: Limits | None = None) -> Spec:
        """A new project with an empty folder."""
        project = ProjectId(f"t{secrets.token_hex(5)}")
        workspace = self.root / "workspaces" / project
        workspace.mkdir(parents=True)
        if os.getuid() == 0:
            os.chown(workspace, *container_user())
        spec = Spec(project, workspace, self.root / "run" / project, limits or Limits())
        self.specs.append(spec)
        return spec

    async def started(self, runtime: Runtime, spec: Spec) -> Link:
        await runtime.start(spec)
        return await runtime.connect(spec)

    async def spawn(self, runtime: Runtime, spec: Spec, link: Link, *argv: str) -> str:
        """A terminal that runs `argv`; its channel."""
        layout = runtime.layout(spec)
        name = f"terminal/{next(self.names)}"
        await link.call("spawn", name=name, argv=list(argv), cwd=layout.workspace, env=layout.env, cols=80, rows=24)
        return name

    async def output_of(self, runtime: Runtime, spec: Spec, link: Link, *argv: str) -> str:
        """What a program prints until it ends."""
        stream = await link.attach(await self.spawn(runtime, spec, link, *argv), None)
        text, _ = await read_to_exit(stream)
        return text.decode().replace("\r\n", "\n")

    async def clear(self) -> None:
        runtime = self.runtime()
        for spec in self.specs:
            await runtime.remove(spec.project)
        for made in self.runtimes:
            await made.close()


async def read_until(stream: Stream, text: bytes) -> bytes:
    """Everything up to the chunk in which `text` is complete, acked."""
    seen, start = b"", stream.offset
    async with asyncio.timeout(PATIENCE):
        while text not in seen:
            item = await stream.receive()
            assert isinstance(item, bytes), f"expected {text!r}, got {item!r} after {seen[-500:]!r}"
            seen += item
            stream.ack(start + len(seen))
    return seen


async def read_to_exit(stream: Stream) -> tuple[bytes, dict[str, Any]]:
    """Everything to the end, and the message that tells of it."""
    seen, start = b"", stream.offset
    async with asyncio.timeout(PATIENCE):
        while True:
            item = await stream.receive()
            if isinstance(item, bytes):
                seen += item
                stream.ack(start + len(seen))
            elif item is not None and item["type"] == "exit":
                return seen, item
            else:
                raise AssertionError(f"expected output or exit, got {item!r} after {seen[-500:]!r}")


class Events:
    """The events of a link, waited for by what they say."""

    def __init__(self, link: Link) -> None:
        self._seen: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        link.on_event = self._take

    def _take(self, event: dict[str, Any]) -> None:
        self._seen.append(event)
        self._arrived.set()

    async def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event so far or to come that is `wanted`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self._seen:
                    if wanted(event):
                        return event
                self._arrived.clear()
                await self._arrived.wait()


def listens(event: dict[str, Any]) -> bool:
    return event.get("event") == "ports" and bool(event["ports"])


def state_is(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event.get("event") == "run" and event["run"]["state"] == state


def plan(env: dict[str, str]) -> dict[str, Any]:
    """A run of an app that listens on loopback only, on any free port, and answers every request with `hello`."""
    return {
        "environment": None,
        "install": None,
        "app": {"argv": ["python3", "-c", _APP], "env": env},
    }


# Of Python's own library no more than the minimal package has.
_APP = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
while True:
    connection = listener.accept()[0]
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhello")
    connection.close()
"""

PROBE = """
import json, os, socket
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
def read(*paths):
    for path in paths:
        try:
            return open(path).read().split()
        except OSError:
            pass
cgroup = "/sys/fs/cgroup/"
quota = read(cgroup + "cpu.max") or [read(cgroup + "cpu/cpu.cfs_" + kind)[0] for kind in ("quota_us", "period_us")]
def may_write(path):
    try:
        open(path + "/.probe", "w").close()
        os.unlink(path + "/.probe")
        return True
    except OSError:
        return False
print("PROBE" + json.dumps({
    "memory": int(read(cgroup + "memory.max", cgroup + "memory/memory.limit_in_bytes")[0]),
    "swap": read(cgroup + "memory.swap.max", cgroup + "memory/memory.memsw.limit_in_bytes"),
    "cpus": int(quota[0]) / int(quota[1]),
    "pids": int(read(cgroup + "pids.max", cgroup + "pids/pids.max")[0]),
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "seccomp": status["Seccomp"].strip(),
    "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)],
    "writable": [path for path in ("/etc", "/usr", "/opt/hutch", "/sys", "/proc/sys", "/dev") if may_write(path)],
    "workspace": may_write("/workspace"),
    "address": socket.gethostbyname(socket.gethostname()),
}) + "END")
"""


async def probe(world: World, runtime: Runtime, spec: Spec, link: Link) -> dict[str, Any]:
    """What a process in the container sees of its cage."""
    text = await world.output_of(runtime, spec, link, "python3", "-c", PROBE)
    start, end = text.index("PROBE") + 5, text.rindex("END")
    seen: dict[str, Any] = json.loads(text[start:end])
    return seen


def local_world(root: Path, environment: Mapping[str, str]) -> World:
    source = f"LocalRuntime(Path({str(root / 'run')!r}), os.environ)"
    return World("local", root, lambda: LocalRuntime(root / "run", environment), source)


def docker_world(kind: str, root: Path, image: str, link: Road) -> World:
    source = f"DockerRuntime({ENGINE!r}, {image!r}, subnets={SUBNETS!r}, link={link!r})"
    return World(kind, root, lambda: DockerRuntime(ENGINE, image, subnets=SUBNETS, link=link), source)


def marked(project: str, also: bytes = b"") -> list[str]:
    """Processes of this machine whose environment has the local runtime's mark of the project, and `also`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if f"HUTCH_PROJECT={project}".encode() in environment and also in environment:
            found.append(entry.name)
    return found


async def left(project: str) -> tuple[list[str], list[str]]:
    """Containers and networks of the project that the engine still has."""
    filters = {"label": [f"hutch.project={project}"]}
    async with Docker(url=ENGINE) as docker:
        containers = await docker.containers.list(all=True, filters=filters)
        networks = await docker.networks.list(filters={"label": f"hutch.project={project}"})
    return [item.id for item in containers], [item["Name"] for item in networks]
