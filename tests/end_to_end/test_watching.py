"""Changes on disk as an open IDE hears of them, whoever made them, on both runtimes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.server import Server
from tests.support.terminal import Terminal

PROMISED = 0.5
"""Seconds within which a change is shown."""
ATTEMPTS = 3
"""One of which must keep the promise: at any one moment the machine may be busy with something else."""


@pytest.fixture
def project(client: httpx.Client) -> str:
    """A project whose container runs, and whose app sleeps."""
    id: str = client.post("/api/projects", json={"name": "watched"}).raise_for_status().json()["id"]
    toml = '[run]\ncommand = "sleep 1000"\n'
    client.put(f"/api/projects/{id}/files/hutch.toml", content=toml).raise_for_status()
    return id


async def event(socket: ClientConnection, kind: str, path: str | None = None) -> dict[str, Any]:
    """The next event of `kind`, with `path` among its paths where one is given."""
    async with asyncio.timeout(20):
        while True:
            value: dict[str, Any] = json.loads(await socket.recv())
            if value["type"] == kind and (path is None or path in value["paths"]):
                return value


@asynccontextmanager
async def watching(server: Server, project: str) -> AsyncIterator[ClientConnection]:
    """The events of the project, from when its folders are watched."""
    async with server.socket(f"{project}/events") as socket:
        while not (await event(socket, "watch"))["live"]:
            pass
        yield socket


async def test_what_a_shell_does_is_told_within_half_a_second(
    server: Server, client: httpx.Client, project: str
) -> None:
    async with server.socket(f"{project}/events") as socket:
        assert (await event(socket, "watch")) == {"type": "watch", "live": False, "detail": None}
    client.post(f"/api/projects/{project}/run").raise_for_status()
    async with watching(server, project) as socket, Terminal(server, project) as terminal:
        await terminal.type("echo ready-$((1 + 1)); while read name; do touch $name; echo is-$name; done\n")
        await terminal.read_until("ready-2")
        took: list[float] = []
        while not took or (took[-1] >= PROMISED and len(took) < ATTEMPTS):
            name = f"made-{len(took)}"
            await terminal.type(f"{name}\n")
            await terminal.read_until(f"is-{name}")
            began = time.monotonic()
            await event(socket, "tree", name)
            took.append(time.monotonic() - began)
        assert took[-1] < PROMISED, took


async def test_what_is_changed_beside_the_container_is_told(server: Server, client: httpx.Client, project: str) -> None:
    """As Git or an editor on the machine itself does it, in the folder that is mounted into the container."""
    client.post(f"/api/projects/{project}/run").raise_for_status()
    async with watching(server, project) as socket:
        took: list[float] = []
        while not took or (took[-1] >= PROMISED and len(took) < ATTEMPTS):
            name = f"beside-{len(took)}.txt"
            began = time.monotonic()
            (server.folder / "workspaces" / project / name).write_text("changed")
            await event(socket, "tree", name)
            took.append(time.monotonic() - began)
        assert took[-1] < PROMISED, took


async def test_a_stopped_container_is_watched_no_more(server: Server, client: httpx.Client, project: str) -> None:
    client.post(f"/api/projects/{project}/run").raise_for_status()
    async with watching(server, project) as socket:
        client.post(f"/api/projects/{project}/stop?container=true").raise_for_status()
        assert not (await event(socket, "watch"))["live"]
        client.post(f"/api/projects/{project}/run").raise_for_status()
        while not (await event(socket, "watch"))["live"]:
            pass
