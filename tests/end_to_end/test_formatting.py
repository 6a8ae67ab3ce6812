"""Formatting by what a project has, here a formatter that also does what none should."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import Server, wait_for

# Does what its text says.
FORMATTER = r"""#!/bin/sh
text=$(cat; echo .)
case $text in
  where*) printf '%s\n' "${PWD##*/}" "$@" ;;
  wrong*) printf '\n\033[31m[error]\033[0m a.js: SyntaxError: no such word (1:1) ━━━\n> 1 | wrong\n' >&2; exit 2 ;;
  nixfmt*) printf '<stdin>:1:13:\n  |\n1 | { outputs = ;\n  |             ^\nunexpected ";"\nexpecting\n' >&2; exit 1 ;;
  alejandra*) printf '\nFailed! 1 error found at:\n- <anonymous file on stdin>: unexpected end of file\n' >&2; exit 1 ;;
  colon*) echo 'nothing follows:' >&2; exit 1 ;;
  empty*) ;;
  bytes*) printf '\377' ;;
  flood*) head -c 5000000 /dev/zero | tr '\0' x ;;
  hang*) sleep 1000 ;;
  killed*) kill -9 $$ ;;
  *) echo begin >>order.txt; sleep 0.1; echo end >>order.txt; printf '%s\n' "${text%.}" ;;
esac
"""


def install(folder: Path, name: str = "prettier") -> None:
    place = folder / "node_modules" / ".bin" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(FORMATTER)
    place.chmod(0o755)


@pytest.fixture(scope="module")
def project(lasting_server: Server, idle_project: str) -> str:
    with lasting_server.client() as client:
        wait_for("the container", lambda: client.get(f"/api/projects/{idle_project}/status").json()["container"])
    return idle_project


@pytest.fixture
def folder(lasting_server: Server, project: str) -> Path:
    return lasting_server.folder / "workspaces" / project


@pytest.fixture
def client(lasting_server: Server, project: str) -> Iterator[httpx.Client]:
    with lasting_server.client(params={}) as client:
        client.base_url = httpx.URL(f"{lasting_server.url}/api/projects/{project}/")
        yield client


def write(client: httpx.Client, **files: str) -> None:
    for path, text in files.items():
        client.put(f"files/{path}", content=text.encode()).raise_for_status()


def formatted(client: httpx.Client, path: str, text: str) -> Any:
    return client.post("format", params={"path": path}, content=text.encode())


def test_the_nearest_file_that_names_a_formatter_decides(client: httpx.Client) -> None:
    def chosen(path: str) -> Any:
        answer = client.get("format", params={"path": path}).raise_for_status().json()
        return answer["formatter"], answer["source"]

    assert chosen("a.js") == chosen("a.txt") == chosen("lib/a.py") == (None, None)
    settings = {
        "package.json": '{"devDependencies": {"prettier": "3"}}',
        "web/biome.json": "{}",
        "half/package.json": '{"prettier": ',
        "pyproject.toml": "[tool.black]\n[tool.ruff]\n",
        "new/pyproject.toml": "[tool.ruff.format]\n[tool.black]\n",
        "go/go.mod": "module x\n",
        "flake.nix": "{ outputs = _: { formatter.x = pkgs.alejandra; }; }\n",
    }
    write(client, **settings)
    assert chosen("a.js") == chosen("half/a.css") == ("prettier", "package.json")
    assert chosen("web/src/a.ts") == ("biome", "web/biome.json")
    assert chosen("web/README.md") == ("prettier", "package.json")
    assert chosen("lib/a.py") == ("black", "pyproject.toml")
    assert chosen("new/a.py") == ("ruff", "new/pyproject.toml")
    assert chosen("go/x/a.go") == ("gofmt", "go/go.mod")
    assert chosen("flake.nix") == ("alejandra", "flake.nix")
    write(client, **{".prettierrc": "{}", "web/.prettierrc.json": "{}"})
    assert chosen("a.js") == ("prettier", ".prettierrc")
    assert chosen("web/a.ts") == ("prettier", "web/.prettierrc.json")
    for path in (*settings, ".prettierrc", "web/.prettierrc.json"):
        client.delete(f"files/{path}").raise_for_status()


def test_a_formatter_gets_the_text_and_tells_what_it_thinks_of_it(client: httpx.Client, folder: Path) -> None:
    absent = formatted(client, "a.js", "text")
    assert absent.status_code == 404 and "prettier or biome would do" in absent.json()["detail"]
    write(client, **{"web/.prettierrc": "{}"})
    absent = formatted(client, "web/a.js", "text")
    assert absent.status_code == 404 and "web/.prettierrc asks for prettier" in absent.json()["detail"]
    assert formatted(client, "a.unknown", "text").status_code == 404
    assert formatted(client, "../a.js", "text").status_code == 400
    install(folder)
    assert formatted(client, "web/sub/a.js", "tëxt\n").json() == {"text": "tëxt\n\n", "formatter": "prettier"}
    named = formatted(client, "web/sub/-$(reboot) a.js", "where").json()["text"]
    assert named == "web\n--stdin-filepath=sub/-$(reboot) a.js\n"
    for text, status, words in (
        ("wrong", 422, "prettier: a.js: SyntaxError: no such word (1:1)"),
        ("nixfmt", 422, 'prettier: <stdin>:1:13: unexpected ";"'),
        ("alejandra", 422, "prettier: Failed! 1 error found at: <anonymous file on stdin>: unexpected end of file"),
        ("colon", 422, "prettier: nothing follows:"),
        ("empty", 422, "prettier: it gave nothing back"),
        ("bytes", 422, "prettier: what it gave back is no UTF-8"),
        ("flood", 413, "prettier makes more than"),
        ("killed", 503, "prettier was ended"),
    ):
        answer = formatted(client, "web/a.js", text)
        assert (answer.status_code, answer.json()["detail"][: len(words)]) == (status, words)
    assert formatted(client, "a.js", "x" * (2 * 1024 * 1024 + 1)).status_code == 413
    assert formatted(client, "a.js", "").json()["text"] == "\n"


def test_one_after_the_other_works_for_a_project(client: httpx.Client, folder: Path) -> None:
    install(folder)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(formatted, client, "a.js", f"text {number}") for number in range(4)]
        assert [answer.result().json()["text"] for answer in answers] == [f"text {number}\n" for number in range(4)]
    order = (folder / "order.txt").read_text().split()
    assert order[-8:] == ["begin", "end"] * 4


@pytest.mark.parametrize("lasting_server", ["local"], indirect=True)
def test_one_that_takes_for_ever_is_ended(client: httpx.Client, folder: Path) -> None:
    install(folder)
    answer = formatted(client, "a.js", "hang")
    assert answer.status_code == 504 and "prettier took longer than 5 s" in answer.json()["detail"]
