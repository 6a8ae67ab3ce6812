"""How long from Run to the app's first answer, beside the engine's own ways, in turn in one run.

    python -m bench.start [rounds]

Every way runs the same plain `node:http` app in the same image under the same limits. `exec` and `run` are bare calls
of the engine's API, asked at the container's address; Hutch is asked through its preview. Prints a Markdown table of
medians and the two ratios.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiodocker
import httpx

from server.runtimes.image import image_tag
from tests.support.server import Server

APP = """require("node:http").createServer((_, answer) => answer.end("ok")).listen(process.env.PORT || 3000);\n"""
COMMAND = ["sh", "-c", '. "$(ls /var/lib/hutch/environments/*.sh | head -n 1)"; exec node index.js']
PAUSE = 0.002


async def until_200(client: httpx.AsyncClient, url: str, headers: dict[str, str], deadline: float = 30) -> None:
    """Ask again and again until the answer is 200."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        try:
            if (await client.get(url, headers=headers)).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(PAUSE)
    raise TimeoutError(f"no 200 from {url} within {deadline:g} s")


class Engine:
    """The engine's own ways: an exec in a running container, and a container of its own."""

    def __init__(self, docker: aiodocker.Docker, client: httpx.AsyncClient, workspace: Path) -> None:
        self._docker = docker
        self._client = client
        self._config: dict[str, Any] = {
            "Image": image_tag(),
            "User": "1000:1000",
            "WorkingDir": "/workspace",
            "Entrypoint": [],
            "HostConfig": {
                "Binds": [f"{workspace}:/workspace"],
                "Memory": 256 * 1024 * 1024,
                "NanoCpus": 500_000_000,
                "PidsLimit": 100,
            },
        }

    async def exec(self) -> float:
        container = await self._docker.containers.create({**self._config, "Cmd": ["sleep", "60"]})
        try:
            await container.start()
            address = await self._address(container)
            started = time.perf_counter()
            execution = await container.exec(COMMAND, user="1000:1000", workdir="/workspace")
            await execution.start(detach=True)
            await until_200(self._client, address, {})
            return time.perf_counter() - started
        finally:
            await container.delete(force=True)

    async def run(self) -> float:
        started = time.perf_counter()
        container = await self._docker.containers.create({**self._config, "Cmd": COMMAND})
        try:
            await container.start()
            await until_200(self._client, await self._address(container), {})
            return time.perf_counter() - started
        finally:
            await container.delete(force=True)

    async def _address(self, container: Any) -> str:
        shown = await container.show()
        return f"http://{shown['NetworkSettings']['IPAddress']}:3000/"


class Hutch:
    """The same through Hutch's API and preview: with a warm container, and with a stopped one."""

    def __init__(self, server: Server, project: str, client: httpx.AsyncClient) -> None:
        self._server = server
        self._client = client
        self._calls = f"{server.url}/api/projects/{project}"
        self._bearer = {"Authorization": f"Bearer {server.token}"}
        self._preview = {
            "Host": f"3000-{project}.preview.localhost:{server.port}",
            "X-Hutch-Authorization": f"Bearer {server.token}",
        }

    async def warm(self) -> float:
        return await self._time("")

    async def stopped(self) -> float:
        return await self._time("?container=true")

    async def _time(self, stop: str) -> float:
        (await self._client.post(f"{self._calls}/stop{stop}", headers=self._bearer)).raise_for_status()
        started = time.perf_counter()
        (await self._client.post(f"{self._calls}/run", headers=self._bearer)).raise_for_status()
        await until_200(self._client, f"{self._server.url}/", self._preview)
        return time.perf_counter() - started


def table(times: dict[str, list[float]]) -> str:
    """Milliseconds and the ratios that are promised, as Markdown."""
    rows = ["| way | median ms | min–max |", "|---|---|---|"]
    for name, values in times.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        rows.append(f"| {name} | {middle * 1000:.0f} | {low * 1000:.0f}–{high * 1000:.0f} |")
    warm = statistics.median(times["Hutch, container warm"]) / statistics.median(times["engine API, exec"])
    cold = statistics.median(times["Hutch, container stopped"]) / statistics.median(times["engine API, run"])
    return "\n".join([*rows, "", f"warm / exec: {warm:.2f} (at most 1.3) · stopped / run: {cold:.2f} (at most 1.5)"])


async def measure(server: Server, rounds: int) -> str:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client, aiodocker.Docker() as docker:
        bearer = {"Authorization": f"Bearer {server.token}"}
        made = await client.post(f"{server.url}/api/projects", json={"dependencies": {}}, headers=bearer)
        project = made.raise_for_status().json()["id"]
        calls = f"{server.url}/api/projects/{project}"
        (await client.put(f"{calls}/files/index.js", content=APP, headers=bearer)).raise_for_status()
        hutch = Hutch(server, project, client)
        engine = Engine(docker, client, server.folder / "workspaces" / project)
        await hutch.warm()
        ways: dict[str, Callable[[], Awaitable[float]]] = {
            "engine API, exec": engine.exec,
            "Hutch, container warm": hutch.warm,
            "engine API, run": engine.run,
            "Hutch, container stopped": hutch.stopped,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                times[name].append(await way())
        return table(times)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Server(Path(folder), "docker") as server:
            print(asyncio.run(measure(server, rounds)))


if __name__ == "__main__":
    main()
