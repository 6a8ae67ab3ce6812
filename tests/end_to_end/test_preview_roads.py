"""Previews of an app in a real container, by whichever road it is reached."""

import subprocess

import pytest

from server.runtimes.docker.runtime import IPV6
from tests.support.server import Server, wait_for

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not IPV6.exists(), reason="the kernel has no IPv6"),
]

APP = """
const http = require("node:http");
const listen = (port, host) =>
  http.createServer((request, answer) => answer.end(request.socket.remoteAddress)).listen(port, host);
listen(3000, "0.0.0.0");
listen(3001, "127.0.0.1");
listen(3002, "::");
listen(3003, "::1");
"""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("server")
    folder.chmod(0o755)
    return Server(folder, "docker")


def sources(server: Server, project: str) -> list[str]:
    """Where the app saw each port's request come from, as an IPv4 address where it is one."""
    answers = [server.preview(project, port).text for port in range(3000, 3004)]
    return [answer.removeprefix("::ffff:") for answer in answers]


def gateway(project: str) -> str:
    form = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}"
    shown = subprocess.run(["docker", "inspect", "-f", form, f"hutch-{project}"], capture_output=True, text=True)
    return shown.stdout.strip()


def test_only_what_listens_on_loopback_is_relayed(server: Server) -> None:
    with server, server.client() as client:
        project = str(client.post("/api/projects", json={}).raise_for_status().json()["id"])
        client.put(f"/api/projects/{project}/files/index.js", content=APP).raise_for_status()
        for way in ("stop?container=true", "restart", "killed"):
            client.post(f"/api/projects/{project}/run").raise_for_status()
            # Until the first report of the ports everything is relayed.
            wait_for(
                "both roads",
                lambda: sources(server, project) == [gateway(project), "127.0.0.1", gateway(project), "::1"],
            )
            if way == "killed":
                # Behind the server's back: kept connections must not make it believe that the app is still there.
                subprocess.run(["docker", "kill", f"hutch-{project}"], check=True, capture_output=True)
                assert wait_for("the end", lambda: server.preview(project, 3000).status_code == 503 or None)
            else:
                client.post(f"/api/projects/{project}/{way}").raise_for_status()
