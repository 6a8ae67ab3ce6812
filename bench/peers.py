"""Targets behind a WebSocket: Hutch on either runtime, and terminado in an environment of its own."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from bench.targets import Terminal, resident
from tests.support.server import Server

TERMINADO: Final = """
import sys, tornado.httpserver, tornado.ioloop, tornado.netutil, tornado.web
from terminado import NamedTermManager, TermSocket
manager = NamedTermManager(shell_command=["bash", "-l"], max_terminals=100, term_settings={"cwd": sys.argv[1]})
app = tornado.web.Application([(r"/(\\w+)", TermSocket, {"term_manager": manager})])
sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
tornado.httpserver.HTTPServer(app).add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
tornado.ioloop.IOLoop.current().start()
"""


ACK_EVERY: Final = 64 * 1024
ACK_PAUSE: Final = 0.25
"""Bytes, and seconds, after which the page acknowledges what it has drawn."""


class Socket:
    """A WebSocket of aiohttp: its frames are parsed in C, so that the client costs the servers little."""

    @classmethod
    async def open(cls, url: str, **headers: str) -> Self:
        session = aiohttp.ClientSession()
        try:
            return cls(session, await session.ws_connect(url, headers=headers, max_msg_size=0))
        except BaseException:
            await session.close()
            raise

    def __init__(self, session: aiohttp.ClientSession, response: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = response

    async def receive(self) -> bytes | str:
        """Raises EOFError at its end."""
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
            raise EOFError(message)
        data: bytes | str = message.data
        return data

    async def send(self, data: bytes | str) -> None:
        await (self._socket.send_bytes(data) if isinstance(data, bytes) else self._socket.send_str(data))

    def abort(self) -> None:
        """Cut the connection, as a network that fails would."""
        self._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()


class HutchTerminal:
    """Acknowledges what earlier calls of `receive` have returned as the page does: every 64 KiB, or when it pauses."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.offset = 0
        self._acked = 0
        self._pause: asyncio.Task[None] | None = None

    async def receive(self) -> bytes:
        if self.offset - self._acked >= ACK_EVERY:
            await self._ack(self.offset)
        elif self.offset > self._acked and (self._pause is None or self._pause.done()):
            self._pause = asyncio.create_task(self._ack_later(self.offset))
        while True:
            frame = await self.socket.receive()
            if isinstance(frame, bytes):
                self.offset += len(frame)
                return frame
            message = json.loads(frame)
            if message["type"] in ("ready", "gap"):
                self.offset = self._acked = message["offset"]
            elif message["type"] in ("exit", "error"):
                raise EOFError(frame)

    async def _ack_later(self, offset: int) -> None:
        await asyncio.sleep(ACK_PAUSE)
        if offset > self._acked:
            await self._ack(offset)

    async def _ack(self, offset: int) -> None:
        self._acked = offset
        await self.tell(type="ack", offset=offset)

    async def send(self, data: bytes) -> None:
        await self.socket.send(data)

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def end(self) -> None:
        if self._pause:
            self._pause.cancel()
        await self.tell(type="close")
        await self.socket.close()


class Hutch:
    """A project of a real server."""

    def __init__(self, server: Server, project: str, runtime: str) -> None:
        self.name = f"Hutch on {runtime}"
        self._server = server
        self._project = project

    async def open(self, name: str) -> HutchTerminal:
        return HutchTerminal(await self._socket(f"{name}?cols=80&rows=24"))

    async def resume(self, name: str, offset: int) -> HutchTerminal:
        """A new connection to a terminal that runs, from `offset` on."""
        return HutchTerminal(await self._socket(f"{name}?cols=80&rows=24&offset={offset}"))

    async def _socket(self, path: str) -> Socket:
        url = f"ws://127.0.0.1:{self._server.port}/api/projects/{self._project}/terminals/{path}"
        return await Socket.open(url, Authorization=f"Bearer {self._server.token}")

    def memory(self) -> int | None:
        assert self._server.process
        return resident([self._server.process.pid])


class TerminadoTerminal:
    """Speaks terminado's JSON messages."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        while True:
            kind, *rest = json.loads(await self._socket.receive())
            if kind == "stdout":
                return str(rest[0]).encode()
            if kind == "disconnect":
                raise EOFError

    async def send(self, data: bytes) -> None:
        await self._socket.send(json.dumps(["stdin", data.decode()]))

    async def end(self) -> None:
        await self.send(b"\x03\x04")
        await self._socket.close()


class Terminado:
    """terminado's own server class on Tornado, run by the Python of the environment in `home`."""

    name = "terminado"

    def __init__(self, home: Path, folder: Path) -> None:
        self._command = [str(home / "bin" / "python"), "-c", TERMINADO, str(folder)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    async def open(self, name: str) -> Terminal:
        socket = await Socket.open(f"ws://127.0.0.1:{self._port}/{name}")
        await socket.send(json.dumps(["set_size", 24, 80]))
        return TerminadoTerminal(socket)

    def memory(self) -> int | None:
        return resident([self._process.pid])


def install(home: Path, package: str) -> bool:
    """Put a PyPI package into a throw-away environment; False when there is no package index to get it from."""
    done = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True)
    if done.returncode == 0:
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
        done = subprocess.run(pip, capture_output=True)
    return done.returncode == 0
