"""The one owner of what runs: a state machine and a lock for each project.

A project's processes belong to its supervisor; this module only asks and listens. It may be killed at any moment: what
runs is found again by `adopt`, and the supervisor finishes a run on its own. The link to a supervisor is re-made when
it breaks while the container lives.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, TypeVar

from server.errors import AppError, BadGateway, Conflict, LinkLost, NotFound
from server.models import Limits, Port, ProjectId, Run, State, Step, StepState, Usage, Visibility
from server.runtimes.base import Layout, Runtime, Spec
from server.runtimes.link import Direct, Link, Stream
from server.services.documents import Documents
from server.services.events import Subscription
from server.services.projects import Projects
from server.services.reports import (
    TERMINALS,
    Terminal,
    Watch,
    parse_failure,
    parse_paths,
    parse_ports,
    parse_run,
    parse_terminals,
    parse_watch,
)
from server.services.sharing import Sharing
from server.services.workspace import Idle, Status, Workspace

logger = logging.getLogger(__name__)

T = TypeVar("T")

RELINK_DELAYS: Final = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to re-make a broken link; the last one repeats while the container lives."""
DISK_MAX_AGE: Final = 30.0
"""Seconds for which a measured size of the files is told again: the walk is dear in a big folder."""

INSTALL_FILES: Final = ("package.json", "package-lock.json")


class Workspaces:
    """Starts, stops and watches what projects run in.

    `state` is the folder for the supervisors' own files; `idle_stop` is in seconds, 0 for never. Methods that change
    something finish what they began when the caller is cancelled, and raise Unavailable when the engine can't be used.
    """

    def __init__(
        self,
        runtime: Runtime,
        projects: Projects,
        documents: Documents,
        sharing: Sharing,
        *,
        state: Path,
        limits: Limits,
        idle_stop: int,
    ) -> None:
        self._runtime = runtime
        self._projects = projects
        self._documents = documents
        self._sharing = sharing
        self._state = state
        self._limits = limits
        self.idle_stop = idle_stop
        self._workspaces: dict[ProjectId, Workspace] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def runtime(self) -> str:
        return self._runtime.name

    async def check_runtime(self) -> str | None:
        """Why nothing can be run just now, as a sentence, or None."""
        return await self._runtime.check()

    # ---- finding what runs already

    async def adopt(self) -> None:
        """Take over the containers that run already, as after a server's death. Raises Unavailable."""
        known = {project.id for project in await self._projects.list()}
        found = known & await self._runtime.running()
        await asyncio.gather(*(self._adopt_one(id) for id in found))

    async def _adopt_one(self, id: ProjectId) -> None:
        workspace = self._workspace(id)
        async with workspace.lock:
            if workspace.link is None:
                try:
                    await self._connect(workspace)
                except AppError as error:
                    logger.warning("project %s runs, but its supervisor can't be reached: %s", id, error)

    # ---- what a person asks for

    async def start(self, id: ProjectId) -> Status:
        """Have the project's container run, without its app. Does nothing when it does."""
        return await self.finish(self._start_only(self._workspace(id)))

    def set_preparing(self, id: ProjectId, step: Step) -> None:
        """Tell of what fills the project with files before anything is run in it."""
        workspace = self._workspace(id)
        workspace.preparing = step
        self.touch(id, step.name)
        self._changed(workspace, "status")

    async def run(self, id: ProjectId) -> Status:
        """Have the project's app run, with all that it needs. Does nothing while it runs."""
        return await self.finish(self._run(self._workspace(id)))

    async def stop(self, id: ProjectId, *, container: bool = False) -> Status:
        """End the app; with `container` the container, its terminals included."""
        return await self.finish(self._stop(self._workspace(id), container))

    async def restart(self, id: ProjectId) -> Status:
        """End the app and run it again."""
        await self.stop(id)
        return await self.run(id)

    async def remove(self, id: ProjectId) -> None:
        """End and remove everything but the project's files."""
        await self.finish(self._remove(self._workspace(id)))

    async def status(self, id: ProjectId) -> Status:
        workspace = self._workspace(id)
        return self._status(workspace, await self._usage(workspace))

    def state(self, id: ProjectId) -> State:
        """The run's state as last reported, without asking anyone."""
        return self._run_of(self._workspace(id)).state

    def ports(self, id: ProjectId) -> tuple[Port, ...]:
        return self._workspace(id).ports

    def layout(self, id: ProjectId) -> Layout:
        """How the project looks to its own programs."""
        return self._runtime.layout(self._spec(self._workspace(id)))

    def link(self, id: ProjectId) -> Link:
        """The link to what runs now. Raises Conflict when the project does not run, LinkLost while it is re-made."""
        return self._require_link(self._workspace(id))

    def terminals(self, id: ProjectId) -> tuple[Terminal, ...]:
        return self._workspace(id).terminals

    def watch(self, id: ProjectId) -> Watch:
        """Whether changes of the project's files are told as they happen."""
        return self._workspace(id).watch

    async def wait_for_port(self, id: ProjectId, port: int, seconds: float) -> bool:
        """Whether `port` listens now or comes to within `seconds`."""
        workspace = self._workspace(id)
        try:
            async with asyncio.timeout(seconds):
                while all(item.port != port for item in workspace.ports):
                    workspace.ports_changed.clear()
                    await workspace.ports_changed.wait()
        except TimeoutError:
            return False
        return True

    async def set_visibility(self, id: ProjectId, port: int, visibility: Visibility) -> None:
        """Decide who sees `port`. A public one is public for as long as the container lives, and private in the next.

        Raises Conflict when nothing runs that could be made public, NotFound.
        """
        await self.finish(self._set_visibility(self._workspace(id), port, visibility))

    # ---- streams

    def direct(self, id: ProjectId, port: int) -> Direct | None:
        """The way past the supervisor to `port`, None where it listens on loopback only, or there is no such way.

        Raises Conflict when the project does not run.
        """
        workspace = self._workspace(id)
        self.touch(id, "preview")
        link = self._require_link(workspace)
        if link.direct is None or link.direct.is_useless:
            return None
        reachable = any(item.port == port and not item.is_loopback for item in workspace.ports)
        return link.direct if reachable else None

    async def connect(self, id: ProjectId, port: int) -> Stream:
        """A TCP connection to `port` inside the project; the caller closes it.

        Raises Conflict when the project does not run, BadGateway when nothing accepts there.
        """
        workspace = self._workspace(id)
        self.touch(id, "preview")
        link = self._require_link(workspace)
        try:
            return await link.connect(port)
        except (Conflict, NotFound) as error:
            raise BadGateway(f"nothing answers on port {port} of the project", port=port) from error

    async def execute(self, id: ProjectId, argv: Sequence[str], **options: Any) -> Stream:
        """A program on pipes in the project's folder; it ends with the stream, and the caller closes that.

        `options` are those of `Link.execute`. Raises Conflict when the project does not run, Unavailable when the
        program can't be started.
        """
        env = {**self.layout(id).env, **options.pop("env", {})}
        return await self.link(id).execute(argv, env=env, **options)

    async def memory_share(self, id: ProjectId) -> float:
        """The part of its memory that a project's programs take; 0 where that is not limited or not known.

        Raises Conflict when the project does not run, LinkLost, Unavailable.
        """
        share = (await self.link(id).call("usage")).get("memoryShare")
        return float(share) if isinstance(share, (int, float)) else 0.0

    async def logs(self, id: ProjectId, offset: int | None) -> Stream:
        """A viewer of the log from `offset` on, or from the oldest byte that is kept; the caller closes it."""
        return await self.link(id).attach("log", offset)

    # ---- telling and being told

    def touch(self, id: ProjectId, reason: str) -> None:
        """Note that someone uses the project, which puts off its stop for idleness."""
        workspace = self._workspace(id)
        workspace.active_at = time.time()
        workspace.activity = reason

    def notify(self, id: ProjectId, event: dict[str, Any]) -> None:
        """Tell every open IDE of the project."""
        self._workspace(id).publisher.publish(event)

    @asynccontextmanager
    async def subscribe(self, id: ProjectId) -> AsyncIterator[Subscription]:
        publisher = self._workspace(id).publisher
        subscription = publisher.subscribe()
        try:
            yield subscription
        finally:
            publisher.unsubscribe(subscription)

    def _changed(self, workspace: Workspace, *kinds: str) -> None:
        for kind in kinds:
            workspace.publisher.publish({"type": kind})

    # ---- the steps of a run

    async def _run(self, workspace: Workspace) -> Status:
        async with workspace.lock:
            self.touch(workspace.id, "run")
            if workspace.preparing and workspace.preparing.state is StepState.RUNNING:
                raise Conflict("the project is still being filled with its files; run it once that is done")
            workspace.preparing = None
            config = await self._projects.run_config(workspace.id)
            workspace.limits = config.limits
            link = workspace.link or await self._start(workspace)
            layout = self._runtime.layout(self._spec(workspace))
            install = None
            if config.install:
                install = {
                    "argv": ["sh", "-c", config.install],
                    "files": list(INSTALL_FILES),
                    "requires": "node_modules",
                }
            env = {**layout.env, **config.env, "PORT": str(config.port)}
            report = await link.call(
                "run",
                environment=list(layout.environment) if layout.environment else None,
                install=install,
                app={"argv": ["sh", "-c", config.command], "env": env},
            )
            workspace.run = parse_run(report)
            return self._told(workspace)

    async def _start_only(self, workspace: Workspace) -> Status:
        async with workspace.lock:
            self.touch(workspace.id, "start")
            if workspace.link is None:
                await self._start(workspace)
            return self._told(workspace)

    async def _start(self, workspace: Workspace) -> Link:
        spec = self._spec(workspace)
        workspace.detail = None
        workspace.container = Step("container", StepState.RUNNING, datetime.now(UTC))
        workspace.run = Run(State.STARTING)
        self._changed(workspace, "status")
        try:
            # Before there is anything to see: whatever listens there next was not looked at by anyone.
            await self._sharing.make_private(workspace.id)
            await asyncio.to_thread(spec.state.mkdir, parents=True, exist_ok=True, mode=0o700)
            await self._runtime.start(spec)
            link = await self._connect(workspace)
        except AppError as error:
            self._container_ended(workspace, StepState.FAILED, error.detail)
            raise
        self._container_ended(workspace, StepState.DONE, None)
        return link

    def _container_ended(self, workspace: Workspace, state: StepState, detail: str | None) -> None:
        if workspace.container:
            workspace.container = replace(workspace.container, state=state, ended_at=datetime.now(UTC), detail=detail)
        if state is StepState.FAILED:
            workspace.run, workspace.detail = Run(State.FAILED), detail
        self._changed(workspace, "status")

    async def _stop(self, workspace: Workspace, container: bool) -> Status:
        async with workspace.lock:
            if workspace.link:
                workspace.run = parse_run(await workspace.link.call("stop"))
            if container:
                await self._unlink(workspace)
                await self._runtime.stop(workspace.id)
                self._forget(workspace)
            elif workspace.run.state is State.FAILED:
                workspace.run = Run(State.STOPPED)
            workspace.detail = None
            return self._told(workspace)

    async def _set_visibility(self, workspace: Workspace, port: int, visibility: Visibility) -> None:
        # The lock keeps a new container from starting between the check and the change.
        async with workspace.lock:
            if visibility is not Visibility.PRIVATE:
                self._require_link(workspace)
            await self._sharing.set_visibility(workspace.id, port, visibility)
            self._changed(workspace, "ports")

    async def _remove(self, workspace: Workspace) -> None:
        async with workspace.lock:
            await self._sharing.make_private(workspace.id)
            await self._unlink(workspace)
            await self._runtime.remove(workspace.id)
            await asyncio.to_thread(rmtree, self._state / workspace.id, ignore_errors=True)
            self._forget(workspace)
            self._workspaces.pop(workspace.id, None)

    def _forget(self, workspace: Workspace) -> None:
        workspace.run, workspace.container = Run(State.STOPPED), None
        workspace.terminals, workspace.cpu_sample = (), None
        workspace.watch = Watch()
        self._listening(workspace, ())
        self._changed(workspace, "status", "ports", "terminals", "watch")

    # ---- the link

    async def _connect(self, workspace: Workspace) -> Link:
        link = await self._runtime.connect(self._spec(workspace))
        workspace.link = link
        workspace.run = parse_run(link.hello.get("run"))
        workspace.terminals = parse_terminals(link.hello.get("terminals"), TERMINALS)
        workspace.watch = parse_watch(link.hello.get("watch"))
        self._listening(workspace, parse_ports(link.hello.get("ports")))
        link.on_event = lambda event: self._on_event(workspace, event)
        workspace.watcher = self._background(self._watch(workspace, link))
        self._changed(workspace, "status", "ports", "terminals", "watch")
        # What changed while there was no link was told to nobody.
        workspace.publisher.publish({"type": "tree", "paths": [""]})
        return link

    async def _unlink(self, workspace: Workspace) -> None:
        link, workspace.link = workspace.link, None
        if workspace.watcher:
            workspace.watcher.cancel()
            workspace.watcher = None
        if link:
            await link.close()

    def _listening(self, workspace: Workspace, ports: tuple[Port, ...]) -> None:
        def tell() -> None:
            workspace.ports = workspace.probes.judged(workspace.ports)
            self._changed(workspace, "ports")

        async def connect(port: int) -> Stream:
            # Not by a person's wish: it puts off no stop for idleness.
            return await self._require_link(workspace).connect(port)

        workspace.probes.ask(ports, connect, self._background, tell)
        workspace.ports = workspace.probes.judged(ports)
        workspace.ports_changed.set()

    def _on_event(self, workspace: Workspace, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "run":
                workspace.run = parse_run(event.get("run"))
                self._changed(workspace, "status")
            case "ports":
                self._listening(workspace, parse_ports(event.get("ports")))
                self._changed(workspace, "ports")
            case "terminals":
                workspace.terminals = parse_terminals(event.get("terminals"), TERMINALS)
                self._changed(workspace, "terminals")
            case "recording-failed":
                terminal, reason = parse_failure(event, TERMINALS)
                text = f"The recording of {terminal} has ended: {reason}."
                workspace.publisher.publish({"type": "notice", "level": "warning", "text": text})
            case "watch":
                workspace.watch = parse_watch(event.get("watch"))
                self._changed(workspace, "watch")
            case "tree" if paths := parse_paths(event.get("paths")):
                workspace.publisher.publish({"type": "tree", "paths": paths})

    async def _watch(self, workspace: Workspace, link: Link) -> None:
        """Wait for the link to break, and make it again for as long as the container lives."""
        await link.wait_closed()
        async with workspace.lock:
            if workspace.link is not link:
                return
            workspace.link, workspace.watch = None, Watch()
            self._changed(workspace, "watch")
        attempt = 0
        while True:
            await asyncio.sleep(RELINK_DELAYS[min(attempt, len(RELINK_DELAYS) - 1)])
            attempt += 1
            async with workspace.lock:
                if workspace.link is not None:
                    return
                try:
                    if workspace.id not in await self._runtime.running():
                        logger.info("the container of project %s has ended", workspace.id)
                        self._forget(workspace)
                        workspace.detail = "The container has ended. Run starts it again; the files are all there."
                        self._changed(workspace, "status")
                        return
                    await self._connect(workspace)
                    return
                except AppError as error:
                    logger.info("project %s can't be reached yet: %s", workspace.id, error)
                    workspace.detail = error.detail

    def _require_link(self, workspace: Workspace) -> Link:
        if workspace.link is None:
            if workspace.watcher and not workspace.watcher.done():
                raise LinkLost("the connection to the container is being made again; try again in a moment")
            raise Conflict("the project does not run: start it with Run first")
        return workspace.link

    # ---- status

    def _run_of(self, workspace: Workspace) -> Run:
        before = [step for step in (workspace.preparing, workspace.container) if step]
        run = replace(workspace.run, steps=(*before, *workspace.run.steps))
        if workspace.preparing and run.state is State.STOPPED:
            # Nothing was run yet, so what fills the project is what there is to tell.
            told = {StepState.RUNNING: State.STARTING, StepState.FAILED: State.FAILED}
            return replace(run, state=told.get(workspace.preparing.state, State.STOPPED))
        return run

    def _told(self, workspace: Workspace) -> Status:
        self._changed(workspace, "status")
        return self._status(workspace, Usage())

    def _status(self, workspace: Workspace, usage: Usage) -> Status:
        idle = None
        if self.idle_stop and workspace.link:
            stops = datetime.fromtimestamp(self.active_at(workspace.id), UTC) + timedelta(seconds=self.idle_stop)
            idle = Idle(stops, f"last used by: {workspace.activity}")
        return Status(
            project=workspace.id,
            run=self._run_of(workspace),
            ports=workspace.ports,
            usage=usage,
            limits=workspace.limits or self._limits,
            idle=idle,
            container=workspace.link is not None,
            runtime=self._runtime.name,
            detail=workspace.detail,
        )

    async def _usage(self, workspace: Workspace) -> Usage:
        usage = Usage(disk=await self._disk(workspace))
        if workspace.link is None:
            return usage
        try:
            report = await workspace.link.call("usage")
        except AppError:
            return usage
        memory, seconds, now = report.get("memory"), report.get("cpuSeconds"), time.monotonic()
        cpu = None
        if isinstance(seconds, (int, float)):
            if workspace.cpu_sample and now > workspace.cpu_sample[0]:
                cpu = max(0.0, (seconds - workspace.cpu_sample[1]) / (now - workspace.cpu_sample[0]))
            workspace.cpu_sample = (now, seconds)
        return replace(usage, memory=memory if isinstance(memory, int) else None, cpu=cpu)

    async def _disk(self, workspace: Workspace) -> int | None:
        if workspace.disk is None or time.monotonic() - workspace.disk[0] > DISK_MAX_AGE:
            try:
                workspace.disk = (time.monotonic(), await self._documents.usage(workspace.id))
            except AppError:
                return None
        return workspace.disk[1]

    # ---- idleness

    def running(self) -> list[ProjectId]:
        """The projects whose supervisor is linked now."""
        return [workspace.id for workspace in self._workspaces.values() if workspace.link]

    def active_at(self, id: ProjectId) -> float:
        """When the project was last used, seconds since the epoch: by a person, or by a terminal that works."""
        workspace = self._workspace(id)
        terminals = (terminal.active_at.timestamp() for terminal in workspace.terminals if terminal.active_at)
        return max(workspace.active_at, *terminals, 0)

    async def refresh_terminals(self, id: ProjectId) -> None:
        """Ask when the terminals last did something, which is not reported by itself."""
        workspace = self._workspace(id)
        if workspace.link:
            report = await workspace.link.call("list")
            workspace.terminals = parse_terminals(report.get("terminals"), TERMINALS)

    # ---- the rest

    async def close(self) -> None:
        """Drop every link. Containers and their processes run on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._unlink(workspace) for workspace in self._workspaces.values()))
        await self._runtime.close()

    def _workspace(self, id: ProjectId) -> Workspace:
        workspace = self._workspaces.get(id)
        if workspace is None:
            workspace = self._workspaces[id] = Workspace(id)
        return workspace

    def _spec(self, workspace: Workspace) -> Spec:
        return Spec(
            project=workspace.id,
            workspace=self._documents.folder(workspace.id),
            state=self._state / workspace.id,
            limits=workspace.limits or self._limits,
        )

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end even when the caller is cancelled, so that no container is left half started."""
        return await asyncio.shield(self._background(work))

    def _background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
