"""A server's end of the link, for tests: synchronous, and as strict about the protocol as the server is."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from server.supervisor.protocol import VERSION, Decoder, Kind, ack, frame, message

FOLDER = Path(__file__).parent.parent.parent / "server" / "supervisor"
Frame = tuple[Kind, int, bytes]


class SupervisorProcess:
    """The real supervisor, started as the local runtime starts it."""

    def __init__(self, folder: Path, *, environments: bool = False, through: Sequence[str] = ()) -> None:
        self.state = folder / "state"
        self.workspace = folder / "workspace"
        self.environments = folder / "environments"
        for path in (self.state, self.workspace, self.environments):
            path.mkdir(exist_ok=True)
        self._through = through
        self._options = ["--state", str(self.state), "--workspace", str(self.workspace)]
        if environments:
            self._options += ["--environments", str(self.environments)]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [*self._through, sys.executable, "-I", str(FOLDER), "serve", *self._options],
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.workspace), "SECRET": "not-for-children"},
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        complaints = self.process.communicate(timeout=30)[1]
        assert complaints == "", complaints

    def link(self) -> "Client":
        """A new link, as soon as the supervisor accepts one."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return Client(self.state / "supervisor.sock")
            except OSError:
                assert time.monotonic() < deadline, "the supervisor does not accept"
                time.sleep(0.005)


class Client:
    """One link. Frames of streams that come while a reply is awaited are kept for `frames`."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(30)
        self._decoder = Decoder()
        self._kept: list[Frame] = []
        self.events: list[dict[str, Any]] = []
        self._calls = 0
        self._streams = 0
        self.hello = self.call("hello", version=VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole reply, result or error."""
        self._calls += 1
        self.socket.sendall(message(Kind.CONTROL, 0, {"id": self._calls, "method": method, "params": params}))
        while True:
            for index, (kind, stream, payload) in enumerate(self._kept):
                if kind is Kind.CONTROL:
                    del self._kept[index]
                    value: dict[str, Any] = json.loads(payload)
                    if value.get("id") == self._calls:
                        return value
                    assert stream == 0
                    self.events.append(value)
                    break
            else:
                self._receive()

    def answered(self, number: int) -> dict[str, Any]:
        """The reply to a call that was sent by hand, which may have come among events."""
        deadline = time.monotonic() + 30
        while not any(value.get("id") == number for value in self.events):
            assert time.monotonic() < deadline, f"call {number} is not answered"
            self.call("usage")
            time.sleep(0.01)
        return next(value for value in self.events if value.get("id") == number)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        reply = self.ask(method, **params)
        assert "result" in reply, reply
        result: dict[str, Any] = reply["result"]
        return result

    def error(self, method: str, **params: Any) -> str:
        """The code of the error with which the call is refused."""
        reply = self.ask(method, **params)
        assert "error" in reply, reply
        code: str = reply["error"]["code"]
        return code

    def shell(self, name: str = "main", script: str | None = None) -> "Stream":
        """A new terminal with a viewer from its first byte on."""
        argv = ["bash", "--norc", "-i"] if script is None else ["bash", "-c", script]
        self.call("spawn", name=name, argv=argv, env={"PS1": "$ "}, cols=80, rows=24)
        return self.attach(name, 0)

    def attach(self, name: str, offset: int | None = None, *, view_only: bool = False) -> "Stream":
        self._streams += 1
        result = self.call("attach", stream=self._streams, name=name, offset=offset, viewOnly=view_only)
        return Stream(self, self._streams, result["offset"])

    def connect(self, port: int) -> "Stream":
        self._streams += 1
        self.call("connect", stream=self._streams, port=port)
        return Stream(self, self._streams, 0)

    def execute(self, *argv: str, **params: Any) -> "Stream":
        self._streams += 1
        self.call("execute", stream=self._streams, argv=list(argv), **params)
        return Stream(self, self._streams, 0)

    def waiting(self, stream: int) -> int:
        """Frames of a stream that have come and were not looked at."""
        return sum(kept[1] == stream and kept[0] is not Kind.CONTROL for kept in self._kept)

    def event(self, kind: str, wanted: Any, seconds: float = 30) -> dict[str, Any]:
        """The first event of `kind` for which `wanted(event)` is true."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event.get("event") == kind and wanted(event):
                    return event
            self.events.clear()
            assert time.monotonic() < deadline, f"no such {kind} event"
            self.call("list")
            if not self.events:
                time.sleep(0.01)

    def next(self, stream: int) -> Frame:
        """The next frame of one stream."""
        while True:
            for index, kept in enumerate(self._kept):
                if kept[1] == stream and kept[0] is not Kind.CONTROL:
                    return self._kept.pop(index)
            self._receive()

    def kept(self, stream: int) -> int:
        """How many frames of the stream came that were not taken yet."""
        return sum(frame[1] == stream for frame in self._kept)

    def _receive(self) -> None:
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError("the supervisor closed the link")
        self._kept += self._decoder.feed(data)


class Stream:
    """A viewer or relay on a link. `acks` says whether what is read is acknowledged at once."""

    def __init__(self, client: Client, id: int, offset: int) -> None:
        self._client = client
        self.id = id
        self.offset = offset
        self.output = b""
        self.messages: list[dict[str, Any]] = []
        self.acked_input = 0
        self.closed = False
        self.acks = True

    def send(self, data: str | bytes) -> None:
        self._client.socket.sendall(frame(Kind.DATA, self.id, data.encode() if isinstance(data, str) else data))

    def tell(self, **value: Any) -> None:
        self._client.socket.sendall(message(Kind.MESSAGE, self.id, value))

    def ack(self, offset: int) -> None:
        self._client.socket.sendall(ack(self.id, offset))

    def close(self) -> None:
        self._client.socket.sendall(frame(Kind.CLOSE, self.id))

    def step(self) -> None:
        """Take one frame."""
        kind, _, payload = self._client.next(self.id)
        if kind is Kind.DATA:
            self.output += payload
            self.offset += len(payload)
            if self.acks:
                self.ack(self.offset)
        elif kind is Kind.ACK:
            self.acked_input = int.from_bytes(payload)
        elif kind is Kind.CLOSE:
            self.closed = True
        else:
            value = json.loads(payload)
            self.messages.append(value)
            if value["type"] == "gap":
                self.offset = value["offset"]

    def until(self, wanted: str | bytes) -> str:
        """All output, once it has `wanted`."""
        sought = wanted.encode() if isinstance(wanted, str) else wanted
        while sought not in self.output:
            self.step()
        return self.output.decode(errors="replace")

    def until_closed(self) -> dict[str, Any]:
        """The last message, once the stream has ended."""
        while not self.closed:
            self.step()
        return self.messages[-1] if self.messages else {}
