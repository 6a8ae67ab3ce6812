"""What pages remember on the server: a document for each project, and one for all pages."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.models import ProjectId
from server.routes.context import services_of
from server.routes.files import as_json
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.remembered import MOST_BYTES


async def get(request: Request) -> Response:
    return as_json(await services_of(request).remembered.get(_scope(request)))


async def merge(request: Request) -> Response:
    changes = await read_json(request, MOST_BYTES)
    return as_json(await services_of(request).remembered.merge(_scope(request), changes))


def _scope(request: Request) -> ProjectId | None:
    project = request.path_params.get("project")
    return None if project is None else ProjectId(project)


routes: list[BaseRoute] = [
    secured("/api/state", get, action="projects.list"),
    secured("/api/state", merge, action="projects.list", methods=("PATCH",)),
    secured("/api/projects/{project}/state", get, action="project.read"),
    secured("/api/projects/{project}/state", merge, action="project.read", methods=("PATCH",)),
]
