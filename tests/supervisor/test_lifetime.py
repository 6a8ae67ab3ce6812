"""The supervisor's own life: the only one of its project, and the last to go."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.supervisor.ending import Ending
from server.supervisor.loop import Loop
from server.supervisor.protocol import Kind, message
from tests.supervisor.client import FOLDER, Client, SupervisorProcess
from tests.supervisor.test_terminals import gone_within, is_alive


def test_a_second_supervisor_of_the_same_folder_is_refused(supervisor: SupervisorProcess, client: Client) -> None:
    options = ["--state", str(supervisor.state), "--workspace", str(supervisor.workspace)]
    command = [sys.executable, "-I", str(FOLDER), "serve", *options]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1
    assert refused.stderr == f"another supervisor serves {supervisor.state} already: end it first\n"
    with supervisor.link() as again:
        assert again.hello["boot"] == client.hello["boot"], "the socket is still the first one's"


def test_a_folder_is_free_again_however_its_supervisor_ended(tmp_path: Path) -> None:
    process = SupervisorProcess(tmp_path)
    with process, process.link() as client:
        client.shell(script="trap '' HUP; echo pid=$$; exec sleep 1000").until("\r\n")
        left = client.call("list")["terminals"][0]["pid"]
        process.process.kill()
        process.process.wait()
    try:
        # What the killed one started lives on, and must not hold the folder.
        assert is_alive(left)
        with process, process.link() as client:
            assert client.call("list")["terminals"] == []
    finally:
        subprocess.run(["kill", "-9", str(left)], check=True)


DAEMON = "setsid sh -c 'trap \"\" HUP; echo daemon=$$; exec sleep 1000' &"
JOB = "nohup sh -c 'echo job=$$ >/dev/tty; exec sleep 1000' >/dev/null 2>&1 &"


@pytest.mark.parametrize("way", ["signal", "call"])
def test_the_end_of_the_supervisor_is_the_end_of_all_that_left_its_session(tmp_path: Path, way: str) -> None:
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        shell = client.shell(script=f"{DAEMON} {JOB} read line")
        shell.until("daemon=")
        shell.until("job=")
        shell.send("\n")
        assert shell.until_closed()["code"] == 0
        lines = shell.output.decode().split()
        left = [int(line.partition("=")[2]) for line in lines if "=" in line]
        assert len(left) == 2 and all(map(is_alive, left)), "while the supervisor lives, they do"
        if way == "signal":
            process.process.send_signal(signal.SIGTERM)
        else:
            client.socket.sendall(message(Kind.CONTROL, 0, {"id": 99, "method": "shutdown", "params": {}}))
        assert process.process.wait(timeout=8) == 0
        assert gone_within(0, *left)


def test_who_was_started_while_the_others_were_killed_is_killed_too() -> None:
    processes = [subprocess.Popen(["sleep", "1000"])]

    def left() -> list[int]:
        if processes[0].poll() is not None and len(processes) == 1:
            processes.append(subprocess.Popen(["sleep", "1000"]))
        return [process.pid for process in processes if process.poll() is None]

    loop = Loop()
    Ending(loop, left, ((0.0, signal.SIGKILL),)).then(loop.stop)
    loop.run()
    assert [process.poll() for process in processes] == [-signal.SIGKILL] * 2


def test_nothing_is_started_once_the_end_has_begun(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        client.shell(script="trap '' HUP; echo ready; sleep 1000").until("ready")
        client.socket.sendall(message(Kind.CONTROL, 0, {"id": 99, "method": "shutdown", "params": {}}))
        assert client.error("spawn", name="late", argv=["sh"], cols=80, rows=24) == "failed"
        assert client.error("run", app={"argv": ["sh"]}) == "failed"
        assert client.error("execute", stream=7, argv=["sh"]) == "failed"
        with pytest.raises(OSError):
            Client(process.state / "supervisor.sock")
        assert process.process.wait(timeout=8) == 0


def test_an_idle_project_is_looked_at_less_and_less(supervisor: SupervisorProcess, client: Client) -> None:
    def wakes() -> int:
        status = Path(f"/proc/{supervisor.process.pid}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    client.shell().until("$ ")
    # The quiet itself is what is measured: there is nothing to wait for.
    time.sleep(1.5)
    before = wakes()
    time.sleep(1)
    assert wakes() - before < 15
