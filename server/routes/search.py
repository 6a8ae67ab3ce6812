"""Search in files over HTTP: matches as lines of JSON, sent as they are found."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest
from server.models import Pattern, ProjectId
from server.routes.context import services_of
from server.routes.downloads import Stream, chained
from server.routes.files import query_of
from server.routes.guard import secured

T = TypeVar("T")

MOST_QUERY: Final = 1000
MOST_GLOBS: Final = 50
MEDIA: Final = "application/x-ndjson"


async def search(request: Request) -> Response:
    found = services_of(request).search.find(ProjectId(request.path_params["project"]), pattern(query_of(request)))
    # The first is asked for before the answer begins, so that a wrong pattern can still be said.
    try:
        first = await _unless_gone(request, anext(found))
    except ClientDisconnect:
        # To nobody.
        return Response(status_code=204)
    return Stream(_lines(chained(first, found)), found.aclose, media_type=MEDIA)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What `work` comes to; it is cancelled when the client goes. Raises ClientDisconnect then."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnection(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _disconnection(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def pattern(query: dict[str, str]) -> Pattern:
    """What the query asks for. Raises BadRequest."""
    text = query.get("q", "")
    if not text or len(text) > MOST_QUERY:
        raise BadRequest(f"q must be what to search for, with 1 to {MOST_QUERY} characters")
    if "\n" in text or "\r" in text or "\0" in text:
        raise BadRequest("q must be on one line: a search looks at each line by itself")
    return Pattern(
        text,
        regex=_flag(query, "regex"),
        case=_flag(query, "case"),
        word=_flag(query, "word"),
        include=_globs(query, "include"),
        exclude=_globs(query, "exclude"),
        ignored=_flag(query, "ignored"),
    )


def _flag(query: dict[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise BadRequest(f"{name} must be true or false")
    return value in ("true", "1")


def _globs(query: dict[str, str], name: str) -> tuple[str, ...]:
    globs = tuple(glob for part in query.get(name, "").split(",") if (glob := part.strip().removeprefix("./")))
    if len(globs) > MOST_GLOBS or any(glob.startswith("!") or not glob.isprintable() for glob in globs):
        raise BadRequest(f"{name} must be at most {MOST_GLOBS} globs such as src/**/*.ts, with commas between")
    return globs


async def _lines(found: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for item in found:
        yield json.dumps(item, separators=(",", ":")).encode() + b"\n"


routes: list[BaseRoute] = [secured("/api/projects/{project}/search", search, action="project.read")]
