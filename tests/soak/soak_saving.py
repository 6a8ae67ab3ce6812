"""Saves over HTTP while the server is killed, again and again: what it acknowledged is there, and the file is whole."""

import os
import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.storage.saver import COUNT, content
from tests.support.server import Server

KILLS = int(os.environ.get("KILLS", "1000"))
pytestmark = pytest.mark.timeout(60 + 10 * KILLS)


def save_until_killed(server: Server, url: str, first: int, moment: float) -> int:
    """The number of the last save that was acknowledged; the one before `first` for none."""
    last = first - 1
    timer = threading.Timer(moment, server.kill)
    with server.client() as client:
        timer.start()
        try:
            while True:
                client.put(url, content=content(last + 1)).raise_for_status()
                last += 1
        except httpx.TransportError:
            pass
    timer.join()
    return last


def test_a_thousand_kills_lose_no_save(tmp_path: Path) -> None:
    seed, began, last = random.randrange(10**6), time.monotonic(), 0
    chance = random.Random(seed)
    with Server(tmp_path, "local") as server:
        with server.client() as client:
            id: str = client.post("/api/projects", json={"name": "Saves"}).raise_for_status().json()["id"]
            url = f"/api/projects/{id}/files/file"
            client.put(url, content=content(0)).raise_for_status()
        for _ in range(KILLS):
            acknowledged = save_until_killed(server, url, last + 1, chance.uniform(0.0, 0.3))
            server.start()
            with server.client() as client:
                found = client.get(url).raise_for_status().content
                last = COUNT.unpack(found[: COUNT.size])[0]
                assert found == content(last), "the file is torn"
                # What was not acknowledged may be there or not; what was must be.
                assert acknowledged <= last <= acknowledged + 1, "a save was lost"
                names = [entry["path"] for entry in client.get(f"/api/projects/{id}/tree").json()]
                assert not [name for name in names if "tmp" in name]
    print(f"\ndice {seed}: {KILLS} kills, {last} saves, {time.monotonic() - began:.0f} s")
    assert last > KILLS // 4, "hardly any save was acknowledged"
