"""The contract of runtimes, held to every kind of them: local, and Docker by both roads."""

import asyncio
import os
import sys

import pytest

from server.errors import Conflict, Invalid, LinkLost, NotFound, Unavailable
from tests.runtimes.contract import (
    LONG_LIVED,
    PATIENCE,
    Events,
    World,
    left,
    listens,
    marked,
    plan,
    read_to_exit,
    read_until,
    state_is,
)


async def test_it_can_be_used_and_says_its_name(world: World) -> None:
    runtime = world.runtime()
    assert await runtime.check() is None
    assert runtime.name == ("docker" if world.is_docker else "local")


async def test_starting_twice_is_starting_once(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    first = await world.started(runtime, spec)
    second = await world.started(runtime, spec)
    assert first.boot and first.boot == second.boot
    assert first.hello["terminals"] == [] and first.hello["ports"] == []
    for link in (first, second):
        await link.close()


async def test_what_does_not_run_can_not_be_connected_to(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    with pytest.raises(Conflict, match="does not run"):
        await runtime.connect(spec)


async def test_a_shell_answers_in_the_projects_folder(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    (spec.workspace / "hello.txt").write_text("from the host\n")
    link = await world.started(runtime, spec)
    shell = await link.attach(await world.spawn(runtime, spec, link, *runtime.layout(spec).shell), None)
    await shell.send(b"cat hello.txt; echo $((6 * 7))-done; echo from inside > reply.txt\n")
    assert b"from the host" in await read_until(shell, b"42-done\r\n")
    await shell.send(b"exit 3\n")
    _, ended = await read_to_exit(shell)
    assert (ended["code"], ended["signal"]) == (3, None)
    assert await shell.receive() is None
    assert (spec.workspace / "reply.txt").read_text() == "from inside\n"


async def test_a_signal_that_ended_a_process_is_told(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    stream = await link.attach(await world.spawn(runtime, spec, link, "sh", "-c", "kill -9 $$"), None)
    _, ended = await read_to_exit(stream)
    assert ended["signal"] == "KILL"


async def test_control_c_reaches_the_program(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    # Not a shell that goes on to start something: dash loses a signal that comes just then.
    program = "import time; print('ready', flush=True); time.sleep(1000)"
    stream = await link.attach(await world.spawn(runtime, spec, link, "python3", "-c", program), None)
    await read_until(stream, b"ready")
    await stream.send(b"\x03")
    _, ended = await read_to_exit(stream)
    assert ended["signal"] == "INT" or ended["code"] == 130


async def test_a_new_link_goes_on_at_the_byte_where_the_old_one_broke(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    name = await world.spawn(runtime, spec, link, "sh", "-c", LONG_LIVED)
    stream = await link.attach(name, None)
    seen = await read_until(stream, b"ready\r\n")
    await stream.send(b"one\n")
    await link.close()
    with pytest.raises(LinkLost):
        while True:
            await stream.receive()
    again = await runtime.connect(spec)
    assert again.boot == link.boot
    stream = await again.attach(name, len(seen))
    assert stream.offset == len(seen)
    assert await read_until(stream, b"got one\r\n") == b"one\r\ngot one\r\n"
    assert (await again.call("end", name=name, forget=True))["signal"] in ("HUP", "TERM", "KILL")
    with pytest.raises(NotFound):
        await again.attach(name, 0)


async def test_a_server_that_is_killed_leaves_everything_running(world: World) -> None:
    spec = world.spec()
    script = SERVER.replace("RUNTIME", world.source)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, spec.project, str(spec.workspace), str(spec.state)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout
    async with asyncio.timeout(PATIENCE):
        boot = (await server.stdout.readline()).decode().strip()
    server.kill()
    await server.wait()
    runtime = world.runtime()
    assert spec.project in await runtime.running()
    link = await runtime.connect(spec)
    assert boot and link.boot == boot
    stream = await link.attach("terminal/main", 0)
    await read_until(stream, b"ready")
    await stream.send(b"two\n")
    await read_until(stream, b"got two")


SERVER = f"""
import asyncio, os, sys
from pathlib import Path
from server.models import ProjectId
from server.runtimes.base import Spec
from server.runtimes.docker import DockerRuntime
from server.runtimes.local import LocalRuntime
async def main():
    spec = Spec(ProjectId(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    runtime = RUNTIME
    await runtime.start(spec)
    link = await runtime.connect(spec)
    argv, cwd = ["sh", "-c", {LONG_LIVED!r}], runtime.layout(spec).workspace
    await link.call("spawn", name="terminal/main", argv=argv, cwd=cwd, env={{}}, cols=80, rows=24)
    print(link.boot, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_another_server_adopts_what_runs(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    name = await world.spawn(runtime, spec, link, "sh", "-c", LONG_LIVED)
    await link.close()
    await runtime.close()
    other = world.runtime()
    assert spec.project in await other.running()
    await other.start(spec)
    adopted = await other.connect(spec)
    assert adopted.boot == link.boot
    assert [terminal["name"] for terminal in adopted.hello["terminals"]] == [name]


async def test_an_app_runs_is_reached_and_stopped(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    events = Events(link)
    await link.call("run", **plan(runtime.layout(spec).env))
    [entry] = (await events.wait(listens))["ports"]
    port = entry["port"]
    assert entry["address"] == "127.0.0.1"
    assert "python" in entry["process"]
    assert (await events.wait(state_is("running")))["run"]["steps"][-1]["name"] == "app"
    for _ in range(2):
        stream = await link.connect(port)
        await stream.send(b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
        answer = b""
        while isinstance(item := await stream.receive(), bytes):
            answer += item
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello")
        stream.close()
    assert (await link.call("stop"))["state"] == "stopped"
    with pytest.raises(Conflict):
        await link.connect(port)


async def test_a_relay_carries_much_both_ways_at_once(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    events = Events(link)
    echo = plan(runtime.layout(spec).env)
    echo["app"]["argv"] = ["python3", "-c", ECHO]
    await link.call("run", **echo)
    [entry] = (await events.wait(listens))["ports"]
    stream = await link.connect(entry["port"])
    data = os.urandom(1 << 20) * 3

    async def send() -> None:
        await stream.send(data)
        await stream.send_eof()

    sending = asyncio.create_task(send())
    received = bytearray()
    async with asyncio.timeout(PATIENCE):
        while isinstance(item := await stream.receive(), bytes):
            received += item
        await sending
    assert received == data


ECHO = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
while True:
    connection = listener.accept()[0]
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.close()
"""


async def test_stop_ends_everything_and_start_begins_anew(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    stubborn = "trap '' HUP TERM INT; echo ready; while true; do sleep 1; done"
    stream = await link.attach(await world.spawn(runtime, spec, link, "sh", "-c", stubborn), None)
    await read_until(stream, b"ready")
    async with asyncio.timeout(15):
        await runtime.stop(spec.project)
        await link.wait_closed()
    assert spec.project not in await runtime.running()
    assert not marked(spec.project)
    with pytest.raises(Conflict):
        await runtime.connect(spec)
    await runtime.stop(spec.project)
    again = await world.started(runtime, spec)
    assert again.boot != link.boot
    assert again.hello["terminals"] == []


async def test_remove_leaves_nothing(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    await runtime.remove(spec.project)
    link = await world.started(runtime, spec)
    await world.spawn(runtime, spec, link, "sleep", "1000")
    await runtime.remove(spec.project)
    await runtime.remove(spec.project)
    async with asyncio.timeout(PATIENCE):
        await link.wait_closed()
    assert spec.project not in await runtime.running()
    assert not marked(spec.project)
    if world.is_docker:
        assert await left(spec.project) == ([], [])


async def test_two_projects_live_side_by_side(world: World) -> None:
    runtime, specs = world.runtime(), [world.spec(), world.spec()]
    links = await asyncio.gather(*(world.started(runtime, spec) for spec in specs))
    assert links[0].boot != links[1].boot
    assert {spec.project for spec in specs} <= await runtime.running()
    await runtime.stop(specs[0].project)
    assert specs[0].project not in await runtime.running()
    assert await world.output_of(runtime, specs[1], links[1], "echo", "alive") == "alive\n"


async def test_a_cancelled_start_is_finished_by_the_next(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    for delay in (0.0, 0.01, 0.05, 0.15):
        starting = asyncio.create_task(runtime.start(spec))
        await asyncio.wait({starting}, timeout=delay)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    link = await world.started(runtime, spec)
    assert await world.output_of(runtime, spec, link, "echo", "alive") == "alive\n"


async def test_what_the_supervisor_refuses_arrives_as_our_errors(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    with pytest.raises(NotFound):
        await link.attach("terminal/none", None)
    name = await world.spawn(runtime, spec, link, "sleep", "1000")
    cwd = runtime.layout(spec).workspace
    with pytest.raises(Conflict):
        await link.call("spawn", name=name, argv=["true"], cwd=cwd, env={}, cols=80, rows=24)
    with pytest.raises(Invalid):
        await link.call("spawn", name="terminal/wide", argv=["true"], cwd=cwd, env={}, cols=10**6, rows=24)


async def test_use_is_measured(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    usage = await link.call("usage")
    assert usage.keys() >= {"memory", "cpuSeconds"}
    if world.is_docker:
        assert 1024**2 < usage["memory"] < 256 * 1024**2
        assert 0 < usage["cpuSeconds"] < 60


async def test_a_program_on_pipes_is_fed_heard_and_ended(world: World) -> None:
    runtime, spec = world.runtime(), world.spec()
    link = await world.started(runtime, spec)
    env = runtime.layout(spec).env
    content = os.urandom(700_000)
    stream = await link.execute(["sh", "-c", "pwd >&2; cat; exit 3"], env=env)

    async def feed() -> None:
        for start in range(0, len(content), 100_000):
            await stream.send(content[start : start + 100_000])
        await stream.send_eof()

    feeding = asyncio.create_task(feed())
    seen, ended = await read_to_exit(stream)
    await feeding
    assert seen == content
    assert ended == {"type": "exit", "code": 3, "signal": None, "stderr": runtime.layout(spec).workspace + "\n"}
    assert await stream.receive() is None

    endless = await link.execute(["sh", "-c", "echo $$; exec yes"], env=env)
    first = await endless.receive()
    assert isinstance(first, bytes)
    # Far more is on its way than is wanted.
    endless.close()
    wait = "while kill -0 $0 2> /dev/null; do sleep 0.05; done; echo gone"
    again = await link.execute(["sh", "-c", wait, first.split()[0].decode()], env=env)
    assert await read_to_exit(again) == (b"gone\n", {"type": "exit", "code": 0, "signal": None, "stderr": ""})
    with pytest.raises(Unavailable, match="No such file"):
        await link.execute(["no-such-program"])
