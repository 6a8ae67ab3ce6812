"""Viewers vanish in every way, twice each; `make soak` does it a hundred times."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, start_project
from tests.support.vanishing import Vanishing


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    tmp_path.chmod(0o755)
    # Through the engine, so that there is an exec that could be left.
    with Server(tmp_path, request.param, ping=2.0, HUTCH_LINK="exec") as server:
        yield server


async def test_nothing_is_left_of_those_who_vanish(server: Server) -> None:
    vanishing = Vanishing(server, start_project(server))
    before, _ = await vanishing.run(times=2)
    assert set(vanishing.done.values()) == {2, 4} and len(vanishing.done) == 13
    assert before.viewers == before.terminals == 0
    assert before.execs == (1 if server.runtime == "docker" else 0)
    assert "Traceback" not in server.log(), "to go is no error"
