"""The real server as a process of its own: started, killed and started again as an operator would."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from websockets.asyncio.client import connect

ROOT = Path(__file__).parent.parent.parent
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

_IMPATIENT = """
import sys, server.serve
from server.__main__ import main
server.serve.PING_EVERY = {}
sys.exit(main(["serve"]))
"""

T = TypeVar("T")


class Server:
    """`hutch serve` on a free port, with folders of its own below `folder`. Ends what it started on exit.

    `ping` shortens the seconds after which a silent peer is asked, and after which it is given up.
    """

    def __init__(self, folder: Path, runtime: str, *, ping: float | None = None, **settings: str) -> None:
        self.folder = folder
        self.runtime = runtime
        self._command = ["-m", "server", "serve"] if ping is None else ["-c", _IMPATIENT.format(ping)]
        self.token = secrets.token_urlsafe(24)
        self._settings = {
            "HUTCH_DATA": str(folder / "data"),
            "HUTCH_WORKSPACES": str(folder / "workspaces"),
            "HUTCH_TOKEN": self.token,
            "HUTCH_RUNTIME": runtime,
            "HUTCH_PORT": str(free_port()),
            **({"HUTCH_CA_BUNDLE": str(CA_BUNDLE)} if CA_BUNDLE.exists() else {}),
            **settings,
        }
        self.app_port = 3000 if runtime == "docker" else free_port()
        self.process: subprocess.Popen[str] | None = None
        self.link = ""
        self.port = int(self._settings["HUTCH_PORT"])

    def start(self) -> Self:
        """Start the process and wait for the link that it prints."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUTCH_")}
        self._log = (self.folder / "server.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, *self._command],
            cwd=ROOT,
            env=environment | self._settings,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"https?://\S+:\d+/\S+", line):
                self.link = found[0]
                return self
        raise AssertionError(f"the server did not start:\n{(self.folder / 'server.log').read_text()}")

    def kill(self) -> None:
        """As a crash or the OOM killer would: no chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an operator would. Returns the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process and self.process.stdout
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        self._log.close()
        self.process = None
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is None:
            self.start()
        with self.client() as client:
            for project in client.get("/api/projects").json():
                client.delete(f"/api/projects/{project['id']}")
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        """A program's HTTP client, with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, **options)

    def socket(self, path: str) -> connect:
        """A program's WebSocket below the API of a project, such as `abc/terminals/main?cols=80`."""
        return connect(
            f"ws://127.0.0.1:{self.port}/api/projects/{path}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            max_size=None,
            proxy=None,
        )

    def preview(self, project: str, port: int, path: str = "/", **headers: str) -> httpx.Response:
        """One request of a program to the app of a project, on the preview's own host."""
        host = f"{port}-{project}.preview.localhost:{self.port}"
        with httpx.Client(timeout=30, trust_env=False) as client:
            return client.get(
                self.url + path, headers={"Host": host, "X-Hutch-Authorization": f"Bearer {self.token}", **headers}
            )

    def log(self) -> str:
        return (self.folder / "server.log").read_text()


def start_project(server: Server, command: str = "exec sleep 10000") -> str:
    """A new project whose container runs and whose app is `command`, by default one that waits; its id."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"template": "python"}).raise_for_status().json()["id"]
        toml = f"[run]\ninstall = false\ncommand = '''{command}'''\n"
        client.put(f"/api/projects/{id}/files/hutch.toml", content=toml).raise_for_status()
        client.post(f"/api/projects/{id}/run").raise_for_status()
    return id


def free_port() -> int:
    """A port on which nothing listens, and that the kernel gives to nobody who asks for any."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = first // 2 + secrets.randbelow(first // 2)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_for(what: str, condition: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first true value of `condition()`. Polls, because what is looked at lies in other processes."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return value
