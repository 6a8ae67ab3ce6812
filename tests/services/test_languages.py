"""How long language servers may go on, with one that does as it is told."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.errors import AppError, BadGateway, BadRequest, Idle, NotFound, TooLarge, TooMany, Unavailable
from server.models import ProjectId
from server.services import conversation as conversations, languages, turns
from server.services.conversation import Conversation
from server.services.languages import Languages
from tests.support.app import App, run_locally, running_app

SERVER = """
import json, os, signal, sys, time
heard, said = sys.stdin.buffer, sys.stdout.buffer
def say(text):
    said.write(b"Content-Length: %d\\r\\n\\r\\n" % len(text) + text)
    said.flush()
while head := heard.readline():
    heard.readline()
    message = json.loads(heard.read(int(head.split(b":")[1])))
    match message["method"]:
        case "crash": sys.exit("out of ideas")
        case "end": os.kill(os.getpid(), getattr(signal, message["params"]))
        case "exit": sys.exit(0)
        case "say": said.write(message["params"].encode("latin-1")); said.flush()
        case "wait":
            while not os.path.exists(message["params"]): time.sleep(0.01)
        case "who": say(json.dumps({"id": 1, "result": [os.getpid(), os.environ.get("VIRTUAL_ENV")]}).encode())
        case _: say(json.dumps({"echo": message}).encode())
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """A server whose projects run here, with a PATH that has no language server."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "bash", "sleep"):
        (programs / name).symlink_to(f"/bin/{name}")
    async with running_app(tmp_path, run_locally(tmp_path / "data" / "run", {"PATH": str(programs)})) as app:
        yield app


@pytest.fixture
async def project(app: App) -> ProjectId:
    id = (await app.services.projects.create()).id
    await app.services.documents.write(id, "hutch.toml", b'[run]\ncommand = "sleep 1000"\ninstall = ""\n')
    await app.services.workspaces.run(id)
    return id


@pytest.fixture
def folder(app: App, project: ProjectId) -> Path:
    return app.settings.workspaces / project


@pytest.fixture
def pylsp(folder: Path) -> Path:
    """The project's own language server for Python."""
    program = folder / ".venv" / "bin" / "pylsp"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{SERVER}")
    program.chmod(0o755)
    return program


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(app: App, clock: Clock, pylsp: Path, monkeypatch: pytest.MonkeyPatch) -> Languages:
    monkeypatch.setattr(languages, "LOOK_EVERY", 0.01)
    return Languages(app.services.workspaces, idle=600, clock=clock)


async def tell(server: Conversation, method: str, params: Any = None) -> None:
    await server.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))


async def heard(server: Conversation) -> Any:
    async with asyncio.timeout(20):
        text = await server.receive()
    return None if text is None else json.loads(text)


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def crash(service: Languages, project: ProjectId, method: str = "crash", params: Any = None) -> AppError:
    async with service.conversation(project, "python") as server:
        await tell(server, method, params)
        with pytest.raises(BadGateway) as ended:
            await heard(server)
    return ended.value


async def test_the_projects_own_server_is_found_and_ends_with_its_caller(
    service: Languages, project: ProjectId, folder: Path, pylsp: Path
) -> None:
    (pylsp.parent / "python").symlink_to(sys.executable)
    async with service.conversation(project, "python") as server:
        assert (server.command, server.root) == ("pylsp", folder.as_uri())
        await tell(server, "who")
        pid, environment = (await heard(server))["result"]
        assert environment == str(folder / ".venv")
        await tell(server, "hello", "ünï" * 100_000)
        assert (await heard(server))["echo"]["params"] == "ünï" * 100_000
    await gone(pid)


async def test_without_a_server_there_is_advice(service: Languages, project: ProjectId, pylsp: Path) -> None:
    pylsp.unlink()
    for language in ("python", "typescript", "html", "nix"):
        with pytest.raises(NotFound, match=f"no language server for {language}") as refused:
            async with service.conversation(project, language):
                pass
        assert str(refused.value.extra["advice"]).startswith("Add one")
    with pytest.raises(NotFound, match="for typescript, javascript, python"):
        async with service.conversation(project, "cobol"):
            pass


async def test_a_server_that_crashes_is_started_ever_later(
    service: Languages, project: ProjectId, clock: Clock
) -> None:
    first = await crash(service, project)
    assert first.detail == "pylsp has ended with code 1: out of ideas"
    assert first.extra["retryAfter"] == 0
    assert (await crash(service, project)).extra["retryAfter"] == 2
    with pytest.raises(TooMany) as refused:
        await crash(service, project)
    assert refused.value.retry_after == 2
    clock.now += 2
    for delay in (10, 30, 60, 60):
        assert (await crash(service, project)).extra["retryAfter"] == delay
        clock.now += delay
    clock.now += 301
    assert (await crash(service, project)).extra["retryAfter"] == 0


async def test_only_what_ends_by_itself_has_crashed(service: Languages, project: ProjectId) -> None:
    for _ in range(3):
        assert (await crash(service, project, "end", "SIGTERM")).extra["retryAfter"] == 0
        async with service.conversation(project, "python") as server:
            await tell(server, "exit")
            assert await heard(server) is None
    killed = await crash(service, project, "end", "SIGKILL")
    assert killed.detail == "pylsp was ended by SIGKILL" and "memory" in str(killed.extra["advice"])


async def test_a_server_that_nobody_uses_is_ended(service: Languages, project: ProjectId, clock: Clock) -> None:
    async with service.conversation(project, "python") as used, service.conversation(project, "python") as unused:
        await tell(unused, "who")
        pid = (await heard(unused))["result"][0]
        clock.now += 599
        await tell(used, "hello")
        assert (await heard(used))["echo"]["method"] == "hello"
        clock.now += 2
        with pytest.raises(Idle, match="not used for 10 minutes"):
            await heard(unused)
        unused.close()
        await gone(pid)
        await tell(used, "hello")
        assert (await heard(used))["echo"]["method"] == "hello"


async def test_when_memory_is_spent_the_least_used_server_goes(
    app: App, service: Languages, project: ProjectId, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = 0.7

    async def memory_share(id: ProjectId) -> float:
        return share

    monkeypatch.setattr(app.services.workspaces, "memory_share", memory_share)
    async with service.conversation(project, "python") as older, service.conversation(project, "python") as newer:
        clock.now += 1
        await tell(older, "hello")
        await heard(older)
        share = 0.96
        with pytest.raises(Unavailable, match="96% of the project's memory"):
            await heard(newer)
        share = 0.9
        with pytest.raises(Unavailable, match="90% of the project's memory") as refused:
            async with service.conversation(project, "python"):
                pass
        assert refused.value.extra["retryAfter"] == 60
        await tell(older, "hello")
        assert (await heard(older))["echo"]["method"] == "hello"


async def test_a_project_has_a_bounded_number_of_servers(
    service: Languages, project: ProjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "MOST_OPEN", 1)
    async with service.conversation(project, "python"):
        with pytest.raises(TooMany, match="at most 1 language servers"):
            async with service.conversation(project, "python"):
                pass
    async with service.conversation(project, "python"):
        pass


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Traceback (most recent call last)\r\n\r\n", "without its length"),
        ("x" * 5000, "what is no message"),
        ("Content-Length: 99999999999\r\n\r\n", "of 99999999999 bytes"),
        ("Content-Length: -1\r\n\r\n", "without its length"),
        ("Content-Length: 1\r\n\r\n\xff", "what is no text"),
    ],
)
async def test_what_is_no_message_ends_the_server(
    service: Languages, project: ProjectId, said: str, words: str
) -> None:
    async with service.conversation(project, "python") as server:
        await tell(server, "say", said)
        with pytest.raises(BadGateway, match=words):
            await heard(server)


async def test_messages_to_a_server_are_checked(service: Languages, project: ProjectId) -> None:
    async with service.conversation(project, "python") as server:
        for text in ("{", "[]", "7", "[" * 100_000):
            with pytest.raises(BadRequest):
                await server.send(text)
        with pytest.raises(TooLarge):
            await server.send(" " * (conversations.MOST_SENT + 1))
        await tell(server, "hello")
        assert (await heard(server))["echo"]["method"] == "hello"


async def test_a_sender_waits_for_a_server_that_reads_no_more(
    service: Languages, project: ProjectId, tmp_path: Path
) -> None:
    async with service.conversation(project, "python") as server:
        await tell(server, "wait", str(tmp_path / "go"))
        sending = asyncio.create_task(tell(server, "hello", "x" * 3_000_000))
        done, _ = await asyncio.wait({sending}, timeout=0.2)
        assert not done, "what the server does not read would pile up here"
        (tmp_path / "go").touch()
        assert (await heard(server))["echo"]["method"] == "hello"
        await sending


async def test_a_server_that_can_not_take_many_requests_is_asked_in_turn(
    service: Languages, project: ProjectId, pylsp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pylsp.rename(pylsp.with_name("nil"))
    async with service.conversation(project, "nix") as server:
        ask = {"id": 1, "method": "say", "params": ""}
        for _ in range(2):
            await server.send(json.dumps(ask))
        asking = asyncio.create_task(server.send('{"id": 3, "method": "third"}'))
        done, _ = await asyncio.wait({asking}, timeout=0.2)
        assert not done, "two have no answer yet"
        request, answer = '{"id": 1, "method": "x"}', '{"id": 1, "result": null}'
        for text in (request, answer):
            assert not asking.done()
            await tell(server, "say", f"Content-Length: {len(text)}\r\n\r\n{text}")
            assert await heard(server) == json.loads(text)
        await asking
        assert (await heard(server))["echo"]["method"] == "third"
        # One is never answered: the next goes on all the same.
        await server.send(json.dumps(ask))
        monkeypatch.setattr(turns, "LONGEST", 0.01)
        await server.send('{"id": 5, "method": "fifth"}')
        assert (await heard(server))["echo"]["method"] == "fifth"
