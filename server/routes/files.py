"""Files of a project over HTTP: listed, read, written, moved, and packed into archives.

What a file holds is never let run on the IDE's origin: it is served in a sandbox of its own, as plain text, a picture,
or bytes to be kept. Paths are taken from the bytes of the URL, decoded once, so that every name can be asked for.
"""

import asyncio
import codecs
import json
import mimetypes
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest, Invalid, PreconditionFailed, TooLarge
from server.models import ProjectId
from server.routes import conditions
from server.routes.api import time_json
from server.routes.context import services_of
from server.routes.downloads import SANDBOX, Stream, chained, disposition
from server.routes.guard import secured
from server.routes.problems import problem, read_json, status_problem
from server.services.documents import MOST_UPLOAD, Documents, Entry, OpenDocument, Saved

MOST_DEPTH: Final = 64
MOST_TOLD: Final = 1000
"""Paths in one answer or event: who hears of so many looks again anyway."""
_FILE: Final = "/api/projects/{project}/files/{path:name}"
_PICTURES: Final = frozenset(
    f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp", "svg+xml", "vnd.microsoft.icon", "x-icon")
)
_MEDIA: Final = {
    b".mp3": "audio/mpeg",
    b".ogg": "audio/ogg",
    b".wav": "audio/wav",
    b".m4a": "audio/mp4",
    b".flac": "audio/flac",
    b".mp4": "video/mp4",
    b".webm": "video/webm",
    b".ogv": "video/ogg",
}
_SNIFFED: Final = 4096
_LISTED_AT_ONCE: Final = 500
"""Entries made JSON in one go: the encoder lets no other thread run meanwhile."""


class _NameConvertor(PathConvertor):
    """The rest of a URL's path, line breaks included: they may stand in names, and the framework's own stops at one."""

    regex = "(?s:.*)"


async def tree(request: Request) -> Response:
    query = query_of(request)
    depth = query.get("depth", "1")
    if not (depth.isascii() and depth.isdigit() and len(depth) < 4 and 1 <= int(depth) <= MOST_DEPTH):
        raise BadRequest(f"depth must be a whole number from 1 to {MOST_DEPTH}")
    entries = await _documents(request).tree(project_of(request), query.get("path", ""), int(depth))
    return Response(await asyncio.to_thread(_list_json, entries), media_type="application/json")


async def read_file(request: Request) -> Response:
    document = await _documents(request).open(project_of(request), _path(request))
    answered = False
    try:
        response = await _content(request, document)
        answered = isinstance(response, Stream)
        return response
    finally:
        if not answered:
            await document.close()


async def write_file(request: Request) -> Response:
    if "content-range" in request.headers or request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequest("send the whole file as it is, without Content-Range and Content-Encoding")
    id, path = project_of(request), _path(request)
    require = conditions.requirement(request.headers)
    try:
        saved = await _documents(request).save(id, path, body_of(request), require, most=MOST_UPLOAD)
    except PreconditionFailed as error:
        return failed(error)
    return saved_answer(request, path, saved)


def saved_answer(request: Request, path: str, saved: Saved) -> Response:
    """What a save is answered with, once every open IDE is told of it."""
    changed(request, [path])
    body = entry_json(saved.entry) | ({"warning": saved.warning} if saved.warning else {})
    return as_json(body, 201 if saved.created else 200, conditions.version_headers(saved.entry))


async def list_versions(request: Request) -> Response:
    found = await _documents(request).versions(project_of(request), query_of(request).get("path", ""))
    return as_json([{"id": version.id, "time": time_json(version.time), "size": version.size} for version in found])


async def read_version(request: Request) -> Response:
    path = query_of(request).get("path", "")
    content = await _documents(request).version(project_of(request), path, request.path_params["version"])
    return Response(content, headers=SANDBOX, media_type="application/octet-stream")


async def delete_file(request: Request) -> Response:
    path = _path(request)
    try:
        await _documents(request).delete(project_of(request), path, conditions.requirement(request.headers))
    except PreconditionFailed as error:
        return failed(error)
    changed(request, [path])
    return Response(status_code=204)


async def operate(request: Request) -> Response:
    body, documents, id = await read_json(request), _documents(request), project_of(request)
    target = text_of(body, "to")
    touched = [target]
    match body.get("op"):
        case "mkdir":
            await documents.make_folder(id, target)
        case "move":
            await documents.move(id, source := text_of(body, "from"), target)
            touched.append(source)
        case "copy":
            await documents.copy(id, text_of(body, "from"), target)
        case _:
            raise Invalid("op must be move, copy or mkdir", field="op")
    changed(request, touched)
    return as_json(entry_json(await documents.stat(id, target)), 201)


async def archive(request: Request) -> Response:
    id, path = project_of(request), query_of(request).get("path", "")
    pieces = _documents(request).archive(id, path)
    # The first piece is asked for before the answer begins, so that what is wrong can still be said.
    first = await anext(pieces)
    name = os.fsencode(path).rpartition(b"/")[2] or id.encode()
    headers = SANDBOX | {"Content-Disposition": disposition(name + b".zip", inline=False)}
    if request.method == "HEAD":
        await pieces.aclose()
        return Response(headers=headers, media_type="application/zip")
    return Stream(chained(first, pieces), pieces.aclose, headers=headers, media_type="application/zip")


async def unpack(request: Request) -> Response:
    query = query_of(request)
    into, existing = query.get("path", ""), query.get("existing", "replace")
    if existing not in ("replace", "refuse"):
        raise BadRequest("existing must be replace or refuse: what to do where a file of the archive exists already")
    done = await _documents(request).unpack(
        project_of(request), body_of(request), into, replace=existing == "replace", most=MOST_UPLOAD
    )
    top = sorted(os.fsdecode(name) for name in done.top)
    changed(request, [f"{into}/{name}" if into else name for name in top[:MOST_TOLD]])
    replaced = [os.fsdecode(path) for path in done.replaced[:MOST_TOLD]]
    return as_json({"files": done.files, "size": done.size, "replaced": replaced})


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as clients see it; `target` only for links, null where they lead nowhere or out of the project."""
    shape = {
        "path": os.fsdecode(entry.path),
        "type": entry.kind,
        "size": entry.size,
        "modified": time_json(entry.modified),
        "etag": entry.etag,
    }
    return shape | {"target": entry.target} if entry.kind == "symlink" else shape


async def _content(request: Request, document: OpenDocument) -> Response:
    entry = document.entry
    headers = {**SANDBOX, **conditions.version_headers(entry), "Accept-Ranges": "bytes"}
    if not conditions.may_read(request.headers, entry):
        return failed(PreconditionFailed("the file has changed since the version that is asked for", etag=entry.etag))
    if conditions.is_unchanged(request.headers, entry):
        return Response(status_code=304, headers=headers)
    try:
        wanted = conditions.wanted_range(request.headers, entry)
    except conditions.Unsatisfiable:
        size = {"Content-Range": f"bytes */{entry.size}"}
        return status_problem(416, f"the file has {entry.size} bytes, the range begins after them", headers=size)
    start, end = wanted or (0, entry.size)
    kind = await _media_type(document)
    inline = kind.startswith(("text/", "image/")) and "download" not in query_of(request)
    headers["Content-Disposition"] = disposition(entry.path.rpartition(b"/")[2], inline=inline)
    headers["Content-Length"] = str(end - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size}"
    status = 206 if wanted else 200
    # Set as a header, for Starlette would add a charset of its own.
    headers["Content-Type"] = kind
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return Stream(document.pieces(start, end), document.close, status, headers=headers)


async def _media_type(document: OpenDocument) -> str:
    ending = os.path.splitext(document.entry.path)[1]
    guessed = mimetypes.guess_type("x" + os.fsdecode(ending))[0]
    if guessed in _PICTURES:
        return str(guessed)
    head = await document.read(0, _SNIFFED)
    try:
        # A character may be cut at the end of what is looked at.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _SNIFFED)
    except UnicodeDecodeError:
        is_text = False
    else:
        is_text = b"\0" not in head
    return "text/plain; charset=utf-8" if is_text else _MEDIA.get(ending.lower(), "application/octet-stream")


async def body_of(request: Request, most: int = MOST_UPLOAD) -> AsyncIterator[bytes]:
    """The bytes that come. Raises TooLarge for more than `most`, BadRequest when the connection breaks."""
    length = request.headers.get("content-length", "")
    # Bounded before it is parsed: int() takes long for a number of a million digits.
    if len(length) > 19 or (length.isascii() and length.isdigit() and int(length) > most):
        raise TooLarge(f"at most {most} bytes are taken")
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BadRequest("the connection ended before the file did; nothing was changed") from None


def failed(error: PreconditionFailed) -> Response:
    response = problem(error)
    if isinstance(etag := error.extra.get("etag"), str):
        response.headers["ETag"] = etag
    return response


def _list_json(entries: list[Entry]) -> bytes:
    parts = []
    for start in range(0, len(entries), _LISTED_AT_ONCE):
        shapes = [entry_json(entry) for entry in entries[start : start + _LISTED_AT_ONCE]]
        parts.append(json.dumps(shapes, separators=(",", ":"))[1:-1].encode())
    return b"[" + b",".join(parts) + b"]"


def as_json(
    value: Mapping[str, Any] | list[Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    # Starlette's own fails on names that are no UTF-8; as escapes they pass.
    return Response(json.dumps(value), status, dict(headers or {}), "application/json")


def _documents(request: Request) -> Documents:
    return services_of(request).documents


def project_of(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


def _path(request: Request) -> str:
    """What follows `files/` in the URL, by its bytes: what the framework decoded has lost those that are no UTF-8."""
    rest: str = request.path_params["path"]
    whole: str = request.scope["path"]
    raw = request.scope.get("raw_path") or quote(whole).encode()
    slashes = whole[: len(whole) - len(rest)].count("/")
    return os.fsdecode(unquote_to_bytes(raw).split(b"/", slashes)[slashes])


def query_of(request: Request) -> dict[str, str]:
    """The query's values, each key once, with bytes that are no UTF-8 kept."""
    try:
        pairs = parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=16,
        )
    except ValueError:
        raise BadRequest("the query can't be understood: expected at most 16 values, percent-encoded") from None
    if len({key for key, _ in pairs}) < len(pairs):
        raise BadRequest("a value is given twice in the query")
    return dict(pairs)


def flag_of(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise BadRequest(f"{name} must be true or false")
    return value in ("true", "1")


def text_of(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str):
        raise Invalid(f"{field} must be a path as text", field=field)
    return value


def changed(request: Request, paths: Iterable[str]) -> None:
    """Tell every open IDE that these were changed."""
    workspaces, id = services_of(request).workspaces, project_of(request)
    workspaces.touch(id, "files")
    workspaces.notify(id, {"type": "tree", "paths": list(paths)})


register_url_convertor("name", _NameConvertor())

routes: list[BaseRoute] = [
    secured("/api/projects/{project}/tree", tree, action="project.read"),
    secured(_FILE, read_file, action="project.read"),
    secured(_FILE, write_file, action="project.write", methods=("PUT",)),
    secured(_FILE, delete_file, action="project.write", methods=("DELETE",)),
    secured("/api/projects/{project}/history", list_versions, action="project.read"),
    secured("/api/projects/{project}/history/{version}", read_version, action="project.read"),
    secured("/api/projects/{project}/files-op", operate, action="project.write", methods=("POST",)),
    secured("/api/projects/{project}/archive", archive, action="project.read"),
    secured("/api/projects/{project}/import", unpack, action="project.write", methods=("POST",)),
]
