"""The table of what the server answers to, but files and Git: the description at /api/openapi.json is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from server.routes.openapi_schemas import (
    DEPENDENCIES,
    FLAG,
    ID,
    PORT,
    SHARE_LINK,
    TEXT,
    VISIBILITY,
    WHOLE,
    Schema,
    array,
    record,
    ref,
)

JSON: Final = "application/json"
HTML: Final = "text/html"
BYTES: Final = "application/octet-stream"
BINARY: Final[Schema] = {}
"""OpenAPI 3.1 describes bytes by their media type alone."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_CLOSES: Final = (
    "Closes with 4401 when not signed in, 4404 for an unknown project, 4409 when it does not run, and 1012 when the "
    "server restarts."
)


@dataclass(frozen=True)
class Answer:
    """A success: its media type and what it holds, or None for nothing."""

    media: str | None = None
    schema: Schema = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one path. `problems` are those of its own, besides what every route can answer."""

    method: str
    path: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    body: tuple[str, Schema] | None = None
    problems: tuple[int, ...] = ()
    open: bool = False
    description: str = ""


def json_answer(schema: Schema, status: int = 200, *headers: str) -> dict[int, Answer]:
    """JSON, with the headers of these names."""
    return {status: Answer(JSON, schema, headers)}


def _socket(path: str, summary: str, *, query: Mapping[str, Schema], description: str) -> Operation:
    return Operation(
        "GET",
        path,
        "sockets",
        summary,
        {101: Answer()},
        query=query,
        description=f"A WebSocket. {description} {_CLOSES}",
    )


_PREVIEW: Final[Mapping[int, Answer]] = {200: Answer("*/*", BINARY), 101: Answer()}
_P: Final = "/api/projects/{project}"
_OFFSET: Final = {**WHOLE, "description": "The first byte wanted; the oldest that is kept when left out."}
_VIEW: Final[Schema] = {
    "enum": [0, 1],
    "default": 0,
    "description": "1 looks only, at a terminal that exists: whatever is sent but acks is refused with 4403.",
}

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET", "/api/projects", "projects", "List the projects, newest first", json_answer(array(ref("Project")))
    ),
    Operation(
        "POST",
        "/api/projects",
        "projects",
        "Create a project",
        json_answer(ref("Project"), 201, "Location"),
        body=(JSON, ref("NewProject")),
        problems=(413, 422, 507),
    ),
    Operation("GET", _P, "projects", "Look at a project", json_answer(ref("Project"))),
    Operation(
        "PATCH",
        _P,
        "projects",
        "Rename a project",
        json_answer(ref("Project")),
        body=(JSON, record({"name": {**TEXT, "maxLength": 100}})),
        problems=(413, 422),
    ),
    Operation(
        "DELETE",
        _P,
        "projects",
        "Delete a project with its container, network and files",
        {204: Answer()},
        problems=(503,),
    ),
    Operation(
        "GET", "/api/templates", "projects", "List what a project can be made from", json_answer(array(ref("Template")))
    ),
    Operation(
        "POST",
        f"{_P}/start",
        "running",
        "Have the container run, without the app",
        json_answer(ref("Status"), 202),
        problems=(503,),
    ),
    Operation(
        "POST",
        f"{_P}/run",
        "running",
        "Have the app run",
        json_answer(ref("Status"), 202),
        description="Starts the container, makes the environment and installs packages where needed; then the app.",
        problems=(422, 503),
    ),
    Operation(
        "POST",
        f"{_P}/stop",
        "running",
        "End the app",
        json_answer(ref("Status"), 202),
        query={"container": {**FLAG, "default": False, "description": "The container and its terminals too."}},
        problems=(503,),
    ),
    Operation(
        "POST",
        f"{_P}/restart",
        "running",
        "End the app and run it again",
        json_answer(ref("Status"), 202),
        problems=(422, 503),
    ),
    Operation("GET", f"{_P}/status", "running", "See what runs and what it uses", json_answer(ref("Status"))),
    Operation("GET", f"{_P}/ports", "running", "List the ports that listen", json_answer(array(ref("Port")))),
    Operation(
        "PUT",
        f"{_P}/ports/{{port}}",
        "running",
        "Choose who sees a port",
        json_answer(record({"port": PORT, "visibility": VISIBILITY, "url": TEXT})),
        body=(JSON, record({"visibility": VISIBILITY})),
        problems=(404, 409, 413, 422, 503),
        description="A public port needs no sign-in, for as long as the container lives; in the next it is private.",
    ),
    Operation(
        "POST",
        f"{_P}/ports/{{port}}/shares",
        "running",
        "Make a link that lets whoever has it reach a port",
        json_answer(record({**SHARE_LINK, "url": TEXT}), 201),
        body=(JSON, record({"expiresIn": {**WHOLE, "minimum": 60, "maximum": 30 * 86400, "description": "Seconds."}})),
        problems=(404, 409, 413, 422),
        description="The URL is told once. Opening it gives a browser a cookie for the port until the link expires.",
    ),
    Operation(
        "GET",
        f"{_P}/ports/{{port}}/shares",
        "running",
        "List the links to a port, newest first",
        json_answer(array(record(SHARE_LINK))),
        problems=(404,),
    ),
    Operation(
        "DELETE",
        f"{_P}/ports/{{port}}/shares/{{share}}",
        "running",
        "Revoke a link",
        {204: Answer()},
        problems=(404,),
    ),
    Operation("GET", f"{_P}/terminals", "running", "List the terminals", json_answer(array(ref("Terminal")))),
    Operation(
        "PATCH",
        f"{_P}/terminals/{{name}}",
        "running",
        "Change what a terminal is called and whose size it has",
        json_answer(ref("Terminal")),
        body=(JSON, ref("TerminalChange")),
        description="The title is for people and kept while the container lives; the name stays what it is found by.",
        problems=(404, 409, 413, 422, 503),
    ),
    Operation(
        "GET",
        f"{_P}/recordings",
        "recordings",
        "List the recordings of terminals",
        json_answer(array(ref("Recording"))),
    ),
    Operation(
        "POST",
        f"{_P}/recordings",
        "recordings",
        "Record a terminal",
        json_answer(ref("Recording"), 201, "Location"),
        body=(JSON, record({"terminal": TEXT})),
        problems=(409, 413, 429, 503),
        description="Until it is stopped, the terminal ends, or it has 10 MiB. Everyone who looks at it is told.",
    ),
    Operation(
        "POST",
        f"{_P}/recordings/{{recording}}/stop",
        "recordings",
        "End a recording",
        json_answer(ref("Recording")),
        problems=(409, 503),
    ),
    Operation(
        "GET",
        f"{_P}/recordings/{{recording}}",
        "recordings",
        "Download a recording as asciicast v2",
        {200: Answer("application/x-asciicast", BINARY, ("Content-Disposition",))},
        description="One that is still being made up to now.",
    ),
    Operation(
        "DELETE", f"{_P}/recordings/{{recording}}", "recordings", "Delete a recording", {204: Answer()}, problems=(409,)
    ),
    _socket(
        f"{_P}/terminals/{{name}}",
        "View and use a terminal",
        query={"cols": WHOLE, "rows": WHOLE, "offset": _OFFSET, "view": _VIEW},
        description="A name that does not exist starts a login shell. Frames: StreamMessage, StreamCommand.",
    ),
    Operation(
        "GET",
        f"{_P}/logs/download",
        "running",
        "Download all that is kept of the app's log",
        {200: Answer("text/plain", BINARY, ("Content-Disposition",))},
        query={
            "timestamps": {"enum": [0, 1], "default": 0, "description": "Each line after the time at which it came."}
        },
        description="Whether the project runs or not. With the colours, as control sequences.",
    ),
    Operation(
        "GET",
        f"{_P}/logs/times",
        "running",
        "See when the app's log came",
        json_answer(ref("LogTimes")),
        query={"offset": _OFFSET},
        description="From the offset on, and no more than 2,000 entries.",
    ),
    _socket(
        f"{_P}/logs",
        "Follow the app's log",
        query={"offset": _OFFSET},
        description="Frames: StreamMessage, StreamCommand. While the project does not run, what is kept.",
    ),
    _socket(f"{_P}/events", "Follow what happens in a project", query={}, description="Frames: Event."),
    _socket(
        f"{_P}/lsp/{{language}}",
        "Talk to a language server",
        query={},
        description="For typescript, javascript, python, html, css, json, nix. Text frames: JSON-RPC messages of the "
        "Language Server Protocol, the first of which is the notification `hutch/started` (rootUri, command), and the "
        "last before a close by the server `hutch/failed` (reason, advice, retryAfter).",
    ),
    *(
        Operation(
            method,
            "/preview/{path}",
            "previews",
            "Reach the app by path",
            _PREVIEW,
            problems=(502, 503, 504),
            description="The path is `{project}/{port}/…`. Whatever the app answers, WebSockets too, in a sandbox.",
        )
        for method in METHODS
    ),
    Operation(
        "GET",
        "/preview-ticket/{project}/{port}",
        "previews",
        "Go on to the app on its own host, signed in there",
        {303: Answer(headers=("Location",))},
        query={"next": {**TEXT, "description": "A path of the app."}},
    ),
    Operation(
        "POST",
        "/create",
        "original",
        "Create a project",
        json_answer(record({"projectId": ID})),
        body=(JSON, record({"dependencies": DEPENDENCIES}, optional=("dependencies",))),
        problems=(413, 422, 507),
    ),
    Operation(
        "POST",
        "/run/{project}",
        "original",
        "Have the app run",
        json_answer(record({"message": TEXT, "containerName": TEXT})),
        problems=(422, 503),
    ),
    Operation(
        "POST", "/stop/{project}", "original", "End the app", json_answer(record({"message": TEXT})), problems=(503,)
    ),
    Operation("GET", "/", "pages", "The page of the projects", {200: Answer(HTML, TEXT)}, problems=(503,)),
    Operation("GET", "/projects/{project}", "pages", "The IDE", {200: Answer(HTML, TEXT)}, problems=(503,)),
    Operation(
        "GET",
        "/projects/{project}/terminals/{name}",
        "pages",
        "A terminal, to look at only",
        {200: Answer(HTML, TEXT)},
        problems=(503,),
    ),
    Operation(
        "GET", "/rendered", "pages", "The frame of rendered Markdown, SVG and notebooks", {200: Answer(HTML, TEXT)}
    ),
    Operation(
        "GET",
        "/login",
        "pages",
        "The sign-in page, or with a token the sign-in",
        {200: Answer(HTML, TEXT), 303: Answer(headers=("Location", "Set-Cookie"))},
        query={"token": TEXT, "next": {**TEXT, "description": "A path to go on to."}},
        problems=(429,),
        open=True,
    ),
    Operation(
        "POST",
        "/login",
        "pages",
        "Sign in",
        {303: Answer(headers=("Location", "Set-Cookie"))},
        body=("application/x-www-form-urlencoded", record({"token": TEXT, "next": TEXT}, optional=("next",))),
        problems=(413, 429),
        open=True,
    ),
    Operation("POST", "/logout", "pages", "Sign out", {303: Answer(headers=("Location", "Set-Cookie"))}),
    Operation(
        "GET",
        "/static/dist/{path}",
        "pages",
        "A file of the browser's bundle",
        {200: Answer(BYTES, BINARY, ("ETag", "Cache-Control")), 304: Answer(headers=("ETag",))},
        headers=("If-None-Match",),
        problems=(404,),
        open=True,
    ),
    Operation(
        "GET", "/healthz", "health", "Whether the server lives", json_answer(record({"status": TEXT})), open=True
    ),
    Operation(
        "GET",
        "/readyz",
        "health",
        "Whether projects can be made and edited",
        json_answer(
            record(
                {
                    "status": TEXT,
                    "runtime": record({"name": TEXT, "ready": FLAG, "detail": {"type": ["string", "null"]}}),
                }
            )
        ),
        problems=(503, 507),
        open=True,
    ),
    Operation("GET", "/metrics", "health", "Numbers for Prometheus", {200: Answer("text/plain", TEXT)}),
    Operation("GET", "/api/openapi.json", "health", "This description", json_answer({"type": "object"}), open=True),
)
