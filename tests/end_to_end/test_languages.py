"""Language servers of the projects' image, in a container under the usual limits."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.support.language import LanguageClient
from tests.support.server import Server, start_project, wait_for

pytestmark = pytest.mark.engine

FILES = {
    "people.ts": "export interface Person { name: string }\n"
    "export function greet(person: Person): string { return person.name }\n",
    "shapes.py": "class Circle:\n    def area(self) -> float:\n        return 3.0\n",
}
MAIN_TS = 'import { greet } from "./people";\nconst count: number = greet({ name: "A" });\ngreet({ name: "A" }).to\n'
MAIN_PY = "import os\nfrom shapes import Circle\nCircle().are\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("languages")
    folder.chmod(0o755)
    with Server(folder, "docker") as server:
        yield server


@pytest.fixture(scope="module")
def project(server: Server) -> str:
    project = start_project(server)
    with server.client() as client:
        for path, text in FILES.items():
            client.put(f"/api/projects/{project}/files/{path}", content=text).raise_for_status()
    return project


async def failure(client: LanguageClient, words: str) -> tuple[int | None, float | None]:
    """The close code and after how many seconds to come back, of a failure whose reason has these words."""
    while (message := await client.read())["method"] != "hutch/failed":
        pass
    assert words in message["params"]["reason"]
    await client.socket.wait_closed()
    return client.socket.close_code, message["params"]["retryAfter"]


def labels(completion: Any) -> list[str]:
    return [item["label"] for item in (completion if isinstance(completion, list) else completion["items"])]


def target(definition: Any) -> tuple[str, int]:
    """Path and line of the one place."""
    [place] = definition if isinstance(definition, list) else [definition]
    return place["uri"].rpartition("/")[2], place["range"]["start"]["line"]


async def test_typescript(server: Server, project: str) -> None:
    async with LanguageClient(server, project, "typescript") as client:
        assert client.first["method"] == "hutch/started", client.first
        assert client.first["params"] == {"rootUri": "file:///workspace", "command": "tsgo --lsp --stdio"}
        await client.initialize()
        await client.open("main.ts", "typescript", MAIN_TS)
        assert any(
            "'string' is not assignable to type 'number'" in said for said in await client.diagnostics("main.ts")
        )
        assert "toUpperCase" in labels(await client.ask("textDocument/completion", **client.at("main.ts", 2, 23)))
        assert target(await client.ask("textDocument/definition", **client.at("main.ts", 2, 2))) == ("people.ts", 1)


async def test_a_change_of_another_file_is_seen(server: Server, project: str) -> None:
    """By a server that tells diagnostics only when asked, in the file that was not changed."""
    async with LanguageClient(server, project, "javascript") as client:
        await client.initialize()
        await client.open("user.ts", "typescript", 'import { gone } from "./other";\nexport const used = gone;\n')
        assert any("'./other'" in said for said in await client.diagnostics("user.ts"))
        await client.open("other.ts", "typescript", "export const gone = 1;\n")
        while await client.diagnostics("user.ts"):
            pass


async def test_python(server: Server, project: str) -> None:
    async with LanguageClient(server, project, "python") as client:
        assert client.first["params"] == {"rootUri": "file:///workspace", "command": "pylsp"}
        await client.initialize()
        await client.open("main.py", "python", MAIN_PY)
        assert any("'os' imported but unused" in said for said in await client.diagnostics("main.py"))
        assert "area()" in labels(await client.ask("textDocument/completion", **client.at("main.py", 2, 12)))
        assert target(await client.ask("textDocument/definition", **client.at("main.py", 2, 2))) == ("shapes.py", 0)
        await client.open("untidy.py", "python", 'x = {  "a":1 }\n')
        edits = await client.ask("textDocument/formatting", textDocument={"uri": client.uri("untidy.py")}, options={})
        assert 'x = {"a": 1}\n' in [edit["newText"] for edit in edits]


@pytest.mark.parametrize(
    ("language", "text", "problem", "place", "offered"),
    [
        ("html", "<p>\n<di\n", None, (1, 3), "div"),
        ("css", "a { colr: red }\na { disp }\n", "Unknown property: 'colr'", (1, 8), "display"),
        ("json", '{"a": 1,}\n', "Trailing comma", None, None),
    ],
)
async def test_pages_and_data(
    server: Server,
    project: str,
    language: str,
    text: str,
    problem: str | None,
    place: tuple[int, int] | None,
    offered: str | None,
) -> None:
    async with LanguageClient(server, project, language) as client:
        assert client.first["params"]["command"] == f"vscode-{language}-language-server --stdio"
        await client.initialize()
        await client.open(f"a.{language}", language, text)
        if problem:
            assert problem in await client.diagnostics(f"a.{language}")
        if place:
            assert offered in labels(await client.ask("textDocument/completion", **client.at(f"a.{language}", *place)))


async def test_a_closed_socket_leaves_no_process(server: Server, project: str) -> None:
    def inside(script: str) -> str:
        command = ["docker", "exec", f"hutch-{project}", "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def running() -> str:
        return inside("ps -eo args")

    async with LanguageClient(server, project, "python") as client:
        await client.initialize()
        await client.open("main.py", "python", MAIN_PY)
        await client.ask("textDocument/completion", **client.at("main.py", 2, 12))
        # A process of its own, which looks into the project's modules.
        assert "pylsp" in running() and "jedi" in running()
        # Whom the kernel takes when memory is gone.
        scores = inside("cat /proc/$(pgrep -nf [b]in/pylsp)/oom_score_adj /proc/1/oom_score_adj")
        assert scores.split() == ["1000", "500"]
    wait_for("the end of both", lambda: "pylsp" not in running() and "jedi" not in running(), 5)


@pytest.mark.parametrize(
    ("frame", "code", "words"),
    [("{", 4400, "one JSON-RPC object"), (b"{}", 4400, "in a text frame"), (" " * 5_000_000, 1009, "at most")],
)
async def test_what_is_no_message_is_refused_with_a_sentence(
    server: Server, project: str, frame: str | bytes, code: int, words: str
) -> None:
    async with LanguageClient(server, project, "python") as client:
        await client.socket.send(frame)
        assert await failure(client, words) == (code, None)


async def test_a_server_that_is_not_there_is_told_with_advice(server: Server, project: str) -> None:
    async with LanguageClient(server, project, "nix") as client:
        assert "flake.nix" in client.first["params"]["advice"]
        assert client.first["params"]["retryAfter"] is None
        await client.socket.wait_closed()
        assert client.socket.close_code == 4404


async def test_strangers_and_projects_that_do_not_run_get_none(server: Server, project: str) -> None:
    with server.client() as client:
        idle = client.post("/api/projects", json={}).json()["id"]
    for address, token, code in (
        (f"{project}/lsp/python", "not the token", 4401),
        (f"{idle}/lsp/python", server.token, 4409),
        ("nosuchproject/lsp/python", server.token, 4404),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(f"ws{server.url[4:]}/api/projects/{address}", additional_headers=headers) as socket:
            await socket.wait_closed()
            assert socket.close_code == code


async def test_a_project_whose_memory_is_taken_gets_none(server: Server) -> None:
    """230 of its 256 MiB: what the container says of itself counts."""
    project = start_project(server, "exec python3 -c 'x = b\"x\" * 230_000_000; import time; time.sleep(10000)'")
    with server.client() as client:
        status = f"/api/projects/{project}/status"
        wait_for("its memory", lambda: client.get(status).json()["usage"]["memory"] > 230_000_000)
    async with LanguageClient(server, project, "python") as client_:
        assert "of the project's memory is in use" in client_.first["params"]["reason"]
        assert client_.first["params"]["retryAfter"] == 60
