"""The state machine of projects over the real local runtime, database and files."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from server.errors import AppError, BadGateway, Conflict, Unavailable
from server.models import Limits, ProjectId, Run, State
from server.runtimes.base import Layout, Spec
from server.runtimes.link import Link, Stream
from server.runtimes.local import LocalRuntime
from server.services.documents import Documents
from server.services.projects import Projects
from server.services.sharing import Sharing
from server.services.templates import Templates
from server.services.terminals import Terminals
from server.services.workspaces import Workspaces
from server.storage.database import Database

SERVER = b"""
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], "is open")
time.sleep(99)
"""
ROOT = Path(__file__).parent.parent.parent


class Faulty:
    """The local runtime with one fault: while `broken`, no container starts."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self._runtime = runtime
        self.broken = False
        self.starts = 0

    @property
    def name(self) -> str:
        return "local"

    async def check(self) -> str | None:
        return None

    def layout(self, spec: Spec) -> Layout:
        return self._runtime.layout(spec)

    async def start(self, spec: Spec) -> None:
        self.starts += 1
        if self.broken:
            raise Unavailable("the engine is having a rest; try again tomorrow")
        await self._runtime.start(spec)

    async def connect(self, spec: Spec) -> Link:
        return await self._runtime.connect(spec)

    async def stop(self, project: ProjectId) -> None:
        await self._runtime.stop(project)

    async def remove(self, project: ProjectId) -> None:
        await self._runtime.remove(project)

    async def running(self) -> set[ProjectId]:
        return await self._runtime.running()

    async def close(self) -> None:
        await self._runtime.close()


class World:
    """Everything below the workspaces, and one project whose command tests choose."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(f"sqlite+aiosqlite:///{folder / 'hutch.db'}")
        self.documents = Documents(folder / "workspaces")
        self.sharing = Sharing(self.database)
        templates = Templates(ROOT / "templates" / "projects", ROOT / "docker")
        self.projects = Projects(self.database, self.documents, templates, Limits())

    def workspaces(self, idle_stop: int = 0) -> Workspaces:
        self.runtime = Faulty(LocalRuntime(self.folder / "run", {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}))
        return Workspaces(
            self.runtime,
            self.projects,
            self.documents,
            self.sharing,
            state=self.folder / "run",
            limits=Limits(),
            idle_stop=idle_stop,
        )

    async def project(self, command: str, install: str = "true") -> ProjectId:
        id = (await self.projects.create(name="test")).id
        await self.command(id, command, install)
        return id

    async def command(self, id: ProjectId, command: str, install: str = "true") -> None:
        toml = f"[run]\ninstall = '''{install}'''\ncommand = '''{command}'''\n"
        await self.documents.write(id, "hutch.toml", toml.encode())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.database.open()
    yield world
    world.documents.close()
    await world.database.close()


@pytest.fixture
async def workspaces(world: World) -> AsyncIterator[Workspaces]:
    workspaces = world.workspaces()
    yield workspaces
    for project in await world.projects.list():
        await workspaces.remove(project.id)
    await workspaces.close()


async def until(workspaces: Workspaces, id: ProjectId, wanted: Callable[[Run], bool], seconds: float = 15) -> Run:
    """The run, once it is as wanted; woken by the events that every open page gets."""
    async with asyncio.timeout(seconds), workspaces.subscribe(id) as subscription:
        while not wanted(run := (await workspaces.status(id)).run):
            await subscription.next()
        return run


def is_in(*states: State) -> Callable[[Run], bool]:
    return lambda run: run.state in states


async def read_until(stream: Stream, wanted: bytes, seconds: float = 15) -> bytes:
    output, offset = b"", stream.offset
    async with asyncio.timeout(seconds):
        while wanted not in output:
            item = await stream.receive()
            assert item is not None, output
            if isinstance(item, bytes):
                output += item
                offset += len(item)
                stream.ack(offset)
    return output


async def test_a_run_goes_through_its_steps_and_stops(world: World, workspaces: Workspaces) -> None:
    id = await world.project("echo hello; sleep 1000")
    assert (await workspaces.status(id)).run == Run(State.STOPPED)
    await workspaces.run(id)
    run = await until(workspaces, id, is_in(State.RUNNING))
    assert [step.name for step in run.steps] == ["container", "environment", "install", "app"]
    assert all(step.started_at for step in run.steps)
    log = await workspaces.logs(id, None)
    await read_until(log, b"\r\nhello\r\n")
    log.close()
    status = await workspaces.stop(id)
    assert (status.run.state, status.container) == (State.STOPPED, True)
    status = await workspaces.stop(id, container=True)
    assert (status.run.state, status.container) == (State.STOPPED, False)
    assert await world.runtime.running() == set()


async def test_runs_at_once_start_one_container_and_one_app(world: World, workspaces: Workspaces) -> None:
    id = await world.project("echo started >> starts; sleep 1000")
    await asyncio.gather(*(workspaces.run(id) for _ in range(5)))
    await until(workspaces, id, is_in(State.RUNNING))
    assert world.runtime.starts == 1
    log = await workspaces.logs(id, None)
    await read_until(log, b"$ echo started")
    log.close()
    await workspaces.restart(id)
    await until(workspaces, id, is_in(State.RUNNING))
    assert world.runtime.starts == 1, "the container stays"


async def test_a_caller_that_goes_away_leaves_nothing_half_done(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    running = asyncio.create_task(workspaces.run(id))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(workspaces, id, is_in(State.RUNNING))


async def test_a_container_that_can_not_start_says_so_and_can_be_tried_again(
    world: World, workspaces: Workspaces
) -> None:
    id = await world.project("sleep 1000")
    world.runtime.broken = True
    with pytest.raises(Unavailable, match="having a rest"):
        await workspaces.run(id)
    status = await workspaces.status(id)
    assert (status.run.state, status.detail) == (State.FAILED, "the engine is having a rest; try again tomorrow")
    assert status.run.steps[0].detail == status.detail
    world.runtime.broken = False
    await workspaces.run(id)
    run = await until(workspaces, id, is_in(State.RUNNING))
    assert (await workspaces.status(id)).detail is None
    assert run.steps[0].detail is None


async def test_two_viewers_of_a_new_name_share_one_shell(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    with pytest.raises(Conflict, match="Run"):
        await Terminals(workspaces).open(id, "main", None, (80, 24))
    await workspaces.run(id)
    first, second = await asyncio.gather(*(Terminals(workspaces).open(id, "main", None, (80, 24)) for _ in range(2)))
    await first.send(b"echo one-$((1 + 1))\n")
    await read_until(first, b"one-2")
    await read_until(second, b"one-2")
    assert len(workspaces.terminals(id)) == 1
    first.close()
    second.close()


async def test_an_ended_terminal_is_shown_to_whoever_resumes_and_replaced_for_others(
    world: World, workspaces: Workspaces
) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    stream = await Terminals(workspaces).open(id, "main", None, (80, 24))
    await stream.send(b"echo before-$((1 + 1)); exit 4\n")
    await read_until(stream, b"before-2")
    while (item := await stream.receive()) is not None and not isinstance(item, dict):
        pass
    assert item == {"type": "exit", "code": 4, "signal": None}
    async with workspaces.subscribe(id) as subscription:
        while not all(terminal.ended for terminal in workspaces.terminals(id)):
            await subscription.next()
    resumed = await Terminals(workspaces).open(id, "main", 0, (80, 24))
    await read_until(resumed, b"before-2")
    fresh = await Terminals(workspaces).open(id, "main", None, (80, 24))
    await fresh.send(b"echo after-$((1 + 1))\n")
    assert b"before-2" not in await read_until(fresh, b"after-2")
    fresh.close()


async def test_a_closed_terminal_is_gone_for_everyone(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    stream = await Terminals(workspaces).open(id, "main", None, (80, 24))
    await Terminals(workspaces).end(id, "main")
    while await stream.receive() is not None:
        pass
    async with workspaces.subscribe(id) as subscription:
        while workspaces.terminals(id):
            await subscription.next()
    await Terminals(workspaces).end(id, "main")


async def test_the_link_is_made_again_and_the_terminal_goes_on(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    stream = await Terminals(workspaces).open(id, "main", None, (80, 24))
    await stream.send(b"kept=still-here; echo set-$((1 + 1))\n")
    output = await read_until(stream, b"set-2")
    offset = stream.offset + len(output)
    await workspaces._workspace(id).link.close()  # type: ignore[union-attr]
    async with asyncio.timeout(10):
        while True:
            try:
                again = await Terminals(workspaces).open(id, "main", offset, (80, 24))
                break
            except AppError:
                await asyncio.sleep(0.01)
    await again.send(b"echo $kept-$((1 + 1))\n")
    await read_until(again, b"still-here-2")
    again.close()
    assert (await workspaces.status(id)).run.state is State.RUNNING


async def test_a_container_that_dies_is_told_in_a_sentence(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    await until(workspaces, id, is_in(State.RUNNING))
    # The supervisor reports its stopped app, then the link breaks; the sentence comes once the container is known gone.
    async with asyncio.timeout(15), workspaces.subscribe(id) as subscription:
        await world.runtime.stop(id)
        while "Run starts it again" not in str((status := await workspaces.status(id)).detail):
            await subscription.next()
    assert (status.run.state, status.container) == (State.STOPPED, False)
    await workspaces.run(id)
    await until(workspaces, id, is_in(State.RUNNING))


async def test_another_server_finds_what_runs(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    await workspaces.run(id)
    await until(workspaces, id, is_in(State.RUNNING))
    await workspaces.close()
    successor = world.workspaces()
    try:
        await successor.adopt()
        assert (await successor.status(id)).run.state is State.RUNNING
        assert world.runtime.starts == 0
    finally:
        await successor.remove(id)
        await successor.close()


async def test_nothing_answers_on_a_port_that_nobody_listens_on(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    with pytest.raises(Conflict):
        await workspaces.connect(id, 3000)
    await workspaces.run(id)
    with pytest.raises(BadGateway):
        await workspaces.connect(id, 3000)
    assert not await workspaces.wait_for_port(id, 3000, 0.05)


async def test_a_port_is_waited_for(world: World, workspaces: Workspaces) -> None:
    id = await world.project("python3 -u server.py")
    await world.documents.write(id, "server.py", SERVER)
    await workspaces.run(id)
    log = await workspaces.logs(id, None)
    port = int((await read_until(log, b" is open")).split()[-3])
    assert await workspaces.wait_for_port(id, port, 10)
    assert [item.port for item in workspaces.ports(id)] == [port]
    stream = await workspaces.connect(id, port)
    stream.close()
    log.close()


async def test_a_project_may_lower_its_limits_only(world: World, workspaces: Workspaces) -> None:
    id = await world.project("sleep 1000")
    toml = '[run]\ncommand = "sleep 1000"\n[limits]\nmemory = "64MiB"\npids = 50\n'
    await world.documents.write(id, "hutch.toml", toml.encode())
    status = await workspaces.run(id)
    assert (status.limits.memory, status.limits.pids) == (64 * 1024**2, 50)


async def test_every_subscriber_hears_what_is_announced(world: World, workspaces: Workspaces) -> None:
    id = await world.project("true")
    async with workspaces.subscribe(id) as first, workspaces.subscribe(id) as second:
        workspaces.notify(id, {"type": "tree", "paths": ["a"]})
        expected: dict[str, Any] = {"type": "tree", "paths": ["a"]}
        assert await first.next() == expected
        assert await second.next() == expected
