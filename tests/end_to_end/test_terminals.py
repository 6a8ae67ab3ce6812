"""Terminals that several people use, over the API and its sockets, on both runtimes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    folder.chmod(0o755)
    with Server(folder, request.param) as server:
        yield server


@pytest.fixture(scope="module")
def project(server: Server) -> str:
    """A project whose container runs."""
    with server.client() as client:
        id: str = client.post("/api/projects", json={"template": "python"}).raise_for_status().json()["id"]
        toml = '[run]\ninstall = false\ncommand = "exec sleep 10000"\n'
        client.put(f"/api/projects/{id}/files/hutch.toml", content=toml).raise_for_status()
        client.post(f"/api/projects/{id}/run").raise_for_status()
    return id


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def listed(client: httpx.Client, project: str, name: str) -> dict[str, Any]:
    """The terminal as it is listed, once it is."""
    return wait_for(
        f"{name} in the list",
        lambda: next((t for t in client.get(f"/api/projects/{project}/terminals").json() if t["name"] == name), None),
    )


async def test_a_terminal_is_renamed_for_everyone(client: httpx.Client, server: Server, project: str) -> None:
    path = f"/api/projects/{project}/terminals/named"
    async with Terminal(server, project, "terminals/named"):
        assert listed(client, project, "named")["title"] == "named"
        answer = client.patch(path, json={"title": "  Büild "}).raise_for_status().json()
        assert (answer["name"], answer["title"]) == ("named", "Büild")
        wait_for("the title", lambda: listed(client, project, "named")["title"] == "Büild")
        assert client.patch(path, json={"title": None}).json()["title"] == "named"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"title": ""}, 422),
        ({"title": 7}, 422),
        ({"title": "two\nlines"}, 422),
        ({"title": "\u202etxt.exe"}, 422),
        ({"title": "x" * 41}, 422),
        ([], 400),
    ],
)
async def test_a_title_that_is_none_is_refused(
    client: httpx.Client, server: Server, project: str, body: object, status: int
) -> None:
    async with Terminal(server, project, "terminals/kept"):
        answer = client.patch(f"/api/projects/{project}/terminals/kept", json=body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert listed(client, project, "kept")["title"] == "kept"


@pytest.mark.parametrize("name", ["unknown", "..%2f..", "x" * 10_000, "a%00b"])
def test_a_terminal_that_is_not_there_is_not_renamed(client: httpx.Client, project: str, name: str) -> None:
    answer = client.patch(f"/api/projects/{project}/terminals/{name}", json={"title": "x"})
    assert answer.status_code in (404, 422)


async def test_who_is_attached_is_listed(client: httpx.Client, server: Server, project: str) -> None:
    async with Terminal(server, project, "terminals/watched"):
        async with Terminal(server, project, "terminals/watched"):
            wait_for("both viewers", lambda: listed(client, project, "watched")["viewers"] == 2)
            attached = listed(client, project, "watched")["attached"]
            assert [viewer["viewOnly"] for viewer in attached] == [False, False]
            assert all(viewer["since"].endswith("Z") for viewer in attached)
        wait_for("one viewer", lambda: listed(client, project, "watched")["viewers"] == 1)
