"""Dropped connections and killed servers, few times; `make soak` does it a thousand times."""

import random

import pytest

from tests.support.resuming import Drill
from tests.support.server import Server


@pytest.mark.timeout(120)
async def test_no_byte_is_lost_or_repeated_over_drops_and_kills(lasting_server: Server, idle_project: str) -> None:
    tally = await Drill(lasting_server, idle_project, random.Random(7)).run(drops=50, kills=3)
    assert sum(tally.drops.values()) == 50
    assert tally.bytes > 150_000
