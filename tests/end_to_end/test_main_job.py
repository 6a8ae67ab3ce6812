"""What a newcomer does, asked of the real server by a program, on both runtimes."""

import httpx
import pytest

from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal

PLAIN_APP = """require("node:http").createServer((_, answer) => answer.end("ok")).listen(process.env.PORT || 3000);\n"""


def plain_project(server: Server, client: httpx.Client) -> str:
    """A project without dependencies whose app answers `ok`."""
    project: str = client.post("/api/projects", json={"name": "plain"}).raise_for_status().json()["id"]
    client.put(f"/api/projects/{project}/files/index.js", content=PLAIN_APP).raise_for_status()
    use_port(server, client, project)
    return project


def use_port(server: Server, client: httpx.Client, project: str) -> None:
    """Have the app listen where this test looks for it: on this machine itself port 3000 may be somebody's."""
    toml = f'[run]\ninstall = "npm install"\ncommand = "node index.js"\nport = {server.app_port}\n'
    client.put(f"/api/projects/{project}/files/hutch.toml", content=toml).raise_for_status()


def state(client: httpx.Client, project: str) -> str:
    value: str = client.get(f"/api/projects/{project}/status").raise_for_status().json()["state"]
    return value


def step(client: httpx.Client, project: str, name: str) -> str:
    steps: list[dict[str, str]] = client.get(f"/api/projects/{project}/status").json()["steps"]
    return {step["name"]: step["state"] for step in steps}[name]


def until_200(server: Server, project: str, seconds: float = 120) -> httpx.Response:
    return wait_for(
        "a 200 through the preview",
        lambda: answer if (answer := server.preview(project, server.app_port)).status_code == 200 else None,
        seconds,
    )


def test_the_three_calls_of_the_original(server: Server, client: httpx.Client) -> None:
    created = client.post("/create", json={"dependencies": {"express": "^4.18.2", "mongoose": "^7.6.0"}})
    assert created.status_code == 200
    project = created.json()["projectId"]
    use_port(server, client, project)
    run = client.post(f"/run/{project}")
    assert run.status_code == 200
    assert run.json().keys() == {"message", "containerName"}
    assert until_200(server, project).json() == {"message": f"Project {project} running"}
    assert step(client, project, "install") == "done"
    assert client.post(f"/stop/{project}").status_code == 200
    wait_for("the stop", lambda: state(client, project) == "stopped")
    assert client.post(f"/run/{project}").status_code == 200
    assert until_200(server, project).status_code == 200
    assert step(client, project, "install") == "skipped", "nothing changed, so nothing is installed again"


@pytest.mark.parametrize("call", ["/run/nosuchproject1", "/stop/nosuchproject1", "/api/projects/nosuchproject1/run"])
def test_an_unknown_project_is_a_404_problem(client: httpx.Client, call: str) -> None:
    answer = client.post(call)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


async def test_a_terminal_echoes_resizes_and_ends(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    client.post(f"/api/projects/{project}/run").raise_for_status()
    async with Terminal(server, project) as terminal:
        await terminal.type("echo $((6 * 7))-answer\n")
        await terminal.read_until("42-answer")
        await terminal.tell(type="resize", cols=101, rows=33)
        await terminal.type("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.05; done; echo $((6 * 7))-sized\n")
        await terminal.read_until("42-sized")
        await terminal.type("exit 3\n")
        assert (await terminal.read_message("exit"))["code"] == 3


async def test_sigkill_of_the_server_is_noticed_by_nothing_in_the_project(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    client.post(f"/api/projects/{project}/run").raise_for_status()
    until_200(server, project)
    async with Terminal(server, project) as terminal:
        await terminal.type("echo shell=$$; sleep 1000 & echo started\n")
        await terminal.read_until("\nstarted")
        shell = terminal.output.decode().rsplit("shell=", 1)[1].split()[0]
        # Output goes on while no server is there to see it.
        await terminal.type("for i in $(seq 2000); do echo line-$i; done; echo all-$((1 + 1))\n")
        await terminal.read_until("line-5\r\n")
        before = terminal.output
        offset = terminal.offset
        server.kill()
    server.start()
    async with Terminal(server, project, f"terminals/main?cols=80&rows=24&offset={offset}") as terminal:
        assert (await terminal.read_message("ready"))["offset"] == offset
        await terminal.read_until("all-2")
        whole = (before + terminal.output).decode()
        lines = "".join(f"line-{i}\r\n" for i in range(1, 2001))
        assert lines in whole, "every byte once, in order"
        await terminal.type("echo shell=$$; jobs\n")
        text = await terminal.read_until("sleep 1000")
        assert f"shell={shell}" in text
    assert state(client, project) == "running"
    assert until_200(server, project, 5).text == "ok"


async def test_the_log_is_kept_across_a_restart_of_the_server(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    app = 'console.log("hello from the app");' + PLAIN_APP
    client.put(f"/api/projects/{project}/files/index.js", content=app).raise_for_status()
    client.post(f"/api/projects/{project}/run").raise_for_status()
    until_200(server, project)
    server.kill()
    server.start()
    async with Terminal(server, project, "logs") as log:
        await log.read_until("hello from the app")


async def test_a_stopped_project_says_so(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    async with Terminal(server, project) as terminal:
        assert "Run" in terminal.messages[0]["detail"]
        await terminal.socket.wait_closed()
        assert terminal.socket.close_code == 4409


def test_stopping_the_container_ends_everything_and_run_starts_it_again(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    client.post(f"/api/projects/{project}/run").raise_for_status()
    until_200(server, project)
    stopped = client.post(f"/api/projects/{project}/stop?container=true")
    assert stopped.status_code == 202
    assert (stopped.json()["state"], stopped.json()["container"]) == ("stopped", False)
    client.post(f"/api/projects/{project}/run").raise_for_status()
    until_200(server, project)


def test_an_app_that_fails_is_reported_with_its_exit_code(server: Server, client: httpx.Client) -> None:
    project = plain_project(server, client)
    client.put(f"/api/projects/{project}/files/index.js", content="process.exit(7)").raise_for_status()
    client.post(f"/api/projects/{project}/run").raise_for_status()
    wait_for("the exit", lambda: state(client, project) in ("exited", "failed"))
    assert client.get(f"/api/projects/{project}/status").json()["exitCode"] == 7


def test_sigterm_ends_the_server_in_order(server: Server) -> None:
    assert server.stop() == 0
    assert "Traceback" not in server.log()
