"""What the suite does a few times, done a thousand times: `make soak`. Takes twenty minutes or more; prints counts."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.resuming import Drill
from tests.support.server import Server, start_project
from tests.support.vanishing import Vanishing

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    tmp_path.chmod(0o755)
    with Server(tmp_path, request.param, ping=2.0, HUTCH_LINK="exec", HOME=str(tmp_path)) as server:
        yield server


async def test_five_hundred_drops_and_kills(server: Server) -> None:
    """On both runtimes together a thousand."""
    seed, began = random.randrange(10**6), time.monotonic()
    print(f"\n{server.runtime}: dice {seed}")
    tally = await Drill(server, start_project(server), random.Random(seed)).run(drops=500, kills=25)
    print(f"{server.runtime}: {tally}; checksum {tally.checksum[:16]}; {time.monotonic() - began:.0f} s")
    assert sum(tally.drops.values()) == 500


async def test_every_way_to_vanish_a_hundred_times(server: Server) -> None:
    vanishing, began = Vanishing(server, start_project(server)), time.monotonic()
    before, after = await vanishing.run(times=100)
    print(f"\n{server.runtime}: {sum(vanishing.done.values())} terminals opened and dropped:")
    print(*(f"  {count} × {way}" for way, count in vanishing.done.items()), sep="\n")
    print(f"  before: {before}\n  after:  {after}\n  {time.monotonic() - began:.0f} s")
    assert "Traceback" not in server.log(), "to go is no error"
