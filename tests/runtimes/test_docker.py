"""What only containers promise: limits, privileges, networks, and an engine that goes and comes."""

import asyncio
import os
import re
import socket
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from aiodocker import Docker

from server.errors import Unavailable
from server.models import Limits
from server.runtimes import direct as direct_module
from server.runtimes.docker import DockerRuntime, runtime as runtime_module
from server.runtimes.docker.config import network_config
from server.runtimes.roads import open_socket
from tests.runtimes.contract import (
    ENGINE,
    LONG_LIVED,
    PATIENCE,
    SUBNETS,
    World,
    docker_world,
    left,
    probe,
    read_until,
)
from tests.runtimes.engines import Passage

pytestmark = pytest.mark.engine


async def test_limits_are_those_asked_for_and_privileges_are_none(docker: World) -> None:
    runtime, spec = docker.runtime(), docker.spec()
    link = await docker.started(runtime, spec)
    seen = await probe(docker, runtime, spec, link)
    assert (seen["memory"], seen["cpus"], seen["pids"]) == (256 * 1024**2, 0.5, 100)
    assert seen["swap"] in (["0"], [str(256 * 1024**2)], None)
    assert (seen["uid"], seen["gid"]) == (1000, 1000) and set(seen["groups"]) <= {1000}
    assert {int(mask, 16) for mask in seen["capabilities"]} == {0}
    assert (seen["no_new_privileges"], seen["seccomp"]) == ("1", "2")
    assert seen["sockets"] == [] and seen["writable"] == []
    assert seen["workspace"]


async def test_other_limits_make_a_stopped_container_anew(docker: World) -> None:
    runtime, spec = docker.runtime(), docker.spec(Limits(memory=128 * 1024**2, cpus=0.25, pids=50))
    link = await docker.started(runtime, spec)
    await runtime.stop(spec.project)
    await link.wait_closed()
    changed = replace(spec, limits=Limits(memory=192 * 1024**2, cpus=1, pids=60))
    for starter in (runtime, docker.runtime()):
        link = await docker.started(starter, changed)
        seen = await probe(docker, starter, changed, link)
        assert (seen["memory"], seen["cpus"], seen["pids"]) == (192 * 1024**2, 1.0, 60)


async def test_projects_do_not_reach_each_other(docker: World) -> None:
    runtime, first, second = docker.runtime(), docker.spec(), docker.spec()
    links = [await docker.started(runtime, spec) for spec in (first, second)]
    address = (await probe(docker, runtime, first, links[0]))["address"]
    listener = await links[0].attach(await docker.spawn(runtime, first, links[0], "python3", "-c", OPEN_LISTENER), None)
    await read_until(listener, b"listening")
    reach = ("python3", "-c", REACH, address)
    assert await docker.output_of(runtime, first, links[0], *reach) == "reached\n"
    assert await docker.output_of(runtime, second, links[1], *reach) == "not reached\n"
    assert (await probe(docker, runtime, second, links[1]))["address"] != address


OPEN_LISTENER = """
import socket
listener = socket.create_server(("0.0.0.0", 8099))
print("listening", flush=True)
while True:
    listener.accept()
"""
REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 8099), timeout=1.5)
    print("reached")
except OSError:
    print("not reached")
"""


async def test_a_container_or_network_removed_behind_our_back_is_made_again(docker: World) -> None:
    runtime, spec = docker.runtime(), docker.spec()
    boots = set()
    for lost in ("nothing", "container", "network", "both"):
        link = await docker.started(runtime, spec)
        boots.add(link.boot)
        await runtime.stop(spec.project)
        async with Docker(url=ENGINE) as engine:
            if lost in ("container", "both"):
                found = await engine.containers.list(all=True, filters={"label": [f"hutch.project={spec.project}"]})
                await found[0].delete(force=True)
            if lost in ("network", "both"):
                await (await engine.networks.get(f"hutch-{spec.project}")).delete()
    link = await docker.started(runtime, spec)
    assert len(boots | {link.boot}) == 5


async def test_an_engine_that_stops_and_comes_back_needs_no_new_server(image: str, tmp_path: Path) -> None:
    passage = Passage(tmp_path / "engine.sock")
    world = World("docker", tmp_path, lambda: DockerRuntime(passage.url, image, subnets=SUBNETS))
    runtime, spec = world.runtime(), world.spec()
    await passage.open()
    try:
        link = await world.started(runtime, spec)
        await passage.close()
        with pytest.raises(Unavailable, match="make engine"):
            await runtime.running()
        assert "make engine" in str(await runtime.check())
        # The road through the folder does not need the engine.
        assert await world.output_of(runtime, spec, link, "echo", "alive") == "alive\n"
        await passage.open()
        assert await runtime.check() is None
        await runtime.start(spec)
        assert (await runtime.connect(spec)).boot == link.boot
    finally:
        await passage.close()
        await passage.open()
        await world.clear()
        await passage.close()


async def test_the_exec_road_breaks_and_mends_with_the_engine(image: str, tmp_path: Path) -> None:
    passage = Passage(tmp_path / "engine.sock")
    world = World("docker", tmp_path, lambda: DockerRuntime(passage.url, image, subnets=SUBNETS, link="exec"))
    runtime, spec = world.runtime(), world.spec()
    await passage.open()
    try:
        link = await world.started(runtime, spec)
        name = await world.spawn(runtime, spec, link, "sh", "-c", LONG_LIVED)
        await passage.close()
        async with asyncio.timeout(PATIENCE):
            await link.wait_closed()
        with pytest.raises(Unavailable, match="make engine"):
            await runtime.connect(spec)
        await passage.open()
        again = await runtime.connect(spec)
        assert again.boot == link.boot
        stream = await again.attach(name, 0)
        await read_until(stream, b"ready")
    finally:
        await passage.close()
        await passage.open()
        await world.clear()
        await passage.close()


async def test_a_missing_image_is_a_sentence_with_what_to_do(tmp_path: Path) -> None:
    world = World("docker", tmp_path, lambda: DockerRuntime(ENGINE, "hutch-test-none:1", subnets=SUBNETS))
    runtime, spec = world.runtime(), world.spec()
    try:
        assert re.search("hutch-test-none:1 does not exist: build it with `make image`", str(await runtime.check()))
        with pytest.raises(Unavailable, match="make image"):
            await runtime.start(spec)
    finally:
        await world.clear()
    assert await left(spec.project) == ([], [])


async def test_the_state_folder_is_open_to_the_containers_user_alone(docker: World) -> None:
    runtime, spec = docker.runtime(), docker.spec()
    await docker.started(runtime, spec)
    status = spec.state.stat()
    assert status.st_mode & 0o777 == 0o700
    assert (status.st_uid, status.st_gid) == ((1000, 1000) if os.getuid() == 0 else (os.getuid(), os.getgid()))


async def test_two_networks_of_one_name_are_made_one(docker: World) -> None:
    runtime, spec = docker.runtime(), docker.spec()
    async with Docker(url=ENGINE) as engine:
        for subnet in ("10.213.255.224/28", "10.213.255.240/28"):
            twin = network_config(spec.project, IPv4Network(subnet)) | {"CheckDuplicate": False}
            await engine.networks.create(twin)
    link = await docker.started(runtime, spec)
    assert await docker.output_of(runtime, spec, link, "echo", "alive") == "alive\n"
    assert len((await left(spec.project))[1]) == 1


async def test_another_container_of_that_name_is_not_taken(docker: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "NAME_TRIES", 2)
    runtime, spec = docker.runtime(), docker.spec()
    async with Docker(url=ENGINE) as engine:
        other = await engine.containers.create(
            {"Image": "debian:trixie-slim", "Cmd": ["true"]}, name=f"hutch-{spec.project}"
        )
        try:
            with pytest.raises(Unavailable, match=f"hutch-{spec.project} is in the way"):
                await runtime.start(spec)
            await runtime.remove(spec.project)
            await other.show()
        finally:
            await other.delete(force=True)


NAMED_LISTENER = """
import socket, sys
listener = socket.create_server(("0.0.0.0", 8099))
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(sys.argv[1].encode())
    connection.close()
"""


class _Reading(asyncio.Protocol):
    def __init__(self) -> None:
        self.text = b""
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.text += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(self.text)


async def test_the_way_past_the_supervisor_leads_to_that_container_alone(
    docker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_module, "LOOK_AGAIN", -1.0)
    runtime, specs = docker.runtime(), [docker.spec(), docker.spec()]
    links = [await docker.started(runtime, spec) for spec in specs]
    for spec, link in zip(specs, links, strict=True):
        argv = ("python3", "-c", NAMED_LISTENER, spec.project)
        await read_until(await link.attach(await docker.spawn(runtime, spec, link, *argv), None), b"listening")
        reading = _Reading()
        assert link.direct
        await link.direct.open(8099, reading)
        assert await reading.ended == spec.project.encode()
    way, (first, second) = links[0].direct, specs
    assert way
    async with Docker(url=ENGINE) as engine:
        network = await engine.networks.get(f"hutch-{first.project}")
        [address] = [item["IPv4Address"] for item in (await network.show())["Containers"].values()]
        await network.disconnect({"Container": f"hutch-{first.project}", "Force": True})
        taken = {"IPAMConfig": {"IPv4Address": address.partition("/")[0]}}
        await network.connect({"Container": f"hutch-{second.project}", "EndpointConfig": taken})
        # The supervisor is still there, but its container's old address is another one's now.
        assert await links[0].call("stop")
        with pytest.raises(OSError):
            await way.open(8099, _Reading())
        await network.disconnect({"Container": f"hutch-{second.project}", "Force": True})


async def test_a_supervisor_that_was_slow_to_listen_is_reached_through_its_folder_all_the_same(
    docker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "SOCKET_PATIENCE", -1.0)
    attempts = [ConnectionRefusedError()]

    def late(state: Path) -> socket.socket:
        for error in attempts:
            attempts.clear()
            raise error
        return open_socket(state)

    monkeypatch.setattr(runtime_module, "open_socket", late)
    runtime, spec = docker.runtime(), docker.spec()
    link = await docker.started(runtime, spec)
    assert link.direct and await docker.output_of(runtime, spec, link, "echo", "alive") == "alive\n"


async def test_over_an_exec_there_is_no_way_past_the_supervisor(image: str, tmp_path: Path) -> None:
    world = docker_world("docker-exec", tmp_path, image, "exec")
    try:
        assert (await world.started(world.runtime(), world.spec())).direct is None
    finally:
        await world.clear()
