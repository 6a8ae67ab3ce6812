"""The command `hutch serve` as an operator meets it."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.server import ROOT, Server, wait_for
from tests.support.terminal import Terminal


def serve(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to be refused."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUTCH_")}
    chosen = {"HUTCH_DATA": str(folder / "data"), "HUTCH_WORKSPACES": str(folder / "ws"), "HUTCH_PORT": "0", **settings}
    return subprocess.run(
        [sys.executable, "-m", "server", "serve"],
        cwd=ROOT,
        env=environment | chosen,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, "local")


def test_a_second_server_on_the_same_data_is_refused(server: Server, tmp_path: Path) -> None:
    with server:
        refused = serve(tmp_path)
    assert refused.returncode == 2
    assert "another Hutch server uses this data folder" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = serve(tmp_path, HUTCH_PORT=str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert "HUTCH_PORT" in refused.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HUTCH_PORT": "many"}, "HUTCH_PORT"),
        ({"HUTCH_HOST": "127.0.0.1", "HUTCH_PREVIEW_DOMAIN": "nodots"}, "HUTCH_PREVIEW_DOMAIN"),
        ({"HUTCH_HOST": "0.0.0.0", "HUTCH_RUNTIME": "local"}, "HUTCH_RUNTIME=docker"),
        ({"HUTCH_URL": "https://example.org", "HUTCH_PREVIEW_DOMAIN": "p.example.org"}, "which is its parent"),
        ({"HUTCH_URL": "https://p.example.org", "HUTCH_PREVIEW_DOMAIN": "p.example.org"}, "lies within"),
        ({"HUTCH_URL": "https://ide.p.example.org", "HUTCH_PREVIEW_DOMAIN": "p.example.org"}, "lies within"),
        ({"HUTCH_URL": "https://ide.example.org", "HUTCH_PREVIEW_DOMAIN": "p.example.org"}, "cookies for example.org"),
    ],
)
def test_settings_that_can_not_be_are_refused(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    refused = serve(tmp_path, **settings)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_token_is_kept_to_its_owner_and_out_of_the_log(tmp_path: Path) -> None:
    links = []
    for _ in range(2):
        with Server(tmp_path, "local", HUTCH_TOKEN="") as server:
            kept = tmp_path / "data" / "token"
            server.token = kept.read_text()
            with server.client() as client:
                assert client.get(server.link, follow_redirects=True).status_code == 200
            links.append(server.link.rpartition("/")[2])
            assert kept.stat().st_mode & 0o777 == 0o600
            assert (tmp_path / "data").stat().st_mode & 0o077 == 0
            assert server.token not in server.log()
    assert links[0] == links[1], "the link stays the same"


async def test_sigterm_tells_open_terminals_to_come_back(server: Server) -> None:
    with server:
        with server.client() as client:
            project = client.post("/api/projects", json={}).json()["id"]
            client.put(f"/api/projects/{project}/files/hutch.toml", content='[run]\ncommand = "sleep 1000"\n')
            client.post(f"/api/projects/{project}/run").raise_for_status()
        async with Terminal(server, project) as terminal:
            await terminal.type("echo up-$((1 + 1))\n")
            await terminal.read_until("up-2")
            assert server.process
            server.process.send_signal(signal.SIGTERM)
            await terminal.socket.wait_closed()
            assert terminal.socket.close_code == 1012
        assert server.stop() == 0
        assert "Traceback" not in server.log()


ENDLESS = """
import http.server, pathlib, threading
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/poll":
            pathlib.Path("polled").touch()
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if self.path == "/events" else "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"7\\r\\ndata: 1\\r\\n")
        threading.Event().wait()
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), App).serve_forever()
"""


def test_what_never_ends_is_cut_at_once_when_the_server_ends_and_a_save_is_not(server: Server) -> None:
    with ExitStack() as stack:
        stack.enter_context(server)
        files = {
            "app.py": ENDLESS.replace("PORT", str(server.app_port)),
            "hutch.toml": "[run]\ncommand = 'python3 app.py'",
        }
        with server.client() as client:
            project = client.post("/api/projects", json={}).json()["id"]
            for name, content in files.items():
                client.put(f"/api/projects/{project}/files/{name}", content=content).raise_for_status()
            client.post(f"/api/projects/{project}/run").raise_for_status()
            wait_for("the port", lambda: client.get(f"/api/projects/{project}/ports").json())
        host = f"{server.app_port}-{project}.preview.localhost:{server.port}"
        headers = {"Host": host, "X-Hutch-Authorization": f"Bearer {server.token}"}
        browser = stack.enter_context(httpx.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False))
        streams = []
        for path in ("/events", "/open"):
            pieces = stack.enter_context(browser.stream("GET", path)).iter_raw()
            assert next(pieces) == b"data: 1"
            streams.append(pieces)
        poll = stack.enter_context(ThreadPoolExecutor()).submit(browser.get, "/poll")
        wait_for("the poll", (server.folder / "workspaces" / project / "polled").exists)
        save = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        save.sendall(
            f"PUT /api/projects/{project}/files/saved HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {server.token}\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\none".encode()
        )
        assert save.recv(4096).startswith(b"HTTP/1.1 100 "), "it is under way"
        assert server.process
        server.process.send_signal(signal.SIGTERM)
        for pieces in streams:
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                next(pieces)
        assert poll.result().status_code == 503
        save.sendall(b"two")
        assert save.recv(4096).startswith(b"HTTP/1.1 201 ")
        assert server.stop() == 0
        assert (server.folder / "workspaces" / project / "saved").read_bytes() == b"onetwo"
        assert "Traceback" not in server.log()


def test_the_version_is_told() -> None:
    shown = subprocess.run([sys.executable, "-m", "server", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert shown.stdout.startswith("hutch ")
