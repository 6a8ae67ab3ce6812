"""How fast previews are: straight to the app, through Hutch, nginx, jupyter-server-proxy and code-server, in one run.

    python -m bench.previews [--quick] [--cpus N]

One app in a project's container, and one client for all ways. nginx and the load generator wrk are Debian packages,
jupyter-server-proxy comes from PyPI, code-server from the PATH or CODE_SERVER; what can't be had is left out, with a
message. Prints a Markdown table of medians
and the ratios that were promised.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import exchanges, neighbour
from bench.exchanges import Endpoint
from bench.measures import percentile
from bench.peers import install
from bench.proxies import (
    BAD_PORT,
    HTTP_PORT,
    LOOPBACK_FROM,
    SMALL_PORT,
    Way,
    code_server,
    install_package,
    jupyter,
    nginx,
    straight,
    through_hutch,
)
from bench.report import CODE_SERVER, DOCKER, JUPYTER, LOOPBACK, NGINX, STRAIGHT, Results, ratios, table
from bench.targets import spent
from tests.support.server import Server, wait_for

APP: Final = Path(__file__).with_name("preview_app.js")
MB: Final = 1_000_000


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: int
    messages: int
    pairs: int
    body: int


QUICK = Effort(rounds=2, seconds=3, messages=500, pairs=40, body=500 * MB)
FULL = Effort(rounds=5, seconds=10, messages=2000, pairs=150, body=5000 * MB)


def project_of(server: Server) -> str:
    """A project whose app listens on all its ports."""
    with server.client() as client:
        project = str(client.post("/api/projects", json={"dependencies": {}}).raise_for_status().json()["id"])
        client.put(f"/api/projects/{project}/files/index.js", content=APP.read_bytes()).raise_for_status()
        client.post(f"/api/projects/{project}/run").raise_for_status()
        wait_for(
            "the ports of the app",
            lambda: (
                {HTTP_PORT, SMALL_PORT, HTTP_PORT + LOOPBACK_FROM, SMALL_PORT + LOOPBACK_FROM}
                <= {item["port"] for item in client.get(f"/api/projects/{project}/ports").json()}
            ),
        )
    return project


def place_of(project: str) -> tuple[str, int]:
    """The container's address on its own network, and its first process."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{.State.Pid}}"
    shown = subprocess.run(["docker", "inspect", "-f", form, f"hutch-{project}"], capture_output=True, text=True)
    address, pid = shown.stdout.split()
    return address, int(pid)


def ways(stack: ExitStack, folder: Path, cpus: float) -> tuple[list[Way], Endpoint]:
    """All that can be had here, and where an app of another project misbehaves, through Hutch."""
    below = folder / "hutch"
    below.mkdir(mode=0o755)
    server = stack.enter_context(Server(below, "docker", HUTCH_CPUS=f"{cpus:g}", HUTCH_LOG_LEVEL="warning"))
    project, other = project_of(server), project_of(server)
    address, pid = place_of(project)
    found = [straight(address), through_hutch(DOCKER, server, project)]
    found.append(through_hutch(LOOPBACK, server, project, loopback=True))
    if install_package("nginx-light", "nginx"):
        daemon, endpoints = nginx(folder / "nginx", address)
        found.append(Way(NGINX, endpoints, stack.enter_context(daemon).pids))
    else:
        print("nginx could not be installed and is left out", file=sys.stderr)
    if install(folder / "jupyter", "jupyter-server-proxy"):
        daemon, endpoints = jupyter(folder / "jupyter", address)
        found.append(Way(JUPYTER, endpoints, stack.enter_context(daemon).pids))
    else:
        print("jupyter-server-proxy could not be installed and is left out", file=sys.stderr)
    # Only root may enter the container's network.
    if os.getuid() == 0 and (command := os.environ.get("CODE_SERVER") or shutil.which("code-server")):
        daemon, endpoints = code_server(command, folder / "code-server", address, pid)
        found.append(Way(CODE_SERVER, endpoints, stack.enter_context(daemon).pids))
    else:
        print("code-server is not installed, or may not be run beside the app, and is left out", file=sys.stderr)
    return found, through_hutch(DOCKER, server, other).endpoints[BAD_PORT]


def load(endpoint: Endpoint, seconds: int) -> tuple[float, float]:
    """Requests a second and p99 in seconds, for 1 KB at 32 connections. Raises ConnectionError for failed answers."""
    headers = [part for name, value in endpoint.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", *headers, endpoint.url("/")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise ConnectionError(f"not the answers that were expected:\n{said}")
    rate, worst = re.search(r"Requests/sec: +([\d.]+)", said), re.search(r"99% +([\d.]+)(us|ms|s)", said)
    assert rate and worst, said
    return float(rate[1]), float(worst[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[worst[2]]


def growth(way: Way, measure: Callable[[Endpoint, int], float], size: int) -> tuple[float, float]:
    """Bytes a second of a large body, and the bytes by which the server had grown at most meanwhile."""
    before = way.memory()
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, way.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        rate = measure(way.endpoints[HTTP_PORT], size)
    finally:
        done.set()
        watcher.join()
    return rate, peak - before


def measure_once(way: Way, effort: Effort, results: Results, *, loads: bool) -> None:
    def note(row: str, value: float) -> None:
        # Progress, while standard output is for the tables.
        print(f"{way.name}: {row} {value:.3g}", file=sys.stderr)
        results[row][way.name].append(value)

    http = way.endpoints[HTTP_PORT]
    if loads:
        before = spent(way.pids())
        rate, worst = load(way.endpoints[SMALL_PORT], effort.seconds)
        note("1 KB at 32 connections, requests/s", rate)
        note("1 KB at 32 connections p99, ms", worst * 1e3)
        if way.pids():
            # Unlike the rate it hardly depends on what else the machine does.
            note("server's processor time for each, µs", (spent(way.pids()) - before) / (rate * effort.seconds) * 1e6)
    for direction, measure in (("download", exchanges.download), ("upload", exchanges.upload)):
        note(f"{direction} of 50 MB, MB/s", statistics.median(measure(http, 50 * MB) for _ in range(3)) / MB)
    note("first byte, ms", statistics.median(exchanges.first_byte(http) for _ in range(11)) * 1e3)
    times = exchanges.echoes(http, effort.messages)
    note("WebSocket echo p50, ms", statistics.median(times) * 1e3)
    note("WebSocket echo p99, ms", percentile(times, 99) * 1e3)


def measure_bodies(way: Way, size: int, results: Results) -> None:
    for direction, measure in (("down", exchanges.download), ("up", exchanges.upload)):
        rate, grown = growth(way, measure, size)
        print(f"{way.name}: {size / MB:g} MB {direction} at {rate / MB:.3g} MB/s, {grown / MB:.3g} MB", file=sys.stderr)
        results[f"large body {direction}, MB/s"][way.name].append(rate / MB)
        if way.pids():
            results[f"large body {direction}: server grows, MB"][way.name].append(grown / MB)


def run(cpus: float, effort: Effort) -> str:
    results: Results = defaultdict(lambda: defaultdict(list))
    loads = install_package("wrk", "wrk")
    if not loads:
        print("wrk could not be installed: requests a second are left out", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        # Projects run as another user.
        folder.chmod(0o755)
        found, bad = ways(stack, folder, cpus)
        for _ in range(effort.rounds):
            for way in found:
                measure_once(way, effort, results, loads=loads)
        neighbour.compare(found[0], found[1], bad, effort.pairs, results)
        for way in found:
            if way.name == JUPYTER:
                print(f"{way.name}: no large bodies, because it holds all of one in memory", file=sys.stderr)
                continue
            measure_bodies(way, effort.body, results)
    first = results["first byte, ms"]
    for name, times in first.items():
        late = statistics.median(times) - statistics.median(first[STRAIGHT])
        results["first byte after straight's, ms"][name].append(late)
    return f"{table(results)}\n\nLarge bodies had {effort.body / MB:,.0f} MB.\n\n{ratios(results)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.previews")
    parser.add_argument("--quick", action="store_true", help="bodies of 500 MB and 2 short rounds, not 5 GB and 5")
    parser.add_argument("--cpus", type=float, default=2.0, help="the container's limit")
    options = parser.parse_args()
    print(run(options.cpus, QUICK if options.quick else FULL), flush=True)


if __name__ == "__main__":
    main()
