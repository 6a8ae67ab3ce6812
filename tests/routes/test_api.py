import asyncio
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from server.models import ProjectId, Step, StepState
from server.storage.sharing import PortTable
from tests.support.app import ORIGIN, SILENT, App, run_locally, running_app

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PATIENCE = 30.0


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """The application while its engine is down: all but running must work."""
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[App]:
    """The application with real processes on this machine."""
    async with running_app(tmp_path, run_locally(tmp_path / "data" / "run", os.environ)) as app:
        yield app


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with app.client() as client:
        yield client


def assert_problem(response: httpx.Response, status: int, **extra: object) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == status
    assert {key: problem.get(key) for key in extra} == extra
    return problem


async def create(client: httpx.AsyncClient, **sent: object) -> dict[str, Any]:
    response = await client.post("/api/projects", json=sent)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def eventually(app: App, id: str, look: Callable[[], Awaitable[bool]]) -> None:
    """Look again at each event of the project until it is so."""
    async with asyncio.timeout(PATIENCE), app.services.workspaces.subscribe(ProjectId(id)) as events:
        while not await look():
            await events.next()


# ---- projects


async def test_create_answers_with_the_project_and_where_it_is(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/projects", json={"name": "Größe", "dependencies": {"express": "^4.18.2"}})

    assert response.status_code == 201
    project = response.json()
    assert set(project) == {"id", "name", "template", "status", "url", "createdAt"}
    assert response.headers["location"] == f"/api/projects/{project['id']}"
    assert project["url"] == f"{ORIGIN}/projects/{project['id']}"
    assert (project["name"], project["template"], project["status"]) == ("Größe", "node", "stopped")
    assert UTC_TIME.fullmatch(project["createdAt"])
    assert abs(datetime.fromisoformat(project["createdAt"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert (await client.get(response.headers["location"])).json() == project


async def test_projects_are_listed_newest_first(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/projects")).json() == []
    made = [(await create(client, name=name))["id"] for name in ("one", "two", "three")]
    listed = (await client.get("/api/projects")).json()
    assert [project["id"] for project in listed] == made[::-1]


async def test_the_url_is_that_of_the_host_that_was_asked(app: App) -> None:
    async with app.client(origin="https://ide.example.org") as client:
        project = await create(client)
    assert project["url"] == f"https://ide.example.org/projects/{project['id']}"


async def test_rename(client: httpx.AsyncClient) -> None:
    path = f"/api/projects/{(await create(client))['id']}"
    response = await client.patch(path, json={"name": " New "})
    assert (response.status_code, response.json()["name"]) == (200, "New")
    assert_problem(await client.patch(path, json={"name": "x" * 10_000}), 422, field="name")
    assert_problem(await client.patch(path, json={}), 422, field="name")
    assert (await client.get(path)).json()["name"] == "New"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "x" * 10_000}, "name"),
        ({"template": "cobol"}, "template"),
        ({"dependencies": {"express": "^4", "no such!": "1"}}, "dependencies.no such!"),
        ({"dependencies": {"express": "git+https://example.org/a.git"}}, "dependencies.express"),
        ({"dependencies": {f"p{number}": "1" for number in range(201)}}, "dependencies"),
        ({"source": "file:///etc"}, "source"),
    ],
)
async def test_what_can_not_be_accepted_is_named(
    app: App, client: httpx.AsyncClient, sent: dict[str, object], field: str
) -> None:
    assert_problem(await client.post("/api/projects", json=sent), 422, field=field)
    if "dependencies" in sent:
        assert_problem(await client.post("/create", json=sent), 422, field=field)
    assert (await client.get("/api/projects")).json() == []
    assert await asyncio.to_thread(os.listdir, app.settings.workspaces) == []


@pytest.mark.parametrize("path", ["/api/projects", "/create"])
async def test_bodies_that_are_no_json_object(client: httpx.AsyncClient, path: str) -> None:
    json_type = {"Content-Type": "application/json"}
    assert_problem(await client.post(path, content=b"{", headers=json_type), 400)
    assert_problem(await client.post(path, content=b"[]", headers=json_type), 400)
    assert_problem(await client.post(path, data={"name": "form"}), 400)
    assert_problem(await client.post(path, content=b" " * (1024 * 1024 + 1), headers=json_type), 413)
    assert (await client.get("/api/projects")).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/projects/{}"),
        ("PATCH", "/api/projects/{}"),
        ("DELETE", "/api/projects/{}"),
        ("POST", "/api/projects/{}/run"),
        ("POST", "/api/projects/{}/stop"),
        ("POST", "/api/projects/{}/restart"),
        ("GET", "/api/projects/{}/status"),
        ("GET", "/api/projects/{}/ports"),
        ("GET", "/api/projects/{}/terminals"),
        ("PATCH", "/api/projects/{}/terminals/main"),
        ("POST", "/run/{}"),
        ("POST", "/stop/{}"),
    ],
)
@pytest.mark.parametrize("id", ["unknown", "UPPER", "a", "x" * 300, "%2e%2e", "3000abc"])
async def test_an_unknown_project_is_404(client: httpx.AsyncClient, method: str, path: str, id: str) -> None:
    assert_problem(await client.request(method, path.format(id), json={"name": "x"}), 404)


async def test_a_stranger_is_401(app: App) -> None:
    async with app.client(token=None) as client:
        assert_problem(await client.get("/api/projects"), 401)
        assert_problem(await client.post("/create", json={}), 401)
        assert_problem(await client.get("/metrics"), 401)
    assert await app.services.projects.count() == 0


async def test_templates(client: httpx.AsyncClient) -> None:
    templates = (await client.get("/api/templates")).json()
    assert templates[0]["name"] == "node"
    assert all(set(item) == {"name", "title", "description", "dependencies"} for item in templates)
    assert {item["name"]: item["dependencies"] for item in templates}["python"] is False


# ---- what runs


async def test_a_project_runs_and_stops(local: App) -> None:
    async with local.client() as client:
        project = await create(client, template="python")
        path = f"/api/projects/{project['id']}"
        toml = '[run]\ninstall = false\ncommand = "exec sleep 1000"\n'
        await asyncio.to_thread((local.settings.workspaces / project["id"] / "hutch.toml").write_text, toml)
        stopped = (await client.get(f"{path}/status")).json()
        assert (stopped["state"], stopped["container"], stopped["steps"], stopped["ports"]) == (
            "stopped",
            False,
            [],
            [],
        )

        response = await client.post(f"{path}/run")
        assert response.status_code == 202

        async def runs() -> bool:
            return bool((await client.get(f"{path}/status")).json()["state"] == "running")

        await eventually(local, project["id"], runs)
        status = (await client.get(f"{path}/status")).json()
        assert status["container"] is True
        assert status["runtime"] == "local"
        app = next(step for step in status["steps"] if step["name"] == "app")
        assert app["state"] == "running" and UTC_TIME.fullmatch(app["startedAt"]) and app["endedAt"] is None
        assert status["usage"]["memoryLimit"] == 256 * 1024 * 1024
        assert status["usage"]["disk"] > 0
        assert (await client.get(path)).json()["status"] == "running"
        assert (await client.post(f"{path}/restart")).status_code == 202
        await eventually(local, project["id"], runs)

        response = await client.post(f"{path}/stop")
        assert response.status_code == 202
        assert response.json()["state"] in ("stopped", "exited")
        assert response.json()["container"] is True
        ended = (await client.post(f"{path}/stop?container=true")).json()
        assert (ended["state"], ended["container"]) == ("stopped", False)
        assert_problem(await client.post(f"{path}/stop?container=maybe"), 400)


async def test_the_calls_of_the_original(local: App) -> None:
    async with local.client() as client:
        response = await client.post("/create", json={"dependencies": {"express": "^4.18.2", "mongoose": "^7.6.0"}})
        assert response.status_code == 200
        assert set(response.json()) == {"projectId"}
        id = response.json()["projectId"]
        toml = '[run]\ninstall = false\ncommand = "exec sleep 1000"\n'
        await asyncio.to_thread((local.settings.workspaces / id / "hutch.toml").write_text, toml)

        response = await client.post(f"/run/{id}")
        assert response.status_code == 200
        assert set(response.json()) == {"message", "containerName"}
        assert response.json()["containerName"] == f"hutch-{id}"
        response = await client.post(f"/stop/{id}")
        assert (response.status_code, set(response.json())) == (200, {"message"})


async def test_delete_ends_what_runs_and_leaves_nothing(local: App) -> None:
    async with local.client() as client:
        project = await create(client, template="python")
        path = f"/api/projects/{project['id']}"
        assert (await client.post(f"{path}/run")).status_code == 202
        response = await client.delete(path)
        assert (response.status_code, response.content) == (204, b"")
        assert_problem(await client.get(path), 404)
        assert_problem(await client.delete(path), 404)
    assert await asyncio.to_thread(os.listdir, local.settings.workspaces) == []
    assert await asyncio.to_thread(os.listdir, local.settings.data / "run") == []


async def test_ports_come_with_the_url_of_their_preview(local: App) -> None:
    async with local.client() as client:
        project = await create(client, template="python")
        path = f"/api/projects/{project['id']}"
        toml = '[run]\ncommand = "exec python3 -m http.server --bind 127.0.0.1 0"\n'
        await asyncio.to_thread((local.settings.workspaces / project["id"] / "hutch.toml").write_text, toml)
        await client.post(f"{path}/run")

        async def listens() -> bool:
            return any(port["http"] for port in (await client.get(f"{path}/ports")).json())

        await eventually(local, project["id"], listens)
        [port] = (await client.get(f"{path}/ports")).json()
        assert set(port) == {"port", "address", "process", "http", "url", "visibility"}
        assert port["address"] == "127.0.0.1"
        assert port["url"] == f"http://{port['port']}-{project['id']}.preview.localhost:8000/"
        assert (await client.get(f"{path}/status")).json()["ports"] == [port]
        assert (await client.get(f"{path}/terminals")).json() == []


async def test_a_port_is_public_until_the_container_is_started_anew(local: App) -> None:
    async with local.client() as client:
        project = await create(client, template="python")
        path = f"/api/projects/{project['id']}"
        public = {"visibility": "public"}
        refused = assert_problem(await client.put(f"{path}/ports/8080", json=public), 409)
        assert "does not run" in refused["detail"]
        await client.post(f"{path}/run")
        response = await client.put(f"{path}/ports/8080", json=public)
        url = f"http://8080-{project['id']}.preview.localhost:8000/"
        assert (response.status_code, response.json()) == (200, {"port": 8080, **public, "url": url})

        await client.post(f"{path}/restart")
        assert await local.services.sharing.is_public(project["id"], 8080), "the app is another, the container is not"
        await client.post(f"{path}/stop?container=true")
        await client.post(f"{path}/run")
        assert not await local.services.sharing.is_public(project["id"], 8080)
        await client.put(f"{path}/ports/8080", json=public)
        assert (await client.delete(path)).status_code == 204
        assert await PortTable(local.database).of(project["id"]) == {}


@pytest.mark.parametrize(
    ("port", "body", "status", "words"),
    [
        ("8080", {"visibility": "everyone"}, 422, "private or public"),
        ("8080", {"visibility": ["public"]}, 422, "private or public"),
        ("8080", {}, 422, "private or public"),
        ("8080", {"visibility": "organisation"}, 422, "come with accounts"),
        ("0", {"visibility": "public"}, 404, "1 to 65535"),
        ("08080", {"visibility": "public"}, 404, "1 to 65535"),
        ("65536", {"visibility": "public"}, 404, "1 to 65535"),
    ],
)
async def test_only_a_port_has_a_visibility(
    client: httpx.AsyncClient, port: str, body: dict[str, Any], status: int, words: str
) -> None:
    project = await create(client)
    response = await client.put(f"/api/projects/{project['id']}/ports/{port}", json=body)
    assert words in assert_problem(response, status)["detail"]


async def test_without_an_engine_all_but_running_works(client: httpx.AsyncClient) -> None:
    project = await create(client)
    path = f"/api/projects/{project['id']}"
    for call in (f"{path}/run", f"/run/{project['id']}"):
        assert assert_problem(await client.post(call), 503)["detail"] == SILENT
    status = (await client.get(f"{path}/status")).json()
    assert (status["state"], status["detail"]) == ("failed", SILENT)
    assert_problem(await client.delete(path), 503)
    assert (await client.get(path)).status_code == 200


async def test_a_broken_hutch_toml_is_told_at_run(app: App, client: httpx.AsyncClient) -> None:
    project = await create(client)
    toml = app.settings.workspaces / project["id"] / "hutch.toml"
    await asyncio.to_thread(toml.write_text, "[run]\nport = 0\n")
    problem = assert_problem(await client.post(f"/api/projects/{project['id']}/run"), 422, field="run.port", line=2)
    assert "line 2" in problem["detail"]


# ---- health


async def test_it_lives_and_is_ready_for_anyone(app: App) -> None:
    async with app.client(token=None) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        response = await client.get("/readyz")
        assert response.status_code == 200
        assert response.json()["runtime"] == {"name": "docker", "ready": False, "detail": SILENT}


async def test_it_is_not_ready_when_the_database_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.database.BUSY_TIMEOUT", 50)
    async with running_app(tmp_path) as app, app.client(token=None) as client:
        other = sqlite3.connect(app.settings.data / "hutch.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_problem(await client.get("/readyz"), 503)
        assert (await client.get("/healthz")).status_code == 200
        other.close()
        assert (await client.get("/readyz")).status_code == 200


async def test_metrics_are_in_the_text_format(client: httpx.AsyncClient) -> None:
    await create(client)
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in response.text.splitlines():
        if not line.startswith("#"):
            found = re.fullmatch(r"([a-z_]+)(\{[^}]*\})? (\S+)", line)
            assert found, line
            samples[found[1]] = float(found[3])
            name = re.sub("_(bucket|sum|count)$", "", found[1])
            assert f"# TYPE {name} " in response.text and f"# HELP {name} " in response.text
    assert samples["hutch_projects"] == 1
    assert samples["hutch_projects_running"] == 0
    assert samples["hutch_info"] == 1
    assert samples["process_resident_memory_bytes"] > 1_000_000
    assert samples["process_open_fds"] > 3


async def test_a_failure_of_the_database_has_no_inner_words(app: App, client: httpx.AsyncClient) -> None:
    async with app.database.transaction() as connection:
        await connection.execute(text("DROP TABLE projects"))
    problem = assert_problem(await client.get("/api/projects"), 503)
    assert "projects" not in problem["detail"]


async def test_a_project_that_is_being_filled_is_not_run_yet(app: App, client: httpx.AsyncClient, project: str) -> None:
    id = ProjectId(project)
    app.services.workspaces.set_preparing(id, Step("clone", StepState.RUNNING, detail="Receiving objects: 12 %"))
    status = (await client.get(f"/api/projects/{id}/status")).json()
    assert (status["state"], status["steps"][0]["detail"]) == ("starting", "Receiving objects: 12 %")
    refused = assert_problem(await client.post(f"/api/projects/{id}/run"), 409)
    assert "still being filled" in refused["detail"]
    app.services.workspaces.set_preparing(id, Step("clone", StepState.FAILED, detail="no such repository"))
    assert (await client.get(f"/api/projects/{id}/status")).json()["state"] == "failed"
    await client.post(f"/api/projects/{id}/run")
    assert "clone" not in [step["name"] for step in (await client.get(f"/api/projects/{id}/status")).json()["steps"]]
