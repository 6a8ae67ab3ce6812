"""Search in files over HTTP: matches as lines of JSON, sent as they are found."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest
from server.models import Pattern, ProjectId
from server.routes.context import services_of
from server.routes.downloads import Stream, chained, unless_gone
from server.routes.files import flag_of, query_of
from server.routes.guard import secured

MOST_QUERY: Final = 1000
MOST_GLOBS: Final = 50
MEDIA: Final = "application/x-ndjson"


async def search(request: Request) -> Response:
    found = services_of(request).search.find(ProjectId(request.path_params["project"]), pattern(query_of(request)))
    # The first is asked for before the answer begins, so that a wrong pattern can still be said.
    try:
        first = await unless_gone(request, anext(found))
    except ClientDisconnect:
        # To nobody.
        return Response(status_code=204)
    return Stream(_lines(chained(first, found)), found.aclose, media_type=MEDIA)


def pattern(query: dict[str, str]) -> Pattern:
    """What the query asks for. Raises BadRequest."""
    text = query.get("q", "")
    if not text or len(text) > MOST_QUERY:
        raise BadRequest(f"q must be what to search for, with 1 to {MOST_QUERY} characters")
    if "\n" in text or "\r" in text or "\0" in text:
        raise BadRequest("q must be on one line: a search looks at each line by itself")
    return Pattern(
        text,
        regex=flag_of(query, "regex"),
        case=flag_of(query, "case"),
        word=flag_of(query, "word"),
        include=_globs(query, "include"),
        exclude=_globs(query, "exclude"),
        ignored=flag_of(query, "ignored"),
    )


def _globs(query: dict[str, str], name: str) -> tuple[str, ...]:
    globs = tuple(glob for part in query.get(name, "").split(",") if (glob := part.strip().removeprefix("./")))
    if len(globs) > MOST_GLOBS or any(glob.startswith("!") or not glob.isprintable() for glob in globs):
        raise BadRequest(f"{name} must be at most {MOST_GLOBS} globs such as src/**/*.ts, with commas between")
    return globs


async def _lines(found: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for item in found:
        yield json.dumps(item, separators=(",", ":")).encode() + b"\n"


routes: list[BaseRoute] = [secured("/api/projects/{project}/search", search, action="project.read")]
