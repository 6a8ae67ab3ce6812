"""Serves the links: what a server asks for is done here, and what happens is told to every server."""

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from . import calls
from .calls import CallError
from .channel import Channel, Viewer
from .duplex import Duplex
from .ending import Ending
from .environment import Environments, sourced
from .link import SEND_BUFFER, Link
from .listener import MOST_LINKS, listen, received
from .logfile import LogFile
from .loop import Loop
from .piped import Piped
from .ports import PortWatch
from .process import Program, reap
from .procfs import descendants
from .protocol import VERSION, Kind, message, parse_json
from .recording import MOST as MOST_RECORDINGS, Recording, Recordings, TooManyRecordings
from .relay import Connecting, Relay
from .run import Plan, Run
from .spawn import Command, SpawnError, adopt_orphans
from .terminals import MOST_TITLE, MOST_TOLD, SIZINGS, Terminal
from .usage import usage
from .watch import Watcher

MOST_TERMINALS: Final = 200
MOST_ENDED: Final = 20
"""Terminals that have ended and that nobody looks at: each may hold a full ring, and one more place of those above."""
MOST_PIPED: Final = 64
MOST_STREAMS: Final = 1000
LOG: Final = "log"
NO_INPUT: Final = "this viewer only looks: it may send no input, size or signal"
TELL_EVERY: Final = 0.1
"""Seconds between reports of the terminals at least: each names all of them, to every link."""
END_GRACE: Final = 5.0
LAST_GRACE: Final = 4.0
"""Seconds for everything to end when the supervisor is told to: the engine kills after a little more."""
LAST_TERM: Final = 0.5
"""Seconds between SIGTERM and SIGKILL for what is left then, however late it is."""


class Reply:
    """Answers one call, now or later; nothing is sent on a link that is gone."""

    def __init__(self, link: Link, number: object) -> None:
        self._link = link
        self._number = number

    def __call__(self, result: dict[str, Any]) -> None:
        self._send({"result": result})

    def fail(self, code: str, detail: str) -> None:
        self._send({"error": {"code": code, "detail": detail}})

    def _send(self, answer: dict[str, Any]) -> None:
        if not self._link.closed:
            self._link.send(message(Kind.CONTROL, 0, {"id": self._number, **answer}))


class Supervisor:
    """The programs of one project, and the links to it."""

    def __init__(self, loop: Loop, state: str, workspace: str, environments: str | None) -> None:
        self._loop = loop
        self._state = state
        self._workspace = workspace
        self._environments = Environments(workspace, environments)
        self._log = Channel(LogFile(f"{state}/log"))
        self._run = Run(loop, self._log, self._environments, (workspace, state), self._run_changed)
        self._recordings = Recordings(f"{state}/recordings")
        self._terminals: dict[str, Terminal] = {}
        self._watcher = Watcher(loop, workspace, self._tree_changed, self._watch_changed)
        self._programs: dict[int, Program] = {}
        self._piped: dict[int, Piped] = {}
        self._links: set[Link] = set()
        self._ports = PortWatch(loop, self._ports_changed, lambda: bool(self._programs or self._run.programs))
        self._ending = False
        self._terminals_told = True
        self._told_at = 0.0
        self._boot = os.urandom(8).hex()
        self._methods: dict[str, Callable[[Link, dict[str, Any], Reply], None]] = {
            "hello": self._hello,
            "spawn": self._spawn,
            "attach": self._attach,
            "end": self._end,
            "record": self._record,
            "stop-recording": self._stop_recording,
            "change": self._change,
            "list": lambda link, params, reply: reply({"terminals": self._listed()}),
            "run": self._start_run,
            "stop": lambda link, params, reply: self._run.stop(lambda: reply(self._run.status)),
            "connect": self._connect,
            "execute": self._execute,
            "usage": lambda link, params, reply: reply(usage()),
            "shutdown": lambda link, params, reply: self.shut_down(),
        }

    def serve(self) -> None:
        """Listen, and serve until told to end. Raises Taken when another supervisor does so already."""
        self._listener = listen(self._state)
        adopt_orphans()
        self._loop.watch_read(self._listener.fileno(), self._accept, rank=0)
        self._loop.on_signals([signal.SIGCHLD, signal.SIGTERM, signal.SIGINT], self._signalled)
        self._watcher.start()
        self._loop.run()

    def shut_down(self) -> None:
        """End every program, then what they left behind, `nohup` or not, then the loop."""
        if self._ending:
            return
        self._ending = True
        self._loop.unwatch(self._listener.fileno())
        self._listener.close()
        began = time.monotonic()
        shells = [terminal.program for terminal in self._terminals.values() if not terminal.program.ended]
        programs: list[Program | Piped] = [*shells, *self._piped.values()]
        waiting = len(programs) + 1

        def done() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                rest = max(LAST_TERM, began + LAST_GRACE - time.monotonic())
                rungs = (0.0, signal.SIGTERM), (rest, signal.SIGKILL)
                Ending(self._loop, _left_behind, rungs).then(self._loop.stop)

        for program in programs:
            program.end(LAST_GRACE, done)
        self._run.stop(done)
        self._loop.call_later(LAST_GRACE + LAST_TERM, self._loop.stop)

    def _signalled(self, number: int) -> None:
        if number == signal.SIGCHLD:
            reap(lambda pid: self._programs.get(pid) or self._piped.get(pid) or self._run.programs.get(pid))
        else:
            self.shut_down()

    # ---- links

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._links) >= MOST_LINKS:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        # The first bytes tell a link from an `attach`, which sends its descriptors along.
        self._loop.watch_read(connection.fileno(), lambda: self._begin(connection), rank=0)

    def _begin(self, connection: socket.socket) -> None:
        self._loop.unwatch(connection.fileno())
        try:
            descriptors = received(connection)
        except OSError:
            connection.close()
            return
        if len(descriptors) == 2:
            # Only looked at so far: the byte that carried them is taken, a second copy of them is not.
            connection.recv(1)
            link = Link(self._loop, descriptors[0], descriptors[1], self)
            # `attach` waits for this socket to end; when it ends itself, so does the link.
            link.companion = connection
            self._loop.watch_read(connection.fileno(), link.close)
        else:
            for fd in descriptors:
                os.close(fd)
            fd = connection.detach()
            link = Link(self._loop, fd, fd, self)
        self._links.add(link)

    def on_close(self, link: Link) -> None:
        self._links.discard(link)
        if link.companion:
            self._loop.unwatch(link.companion.fileno())
            link.companion.close()

    def on_call(self, link: Link, call: dict[str, Any]) -> None:
        name, params = call.get("method"), call.get("params", {})
        reply = Reply(link, call.get("id"))
        try:
            method = self._methods.get(name) if isinstance(name, str) else None
            if method is None:
                raise CallError("invalid", f"there is no method {name!r:.80}")
            if not isinstance(params, dict):
                raise CallError("invalid", "params must be an object")
            method(link, params, reply)
        except CallError as error:
            reply.fail(error.code, str(error))

    def on_frame(self, link: Link, stream: Any, kind: Kind, payload: bytes) -> str | None:
        """What a server sends on a stream: input, a message about it, or its end. Returns what is wrong with it."""
        problem = None
        if isinstance(stream, Connecting):
            # Before it is open, all that can be said of it is that it is no longer wanted.
            link.drop(stream.id)
            stream.close()
        elif kind is Kind.CLOSE:
            if isinstance(stream, Duplex):
                stream.finish()
            else:
                link.drop(stream.id)
                stream.close()
        elif kind is Kind.MESSAGE:
            problem = self._told(link, stream, parse_json(payload))
        elif isinstance(stream, Duplex):
            problem = stream.take(payload)
        elif stream.view_only:
            problem = NO_INPUT
        elif terminal := self._terminal_of(stream):
            terminal.typed(stream)
            program = terminal.program
            stream.taken += len(payload)
            taken = stream.taken
            if not program.write(payload, lambda: link.consumed(stream.id, taken, len(payload))):
                problem = None if program.ended else "the program does not read its input, and too much waits already"
        return problem

    def _told(self, link: Link, stream: Any, value: dict[str, Any]) -> str | None:
        kind = value.get("type")
        if isinstance(stream, Duplex):
            if kind == "reset":
                link.drop(stream.id)
                stream.abort()
            return None
        terminal = self._terminal_of(stream)
        if terminal and kind == "redraw":
            terminal.redraw()
            return None
        if stream.view_only:
            return NO_INPUT
        try:
            if kind == "reply" and terminal:
                terminal.reply(stream, calls.reply(value))
            elif kind == "resize" and terminal:
                terminal.resize(stream, *calls.size(value))
            elif kind == "signal" and terminal:
                terminal.program.send_signal(calls.signal_named(value))
        except CallError as error:
            return str(error)
        return None

    def _terminal_of(self, viewer: Viewer) -> Terminal | None:
        return next((t for t in self._terminals.values() if t.program.channel is viewer.channel), None)

    def _tell(self, event: dict[str, Any]) -> None:
        whole = message(Kind.CONTROL, 0, event)
        for link in self._links:
            link.send(whole)

    # ---- calls

    def _hello(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        if params.get("version") != VERSION:
            raise CallError("invalid", f"this supervisor speaks version {VERSION}")
        reply(
            {
                "version": VERSION,
                "boot": self._boot,
                "pid": os.getpid(),
                "run": self._run.status,
                "terminals": self._listed(),
                "ports": self._ports.told,
                "watch": self._watched(),
            }
        )

    def _spawn(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        name = calls.text(params, "name")
        known = self._terminals.get(name)
        if name == LOG or (known and not known.program.ended):
            raise CallError("exists", f"{name} runs already")
        self._must_not_end()
        if len(self._terminals) >= MOST_TERMINALS and not known:
            raise CallError("limit", f"a project has at most {MOST_TERMINALS} terminals; close one first")
        cols, rows = calls.size(params)
        variables = self._environments.variables(calls.variables(params))
        cwd = calls.path(params, "cwd") or self._workspace
        command = Command(calls.arguments(params), cwd, variables, cols, rows)
        channel = Channel()
        try:
            program = Program(self._loop, command, channel, self._ended)
        except SpawnError as error:
            raise CallError("failed", str(error)) from error
        channel.on_room = program.made_room
        if known:
            known.begin(program)
        terminal = self._terminals[name] = known or Terminal(self._loop, program, self._terminals_changed)
        self._programs[program.pid] = program
        self._ports.look_soon()
        self._terminals_changed()
        reply(terminal.described(name))

    def _attach(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        number = self._new_stream(link, params)
        name = calls.text(params, "name")
        channel = self._log if name == LOG else self._named(name).program.channel
        offset = channel.start
        if params.get("offset") is not None:
            offset = min(max(calls.whole(params, "offset", 0, 2**63), channel.start), channel.ring.end)
        viewer = Viewer(link, number, channel, offset, view_only=calls.flag(params, "viewOnly"))
        link.streams[number] = viewer
        reply({"offset": offset, "ended": channel.exit is not None})
        channel.attach(viewer)

    def _end(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        """End a terminal, and with `forget` its name too, whether or not the link lives to see it."""
        name, forget = calls.text(params, "name"), calls.flag(params, "forget")
        terminal = self._named(name)
        program = terminal.program
        grace = params.get("grace", END_GRACE)
        if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not 0 <= grace <= 60:
            raise CallError("invalid", "grace must be a number of seconds from 0 to 60")

        def ended() -> None:
            # Not one that was started under the name meanwhile.
            if forget and self._terminals.get(name) is terminal and terminal.program is program:
                del self._terminals[name]
                self._terminals_changed()
            reply({"code": program.code, "signal": program.signal})

        program.end(grace, ended)

    def _record(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        name, title = calls.text(params, "name"), calls.text(params, "title", MOST_TITLE)
        terminal = self._named(name)
        program = terminal.program
        if program.ended:
            raise CallError("not-found", f"terminal {name} has ended")
        channel = program.channel
        if channel.recording:
            raise CallError("exists", f"{title} is being recorded already")

        def ended(recording: Recording, problem: str | None) -> None:
            channel.recording = None
            self._terminals_changed()
            if problem:
                self._tell({"event": "recording-failed", "terminal": name, "detail": problem})

        cols, rows = terminal.size
        header = {"width": cols, "height": rows, "title": title, "env": calls.variables(params)}
        try:
            channel.recording = self._recordings.start(header, ended)
        except TooManyRecordings:
            raise CallError("limit", f"{MOST_RECORDINGS} terminals are being recorded; stop one first") from None
        except OSError as error:
            raise CallError("failed", f"the recording can't be written: {error.strerror}") from error
        # Or it would begin with an empty screen, though there is one already.
        terminal.redraw()
        self._terminals_changed()
        reply(terminal.described(name))

    def _stop_recording(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        name = calls.text(params, "name")
        recording = self._named(name).program.channel.recording
        if recording is None:
            raise CallError("not-found", f"{name} is not being recorded")
        recording.end("it was stopped")
        reply({})

    def _change(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        name = calls.text(params, "name")
        terminal = self._named(name)
        # All of it is judged before any of it is done.
        sizing = calls.one_of(params, "sizing", SIZINGS) if "sizing" in params else terminal.sizing
        if "title" in params:
            terminal.title = None if params["title"] is None else calls.text(params, "title", MOST_TITLE)
        terminal.sizing = sizing
        self._terminals_changed()
        reply(terminal.described(name))

    def _named(self, name: str) -> Terminal:
        if terminal := self._terminals.get(name):
            return terminal
        raise CallError("not-found", f"there is no terminal {name}")

    def _must_not_end(self) -> None:
        if self._ending:
            raise CallError("failed", "the project is just being stopped: run it again")

    def _start_run(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        self._must_not_end()
        app, install = calls.part(params, "app"), calls.part(params, "install")
        if app is None:
            raise CallError("invalid", "app must be an object")
        for step in (app, install):
            if step:
                calls.arguments(step)
                calls.variables(step)
        if install:
            calls.arguments(install, "files")
            calls.path(install, "requires")
        environment = calls.arguments(params, "environment") if params.get("environment") is not None else None
        self._run.start(Plan(environment, install, app))
        self._ports.look_soon()
        reply(self._run.status)

    def _connect(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        number = self._new_stream(link, params)
        port = calls.whole(params, "port", 1, 65535)
        if not self._ports.has(port):
            raise CallError("refused", f"no program of the project listens on port {port}")

        def connected(connection: socket.socket | None, why: str) -> None:
            link.drop(number)
            if connection is None:
                reply.fail("refused", why)
            else:
                link.streams[number] = Relay(self._loop, link, number, connection)
                reply({})

        # There from the start, so that a stream that is closed meanwhile is not opened after all.
        link.streams[number] = connecting = Connecting(self._loop, number, port, connected)
        connecting.start()

    def _execute(self, link: Link, params: dict[str, Any], reply: Reply) -> None:
        self._must_not_end()
        number = self._new_stream(link, params)
        if len(self._piped) >= MOST_PIPED:
            raise CallError(
                "limit", f"at most {MOST_PIPED} programs of the project work for its pages at the same time"
            )
        variables = self._environments.variables(calls.variables(params))
        argv = calls.arguments(params)
        if params.get("sourced") is True:
            argv = sourced(argv, variables)
        command = Command(argv, calls.path(params, "cwd") or self._workspace, variables)
        merged = params.get("merged") is True
        try:
            piped = Piped(self._loop, link, number, command, lambda ended: self._forget_piped(ended.pid), merged=merged)
        except SpawnError as error:
            raise CallError("failed", str(error)) from error
        self._piped[piped.pid] = piped
        link.streams[number] = piped
        reply({"pid": piped.pid})

    def _forget_piped(self, pid: int) -> None:
        self._piped.pop(pid, None)

    def _new_stream(self, link: Link, params: dict[str, Any]) -> int:
        number = calls.whole(params, "stream", 1, 2**32 - 1)
        if number in link.streams:
            raise CallError("exists", f"stream {number} is open already")
        if len(link.streams) >= MOST_STREAMS:
            raise CallError("limit", f"a link carries at most {MOST_STREAMS} streams")
        return number

    # ---- what happens

    def _ended(self, program: Program) -> None:
        self._programs.pop(program.pid, None)
        ended = [(terminal.program, name) for name, terminal in self._terminals.items() if terminal.program.ended]
        unseen = sorted((old.ended_at, name) for old, name in ended if not old.channel.viewers)
        for _, name in unseen[:-MOST_ENDED]:
            del self._terminals[name]
        self._terminals_changed()

    def _listed(self) -> list[dict[str, Any]]:
        listed, left = [], MOST_TOLD
        for name, terminal in self._terminals.items():
            listed.append(terminal.described(name, left))
            left -= len(listed[-1]["attached"])
        return listed

    def _terminals_changed(self) -> None:
        if self._terminals_told:
            self._terminals_told = False
            self._loop.call_later(self._told_at + TELL_EVERY - time.monotonic(), self._tell_terminals)

    def _tell_terminals(self) -> None:
        self._terminals_told = True
        self._told_at = time.monotonic()
        self._tell({"event": "terminals", "terminals": self._listed()})

    def _run_changed(self) -> None:
        self._ports.look_soon()
        self._tell({"event": "run", "run": self._run.status})

    def _tree_changed(self, paths: list[str]) -> None:
        self._tell({"event": "tree", "paths": paths})

    def _watched(self) -> dict[str, Any]:
        return {"live": self._watcher.live, "detail": self._watcher.detail}

    def _watch_changed(self) -> None:
        self._tell({"event": "watch", "watch": self._watched()})

    def _ports_changed(self, ports: list[dict[str, Any]]) -> None:
        self._tell({"event": "ports", "ports": ports})


def _left_behind() -> list[int]:
    return [process.pid for process in descendants(os.getpid()) if process.state not in "ZX"]
