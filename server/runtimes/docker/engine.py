"""The calls of a Docker engine's API that Hutch makes. The only module that knows aiodocker.

Every call is bounded in time, and every failure of the engine is told as a sentence. Only ids that the engine gave us,
64 hexadecimal digits, become part of a path of its API.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

import aiohttp
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from aiodocker.stream import Stream

from server.errors import Unavailable
from server.models import PROJECT_ID, ProjectId
from server.runtimes.direct import Place
from server.runtimes.docker.config import CONFIG_LABEL, PROJECT_LABEL, STOP_SECONDS

logger = logging.getLogger(__name__)

DEFAULT_ENGINE: Final = "unix:///var/run/docker.sock"
QUESTION_SECONDS: Final = 10.0
"""For calls that only ask. One that makes or ends something may take `WORK_SECONDS` on a busy machine."""
WORK_SECONDS: Final = 30.0

_CONTAINER_ID: Final = re.compile(r"[0-9a-f]{64}")
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")
_HOST_PATH: Final = re.compile(r"(?<![A-Za-z0-9:/])/[^\s\"':,]+")


@dataclass(frozen=True)
class Container:
    """A container as the engine lists it. `state` is the engine's word; `config` the hash it was made from."""

    id: str
    project: ProjectId
    state: str
    config: str


class Engine:
    """The calls of the engine's API that Hutch makes. All raise Unavailable with a sentence."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._control: Docker | None = None
        self._streams: Docker | None = None

    # ---- what there is

    async def info(self) -> dict[str, Any]:
        async with self._calling("say what it is", QUESTION_SECONDS) as docker:
            return dict(await docker.system.info())

    async def has_image(self, name: str) -> bool:
        if not _IMAGE.fullmatch(name):
            raise Unavailable(f"the name of the projects' image is not acceptable: {name[:80]!r}")
        async with self._calling("look for the image", QUESTION_SECONDS) as docker:
            return await _found(docker.images.inspect(name)) is not None

    async def containers(self, *, label: str, running: bool = False) -> list[Container]:
        filters = {"label": [label]} | ({"status": ["running"]} if running else {})
        async with self._calling("list containers", QUESTION_SECONDS) as docker:
            found = await docker.containers.list(all=True, filters=filters)
        return [container for item in found if (container := _container(item.id, item["Labels"], item["State"]))]

    async def networks(self, project: ProjectId | None = None) -> list[dict[str, Any]]:
        filters = {"label": f"{PROJECT_LABEL}={project}"} if project else None
        async with self._calling("list networks", QUESTION_SECONDS) as docker:
            return await docker.networks.list(filters=filters)

    async def host_config(self, id: str) -> dict[str, Any]:
        async with self._calling("describe a container", QUESTION_SECONDS) as docker:
            shown = await docker.containers.container(_checked(id)).show()
        return dict(shown["HostConfig"])

    async def place(self, id: str, network: str) -> Place | None:
        """Where a container is on a network, None when it does not run there."""
        async with self._calling("describe a container", QUESTION_SECONDS) as docker:
            shown = await _found(docker.containers.container(_checked(id)).show())
        if shown is None or not shown["State"]["Running"]:
            return None
        joined = shown["NetworkSettings"]["Networks"].get(network) or {}
        try:
            return Place(str(IPv4Address(joined.get("IPAddress"))), str(IPv4Address(joined.get("Gateway"))))
        except ValueError:
            return None

    # ---- what is made and ended

    async def create_container(self, name: str, config: dict[str, Any]) -> str | None:
        """The id of the new container; None when the name is taken."""
        async with self._calling("create the container", WORK_SECONDS) as docker:
            try:
                created = await docker.containers.create(config, name=name)
            except DockerError as error:
                if error.status == 409:
                    return None
                if error.status == 404 and "image" in error.message.lower():
                    raise Unavailable(missing_image(config["Image"])) from None
                raise
        return _checked(created.id)

    async def create_network(self, config: dict[str, Any]) -> bool:
        """Whether it was made: False when its addresses overlap another one's. A network of that name will do."""
        async with self._calling("create the project's network", WORK_SECONDS) as docker:
            try:
                await docker.networks.create(config)
            except DockerError as error:
                if "overlap" in error.message.lower():
                    return False
                if error.status != 409:
                    raise
        return True

    async def start(self, id: str) -> bool:
        """Whether it runs now; False when it has to be made anew: it is gone, or its network is, or there are two."""
        async with self._calling("start the container", WORK_SECONDS) as docker:
            try:
                return await _found(docker.containers.container(_checked(id)).start(), True) is not None
            except DockerError as error:
                if "ambiguous" in error.message:
                    return False
                raise

    async def stop(self, id: str) -> None:
        async with self._calling("stop the container", STOP_SECONDS + WORK_SECONDS) as docker:
            await _found(docker.containers.container(_checked(id)).stop(t=STOP_SECONDS))

    async def remove_container(self, id: str) -> None:
        async with self._calling("remove the container", WORK_SECONDS) as docker:
            try:
                await _found(docker.containers.container(_checked(id)).delete(force=True, v=True))
            except DockerError as error:
                if error.status != 409:
                    raise
                # Someone else is removing it at this moment.

    async def remove_network(self, id: str) -> bool:
        """Whether it is gone: False while a container that is being removed still holds it."""
        async with self._calling("remove the project's network", WORK_SECONDS) as docker:
            try:
                network = await _found(docker.networks.get(_checked(id)))
                if network is not None:
                    await _found(network.delete())
            except DockerError as error:
                if error.status == 403 or "active endpoints" in error.message:
                    return False
                raise
        return True

    async def open_exec(self, id: str, argv: Iterable[str], user: str) -> "ExecPipe":
        """Run a program in the container with its input and output in our hands; the caller closes the pipe."""
        async with self._calling("reach into the container", QUESTION_SECONDS, streams=True) as docker:
            container = docker.containers.container(_checked(id))
            program = await container.exec([*argv], stdin=True, tty=False, privileged=False, user=user, workdir="/")
            pipe = ExecPipe(program.start(detach=False))
            await pipe.open()
        return pipe

    async def close(self) -> None:
        for docker in (self._control, self._streams):
            if docker:
                await docker.close()
                await docker.connector.close()
        self._control = self._streams = None

    # ---- parts

    @asynccontextmanager
    async def _calling(self, what: str, seconds: float, *, streams: bool = False) -> AsyncIterator[Docker]:
        docker = self._client(streams)
        try:
            async with asyncio.timeout(seconds):
                yield docker
        except TimeoutError:
            raise Unavailable(f"the Docker engine took longer than {seconds:g} s to {what}") from None
        except DockerError as error:
            if error.status != 900:
                logger.warning("the Docker engine could not %s: %s", what, error)
                raise Unavailable(f"the Docker engine could not {what}: {_without_paths(error.message)}") from error
            self._lost(docker, error)
        except (aiohttp.ClientError, OSError) as error:
            self._lost(docker, error)

    def _lost(self, docker: Docker, error: Exception) -> None:
        # The engine that comes back may be another version.
        docker.api_version = "auto"
        raise Unavailable(f"the Docker engine does not answer at {self.url}: start it, or run `make engine`") from error

    def _client(self, streams: bool) -> Docker:
        """Streams have connections of their own, so that they never use up those of the other calls."""
        if streams:
            self._streams = self._streams or self._new_client(0, None)
            return self._streams
        self._control = self._control or self._new_client(16, WORK_SECONDS + STOP_SECONDS)
        return self._control

    def _new_client(self, limit: int, total: float | None) -> Docker:
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=3)
        scheme, _, address = self.url.partition("://")
        if scheme == "unix":
            connector: aiohttp.BaseConnector = aiohttp.UnixConnector(address, limit=limit)
            return Docker(url="unix://localhost", connector=connector, timeout=timeout)
        if scheme in ("tcp", "http", "https") and address:
            url = f"{'https' if scheme == 'https' else 'http'}://{address.rstrip('/')}"
            return Docker(url=url, connector=aiohttp.TCPConnector(limit=limit), timeout=timeout)
        raise Unavailable(f"the address of the Docker engine must begin with unix:// or tcp://, got {self.url[:80]!r}")


class ExecPipe:
    """Input and output of a program that the engine runs in a container. Raises OSError when the engine goes away."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def open(self) -> None:
        try:
            await self._stream.__aenter__()
        except BaseException:
            await self.close()
            raise

    async def read(self) -> bytes:
        """The next output; b"" at the end. What it writes to stderr goes to our log."""
        while True:
            try:
                message = await self._stream.read_out()
            except (aiohttp.ClientError, DockerError) as error:
                raise ConnectionError("the engine ended the stream") from error
            if message is None:
                return b""
            if message.stream == 1:
                return message.data
            logger.debug("from a container: %r", message.data[:500])

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.write_in(data)
        except (aiohttp.ClientError, AssertionError, RuntimeError) as error:
            # aiodocker asserts that the connection is there, which it no longer is once the other end hung up.
            raise ConnectionError("the engine ended the stream") from error

    async def close(self) -> None:
        try:
            await self._stream.close()
        except (aiohttp.ClientError, AssertionError, OSError):
            pass


def engine_url(setting: str, docker_host: str | None) -> str:
    """The engine to talk to: the setting, or what the Docker client would take. Never a context file."""
    return setting or docker_host or DEFAULT_ENGINE


def missing_image(image: str) -> str:
    return f"the projects' image {image[:80]} does not exist: build it with `make image`"


async def _found(asking: Any, result: Any = None) -> Any:
    """What the engine answers, or `result` where it answers nothing; None when the object does not exist."""
    try:
        answer = await asking
    except DockerError as error:
        if error.status == 404:
            return None
        raise
    return result if answer is None else answer


def _container(id: str, labels: dict[str, str], state: str) -> Container | None:
    project = labels.get(PROJECT_LABEL, "")
    if not PROJECT_ID.fullmatch(project) or not _CONTAINER_ID.fullmatch(id):
        return None
    return Container(id, ProjectId(project), state, labels.get(CONFIG_LABEL, ""))


def _checked(id: str) -> str:
    if not _CONTAINER_ID.fullmatch(id):
        raise Unavailable("the engine answered with an id that is not 64 hexadecimal digits")
    return id


def _without_paths(message: str) -> str:
    return _HOST_PATH.sub("…", message)[:300]
