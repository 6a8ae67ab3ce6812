"""Formatting over HTTP: which formatter a project has for a file, and a text as it makes it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.routes.context import services_of
from server.routes.files import as_json, project_of, query_of
from server.routes.guard import secured
from server.routes.problems import read_body
from server.services.formatting import MOST_TEXT


async def choice(request: Request) -> Response:
    found = await services_of(request).formatting.choice(project_of(request), _path(request))
    return as_json({"formatter": found and found.formatter.name, "source": found and found.source})


async def format_text(request: Request) -> Response:
    text = await read_body(request, MOST_TEXT)
    return as_json(vars(await services_of(request).formatting.format(project_of(request), _path(request), text)))


def _path(request: Request) -> str:
    return query_of(request).get("path", "")


_PATH = "/api/projects/{project}/format"
routes: list[BaseRoute] = [
    secured(_PATH, choice, action="project.read"),
    # It changes no file, but runs a program of the project.
    secured(_PATH, format_text, action="project.run", methods=("POST",)),
]
