"""The part of the description at /api/openapi.json that is about files: their tree, uploads, search, formatting."""

from typing import Final

from server.routes.openapi_schemas import FLAG, TEXT, TIME, WHOLE, array, nullable, record, ref
from server.routes.openapi_table import BINARY, BYTES, JSON, Answer, Operation, json_answer

_P: Final = "/api/projects/{project}"
_FOLDER: Final = {**TEXT, "default": "", "description": "The whole project when left out."}

OPERATIONS: Final = (
    Operation(
        "GET",
        f"{_P}/tree",
        "files",
        "List files and folders",
        json_answer(array(ref("Entry"))),
        query={"path": _FOLDER, "depth": {"type": "integer", "minimum": 1, "default": 1}},
        problems=(404,),
    ),
    Operation(
        "GET",
        f"{_P}/files/{{path}}",
        "files",
        "Read a file",
        {
            200: Answer(BYTES, BINARY, ("ETag", "Accept-Ranges")),
            206: Answer(BYTES, BINARY, ("ETag", "Content-Range")),
            304: Answer(headers=("ETag",)),
        },
        headers=("Range", "If-None-Match"),
        problems=(416,),
    ),
    Operation(
        "PUT",
        f"{_P}/files/{{path}}",
        "files",
        "Write a whole file",
        {200: Answer(JSON, ref("SavedEntry"), ("ETag",)), 201: Answer(JSON, ref("SavedEntry"), ("ETag",))},
        headers=("If-Match", "If-None-Match"),
        body=(BYTES, BINARY),
        problems=(409, 412, 413, 507),
        description="With If-Match only over that version, with `If-None-Match: *` only where there is none.",
    ),
    Operation(
        "DELETE",
        f"{_P}/files/{{path}}",
        "files",
        "Delete a file, or a folder with all it holds",
        {204: Answer()},
        headers=("If-Match",),
        problems=(412,),
    ),
    Operation(
        "POST",
        f"{_P}/deletions",
        "files",
        "Delete files and folders so that they can be restored",
        json_answer(ref("Deletion"), 201),
        body=(JSON, record({"paths": array(TEXT)})),
        problems=(409, 413, 422, 507),
        description="All or none. They are kept for 7 days, 512 MiB and 100 deletions of a project, those deleted last "
        "the longest. 409, 413 and 507 with the `reason` not-kept are for what can't be: delete it for good, by the "
        "path of each. `DELETE` keeps nothing.",
    ),
    Operation(
        "GET",
        f"{_P}/deletions",
        "files",
        "List the deletions that can be taken back, newest first",
        json_answer(array(ref("Deletion"))),
    ),
    Operation(
        "POST",
        f"{_P}/deletions/{{deletion}}/restore",
        "files",
        "Restore what was deleted, where it was",
        json_answer(ref("Deletion")),
        problems=(409,),
        description="409 when something has the same name now; nothing is restored then, and all is still kept.",
    ),
    *(
        operation
        for path, summary in ((f"{_P}/state", "for a project"), ("/api/state", "for all projects"))
        for operation in (
            Operation("GET", path, "state", f"See what pages remember {summary}", json_answer(ref("State"))),
            Operation(
                "PATCH",
                path,
                "state",
                f"Have pages remember something {summary}",
                json_answer(ref("State")),
                body=(JSON, ref("State")),
                problems=(413, 422),
                description="Keys that are sent are set, or forgotten where the value is null; the others stay.",
            ),
        )
    ),
    Operation(
        "POST",
        f"{_P}/uploads",
        "files",
        "Begin to send a file in pieces",
        json_answer(ref("Upload"), 201),
        headers=("If-Match", "If-None-Match"),
        body=(JSON, ref("NewUpload")),
        problems=(409, 412, 413, 422, 429, 507),
        description="The conditions are those of a write, judged now and at the end. Nobody sees the file before.",
    ),
    Operation(
        "GET", f"{_P}/uploads/{{upload}}", "files", "See how much of a file has come", json_answer(ref("Upload"))
    ),
    Operation(
        "PUT",
        f"{_P}/uploads/{{upload}}",
        "files",
        "Send the next piece of a file",
        {
            200: Answer(JSON, ref("SavedEntry"), ("ETag",)),
            201: Answer(JSON, ref("SavedEntry"), ("ETag",)),
            202: Answer(JSON, ref("Upload")),
        },
        query={"offset": {**WHOLE, "description": "How many bytes have come before this piece."}},
        body=(BYTES, BINARY),
        problems=(409, 412, 413, 507),
        description="202 while more is to come; the last piece is answered as a write. After a broken connection "
        "or a restart of the server go on from the offset that the upload tells, with no bytes if that is the size. "
        "A day without a piece ends it.",
    ),
    Operation("DELETE", f"{_P}/uploads/{{upload}}", "files", "Give up a file that is being sent", {204: Answer()}),
    Operation(
        "GET",
        f"{_P}/history",
        "files",
        "List the versions of a file that saves have left, newest first",
        json_answer(array(record({"id": TEXT, "time": TIME, "size": WHOLE}))),
        query={"path": TEXT},
        problems=(400,),
        description="Each save of up to 1 MiB leaves one: at most 50 for a file, for 30 days, 64 MiB for a project.",
    ),
    Operation(
        "GET",
        f"{_P}/history/{{version}}",
        "files",
        "Read a version of a file",
        {200: Answer(BYTES, BINARY)},
        query={"path": TEXT},
        problems=(400,),
    ),
    Operation(
        "POST",
        f"{_P}/files-op",
        "files",
        "Move or copy a file or folder, or make a folder",
        json_answer(ref("Entry"), 201),
        body=(JSON, ref("FileOperation")),
        problems=(409, 413, 422, 507),
    ),
    Operation(
        "GET",
        f"{_P}/search",
        "files",
        "Search in files",
        {200: Answer("application/x-ndjson", ref("Found"))},
        query={
            "q": {**TEXT, "description": "What to look for in each line."},
            "regex": {**FLAG, "default": False, "description": "q is a regular expression."},
            "case": {**FLAG, "default": False, "description": "Upper and lower case differ."},
            "word": {**FLAG, "default": False, "description": "Whole words only."},
            "include": {**TEXT, "description": "Globs with commas between: only files that match one."},
            "exclude": {**TEXT, "description": "Globs of files that are left out."},
            "ignored": {**FLAG, "default": False, "description": "Also what .gitignore names."},
        },
        problems=(400,),
        description="One JSON object a line, sent as it is found; the last has the type `end`. "
        "By ripgrep where the project runs, without binary files and those over 64 MiB. "
        "Closing the connection ends the search.",
    ),
    Operation(
        "GET",
        f"{_P}/format",
        "files",
        "See which formatter the project wants for a file",
        json_answer(record({"formatter": nullable(TEXT), "source": nullable(TEXT)})),
        query={"path": TEXT},
        problems=(400,),
        description="`source` is the file that says so, such as package.json. Both are null where none does.",
    ),
    Operation(
        "POST",
        f"{_P}/format",
        "files",
        "Format a text",
        json_answer(record({"text": TEXT, "formatter": TEXT})),
        query={"path": {**TEXT, "description": "The file that it is the text of, whether there is one or not."}},
        body=(BYTES, BINARY),
        problems=(400, 409, 413, 422, 503, 504),
        description="In the project, by the formatter that it wants, or else by the first that is installed: 404 where "
        "none is, 422 with the formatter's words when it refuses the text. No file is changed.",
    ),
    Operation(
        "GET",
        f"{_P}/locate",
        "files",
        "Find a place in a large file",
        json_answer(
            record({"offset": {**WHOLE, "type": ["integer", "null"]}, "line": {**WHOLE, "type": ["integer", "null"]}}),
            200,
            "ETag",
        ),
        query={
            "path": TEXT,
            "line": {**WHOLE, "description": "A line by its number; the last where there are fewer."},
            "offset": {**WHOLE, "description": "The line in which this byte is. With `text`, where the search begins."},
            "text": {
                **TEXT,
                "description": "What to search for. `offset` is null when it is not found, `line` always.",
            },
            "encoding": {"enum": ["utf-8", "utf-16le", "utf-16be", "windows-1252", "hex"], "default": "utf-8"},
            "case": {**FLAG, "default": False, "description": "Upper and lower case of ASCII letters differ."},
            "backwards": {**FLAG, "default": False, "description": "The last find that ends before `offset`."},
        },
        problems=(400, 409, 504),
        description="Exactly one of `line`, `text` and `offset` alone. Offsets are bytes, lines end with a line feed.",
    ),
    Operation(
        "GET",
        f"{_P}/archive",
        "files",
        "Download a folder as a zip archive",
        {200: Answer("application/zip", BINARY, ("Content-Disposition",))},
        query={"path": _FOLDER},
        description="Made as it is sent; links are left out.",
    ),
    Operation(
        "POST",
        f"{_P}/import",
        "files",
        "Unpack a zip archive into a folder",
        json_answer(record({"files": WHOLE, "size": WHOLE, "replaced": array(TEXT)})),
        query={"path": _FOLDER},
        body=("application/zip", BINARY),
        problems=(409, 413, 422, 507),
        description="Whole or not at all. Files of the same name are replaced.",
    ),
)
