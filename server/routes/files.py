"""A project's files over HTTP: the tree, raw bytes both ways, moves and copies, archives.

Nothing that is served here runs on the IDE's origin: every file comes with a sandbox policy, without sniffing, and as
plain bytes unless it is a picture. A path is taken from the request as it was sent, percent-decoded once, so that names
that are no UTF-8 make the round trip.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from server.errors import BadRequest, Invalid, TooLarge
from server.models import ProjectId
from server.routes.context import services_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services.documents import MOST_UPLOAD, Entry, OpenDocument, Require, Saved

MOST_DEPTH: Final = 64
PICTURES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
}
"""What a browser may show. SVG is script too; the sandbox policy keeps it from running."""
POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
ENTITY_TAGS: Final = re.compile(r'(?:W/)?("[^"]*")')


async def tree(request: Request) -> Response:
    depth = request.query_params.get("depth", "1")
    if len(depth) > 3 or not depth.isascii() or not depth.isdigit() or not 1 <= int(depth) <= MOST_DEPTH:
        raise BadRequest(f"depth must be a whole number from 1 to {MOST_DEPTH}")
    entries = await services_of(request).documents.tree(_id(request), _query_path(request), int(depth))
    return _json([_entry_json(entry) for entry in entries])


async def read(request: Request) -> Response:
    """GET and HEAD, whole or one range."""
    id, path = _id(request), _path(request)
    document = await services_of(request).documents.open(id, path)
    headers = _file_headers(document.entry, path)
    if document.entry.etag in _tags(request, "if-none-match"):
        await document.close()
        return Response(status_code=304, headers=headers)
    start, end, status = 0, document.entry.size, 200
    wanted = _range(request, document.entry)
    if wanted is not None:
        start, end = wanted
        if start >= end:
            await document.close()
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{document.entry.size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{document.entry.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        await document.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(document, start, end), status, headers, background=BackgroundTask(document.close))


async def write(request: Request) -> Response:
    id, path = _id(request), _path(request)
    length = request.headers.get("content-length", "0")
    if len(length) > 18 or (length.isascii() and length.isdigit() and int(length) > MOST_UPLOAD):
        raise TooLarge(f"a file may have at most {MOST_UPLOAD} bytes")
    saved = await services_of(request).documents.save(id, path, _body(request), _requirement(request))
    _changed(request, id, path)
    return _saved(saved)


async def delete(request: Request) -> Response:
    id, path = _id(request), _path(request)
    await services_of(request).documents.delete(id, path, _requirement(request))
    _changed(request, id, path)
    return Response(status_code=204)


async def operate(request: Request) -> Response:
    """Move, copy or make a folder."""
    id, documents = _id(request), services_of(request).documents
    body = await read_json(request)
    target = _text(body, "to")
    match body.get("op"):
        case "move":
            source = _text(body, "from")
            await documents.move(id, source, target)
            _changed(request, id, source, target)
        case "copy":
            await documents.copy(id, _text(body, "from"), target)
            _changed(request, id, target)
        case "mkdir":
            await documents.make_folder(id, target)
            _changed(request, id, target)
        case _:
            raise Invalid("op must be move, copy or mkdir", field="op")
    return _json(_entry_json(await documents.stat(id, target)), 201)


async def archive(request: Request) -> Response:
    id, path = _id(request), _query_path(request)
    project = await services_of(request).projects.get(id)
    pieces = services_of(request).documents.archive(id, path)
    # The first piece is made before the answer begins, so that a wrong path is a problem and not a broken download.
    first = await anext(pieces, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    name = (path.rpartition("/")[2] or project.name) + ".zip"
    headers = {"Content-Disposition": _disposition("attachment", name), "Content-Security-Policy": POLICY}
    return StreamingResponse(whole(), media_type="application/zip", headers=headers, background=_closing(pieces))


async def unpack(request: Request) -> Response:
    id = _id(request)
    imported = await services_of(request).documents.unpack(id, _body(request), _query_path(request))
    into = _query_path(request)
    _changed(request, id, *(os.fsdecode(os.path.join(os.fsencode(into), name)) for name in imported.top))
    replaced = [os.fsdecode(path) for path in imported.replaced]
    return _json({"files": imported.files, "size": imported.size, "replaced": replaced})


# ---- requests


def _id(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


def _path(request: Request) -> str:
    """What follows `/files/`, percent-decoded once, bytes that are no UTF-8 as surrogates."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return os.fsdecode(unquote_to_bytes(raw.partition(b"?")[0].split(b"/files/", 1)[1]))


def _query_path(request: Request) -> str:
    for part in request.scope["query_string"].split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"path":
            return os.fsdecode(unquote_to_bytes(value.replace(b"+", b" ")))
    return ""


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Invalid(f"{name} must be a path in the project", field=name)
    return value


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BadRequest("the connection ended before the body did; nothing was changed") from None


def _tags(request: Request, name: str) -> list[str]:
    return ENTITY_TAGS.findall(", ".join(request.headers.getlist(name)))


def _requirement(request: Request) -> Require:
    """What If-Match and If-None-Match ask of the file as it is. Raises PreconditionFailed by being called."""
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")

    def require(current: Entry | None) -> bool:
        if wanted is not None:
            if current is None or (wanted.strip() != "*" and current.etag not in _tags(request, "if-match")):
                return False
        if unwanted is not None and current is not None:
            return unwanted.strip() != "*" and current.etag not in _tags(request, "if-none-match")
        return True

    return require


def _range(request: Request, entry: Entry) -> tuple[int, int] | None:
    """Start and end of the wanted part; None for the whole, as for a range of another version or several ranges."""
    match = RANGE.fullmatch(request.headers.get("range", "").strip())
    condition = request.headers.get("if-range")
    if match is None or match[0] == "bytes=-" or (condition is not None and condition != entry.etag):
        return None
    first, last = match[1], match[2]
    if not first:
        return max(0, entry.size - int(last)), entry.size
    return int(first), min(int(last) + 1, entry.size) if last else entry.size


# ---- answers


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "path": os.fsdecode(entry.path),
        "type": entry.kind,
        "target": entry.target,
        "size": entry.size,
        "modified": entry.modified.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "etag": entry.etag,
    }


def _json(value: Any, status: int = 200) -> Response:
    # ASCII, because names may hold what UTF-8 can't: such a byte goes as an escaped surrogate.
    return Response(json.dumps(value), status, media_type="application/json")


def _saved(saved: Saved) -> Response:
    body = {**_entry_json(saved.entry), "warning": saved.warning}
    response = _json(body, 201 if saved.created else 200)
    response.headers["ETag"] = saved.entry.etag or ""
    return response


def _file_headers(entry: Entry, path: str) -> dict[str, str]:
    name = path.rpartition("/")[2]
    kind = PICTURES.get(os.path.splitext(name)[1].lower())
    return {
        "Content-Type": kind or "application/octet-stream",
        "Content-Disposition": _disposition("inline" if kind else "attachment", name),
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": entry.etag or "",
        "Last-Modified": format_datetime(entry.modified.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
    }


def _disposition(kind: str, name: str) -> str:
    return f"{kind}; filename*=UTF-8''{quote(os.fsencode(name), safe='')}"


async def _pieces(document: OpenDocument, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        async for piece in document.pieces(start, end):
            yield piece
    finally:
        await document.close()


def _closing(pieces: Any) -> BackgroundTask:
    return BackgroundTask(pieces.aclose)


def _changed(request: Request, id: ProjectId, *paths: str) -> None:
    workspaces = services_of(request).workspaces
    workspaces.touch(id, "files")
    workspaces.notify(id, {"type": "tree", "paths": list(paths)})


METHODS: Final[Sequence[tuple[str, Any, str]]] = (
    ("GET", read, "project.read"),
    ("PUT", write, "project.write"),
    ("DELETE", delete, "project.write"),
)

routes: list[BaseRoute] = [
    secured("/api/projects/{project}/tree", tree, action="project.read"),
    *(
        secured("/api/projects/{project}/files/{path:path}", endpoint, action=action, methods=(method,))
        for method, endpoint, action in METHODS
    ),
    secured("/api/projects/{project}/files-op", operate, action="project.write", methods=("POST",)),
    secured("/api/projects/{project}/archive", archive, action="project.read"),
    secured("/api/projects/{project}/import", unpack, action="project.write", methods=("POST",)),
]

