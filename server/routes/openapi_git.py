"""The part of the description at /api/openapi.json that is about Git."""

from collections.abc import Mapping
from typing import Final

from server.routes.openapi_schemas import FLAG, TEXT, TIME, WHOLE, Schema, array, nullable, record, ref
from server.routes.openapi_table import BINARY, BYTES, JSON, Answer, Operation

_G: Final = "/api/projects/{project}/git"
_PATH: Final = {"path": TEXT}
_FILES: Final = record({"paths": array(TEXT)})
_NAME: Final = record({"name": TEXT})
_ADDRESS: Final = record({"url": {**TEXT, "description": "https://host/path, ssh://host/path or git@host:path."}})
_OUTPUT: Final = record({"output": TEXT})
_NOT_NOW: Final = (409, 503, 504)
_COMMIT: Final[dict[str, Schema]] = {
    "id": TEXT,
    "parents": array(TEXT),
    "author": TEXT,
    "email": TEXT,
    "time": TIME,
    "refs": {**TEXT, "description": "As `git log` decorates it: `HEAD -> main, tag: v1`."},
    "subject": TEXT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "GitStatus": record(
        {
            "repository": {**FLAG, "description": "Whether the project's folder is a repository."},
            "branch": nullable(
                record(
                    {
                        "name": nullable(TEXT),
                        "commit": nullable(TEXT),
                        "upstream": nullable(TEXT),
                        "ahead": WHOLE,
                        "behind": WHOLE,
                    }
                )
            ),
            "operation": nullable(ref("GitOperation")),
            "changes": array(ref("GitChange")),
            "truncated": {**FLAG, "description": "There are more changes than are told."},
        }
    ),
    "GitOperation": record(
        {
            "kind": {"enum": ["merge", "rebase", "cherry-pick", "revert", "am"]},
            "subject": {**nullable(TEXT), "description": "The branch or commit that it is about."},
            "step": nullable(WHOLE),
            "steps": nullable(WHOLE),
        }
    ),
    "GitChange": record(
        {
            "path": TEXT,
            "source": {**nullable(TEXT), "description": "What a renamed file was called."},
            "index": {**TEXT, "description": "Git's letter for what is staged, `.` for nothing."},
            "worktree": {**TEXT, "description": "Git's letter for what is not staged, `?` for a new file."},
            "conflict": FLAG,
        }
    ),
    "GitDiff": record(
        {
            "binary": FLAG,
            "hunks": array(
                record(
                    {
                        "id": TEXT,
                        "oldStart": WHOLE,
                        "oldLines": WHOLE,
                        "newStart": WHOLE,
                        "newLines": WHOLE,
                        "text": {**TEXT, "description": "A byte that is no UTF-8 stands as U+DC00 plus the byte."},
                    }
                )
            ),
        }
    ),
    "GitCommit": record(_COMMIT),
    "GitCommitDetails": record(
        {
            **_COMMIT,
            "message": TEXT,
            "changes": {
                **array(record({"path": TEXT, "letter": TEXT, "source": nullable(TEXT)})),
                "description": "Against the first parent; with Git's letters.",
            },
            "truncated": {**FLAG, "description": "There are more changes than are told."},
        }
    ),
    "GitBranch": record(
        {
            "name": TEXT,
            "remote": FLAG,
            "current": FLAG,
            "upstream": nullable(TEXT),
            "track": TEXT,
            "time": TIME,
            "subject": TEXT,
        }
    ),
    "GitAccounts": record(
        {
            "name": nullable(TEXT),
            "email": nullable(TEXT),
            "accounts": array(record({"host": TEXT, "user": TEXT})),
            "sshKey": nullable(record({"publicKey": TEXT, "fingerprint": TEXT})),
            "lendsSshKey": {**FLAG, "description": "Whether Git uses that key, or a person's own ssh."},
            "knownHosts": array(
                record(
                    {
                        "host": {**TEXT, "description": "`name`, or `[name]:port` when that is not 22."},
                        "fingerprints": array(TEXT),
                    }
                )
            ),
        }
    ),
}


def _looks(path: str, summary: str, schema: Schema, query: Mapping[str, Schema] | None = None) -> Operation:
    return Operation(
        "GET", _G + path, "git", summary, {200: Answer(JSON, schema)}, query=query or {}, problems=(*_NOT_NOW, 413)
    )


def _does(path: str, summary: str, body: Schema | None, schema: Schema, status: int = 200) -> Operation:
    given = None if body is None else (JSON, body)
    return Operation(
        "POST", _G + path, "git", summary, {status: Answer(JSON, schema)}, body=given, problems=(*_NOT_NOW, 422)
    )


_STATUS: Final = ref("GitStatus")

OPERATIONS: Final = (
    _looks("", "See what differs from the last commit", _STATUS),
    _looks("/diff", "See what differs in a file", ref("GitDiff"), {**_PATH, "staged": {**FLAG, "default": False}}),
    Operation(
        "GET",
        f"{_G}/file",
        "git",
        "Read a file as it was",
        {200: Answer(BYTES, BINARY)},
        query={**_PATH, "version": {**TEXT, "default": "HEAD", "description": "`HEAD`, `index` or a commit's id."}},
        problems=(*_NOT_NOW, 413),
    ),
    _looks("/log", "List commits, newest first", array(ref("GitCommit")), {**_PATH, "skip": WHOLE, "limit": WHOLE}),
    _looks("/commits/{commit}", "See a commit, and what it changed", ref("GitCommitDetails")),
    _looks(
        "/blame",
        "See who last changed each line of a file",
        array(record({"commit": TEXT, "line": WHOLE, "author": TEXT, "time": TIME, "summary": TEXT})),
        _PATH,
    ),
    _looks("/branches", "List branches", array(ref("GitBranch"))),
    _does("/init", "Make a repository", None, _STATUS),
    _does("/stage", "Stage files", _FILES, _STATUS),
    _does("/unstage", "Unstage files", _FILES, _STATUS),
    _does("/discard", "Bring files back to what is staged or committed", _FILES, _STATUS),
    _does(
        "/hunk",
        "Stage, unstage or discard a part of a file",
        record({"path": TEXT, "hunk": TEXT, "action": {"enum": ["stage", "unstage", "discard"]}}),
        _STATUS,
    ),
    _does(
        "/commit", "Commit what is staged", record({"message": TEXT, "amend": FLAG}, optional=("amend",)),
        record({"id": TEXT}), 201,
    ),
    _does("/branches", "Make a branch and switch to it", _NAME, _STATUS),
    _does("/switch", "Switch to a branch", _NAME, _STATUS),
    _does(
        "/operation",
        "Go on with a merge, rebase, pick or revert that waits, or give it up",
        record({"action": {"enum": ["continue", "skip", "abort"]}}),
        _STATUS,
    ),
    _does("/remote", "Set where `origin` is", _ADDRESS, _STATUS),
    _does("/fetch", "Look for what is new at `origin`", None, _OUTPUT),
    _does("/pull", "Take over what the upstream has", None, _OUTPUT),
    _does("/push", "Send the current branch", None, _OUTPUT),
    _does("/clone", "Fill the empty project from a repository", _ADDRESS, record({"url": TEXT}), 202),
    Operation(
        "GET",
        "/api/git",
        "git",
        "See who one is to Git",
        {200: Answer(JSON, ref("GitAccounts"))},
        description="Tokens and private keys are never told.",
    ),
    Operation(
        "PUT",
        "/api/git/identity",
        "git",
        "Set the name and e-mail address of one's commits",
        {200: Answer(JSON, ref("GitAccounts"))},
        body=(JSON, record({"name": TEXT, "email": TEXT})),
        problems=(413, 422),
    ),
    Operation(
        "POST",
        "/api/git/accounts",
        "git",
        "Keep a user name and token for a Git host",
        {200: Answer(JSON, ref("GitAccounts"))},
        body=(JSON, record({"host": TEXT, "user": TEXT, "secret": TEXT})),
        problems=(413, 422),
    ),
    Operation("DELETE", "/api/git/accounts/{host}", "git", "Forget a token", {204: Answer()}, problems=(404,)),
    Operation(
        "PUT",
        "/api/git/ssh-key",
        "git",
        "Keep an SSH key in place of the one before",
        {200: Answer(JSON, ref("GitAccounts"))},
        description="A new Ed25519 key unless `privateKey` gives one, unencrypted and in OpenSSH's format.",
        body=(JSON, record({"privateKey": TEXT}, optional=("privateKey",))),
        problems=(413, 422, 503),
    ),
    Operation("DELETE", "/api/git/ssh-key", "git", "Forget the SSH key", {204: Answer()}, problems=(404,)),
    Operation(
        "DELETE", "/api/git/known-hosts/{host}", "git", "Forget the keys that an SSH host is known by",
        {204: Answer()}, problems=(404,),
    ),
)  # fmt: skip
