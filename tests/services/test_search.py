"""What the server does when ripgrep is missing, hostile, or no longer wanted."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.models import Pattern, ProjectId
from tests.support.app import TOKEN, App, run_locally, running_app

MATCH = {
    "type": "match",
    "data": {
        "path": {"text": "./a.txt"},
        "lines": {"text": "found\n"},
        "line_number": 1,
        "submatches": [{"match": {"text": "found"}, "start": 0, "end": 5}],
    },
}

# Not by echo, which takes the backslash in it for its own.
SAY_MATCH = f"printf '%s\\n' '{json.dumps(MATCH, separators=(',', ':'))}'"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """A server whose projects run here, with a PATH that has nothing but a shell and what a test puts there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "bash", "sleep", "cat", "yes", "head", "tr"):
        (programs / name).symlink_to(f"/bin/{name}" if os.path.exists(f"/bin/{name}") else f"/usr/bin/{name}")
    async with running_app(tmp_path, run_locally(tmp_path / "data" / "run", {"PATH": str(programs)})) as app:
        yield app


@pytest.fixture
async def project(app: App) -> ProjectId:
    project = await app.services.projects.create()
    await app.services.documents.write(project.id, "a.txt", b"found\n")
    await app.services.documents.write(project.id, "hutch.toml", b'[run]\ncommand = "sleep 1000"\ninstall = ""\n')
    await app.services.workspaces.run(project.id)
    return project.id


def play(app: App, script: str) -> None:
    """Have `rg` be this shell script."""
    program = app.settings.data.parent / "bin" / "rg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def search(app: App, project: ProjectId) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        return [item async for item in app.services.search.find(project, Pattern("found"))]


async def test_without_ripgrep_the_server_looks_itself(app: App, project: ProjectId) -> None:
    match, end = await search(app, project)
    assert match["path"] == "a.txt" and match["ranges"] == [(0, 5)]
    assert "without ripgrep" in end["note"]


async def test_a_search_that_nobody_wants_any_more_is_ended(app: App, project: ProjectId, tmp_path: Path) -> None:
    play(app, f"echo $$ > {tmp_path}/pid; {SAY_MATCH}; exec sleep 1000")
    finding = app.services.search.find(project, Pattern("found"))
    assert (await anext(finding))["line"] == 1
    process = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}")
    assert process.exists()
    await finding.aclose()
    async with asyncio.timeout(10):
        while process.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "script",
    [
        "echo nonsense",
        "echo '{}'; echo '[]'; echo null",
        """echo '{"type":"match","data":{"path":{"bytes":"%%%"},"lines":{},"line_number":"x","submatches":[{}]}}'""",
        "yes | tr -d '\\n' | head -c 3000000",
        """echo '{"type":"match","data":{"path":' | head -c 30; yes '[' | tr -d '\\n' | head -c 100000""",
    ],
)
async def test_whatever_ripgrep_says_is_taken_for_what_it_is(app: App, project: ProjectId, script: str) -> None:
    play(app, f"{script}\necho\n{SAY_MATCH}")
    match, end = await search(app, project)
    assert (match["path"], end["matches"]) == ("a.txt", 1)


async def test_an_endless_answer_is_cut_off(app: App, project: ProjectId) -> None:
    play(app, "exec yes")
    (end,) = await search(app, project)
    assert "too much to tell" in end["stopped"]


async def test_what_could_not_be_read_is_noted(app: App, project: ProjectId) -> None:
    play(app, f"{SAY_MATCH}; echo 'rg: ./secret: Permission denied (os error 13)' >&2; exit 2")
    _, end = await search(app, project)
    assert end["note"] == "Some files could not be searched: secret: Permission denied (os error 13)"


async def test_ripgrep_that_is_killed_is_no_complete_search(app: App, project: ProjectId) -> None:
    play(app, "kill -9 $$")
    (end,) = await search(app, project)
    assert "not complete" in end["stopped"]


@pytest.mark.parametrize("found", [True, False])
async def test_a_client_that_goes_takes_its_search_along(
    app: App, project: ProjectId, tmp_path: Path, found: bool
) -> None:
    play(app, f"{SAY_MATCH if found else 'true'}; echo $$ > {tmp_path}/pid; exec sleep 1000")
    gone = asyncio.Event()
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {
        **{"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET"},
        **{"scheme": "http", "path": f"/api/projects/{project}/search", "query_string": b"q=found", "root_path": ""},
        "headers": [(b"host", b"127.0.0.1:8000"), (b"authorization", f"Bearer {TOKEN}".encode())],
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000)},
    }
    asking = asyncio.create_task(app.asgi(scope, receive, send))
    async with asyncio.timeout(20):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        process = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}")
        assert process.exists()
        gone.set()
        await asyncio.gather(asking, return_exceptions=True)
        while process.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
