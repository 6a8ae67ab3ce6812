"""What terminals cost that nobody types into: memory of the server, and the lag of its event loop.

python -m bench.idle [--projects 10] [--terminals 30] [--seconds 60]
"""

import argparse
import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from bench.measures import Session
from bench.peers import Hutch
from bench.report import DOCKER, ratios, table
from bench.terminals import project_of
from tests.support.server import Server

BUCKET: Final = re.compile(r'^hutch_event_loop_lag_seconds_bucket\{le="(.+)"\} (\d+)$', re.MULTILINE)


def lags(server: Server) -> dict[str, int]:
    """How many of the lags so far were at most so many seconds."""
    with server.client() as client:
        return {bound: int(count) for bound, count in BUCKET.findall(client.get("/metrics").raise_for_status().text)}


def bound_of(counts: dict[str, int], share: float) -> float:
    """The bound in seconds that this share of the lags did not exceed."""
    return min(float(bound) for bound, count in counts.items() if count >= share * counts["+Inf"])


async def listen(session: Session) -> None:
    # Somebody has to answer the server's pings.
    while True:
        await session.terminal.receive()


async def run(projects: int, terminals: int, seconds: float) -> str:
    with tempfile.TemporaryDirectory() as name:
        # Projects run as another user.
        os.chmod(name, 0o755)
        with Server(Path(name), "docker") as server:
            targets = [Hutch(server, (await project_of(server, ""))[0], "docker") for _ in range(projects)]
            # The first of everything is not what one more costs.
            sessions = [await Session.open(target) for target in targets]
            listening = [asyncio.create_task(listen(session)) for session in sessions]
            await asyncio.sleep(5)
            before = targets[0].memory() or 0
            for target in targets:
                more = await asyncio.gather(*(Session.open(target) for _ in range(terminals)))
                listening += [asyncio.create_task(listen(session)) for session in more]
                sessions += more
            await asyncio.sleep(5)
            memory = ((targets[0].memory() or 0) - before) / projects / terminals
            since = lags(server)
            await asyncio.sleep(seconds)
            counts = {bound: count - since[bound] for bound, count in lags(server).items()}
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
            for session in sessions:
                await session.terminal.end()
    results = {
        "server memory for each idle terminal, KB": {DOCKER: [memory / 1e3]},
        "event loop lag p50 at most, ms": {DOCKER: [bound_of(counts, 0.5) * 1e3]},
        "event loop lag p99 at most, ms": {DOCKER: [bound_of(counts, 0.99) * 1e3]},
    }
    title = f"### {projects * terminals} idle terminals over {projects} projects, {seconds:g} s"
    return f"{title}\n\n{table(results)}\n\n{ratios(results)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--projects", type=int, default=10)
    parser.add_argument("--terminals", type=int, default=30, help="in each project")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print(asyncio.run(run(options.projects, options.terminals, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
