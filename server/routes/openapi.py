"""Describes every route at /api/openapi.json, from one table; a test holds the table and the routes together."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from server import __version__
from server.routes import openapi_files, openapi_git
from server.routes.guard import public
from server.routes.openapi_schemas import ID, PORT, RECORDING, SCHEMAS, TEXT, Schema, ref
from server.routes.openapi_table import OPERATIONS, Answer, Operation
from server.routes.problems import MEDIA_TYPE

_PATH: Final[Mapping[str, Schema]] = {
    "project": ID,
    "path": {**TEXT, "description": "Relative to the project; its slashes are not encoded."},
    "deletion": {**TEXT, "description": "The id of a deletion."},
    "upload": {**TEXT, "description": "As it was named when the upload began."},
    "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    "language": {**TEXT, "description": "typescript, javascript, python, html, css, json or nix."},
    "port": PORT,
    "recording": RECORDING,
    "share": {**TEXT, "description": "The id of the link."},
    "version": {**TEXT, "description": "The id of a version."},
    "host": {**TEXT, "description": "Such as github.com, with its port if it has one."},
    "commit": {**TEXT, "description": "The id of a commit."},
}
_TAGS: Final[Mapping[str, str]] = {
    "projects": "What there is to work on.",
    "running": "What a project runs.",
    "files": "A project's files.",
    "git": "Git, which runs in the project's container; 409 with `reason` says what it lacks.",
    "recordings": "What terminals have shown, to be played again.",
    "state": "What pages remember: open tabs, sizes, settings.",
    "sockets": "WebSockets: terminals, the log, events, language servers.",
    "previews": "What a project's app serves.",
    "original": "The three calls of the original.",
    "pages": "For browsers.",
    "health": "For what watches the server.",
}
_DESCRIPTION: Final = """A self-hosted browser IDE: every project is a folder of files and a container.

A program sends the token as `Authorization: Bearer`, on HTTP and on the handshake of a WebSocket alike. A browser has a
session cookie, and then its Origin counts on every WebSocket and every unsafe method. Previews of what a project
serves are at `{port}-{id}.` of the preview domain. Times are RFC 3339 in UTC, sizes bytes, errors RFC 9457 problems."""


def description() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in (*OPERATIONS, *openapi_files.OPERATIONS, *openapi_git.OPERATIONS):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hutch",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS | openapi_git.SCHEMAS,
            "responses": {"Problem": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "hutch_session",
                    "description": "Under TLS its name is `__Host-hutch_session`.",
                },
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        media, schema = operation.body
        described["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    if operation.open:
        described["security"] = []
    return described


def _operation_id(operation: Operation) -> str:
    words: list[str] = re.findall(r"[A-Za-z0-9]+", f"{operation.method.lower()} {operation.path.removeprefix('/api')}")
    # A page and the API may have the same path but for the prefix.
    page = ["page"] if operation.tag == "pages" else []
    return words[0] + "".join(word[0].upper() + word[1:] for word in words[1:] + page)


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    return [
        *({"name": name, "in": "path", "required": True, "schema": _PATH[name]} for name in in_path),
        *({"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()),
        *({"name": name, "in": "header", "schema": TEXT} for name in operation.headers),
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    answers = {str(status): _answer(status, answer) for status, answer in operation.answers.items()}
    problems = {str(status): {"$ref": "#/components/responses/Problem"} for status in _problems(operation)}
    return {**answers, **problems}


def _problems(operation: Operation) -> Iterable[int]:
    """Those of the table, and those that follow from what the operation is."""
    found = set(operation.problems)
    if operation.body:
        found.add(400)
    if not operation.open:
        found |= {401, 403}
    if "{project}" in operation.path:
        found.add(404)
    return sorted(found - operation.answers.keys())


def _answer(status: int, answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if answer.headers:
        described["headers"] = {name: {"schema": TEXT} for name in answer.headers}
    if answer.media:
        described["content"] = {answer.media: {"schema": answer.schema}}
    return described


async def openapi(request: Request) -> Response:
    return JSONResponse(description(), headers={"Cache-Control": "no-cache"})


routes: list[BaseRoute] = [public("/api/openapi.json", openapi)]
