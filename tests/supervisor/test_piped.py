"""Programs on pipes: bytes both ways, and nothing left when the stream ends, whichever end was the cause."""

import os
import time
from pathlib import Path

import pytest

from server.supervisor.protocol import RELAY_WINDOW
from tests.supervisor.client import Client, SupervisorProcess


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process ends, a zombie that nobody has collected being ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def descriptors(supervisor: SupervisorProcess) -> int:
    return len(os.listdir(f"/proc/{supervisor.process.pid}/fd"))


def test_what_is_sent_comes_back_whole_with_the_exit_code_after_it(client: Client) -> None:
    content = os.urandom(5 * RELAY_WINDOW)
    stream = client.execute("sh", "-c", "cat; echo 'and a word' >&2; exit 3")
    sent = 0
    while len(stream.output) < len(content):
        while sent < len(content) and sent - stream.acked_input < RELAY_WINDOW:
            piece = content[sent : sent + min(65536, RELAY_WINDOW - (sent - stream.acked_input))]
            stream.send(piece)
            sent += len(piece)
        stream.step()
    stream.close()
    assert stream.until_closed() == {"type": "exit", "code": 3, "signal": None, "stderr": "and a word\n"}
    assert stream.output == content


def test_a_reader_that_does_not_ack_is_sent_one_window(client: Client) -> None:
    stream = client.execute("sh", "-c", "yes | head -c 1000000; exit 0")
    stream.acks = False
    while len(stream.output) < RELAY_WINDOW:
        stream.step()
    client.call("usage")
    assert client.waiting(stream.id) == 0
    stream.acks = True
    stream.ack(len(stream.output))
    stream.until_closed()
    assert len(stream.output) == 1_000_000


def test_errors_may_go_with_the_output(client: Client) -> None:
    stream = client.execute("sh", "-c", "echo one; echo two >&2; echo three", merged=True)
    stream.until_closed()
    assert stream.output == b"one\ntwo\nthree\n"


def test_what_can_not_be_started_is_told(client: Client, supervisor: SupervisorProcess) -> None:
    before = descriptors(supervisor)
    reply = client.ask("execute", stream=77, argv=["no-such-program"])
    assert reply["error"] == {"code": "failed", "detail": "no-such-program: No such file or directory"}
    assert descriptors(supervisor) == before


@pytest.mark.parametrize("end", ["reset", "link"])
def test_closing_the_stream_ends_the_whole_group(supervisor: SupervisorProcess, client: Client, end: str) -> None:
    before = descriptors(supervisor)
    with supervisor.link() as other:
        stubborn = "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $! $$; wait; sleep 1000"
        stream = other.execute("sh", "-c", stubborn)
        pids = [int(pid) for pid in stream.until("\n").split()]
        if end == "reset":
            stream.tell(type="reset")
            assert all(gone(pid) for pid in pids)
    assert all(gone(pid) for pid in pids)
    deadline = time.monotonic() + 10
    while descriptors(supervisor) != before:
        assert time.monotonic() < deadline, "descriptors are left"
        client.call("usage")


def test_the_programs_own_end_ends_what_it_left(client: Client) -> None:
    stream = client.execute("sh", "-c", "sleep 1000 & echo $!; exit 0")
    assert stream.until_closed()["code"] == 0
    assert gone(int(stream.output))


def test_input_that_nobody_reads_is_let_go(client: Client) -> None:
    stream = client.execute("sh", "-c", "exec <&-; echo closed; sleep 0.2; exit 4")
    stream.until("closed\n")
    stream.send(b"x" * 1000)
    assert stream.until_closed()["code"] == 4


def test_the_environment_is_sourced_on_request(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path, environments=True) as supervisor:
        (supervisor.workspace / "flake.nix").write_text("{}")
        with supervisor.link() as client:
            name = client.call(
                "run", environment=["sh", "-c", 'echo "export FOUND=yes" > "$0"'], app={"argv": ["true"]}
            )
            client.event("run", lambda event: event["run"]["state"] == "exited")
            assert name["state"] == "starting"
            for sourced, output in ((True, b"yes\n"), (False, b"no\n")):
                stream = client.execute("sh", "-c", "echo ${FOUND:-no}", sourced=sourced)
                stream.until_closed()
                assert stream.output == output


def test_the_supervisors_end_ends_them(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path) as supervisor:
        client = supervisor.link()
        pid = int(client.execute("sh", "-c", "echo $$; exec sleep 1000").until("\n"))
    assert gone(pid)
    client.socket.close()
