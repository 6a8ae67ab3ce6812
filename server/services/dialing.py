"""Connections to ports of projects: straight to the container where that is sure to be it, or else by its supervisor.

An app that listens on loopback only is reached from inside alone, which is what the supervisor's relay is for. One that
listens on all addresses is reached without it, where the runtime knows the container's address.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from server.errors import AppError, BadGateway
from server.models import ProjectId
from server.runtimes.link import Direct

WRITE_AHEAD: Final = 128 * 1024
"""Bytes that wait for the app to read before its sender waits too."""
LINGER: Final = 1.0
"""Seconds that an app gets to end a connection in order before it is cut."""

P = TypeVar("P", bound=asyncio.Protocol)


class NotListening(BadGateway):
    """Nothing accepts connections on the port."""

    title = "Nothing listens there"


class Relay(Protocol):
    """A TCP connection to a port in a container: `server.runtimes.stream.Stream`, as far as it is used here."""

    async def receive(self) -> bytes | dict[str, Any] | None: ...

    async def send(self, data: bytes) -> None: ...

    async def send_eof(self) -> None: ...

    def close(self) -> None: ...


class Ways(Protocol):
    """The ways to what runs."""

    def direct(self, id: ProjectId, port: int) -> Direct | None: ...

    async def connect(self, id: ProjectId, port: int) -> Relay: ...


class RelayTransport(asyncio.Transport):
    """A relayed stream as asyncio knows transports. `close` lets what was written arrive; `abort` does not."""

    def __init__(self, relay: Relay, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._relay = relay
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._outgoing = bytearray()
        self._sending = 0
        self._writing_paused = False
        self._closing = False
        self._lost = False
        self._wake_writer = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._linger: asyncio.TimerHandle | None = None
        self.tasks = (self._loop.create_task(self._read()), self._loop.create_task(self._write()))

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._may_read.is_set()

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._outgoing += data
        self._wake_writer.set()
        if not self._writing_paused and len(self._outgoing) + self._sending > WRITE_AHEAD:
            self._writing_paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._outgoing) + self._sending

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        # What still comes is thrown away, so that the app is not stuck with it and sees the end.
        self._may_read.set()
        self._wake_writer.set()
        self._linger = self._loop.call_later(LINGER, self.abort)
        self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = True
        if self._linger:
            self._linger.cancel()
        self._relay.close()
        for task in self.tasks:
            task.cancel()
        self._loop.call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(error)

    def _break(self, error: Exception) -> None:
        self._lose(error)
        self.abort()

    async def _read(self) -> None:
        try:
            while await self._may_read.wait():
                item = await self._relay.receive()
                if item is None:
                    break
                if isinstance(item, dict):
                    raise ConnectionResetError("the app cut the connection")
                if not self._closing:
                    self._protocol.data_received(item)
        except (AppError, OSError) as error:
            self._break(ConnectionResetError(str(error)))
            return
        if not self._closing:
            self._protocol.eof_received()
            self.close()

    async def _write(self) -> None:
        try:
            while await self._wake_writer.wait():
                self._wake_writer.clear()
                await self._send_waiting()
                if self._closing:
                    await self._relay.send_eof()
                    break
        except (AppError, OSError) as error:
            self._break(ConnectionResetError(str(error)))
            return
        await asyncio.gather(self.tasks[0], return_exceptions=True)
        self.abort()

    async def _send_waiting(self) -> None:
        while self._outgoing:
            data, self._outgoing = bytes(self._outgoing), bytearray()
            self._sending = len(data)
            await self._relay.send(data)
            self._sending = 0
            if self._writing_paused and not self._closing:
                self._writing_paused = False
                self._protocol.resume_writing()


class Dialer:
    """Opens connections. `close` before the loop ends."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._relayed: set[RelayTransport] = set()

    def direct(self, project: ProjectId, port: int) -> Direct | None:
        """The way past the supervisor, if there is one now. Connections made by another one are not to be used.

        Raises Conflict when the project does not run.
        """
        return self._ways.direct(project, port)

    async def open(self, project: ProjectId, port: int, make: Callable[[], P]) -> tuple[P, Direct | None]:
        """A protocol on a new connection, and the way that it took, None for the relay.

        Raises NotListening, Conflict when the project does not run, Unavailable.
        """
        if direct := self.direct(project, port):
            protocol = make()
            with suppress(OSError):
                transport = await direct.open(port, protocol)
                if not transport.is_closing():
                    transport.set_write_buffer_limits(WRITE_AHEAD)
                return protocol, direct
        try:
            relay = await self._ways.connect(project, port)
        except BadGateway as error:
            raise NotListening(error.detail, port=port) from error
        protocol = make()
        transport = RelayTransport(relay, protocol)
        self._relayed.add(transport)
        transport.tasks[1].add_done_callback(lambda _: self._relayed.discard(transport))
        protocol.connection_made(transport)
        return protocol, None

    async def close(self) -> None:
        """Cut what is relayed, and wait for it."""
        transports = tuple(self._relayed)
        for transport in transports:
            transport.abort()
        await asyncio.gather(*(task for transport in transports for task in transport.tasks), return_exceptions=True)
