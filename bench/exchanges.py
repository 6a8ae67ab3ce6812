"""One client's requests over a socket of its own, with as little between it and the wire as can be."""

import itertools
import os
import socket
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import Final, Self

PIECE: Final = 1024 * 1024
DEADLINE: Final = 120.0
MESSAGE: Final = b"x" * 32
HANGING: Final = 20


@dataclass(frozen=True)
class Endpoint:
    """Where a port of the app is: an address, what stands before its paths, and headers to send."""

    host: str
    port: int
    prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, str]:
        return {"Host": f"{self.host}:{self.port}", **self.headers}

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{self.prefix}{path}"


class Exchange:
    """A connection to an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket = socket.create_connection((endpoint.host, endpoint.port), timeout=DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(PIECE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, path: str, method: str = "GET", **headers: str) -> None:
        sent = {**self._endpoint.sent, **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"{method} {self._endpoint.prefix}{path} HTTP/1.1", *(f"{name}: {sent[name]}" for name in sent)]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def head(self) -> bytes:
        """What came with the head of the answer. Raises ConnectionError for any status but 200 and 101."""
        received = b""
        while b"\r\n\r\n" not in received:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError(f"the connection ended after {received!r:.300}")
            received += data
        head, _, rest = received.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1] not in (b"200", b"101"):
            raise ConnectionError(f"not the answer that was expected: {head!r:.300}")
        return rest

    def take(self, size: int) -> None:
        """Read `size` bytes."""
        while size > 0:
            taken = self._socket.recv_into(self._buffer, min(size, PIECE))
            if not taken:
                raise ConnectionError(f"the connection ended {size} bytes too soon")
            size -= taken

    def give(self, size: int) -> None:
        """Send `size` bytes."""
        while size > 0:
            size -= self._socket.send(memoryview(self._buffer)[: min(size, PIECE)])

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)


def download(endpoint: Endpoint, size: int) -> float:
    """Bytes a second."""
    with Exchange(endpoint) as exchange:
        started = time.perf_counter()
        exchange.ask(f"/down?size={size}")
        exchange.take(size - len(exchange.head()))
        return size / (time.perf_counter() - started)


def upload(endpoint: Endpoint, size: int) -> float:
    """Bytes a second, until the app has said that it has them."""
    with Exchange(endpoint) as exchange:
        started = time.perf_counter()
        exchange.ask("/up", "POST", Content_Length=str(size))
        exchange.give(size)
        exchange.head()
        return size / (time.perf_counter() - started)


def first_byte(endpoint: Endpoint) -> float:
    """Seconds until the first byte of an answer's body whose last comes half a second later."""
    with Exchange(endpoint) as exchange:
        started = time.perf_counter()
        exchange.ask("/stream")
        if not exchange.head():
            exchange.take(1)
        return time.perf_counter() - started


def echoes(endpoint: Endpoint, count: int) -> list[float]:
    """Seconds for each of `count` messages over one WebSocket to come back."""
    frame = bytes((0x82, 0x80 | len(MESSAGE))) + bytes(4) + MESSAGE
    times = []
    with Exchange(endpoint) as exchange:
        key = b64encode(os.urandom(16)).decode()
        handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
        exchange.ask("/socket", Sec_WebSocket_Key=key, **handshake)
        exchange.head()
        for _ in range(count):
            started = time.perf_counter()
            exchange.send(frame)
            exchange.take(2 + len(MESSAGE))
            times.append(time.perf_counter() - started)
            # As with keys: a loop without a pause would measure the throttling of one core instead.
            time.sleep(0.001)
    return times


def answers(endpoint: Endpoint, count: int) -> list[float]:
    """Seconds for each of `count` answers of 1 KB, asked for one after the other.

    Without a pause between: on a busy machine it would be measured how long a server that slept waits to be woken,
    which takes longer the less it has to do.
    """
    times = []
    with Exchange(endpoint) as exchange:
        for _ in range(count):
            started = time.perf_counter()
            exchange.ask("/")
            exchange.take(1024 - len(exchange.head()))
            times.append(time.perf_counter() - started)
    return times


def provoke(endpoint: Endpoint, wanted: Event, busy: Event) -> None:
    """While it is `wanted`, ask an app that misbehaves: some requests hang, the others get each bad answer in turn."""
    misdeeds = itertools.cycle(("garbage", "reset", "redirect", "headers"))
    while wanted.wait():
        with ExitStack() as stack:
            for _ in range(HANGING):
                stack.enter_context(Exchange(endpoint)).ask("/hang")
            busy.set()
            while wanted.is_set():
                with Exchange(endpoint) as exchange, suppress(ConnectionError):
                    exchange.ask(f"/{next(misdeeds)}")
                    exchange.head()
                time.sleep(0.05)
        busy.clear()
