"""Projects as processes of this machine, for one trusted person: the supervisor of the containers, without one.

The supervisor is detached: it outlives the server, and the next one finds it by its socket, whose other end the kernel
names. Nothing is limited, and nothing is kept apart.
"""

import asyncio
import logging
import os
import select
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from server.errors import Conflict, LinkLost, Unavailable
from server.models import PROJECT_ID, ProjectId
from server.runtimes.base import CA_VARIABLES, Layout, Spec
from server.runtimes.link import Link
from server.runtimes.roads import open_socket, over_socket, peer_pid

logger = logging.getLogger(__name__)

SUPERVISOR: Final = Path(__file__).parent.parent / "supervisor"
BOOT_SECONDS: Final = 10.0
STOP_SECONDS: Final = 8.0
"""After SIGTERM. The supervisor gives each process group 5 s at most."""
POLL: Final = 0.004
SWEEPS: Final = 20
"""Looks for what a killed supervisor left: what is found may have started more meanwhile."""

_MARK: Final = "HUTCH_PROJECT"
_PASSED: Final = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "NIX_PATH", "NIX_PROFILES"),
    "SSH_AUTH_SOCK",
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *CA_VARIABLES,
}
# Python ignores these, and an ignored signal stays ignored in every program that is started from it.
_RESET_SIGNALS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGTERM)


class LocalRuntime:
    """The runtime that needs no engine. `state` holds the projects' state folders, `environment` is the server's own.

    Of the environment only what programs need to run is passed on, never a setting or token of the server.
    """

    def __init__(self, state: Path, environment: Mapping[str, str], *, ca_bundle: Path | None = None) -> None:
        self._state = state
        self._environment = environment
        self._ca_bundle = ca_bundle
        self._children: dict[ProjectId, _Child] = {}

    @property
    def name(self) -> str:
        return "local"

    async def check(self) -> str | None:
        return None

    def layout(self, spec: Spec) -> Layout:
        bash = shutil.which("bash", path=self._environment.get("PATH"))
        return Layout(
            workspace=str(spec.workspace),
            shell=(bash, "-l") if bash else ("/bin/sh", "-l"),
            environment=None,
            env=self._env(spec.project),
        )

    async def start(self, spec: Spec) -> None:
        if await self._answers(spec):
            return
        await asyncio.to_thread(_sweep, spec.project)
        spec.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        argv = [sys.executable, "-I", str(SUPERVISOR), "serve"]
        argv += ["--state", str(spec.state), "--workspace", str(spec.workspace)]
        try:
            pid = _spawn(argv, self._env(spec.project), spec.state / "supervisor.log")
        except OSError as error:
            raise Unavailable(f"the project's supervisor could not be started: {error.strerror}") from error
        self._children[spec.project] = _Child(pid)

    async def connect(self, spec: Spec) -> Link:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BOOT_SECONDS
        while True:
            try:
                return await over_socket(spec.project, open_socket(spec.state))
            except (OSError, LinkLost):
                child = self._children.get(spec.project)
            if child is None:
                raise Conflict("the project does not run: start it with Run")
            if child.ended:
                del self._children[spec.project]
                raise Unavailable("the project's supervisor ended at once: supervisor.log in its state folder says why")
            if loop.time() >= deadline:
                raise Unavailable(f"the project's supervisor did not listen within {BOOT_SECONDS:g} s")
            await asyncio.sleep(POLL)

    async def stop(self, project: ProjectId) -> None:
        await asyncio.to_thread(_end, self._state / project)
        await asyncio.to_thread(_sweep, project)
        if child := self._children.pop(project, None):
            child.forget()

    async def remove(self, project: ProjectId) -> None:
        await self.stop(project)

    async def running(self) -> set[ProjectId]:
        return await asyncio.to_thread(self._running)

    async def close(self) -> None:
        for child in self._children.values():
            child.forget()
        self._children.clear()

    async def _answers(self, spec: Spec) -> bool:
        """Whether a supervisor is there that greets: one that is ending still accepts for a moment."""
        deadline = asyncio.get_running_loop().time() + BOOT_SECONDS
        while True:
            try:
                await (await over_socket(spec.project, open_socket(spec.state))).close()
            except OSError:
                return False
            except LinkLost:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(POLL)
            else:
                return True

    def _running(self) -> set[ProjectId]:
        if not self._state.is_dir():
            return set()
        names = (entry.name for entry in self._state.iterdir() if PROJECT_ID.fullmatch(entry.name))
        return {ProjectId(name) for name in names if _peer(self._state / name)}

    def _env(self, project: ProjectId) -> dict[str, str]:
        passed = {name: value for name, value in self._environment.items() if name in _PASSED or name.startswith("LC_")}
        if self._ca_bundle:
            passed |= dict.fromkeys(CA_VARIABLES, str(self._ca_bundle))
        return passed | {"TERM": "xterm-256color", _MARK: project}


class _Child:
    """A supervisor that this server started: known when it ends, and no zombie then."""

    def __init__(self, pid: int) -> None:
        self.ended = False
        self._pid = pid
        self._descriptor: int | None = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._reap)

    def _reap(self) -> None:
        self.ended = True
        self.forget()

    def forget(self) -> None:
        """Watch it no longer; it runs on if it runs."""
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
        try:
            os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            pass


def _spawn(argv: list[str], env: dict[str, str], log: Path) -> int:
    """Start a program in a session of its own, with no descriptor, signal setting or variable of ours. Its pid."""
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    return os.posix_spawn(
        argv[0],
        argv,
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), writing, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=_RESET_SIGNALS,
    )


def _peer(state: Path) -> int | None:
    """The process that listens on the project's socket; None when none does."""
    try:
        with open_socket(state) as sock:
            return peer_pid(sock)
    except OSError:
        return None


def _end(state: Path) -> None:
    """End the supervisor that listens, in order; by force when that takes too long."""
    try:
        # Open until its process is held by a descriptor: so the pid is certain to be still that process's.
        with open_socket(state) as sock:
            descriptor = os.pidfd_open(peer_pid(sock))
    except OSError:
        return
    # Not select(), which fails in a server with more than 1,024 files open.
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    try:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 1.0)):
            signal.pidfd_send_signal(descriptor, number)
            if ended.poll(seconds * 1000):
                return
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def _sweep(project: ProjectId) -> None:
    """Kill what a supervisor that was killed itself has left: processes that carry the project's mark."""
    for _ in range(SWEEPS):
        left = _marked(f"{_MARK}={project}".encode())
        if not left:
            return
        for pid in left:
            logger.info("ending process %d, left by the supervisor of project %s", pid, project)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _marked(mark: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables:
            found.append(int(entry.name))
    return found
