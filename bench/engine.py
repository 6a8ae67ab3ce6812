"""The engine's API as a target: execs with a TTY over hijacked connections, in a container like a project's."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final, Self

import aiodocker

from bench.targets import READ, PtyTerminal, Terminal, named, resident
from server.runtimes.image import image_tag

SOCKET: Final = "/var/run/docker.sock"
PROCESSES: Final = ("dockerd", "containerd", "docker-proxy")


class ExecTerminal:
    """One hijacked connection: after the HTTP head it is the bytes of the TTY."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> bytes:
        if data := await self._reader.read(READ):
            return data
        raise EOFError

    async def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def end(self) -> None:
        """A shell in an exec outlives its connection, so it is asked to go; the container's end takes the rest."""
        self._writer.write(b"\x03\x04")
        self._writer.close()


class Engine:
    """A container of the projects' image under the projects' limits, and execs in it."""

    name = "engine API"

    def __init__(self, docker: aiodocker.Docker, folder: Path, *, cpus: float, pids: int, env: list[str]) -> None:
        self._docker = docker
        self._env = env
        self._config: dict[str, Any] = {
            "Image": image_tag(),
            "User": "1000:1000",
            "Entrypoint": [],
            "Cmd": ["sleep", "infinity"],
            "HostConfig": {
                "Binds": [f"{folder}:/workspace"],
                "Memory": 256 * 1024 * 1024,
                "NanoCpus": round(cpus * 1e9),
                "PidsLimit": pids,
                "Init": True,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
            },
        }

    async def __aenter__(self) -> Self:
        self._container = await self._docker.containers.create(self._config)
        await self._container.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._container.delete(force=True)

    async def open(self, name: str) -> Terminal:
        execution = await self._container.exec(
            ["/bin/bash", "-l"],
            stdin=True,
            tty=True,
            user="1000:1000",
            workdir="/workspace",
            environment=["TERM=xterm-256color", *self._env],
        )
        reader, writer = await asyncio.open_unix_connection(SOCKET)
        body = json.dumps({"Detach": False, "Tty": True, "ConsoleSize": [24, 80]}).encode()
        writer.write(
            f"POST /exec/{execution.id}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"the engine did not hand its connection over: {head!r:.200}")
        await execution.resize(h=24, w=80)
        return ExecTerminal(reader, writer)

    def command(self) -> list[str]:
        """What a person types for a shell in this container."""
        env = [word for entry in ("TERM=xterm-256color", *self._env) for word in ("--env", entry)]
        return ["docker", "exec", "-it", "--user", "1000:1000", "--workdir", "/workspace", *env, self._container.id,
                "/bin/bash", "-l"]  # fmt: skip

    def memory(self) -> int | None:
        return resident(named(PROCESSES))


class CliTerminal(PtyTerminal):
    """A client of the engine on a PTY of ours."""

    async def end(self) -> None:
        """The shell outlives its client, so it is asked to go."""
        await self.send(b"\x03\x04")
        await super().end()


class Cli:
    """`docker exec -it` in the container of an `Engine`: one more process for each terminal."""

    name = "docker exec -it"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(self, name: str) -> Terminal:
        return CliTerminal(Path.cwd(), self._engine.command())

    def memory(self) -> int | None:
        return resident(named((*PROCESSES, "docker")))
