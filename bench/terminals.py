"""How fast terminals are: a raw PTY, the engine's API and client, terminado and Hutch, in turn in one run.

    python -m bench.terminals [--quick] [--cpus N ...]

One client measures all of them, with the same image and limits for the engine's API and Hutch on docker. The whole is
done for each number of processors (0.5, which is a project's limit, and 2). Prints Markdown tables of medians and the
ratios that were promised.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiodocker

from bench import measures
from bench.engine import Cli, Engine
from bench.measures import LOG, log_text
from bench.peers import Hutch, Terminado, install
from bench.report import Results, ratios, table
from bench.targets import Pty, Target
from tests.support.server import Server

PIDS = 300
"""More than a project's limit of 100: fifty shells that start at once, each with its profile, need them."""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    bytes: int
    keys: int
    crowd: int
    """Terminals that are opened at once."""
    resumes: int
    slow: float
    """Seconds for which a client reads slowly."""


QUICK = Effort(rounds=2, bytes=16 * 1024 * 1024, keys=300, crowd=20, resumes=10, slow=5)
FULL = Effort(rounds=5, bytes=64 * 1024 * 1024, keys=2000, crowd=50, resumes=50, slow=10)


async def project_of(server: Server, log: str) -> tuple[str, Path]:
    """A project whose container runs and whose workspace has the log."""
    with server.client() as client:
        project = client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"]
        client.put(f"/api/projects/{project}/files/index.js", content="setInterval(() => {}, 1000)").raise_for_status()
        client.post(f"/api/projects/{project}/run").raise_for_status()
    folder = server.folder / "workspaces" / project
    (folder / LOG).write_text(log)
    return project, folder


async def targets(stack: AsyncExitStack, folder: Path, cpus: float, log: str) -> list[Target]:
    """All that can be had here, each in its own processes."""
    found: list[Target] = []
    for runtime in ("docker", "local"):
        below = folder / runtime
        below.mkdir(mode=0o755)
        server = stack.enter_context(Server(below, runtime, HUTCH_CPUS=f"{cpus:g}", HUTCH_PIDS=str(PIDS)))
        project, workspace = await project_of(server, log)
        hutch = Hutch(server, project, runtime)
        if runtime == "docker":
            session = await measures.Session.open(hutch)
            env = [f"HUTCH_ENV={await session.value('$HUTCH_ENV')}"]
            await session.terminal.end()
            docker = await stack.enter_async_context(aiodocker.Docker())
            engine = Engine(docker, workspace, cpus=cpus, pids=PIDS, env=env)
            found += [await stack.enter_async_context(engine), Cli(engine)]
        else:
            found.append(Pty(workspace))
            if (folder / "terminado" / "bin").exists():
                found.append(stack.enter_context(Terminado(folder / "terminado", workspace)))
        found.append(hutch)
    return found


async def measure(found: Sequence[Target], effort: Effort) -> Results:
    """Every measure for every target, the targets in turn in every round."""
    results: Results = defaultdict(lambda: defaultdict(list))
    for target in found:
        await measures.opening(target)
        _, memory = await measures.crowd(target, effort.crowd)
        if target.memory() is not None:
            results[f"server memory for each of {effort.crowd}, KB"][target.name].append(memory / 1e3)
    for _ in range(effort.rounds):
        for target in found:
            await measure_once(target, effort, results)
    for target in found:
        if isinstance(target, Hutch):
            times = [await measures.resume(target) for _ in range(effort.resumes)]
            results["resume p50, ms"][target.name].append(statistics.median(times) * 1e3)
            results["resume p99, ms"][target.name].append(measures.percentile(times, 99) * 1e3)
    return results


async def measure_once(target: Target, effort: Effort, results: Results) -> None:
    def note(row: str, value: float) -> None:
        # Progress, while standard output is for the tables.
        print(f"{target.name}: {row} {value:.3g}", file=sys.stderr)
        results[row][target.name].append(value)

    note("output, MB/s", await measures.throughput(target, effort.bytes) / 1e6)
    for suffix, flooded in (("", False), (" in a neighbour's flood", True)):
        median, worst = await measures.echo(target, effort.keys, flooded=flooded)
        note(f"echo p50{suffix}, ms", median * 1e3)
        note(f"echo p99{suffix}, ms", worst * 1e3)
    note("Ctrl-C in a flood, ms", await measures.interrupt(target) * 1e3)
    note("open alone, ms", await measures.opening(target) * 1e3)
    worst, _ = await measures.crowd(target, effort.crowd)
    note(f"open {effort.crowd} at once p99, ms", worst * 1e3)
    grown, worst = await measures.slow_client(target, effort.slow)
    if target.memory() is not None:
        note("slow client: server grows, MB", grown / 1e6)
    note("slow client: Ctrl-C to prompt, ms", worst * 1e3)


async def run(cpus: float, effort: Effort) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Projects run as another user.
        os.chmod(folder, 0o755)
        if not install(folder / "terminado", "terminado"):
            print("terminado could not be installed and is left out", file=sys.stderr)
            shutil.rmtree(folder / "terminado", ignore_errors=True)
        # A person's own profile would be most of what a local shell takes to start.
        (folder / "home").mkdir()
        os.environ["HOME"] = str(folder / "home")
        async with AsyncExitStack() as stack:
            results = await measure(await targets(stack, folder, cpus, log_text(effort.bytes)), effort)
    return f"### Containers with {cpus:g} processors\n\n{table(results)}\n\n{ratios(results)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.terminals")
    parser.add_argument("--quick", action="store_true", help="16 MiB and 300 keys in 2 rounds, not 64 and 2,000 in 5")
    parser.add_argument("--cpus", type=float, nargs="+", default=[0.5, 2.0], help="the containers' limits")
    options = parser.parse_args()
    for cpus in options.cpus:
        print(asyncio.run(run(cpus, QUICK if options.quick else FULL)), flush=True)


if __name__ == "__main__":
    main()
