"""A program's terminal: speaks the contract's messages and keeps the offset, as the browser does."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.support.server import Server


class Terminal:
    """One socket on one terminal or log. `offset` is that of the next byte. It `acks` what is read."""

    def __init__(self, server: Server, project: str, path: str = "terminals/main?cols=80&rows=24") -> None:
        self._address = server, f"{project}/{path}"
        self.offset = 0
        self.output = b""
        self.acks = True
        self.messages: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        server, path = self._address
        self.socket: ClientConnection = await server.socket(path)
        await self.read_message("ready", "error")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def type(self, text: str) -> None:
        await self.socket.send(text.encode())

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def read_frame(self) -> None:
        """Take one frame: output is kept and acknowledged, messages are kept."""
        frame = await self.socket.recv()
        if isinstance(frame, bytes):
            self.output += frame
            self.offset += len(frame)
            # What came before a close is read, though it can't be acknowledged any more.
            with suppress(ConnectionClosed):
                if self.acks:
                    await self.tell(type="ack", offset=self.offset)
            return
        message = json.loads(frame)
        self.messages.append(message)
        if message["type"] in ("ready", "gap"):
            self.offset = message["offset"]

    async def read_until(self, wanted: str, seconds: float = 20) -> str:
        """Everything up to now, once it has `wanted`."""
        async with asyncio.timeout(seconds):
            while wanted.encode() not in self.output:
                await self.read_frame()
        return self.output.decode(errors="replace")

    async def read_message(self, *kinds: str, seconds: float = 20) -> dict[str, Any]:
        """The first message of one of these types."""
        async with asyncio.timeout(seconds):
            while not (found := [message for message in self.messages if message["type"] in kinds]):
                await self.read_frame()
        return found[0]
