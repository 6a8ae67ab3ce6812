"""The real server on both runtimes, and a program's client of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, start_project


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    tmp_path.chmod(0o755)
    with Server(tmp_path, request.param) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def lasting_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module: none of them may harm it."""
    folder = tmp_path_factory.mktemp("server")
    folder.chmod(0o755)
    # An empty home: what the tester's own profile starts is no part of it.
    with Server(folder, request.param) as server:
        yield server


@pytest.fixture(scope="module")
def idle_project(lasting_server: Server) -> str:
    """A project on it whose container runs and whose app only waits."""
    return start_project(lasting_server)
