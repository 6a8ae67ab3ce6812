import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from aiodocker import Docker

from server.runtimes.docker.runtime import Road
from tests.runtimes.contract import (
    ENGINE,
    World,
    docker_world,
    local_world,
)
from tests.runtimes.images import find_or_build


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The server runs on uvloop, whose clock and transports differ; what is cheap is tried on both kinds."""
    if item.get_closest_marker("engine") or "world" in getattr(item, "fixturenames", ()):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def image() -> str:
    async def built() -> str:
        async with Docker(url=ENGINE) as docker:
            return await find_or_build(docker)

    return asyncio.run(built())


@pytest.fixture(
    params=[
        "local",
        pytest.param("docker-socket", marks=pytest.mark.engine),
        pytest.param("docker-exec", marks=pytest.mark.engine),
    ]
)
def new_world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "local":
        return local_world(tmp_path, os.environ)
    link: Road = "exec" if request.param == "docker-exec" else "socket"
    return docker_world(request.param, tmp_path, request.getfixturevalue("image"), link)


@pytest.fixture
async def world(new_world: World) -> AsyncIterator[World]:
    try:
        yield new_world
    finally:
        await new_world.clear()


@pytest.fixture
async def docker(image: str, tmp_path: Path) -> AsyncIterator[World]:
    """For what only containers promise, by whichever road."""
    tried = docker_world("docker", tmp_path, image, "auto")
    try:
        yield tried
    finally:
        await tried.clear()
