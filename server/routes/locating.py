"""Places in a large file over HTTP: the page that shows it in pieces asks where a line or a text is."""

import codecs
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest
from server.routes import conditions
from server.routes.context import services_of
from server.routes.downloads import unless_gone
from server.routes.files import as_json, flag_of, project_of, query_of
from server.routes.guard import secured
from server.services import locating
from server.services.documents import OpenDocument

MOST_TEXT: Final = 1000
_CODECS: Final = {"utf-8": "utf-8", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "windows-1252": "cp1252"}


async def locate(request: Request) -> Response:
    query = query_of(request)
    document = await services_of(request).documents.open(project_of(request), query.get("path", ""))
    try:
        place = await unless_gone(request, _place(document, query))
        return as_json(place, headers=conditions.version_headers(document.entry))
    except ClientDisconnect:
        return Response(status_code=204)
    finally:
        await document.close()


async def _place(document: OpenDocument, query: dict[str, str]) -> dict[str, Any]:
    if ("line" in query) + ("text" in query) + ("offset" in query and "text" not in query) != 1:
        raise BadRequest("ask for one of these: a line, a text (from an offset on), or the line at an offset")
    if "line" in query:
        line, offset = await locating.start_of_line(document, max(1, _whole(query, "line")))
        return {"offset": offset, "line": line}
    start = _whole(query, "offset")
    if "text" not in query:
        return {"offset": start, "line": await locating.line_of(document, start)}
    how = {"case": flag_of(query, "case"), "backwards": flag_of(query, "backwards")}
    return {"offset": await locating.find(document, _wanted(query), start, **how), "line": None}


def _wanted(query: dict[str, str]) -> bytes:
    text, encoding = query["text"], query.get("encoding", "utf-8")
    if not text or len(text) > MOST_TEXT:
        raise BadRequest(f"text must have 1 to {MOST_TEXT} characters")
    try:
        wanted = bytes.fromhex(text) if encoding == "hex" else codecs.encode(text, _CODECS[encoding])
    except KeyError:
        raise BadRequest(f"encoding must be one of {', '.join(_CODECS)}, hex") from None
    except ValueError:
        raise BadRequest(f"text can't be written in {encoding}") from None
    if not wanted:
        raise BadRequest("text must name one byte at least")
    return wanted


def _whole(query: dict[str, str], name: str) -> int:
    value = query.get(name, "0")
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise BadRequest(f"{name} must be a whole number")
    return int(value)


routes: list[BaseRoute] = [secured("/api/projects/{project}/locate", locate, action="project.read")]
