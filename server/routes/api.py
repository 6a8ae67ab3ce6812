"""Projects over JSON: the API of the IDE, the three calls of the original, and the shapes that both give."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from server.errors import BadRequest, Invalid
from server.models import Port, Project, ProjectId, Run, Step, Visibility
from server.routes import headers
from server.routes.context import services_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.git_remotes import check_url
from server.services.reports import Terminal
from server.services.templates import Template
from server.services.workspace import Status

# ---- shapes


def time_json(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


def origin_of(connection: HTTPConnection) -> headers.Origin:
    """The origin at which the client reaches this server. Raises BadRequest when its Host is none."""
    origin = headers.addressed(connection.scope)
    if origin is None:
        raise BadRequest("the Host header must be a host name or address, with a port at most")
    return origin


def project_json(connection: HTTPConnection, project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "template": project.template,
        "status": services_of(connection).workspaces.state(project.id),
        "url": f"{origin_of(connection)}/projects/{project.id}",
        "createdAt": time_json(project.created_at),
    }


async def ports_json(connection: HTTPConnection, id: ProjectId, ports: Iterable[Port]) -> list[dict[str, Any]]:
    near, previews = str(origin_of(connection)), services_of(connection).previews
    visibilities = await services_of(connection).sharing.visibilities(id)
    return [
        {
            "port": item.port,
            "address": item.address,
            "process": item.process,
            "http": item.http,
            "url": previews.url(id, item.port, near),
            "visibility": visibilities.get(item.port, Visibility.PRIVATE),
        }
        for item in ports
    ]


async def status_json(connection: HTTPConnection, status: Status) -> dict[str, Any]:
    return {
        **_run_json(status.run),
        "ports": await ports_json(connection, status.project, status.ports),
        "usage": {
            "memory": status.usage.memory,
            "memoryLimit": status.limits.memory,
            "cpu": status.usage.cpu,
            "cpuLimit": status.limits.cpus,
            "disk": status.usage.disk,
        },
        "idle": {"stopsAt": time_json(status.idle.stops_at), "reason": status.idle.reason} if status.idle else None,
        "container": status.container,
        "runtime": status.runtime,
        "detail": status.detail,
    }


def terminal_json(terminal: Terminal) -> dict[str, Any]:
    return {
        "name": terminal.name,
        "title": terminal.title,
        "ended": terminal.ended,
        "viewers": terminal.viewers,
        "attached": [{"since": time_json(item.since), "viewOnly": item.view_only} for item in terminal.attached],
        "startedAt": time_json(terminal.started_at),
        "cols": terminal.cols,
        "rows": terminal.rows,
        "sizing": terminal.sizing,
        "recording": {"id": terminal.recording.id, "startedAt": time_json(terminal.recording.started_at)}
        if terminal.recording
        else None,
    }


def terminals_json(terminals: Iterable[Terminal]) -> list[dict[str, Any]]:
    return [terminal_json(terminal) for terminal in terminals]


def template_json(template: Template) -> dict[str, Any]:
    return {
        "name": template.name,
        "title": template.title,
        "description": template.description,
        "dependencies": template.manifest is not None,
    }


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "state": run.state,
        "steps": [_step_json(step) for step in run.steps],
        "exitCode": run.code,
        "signal": run.signal,
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "state": step.state,
        "startedAt": time_json(step.started_at),
        "endedAt": time_json(step.ended_at),
        "code": step.code,
        "detail": step.detail,
    }


# ---- projects


async def list_projects(request: Request) -> Response:
    projects = await services_of(request).projects.list()
    return JSONResponse([project_json(request, project) for project in projects])


async def create_project(request: Request) -> Response:
    project = await _create(request, ("name", "template", "dependencies", "source"))
    shape = project_json(request, project)
    return JSONResponse(shape, 201, {"Location": f"/api/projects/{project.id}"})


async def get_project(request: Request) -> Response:
    return JSONResponse(project_json(request, await services_of(request).projects.get(_id(request))))


async def rename_project(request: Request) -> Response:
    body = await read_json(request)
    if "name" not in body:
        raise Invalid("the name is missing; it is the one thing that can be changed", field="name")
    return JSONResponse(project_json(request, await services_of(request).projects.rename(_id(request), body["name"])))


async def delete_project(request: Request) -> Response:
    services = services_of(request)
    await services.workspaces.remove(_id(request))
    await services.projects.delete(_id(request))
    return Response(status_code=204)


async def list_templates(request: Request) -> Response:
    return JSONResponse([template_json(template) for template in services_of(request).projects.templates()])


async def _create(request: Request, accepted: tuple[str, ...]) -> Project:
    body = {key: value for key, value in (await read_json(request)).items() if key in accepted}
    project = await services_of(request).projects.create(**body)
    if body.get("source") is not None:
        services_of(request).cloning.begin(project.id, check_url(body["source"]))
    return project


# ---- what runs


async def start_project(request: Request) -> Response:
    return JSONResponse(await status_json(request, await services_of(request).workspaces.start(_id(request))), 202)


async def run_project(request: Request) -> Response:
    status = await services_of(request).workspaces.run(_id(request))
    return JSONResponse(await status_json(request, status), 202)


async def stop_project(request: Request) -> Response:
    container = _flag(request, "container")
    status = await services_of(request).workspaces.stop(_id(request), container=container)
    return JSONResponse(await status_json(request, status), 202)


async def restart_project(request: Request) -> Response:
    status = await services_of(request).workspaces.restart(_id(request))
    return JSONResponse(await status_json(request, status), 202)


async def get_status(request: Request) -> Response:
    return JSONResponse(await status_json(request, await services_of(request).workspaces.status(_id(request))))


async def list_ports(request: Request) -> Response:
    ports = services_of(request).workspaces.ports(_id(request))
    return JSONResponse(await ports_json(request, _id(request), ports))


async def list_terminals(request: Request) -> Response:
    return JSONResponse(terminals_json(services_of(request).workspaces.terminals(_id(request))))


async def change_terminal(request: Request) -> Response:
    terminals, name = services_of(request).terminals, request.path_params["name"]
    return JSONResponse(terminal_json(await terminals.change(_id(request), name, await read_json(request))))


# ---- the three calls of the original


async def create(request: Request) -> Response:
    project = await _create(request, ("dependencies",))
    return JSONResponse({"projectId": project.id})


async def run(request: Request) -> Response:
    await services_of(request).workspaces.run(_id(request))
    return JSONResponse({"message": f"Project {_id(request)} started", "containerName": f"hutch-{_id(request)}"})


async def stop(request: Request) -> Response:
    await services_of(request).workspaces.stop(_id(request))
    return JSONResponse({"message": f"Project {_id(request)} stopped"})


def _id(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false")
    if value not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false")
    return value == "true"


routes: list[BaseRoute] = [
    secured("/create", create, action="projects.create", methods=["POST"]),
    secured("/run/{project}", run, action="project.run", methods=["POST"]),
    secured("/stop/{project}", stop, action="project.run", methods=["POST"]),
    secured("/api/templates", list_templates, action="projects.list"),
    secured("/api/projects", list_projects, action="projects.list"),
    secured("/api/projects", create_project, action="projects.create", methods=["POST"]),
    secured("/api/projects/{project}", get_project, action="project.read"),
    secured("/api/projects/{project}", rename_project, action="project.write", methods=["PATCH"]),
    secured("/api/projects/{project}", delete_project, action="project.delete", methods=["DELETE"]),
    secured("/api/projects/{project}/start", start_project, action="project.run", methods=["POST"]),
    secured("/api/projects/{project}/run", run_project, action="project.run", methods=["POST"]),
    secured("/api/projects/{project}/stop", stop_project, action="project.run", methods=["POST"]),
    secured("/api/projects/{project}/restart", restart_project, action="project.run", methods=["POST"]),
    secured("/api/projects/{project}/status", get_status, action="project.read"),
    secured("/api/projects/{project}/ports", list_ports, action="project.read"),
    secured("/api/projects/{project}/terminals", list_terminals, action="project.read"),
    secured("/api/projects/{project}/terminals/{name}", change_terminal, action="project.terminal", methods=["PATCH"]),
]
