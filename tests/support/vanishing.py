"""The ways in which a terminal's viewer goes away, and what must be gone then."""

import asyncio
import itertools
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
from websockets.asyncio.client import connect

from tests.support.counts import Counts, count, settled
from tests.support.resuming import reset
from tests.support.server import Server
from tests.support.severing import cut, wire_to
from tests.support.terminal import Terminal

AT_ONCE = 8
"""Terminals at the same time, each with a few processes: a container has a hundred."""
NOTICED_WITHIN = 120.0
"""Seconds for the server to let go of a viewer: a peer that is silent is found by two pings."""
_CLIENT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(sys.stdin.buffer.read())
print(connection.recv(12).decode(), flush=True)
while connection.recv(65536):
    pass
"""
Way = Callable[[str, Terminal], Awaitable[None]]


class Vanishing:
    """Opens terminals, vanishes from them, sees that the server noticed, and ends them from another connection."""

    def __init__(self, server: Server, project: str) -> None:
        self._server = server
        self._project = project
        self._names = (f"t{n}" for n in itertools.count())
        self.done: Counter[str] = Counter()
        self._ways: dict[str, Way] = {
            "tab closed": _close_tab,
            "end of file": _end_of_file,
            "reset": _reset,
            "reset in the middle of a frame": _reset_in_a_frame,
            "reset under a flood": _reset_under_a_flood,
            "client killed": self._kill_client,
            "handshake broken off": self._break_off_handshake,
            "half-open": self._go_silent,
            "shell exited": _exit,
            "shell killed": _kill_shell,
            "closed by a message": _close,
        }
        self._for_all: dict[str, Callable[[], Awaitable[None]]] = {
            "link cut": self._cut_link,
            "server killed": self._kill_server,
        }

    async def run(self, times: int) -> tuple[Counts, Counts]:
        """Each way `times` times; the counts before and after. Raises AssertionError when more is left."""
        # What is made at the first use and kept is no leak.
        await self._several("tab closed", self._ways["tab closed"], 2)
        await asyncio.sleep(0.5)
        before = await asyncio.to_thread(count, self._server, self._project)
        after = before
        for name, way in self._ways.items():
            await self._several(name, way, times)
            after = await self._check(name, before)
        for name, breaking in self._for_all.items():
            for _ in range(times):
                await self._broken(name, breaking)
            after = await self._check(name, before)
        return before, after

    async def _check(self, way: str, before: Counts) -> Counts:
        try:
            return await asyncio.to_thread(settled, self._server, self._project, before)
        except AssertionError as error:
            raise AssertionError(f"{way}: {error}") from None

    async def _several(self, label: str, way: Way, times: int) -> None:
        turns = asyncio.Semaphore(AT_ONCE)
        headers = {"Authorization": f"Bearer {self._server.token}"}
        async with httpx.AsyncClient(
            base_url=self._server.url, headers=headers, timeout=60, trust_env=False
        ) as self._client:

            async def once(name: str) -> None:
                async with turns:
                    async with asyncio.timeout(NOTICED_WITHIN):
                        async with Terminal(self._server, self._project, f"terminals/{name}") as terminal:
                            await _start_children(terminal)
                            await way(name, terminal)
                        await self._until_unwatched(name)
                        await self._end(name)
                    self.done[label] += 1

            await asyncio.gather(*(once(name) for name in itertools.islice(self._names, times)))

    async def _until_unwatched(self, name: str) -> None:
        """Return once the server has let go of every viewer of the terminal."""
        watched = True
        while watched:
            await asyncio.sleep(0.05)
            answer = await self._client.get(f"/api/projects/{self._project}/terminals")
            watched = any(item["name"] == name and item["viewers"] for item in answer.raise_for_status().json())

    async def _broken(self, label: str, breaking: Callable[[], Awaitable[None]]) -> None:
        """What takes every viewer's connection: the same shell is there afterwards."""
        name = next(self._names)
        async with asyncio.timeout(NOTICED_WITHIN):
            async with Terminal(self._server, self._project, f"terminals/{name}") as terminal:
                await _start_children(terminal)
                offset = terminal.offset
                await breaking()
            await self._end(name, offset)
        self.done[label] += 1

    async def _end(self, name: str, offset: int | None = None) -> None:
        """Close the terminal; with an offset it must be the one that had so much output."""
        while True:
            query = "" if offset is None else f"?offset={offset}"
            async with Terminal(self._server, self._project, f"terminals/{name}{query}") as terminal:
                # "Come back in a moment", while the link is made again.
                if terminal.messages[0]["type"] == "ready":
                    assert offset is None or terminal.messages[0]["offset"] == offset
                    await terminal.tell(type="close")
                    await terminal.read_message("exit")
                    return
            await asyncio.sleep(0.02)

    # ---- ways that need more than the connection

    async def _kill_client(self, name: str, terminal: Terminal) -> None:
        """A program that looks at the terminal is killed."""
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-IS", "-c", _CLIENT, str(self._server.port), stdin=-1, stdout=-1
        )
        assert client.stdin and client.stdout
        client.stdin.write(self._handshake(name))
        client.stdin.close()
        assert await client.stdout.readline() == b"HTTP/1.1 101\n"
        client.kill()
        await client.wait()

    async def _break_off_handshake(self, name: str, terminal: Terminal) -> None:
        """Clients that go before they have their answer: in the middle of the question, or right after it."""
        handshake = self._handshake(name)
        for length in (1, len(handshake) // 2, len(handshake)):
            _, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
            writer.write(handshake[:length])
            await writer.drain()
            writer.transport.abort()

    def _handshake(self, name: str) -> bytes:
        lines = [
            f"GET /api/projects/{self._project}/terminals/{name} HTTP/1.1",
            f"Host: 127.0.0.1:{self._server.port}",
            f"Authorization: Bearer {self._server.token}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {'A' * 22}==",
        ]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()

    async def _go_silent(self, name: str, terminal: Terminal) -> None:
        """A viewer whose link is dead in both directions: no end, no reset, nothing."""
        async with wire_to(self._server.port) as wire:
            headers = {"Authorization": f"Bearer {self._server.token}"}
            address = f"ws://127.0.0.1:{wire.port}/api/projects/{self._project}/terminals/{name}"
            silent = await connect(address, additional_headers=headers, proxy=None, ping_interval=None)
            assert json.loads(await silent.recv())["type"] == "ready"
            wire.die()
            await terminal.type("yes | head -c 3000000\n")
            await terminal.socket.close()
            await self._until_unwatched(name)
            silent.transport.abort()

    async def _cut_link(self) -> None:
        assert self._server.process
        # Whichever road it takes: the project's own socket, or a connection of the engine.
        assert sum(cut(self._server.process.pid, peer) for peer in ("supervisor.sock", "/var/run/docker.sock"))

    async def _kill_server(self) -> None:
        self._server.kill()
        await asyncio.to_thread(self._server.start)


async def _start_children(terminal: Terminal) -> None:
    """A job in the background, as most shells have: it must end with its terminal."""
    await terminal.type("sleep 1000 & echo up-$((1 + 1))\n")
    await terminal.read_until("up-2")


async def _close_tab(name: str, terminal: Terminal) -> None:
    await terminal.socket.close(1001)


async def _end_of_file(name: str, terminal: Terminal) -> None:
    terminal.socket.transport.close()


async def _reset(name: str, terminal: Terminal) -> None:
    reset(terminal.socket)


async def _reset_in_a_frame(name: str, terminal: Terminal) -> None:
    terminal.socket.transport.write(b"\x82\xfe\xff\xffmask" + bytes(1000))
    await asyncio.sleep(0)
    reset(terminal.socket)


async def _reset_under_a_flood(name: str, terminal: Terminal) -> None:
    await terminal.type("yes\n")
    await terminal.read_until("y\r\ny\r\n")
    terminal.socket.transport.pause_reading()
    reset(terminal.socket)


async def _exit(name: str, terminal: Terminal) -> None:
    await terminal.type("exit\n")
    await terminal.read_message("exit")


async def _kill_shell(name: str, terminal: Terminal) -> None:
    await terminal.type("kill -9 $$\n")
    assert (await terminal.read_message("exit"))["signal"] == "KILL"


async def _close(name: str, terminal: Terminal) -> None:
    await terminal.tell(type="close")
    await terminal.read_message("exit")
