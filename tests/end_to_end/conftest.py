"""The real server on both runtimes, and a program's client of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    tmp_path.chmod(0o755)
    with Server(tmp_path, request.param) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
