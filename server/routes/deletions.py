"""Deletions that can be taken back, for a while."""

import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import Invalid
from server.routes.api import time_json
from server.routes.context import services_of
from server.routes.files import MOST_TOLD, as_json, changed, project_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.deletions import Deletion

_DELETIONS = "/api/projects/{project}/deletions"


async def delete(request: Request) -> Response:
    paths = (await read_json(request)).get("paths")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise Invalid("paths must be a list of paths as text", field="paths")
    return _told(request, await services_of(request).deletions.delete(project_of(request), paths), 201)


async def list_deletions(request: Request) -> Response:
    return as_json([_json(found) for found in await services_of(request).deletions.all(project_of(request))])


async def restore(request: Request) -> Response:
    id, deletion = project_of(request), request.path_params["deletion"]
    return _told(request, await services_of(request).deletions.restore(id, deletion), 200)


def _told(request: Request, deletion: Deletion, status: int) -> Response:
    shape = _json(deletion)
    changed(request, shape["paths"][:MOST_TOLD])
    return as_json(shape, status)


def _json(deletion: Deletion) -> dict[str, Any]:
    return {
        "id": deletion.id,
        "paths": [os.fsdecode(path) for path in deletion.left.values()],
        "size": deletion.size,
        "deleted": time_json(deletion.time),
        "expires": time_json(deletion.expires),
    }


routes: list[BaseRoute] = [
    secured(_DELETIONS, list_deletions, action="project.read"),
    secured(_DELETIONS, delete, action="project.write", methods=("POST",)),
    secured(f"{_DELETIONS}/{{deletion}}/restore", restore, action="project.write", methods=("POST",)),
]
