"""What only a real engine shows: limits in the container's own cgroup, and its coming and going."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.test_main_job import plain_project, until_200
from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal

pytestmark = pytest.mark.engine

ENGINE = Path("/var/run/docker.sock")


class Gate:
    """A socket in front of the engine that can be shut, as when the engine is stopped, and opened again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        self._path.unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with closing(connection):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(ENGINE))
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "engine.sock")
    yield gate
    gate.shut()


async def test_the_limits_stand_in_the_containers_own_cgroup(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Server(tmp_path, "docker") as server, server.client() as client:
        project = plain_project(server, client)
        client.post(f"/api/projects/{project}/run").raise_for_status()
        async with Terminal(server, project) as terminal:
            await terminal.type(
                "cd /sys/fs/cgroup; stty -echo; cat memory.max memory/memory.limit_in_bytes cpu.max "
                "cpu/cpu.cfs_quota_us pids.max pids/pids.max 2>/dev/null; echo the-$((1 + 1))-end\n"
            )
            words = (await terminal.read_until("the-2-end")).split()
    assert str(256 * 1024 * 1024) in words
    assert "50000" in words
    assert "100" in words


def test_without_the_engine_editing_goes_on_and_with_it_back_run_works(tmp_path: Path, gate: Gate) -> None:
    tmp_path.chmod(0o755)
    with Server(tmp_path, "docker", HUTCH_ENGINE=f"unix://{tmp_path}/engine.sock") as server, server.client() as client:
        first = plain_project(server, client)
        client.post(f"/api/projects/{first}/run").raise_for_status()
        until_200(server, first)
        gate.shut()
        project = plain_project(server, client)
        saved = client.put(f"/api/projects/{project}/files/new.txt", content="kept")
        assert saved.status_code in (200, 201, 204)
        answer = client.post(f"/api/projects/{project}/run")
        assert answer.status_code == 503
        assert "engine" in answer.json()["detail"]
        assert client.get(f"/api/projects/{project}/status").json()["state"] == "failed"
        gate.open()
        client.post(f"/api/projects/{project}/run").raise_for_status()
        assert until_200(server, project).text == "ok"


def test_deleting_a_project_leaves_no_container_network_or_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Server(tmp_path, "docker") as server, server.client() as client:
        project = plain_project(server, client)
        client.post(f"/api/projects/{project}/run").raise_for_status()
        until_200(server, project)
        assert client.delete(f"/api/projects/{project}").status_code == 204
        named = subprocess.run(
            ["docker", "ps", "--all", "--quiet", "--filter", f"label=hutch.project={project}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        networks = subprocess.run(
            ["docker", "network", "ls", "--format", "{{.Name}}"], capture_output=True, text=True, check=True
        ).stdout.split()
        assert named == ""
        assert f"hutch-{project}" not in networks
        assert not (tmp_path / "workspaces" / project).exists()
        assert not (tmp_path / "data" / "run" / project).exists()
        wait_for("the 404", lambda: client.get(f"/api/projects/{project}").status_code == 404)
