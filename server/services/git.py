"""Git in a project's container: what changed, what is committed, and what goes to and comes from elsewhere.

Git itself runs beside the project's other programs and never on the server's side, so that the hooks and settings of a
repository reach no further than any other program of the project.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from server.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from server.models import ProjectId
from server.services import git_parsing as parsing
from server.services.git_accounts import GitAccounts
from server.services.git_remotes import helped, host_of, secret_input
from server.services.programs import Output, finish
from server.services.workspaces import Workspaces
from server.storage import paths

T = TypeVar("T")

SECONDS: Final = 60.0
REMOTE_SECONDS: Final = 1800.0
MOST_OUTPUT: Final = 8 * 1024 * 1024
MOST_MESSAGE: Final = 64 * 1024
MOST_COMMITS: Final = 200
_GIT: Final = ("git", "-c", "core.quotePath=false", "-c", "color.ui=never", "-c", "advice.diverging=false")
_ENV: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new",
    "LC_ALL": "C.UTF-8",
}
_BRANCH: Final = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]{0,199}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


class Git:
    """Methods raise Conflict when the project does not run or Git refuses, with Git's words as the sentence.

    Its `extra["reason"]` is `repository` where there is none, `identity` or `account` where that is missing. What
    changes something is done one after the other for each project, and to its end when the caller goes away.
    """

    def __init__(self, workspaces: Workspaces, accounts: GitAccounts) -> None:
        self._workspaces = workspaces
        self._accounts = accounts
        self._locks: dict[ProjectId, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    # ---- looking

    async def status(self, id: ProjectId) -> parsing.Status | None:
        """What differs from the last commit; None where there is no repository."""
        argv = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all")
        output = await self._run(id, argv, reads=True)
        if output.code and "not a git repository" in output.errors:
            return None
        if not output.cut:
            _check(output)
        return parsing.parse_status(output.out, output.cut)

    async def diff(self, id: ProjectId, path: str, *, staged: bool) -> parsing.FileDiff:
        """What differs in a file: between the last commit and the index when `staged`, or the index and the disk."""
        return parsing.parse_diff(await self._diff(id, path, staged))

    async def show(self, id: ProjectId, path: str, version: str) -> bytes:
        """A file as it is in the `index`, at `HEAD`, or in a commit. Raises NotFound, TooLarge."""
        if version not in ("index", "HEAD") and not _COMMIT.fullmatch(version):
            raise Invalid("version must be index, HEAD or the id of a commit", field="version")
        place = f"{'' if version == 'index' else version}:{_path(path)}"
        output = await self._run(id, ("cat-file", "blob", place), reads=True)
        if output.cut:
            raise TooLarge(f"{paths.shown(os.fsencode(path))} is too large to be compared")
        if output.code:
            if "not a git repository" in output.errors:
                _check(output)
            raise NotFound(f"{paths.shown(os.fsencode(path))} is not in that version")
        return output.out

    async def log(self, id: ProjectId, *, path: str = "", skip: int = 0, most: int = 50) -> list[parsing.Commit]:
        """The commits that HEAD has, newest first; none before the first."""
        argv = [
            "log",
            "--no-color",
            "--no-show-signature",
            f"--format={parsing.LOG_FORMAT}",
            f"--skip={skip}",
            f"--max-count={min(most, MOST_COMMITS)}",
        ]
        output = await self._run(id, [*argv, "--", *([_path(path)] if path else [])], reads=True)
        if output.code and "does not have any commits" in output.errors:
            return []
        return parsing.parse_log(_check(output).out)

    async def branches(self, id: ProjectId) -> list[parsing.BranchEntry]:
        argv = ("for-each-ref", f"--format={parsing.BRANCH_FORMAT}", "--sort=-committerdate", "--count=500")
        return parsing.parse_branches(
            _check(await self._run(id, (*argv, "refs/heads", "refs/remotes"), reads=True)).out
        )

    async def blame(self, id: ProjectId, path: str) -> list[parsing.BlameLine]:
        """Who last changed each line of the file as it is on the disk."""
        output = await self._run(id, ("blame", "--porcelain", "--", _path(path)), reads=True)
        if output.cut:
            raise TooLarge(f"{paths.shown(os.fsencode(path))} is too long for this")
        return parsing.parse_blame(_check(output).out)

    # ---- changing

    async def init(self, id: ProjectId) -> None:
        await self._change(id, ("init", "--initial-branch=main"))

    async def stage(self, id: ProjectId, files: Sequence[str]) -> None:
        await self._change(id, ("add", "--all", "--", *map(_path, files)))

    async def unstage(self, id: ProjectId, files: Sequence[str]) -> None:
        if await self._has_commits(id):
            await self._change(id, ("reset", "--quiet", "HEAD", "--", *map(_path, files)))
        else:
            await self._change(id, ("rm", "--cached", "--quiet", "-r", "--force", "--", *map(_path, files)))

    async def discard(self, id: ProjectId, files: Sequence[str]) -> None:
        """Bring files back to what the index has. Those that Git does not know are left as they are."""
        await self._change(id, ("checkout", "--", *map(_path, files)))

    async def apply(self, id: ProjectId, path: str, hunk: str, action: str) -> None:
        """Stage, unstage or discard one hunk of a file. Raises Conflict when it is not there any more."""

        async def work() -> None:
            diff = parsing.parse_diff(await self._diff(id, path, staged=action == "unstage"))
            found = next((item for item in diff.hunks if item.id == hunk), None)
            if found is None:
                raise Conflict(f"this part of {paths.shown(os.fsencode(path))} has changed meanwhile; look at it again")
            options = {"stage": ["--cached"], "unstage": ["--cached", "--reverse"], "discard": ["--reverse"]}[action]
            patch = diff.head + found.text
            _check(await self._run(id, ("apply", "--whitespace=nowarn", "--recount", *options, "-"), given=patch))

        await self._alone(id, work())

    async def commit(self, id: ProjectId, message: object, *, amend: bool = False) -> str:
        """Commit what is staged; returns the id of the commit. Raises Invalid for an empty message."""
        if not isinstance(message, str) or not message.strip() or len(message) > MOST_MESSAGE or "\0" in message:
            raise Invalid(f"a commit needs a message of at most {MOST_MESSAGE} characters", field="message")
        argv = ["commit", "--quiet", "--cleanup=strip", "--file=-", *(["--amend"] if amend else [])]
        await self._change(id, argv, given=message.encode(errors="replace"), hooks=True)
        return _check(await self._run(id, ("rev-parse", "HEAD"), reads=True)).out.decode().strip()

    async def create_branch(self, id: ProjectId, name: object) -> None:
        """A new branch from HEAD on, which becomes the current one."""
        await self._change(id, ("switch", "--quiet", "--create", _branch(name)), hooks=True)

    async def switch(self, id: ProjectId, name: object) -> None:
        """Work on another branch; one of a remote is followed by a new one of its name."""
        await self._change(id, ("switch", "--quiet", "--guess", _branch(name)), hooks=True)

    # ---- elsewhere

    async def fetch(self, id: ProjectId) -> str:
        return await self._remote(id, ("fetch", "--prune", "origin"))

    async def pull(self, id: ProjectId) -> str:
        """Take over what the upstream has. Raises Conflict when the two have gone different ways and don't merge."""
        return await self._remote(id, ("pull", "--no-rebase", "--no-edit"))

    async def push(self, id: ProjectId) -> str:
        """Send the current branch, to the branch of its name at `origin` when it has no upstream yet."""
        status = await self.status(id)
        if status is None or status.branch.name is None:
            raise Conflict("there is no branch to push; make one first", reason="repository")
        target = [] if status.branch.upstream else ["--set-upstream", "origin", f"HEAD:refs/heads/{status.branch.name}"]
        return await self._remote(id, ("push", *target))

    async def add_remote(self, id: ProjectId, url: str) -> None:
        """Have `origin` be at `url`."""
        known = not (await self._run(id, ("remote", "get-url", "origin"), reads=True)).code
        await self._change(id, ("remote", "set-url" if known else "add", "origin", "--", url))

    async def clone(self, id: ProjectId, url: str, heard: Callable[[bytes], None]) -> None:
        """Fill the project's folder, which must be empty, from `url`. `heard` gets what Git says of its progress."""
        await self._alone(id, self._reach(id, url, ("clone", "--progress", "--", url, "."), heard))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- how it is done

    async def _remote(self, id: ProjectId, argv: Sequence[str]) -> str:
        async def work() -> str:
            found = await self._run(id, ("ls-remote", "--get-url"), reads=True)
            url = found.out.decode(errors="replace").strip()
            if found.code or url in ("", "origin"):
                raise Conflict("the repository has no remote yet; name its address first", reason="remote")
            return await self._reach(id, url, argv, None)

        return await self._alone(id, work())

    async def _reach(self, id: ProjectId, url: str, argv: Sequence[str], heard: Callable[[bytes], None] | None) -> str:
        """Run what speaks with `url`, with the account that is kept for its host."""
        place = host_of(url)
        account = next((item for item in await self._accounts.accounts() if place and item.host == place[1]), None)
        command = [*_GIT, *await self._settings(), *argv]
        given = b""
        if place and account:
            command, given = helped(place, command), secret_input(account)
        stream = await self._workspaces.execute(id, command, env=self._env(id), sourced=True, merged=True)
        output = await finish(stream, given=given, most=MOST_OUTPUT, seconds=REMOTE_SECONDS, heard=heard)
        self._changed(id)
        said = output.out.decode(errors="replace")
        return _check(Output(output.code, b"", said, output.cut), host=place[1] if place else None).errors[-2000:]

    async def _diff(self, id: ProjectId, path: str, staged: bool) -> bytes:
        # Whatever the repository's settings say: it is read here, and given to `git apply`.
        argv = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--unified=3"]
        argv += ["--src-prefix=a/", "--dst-prefix=b/", *(["--cached"] if staged else [])]
        output = await self._run(id, (*argv, "--", _path(path)), reads=True)
        if output.cut:
            raise TooLarge(f"too much of {paths.shown(os.fsencode(path))} has changed to be shown")
        return _check(output).out

    async def _has_commits(self, id: ProjectId) -> bool:
        return not (await self._run(id, ("rev-parse", "--verify", "--quiet", "HEAD"), reads=True)).code

    async def _change(self, id: ProjectId, argv: Sequence[str], *, given: bytes = b"", hooks: bool = False) -> None:
        async def work() -> None:
            settings = await self._settings()
            _check(await self._run(id, argv, given=given, settings=settings, hooks=hooks))

        await self._alone(id, work())

    async def _alone(self, id: ProjectId, work: Coroutine[Any, Any, T]) -> T:
        async def whole() -> T:
            async with self._locks.setdefault(id, asyncio.Lock()):
                try:
                    return await work
                finally:
                    self._changed(id)

        task = asyncio.create_task(whole())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _run(
        self,
        id: ProjectId,
        argv: Sequence[str],
        *,
        given: bytes = b"",
        reads: bool = False,
        settings: Sequence[str] = (),
        hooks: bool = False,
    ) -> Output:
        if not reads:
            # Pages look by themselves, whether or not a person does.
            self._workspaces.touch(id, "Git")
        command = [*_GIT, *settings, *(["--no-optional-locks"] if reads else []), *argv]
        stream = await self._workspaces.execute(id, command, env=self._env(id), sourced=hooks)
        return await finish(stream, given=given, most=MOST_OUTPUT, seconds=SECONDS)

    def _env(self, id: ProjectId) -> dict[str, str]:
        # On a machine without an engine a project may lie within somebody else's repository.
        return {**_ENV, "GIT_CEILING_DIRECTORIES": os.path.dirname(self._workspaces.layout(id).workspace)}

    async def _settings(self) -> list[str]:
        identity = await self._accounts.identity()
        return ["-c", f"user.name={identity[0]}", "-c", f"user.email={identity[1]}"] if identity else []

    def _changed(self, id: ProjectId) -> None:
        self._workspaces.notify(id, {"type": "git"})


def _path(path: str) -> str:
    return os.fsdecode(paths.parse_entry(path))


def _branch(name: object) -> str:
    if not isinstance(name, str) or not _BRANCH.fullmatch(name) or ".." in name or "@{" in name:
        raise Invalid("a branch's name has no spaces, none of ~^:?*[\\ and does not begin with a dash", field="name")
    return name


def _check(output: Output, *, host: str | None = None) -> Output:
    """The output of what went well. Raises Conflict, or Unavailable when Git was killed."""
    if output.code == 0:
        return output
    if output.code is None:
        raise Unavailable("Git was ended before it was done, perhaps for lack of memory; try again")
    said = output.errors
    if "not a git repository" in said:
        raise Conflict("the project's folder is no Git repository", reason="repository")
    if "tell me who you are" in said or "empty ident name" in said or "unable to auto-detect email" in said:
        raise Conflict("Git does not know who you are: set your name and e-mail address", reason="identity")
    if re.search(
        r"could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP 40[13]", said
    ):
        raise Conflict(
            f"{host or 'the remote'} asks for an account, or refuses the one kept", reason="account", host=host
        )
    raise Conflict(_sentence(said))


def _sentence(said: str) -> str:
    """What Git says is wrong, without its advice and progress."""
    lines = [line.strip() for line in said.replace("\r", "\n").splitlines()]
    lines = [
        line for line in lines if line and not line.startswith(("hint:", "remote: Counting", "remote: Compressing"))
    ]
    told = [line.partition(": ")[2] for line in lines if line.startswith(("fatal: ", "error: ", "remote: error: "))]
    sentence = "; ".join(told[:3] or lines[-3:])
    # Which files they are is listed below.
    if sentence.endswith(":"):
        sentence += " " + ", ".join(line.strip() for line in said.splitlines() if line.startswith("\t"))
    return sentence[:600] or "Git failed without saying why"
