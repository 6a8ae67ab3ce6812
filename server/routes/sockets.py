"""WebSockets of the IDE: terminals, the log, and the events of a project.

Two tasks serve a terminal: one carries output and ends with the stream, one takes what the browser sends, and never
waits for the program: input is not behind output, nor an ack or a resize behind a big paste. The acks go on to the
supervisor, which sends no more than the window beyond the last one: nothing piles up here for a slow reader. Where the
server offers it, input and output that nothing waits before pass without the tasks.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from server import wire
from server.errors import AppError, BadRequest, Forbidden, LinkLost, TooLarge
from server.models import ProjectId
from server.routes.api import ports_json, status_json, terminals_json
from server.routes.context import services_of
from server.routes.guard import secured_socket
from server.services.logs import Viewed

_LOOKS = (wire.Ack, wire.Redraw)
"""What a socket that only looks may send."""
TERMINAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_INPUT = 256 * 1024
"""Bytes of one input frame: a big paste. More comes in several frames."""
MOST_CONTROL = 4096
"""Characters of one text frame: parsing a long one would hold up everyone's."""
MOST_WAITING = 8 * 1024 * 1024
"""Bytes of input that wait for a program which does not read."""
USAGE_EVERY = 5.0
"""Seconds between reports of memory and processor use to an open IDE."""


def terminal_name(name: str) -> str:
    """The name as it is. Raises BadRequest for what can be none."""
    if not TERMINAL_NAME.fullmatch(name):
        raise BadRequest("a terminal's name has 1 to 64 letters, digits, dots, dashes or underscores")
    return name


async def terminal(websocket: WebSocket) -> None:
    async with answering(websocket):
        name = terminal_name(websocket.path_params["name"])
        size = wire.parse_size(whole_number(websocket, "cols", 80), whole_number(websocket, "rows", 24))
        workspaces, terminals = services_of(websocket).workspaces, services_of(websocket).terminals
        id = ProjectId(websocket.path_params["project"])
        if flag(websocket, "view"):
            stream = await terminals.look_at(id, name, _offset(websocket))
            await _Viewer(websocket, stream, None, view_only=True).serve(None)
            return
        stream = await terminals.open(id, name, _offset(websocket), size)
        if "cols" in websocket.query_params:
            stream.message({"type": "resize", "cols": size[0], "rows": size[1]})
        viewer = _Viewer(websocket, stream, lambda: workspaces.touch(id, "terminal"))
        await viewer.serve(lambda: terminals.end(id, name))


async def logs(websocket: WebSocket) -> None:
    async with answering(websocket):
        logs = services_of(websocket).logs
        stream = await logs.follow(ProjectId(websocket.path_params["project"]), _offset(websocket))
        await _Viewer(websocket, stream, None).serve(None)


class _Direct(Protocol):
    """Where bytes pass at once. See `BoundedSocket`."""

    take: Callable[[bytes], bool] | None

    def put(self, data: bytes) -> bool: ...


class _Viewer:
    """One socket on one stream. `touch` notes a person's input; None where there is none to be had."""

    def __init__(
        self, websocket: WebSocket, stream: Viewed, touch: Callable[[], None] | None, *, view_only: bool = False
    ) -> None:
        self._view_only = view_only
        self._websocket = websocket
        self._stream = stream
        self._touch = touch
        self._sent = stream.offset

    async def serve(self, end: Callable[[], Awaitable[None]] | None) -> None:
        """Carry bytes until either side is done. `end` ends the process."""
        direct: _Direct | None = self._websocket.scope["extensions"].get("direct")
        try:
            await self._websocket.send_text(json.dumps(wire.ready(self._stream.offset)))
            if direct:
                direct.take = self._take_at_once
                self._stream.direct = partial(self._put_at_once, direct)
            await until_either(self._carry_output(), self._carry_input(end))
        finally:
            if direct:
                direct.take = None
            self._stream.close()

    def _put_at_once(self, direct: _Direct, data: bytes) -> bool:
        if not direct.put(data):
            return False
        self._sent += len(data)
        return True

    def _take_at_once(self, data: bytes) -> bool:
        """Take input. False for what `_take` is to refuse, with the reason."""
        if not self._touch or len(data) > MOST_INPUT or self._stream.unsent + len(data) > MOST_WAITING:
            return False
        try:
            self._touch()
            self._stream.feed(data)
        except AppError:
            return False
        return True

    async def _carry_output(self) -> None:
        send = self._websocket.send
        while (item := await self._stream.receive()) is not None:
            if isinstance(item, bytes):
                self._sent += len(item)
                await send({"type": "websocket.send", "bytes": item})
                continue
            if item.get("type") == "gap" and isinstance(item.get("offset"), int):
                self._sent = item["offset"]
            await send({"type": "websocket.send", "text": json.dumps(item)})
            if item.get("type") in ("exit", "error"):
                return
        raise LinkLost("the connection to the container was lost; connect again with the last offset")

    async def _carry_input(self, end: Callable[[], Awaitable[None]] | None) -> None:
        while (frame := await self._websocket.receive())["type"] != "websocket.disconnect":
            await self._take(frame, end)

    async def _take(self, frame: Any, end: Callable[[], Awaitable[None]] | None) -> None:
        data = frame.get("bytes")
        if data is None and len(frame["text"]) > MOST_CONTROL:
            raise TooLarge(f"a text frame is a control message of at most {MOST_CONTROL} characters; input is binary")
        if self._view_only and (data is not None or not isinstance(wire.parse_message(frame["text"]), _LOOKS)):
            raise Forbidden("this socket only looks: it may ask to redraw, but send no input, resize, signal or close")
        if data is not None:
            if len(data) > MOST_INPUT:
                raise TooLarge(f"one frame of input has at most {MOST_INPUT} bytes")
            if self._stream.unsent + len(data) > MOST_WAITING:
                raise TooLarge("the program does not read its input, and too much waits for it already")
            if self._touch:
                self._touch()
                self._stream.feed(data)
            return
        match wire.parse_message(frame["text"]):
            case wire.Ack(offset):
                if offset > self._sent:
                    raise BadRequest(f"an ack beyond what was sent: {offset}, sent up to {self._sent}")
                self._stream.ack(offset)
            case wire.Resize(cols, rows):
                self._stream.message({"type": "resize", "cols": cols, "rows": rows})
            case wire.Redraw():
                self._stream.message({"type": "redraw"})
            case wire.Reply(data):
                self._stream.message({"type": "reply", "data": data})
            case wire.Signal(signal):
                self._stream.message({"type": "signal", "signal": signal})
            case wire.End():
                if end is None:
                    raise BadRequest("the log can't be closed; close the socket instead")
                await end()


async def events(websocket: WebSocket) -> None:
    id = ProjectId(websocket.path_params["project"])
    async with answering(websocket), services_of(websocket).workspaces.subscribe(id) as subscription:
        for kind in ("status", "ports", "terminals", "watch"):
            subscription.put({"type": kind})
        gone = asyncio.create_task(_until_gone(websocket))
        try:
            while not gone.done():
                following = asyncio.create_task(subscription.next())
                await asyncio.wait({following, gone}, timeout=USAGE_EVERY, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                event = following.result() if following.done() else {"type": "status"}
                if not gone.done():
                    await websocket.send_text(json.dumps(await _filled(websocket, id, event)))
        finally:
            gone.cancel()


async def _filled(websocket: WebSocket, id: ProjectId, event: dict[str, Any]) -> dict[str, Any]:
    """The event with what it announces: as it is now, not as it was when it was announced."""
    services = services_of(websocket)
    match event["type"]:
        case "watch":
            watch = services.workspaces.watch(id)
            return {**event, "live": watch.live, "detail": watch.detail}
        case "status":
            return {**event, **await status_json(websocket, await services.workspaces.status(id))}
        case "ports":
            return {**event, "ports": await ports_json(websocket, id, services.workspaces.ports(id))}
        case "terminals":
            return {**event, "terminals": terminals_json(services.workspaces.terminals(id))}
    return event


async def until_either(*ways: Coroutine[Any, Any, None]) -> None:
    """Go all of these ways until one has come to its end, and raise what it raised."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


@asynccontextmanager
async def answering(
    websocket: WebSocket, told: Callable[[AppError], dict[str, Any]] = wire.error
) -> AsyncIterator[None]:
    """Accept, and end the socket in the contract's way: the message `told` of an error and its close code, or 1000."""
    await websocket.accept()
    code = 1000
    try:
        yield
    except WebSocketDisconnect:
        return
    except AppError as problem:
        code = problem.close_code
        await _quietly(websocket.send_text(json.dumps(told(problem))))
    if websocket.client_state is WebSocketState.CONNECTED and websocket.application_state is WebSocketState.CONNECTED:
        await _quietly(websocket.close(code))


async def _quietly(sending: Awaitable[None]) -> None:
    """Send to a peer that may be gone, which is nobody's error."""
    try:
        await sending
    except (WebSocketDisconnect, RuntimeError):
        pass


def flag(connection: HTTPConnection, name: str) -> bool:
    """A value of the query that is 0 or 1, 0 when it is left out. Raises BadRequest."""
    value = connection.query_params.get(name, "0")
    if value not in ("0", "1"):
        raise BadRequest(f"{name} must be 0 or 1")
    return value == "1"


def whole_number(connection: HTTPConnection, name: str, default: int) -> int:
    """A value of the query. Raises BadRequest for what is none."""
    text = connection.query_params.get(name, str(default))
    # Bounded before it is parsed: int() takes long for a number of a million digits.
    if len(text) > 20 or not text.isascii() or not text.isdigit():
        raise BadRequest(f"{name} must be a whole number")
    return int(text)


def _offset(websocket: WebSocket) -> int | None:
    if "offset" not in websocket.query_params:
        return None
    return wire.parse_offset(whole_number(websocket, "offset", 0))


routes: list[BaseRoute] = [
    secured_socket("/api/projects/{project}/terminals/{name}", terminal, action="project.terminal"),
    secured_socket("/api/projects/{project}/logs", logs, action="project.read"),
    secured_socket("/api/projects/{project}/events", events, action="project.read"),
]
