"""Files that come in pieces: begun with their size, gone on with from any byte that was acknowledged."""

import re
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest, PreconditionFailed
from server.routes import conditions
from server.routes.context import services_of
from server.routes.files import as_json, body_of, failed, project_of, query_of, saved_answer, text_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.uploads import Upload, parse_size

_UPLOAD = "/api/projects/{project}/uploads/{upload}"


async def begin(request: Request) -> Response:
    body = await read_json(request)
    path, size = text_of(body, "path"), parse_size(body.get("size"))
    kept = conditions.kept(request.headers)
    uploads, require = services_of(request).uploads, conditions.requirement(kept)
    try:
        upload = await uploads.begin(project_of(request), path, size, dict(kept), require)
    except PreconditionFailed as error:
        return failed(error)
    return as_json(upload_json(upload), 201)


async def look(request: Request) -> Response:
    return as_json(upload_json(await _upload(request)))


async def append(request: Request) -> Response:
    upload, offset = await _upload(request), query_of(request).get("offset", "")
    if not re.fullmatch(r"[0-9]{1,19}", offset):
        raise BadRequest("offset must be the number of bytes that have come already")
    content = body_of(request, max(0, upload.size - int(offset)))
    require = conditions.requirement(Headers(upload.conditions))
    try:
        done = await services_of(request).uploads.append(upload, int(offset), content, require)
    except PreconditionFailed as error:
        return failed(error)
    return as_json(upload_json(done), 202) if isinstance(done, Upload) else saved_answer(request, upload.path, done)


async def cancel(request: Request) -> Response:
    await services_of(request).uploads.cancel(await _upload(request))
    return Response(status_code=204)


def upload_json(upload: Upload) -> dict[str, Any]:
    return {"id": upload.id, "path": upload.path, "size": upload.size, "offset": upload.offset}


async def _upload(request: Request) -> Upload:
    return await services_of(request).uploads.find(project_of(request), request.path_params["upload"])


routes: list[BaseRoute] = [
    secured("/api/projects/{project}/uploads", begin, action="project.write", methods=("POST",)),
    secured(_UPLOAD, look, action="project.write"),
    secured(_UPLOAD, append, action="project.write", methods=("PUT",)),
    secured(_UPLOAD, cancel, action="project.write", methods=("DELETE",)),
]
