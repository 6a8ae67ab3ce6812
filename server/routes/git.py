"""Git over HTTP: what changed in a project, commits, branches, and a person's accounts for Git's hosts."""

import json
import os
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from server.errors import BadRequest, Invalid
from server.models import ProjectId
from server.routes.api import time_json
from server.routes.context import services_of
from server.routes.downloads import SANDBOX
from server.routes.files import query_of
from server.routes.guard import secured
from server.routes.problems import read_json
from server.services import git_parsing as parsing
from server.services.git import Git
from server.services.git_operations import ACTIONS
from server.services.git_remotes import check_url
from server.services.ssh_keys import fingerprint

MOST_PATHS: Final = 1000
_G: Final = "/api/projects/{project}/git"
_HUNK_ACTIONS: Final = ("stage", "unstage", "discard")


async def status(request: Request) -> Response:
    found = await _git(request).status(_id(request))
    if found is None:
        return _json({"repository": False, "branch": None, "operation": None, "changes": [], "truncated": False})
    return _json(
        {
            "repository": True,
            "branch": vars(found.branch),
            "operation": None if found.operation is None else vars(found.operation),
            "changes": [_change_json(change) for change in found.changes],
            "truncated": found.truncated,
        }
    )


async def diff(request: Request) -> Response:
    query = query_of(request)
    found = await _git(request).diff(_id(request), _path(query), staged=query.get("staged") == "true")
    return _json({"binary": found.binary, "hunks": [_hunk_json(hunk) for hunk in found.hunks]})


async def show(request: Request) -> Response:
    query = query_of(request)
    content = await _git(request).show(_id(request), _path(query), query.get("version", "HEAD"))
    return Response(content, headers=SANDBOX, media_type="application/octet-stream")


async def log(request: Request) -> Response:
    query = query_of(request)
    commits = await _git(request).log(
        _id(request), path=query.get("path", ""), skip=_number(query, "skip", 0), most=_number(query, "limit", 50)
    )
    return _json([_commit_json(commit) for commit in commits])


async def details(request: Request) -> Response:
    found = await _git(request).details(_id(request), request.path_params["commit"])
    changes = [
        {"path": os.fsdecode(change.path), "letter": change.letter, "source": _name(change.source)}
        for change in found.changes
    ]
    commit = _commit_json(found.commit)
    return _json({**commit, "message": found.message, "changes": changes, "truncated": found.truncated})


async def blame(request: Request) -> Response:
    lines = await _git(request).blame(_id(request), _path(query_of(request)))
    return _json([{**vars(line), "time": time_json(line.time)} for line in lines])


async def branches(request: Request) -> Response:
    found = await _git(request).branches(_id(request))
    return _json([{**vars(branch), "time": time_json(branch.time)} for branch in found])


async def init(request: Request) -> Response:
    await _git(request).init(_id(request))
    return await status(request)


async def stage(request: Request) -> Response:
    await _git(request).stage(_id(request), _paths(await read_json(request)))
    return await status(request)


async def unstage(request: Request) -> Response:
    await _git(request).unstage(_id(request), _paths(await read_json(request)))
    return await status(request)


async def discard(request: Request) -> Response:
    await _git(request).discard(_id(request), _paths(await read_json(request)))
    return await status(request)


async def change_hunk(request: Request) -> Response:
    body = await read_json(request)
    path, hunk, action = body.get("path"), body.get("hunk"), body.get("action")
    if action not in _HUNK_ACTIONS:
        raise Invalid(f"action must be one of {', '.join(_HUNK_ACTIONS)}", field="action")
    if not isinstance(path, str) or not isinstance(hunk, str):
        raise Invalid("path and hunk must be text", field="path")
    await _git(request).apply(_id(request), path, hunk, action)
    return await status(request)


async def commit(request: Request) -> Response:
    body = await read_json(request)
    made = await _git(request).commit(_id(request), body.get("message"), amend=body.get("amend") is True)
    return _json({"id": made}, 201)


async def create_branch(request: Request) -> Response:
    await _git(request).create_branch(_id(request), (await read_json(request)).get("name"))
    return await status(request)


async def switch(request: Request) -> Response:
    await _git(request).switch(_id(request), (await read_json(request)).get("name"))
    return await status(request)


async def proceed(request: Request) -> Response:
    action = (await read_json(request)).get("action")
    if action not in ACTIONS:
        raise Invalid(f"action must be one of {', '.join(ACTIONS)}", field="action")
    await _git(request).proceed(_id(request), action)
    return await status(request)


async def set_remote(request: Request) -> Response:
    await _git(request).add_remote(_id(request), check_url((await read_json(request)).get("url"), "url"))
    return await status(request)


async def fetch(request: Request) -> Response:
    return _json({"output": await _git(request).fetch(_id(request))})


async def pull(request: Request) -> Response:
    return _json({"output": await _git(request).pull(_id(request))})


async def push(request: Request) -> Response:
    return _json({"output": await _git(request).push(_id(request))})


async def clone(request: Request) -> Response:
    url = check_url((await read_json(request)).get("url"), "url")
    services_of(request).cloning.begin(_id(request), url)
    return _json({"url": url}, 202)


# ---- the person


async def get_accounts(request: Request) -> Response:
    services = services_of(request)
    kept = services.git_accounts
    identity = await kept.identity()
    key = await kept.ssh_key()
    hosts = await kept.known_hosts()
    return _json(
        {
            "name": identity[0] if identity else None,
            "email": identity[1] if identity else None,
            "accounts": [{"host": account.host, "user": account.user} for account in await kept.accounts()],
            "sshKey": {"publicKey": key.public, "fingerprint": key.fingerprint} if key else None,
            "lendsSshKey": services.git.lends_key,
            "knownHosts": [
                {"host": host, "fingerprints": [fingerprint(known.split()[1]) for known in keys]}
                for host, keys in hosts.items()
            ],
        }
    )


async def set_identity(request: Request) -> Response:
    body = await read_json(request)
    await services_of(request).git_accounts.set_identity(body.get("name"), body.get("email"))
    return await get_accounts(request)


async def keep_account(request: Request) -> Response:
    body = await read_json(request)
    await services_of(request).git_accounts.keep(body.get("host"), body.get("user"), body.get("secret"))
    return await get_accounts(request)


async def forget_account(request: Request) -> Response:
    await services_of(request).git_accounts.forget(request.path_params["host"])
    return Response(status_code=204)


async def keep_ssh_key(request: Request) -> Response:
    body = await read_json(request)
    kept = services_of(request).git_accounts
    if body.get("privateKey") is None:
        await kept.make_ssh_key()
    else:
        await kept.keep_ssh_key(body["privateKey"])
    return await get_accounts(request)


async def forget_ssh_key(request: Request) -> Response:
    await services_of(request).git_accounts.forget_ssh_key()
    return Response(status_code=204)


async def forget_host(request: Request) -> Response:
    await services_of(request).git_accounts.forget_host(request.path_params["host"])
    return Response(status_code=204)


# ---- parts


def _change_json(change: parsing.Change) -> dict[str, Any]:
    return {**vars(change), "path": os.fsdecode(change.path), "source": _name(change.source)}


def _name(path: bytes | None) -> str | None:
    return None if path is None else os.fsdecode(path)


def _hunk_json(hunk: parsing.Hunk) -> dict[str, Any]:
    return {
        "id": hunk.id,
        "oldStart": hunk.old_start,
        "oldLines": hunk.old_lines,
        "newStart": hunk.new_start,
        "newLines": hunk.new_lines,
        # Only the page knows in what encoding the file is.
        "text": hunk.text.decode(errors="surrogateescape"),
    }


def _commit_json(commit: parsing.Commit) -> dict[str, Any]:
    return {**vars(commit), "parents": list(commit.parents), "time": time_json(commit.time)}


def _json(value: Any, status: int = 200) -> Response:
    # Names that are no UTF-8 pass as escapes.
    return Response(json.dumps(value), status, media_type="application/json")


def _git(request: Request) -> Git:
    return services_of(request).git


def _id(request: Request) -> ProjectId:
    return ProjectId(request.path_params["project"])


def _path(query: dict[str, str]) -> str:
    if not query.get("path"):
        raise BadRequest("path must be the path of a file")
    return query["path"]


def _number(query: dict[str, str], name: str, otherwise: int) -> int:
    value = query.get(name, str(otherwise))
    if not (value.isascii() and value.isdigit() and len(value) < 8):
        raise BadRequest(f"{name} must be a whole number")
    return int(value)


def _paths(body: dict[str, Any]) -> Sequence[str]:
    value = body.get("paths")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_PATHS or not all(isinstance(i, str) for i in value):
        raise Invalid(f"paths must be a list of 1 to {MOST_PATHS} paths", field="paths")
    return value


def _reads(path: str, endpoint: Any) -> BaseRoute:
    return secured(_G + path, endpoint, action="project.read")


def _writes(path: str, endpoint: Any) -> BaseRoute:
    return secured(_G + path, endpoint, action="project.write", methods=["POST"])


routes: list[BaseRoute] = [
    _reads("", status),
    _reads("/diff", diff),
    _reads("/file", show),
    _reads("/log", log),
    _reads("/commits/{commit}", details),
    _reads("/blame", blame),
    _reads("/branches", branches),
    _writes("/init", init),
    _writes("/stage", stage),
    _writes("/unstage", unstage),
    _writes("/discard", discard),
    _writes("/hunk", change_hunk),
    _writes("/commit", commit),
    _writes("/branches", create_branch),
    _writes("/switch", switch),
    _writes("/operation", proceed),
    _writes("/remote", set_remote),
    _writes("/fetch", fetch),
    _writes("/pull", pull),
    _writes("/push", push),
    _writes("/clone", clone),
    secured("/api/git", get_accounts, action="git.accounts"),
    secured("/api/git/identity", set_identity, action="git.accounts", methods=["PUT"]),
    secured("/api/git/accounts", keep_account, action="git.accounts", methods=["POST"]),
    secured("/api/git/accounts/{host}", forget_account, action="git.accounts", methods=["DELETE"]),
    secured("/api/git/ssh-key", keep_ssh_key, action="git.accounts", methods=["PUT"]),
    secured("/api/git/ssh-key", forget_ssh_key, action="git.accounts", methods=["DELETE"]),
    secured("/api/git/known-hosts/{host}", forget_host, action="git.accounts", methods=["DELETE"]),
]
