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
        ({"sizing": "largest"}, 422),
        ({"title": "x", "cols": 80}, 422),
        ([], 400),
    ],
)
async def test_a_change_that_can_not_be_is_refused(
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


@pytest.mark.parametrize(
    "frame",
    [
        b"echo intruder\n",
        '{"type": "resize", "cols": 33, "rows": 44}',
        '{"type": "signal", "signal": "KILL"}',
        '{"type": "close"}',
    ],
)
async def test_who_only_looks_changes_nothing(server: Server, project: str, frame: bytes | str) -> None:
    async with Terminal(server, project, "terminals/shown?cols=80&rows=24") as shell:
        await shell.type("stty size; echo ready-$((1 + 1))\n")
        await shell.read_until("ready-2")
        async with Terminal(server, project, "terminals/shown?view=1&offset=0&cols=33&rows=44") as onlooker:
            await onlooker.read_until("ready-2")
            await onlooker.socket.send(frame)
            refusal = await onlooker.read_message("error")
            assert "only looks" in refusal["detail"]
            await onlooker.socket.wait_closed()
            assert onlooker.socket.close_code == 4403
        await shell.type("stty size; echo still-$((1 + 1))\n")
        text = await shell.read_until("still-2")
        assert "24 80" in text and "44 33" not in text and "intruder" not in text


async def test_who_only_looks_is_shown_as_such_and_starts_nothing(
    client: httpx.Client, server: Server, project: str
) -> None:
    async with Terminal(server, project, "terminals/none?view=1") as refused:
        assert "to look at" in (await refused.read_message("error"))["detail"]
        await refused.socket.wait_closed()
        assert refused.socket.close_code == 4404
    async with Terminal(server, project, "terminals/none?view=maybe") as refused:
        await refused.socket.wait_closed()
        assert refused.socket.close_code == 4400
    async with Terminal(server, project, "terminals/some"), Terminal(server, project, "terminals/some?view=1"):
        wait_for("both viewers", lambda: listed(client, project, "some")["viewers"] == 2)
        assert [viewer["viewOnly"] for viewer in listed(client, project, "some")["attached"]] == [False, True]
    assert "none" not in [terminal["name"] for terminal in client.get(f"/api/projects/{project}/terminals").json()]


async def test_two_viewers_share_a_size(client: httpx.Client, server: Server, project: str) -> None:
    path = f"/api/projects/{project}/terminals/sized"
    async with Terminal(server, project, "terminals/sized?cols=100&rows=40") as first:
        async with Terminal(server, project, "terminals/sized?cols=60&rows=50") as second:
            told = await first.read_message("size")
            assert (told["cols"], told["rows"]) == (60, 40)
            await second.type("stty size\n")
            await second.read_until("40 60")
            assert client.patch(path, json={"sizing": "latest"}).raise_for_status().json()["sizing"] == "latest"
            await first.type("stty size\n")
            await first.read_until("40 100")
            await second.type("stty size\n")
            await second.read_until("50 60")
        await first.type("stty size; echo alone-$((1 + 1))\n")
        await first.read_until("alone-2")
        assert first.output.count(b"40 100") >= 2
        while first.messages[-1] != {"type": "size", "cols": 100, "rows": 40}:
            await first.read_frame()
        wait_for("the size", lambda: listed(client, project, "sized")["cols"] == 100)


async def test_who_only_looks_may_have_the_screen_drawn_anew(server: Server, project: str) -> None:
    async with Terminal(server, project, "terminals/drawn?cols=80&rows=24") as shell:
        await shell.type("sh -c 'trap \"stty size\" WINCH; echo trapped-$((1 + 1)); while sleep 0.05; do :; done'\n")
        await shell.read_until("trapped-2")
        async with Terminal(server, project, "terminals/drawn?view=1") as onlooker:
            await onlooker.tell(type="redraw")
            await onlooker.read_until("24 80")
