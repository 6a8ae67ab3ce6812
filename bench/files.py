"""Large files through the server: sent in pieces, and taken out as a zip, in memory that does not grow with them.

    .venv/bin/python -m bench.files [MEGABYTES ...]

The files hold zeros, so that it is the server that is measured and not the compression.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from tests.support.memory import peak, reset_peak
from tests.support.server import Server

MB: Final = 1024 * 1024
PIECE: Final = 8 * MB
SIZES: Final = (200, 5120)
"""Megabytes: one that any server might hold in memory, and one that none should."""


class Row(NamedTuple):
    """Speeds in MB/s, and by how many MB the server's peak grew."""

    size: int
    up: float
    up_memory: float
    zipped: float
    zip_memory: float


def measure(server: Server, client: httpx.Client, megabytes: int) -> Row:
    size = megabytes * MB
    project = client.post("/api/projects", json={"name": "large"}).raise_for_status().json()["id"]
    base = f"/api/projects/{project}"
    before, began = reset_peak(server), time.monotonic()
    upload = client.post(f"{base}/uploads", json={"path": "big/file", "size": size}).raise_for_status().json()["id"]
    for offset in range(0, size, PIECE):
        piece = bytes(min(PIECE, size - offset))
        client.put(f"{base}/uploads/{upload}?offset={offset}", content=piece).raise_for_status()
    up, up_memory = megabytes / (time.monotonic() - began), (peak(server) - before) / MB
    before, began = reset_peak(server), time.monotonic()
    with client.stream("GET", f"{base}/archive?path=big") as archive:
        for _ in archive.iter_raw():
            pass
    zipped, zip_memory = megabytes / (time.monotonic() - began), (peak(server) - before) / MB
    client.delete(base).raise_for_status()
    return Row(megabytes, up, up_memory, zipped, zip_memory)


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), "local") as server, server.client() as client:
        # What a first request of each kind loads is not counted.
        measure(server, client, 1)
        print("| file, MB | sent, MB/s | server grows, MB | zip, MB/s | server grows, MB |\n|---|---|---|---|---|")
        for size in sizes:
            row = measure(server, client, size)
            print(f"| {row.size} | {row.up:.0f} | {row.up_memory:.1f} | {row.zipped:.0f} | {row.zip_memory:.1f} |")


if __name__ == "__main__":
    main()
