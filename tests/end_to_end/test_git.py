"""Git over HTTP: the real one, in the project's container or on this machine, with bare repositories as remotes."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.git_remote import repository_over_http
from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal

SECRET = "token-of-the-test"


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.engine), "local"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("git")
    folder.chmod(0o755)
    with Server(folder, request.param) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        client.put("/api/git/identity", json={"name": "Ada", "email": "ada@example.org"}).raise_for_status()
        yield client


class Project:
    """A project and what is asked of its Git."""

    def __init__(self, server: Server, client: httpx.Client, id: str) -> None:
        self.server, self.client, self.id = server, client, id
        self.base = f"/api/projects/{id}"
        self.numbers = itertools.count()

    def write(self, path: str, content: str | bytes) -> None:
        self.client.put(f"{self.base}/files/{path}", content=content).raise_for_status()

    def read(self, path: str) -> str:
        return self.client.get(f"{self.base}/files/{path}").raise_for_status().text

    def get(self, route: str, /, **query: Any) -> Any:
        return self.client.get(f"{self.base}/git{route}", params=query).raise_for_status().json()

    def ask(self, route: str, /, **body: Any) -> httpx.Response:
        return self.client.post(f"{self.base}/git{route}", json=body)

    def post(self, route: str, /, **body: Any) -> Any:
        answer = self.ask(route, **body)
        assert answer.is_success, answer.text
        return answer.json()

    def changes(self) -> dict[str, str]:
        return {item["path"]: item["index"] + item["worktree"] for item in self.get("")["changes"]}

    def shell(self, command: str) -> str:
        """What a command prints in a terminal of the project."""

        async def run() -> str:
            async with Terminal(
                self.server, self.id, f"terminals/git{next(self.numbers)}?cols=500&rows=50"
            ) as terminal:
                await terminal.type(f"{command}; echo do''ne\n")
                return await terminal.read_until("done\r\n", 60)

        return asyncio.run(run())


@pytest.fixture
def project(server: Server, client: httpx.Client) -> Project:
    """An empty repository in a container that runs."""
    project = Project(server, client, client.post("/api/projects", json={}).raise_for_status().json()["id"])
    for entry in client.get(f"{project.base}/tree").json():
        client.delete(f"{project.base}/files/{entry['path']}").raise_for_status()
    client.post(f"{project.base}/start").raise_for_status()
    assert project.get("")["repository"] is False
    assert project.post("/init")["branch"]["name"] == "main"
    return project


def test_from_a_change_to_a_commit(project: Project) -> None:
    names = ["a.txt", "-rf", "two words.txt", "ünïcödé.txt", "line\nbreak.txt", "*.txt"]
    for name in names:
        project.write(name.replace("\n", "%0A").replace("*", "%2A"), f"{name}\n")
    assert project.changes() == dict.fromkeys(names, ".?")
    # A name that is a pattern stands for itself alone.
    project.post("/stage", paths=["*.txt"])
    assert project.changes()["*.txt"] == "A." and project.changes()["a.txt"] == ".?"
    project.post("/stage", paths=names)
    project.post("/unstage", paths=["a.txt"])
    assert project.changes()["a.txt"] == ".?"
    project.post("/stage", paths=["a.txt"])
    assert project.ask("/commit", message="  ").status_code == 422
    id = project.post("/commit", message="First\n\nWith a body")["id"]
    (commit,) = project.get("/log")
    assert (commit["id"], commit["author"], commit["email"]) == (id, "Ada", "ada@example.org")
    assert commit["subject"] == "First"
    assert project.changes() == {}
    project.write("a.txt", "changed\n")
    assert project.client.get(f"{project.base}/git/file", params={"path": "a.txt"}).text == "a.txt\n"
    project.post("/discard", paths=["a.txt"])
    assert project.read("a.txt") == "a.txt\n"
    (line,) = project.get("/blame", path="a.txt")
    assert (line["author"], line["summary"], line["commit"]) == ("Ada", "First", id)


def test_a_part_of_a_file_is_staged_by_itself(project: Project) -> None:
    lines = [f"line {number}" for number in range(40)]
    project.write("file.txt", "\n".join(lines) + "\n")
    project.post("/stage", paths=["file.txt"])
    project.post("/commit", message="Lines")
    lines[2], lines[20], lines[39] = "second", "twentieth", "last"
    project.write("file.txt", "\n".join(lines) + "\n")
    first, second, third = project.get("/diff", path="file.txt")["hunks"]
    project.post("/hunk", path="file.txt", hunk=second["id"], action="stage")
    assert project.changes() == {"file.txt": "MM"}
    (staged,) = project.get("/diff", path="file.txt", staged="true")["hunks"]
    assert "+twentieth" in staged["text"] and "second" not in staged["text"]
    # Its number has changed, its name has not.
    project.post("/hunk", path="file.txt", hunk=third["id"], action="discard")
    assert project.read("file.txt").endswith("line 39\n")
    refused = project.ask("/hunk", path="file.txt", hunk=third["id"], action="stage")
    assert refused.status_code == 409 and "changed meanwhile" in refused.json()["detail"]
    project.post("/hunk", path="file.txt", hunk=staged["id"], action="unstage")
    assert project.changes() == {"file.txt": ".M"}
    assert [hunk["id"] for hunk in project.get("/diff", path="file.txt")["hunks"]] == [first["id"], second["id"]]


def test_a_change_keeps_bytes_that_are_no_utf8(project: Project) -> None:
    project.write("latin.txt", b"caf\xe9\n")
    project.post("/stage", paths=["latin.txt"])
    project.post("/commit", message="Latin")
    project.write("latin.txt", b"caf\xe9 \xdf\n")
    (hunk,) = project.get("/diff", path="latin.txt")["hunks"]
    assert hunk["text"].encode(errors="surrogateescape").splitlines()[1:] == [b"-caf\xe9", b"+caf\xe9 \xdf"]
    project.post("/hunk", path="latin.txt", hunk=hunk["id"], action="discard")
    assert project.client.get(f"{project.base}/files/latin.txt").content == b"caf\xe9\n"


def test_branches_and_a_remote_on_the_disk(project: Project) -> None:
    project.write("a.txt", "one\n")
    project.post("/stage", paths=["a.txt"])
    project.post("/commit", message="One")
    refused = project.ask("/push")
    assert refused.status_code == 409 and refused.json()["reason"] == "remote"
    project.shell("git init -q --bare /tmp/$HUTCH_PROJECT.git; git remote add origin /tmp/$HUTCH_PROJECT.git")
    project.post("/push")
    assert project.get("")["branch"] | {"commit": ""} == {
        "name": "main", "commit": "", "upstream": "origin/main", "ahead": 0, "behind": 0
    }  # fmt: skip
    for name in ("-x", "a b", "a..b", "", "@{-1}"):
        assert project.ask("/switch", name=name).status_code == 422
    project.post("/branches", name="topic/one")
    project.write("a.txt", "two\n")
    project.post("/stage", paths=["a.txt"])
    project.post("/commit", message="Two")
    project.post("/push")
    project.post("/switch", name="main")
    assert project.read("a.txt") == "one\n"
    names = {branch["name"]: branch["current"] for branch in project.get("/branches")}
    assert names == {"main": True, "topic/one": False, "origin/main": False, "origin/topic/one": False}
    clone = "cd /tmp && rm -rf other-$HUTCH_PROJECT && git clone -q $HUTCH_PROJECT.git other-$HUTCH_PROJECT"
    commit = "git -c user.name=B -c user.email=b@b commit -qam Theirs && git push -q"
    project.shell(f"({clone} && cd other-$HUTCH_PROJECT && git switch -q main && echo theirs > a.txt && {commit})")
    project.post("/fetch")
    assert project.get("")["branch"]["behind"] == 1
    project.post("/pull")
    assert project.read("a.txt") == "theirs\n"
    project.write("a.txt", "unsaved\n")
    refused = project.ask("/switch", name="topic/one")
    assert refused.status_code == 409 and "overwritten by checkout: a.txt" in refused.json()["detail"]


def commit(project: Project, text: str, message: str) -> str:
    """Commit a.txt with this text; the commit's id."""
    project.write("a.txt", text)
    project.post("/stage", paths=["a.txt"])
    id: str = project.post("/commit", message=message)["id"]
    return id


def waiting(project: Project) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """What is under way, and the files that are in conflict."""
    status = project.get("")
    return status["operation"], {
        item["path"]: item["index"] + item["worktree"] for item in status["changes"] if item["conflict"]
    }


def test_a_pull_that_meets_conflicts_is_given_up_or_ended(project: Project) -> None:
    commit(project, "one\n", "One")
    bare = "/tmp/$HUTCH_PROJECT.git"
    project.shell(f"git init -q --bare {bare}; git remote add origin {bare}")
    project.post("/push")
    theirs = "git clone -q $HUTCH_PROJECT.git theirs-$HUTCH_PROJECT && cd theirs-$HUTCH_PROJECT && git switch -q main"
    author = "git -c user.name=B -c user.email=b@b"
    project.shell(f"(cd /tmp && {theirs} && echo theirs > a.txt && {author} commit -qam Theirs && git push -q)")
    mine = commit(project, "mine\n", "Mine")
    assert waiting(project) == (None, {})
    assert "nothing is under way" in project.ask("/operation", action="continue").json()["detail"]
    assert project.ask("/operation", action="quit").status_code == 422

    refused = project.ask("/pull")
    assert refused.status_code == 409 and "Merge conflict in a.txt" in refused.json()["detail"]
    project.write("new.txt", "new\n")
    merge = {"kind": "merge", "subject": "main", "step": None, "steps": None}
    assert waiting(project) == (merge, {"a.txt": "UU"})
    assert "<<<<<<<" in project.read("a.txt")
    refused = project.ask("/operation", action="continue")
    assert refused.status_code == 409 and "conflicts left" in refused.json()["detail"]
    assert project.post("/operation", action="abort")["operation"] is None
    assert project.read("a.txt") == "mine\n" and project.changes() == {"new.txt": ".?"}

    assert project.ask("/pull").status_code == 409
    project.write("a.txt", "both\n")
    project.post("/stage", paths=["a.txt"])
    assert waiting(project) == (merge, {})
    assert project.post("/operation", action="continue")["operation"] is None
    latest = project.get("/log", limit=1)[0]
    assert latest["parents"][0] == mine and len(latest["parents"]) == 2
    assert latest["subject"].startswith("Merge branch 'main'") and latest["author"] == "Ada"
    assert project.changes() == {"new.txt": ".?"}


def test_commits_that_are_picked_reverted_or_moved_stop_at_conflicts(project: Project) -> None:
    first = commit(project, "one\n", "One")
    project.post("/branches", name="topic")
    two = commit(project, "two\n", "Two")
    three = commit(project, "three\n", "Three")
    project.post("/switch", name="main")
    commit(project, "other\n", "Other")

    project.shell(f"git cherry-pick {two}")
    assert waiting(project) == (
        {"kind": "cherry-pick", "subject": two[:7], "step": None, "steps": None},
        {"a.txt": "UU"},
    )
    project.write("a.txt", "other\n")
    project.post("/stage", paths=["a.txt"])
    refused = project.ask("/operation", action="continue")
    assert refused.status_code == 409 and "skip it" in refused.json()["detail"]
    assert project.post("/operation", action="skip")["operation"] is None
    project.shell(f"git revert --no-edit {first}")
    assert waiting(project)[0] == {"kind": "revert", "subject": first[:7], "step": None, "steps": None}
    # What to revert took away, and the other side has changed.
    assert waiting(project)[1] == {"a.txt": "UD"}
    project.post("/operation", action="abort")

    project.post("/switch", name="topic")
    project.shell("git -c user.name=Ada -c user.email=a@a rebase main")
    assert waiting(project) == ({"kind": "rebase", "subject": "topic", "step": 1, "steps": 2}, {"a.txt": "UU"})
    project.write("a.txt", "two and other\n")
    project.post("/stage", paths=["a.txt"])
    # It goes on, and stops at the next one.
    assert project.post("/operation", action="continue")["operation"]["step"] == 2
    assert waiting(project)[1] == {"a.txt": "UU"}
    assert project.post("/operation", action="skip")["operation"] is None
    assert [item["subject"] for item in project.get("/log")] == ["Two", "Other", "One"]
    assert project.get("")["branch"]["name"] == "topic" and three


def test_what_commits_changed(project: Project) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\x01 subject"
    project.write("old name.txt", "".join(f"line {number}\n" for number in range(20)))
    project.write("<b>.txt", "b\n")
    project.post("/stage", paths=["old name.txt", "<b>.txt"])
    root = project.post("/commit", message=f"{hostile}\n\nAnd a body.")["id"]
    project.shell(
        "git mv 'old name.txt' new.txt && git rm -q '<b>.txt' && git -c user.name=B -c user.email=b@b commit -qm Moved"
    )
    project.shell("git switch -qc topic && git -c user.name=B -c user.email=b@b commit -qm Empty --allow-empty")
    project.write("topic.txt", "topic\n")
    project.post("/stage", paths=["topic.txt"])
    project.post("/commit", message="Topic")
    project.post("/switch", name="main")
    merge = "git -c user.name=B -c user.email=b@b merge -q --no-ff -m Merged topic && git tag v1"
    project.shell(merge)

    def changes(id: str) -> tuple[str, list[tuple[str, str, str | None]]]:
        details = project.get(f"/commits/{id}")
        assert not details["truncated"]
        return details["message"], [(item["letter"], item["path"], item["source"]) for item in details["changes"]]

    log = {item["subject"]: item for item in project.get("/log")}
    merged, topic, empty, moved, first = (log[name] for name in ("Merged", "Topic", "Empty", "Moved", hostile))
    assert (first["id"], first["subject"], first["parents"]) == (root, hostile, [])
    assert changes(root) == (f"{hostile}\n\nAnd a body.", [("A", "<b>.txt", None), ("A", "old name.txt", None)])
    assert changes(moved["id"])[1] == [("D", "<b>.txt", None), ("R", "new.txt", "old name.txt")]
    assert changes(empty["id"]) == ("Empty", [])
    assert merged["parents"] == [moved["id"], topic["id"]] and merged["refs"] == "HEAD -> main, tag: v1"
    assert changes(merged["id"]) == ("Merged", [("A", "topic.txt", None)])
    assert project.get("/log", skip=2, limit=2) == list(log.values())[2:4]
    for id in ("1234567", "HEAD", "main", root[:6], f"{root}^"):
        assert project.client.get(f"{project.base}/git/commits/{id}").status_code == 404, id

    # More than is told of one.
    project.shell(
        "yes 'word word' | head -c 9000000 | git -c user.name=B -c user.email=b@b commit -q --allow-empty -F -"
    )
    latest = project.get("/log", limit=1)[0]
    assert latest["subject"].startswith("word word") and len(latest["subject"]) <= 500
    assert len(project.get(f"/commits/{latest['id']}")["message"]) == 64 * 1024 + 1


def test_hooks_and_settings_of_a_repository_run_where_the_project_runs(project: Project, tmp_path: Path) -> None:
    project.shell("printf '#!/bin/sh\\npwd > hooked\\nenv > seen\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/*")
    project.write("a.txt", "one\n")
    project.post("/stage", paths=["a.txt"])
    project.post("/commit", message="One")
    runtime = project.client.get(f"{project.base}/status").json()["runtime"]
    inside = project.read("hooked").strip()
    assert inside == ("/workspace" if runtime == "docker" else str(project.server.folder / "workspaces" / project.id))
    assert project.server.token not in project.read("seen")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    with repository_over_http(tmp_path, asks=True) as remote:
        yield remote


def test_a_project_is_cloned_with_an_account_that_leaves_no_trace(
    server: Server, client: httpx.Client, remote: tuple[str, list[str]]
) -> None:
    url, seen = remote
    project = Project(
        server, client, client.post("/api/projects", json={"source": url}).raise_for_status().json()["id"]
    )

    def ended() -> dict[str, Any] | None:
        step = client.get(f"{project.base}/status").json()["steps"][0]
        assert step["name"] == "clone"
        return step if step["state"] != "running" else None

    step = wait_for("the clone to fail", ended)
    assert step["state"] == "failed" and "asks for an account" in step["detail"]
    assert client.get(f"{project.base}/status").json()["state"] == "failed"

    host = url.split("/")[2]
    kept = client.post("/api/git/accounts", json={"host": host, "user": "ada", "secret": SECRET}).raise_for_status()
    assert SECRET not in kept.text and SECRET not in client.get("/api/git").text
    assert (server.folder / "data" / "git.json").stat().st_mode & 0o777 == 0o600
    project.post("/clone", url=url)
    assert wait_for("the clone", ended)["state"] == "done"
    assert project.read("README.md") == "cloned\n"
    assert any(value.startswith("Basic") for value in seen)
    places = "/tmp ~" if client.get(f"{project.base}/status").json()["runtime"] == "docker" else ""
    traces = project.shell(f"grep -r {SECRET} . {places} 2>/dev/null | wc -l; env | grep -c {SECRET}")
    assert [line.strip() for line in traces.splitlines() if line.strip().isdigit()] == ["0", "0"]
    client.delete(f"/api/git/accounts/{host}").raise_for_status()
    refused = project.ask("/fetch")
    assert refused.status_code == 409 and refused.json()["reason"] == "account"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://",
        "ssh://-oProxyCommand=id/x",
        "https://a:b@h/x",
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(client: httpx.Client, url: str) -> None:
    answer = client.post("/api/projects", json={"source": url})
    assert answer.status_code == 422 and answer.json()["field"] == "source"
    assert json.loads(answer.text)["detail"]
