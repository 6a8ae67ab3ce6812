"""What watches the server: whether it lives, whether it can serve, and a few numbers for Prometheus."""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from server import __version__
from server.routes.context import services_of
from server.routes.guard import public, secured
from server.services.lag import BOUNDS, LoopLag

RUNTIME_WAIT: Final = 2.0
"""Seconds for the engine to answer before it is reported as silent: a probe must not wait for it."""
STARTED: Final = time.time()

Sample = tuple[str, str, str, str, float]
"""Name, labels, kind, what it says, value."""


async def alive(request: Request) -> Response:
    """Answers as long as the loop turns."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Whether projects can be made and edited. What the runtime lacks is told, but takes only Run away."""
    services = services_of(request)
    await services.projects.check_writable()
    try:
        async with asyncio.timeout(RUNTIME_WAIT):
            detail = await services.workspaces.check_runtime()
    except TimeoutError:
        detail = f"the {services.workspaces.runtime} runtime gave no answer within {RUNTIME_WAIT:g} s"
    runtime = {"name": services.workspaces.runtime, "ready": detail is None, "detail": detail}
    return JSONResponse({"status": "ok", "runtime": runtime})


async def metrics(request: Request) -> Response:
    services = services_of(request)
    labels = f'{{version="{__version__}",runtime="{services.workspaces.runtime}"}}'
    samples: list[Sample] = [
        ("hutch_info", labels, "gauge", "The version of Hutch and the runtime in use.", 1),
        ("hutch_projects", "", "gauge", "Projects that exist.", await services.projects.count()),
        (
            "hutch_projects_running",
            "",
            "gauge",
            "Projects whose container runs and is linked to this server.",
            len(services.workspaces.running()),
        ),
        ("hutch_tasks", "", "gauge", "Tasks of the event loop.", len(asyncio.all_tasks())),
        *await asyncio.to_thread(_process),
    ]
    text = _exposition(samples) + _lag(services.lag)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _process() -> list[Sample]:
    """The usual numbers of this process, under the names that dashboards know."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return [
        ("process_start_time_seconds", "", "gauge", "When the server started, since the epoch.", STARTED),
        ("process_cpu_seconds_total", "", "counter", "Processor time used.", time.process_time()),
        ("process_resident_memory_bytes", "", "gauge", "Memory in use.", resident),
        ("process_open_fds", "", "gauge", "Open file descriptors.", len(os.listdir("/proc/self/fd"))),
    ]


def _exposition(samples: Iterable[Sample]) -> str:
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name}{labels} {value}\n"
        for name, labels, kind, text, value in samples
    )


def _lag(lag: LoopLag) -> str:
    name = "hutch_event_loop_lag_seconds"
    bounds = [*map(str, BOUNDS), "+Inf"]
    return (
        f"# HELP {name} How late the event loop called back, measured ten times a second.\n# TYPE {name} histogram\n"
        + "".join(f'{name}_bucket{{le="{bound}"}} {count}\n' for bound, count in zip(bounds, lag.counts, strict=True))
        + f"{name}_sum {lag.total}\n{name}_count {lag.counts[-1]}\n"
    )


routes: list[BaseRoute] = [
    public("/healthz", alive),
    public("/readyz", ready),
    secured("/metrics", metrics, action="projects.list"),
]
