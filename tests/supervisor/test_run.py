import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from server.supervisor.protocol import VERSION
from tests.supervisor.client import Client, SupervisorProcess


def run(client: Client, command: str, install: str | None = None, **more: Any) -> dict[str, Any]:
    client.events.clear()
    wanted = {"argv": ["sh", "-c", install], "files": ["package.json", "lock"], "requires": "modules"}
    return client.call(
        "run", app={"argv": ["sh", "-c", command]}, install=wanted if install is not None else None, **more
    )


def settled(client: Client, *states: str) -> dict[str, Any]:
    """The run's status once its state is one of these."""
    if (status := client.call("hello", version=VERSION)["run"])["state"] in states:
        return status  # type: ignore[no-any-return]
    event = client.event("run", lambda event: event["run"]["state"] in states)
    return event["run"]  # type: ignore[no-any-return]


def steps(status: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in status["steps"]}


def test_steps_follow_one_another_and_have_times(supervisor: SupervisorProcess, client: Client) -> None:
    run(client, "echo app; exit 3", install="echo installed; mkdir modules")
    status = settled(client, "exited")
    assert steps(status) == {"environment": "skipped", "install": "done", "app": "failed"}
    assert status["code"] == 3
    install, app = status["steps"][1:]
    assert install["startedAt"] <= install["endedAt"] <= app["startedAt"] <= app["endedAt"]
    log = client.attach("log")
    text = log.until("exit code 3")
    assert text.index("$ echo installed") < text.index("$ echo app")


def test_what_is_installed_is_not_installed_again_until_something_changed(
    supervisor: SupervisorProcess, client: Client
) -> None:
    workspace = supervisor.workspace
    (workspace / "package.json").write_text("{}")

    def installed() -> str:
        run(client, "true", install="mkdir -p modules; echo x > lock")
        state = steps(settled(client, "exited", "failed"))["install"]
        client.call("stop")
        return state

    assert installed() == "done"
    assert installed() == "skipped"
    (workspace / "package.json").write_text('{"a": 1}')
    assert installed() == "done"
    (workspace / "lock").write_text("changed")
    assert installed() == "done"
    (workspace / "modules").rmdir()
    assert installed() == "done", "what it made is gone"
    assert installed() == "skipped"


def test_an_install_that_can_not_be_noted_still_runs_the_app(supervisor: SupervisorProcess, client: Client) -> None:
    (supervisor.state / "install.stamp").mkdir()
    run(client, "echo up; sleep 1000", install="true")
    assert steps(settled(client, "running"))["install"] == "done"
    client.attach("log").until("can't be noted")
    client.call("stop")


def test_a_failed_install_says_so_and_the_app_is_not_started(client: Client) -> None:
    run(client, "touch started", install="echo broken; exit 9")
    status = settled(client, "failed")
    assert steps(status) == {"environment": "skipped", "install": "failed", "app": "pending"}
    assert status["steps"][1]["code"] == 9
    assert "exit code 9" in status["steps"][1]["detail"]
    assert run(client, "true", install="exit 0")["state"] != "failed", "it can be tried again"


def test_run_is_idempotent_and_stop_ends_the_whole_group(supervisor: SupervisorProcess, client: Client) -> None:
    command = "echo pid=$$; sleep 1000 & echo child=$!; wait"
    run(client, command)
    log = client.attach("log")
    log.until("\r\nchild=")
    pid = int(log.output.split(b"\r\npid=")[1].split()[0])
    run(client, "echo another")
    assert client.call("hello", version=VERSION)["run"]["state"] == "running"
    assert Path(f"/proc/{pid}").exists()
    status = client.call("stop")
    assert status["state"] == "stopped"
    assert not Path(f"/proc/{pid}").exists()
    assert client.call("stop")["state"] == "stopped", "twice is once"


def test_an_app_that_ignores_sigterm_is_killed(client: Client) -> None:
    run(client, "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    client.attach("log").until("\r\nready")
    began = time.monotonic()
    assert client.call("stop")["state"] == "stopped"
    assert time.monotonic() - began < 8


def test_the_run_goes_on_when_every_link_is_gone(supervisor: SupervisorProcess, client: Client) -> None:
    (supervisor.workspace / "fifo").exists()
    os.mkfifo(supervisor.workspace / "gate")
    run(client, "echo up; sleep 1000", install="cat gate")
    client.socket.close()
    (supervisor.workspace / "gate").write_text("go")
    with supervisor.link() as later:
        status = settled(later, "running")
        assert steps(status)["install"] == "done"
        later.attach("log").until("\r\nup")
        later.call("stop")


def test_the_environment_is_made_once_for_each_content(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path, environments=True) as process, process.link() as client:
        make = ["sh", "-c", 'echo making; echo "export FROM_NIX=\'it works\'" > "$1"', "sh"]
        flake, lock = process.workspace / "flake.nix", process.workspace / "flake.lock"
        flake.write_text("one")

        def ran() -> str:
            run(client, 'echo "<$FROM_NIX>"', environment=make)
            state = steps(settled(client, "exited"))["environment"]
            client.call("stop")
            return state

        assert ran() == "done"
        client.attach("log").until("<it works>")
        name = hashlib.sha256(b"one\0").hexdigest()
        assert (process.environments / f"{name}.sh").exists()
        assert ran() == "skipped"
        lock.write_text("locked")
        shell = client.shell(script="echo $HUTCH_ENV; exit")
        shell.until_closed()
        assert name.encode() in shell.output, "until the new one is made, the one before it serves"
        assert ran() == "done"


def test_a_broken_environment_stops_the_run_with_the_reason(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path, environments=True) as process, process.link() as client:
        (process.workspace / "flake.nix").write_text("broken")
        run(client, "true", environment=["sh", "-c", "echo error: syntax; exit 1"])
        status = settled(client, "failed")
        assert "environment ended with exit code 1" in status["steps"][0]["detail"]


def test_a_command_that_is_not_there_fails_the_app(client: Client) -> None:
    client.call("run", app={"argv": ["/no/such/program"]})
    status = settled(client, "failed")
    assert "/no/such/program" in status["steps"][2]["detail"]


@pytest.mark.parametrize(
    "params",
    [{}, {"app": []}, {"app": {"argv": []}}, {"app": {"argv": ["sh"], "env": {"A": None}}}]
    + [{"app": {"argv": ["sh"]}, "install": {"argv": ["sh"]}}, {"app": {"argv": ["sh"]}, "environment": "make"}],
)
def test_an_absurd_plan_is_refused(client: Client, params: dict[str, Any]) -> None:
    assert client.error("run", **params) == "invalid"
    assert client.call("hello", version=VERSION)["run"]["state"] == "stopped"


def test_the_log_goes_on_where_it_ended_after_a_restart(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        run(client, "echo first life")
        settled(client, "exited")
        log = client.attach("log")
        log.until("exit code 0\x1b[0m\r\n")
        before, end = log.output, log.offset
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        again = client.attach("log", 0)
        assert again.until("exit code 0\x1b[0m\r\n") == before.decode()
        assert again.offset == end
        run(client, "echo second life")
        again.until("\r\nsecond life")


def test_a_viewer_that_can_not_follow_the_log_skips_and_does_not_hold_the_app(client: Client) -> None:
    run(client, "head -c 14000000 /dev/zero | tr '\\0' x; echo end")
    slow = client.attach("log", 0)
    slow.acks = False
    assert settled(client, "exited")["code"] == 0
    slow.acks = True
    slow.ack(slow.offset)
    while not any(message["type"] == "gap" for message in slow.messages):
        slow.step()
    slow.until("end\r\n")


def test_the_log_is_shown_from_the_oldest_byte_that_is_kept(client: Client) -> None:
    run(client, "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo end")
    settled(client, "exited")
    log = client.attach("log")
    assert log.offset == 0, "not just what the ring in memory has"
    log.until("first\r\n")
    log.until("end\r\n")
