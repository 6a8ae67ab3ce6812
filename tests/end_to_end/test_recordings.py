"""A terminal is recorded, and the recording got, by a program over the API, on both runtimes."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.server import Server, start_project, wait_for
from tests.support.terminal import Terminal


@pytest.fixture
def project(server: Server) -> str:
    """A running project whose app only waits."""
    return start_project(server)


def terminal_of(client: httpx.Client, project: str) -> dict[str, Any]:
    terminals: list[dict[str, Any]] = client.get(f"/api/projects/{project}/terminals").raise_for_status().json()
    return terminals[0]


async def test_a_recording_outlives_the_server_and_the_container(
    server: Server, client: httpx.Client, project: str
) -> None:
    recordings = f"/api/projects/{project}/recordings"
    async with Terminal(server, project) as shell, server.socket(f"{project}/events") as events:
        await shell.type("echo $((6 * 7))-before\n")
        await shell.read_until("42-before")
        started = client.post(recordings, json={"terminal": "main"})
        assert started.status_code == 201
        recording = started.json()
        assert recording["active"] and recording["ended"] is None and recording["title"] == "main"
        one = started.headers["Location"]
        async with asyncio.timeout(20):
            async for frame in events:
                message = json.loads(frame)
                if message["type"] == "terminals" and message["terminals"][0]["recording"]:
                    break
        assert message["terminals"][0]["recording"]["id"] == recording["id"]
        assert client.post(recordings, json={"terminal": "main"}).status_code == 409
        assert client.delete(one).status_code == 409, "it is being made"
        await shell.type("echo $((6 * 7))-during\n")
        await shell.read_until("42-during")
    server.kill()
    server.start()
    with server.client() as client:
        wait_for("the terminal", lambda: client.get(f"/api/projects/{project}/terminals").json())
        assert terminal_of(client, project)["recording"]["id"] == recording["id"], "it went on without the server"
        stopped = client.post(f"{one}/stop").raise_for_status().json()
        assert (stopped["active"], stopped["ended"]) == (False, "it was stopped")
        assert client.post(f"{one}/stop").status_code == 409
        assert terminal_of(client, project)["recording"] is None
        client.post(f"/api/projects/{project}/stop", params={"container": "true"}).raise_for_status()
        assert client.get(recordings).json() == [stopped], "read where nothing runs"
        download = client.get(one).raise_for_status()
        assert download.headers["content-type"] == "application/x-asciicast"
        assert f'filename="{recording["id"]}.cast"' in download.headers["content-disposition"]
        header, *lines = [json.loads(line) for line in download.text.splitlines()]
        assert header["version"] == 2 and header["env"].keys() == {"TERM", "SHELL"}
        text = "".join(line[2] for line in lines if line[1] == "o")
        assert "42-during" in text and "42-before" not in text
        assert client.delete(one).status_code == 204
        assert client.get(one).status_code == 404
        assert client.get(recordings).json() == []


def test_what_is_no_recording_is_told_so(client: httpx.Client, project: str) -> None:
    recordings = f"/api/projects/{project}/recordings"
    assert client.get(recordings).json() == []
    assert client.post(recordings, json={"terminal": "nobody"}).status_code == 404
    assert client.post(recordings, json={"terminal": "../x"}).status_code == 400
    assert client.post(recordings, json={}).status_code == 400
    for name in ("0000000000000", "..%2fsupervisor.log", "x"):
        assert client.get(f"{recordings}/{name}").status_code == 404
        assert client.delete(f"{recordings}/{name}").status_code == 404
        assert client.post(f"{recordings}/{name}/stop").status_code == 404
