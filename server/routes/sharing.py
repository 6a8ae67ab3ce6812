"""Who sees a project's ports, over JSON."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from server.errors import NotFound
from server.models import ProjectId, ShareLink
from server.routes.api import origin_of, time_json
from server.routes.context import services_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.routes.visits import OURS
from server.services.previews import Target, parse_target
from server.services.sharing import parse_visibility


def link_json(link: ShareLink) -> dict[str, Any]:
    return {"id": link.id, "createdAt": time_json(link.created_at), "expiresAt": time_json(link.expires_at)}


async def set_visibility(request: Request) -> Response:
    target, body = _target(request), await read_json(request)
    visibility = parse_visibility(body.get("visibility"))
    await services_of(request).workspaces.set_visibility(target.project, target.port, visibility)
    return JSONResponse({"port": target.port, "visibility": visibility, "url": _origin(request, target) + "/"})


async def create_share(request: Request) -> Response:
    target, body = _target(request), await read_json(request)
    links = services_of(request).links
    secret, link = await links.create(target.project, target.port, body.get("expiresIn"))
    url = f"{_origin(request, target)}{OURS.decode()}share?token={secret}"
    return JSONResponse({**link_json(link), "url": url}, 201, {"Cache-Control": "no-store"})


async def list_shares(request: Request) -> Response:
    target = _target(request)
    return JSONResponse([link_json(link) for link in await services_of(request).links.of(target.project, target.port)])


async def revoke_share(request: Request) -> Response:
    target = _target(request)
    await services_of(request).links.revoke(target.project, target.port, request.path_params["share"])
    return Response(status_code=204)


def _target(request: Request) -> Target:
    target = parse_target(f"{request.path_params['port']}-{ProjectId(request.path_params['project'])}")
    if target is None:
        raise NotFound("a port is a whole number from 1 to 65535")
    return target


def _origin(request: Request, target: Target) -> str:
    return services_of(request).previews.origin(target, str(origin_of(request)))


_PORT = "/api/projects/{project}/ports/{port}"
routes: list[BaseRoute] = [
    secured(_PORT, set_visibility, action="project.share", methods=["PUT"]),
    secured(f"{_PORT}/shares", list_shares, action="project.share"),
    secured(f"{_PORT}/shares", create_share, action="project.share", methods=["POST"]),
    secured(f"{_PORT}/shares/{{share}}", revoke_share, action="project.share", methods=["DELETE"]),
]
