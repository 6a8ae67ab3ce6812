"""The ways to an app that are compared: straight to its container, Hutch, nginx, and the proxies of two IDEs."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bench.exchanges import Endpoint
from bench.report import STRAIGHT
from bench.targets import resident
from tests.support.server import Server

HTTP_PORT: Final = 3000
SMALL_PORT: Final = 3001
BAD_PORT: Final = 3002
LOOPBACK_FROM: Final = 10
"""The first two ports are there again on loopback, further up by this."""

NGINX: Final = """
daemon off; pid {folder}/nginx.pid; worker_processes auto; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $hop {{ default upgrade; "" ""; }}
  proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $hop;
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  {servers}
}}
"""
NGINX_SERVER: Final = """
  upstream app{port} {{ server {address}:{port}; keepalive 64; }}
  server {{ listen 127.0.0.1:{listen}; location / {{ proxy_pass http://app{port}; }} }}
"""


@dataclass(frozen=True, eq=False)
class Way:
    """A way to both ports of the app. `pids` are its server's processes, none where nothing stands between."""

    name: str
    endpoints: dict[int, Endpoint]
    pids: Callable[[], list[int]] = list

    def memory(self) -> int:
        return resident(self.pids())


def straight(address: str) -> Way:
    return Way(STRAIGHT, {port: Endpoint(address, port) for port in (HTTP_PORT, SMALL_PORT)})


def through_hutch(name: str, server: Server, project: str, *, loopback: bool = False) -> Way:
    def endpoint(port: int) -> Endpoint:
        host = f"{port}-{project}.preview.localhost:{server.port}"
        return Endpoint(
            "127.0.0.1", server.port, headers={"Host": host, "X-Hutch-Authorization": f"Bearer {server.token}"}
        )

    assert server.process
    pid, further = server.process.pid, LOOPBACK_FROM if loopback else 0
    return Way(name, {port: endpoint(port + further) for port in (HTTP_PORT, SMALL_PORT, BAD_PORT)}, lambda: [pid])


class Daemon:
    """A program that serves until the block ends."""

    def __init__(self, command: list[str], ports: list[int], host: str = "127.0.0.1", **environment: str) -> None:
        self._command = command
        self._host = host
        self._ports = ports
        self._environment = environment

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for port in self._ports:
            _wait_for(self._host, port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def pids(self) -> list[int]:
        """The process and its children."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True)
        return [self._process.pid, *(int(pid) for pid in listed.stdout.split())]


def nginx(folder: Path, address: str) -> tuple[Daemon, dict[int, Endpoint]]:
    """nginx with connections to the app that it keeps, and without files for bodies."""
    folder.mkdir()
    listens = {port: _free_port() for port in (HTTP_PORT, SMALL_PORT)}
    servers = "".join(
        NGINX_SERVER.format(port=port, address=address, listen=listen) for port, listen in listens.items()
    )
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, servers=servers))
    daemon = Daemon(["nginx", "-c", str(config), "-p", str(folder)], list(listens.values()))
    return daemon, {port: Endpoint("127.0.0.1", listen) for port, listen in listens.items()}


def jupyter(home: Path, address: str) -> tuple[Daemon, dict[int, Endpoint]]:
    """jupyter-server-proxy in a Jupyter server that asks nobody who they are."""
    port = _free_port()
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(
        f"c.ServerProxy.host_allowlist = [{address!r}]\nc.IdentityProvider.token = ''\nc.ServerApp.allow_root = True\n"
    )
    command = [str(home / "bin" / "jupyter"), "server", "--no-browser", f"--port={port}"]
    daemon = Daemon(command, [port], HOME=str(home), JUPYTER_CONFIG_DIR=str(home / "config"))
    prefix = f"/proxy/{address}:"
    return daemon, {to: Endpoint("127.0.0.1", port, f"{prefix}{to}") for to in (HTTP_PORT, SMALL_PORT)}


def code_server(command: str, home: Path, address: str, pid: int) -> tuple[Daemon, dict[int, Endpoint]]:
    """code-server in the network of the process `pid`, because it leads to no other host than its own."""
    home.mkdir()
    port = 8080
    options = ["--auth=none", f"--bind-addr={address}:{port}", "--disable-telemetry", "--disable-update-check"]
    entered = ["nsenter", f"--net=/proc/{pid}/ns/net", command, *options, f"--config={home / 'config.yaml'}"]
    daemon = Daemon([*entered, f"--user-data-dir={home}"], [port], address, HOME=str(home))
    return daemon, {to: Endpoint(address, port, f"/proxy/{to}") for to in (HTTP_PORT, SMALL_PORT)}


def install_package(package: str, command: str) -> bool:
    """Have the command of a Debian package; False where it is not there and can't be installed."""
    if shutil.which(command) is None and os.getuid() == 0 and shutil.which("apt-get"):
        print(f"installing {package}", file=sys.stderr)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-yqq", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *arguments], capture_output=True, env=environment)
    return shutil.which(command) is not None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(host: str, port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
