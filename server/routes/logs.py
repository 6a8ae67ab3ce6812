"""The app's log over HTTP: the whole that is kept, and when it came. It is followed over a socket."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from server.models import ProjectId
from server.routes.api import time_json
from server.routes.context import services_of
from server.routes.downloads import SANDBOX, disposition
from server.routes.guard import secured
from server.routes.sockets import flag, whole_number
from server.services.logs import KeptLog, Times

_UNKNOWN: Final = " " * len("2026-01-01T00:00:00.000Z")


async def download_log(request: Request) -> Response:
    timed = flag(request, "timestamps")
    log = await services_of(request).logs.open(_id(request))
    name = disposition(f"{_id(request)}.log".encode(), inline=False)
    headers = SANDBOX | {"Content-Disposition": name, "Content-Type": "text/plain; charset=utf-8"}
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(_timed(log) if timed else _plain(log), headers=headers)


async def log_times(request: Request) -> Response:
    log = await services_of(request).logs.open(_id(request))
    times = await log.times(whole_number(request, "offset", 0))
    entries = [{"offset": offset, "time": time_json(time)} for offset, time in times.entries]
    return JSONResponse({"times": entries, "more": times.more})


async def _plain(log: KeptLog) -> AsyncIterator[bytes]:
    offset = log.start
    while (found := await log.read(offset))[1]:
        yield found[1]
        offset = found[0] + len(found[1])


async def _timed(log: KeptLog) -> AsyncIterator[bytes]:
    """The log with the time of its first byte before each line."""
    offset, begins = log.start, True
    times = await log.times(offset)
    while (found := await log.read(offset))[1]:
        at, piece = found
        offset = at + len(piece)
        while times.more and times.entries[-1][0] < offset:
            following = await log.times(times.entries[-1][0])
            times = Times(times.since(at) + following.entries[1:], following.more)
        yield _stamped(at, piece, times, begins)
        begins = piece.endswith(b"\n")


def _stamped(offset: int, piece: bytes, times: Times, begins: bool) -> bytes:
    lines = piece.split(b"\n")
    for index, line in enumerate(lines):
        if (index or begins) and (line or index < len(lines) - 1):
            lines[index] = (time_json(times.at(offset)) or _UNKNOWN).encode() + b" " + line
        offset += len(line) + 1
    return b"\n".join(lines)


def _id(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


routes: list[BaseRoute] = [
    secured("/api/projects/{project}/logs/download", download_log, action="project.read"),
    secured("/api/projects/{project}/logs/times", log_times, action="project.read"),
]
