"""A repository that is served over HTTP, as a Git host would, at an address that containers reach too."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def repository_over_http(folder: Path, *, asks: bool = False) -> Iterator[tuple[str, list[str]]]:
    """The address of a repository with a README, and the `Authorization` that it was sent; it may ask for some."""
    work = folder / "served"
    work.mkdir()
    (work / "README.md").write_text("cloned\n")
    git = partial(subprocess.run, check=True, cwd=work, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    author = ["-c", "user.name=B", "-c", "user.email=b@b"]
    for argv in (["init", "-qb", "main"], ["add", "."], [*author, "commit", "-qm", "One"], ["update-server-info"]):
        git(["git", *argv])
    seen: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization") or "")
            if asks and not seen[-1]:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    web = ThreadingHTTPServer(("0.0.0.0", 0), partial(Handler, directory=str(work)))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    try:
        yield f"http://{addresses[0]}:{web.server_port}/.git", seen
    finally:
        web.shutdown()
        web.server_close()
