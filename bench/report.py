"""The measured medians as Markdown, and their ratios beside those that were promised."""

import statistics
from collections.abc import Iterable
from typing import Final, NamedTuple

Results = dict[str, dict[str, list[float]]]

DOCKER: Final = "Hutch on docker"
LOCAL: Final = "Hutch on local"
CODE_SERVER: Final = "code-server"
FIELD: Final = "empty text field"
ENGINE: Final = "engine API"
PTY: Final = "raw PTY"
STRAIGHT: Final = "straight"
NGINX: Final = "nginx"
JUPYTER: Final = "jupyter-server-proxy"
TERMINADO: Final = "terminado"
LOOPBACK: Final = "Hutch, app on loopback"
ALONE: Final = "1 KB alone p50, ms"
SLOWER: Final = "1 KB beside a project that misbehaves, times as long"
SURELY: Final = "the same, at most (95 %)"
MISBEHAVIOUR: Final = "what the misbehaviour costs the server, % of a processor"
TERMINAL_ROWS: Final = (
    "output, MB/s",
    "echo p50, ms",
    "echo p99, ms",
    "echo p50 in a neighbour's flood, ms",
    "echo p99 in a neighbour's flood, ms",
    "Ctrl-C in a flood, ms",
    "open alone, ms",
    "open 20 at once p99, ms",
    "open 50 at once p99, ms",
    "server memory for each of 20, KB",
    "server memory for each of 50, KB",
    "slow client: server grows, MB",
    "slow client: Ctrl-C to prompt, ms",
)


class Promise(NamedTuple):
    """`ours` of a row divided by `theirs`, or alone, is at most `bound`, or at least it."""

    row: str
    ours: str
    theirs: str | None
    bound: float
    at_least: bool = False


PROMISES: Final = (
    Promise("output, MB/s", DOCKER, ENGINE, 0.95, at_least=True),
    Promise("echo p50, ms", DOCKER, ENGINE, 1.5),
    Promise("echo p99, ms", DOCKER, ENGINE, 1.5),
    Promise("echo p99 in a neighbour's flood, ms", DOCKER, ENGINE, 2),
    Promise("open alone, ms", DOCKER, ENGINE, 0.5),
    Promise("open 20 at once p99, ms", DOCKER, ENGINE, 0.3),
    Promise("open 50 at once p99, ms", DOCKER, ENGINE, 0.3),
    Promise("server memory for each of 20, KB", DOCKER, None, 60),
    Promise("server memory for each of 50, KB", DOCKER, None, 60),
    Promise("server memory for each idle terminal, KB", DOCKER, None, 60),
    Promise("event loop lag p99 at most, ms", DOCKER, None, 5),
    Promise("slow client: server grows, MB", DOCKER, None, 1),
    Promise("slow client: Ctrl-C to prompt, ms", DOCKER, None, 300),
    Promise("resume p99, ms", DOCKER, None, 100),
    Promise("output, MB/s", LOCAL, PTY, 0.6, at_least=True),
    *(Promise(row, LOCAL, TERMINADO, 1, at_least=row == "output, MB/s") for row in TERMINAL_ROWS),
    Promise("1 KB at 32 connections, requests/s", DOCKER, JUPYTER, 5, at_least=True),
    Promise("1 KB at 32 connections, requests/s", DOCKER, NGINX, 0.3, at_least=True),
    Promise("download of 50 MB, MB/s", DOCKER, NGINX, 0.5, at_least=True),
    Promise("first byte after straight's, ms", DOCKER, None, 5),
    Promise("WebSocket echo p99, ms", DOCKER, NGINX, 2),
    Promise(SLOWER, DOCKER, None, 1.1),
    Promise(MISBEHAVIOUR, DOCKER, None, 10),
    Promise("large body down: server grows, MB", DOCKER, None, 16),
    Promise("large body up: server grows, MB", DOCKER, None, 16),
    Promise("script and style before the first key, KB", LOCAL, None, 350),
    Promise("first typed key shown, ms", LOCAL, None, 1000),
    Promise("key to paint p99, ms", LOCAL, None, 16),
    Promise("server memory with one page, MB", LOCAL, None, 100),
)


def table(results: Results) -> str:
    """One row for each measure, one column for each target."""
    names = list(dict.fromkeys(name for row in results.values() for name in row))
    lines = [_row(["", *names]), _row(["---"] * (len(names) + 1))]
    for title, values in results.items():
        lines.append(_row([title, *(_number(values[name]) if name in values else "–" for name in names)]))
    return "\n".join(lines)


def ratios(results: Results) -> str:
    """Each promise with what came of it."""
    lines = [_row(["promise", "measured", "kept"]), _row(["---"] * 3)]
    for row, ours, theirs, bound, at_least in PROMISES:
        values = results.get(row, {})
        if ours not in values or (theirs and theirs not in values):
            continue
        value = statistics.median(values[ours]) / (statistics.median(values[theirs]) if theirs else 1)
        kept = value >= bound if at_least else value <= bound
        what = f"{row}: {ours}" + (f" / {theirs}" if theirs else "")
        lines.append(_row([f"{what} {'≥' if at_least else '≤'} {bound:g}", f"{value:.3g}", "yes" if kept else "no"]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(values: list[float]) -> str:
    value = statistics.median(values)
    return "never" if value == float("inf") else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
