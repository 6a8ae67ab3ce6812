"""Runs the server: claims the data folder, binds the port, prints the link that signs in, and ends in order."""

import asyncio
import fcntl
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from server.app import create_app
from server.config import Settings
from server.edge import BoundedHttp, BoundedSocket
from server.routes.context import Services

MOST_MESSAGE = 16 * 1024 * 1024
"""Bytes of one WebSocket message: previews carry what apps send; terminals have a smaller limit of their own."""
PING_EVERY = 20.0
"""Seconds. Proxies drop sockets that are silent for 60 s; the contract promises a ping at most every 25 s."""
SHUTDOWN_AFTER = 10
"""Seconds that requests under way may still take when the server is told to end."""


class ServeError(Exception):
    """The server can't be started; the message says why and what to do."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status. Raises ServeError when it can't begin."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    _private_folder(settings.data)
    lock = _claim(settings.data)
    token = settings.token or _kept_token(settings.data / "token")
    listener = _listen(settings.host, settings.port)
    try:
        return _run(settings, token, listener)
    finally:
        os.close(lock)


def _run(settings: Settings, token: str, listener: socket.socket) -> int:
    host, port = listener.getsockname()[:2]
    app = create_app(settings, token)
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws=BoundedSocket,
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=MOST_MESSAGE,
        ws_ping_interval=PING_EVERY,
        ws_ping_timeout=PING_EVERY,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_AFTER,
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    server = _Server(config, app, f"{settings.url or f'http://{shown}:{port}'}/login?token={token}")
    # Once everything is closed in order uvicorn raises the signal again; by then there is nothing left but to leave.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Prints the link once the port answers, and not before; at the end, waits for nothing that has none."""

    def __init__(self, config: uvicorn.Config, app: Starlette, link: str) -> None:
        super().__init__(config)
        self._app = app
        self._link = link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            # What the program itself is made of is never garbage, and need not be looked through again and again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 20)
            print(f"\n  Hutch is ready. Open this link; it signs you in:\n\n    {self._link}\n", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        services: Services = self._app.state.services
        services.previews.closing.fire()
        await super().shutdown(sockets)


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ServeError(f"the data folder can't be made: {error.strerror}; choose another with HUTCH_DATA") from error


def _claim(folder: Path) -> int:
    """Hold the folder for this process: two servers on one database and one set of links would fight."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ServeError(
            "another Hutch server uses this data folder: end it first, or choose another folder with HUTCH_DATA"
        ) from None
    return lock


def _kept_token(path: Path) -> str:
    """The token made at the first start: the link stays the same from one start to the next."""
    try:
        token = path.read_text().strip()
    except FileNotFoundError:
        token = ""
    if not token:
        token = secrets.token_urlsafe(32)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)
    return token


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServeError(
            f"can't listen on {host} port {port}: {error.strerror}; choose another with HUTCH_HOST or HUTCH_PORT"
        ) from error
