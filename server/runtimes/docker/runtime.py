"""Projects in containers of a Docker engine.

Nothing is remembered that a restarted server or engine would miss: containers and networks are found by their label.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any, Final, Literal

from server.errors import AppError, Conflict, LinkLost, Unavailable
from server.models import ProjectId
from server.runtimes.base import Layout, Spec
from server.runtimes.direct import Direct, Place
from server.runtimes.docker.config import (
    ATTACH,
    CONFIG_LABEL,
    PROJECT_LABEL,
    WORKSPACE,
    container_config,
    container_env,
    container_name,
    container_user,
    free_subnet,
    network_config,
)
from server.runtimes.docker.engine import Container, Engine, engine_url, missing_image
from server.runtimes.link import Link
from server.runtimes.roads import open_socket, over_pipe, over_socket

logger = logging.getLogger(__name__)

BOOT_SECONDS: Final = 15.0
"""For a supervisor to listen once its container was started."""
SOCKET_PATIENCE: Final = 2.0
"""Where both roads may be taken: the time after which the shared folder is taken for not shared after all."""
STILL_RUNNING_EVERY: Final = 0.25
POLL_FIRST: Final = 0.004
POLL_LATER: Final = 0.05
"""Between attempts to connect, until and after the time that a supervisor usually takes. An attempt costs 30 µs."""
USUAL_BOOT: Final = 0.5
NETWORK_TRIES: Final = 20
NAME_TRIES: Final = 40
IPV6: Final = Path("/proc/sys/net/ipv6/conf/lo")
"""There where this machine's kernel has IPv6, and so that of an engine on it."""

Road = Literal["auto", "socket", "exec"]


class DockerRuntime:
    """The runtime that keeps each project in a container of its own.

    `engine` is a URL, unix:// or tcp://, and empty for DOCKER_HOST or the usual socket; `subnets` is an IPv4 network.
    """

    def __init__(
        self, engine: str, image: str, *, subnets: str, link: Road = "auto", ca_bundle: Path | None = None
    ) -> None:
        url = engine_url(engine, os.environ.get("DOCKER_HOST"))
        self._engine = Engine(url)
        self._image = image
        self._pool = IPv4Network(subnets)
        self._road: Road = link if link != "auto" or url.startswith("unix://") else "exec"
        self._ca_bundle = ca_bundle
        self._ipv6 = url.startswith("unix://") and IPV6.exists()
        self._processors: int | None = None
        self._allocating = asyncio.Lock()
        self._networking: set[asyncio.Task[None]] = set()
        # Only to spare a question: ids that are no longer right are found out by the engine's answer.
        self._ids: dict[ProjectId, tuple[str, str]] = {}

    @property
    def name(self) -> str:
        return "docker"

    async def check(self) -> str | None:
        """Why no container can be run just now, as a sentence with what to do; None when they can."""
        try:
            await self._count_processors()
            if not await self._engine.has_image(self._image):
                return missing_image(self._image)
        except AppError as error:
            return error.detail
        return None

    def layout(self, spec: Spec) -> Layout:
        return Layout(
            workspace=WORKSPACE,
            shell=("/bin/bash", "-l"),
            environment=("/opt/hutch/environment",),
            env=container_env(self._ca_bundle),
        )

    async def start(self, spec: Spec) -> None:
        """Have the container run, made anew when what the server wants of it changed while it was stopped."""
        _, config = await asyncio.gather(asyncio.to_thread(_prepare, spec.state), self._config(spec))
        wanted = config["Labels"][CONFIG_LABEL]
        known = self._ids.get(spec.project)
        if known and known[1] == wanted and await self._engine.start(known[0]):
            return
        container = await self._find(spec.project)
        if container and container.state == "running":
            return
        if container:
            if container.config == wanted and await self._engine.start(container.id):
                self._ids[spec.project] = (container.id, wanted)
                return
            await self._engine.remove_container(container.id)
        id = await self._create(spec.project, config)
        if not await self._engine.start(id):
            raise Unavailable("the project's container was removed while it was started; run again")
        self._ids[spec.project] = (id, wanted)

    async def connect(self, spec: Spec) -> Link:
        """A new link, as soon as the supervisor listens. Raises Unavailable, or Conflict when no container runs."""
        if self._road != "exec":
            try:
                seconds = SOCKET_PATIENCE if self._road == "auto" else BOOT_SECONDS
                return await self._insist(self._connect_socket, spec, seconds)
            except Unavailable:
                if self._road == "socket":
                    raise
            logger.info("project %s is not reached through its folder; going through the engine", spec.project)
        link = await self._insist(self._connect_exec, spec, BOOT_SECONDS)
        if self._road == "auto":
            # Now that it listens: perhaps it only took long to start, and the folder is shared after all.
            with suppress(OSError, AppError):
                shorter = await self._connect_socket(spec)
                await link.close()
                return shorter
        return link

    async def stop(self, project: ProjectId) -> None:
        container = await self._find(project)
        if container:
            await self._engine.stop(container.id)

    async def remove(self, project: ProjectId) -> None:
        self._ids.pop(project, None)
        await asyncio.gather(*self._networking, return_exceptions=True)
        for container in await self._engine.containers(label=f"{PROJECT_LABEL}={project}"):
            await self._engine.remove_container(container.id)
        for network in await self._engine.networks(project):
            await self._remove_network(network["Id"])

    async def running(self) -> set[ProjectId]:
        return {container.project for container in await self._engine.containers(label=PROJECT_LABEL, running=True)}

    async def close(self) -> None:
        await asyncio.gather(*self._networking, return_exceptions=True)
        await self._engine.close()

    # ---- parts

    async def _find(self, project: ProjectId) -> Container | None:
        return next(iter(await self._engine.containers(label=f"{PROJECT_LABEL}={project}")), None)

    async def _config(self, spec: Spec) -> dict[str, Any]:
        return container_config(
            spec,
            self._image,
            user=container_user(),
            processors=await self._count_processors(),
            ca_bundle=self._ca_bundle,
            ipv6=self._ipv6,
        )

    async def _count_processors(self) -> int:
        if self._processors is None:
            self._processors = int((await self._engine.info())["NCPU"])
        return self._processors

    async def _create(self, project: ProjectId, config: dict[str, Any]) -> str:
        """A new container on its network. The two are made at the same time: the engine joins them at the start."""
        # Never cancelled: the engine would make it all the same, and the next call a second one of that name.
        network = asyncio.create_task(self._ensure_network(project))
        self._networking.add(network)
        network.add_done_callback(self._network_done)
        making = self._create_container(project, config)
        id, problem = await asyncio.gather(making, asyncio.shield(network), return_exceptions=True)
        for failure in (id, problem):
            if isinstance(failure, BaseException):
                raise failure
        return str(id)

    async def _create_container(self, project: ProjectId, config: dict[str, Any]) -> str:
        id = await self._engine.create_container(container_name(project), config)
        if id is None:
            return await self._await_other(project)
        await self._compare_limits(id, config["HostConfig"])
        return id

    def _network_done(self, network: asyncio.Task[None]) -> None:
        self._networking.discard(network)
        if not network.cancelled() and (error := network.exception()):
            logger.info("no network was made: %s", error)

    async def _await_other(self, project: ProjectId) -> str:
        """The container that has the name: perhaps it is just being made by a call that was cancelled."""
        for _ in range(NAME_TRIES):
            if container := await self._find(project):
                return container.id
            await asyncio.sleep(POLL_LATER)
        raise Unavailable(f"a container named {container_name(project)} is in the way that is not Hutch's: remove it")

    async def _compare_limits(self, id: str, wanted: dict[str, Any]) -> None:
        """The engine drops limits that its kernel can't keep, and says so only in a warning that aiodocker drops."""
        given = await self._engine.host_config(id)
        for key in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit"):
            if given.get(key) != wanted[key]:
                logger.warning(
                    "the engine does not keep %s of container %.12s: asked for %s, given %s",
                    key,
                    id,
                    wanted[key],
                    given.get(key),
                )

    async def _ensure_network(self, project: ProjectId) -> None:
        async with self._allocating:
            networks = await self._engine.networks()
            same = [network["Id"] for network in networks if network["Name"] == container_name(project)]
            for extra in same[1:]:
                # The engine lets two calls at the same moment make two of one name, and then refuses to choose.
                await self._engine.remove_network(extra)
            if same:
                return
            used = {subnet for network in networks for subnet in _subnets(network)}
            for _ in range(NETWORK_TRIES):
                subnet = free_subnet(self._pool, used)
                if subnet is None:
                    raise Unavailable(f"no free network is left in {self._pool}: remove projects, or set HUTCH_SUBNETS")
                if await self._engine.create_network(network_config(project, subnet)):
                    return
                # Taken by someone who isn't in the list: another server at this moment, or the host itself.
                used.add(subnet)
        raise Unavailable(f"every network tried in {self._pool} overlaps another: set HUTCH_SUBNETS to a free range")

    async def _remove_network(self, id: str) -> None:
        for _ in range(NETWORK_TRIES):
            if await self._engine.remove_network(id):
                return
            await asyncio.sleep(POLL_LATER)
        raise Unavailable("the project's network is still in use; remove the project again in a moment")

    async def _connect_socket(self, spec: Spec) -> Link:
        link = await over_socket(spec.project, open_socket(spec.state))
        # A socket in a folder that both see: so both are on this machine.
        link.direct = Direct(lambda: self._look(spec.project))
        return link

    async def _connect_exec(self, spec: Spec) -> Link:
        container = await self._require_running(spec.project)
        user, group = container_user()
        pipe = await self._engine.open_exec(container.id, ATTACH, f"{user}:{group}")
        return await over_pipe(spec.project, pipe.read, pipe.write, pipe.close)

    async def _insist(self, connect: Callable[[Spec], Awaitable[Link]], spec: Spec, seconds: float) -> Link:
        """Connect as soon as the supervisor listens, for as long as its container runs."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        check_at = begun + STILL_RUNNING_EVERY
        while True:
            try:
                return await connect(spec)
            except (OSError, LinkLost):
                now = loop.time()
            if now >= check_at:
                await self._require_running(spec.project)
                check_at = loop.time() + STILL_RUNNING_EVERY
            if now >= begun + seconds:
                raise Unavailable("the project's supervisor does not listen: stop the container, then run again")
            await asyncio.sleep(POLL_FIRST if now < begun + USUAL_BOOT else POLL_LATER)

    async def _look(self, project: ProjectId) -> Place | None:
        container = await self._find(project)
        return await self._engine.place(container.id, container_name(project)) if container else None

    async def _require_running(self, project: ProjectId) -> Container:
        container = await self._find(project)
        if container is None or container.state != "running":
            raise Conflict("the project's container does not run: start it with Run")
        return container


def _prepare(state: Path) -> None:
    """Make the folder that the container's user and the server share, closed to everyone else."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.getuid() == 0:
        os.chown(state, *container_user(), follow_symlinks=False)
    state.chmod(0o700)


def _subnets(network: dict[str, Any]) -> list[IPv4Network]:
    entries = (network.get("IPAM") or {}).get("Config") or []
    parsed = (ip_network(entry["Subnet"], strict=False) for entry in entries if entry.get("Subnet"))
    return [subnet for subnet in parsed if isinstance(subnet, IPv4Network)]
