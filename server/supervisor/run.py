"""The run of a project: environment, install, app, one after the other, whether a server looks on or not."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .channel import Channel
from .environment import Environments, fingerprint, sourced
from .loop import Loop
from .process import Program
from .spawn import Command, SpawnError

STOP_GRACE: Final = 5.0
ACTIVE: Final = ("starting", "installing", "running")


class Step:
    """One step with its times, as it is reported."""

    def __init__(self, name: str) -> None:
        self.report: dict[str, Any] = {
            "name": name, "state": "pending", "startedAt": None, "endedAt": None, "code": None, "detail": None
        }  # fmt: skip

    def begin(self) -> None:
        self.report.update(state="running", startedAt=time.time())

    def end(self, state: str, code: int | None = None, detail: str | None = None) -> None:
        self.report.update(state=state, endedAt=time.time(), code=code, detail=detail)


class Plan:
    """What the server asked to run."""

    def __init__(
        self, environment: Sequence[str] | None, install: Mapping[str, Any] | None, app: Mapping[str, Any]
    ) -> None:
        self.environment = environment
        self.install = install
        self.app = app


class Run:
    """The state of the run. `folders` are workspace and state; `on_change` is called whenever the status changes."""

    def __init__(
        self,
        loop: Loop,
        log: Channel,
        environments: Environments,
        folders: tuple[str, str],
        on_change: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._log = log
        self._environments = environments
        self._workspace, state = folders
        self._stamp = f"{state}/install.stamp"
        self._on_change = on_change
        self._plan: Plan | None = None
        self._steps: dict[str, Step] = {}
        self._program: Program | None = None
        self._stopping: list[Callable[[], None]] = []
        self._state = "stopped"
        self._code: int | None = None
        self._signal: str | None = None
        self.programs: dict[int, Program] = {}

    @property
    def status(self) -> dict[str, Any]:
        steps = [dict(step.report) for step in self._steps.values()]
        return {"state": self._state, "steps": steps, "code": self._code, "signal": self._signal}

    @property
    def is_active(self) -> bool:
        return self._state in ACTIVE

    def start(self, plan: Plan) -> None:
        """Begin the steps. Does nothing while a run is active."""
        if self.is_active or self._stopping:
            return
        self._plan = plan
        self._steps = {name: Step(name) for name in ("environment", "install", "app")}
        self._code = self._signal = None
        self._state = "starting"
        self._make_environment(plan)

    def stop(self, done: Callable[[], None]) -> None:
        """End the run's processes; `done` when they are gone."""
        if self._program is None:
            if self._state in ("failed", "exited"):
                self._change("stopped")
            done()
            return
        self._stopping.append(done)
        if len(self._stopping) == 1:
            self._program.end(STOP_GRACE, self._stopped, signal.SIGTERM)

    def _stopped(self) -> None:
        self._program = None
        for step in self._steps.values():
            if step.report["state"] == "running":
                step.end("done", self._code)
        self._change("stopped")
        waiting, self._stopping = self._stopping, []
        for done in waiting:
            done()

    # ---- the steps

    def _make_environment(self, plan: Plan) -> None:
        script = self._environments.script()
        if plan.environment is None or script is None or os.path.exists(script):
            self._skip("environment")
            self._install(plan)
            return
        self._execute("environment", [*plan.environment, script], {}, lambda: self._install(plan))

    def _install(self, plan: Plan) -> None:
        wanted = plan.install
        if wanted is None or self._is_installed(wanted):
            self._skip("install")
            self._start_app(plan)
            return

        def installed() -> None:
            try:
                self._write_stamp(wanted)
            except OSError as error:
                # Then it is installed again next time, which is no reason not to run now.
                self._log.append(f"\x1b[31mthe install can't be noted: {error.strerror}\x1b[0m\r\n".encode())
            self._start_app(plan)

        self._state = "installing"
        self._execute("install", wanted["argv"], wanted.get("env") or {}, installed)

    def _start_app(self, plan: Plan) -> None:
        self._state = "running"
        self._execute("app", plan.app["argv"], plan.app.get("env") or {}, None)

    def _skip(self, name: str) -> None:
        self._steps[name].begin()
        self._steps[name].end("skipped")

    def _execute(self, name: str, argv: Sequence[str], env: Mapping[str, str], then: Callable[[], None] | None) -> None:
        step = self._steps[name]
        step.begin()
        variables = self._environments.variables(env)
        self._log.append(f"\x1b[2m$ {_shown(argv)}\x1b[0m\r\n".encode())
        command = Command(sourced(argv, variables), self._workspace, variables)
        try:
            self._program = Program(
                self._loop, command, _Output(self._log), lambda program: self._exited(name, program, then), spares=False
            )
        except SpawnError as error:
            self._fail(step, str(error))
            return
        self.programs[self._program.pid] = self._program
        self._on_change()

    def _exited(self, name: str, program: Program, then: Callable[[], None] | None) -> None:
        self.programs.pop(program.pid, None)
        step = self._steps[name]
        if self._stopping:
            step.end("done", program.code)
            self._code, self._signal = program.code, program.signal
            return
        self._program = None
        if then is None:
            self._code, self._signal = program.code, program.signal
            step.end("done" if program.code == 0 else "failed", program.code)
            self._log.append(f"\x1b[2m{_ending(program)}\x1b[0m\r\n".encode())
            self._change("exited")
        elif program.code == 0:
            step.end("done", 0)
            then()
        else:
            self._fail(step, f"{name} ended with {_ending(program)}; the log says why", program.code)

    def _fail(self, step: Step, detail: str, code: int | None = None) -> None:
        step.end("failed", code, detail)
        self._program = None
        self._code = code
        self._log.append(f"\x1b[31m{detail}\x1b[0m\r\n".encode())
        self._change("failed")

    def _change(self, state: str) -> None:
        self._state = state
        self._on_change()

    # ---- the stamp of the install

    def _is_installed(self, wanted: Mapping[str, Any]) -> bool:
        try:
            with open(self._stamp) as file:
                stamp = file.read().split()
        except OSError:
            return False
        required = wanted.get("requires")
        had_it = len(stamp) == 2 and stamp[1] == "with"
        if had_it and required and not os.path.exists(f"{self._workspace}/{required}"):
            return False
        return stamp[:1] == [fingerprint(self._workspace, wanted["files"])]

    def _write_stamp(self, wanted: Mapping[str, Any]) -> None:
        required = wanted.get("requires")
        has_it = bool(required) and os.path.exists(f"{self._workspace}/{required}")
        with open(self._stamp, "w") as file:
            file.write(f"{fingerprint(self._workspace, wanted['files'])} {'with' if has_it else 'without'}\n")


class _Output(Channel):
    """The log as one of its programs sees it: the program's end is not the log's."""

    def __init__(self, log: Channel) -> None:
        super().__init__()
        self._target = log

    def append(self, data: bytes, *, more: bool = False) -> None:
        self._target.append(data, more=more)

    def finish(self, exit: dict[str, Any]) -> None:
        self.exit = exit


def _shown(argv: Sequence[str]) -> str:
    return argv[2] if list(argv[:2]) == ["sh", "-c"] and len(argv) == 3 else " ".join(argv)


def _ending(program: Program) -> str:
    return f"exit code {program.code}" if program.code is not None else f"signal {program.signal}"
