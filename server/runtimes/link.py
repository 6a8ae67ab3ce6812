"""The server's end of the link to a project's supervisor: calls, events and streams over one connection.

The other end runs inside the container and is never trusted. Whatever it sends that is no frame, belongs to nothing
that was asked for, or is more than a window allows, ends the link; the server keeps at most the windows in memory and
always goes on reading, so that one slow stream holds up no other.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from server.errors import AppError, Conflict, Invalid, LinkLost, NotFound, TooMany, Unavailable
from server.runtimes.direct import Direct
from server.runtimes.stream import Stream
from server.supervisor.protocol import MAX_PAYLOAD, VERSION, Decoder, Kind, ProtocolError, message, parse_json

__all__ = ["Direct", "Link", "Stream"]

logger = logging.getLogger(__name__)

CALL_TIMEOUT: Final = 30.0
"""Seconds for a reply. The longest call ends a process group within 5 s, in a container that may be short of CPU."""
HELLO_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 1.0
WRITE_BUFFER: Final = 256 * 1024
"""Bytes that wait for the other end to read before senders wait too."""
FREE_FRAMES: Final = 1000
FREE_BYTES: Final = 8 * 1024 * 1024
"""Frames and bytes a second that no window pays for: events, and what comes late."""
HELD_EVENTS: Final = 16

_ERRORS: Final[dict[str, type[AppError]]] = {
    "not-found": NotFound,
    "exists": Conflict,
    "refused": Conflict,
    "invalid": Invalid,
    "failed": Unavailable,
    "limit": TooMany,
}


class Link(asyncio.Protocol):
    """One connection to the supervisor of one project. Made by `over_socket` and `over_pipe` in `roads`.

    `hello` is the supervisor's first report and `boot` tells one life of it from the next; `direct` is the way past it,
    where there is one. When the connection breaks,
    everything that waits on it raises LinkLost.
    """

    def __init__(self, project: str) -> None:
        self.hello: dict[str, Any] = {}
        self.boot = ""
        self.direct: Direct | None = None
        self._project = project
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._decoder = Decoder()
        self._call_ids = itertools.count(1)
        self._calls: dict[int, tuple[asyncio.Future[dict[str, Any]], Stream | None]] = {}
        self._streams: dict[int, Stream] = {}
        self._last_stream = 0
        self._stale_bytes = 0
        self._free_since = 0.0
        self._free_frames = 0
        self._free_bytes = 0
        self._on_event: Callable[[dict[str, Any]], None] | None = None
        self._held_events: dict[object, dict[str, Any]] = {}
        self._heard = 0
        self._reason = "the connection to the container was lost"
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.may_write = asyncio.Event()
        self.may_write.set()

    # ---- what services use

    @property
    def on_event(self) -> Callable[[dict[str, Any]], None] | None:
        """Called with each event. The last event of each kind that came before it was set is handed over then."""
        return self._on_event

    @on_event.setter
    def on_event(self, callback: Callable[[dict[str, Any]], None] | None) -> None:
        self._on_event = callback
        if callback:
            for event in self._held_events.values():
                self._loop.call_soon(callback, event)
            self._held_events.clear()

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Have the supervisor do `method`, within 30 s. Cancelling does not undo it.

        Raises the AppError that the supervisor's error code stands for, Unavailable when no reply came, LinkLost.
        """
        return await self._call(method, params, CALL_TIMEOUT)

    async def attach(self, name: str, offset: int | None, *, view_only: bool = False) -> Stream:
        """A viewer of the channel `name` from `offset` on, the oldest byte that is kept for None; the caller closes it.

        One that is `view_only` may send nothing but acks. Raises NotFound when there is no such channel.
        """
        stream = Stream(self, self._next_stream())
        return await self._open(stream, "attach", name=name, offset=offset, viewOnly=view_only)

    async def connect(self, port: int) -> Stream:
        """A TCP connection to `port` in the container; the caller closes it. Raises Conflict when nothing accepts."""
        return await self._open(Stream(self, self._next_stream(), relay=True), "connect", port=port)

    async def execute(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        sourced: bool = False,
        merged: bool = False,
    ) -> Stream:
        """A program on pipes in a process group of its own, which ends with the stream; the caller closes it.

        It works in the project's folder unless `cwd` says otherwise, in the project's environment when `sourced`. With
        `merged`, what it says of errors comes with its output; otherwise the last of it with the exit message. Raises
        Unavailable when it can't be started, TooMany.
        """
        stream = Stream(self, self._next_stream(), program=True)
        params = {"cwd": cwd, "env": dict(env or {}), "sourced": sourced, "merged": merged}
        return await self._open(stream, "execute", argv=list(argv), **params)

    async def wait_closed(self) -> None:
        """Return once the link is gone, whichever end was the cause. Safe to cancel."""
        await asyncio.shield(self._closed)

    async def close(self) -> None:
        """Close the connection; the processes in the container live on. Safe to call twice."""
        self._reason = "the connection to the container was closed"
        if self._transport and not self._closed.done():
            self._transport.close()
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self.wait_closed()
            except TimeoutError:
                self._transport.abort()

    # ---- calls

    async def greet(self) -> None:
        """The first call on a new connection. Raises Unavailable when no supervisor of this version is there."""
        hello = await self._call("hello", {"version": VERSION}, HELLO_TIMEOUT)
        if hello.get("version") != VERSION:
            self._break(f"the supervisor speaks version {hello.get('version')!r:.20}, expected {VERSION}")
            raise Unavailable("the container runs another version of the supervisor: stop it, then run again")
        boot = hello.get("boot")
        self.hello, self.boot = hello, boot if isinstance(boot, str) else ""

    async def _call(
        self, method: str, params: dict[str, Any], seconds: float, *, stream: Stream | None = None
    ) -> dict[str, Any]:
        call_id = next(self._call_ids)
        frame = message(Kind.CONTROL, 0, {"id": call_id, "method": method, "params": params})
        if len(frame) > MAX_PAYLOAD:
            raise Invalid(f"what {method} is asked to do is too long: {len(frame)} bytes, at most {MAX_PAYLOAD}")
        self.write(frame)
        reply: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._calls[call_id] = (reply, stream)
        heard = self._heard
        try:
            async with asyncio.timeout(seconds):
                return await reply
        except TimeoutError:
            if self._heard == heard:
                # Not a word in all that time: the connection is dead, and nobody else will notice.
                self._break(f"nothing came within {seconds:g} s")
            raise Unavailable(f"the container did not answer within {seconds:g} s; try again in a moment") from None
        finally:
            self._calls.pop(call_id, None)

    async def _open(self, stream: Stream, method: str, **params: Any) -> Stream:
        self._streams[stream.id] = stream
        try:
            await self._call(method, {"stream": stream.id, **params}, CALL_TIMEOUT, stream=stream)
        except BaseException:
            stream.close()
            raise
        return stream

    def _next_stream(self) -> int:
        self._last_stream += 1
        return self._last_stream

    # ---- what streams use

    def write(self, frame: bytes) -> None:
        """Send a frame. Raises LinkLost."""
        if self._transport is None or self._closed.done():
            raise self.lost()
        self._transport.write(frame)

    def lost(self) -> LinkLost:
        return LinkLost(f"{self._reason}; it is made again while the container runs")

    def forget(self, stream: Stream, unread: int) -> None:
        """Take no more for `stream`. Up to `unread` bytes for it may still be on their way."""
        if self._streams.pop(stream.id, None):
            self._stale_bytes += unread

    def charge(self, size: int) -> None:
        """Count a frame that nobody asked for. Raises ProtocolError when there are too many in one second."""
        now = self._loop.time()
        if now - self._free_since >= 1:
            self._free_since, self._free_frames, self._free_bytes = now, 0, 0
        self._free_frames += 1
        self._free_bytes += size
        if self._free_frames > FREE_FRAMES or self._free_bytes > FREE_BYTES:
            raise ProtocolError("too many frames that nobody asked for")

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def data_received(self, data: bytes) -> None:
        self._heard += 1
        try:
            for kind, stream, payload in self._decoder.feed(data):
                self._take(kind, stream, payload)
        except ProtocolError as error:
            self._break(str(error))

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()
        for stream in tuple(self._streams.values()):
            stream.flush()

    def connection_lost(self, error: Exception | None) -> None:
        if self._closed.done():
            return
        self._closed.set_result(None)
        self.may_write.set()
        for reply, _ in self._calls.values():
            if not reply.done():
                reply.set_exception(self.lost())
        for stream in tuple(self._streams.values()):
            stream.lose()
        self._streams.clear()

    # ---- frames from the container

    def _take(self, kind: Kind, stream_id: int, payload: bytes) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.take(kind, payload)
        elif kind is Kind.CONTROL and stream_id == 0:
            self._take_control(parse_json(payload), len(payload))
        elif 0 < stream_id <= self._last_stream:
            self._take_stale(kind, len(payload))
        else:
            raise ProtocolError(f"a frame of kind {kind} for stream {stream_id}, which was never opened")

    def _take_control(self, value: dict[str, Any], size: int) -> None:
        call_id = value.get("id")
        reply, stream = self._calls.get(call_id, (None, None)) if isinstance(call_id, int) else (None, None)
        if reply is None or reply.done():
            self.charge(size)
            if call_id is None:
                self._take_event(value)
        elif "error" in value:
            reply.set_exception(_error(value["error"]))
        elif isinstance(result := value.get("result"), dict):
            if stream:
                # Now, not when the caller wakes: the stream's first frames may follow in this very chunk.
                stream.begin(result)
            reply.set_result(result)
        else:
            raise ProtocolError("a reply without result and error")

    def _take_event(self, event: dict[str, Any]) -> None:
        if self._on_event:
            self._loop.call_soon(self._on_event, event)
        elif isinstance(kind := event.get("event"), str) and len(self._held_events) < HELD_EVENTS:
            self._held_events[kind] = event

    def _take_stale(self, kind: Kind, size: int) -> None:
        """A frame that crossed our CLOSE. Its bytes were within the window when they were sent."""
        if kind is not Kind.DATA or not size:
            self.charge(size)
            return
        self._stale_bytes -= size
        if self._stale_bytes < 0:
            raise ProtocolError("more for a closed stream than its window")

    def _break(self, reason: str) -> None:
        logger.warning("link to project %s closed: %s", self._project, reason)
        if self._transport:
            self._transport.abort()


def _error(value: object) -> AppError:
    if not isinstance(value, dict) or not isinstance(value.get("detail"), str):
        return Unavailable("the container reported an error without saying which")
    return _ERRORS.get(str(value.get("code")), Unavailable)(value["detail"][:500])
