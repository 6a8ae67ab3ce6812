import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.models import State
from server.services.reaper import Reaper
from server.services.terminals import Terminals
from server.services.workspaces import Workspaces
from tests.services.test_workspaces import World, read_until

IDLE = 600


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.database.open()
    yield world
    world.documents.close()
    await world.database.close()


@pytest.fixture
async def workspaces(world: World) -> AsyncIterator[Workspaces]:
    workspaces = world.workspaces(IDLE)
    yield workspaces
    for project in await world.projects.list():
        await workspaces.remove(project.id)
    await workspaces.close()


async def test_what_nobody_uses_is_stopped_and_told(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    status = await workspaces.status(id)
    assert status.idle and status.idle.reason == "last used by: run"
    await Reaper(workspaces, lambda: time.time() + IDLE - 60).sweep()
    assert (await workspaces.status(id)).container
    async with workspaces.subscribe(id) as page:
        await Reaper(workspaces, lambda: time.time() + IDLE + 60).sweep()
        status = await workspaces.status(id)
        assert (status.run.state, status.container, status.idle) == (State.STOPPED, False, None)
        while (event := await page.next())["type"] != "notice":
            pass
        assert "10 minutes" in event["text"]


async def test_a_terminal_that_writes_keeps_it_and_an_open_page_does_not(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    stream = await Terminals(workspaces).open(id, "main", None, (80, 24))
    await stream.send(b"echo now-$((1 + 1))\n")
    await read_until(stream, b"now-2")
    workspaces._workspace(id).active_at = 0
    await Reaper(workspaces).sweep()
    assert (await workspaces.status(id)).container, "its output is a minute old at most"
    async with workspaces.subscribe(id):
        await Reaper(workspaces, lambda: time.time() + IDLE + 60).sweep()
    assert not (await workspaces.status(id)).container
    stream.close()


async def test_zero_means_never(world: World) -> None:
    workspaces = world.workspaces(0)
    await asyncio.wait_for(Reaper(workspaces).watch(), 1)
    await workspaces.close()
