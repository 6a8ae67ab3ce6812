"""Language servers of the projects' image, in a container under the usual limits."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.language import LanguageClient
from tests.support.server import Server, start_project

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


async def test_python(server: Server, project: str) -> None:
    async with LanguageClient(server, project, "python") as client:
        assert client.first["params"] == {"rootUri": "file:///workspace", "command": "pylsp"}
        await client.initialize()
        await client.open("main.py", "python", MAIN_PY)
        assert any("'os' imported but unused" in said for said in await client.diagnostics("main.py"))
        assert "area()" in labels(await client.ask("textDocument/completion", **client.at("main.py", 2, 12)))
        assert target(await client.ask("textDocument/definition", **client.at("main.py", 2, 2))) == ("shapes.py", 0)
