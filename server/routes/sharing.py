"""Who sees a project's ports, over JSON."""

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from server.errors import NotFound
from server.models import ProjectId
from server.routes.api import origin_of
from server.routes.context import services_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.previews import Target, parse_target
from server.services.sharing import parse_visibility


async def set_visibility(request: Request) -> Response:
    target, body = _target(request), await read_json(request)
    visibility = parse_visibility(body.get("visibility"))
    await services_of(request).workspaces.set_visibility(target.project, target.port, visibility)
    return JSONResponse({"port": target.port, "visibility": visibility, "url": _url(request, target)})


def _target(request: Request) -> Target:
    target = parse_target(f"{request.path_params['port']}-{ProjectId(request.path_params['project'])}")
    if target is None:
        raise NotFound("a port is a whole number from 1 to 65535")
    return target


def _url(connection: HTTPConnection, target: Target) -> str:
    return services_of(connection).previews.url(target.project, target.port, str(origin_of(connection)))


routes: list[BaseRoute] = [
    secured("/api/projects/{project}/ports/{port}", set_visibility, action="project.share", methods=["PUT"]),
]
