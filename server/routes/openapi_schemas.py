"""The shapes of the API as JSON Schema, for the description at /api/openapi.json."""

from typing import Any, Final

from server.models import PROJECT_ID, State, StepState, Visibility
from server.wire import SIGNALS

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {"type": "string", "format": "date-time", "description": "RFC 3339, in UTC."}
PORT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65535}
RECORDING: Final[Schema] = {"type": "string", "pattern": "^[0-9]{13}$"}
VISIBILITY: Final[Schema] = {"type": "string", "enum": list(Visibility)}
ID: Final[Schema] = {"type": "string", "pattern": f"^{PROJECT_ID.pattern}$"}
DEPENDENCIES: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "maxProperties": 200,
    "description": "npm package names, each with a version range, a usual tag, or an npm: alias.",
    "examples": [{"express": "^4.18.2"}],
}

SHARE_LINK: Final[dict[str, Schema]] = {"id": TEXT, "createdAt": TIME, "expiresAt": TIME}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def record(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these properties, all but the `optional` ones always there."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def message(kind: str, **properties: Schema) -> Schema:
    """A JSON text frame of a socket, known by its `type`."""
    return record({"type": {"const": kind}, **properties})


_STATUS: Final = {
    "state": {"type": "string", "enum": list(State)},
    "steps": array(ref("Step")),
    "exitCode": nullable({"type": "integer"}),
    "signal": nullable(TEXT),
    "ports": array(ref("Port")),
    "usage": ref("Usage"),
    "idle": nullable(record({"stopsAt": TIME, "reason": TEXT})),
    "container": {**FLAG, "description": "Whether a container runs and can be reached."},
    "runtime": {"type": "string", "enum": ["docker", "local"]},
    "detail": {**nullable(TEXT), "description": "A sentence where something is wrong."},
}

_KIND: Final[Schema] = {"type": "string", "enum": ["file", "directory", "symlink", "other"]}
_ENTRY: Final[dict[str, Schema]] = {
    "path": TEXT,
    "type": _KIND,
    "target": nullable(_KIND),
    "size": WHOLE,
    "modified": TIME,
    "etag": nullable(TEXT),
}

_SIZING: Final[Schema] = {
    "enum": ["smallest", "latest"],
    "description": "The size of a terminal with several viewers: the smallest's, or that of whom typed last.",
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": {
        **record(
            {
                "type": {"type": "string", "format": "uri-reference"},
                "title": TEXT,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": TEXT,
                "field": {**TEXT, "description": "The input that can't be accepted, as in `dependencies.express`."},
                "line": {**nullable(WHOLE), "description": "Where in hutch.toml the mistake is."},
            },
            optional=("field", "line"),
        ),
        "description": "RFC 9457.",
    },
    "NewProject": record(
        {
            "name": {**nullable(TEXT), "maxLength": 100, "description": "The id when it is left out."},
            "template": {**nullable(TEXT), "description": "The first of the templates when it is left out."},
            "dependencies": nullable(DEPENDENCIES),
            "source": {**nullable(TEXT), "description": "The address of a Git repository to clone."},
        },
        optional=("name", "template", "dependencies", "source"),
    ),
    "Project": record(
        {
            "id": ID,
            "name": TEXT,
            "template": TEXT,
            "status": {"type": "string", "enum": list(State)},
            "url": {"type": "string", "format": "uri", "description": "The project's page in the IDE."},
            "createdAt": TIME,
        }
    ),
    "Template": record(
        {
            "name": TEXT,
            "title": TEXT,
            "description": TEXT,
            "dependencies": {**FLAG, "description": "Whether dependencies can be named at creation."},
        }
    ),
    "Step": record(
        {
            "name": {"type": "string", "enum": ["clone", "container", "environment", "install", "app"]},
            "state": {"type": "string", "enum": list(StepState)},
            "startedAt": nullable(TIME),
            "endedAt": nullable(TIME),
            "code": nullable({"type": "integer"}),
            "detail": nullable(TEXT),
        }
    ),
    "Port": record(
        {
            "port": PORT,
            "address": {**TEXT, "description": "As the kernel has it: 0.0.0.0, ::, 127.0.0.1, …"},
            "process": TEXT,
            "http": {**nullable(FLAG), "description": "Whether HTTP is spoken there; null while it is not known."},
            "url": {"type": "string", "format": "uri", "description": "The preview."},
            "visibility": VISIBILITY,
        }
    ),
    "Usage": {
        **record(
            {
                "memory": nullable(WHOLE),
                "memoryLimit": WHOLE,
                "cpu": nullable({"type": "number", "minimum": 0}),
                "cpuLimit": {"type": "number"},
                "disk": nullable(WHOLE),
            }
        ),
        "description": "Bytes, and processors; null where the runtime can't tell.",
    },
    "Status": record(_STATUS),
    "Terminal": record(
        {
            "name": TEXT,
            "title": {**TEXT, "description": "What people call it; its name until they do."},
            "ended": FLAG,
            "viewers": WHOLE,
            "attached": {
                **array(record({"since": nullable(TIME), "viewOnly": FLAG})),
                "description": "The viewers one by one; of very many only the first.",
            },
            "startedAt": nullable(TIME),
            "cols": WHOLE,
            "rows": WHOLE,
            "sizing": _SIZING,
            "recording": {
                **nullable(record({"id": RECORDING, "startedAt": nullable(TIME)})),
                "description": "What is being recorded of it now.",
            },
        }
    ),
    "LogTimes": {
        **record({"times": array(record({"offset": WHOLE, "time": TIME})), "more": FLAG}),
        "description": "What lies at an offset came at the time of the last entry up to it.",
    },
    "Recording": record(
        {
            "id": RECORDING,
            "title": TEXT,
            "startedAt": TIME,
            "seconds": {"type": "number", "minimum": 0},
            "size": WHOLE,
            "cols": WHOLE,
            "rows": WHOLE,
            "active": {**FLAG, "description": "Whether it is being made now."},
            "ended": {**nullable(TEXT), "description": "Why it ended; null while it is made or when it was cut off."},
        }
    ),
    "TerminalChange": record(
        {
            "title": {**nullable(TEXT), "maxLength": 40, "description": "Null for the name."},
            "sizing": _SIZING,
        },
        optional=("title", "sizing"),
    ),
    "Entry": record(_ENTRY),
    "SavedEntry": record({**_ENTRY, "warning": nullable(TEXT)}),
    "Found": {
        "description": "A line of the answer of a search. Places are counted in UTF-16 units from 0, lines from 1.",
        "oneOf": [
            message(
                "match",
                path=TEXT,
                line=WHOLE,
                column={**WHOLE, "description": "Of the first find, from 1."},
                text={**TEXT, "description": "The line, or what is around the first find in a long one."},
                skipped={**WHOLE, "description": "Units of the line before `text`."},
                ranges=array({**array(WHOLE), "description": "Start and end in the line."}),
                long={**FLAG, "description": "The line is too long to say where the finds are."},
            ),
            message(
                "end",
                matches=WHOLE,
                files=WHOLE,
                stopped={**nullable(TEXT), "description": "Why there may be more."},
                note={**nullable(TEXT), "description": "What was not searched."},
            ),
        ],
    },
    "State": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][A-Za-z0-9.]{0,63}$"},
        "description": "Open tabs, sizes, colours and the like. At most 64 KiB; what the values mean, pages know.",
    },
    "NewUpload": record({"path": TEXT, "size": {**WHOLE, "description": "Bytes of the whole file."}}),
    "Upload": record(
        {"id": TEXT, "path": TEXT, "size": WHOLE, "offset": {**WHOLE, "description": "How many bytes have come."}}
    ),
    "Deletion": record(
        {
            "id": TEXT,
            "paths": array(TEXT),
            "size": {**WHOLE, "description": "Bytes that it takes on the disk."},
            "deleted": TIME,
            "expires": TIME,
        }
    ),
    "FileOperation": {
        "oneOf": [
            record({"op": {"enum": ["move", "copy"]}, "from": TEXT, "to": TEXT}),
            record({"op": {"const": "mkdir"}, "to": TEXT}),
        ]
    },
    "StreamMessage": {
        "description": "A text frame from the server on terminals and logs. Binary frames are output.",
        "oneOf": [
            {
                **message("ready", offset=WHOLE),
                "description": "The first frame. The next byte has this offset; what is missing before it is gone.",
            },
            {**message("gap", offset=WHOLE), "description": "This viewer fell behind; output goes on at the offset."},
            {
                **message("size", cols=WHOLE, rows=WHOLE),
                "description": "The terminal's size, told to a viewer of another size and from then on.",
            },
            message("exit", code=nullable({"type": "integer"}), signal=nullable(TEXT)),
            message("error", title=TEXT, detail=TEXT),
        ],
    },
    "StreamCommand": {
        "description": "A text frame to the server on terminals and logs. Binary frames are input.",
        "oneOf": [
            {
                **message("ack", offset=WHOLE),
                "description": "Everything before is consumed. At most 512 KiB are sent beyond the last ack.",
            },
            message("resize", cols=WHOLE, rows=WHOLE),
            {**message("redraw"), "description": "Has the program draw its whole screen, as after a `gap`."},
            {
                **message("reply", data=TEXT),
                "description": "Input that the screen made to answer the program. Of several viewers' answers to one "
                "question only the first reaches it.",
            },
            message("signal", signal={"type": "string", "enum": list(SIGNALS)}),
            {**message("close"), "description": "Ends the process; closing the socket does not."},
        ],
    },
    "Event": {
        "description": "A text frame from the server on the events socket.",
        "oneOf": [
            message("status", **_STATUS),
            message("ports", ports=array(ref("Port"))),
            message("terminals", terminals=array(ref("Terminal"))),
            {
                **message("tree", paths=array(TEXT)),
                "description": "Changed on disk; the empty path stands for anything.",
            },
            {
                **message("watch", live=FLAG, detail=nullable(TEXT)),
                "description": "Whether programs' changes are told by `tree`; `detail` is the limit that ended it.",
            },
            {**message("git"), "description": "Git has changed something in its repository."},
            message("notice", level=TEXT, text=TEXT),
            message("error", title=TEXT, detail=TEXT),
        ],
    },
}
