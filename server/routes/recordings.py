"""Recordings of terminals: begun, ended, listed, downloaded and deleted."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from server.errors import BadRequest
from server.models import ProjectId
from server.routes.api import time_json
from server.routes.context import services_of
from server.routes.downloads import SANDBOX, Stream, disposition
from server.routes.guard import secured
from server.routes.problems import read_json
from server.routes.sockets import terminal_name
from server.services.recordings import Recording, Recordings

ASCIICAST = "application/x-asciicast"
_ALL = "/api/projects/{project}/recordings"
_ONE = _ALL + "/{recording}"


def recording_json(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "title": recording.title,
        "startedAt": time_json(recording.started_at),
        "seconds": recording.seconds,
        "size": recording.size,
        "cols": recording.cols,
        "rows": recording.rows,
        "active": recording.active,
        "ended": recording.ended,
    }


async def list_recordings(request: Request) -> Response:
    return JSONResponse([recording_json(recording) for recording in await _recordings(request).list(_id(request))])


async def start_recording(request: Request) -> Response:
    body = await read_json(request)
    if not isinstance(name := body.get("terminal"), str):
        raise BadRequest("terminal must be the name of a terminal")
    recording = await _recordings(request).start(_id(request), terminal_name(name))
    location = f"/api/projects/{_id(request)}/recordings/{recording.id}"
    return JSONResponse(recording_json(recording), 201, {"Location": location})


async def stop_recording(request: Request) -> Response:
    return JSONResponse(recording_json(await _recordings(request).stop(_id(request), _which(request))))


async def download_recording(request: Request) -> Response:
    document, size = await _recordings(request).open(_id(request), _which(request))
    name = disposition(f"{_which(request)}.cast".encode(), inline=False)
    headers = SANDBOX | {"Content-Disposition": name, "Content-Length": str(size)}
    if request.method == "HEAD":
        await document.close()
        return Response(headers=headers, media_type=ASCIICAST)
    return Stream(document.pieces(0, size), document.close, headers=headers, media_type=ASCIICAST)


async def delete_recording(request: Request) -> Response:
    await _recordings(request).delete(_id(request), _which(request))
    return Response(status_code=204)


def _recordings(request: Request) -> Recordings:
    return services_of(request).recordings


def _id(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


def _which(request: Request) -> str:
    return str(request.path_params["recording"])


routes: list[BaseRoute] = [
    secured(_ALL, list_recordings, action="project.terminal"),
    secured(_ALL, start_recording, action="project.terminal", methods=["POST"]),
    secured(_ONE, download_recording, action="project.terminal"),
    secured(_ONE, delete_recording, action="project.terminal", methods=["DELETE"]),
    secured(_ONE + "/stop", stop_recording, action="project.terminal", methods=["POST"]),
]
