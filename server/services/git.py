"""Git in a project's container: what changed, what is committed, and what goes to and comes from elsewhere.

Git itself runs beside the project's other programs and never on the server's side, so that the hooks and settings of a
repository reach no further than any other program of the project.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from server.errors import Conflict, Invalid, NotFound, TooLarge
from server.models import ProjectId
from server.services import git_operations as operations, git_parsing as parsing, git_ssh
from server.services.git_accounts import GitAccounts
from server.services.git_problems import check, sentence, ssh_problem
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
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C.UTF-8",
}
# For a container's own ssh. On a machine without containers a person's own settings say which ssh there is.
_CONTAINED: Final = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new"}
_BRANCH: Final = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]{0,199}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


class Git:
    """Methods raise Conflict when the project does not run or Git refuses, with Git's words as the sentence.

    Its `extra["reason"]` is `repository` where there is none, `identity`, `account` or `sshkey` where that is missing
    or refused, `hostkey` where a host is not the one that it was. What changes something is done one after the other
    for each project, and to its end when the caller goes away.
    """

    def __init__(self, workspaces: Workspaces, accounts: GitAccounts) -> None:
        self._workspaces = workspaces
        self._accounts = accounts
        self._locks: dict[ProjectId, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def lends_key(self) -> bool:
        """Whether the person's SSH key is lent; on a machine without containers Git uses their own ssh as it is."""
        return self._workspaces.runtime != "local"

    # ---- looking

    async def status(self, id: ProjectId) -> parsing.Status | None:
        """What differs from the last commit; None where there is no repository."""
        argv = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all")
        output = await self._run(id, argv, reads=True, wrapped=operations.telling)
        if output.code and "not a git repository" in output.errors:
            return None
        if not output.cut:
            check(output)
        operation, out = operations.read(output.out)
        return parsing.parse_status(out, output.cut, operation)

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
                check(output)
            raise NotFound(f"{paths.shown(os.fsencode(path))} is not in that version")
        return output.out

    async def log(self, id: ProjectId, *, path: str = "", skip: int = 0, most: int = 50) -> list[parsing.Commit]:
        """The commits that HEAD has, newest first; none before the first."""
        argv = [*_log(parsing.LOG_FORMAT), f"--skip={skip}", f"--max-count={min(most, MOST_COMMITS)}"]
        output = await self._run(id, [*argv, "--", *([_path(path)] if path else [])], reads=True)
        if output.code and "does not have any commits" in output.errors:
            return []
        return parsing.parse_log(check(output).out)

    async def details(self, id: ProjectId, commit: str) -> parsing.CommitDetails:
        """A commit, its message, and the files that differ from its first parent's. Raises NotFound."""
        if not _COMMIT.fullmatch(commit):
            raise NotFound("there is no such commit")
        argv = (*_log(parsing.COMMIT_FORMAT), "--max-count=1", f"{commit}^{{commit}}", "--")
        output = await self._run(id, argv, reads=True)
        if not output.cut:
            if output.code and "not a git repository" not in output.errors:
                raise NotFound("there is no such commit")
            check(output)
        found = parsing.parse_commit(output.out)
        if found is None:
            raise NotFound("there is no such commit")
        trees = (found[0].parents[0], found[0].id) if found[0].parents else ("--root", found[0].id)
        # To look for renames among thousands of files would take minutes.
        argv = ("diff-tree", "-r", "-z", "-M", "-l400", "--name-status", "--no-commit-id", *trees)
        output = await self._run(id, argv, reads=True)
        changes, truncated = parsing.parse_changes((output if output.cut else check(output)).out, output.cut)
        return parsing.CommitDetails(*found, changes, truncated)

    async def branches(self, id: ProjectId) -> list[parsing.BranchEntry]:
        argv = ("for-each-ref", f"--format={parsing.BRANCH_FORMAT}", "--sort=-committerdate", "--count=500")
        return parsing.parse_branches(check(await self._run(id, (*argv, "refs/heads", "refs/remotes"), reads=True)).out)

    async def blame(self, id: ProjectId, path: str) -> list[parsing.BlameLine]:
        """Who last changed each line of the file as it is on the disk."""
        output = await self._run(id, ("blame", "--porcelain", "--", _path(path)), reads=True)
        if output.cut:
            raise TooLarge(f"{paths.shown(os.fsencode(path))} is too long for this")
        return parsing.parse_blame(check(output).out)

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
            check(await self._run(id, ("apply", "--whitespace=nowarn", "--recount", *options, "-"), given=patch))

        await self._alone(id, work())

    async def commit(self, id: ProjectId, message: object, *, amend: bool = False) -> str:
        """Commit what is staged; returns the id of the commit. Raises Invalid for an empty message."""
        if not isinstance(message, str) or not message.strip() or len(message) > MOST_MESSAGE or "\0" in message:
            raise Invalid(f"a commit needs a message of at most {MOST_MESSAGE} characters", field="message")
        argv = ["commit", "--quiet", "--cleanup=strip", "--file=-", *(["--amend"] if amend else [])]
        await self._change(id, argv, given=message.encode(errors="replace"), hooks=True)
        return check(await self._run(id, ("rev-parse", "HEAD"), reads=True)).out.decode().strip()

    async def create_branch(self, id: ProjectId, name: object) -> None:
        """A new branch from HEAD on, which becomes the current one."""
        await self._change(id, ("switch", "--quiet", "--create", _branch(name)), hooks=True)

    async def switch(self, id: ProjectId, name: object) -> None:
        """Work on another branch; one of a remote is followed by a new one of its name."""
        await self._change(id, ("switch", "--quiet", "--guess", _branch(name)), hooks=True)

    async def proceed(self, id: ProjectId, action: str) -> None:
        """Go on with what Git has begun (`continue`, `skip` what it stopped at), or `abort` it, which undoes it.

        Where it stops at the next conflicts, that is no failure.
        """

        async def work() -> None:
            before = await self.status(id)
            if before is None or before.operation is None:
                raise Conflict("nothing is under way: it was ended meanwhile")
            if action == "continue" and any(change.conflict for change in before.changes):
                raise Conflict("there are conflicts left: resolve and stage those files first")
            argv = (before.operation.kind, f"--{action}")
            settings = await self._settings()
            output = await self._run(id, argv, settings=settings, hooks=True, seconds=REMOTE_SECONDS)
            said = output.errors + output.out.decode(errors="replace")
            if output.code and re.search(r"CONFLICT|could not (apply|revert)", said):
                after = await self.status(id)
                if after and any(change.conflict for change in after.changes):
                    return
            check(output)

        await self._alone(id, work())

    # ---- elsewhere

    async def fetch(self, id: ProjectId) -> str:
        return await self._remote(id, ("fetch", "--prune", "origin"), ("ls-remote", "--get-url", "origin"))

    async def pull(self, id: ProjectId) -> str:
        """Take over what the upstream has. Raises Conflict when the two have gone different ways and don't merge."""
        return await self._remote(id, ("pull", "--no-rebase", "--no-edit"), ("ls-remote", "--get-url"))

    async def push(self, id: ProjectId) -> str:
        """Send the current branch, to the branch of its name at `origin` when it has no upstream yet."""
        status = await self.status(id)
        if status is None or status.branch.name is None:
            raise Conflict("there is no branch to push; make one first", reason="repository")
        branch = f"refs/heads/{status.branch.name}"
        target, remote = ["--set-upstream", "origin", f"HEAD:{branch}"], "origin"
        if status.branch.upstream:
            target = []
            argv = ("for-each-ref", "--format=%(push:remotename)", branch)
            remote = (await self._run(id, argv, reads=True)).out.decode(errors="replace").strip() or remote
        is_address = ":" in remote or remote.startswith(("/", "."))
        asking = ("ls-remote", "--get-url") if is_address else ("remote", "get-url", "--push", "--all")
        return await self._remote(id, ("push", *target), (*asking, remote))

    async def add_remote(self, id: ProjectId, url: str) -> None:
        """Have `origin` be at `url`."""
        known = not (await self._run(id, ("remote", "get-url", "origin"), reads=True)).code
        await self._change(id, ("remote", "set-url" if known else "add", "origin", "--", url))

    async def clone(self, id: ProjectId, url: str, heard: Callable[[bytes], None]) -> None:
        """Fill the project's folder, which must be empty, from `url`. `heard` gets what Git says of its progress."""
        await self._alone(id, self._reach(id, [url], ("clone", "--progress", "--", url, "."), heard))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- how it is done

    async def _remote(self, id: ProjectId, argv: Sequence[str], asking: Sequence[str]) -> str:
        """Run what speaks with the addresses that `asking` prints."""

        async def work() -> str:
            found = await self._run(id, asking, reads=True)
            urls = found.out.decode(errors="replace").split("\n")[:-1]
            if found.code or not any(urls) or urls == ["origin"]:
                raise Conflict("the repository has no remote yet; name its address first", reason="remote")
            return await self._reach(id, urls, argv, None)

        return await self._alone(id, work())

    async def _reach(
        self, id: ProjectId, urls: Sequence[str], argv: Sequence[str], heard: Callable[[bytes], None] | None
    ) -> str:
        """Run what speaks with `urls`, with the account that is kept for the host, or the SSH key lent to it."""
        place = next(filter(None, map(host_of, urls)), None)
        account = next((item for item in await self._accounts.accounts() if place and item.host == place[1]), None)
        command = [*_GIT, *await self._settings(), *argv]
        given = b""
        places = [*dict.fromkeys(filter(None, map(git_ssh.place_of, urls)))]
        loan = await self._borrow(id, places)
        if loan:
            command, given = loan.command(command, REMOTE_SECONDS), loan.given
        elif place and account:
            command, given = helped(place, command), secret_input(account)
        stream = await self._workspaces.execute(id, command, env=self._env(id), sourced=not loan, merged=True)
        output = await finish(stream, given=given, most=MOST_OUTPUT, seconds=REMOTE_SECONDS, heard=heard)
        self._changed(id)
        said = output.out.decode(errors="replace")
        # Hooks may speak of ssh too, but then Git has no such words of its own.
        if output.code and re.search("Could not read from remote|remote end hung up", said):
            self._check_way(said, places, loan)
        return check(Output(output.code, b"", said, output.cut), host=place[1] if place else None).errors[-2000:]

    async def _borrow(self, id: ProjectId, places: Sequence[git_ssh.SshPlace]) -> git_ssh.Loan | None:
        """The person's key, for places whose hosts are known from now on. None without one, or where ssh is theirs."""
        key = await self._accounts.ssh_key() if places and self.lends_key else None
        if key is None:
            return None
        known = await self._accounts.known_hosts()
        for place in places:
            if place.name not in known:
                stream = await self._workspaces.execute(id, git_ssh.ask_for_keys(place), env=self._env(id))
                shown = await finish(stream, most=MOST_OUTPUT, seconds=SECONDS)
                keys = git_ssh.keys_shown(shown.out)
                if not keys:
                    self._check_way(shown.errors, [place], None)
                    raise Conflict(f"{place.name} did not show a key of its own: {sentence(shown.errors)}")
                await self._accounts.remember_host(place.name, keys)
                known = await self._accounts.known_hosts()
        return git_ssh.Loan(key, places, known)

    def _check_way(self, said: str, places: Sequence[git_ssh.SshPlace], loan: git_ssh.Loan | None) -> None:
        if found := ssh_problem(said, places, loan, contained=self.lends_key):
            raise found

    async def _diff(self, id: ProjectId, path: str, staged: bool) -> bytes:
        # Whatever the repository's settings say: it is read here, and given to `git apply`.
        argv = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--unified=3"]
        argv += ["--src-prefix=a/", "--dst-prefix=b/", *(["--cached"] if staged else [])]
        output = await self._run(id, (*argv, "--", _path(path)), reads=True)
        if output.cut:
            raise TooLarge(f"too much of {paths.shown(os.fsencode(path))} has changed to be shown")
        return check(output).out

    async def _has_commits(self, id: ProjectId) -> bool:
        return not (await self._run(id, ("rev-parse", "--verify", "--quiet", "HEAD"), reads=True)).code

    async def _change(self, id: ProjectId, argv: Sequence[str], *, given: bytes = b"", hooks: bool = False) -> None:
        async def work() -> None:
            settings = await self._settings()
            check(await self._run(id, argv, given=given, settings=settings, hooks=hooks))

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
        seconds: float = SECONDS,
        wrapped: Callable[[list[str]], list[str]] = list,
    ) -> Output:
        if not reads:
            # Pages look by themselves, whether or not a person does.
            self._workspaces.touch(id, "Git")
        command = [*_GIT, *settings, *(["--no-optional-locks"] if reads else []), *argv]
        stream = await self._workspaces.execute(id, wrapped(command), env=self._env(id), sourced=hooks)
        return await finish(stream, given=given, most=MOST_OUTPUT, seconds=seconds)

    def _env(self, id: ProjectId) -> dict[str, str]:
        # On a machine without an engine a project may lie within somebody else's repository.
        ceiling = {"GIT_CEILING_DIRECTORIES": os.path.dirname(self._workspaces.layout(id).workspace)}
        return {**_ENV, **(_CONTAINED if self.lends_key else {}), **ceiling}

    async def _settings(self) -> list[str]:
        identity = await self._accounts.identity()
        return ["-c", f"user.name={identity[0]}", "-c", f"user.email={identity[1]}"] if identity else []

    def _changed(self, id: ProjectId) -> None:
        self._workspaces.notify(id, {"type": "git"})


def _log(format: str) -> list[str]:
    return ["log", "-z", "--no-color", "--no-show-signature", f"--format={format}"]


def _path(path: str) -> str:
    return os.fsdecode(paths.parse_entry(path))


def _branch(name: object) -> str:
    if not isinstance(name, str) or not _BRANCH.fullmatch(name) or ".." in name or "@{" in name:
        raise Invalid("a branch's name has no spaces, none of ~^:?*[\\ and does not begin with a dash", field="name")
    return name
