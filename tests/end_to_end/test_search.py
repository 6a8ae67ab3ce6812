"""Search in files: by ripgrep in a project that runs, by the server's walk in one that does not; the answers agree."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import Server, wait_for

FILES = {
    "src/app.js": "const answer = 42;\r\nfunction Answer() {}\r\n",
    "src/deep/notes.txt": "the answer is here\nnot there\nanswers\n",
    ".env": "ANSWER=yes\n",
    ".gitignore": "node_modules\n",
    "node_modules/x/index.js": "answer\n",
    "--weird.txt": "a line with -e and --answer in it\n",
    "smile.txt": "😀 answer 😀 answer\n",
    "<b>.html": "answer <script>\n",
}


@pytest.fixture(
    scope="module",
    params=[
        *(pytest.param(kind, marks=pytest.mark.engine) for kind in ("docker", "docker-stopped")),
        "local",
        "local-stopped",
    ],
)
def kind(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def client(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("search")
    folder.chmod(0o755)
    with Server(folder, kind.removesuffix("-stopped")) as server, server.client() as client:
        yield client


@pytest.fixture(scope="module")
def base(client: httpx.Client, kind: str) -> str:
    project = client.post("/api/projects", json={}).raise_for_status().json()["id"]
    base = f"/api/projects/{project}"
    client.delete(f"{base}/files/index.js")
    write(client, base, {**FILES, "hutch.toml": '[run]\ncommand = "sleep 1000"\ninstall = ""\n'})
    if not kind.endswith("-stopped"):
        client.post(f"{base}/run").raise_for_status()
        wait_for("the container", lambda: client.get(f"{base}/status").json()["container"], 60)
    return base


def write(client: httpx.Client, base: str, files: dict[str, str]) -> None:
    for path, text in files.items():
        client.put(f"{base}/files/{path}", content=text.encode()).raise_for_status()


def found(client: httpx.Client, base: str, **query: Any) -> tuple[dict[str, list[int]], dict[str, Any]]:
    """The lines found in each file, and the end."""
    answer = client.get(f"{base}/search", params=query).raise_for_status()
    assert answer.headers["content-type"] == "application/x-ndjson"
    *matches, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end["type"] == "end" and all(match["type"] == "match" for match in matches)
    lines: dict[str, list[int]] = {}
    for match in matches:
        lines.setdefault(match["path"], []).append(match["line"])
    return lines, end


def test_what_is_found_by_each_option(client: httpx.Client, base: str, kind: str) -> None:
    lines, end = found(client, base, q="answer")
    assert lines == {
        "src/app.js": [1, 2],
        "src/deep/notes.txt": [1, 3],
        ".env": [1],
        "--weird.txt": [1],
        "smile.txt": [1],
        "<b>.html": [1],
    }
    assert (end["matches"], end["files"], end["stopped"]) == (9, 6, None)
    assert (end["note"] is None) is not kind.endswith("-stopped")
    assert found(client, base, q="answer", case="true", word="true", include="src")[0] == {
        "src/app.js": [1],
        "src/deep/notes.txt": [1],
    }
    assert found(client, base, q=r"^\w+ Answer\(\) \{\}$", regex="true", case="true")[0] == {"src/app.js": [2]}
    assert found(client, base, q="answer", include="*.txt", exclude="deep, smile.*")[0] == {"--weird.txt": [1]}
    assert found(client, base, q="answer", include="node_modules", ignored="true")[0] == {
        "node_modules/x/index.js": [1]
    }
    assert found(client, base, q="no such words")[0] == {}


@pytest.mark.parametrize("text", ["-e", "--answer", "--help", "$(reboot)", "'", "<script>"])
def test_what_looks_like_an_option_or_a_command_is_text(client: httpx.Client, base: str, text: str) -> None:
    expected = {"-e": "--weird.txt", "--answer": "--weird.txt", "<script>": "<b>.html"}
    lines, _ = found(client, base, q=text)
    assert list(lines) == ([expected[text]] if text in expected else [])


def test_places_are_counted_as_an_editor_does(client: httpx.Client, base: str) -> None:
    write(client, base, {"long.txt": "x" * 5000 + "needle" + "y" * 5000})
    first = json.loads(client.get(f"{base}/search", params={"q": "answer", "include": "smile.txt"}).text.split("\n")[0])
    assert (first["column"], first["ranges"], first["text"]) == (4, [[3, 9], [13, 19]], "😀 answer 😀 answer")
    cut = json.loads(client.get(f"{base}/search", params={"q": "needle"}).text.split("\n")[0])
    assert (cut["column"], cut["ranges"], len(cut["text"])) == (5001, [[5000, 5006]], 400)
    start = 5000 - cut["skipped"]
    assert cut["text"][start : start + 6] == "needle"


@pytest.mark.parametrize(
    ("query", "words"), [({"q": "(", "regex": "true"}, "pattern is not valid"), ({"q": ""}, "q must be")]
)
def test_a_wrong_pattern_is_told_in_a_sentence(
    client: httpx.Client, base: str, query: dict[str, str], words: str
) -> None:
    answer = client.get(f"{base}/search", params=query)
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_the_answer_is_bounded_and_says_so(client: httpx.Client, base: str) -> None:
    write(client, base, {"many.txt": "x\n" * 20_000, "one-line.txt": "abc" * 1_000_000})
    lines, end = found(client, base, q="x", include="many.txt")
    assert len(lines["many.txt"]) == 10_000 == end["matches"] and "There is more" in end["stopped"]
    assert list(found(client, base, q="abc")[0]) == ["one-line.txt"]
    for path in ("many.txt", "one-line.txt"):
        client.delete(f"{base}/files/{path}").raise_for_status()


def test_a_pattern_that_takes_for_ever_is_ended_and_stops_nobody(client: httpx.Client, base: str) -> None:
    write(client, base, {"slow.txt": "a" * 40 + "!"})
    began = time.monotonic()
    with client.stream("GET", f"{base}/search", params={"q": "(a+)+$", "regex": "true"}) as answer:
        # Python's own matching would hold up every other request meanwhile.
        assert client.get("/healthz").status_code == 200
        assert answer.status_code == 200 or time.monotonic() - began < 60
