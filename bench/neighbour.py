"""What a project that misbehaves costs another one, in short blocks with and without it, by turns.

A machine that does other things too changes its pace from second to second, and by more than what is looked for. So
each block is compared with the one beside it, and what becomes slower straight to the app as well is taken out.
"""

import math
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, Self

from bench import exchanges
from bench.exchanges import Endpoint, provoke
from bench.proxies import SMALL_PORT, Way
from bench.report import ALONE, MISBEHAVIOUR, SLOWER, SURELY, Results
from bench.targets import spent

REQUESTS: Final = 200
"""Of each block and way: about a third of a second."""


class _Provoker:
    """A process that provokes the app while it is told to. Ends with the block."""

    def __init__(self, bad: Endpoint) -> None:
        context = multiprocessing.get_context("spawn")
        self._wanted, self._busy = context.Event(), context.Event()
        self._process = context.Process(target=provoke, args=(bad, self._wanted, self._busy), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._wanted.set()
        assert self._busy.wait(exchanges.DEADLINE)
        yield
        self._wanted.clear()
        while self._busy.is_set():
            time.sleep(0.005)


def compare(straight: Way, hutch: Way, bad: Endpoint, pairs: int, results: Results) -> None:
    """Measure 1 KB with and without the misbehaviour at `bad`, in as many pairs of blocks."""
    used, lasted = {False: 0.0, True: 0.0}, {False: 0.0, True: 0.0}
    with _Provoker(bad) as provoker:
        for number in range(pairs):
            times: dict[tuple[Way, bool], float] = {}
            for beside in (False, True) if number % 2 else (True, False):
                with provoker.at_work() if beside else nullcontext():
                    began, before = time.perf_counter(), spent(hutch.pids())
                    for way in (straight, hutch):
                        taken = exchanges.answers(way.endpoints[SMALL_PORT], REQUESTS)
                        times[way, beside] = statistics.median(taken)
                    used[beside] += spent(hutch.pids()) - before
                    lasted[beside] += time.perf_counter() - began
            for way in (straight, hutch):
                results[ALONE][way.name].append(times[way, False] * 1e3)
            slower = {way: times[way, True] / times[way, False] for way in (straight, hutch)}
            results[SLOWER][hutch.name].append(slower[hutch] / slower[straight])
    results[SURELY][hutch.name].append(_median_at_most(results[SLOWER][hutch.name]))
    share = used[True] / lasted[True] - used[False] / lasted[False]
    results[MISBEHAVIOUR][hutch.name].append(100 * share)


def _median_at_most(values: list[float]) -> float:
    """What the median lies below with 95 % certainty, by the order of the values alone."""
    index = math.ceil((len(values) + 1.645 * math.sqrt(len(values))) / 2)
    return sorted(values)[min(index, len(values) - 1)]
