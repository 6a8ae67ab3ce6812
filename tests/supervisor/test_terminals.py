import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from server.supervisor.protocol import VERSION, VIEWER_WINDOW, Decoder, Kind, frame, message
from server.supervisor.supervisor import MOST_ENDED
from tests.supervisor.client import FOLDER, Client, SupervisorProcess


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone_within(seconds: float, *pids: int) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_shell_echoes_and_knows_its_size(client: Client) -> None:
    shell = client.shell()
    shell.send("echo $((6 * 7)); stty size; tty\n")
    text = shell.until("/dev/pts")
    assert "42\r\n24 80\r\n" in text


def test_a_resize_reaches_the_program(client: Client) -> None:
    shell = client.shell()
    shell.tell(type="resize", cols=132, rows=43)
    shell.send("stty size\n")
    shell.until("43 132")


@pytest.mark.parametrize(
    ("script", "code", "name"), [("exit 7", 7, None), ("kill -TERM $$", None, "TERM"), ("kill -9 $$", None, "KILL")]
)
def test_the_end_is_told_after_the_last_byte(client: Client, script: str, code: int | None, name: str | None) -> None:
    shell = client.shell(script=f"seq 10000; {script}")
    assert shell.until_closed() == {"type": "exit", "code": code, "signal": name}
    assert shell.output.endswith(b"9999\r\n10000\r\n")


def test_a_program_that_does_not_exist_is_an_error(client: Client) -> None:
    assert client.error("spawn", name="x", argv=["/no/such/program"], cols=80, rows=24) == "failed"


def test_a_working_directory_that_is_gone_is_an_error(supervisor: SupervisorProcess, client: Client) -> None:
    assert client.error("spawn", name="x", argv=["sh"], cwd="/no/such/folder", cols=80, rows=24) == "failed"
    assert client.error("spawn", name="x", argv=["sh"], cwd=7, cols=80, rows=24) == "invalid"
    assert client.call("list")["terminals"] == []


def test_without_a_descriptor_left_the_call_is_answered(supervisor: SupervisorProcess, client: Client) -> None:
    pid, argv = supervisor.process.pid, ["true"]
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    assert client.error("spawn", name="x", argv=argv, cols=80, rows=24) == "failed"
    assert client.error("execute", stream=99, argv=argv) == "failed"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    client.shell("x").send("exit\n")


def test_a_viewer_at_the_end_lets_a_paused_terminal_go_on(supervisor: SupervisorProcess, client: Client) -> None:
    stuck = client.shell(script="head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last")
    stuck.acks = False
    while stuck.offset < VIEWER_WINDOW:
        stuck.step()
    with supervisor.link() as other:
        other.attach("main", 2**40).until("last\r\n")


def test_two_who_end_a_terminal_are_both_answered(supervisor: SupervisorProcess, client: Client) -> None:
    client.shell(script="trap '' HUP TERM; echo ready; sleep 1000").until("ready")
    with supervisor.link() as other:
        params = {"name": "main", "grace": 2}
        other.socket.sendall(message(Kind.CONTROL, 0, {"id": 70, "method": "end", "params": params}))
        other.call("usage")
        assert client.call("end", name="main", grace=1)["signal"] == "KILL"
        assert other.answered(70)["result"]["signal"] == "KILL"


def test_an_idle_terminal_costs_little_memory(supervisor: SupervisorProcess, client: Client) -> None:
    def resident() -> int:
        return int(Path(f"/proc/{supervisor.process.pid}/statm").read_text().split()[1]) * 4096

    client.shell("first").until("$ ")
    before = resident()
    for n in range(20):
        client.shell(f"t{n}").until("$ ")
    assert resident() - before < 20 * 64 * 1024


def test_all_terminals_fit_one_report_whatever_their_names(client: Client) -> None:
    def spawn(name: str) -> dict[str, Any]:
        return client.ask("spawn", name=name, argv=["sleep", "1000"], cols=80, rows=24)

    assert spawn("\x1b[2J")["error"]["code"] == "invalid"
    assert spawn("\U00010000" * 33)["error"]["code"] == "invalid"
    for n in range(200):
        name = "\U00010000" * 31 + f"{n:04}"
        assert "result" in spawn(name)
        client.call("change", name=name, title="\U00010000" * 40)
    assert spawn("one more")["error"]["code"] == "limit"
    assert len(client.call("list")["terminals"]) == 200


@pytest.mark.parametrize(
    ("kind", "payload"), [(Kind.MESSAGE, b"["), (Kind.MESSAGE, b"7"), (Kind.ACK, b"abc"), (Kind.CONTROL, b"{}")]
)
def test_nonsense_on_a_stream_ends_that_stream_alone(client: Client, kind: Kind, payload: bytes) -> None:
    first, second = client.shell("a"), client.shell("b")
    client.socket.sendall(frame(kind, first.id, payload))
    assert first.until_closed()["type"] == "error"
    second.send("echo fine-$((1 + 1))\n")
    second.until("fine-2")


def test_nothing_of_the_supervisors_environment_leaks(client: Client) -> None:
    shell = client.shell(script="env; echo done")
    shell.until_closed()
    assert b"SECRET" not in shell.output
    assert b"TERM=xterm-256color" in shell.output


def test_a_slow_viewer_stalls_nobody_and_is_told(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell(script="read; seq 300000; echo end")
    with supervisor.link() as other:
        slow = other.attach("main", 0)
        slow.acks = False
        shell.send("\n")
        assert shell.until_closed()["code"] == 0
        assert b"299999\r\n300000\r\nend" in shell.output
        slow.ack(slow.offset)
        while not slow.messages:
            slow.step()
        assert slow.messages[0]["type"] == "gap", "it fell out of the ring and is told so"
        assert slow.offset == slow.messages[0]["offset"]


def test_no_more_than_the_window_is_sent_beyond_the_last_ack(client: Client) -> None:
    shell = client.shell(script="head -c 3000000 /dev/zero | tr '\\0' x")
    shell.acks = False
    while shell.offset < VIEWER_WINDOW:
        shell.step()
    client.call("usage")
    client.call("usage")
    assert shell.offset == VIEWER_WINDOW
    listed = client.call("list")["terminals"][0]
    # Reading stops at the first piece that fills the window; a piece has at most 64 KiB.
    assert listed["offset"] <= VIEWER_WINDOW + 65536, "the PTY is paused"
    shell.acks = True
    shell.ack(shell.offset)
    shell.until_closed()
    assert shell.output == b"x" * 3_000_000


def test_a_viewer_that_falls_behind_is_sent_no_more_than_its_window(
    supervisor: SupervisorProcess, client: Client
) -> None:
    shell = client.shell(script="stty -onlcr; read go; seq -f %08.0f 220000; read rest")
    with supervisor.link() as other:
        slow = other.attach("main", 0)
        slow.acks = False
        shell.send("\n")
        while slow.offset < VIEWER_WINDOW:
            slow.step()
        while not shell.output.endswith(b"00220000\n"):
            shell.step()
        other.call("usage")
        other.call("usage")
        assert other.kept(slow.id) == 0, "not even after it has fallen out of the ring"
        slow.ack(VIEWER_WINDOW - 100_000)
        while len(slow.output) < 2 * VIEWER_WINDOW - 100_000:
            slow.step()
        other.call("usage")
        other.call("usage")
        assert len(slow.messages) == 1 and other.kept(slow.id) == 0, "what is on its way counts on"
        gap = slow.messages[0]["offset"]
        slow.acks = True
        slow.ack(slow.offset)
        while slow.offset < shell.offset:
            slow.step()
        assert len(slow.messages) == 1 and slow.output[VIEWER_WINDOW:] == shell.output[gap:]


def test_without_viewers_output_goes_on_and_the_oldest_is_forgotten(client: Client) -> None:
    client.shell(script="head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last").close()
    client.event("terminals", lambda event: event["terminals"][0]["ended"])
    late = client.attach("main")
    late.until_closed()
    assert late.output.endswith(b"last\r\n")
    assert len(late.output) == 1024 * 1024


def test_resume_is_byte_exact_over_random_drops(supervisor: SupervisorProcess, client: Client) -> None:
    dice = random.Random(3)
    client.shell(script="stty -onlcr; read go; seq 150000; read rest").send("\n")
    expected = "".join(f"{n}\n" for n in range(1, 150_001)).encode()
    received, offset, drops = b"", 0, 0
    while len(received) < len(expected) + 1:
        with supervisor.link() as link:
            viewer = link.attach("main", offset)
            assert viewer.offset == offset, "nothing is lost while it is within the ring"
            wanted = offset + dice.randrange(1, 30_000)
            while viewer.offset < min(wanted, len(expected) + 1):
                viewer.step()
            received += viewer.output
            offset = viewer.offset
            drops += 1
    client.socket.close()
    assert hashlib.sha256(received[-len(expected) :]).digest() == hashlib.sha256(expected).digest()
    assert drops > 8


def test_input_and_interrupt_overtake_a_flood(client: Client) -> None:
    shell = client.shell()
    shell.send("yes\n")
    shell.until("y\r\ny\r\n")
    began = time.monotonic()
    shell.send(b"\x03")
    shell.send("echo back-$((1 + 1))\n")
    shell.until("back-2")
    assert time.monotonic() - began < 5


def test_a_signal_goes_to_the_foreground_group(client: Client) -> None:
    shell = client.shell()
    shell.send("sh -c 'echo go-$((1 + 1)); exec sleep 1000'\n")
    shell.until("go-2")
    shell.tell(type="signal", signal="INT")
    shell.send("echo code=$?\n")
    shell.until("code=130")


def test_input_is_acknowledged_once_the_program_has_it(client: Client) -> None:
    shell = client.shell(script="cat >/dev/null")
    shell.send("x" * 1000 + "\n")
    while shell.acked_input < 1001:
        shell.step()


def test_input_that_nobody_reads_is_bounded(client: Client) -> None:
    shell = client.shell(script="stty raw -echo; echo ready; sleep 100")
    shell.until("ready")
    for _ in range(40):
        shell.send(b"x" * 65536)
    assert shell.until_closed()["type"] == "error"
    assert client.call("list")["terminals"][0]["ended"] is False, "only that viewer is refused"


def test_end_insists_on_a_group_that_ignores_what_it_is_told(client: Client) -> None:
    shell = client.shell(script="trap '' HUP TERM; (trap '' HUP TERM; sleep 1000) & echo pid=$!; wait; sleep 1000")
    child = int(shell.until("\r\n").split("pid=")[1])
    began = time.monotonic()
    client.call("end", name="main", grace=2.0)
    assert time.monotonic() - began < 5
    assert not is_alive(child)


def test_closing_a_shell_spares_what_was_started_with_nohup(client: Client) -> None:
    shell = client.shell()
    shell.send("nohup sleep 1000 >/dev/null 2>&1 & echo kept=$!; sleep 1000 & echo ended=$!; echo all-$((1 + 1))\n")
    text = shell.until("all-2")
    kept, ended = (int(text.rpartition(f"{name}=")[2].split()[0]) for name in ("kept", "ended"))
    deadline = time.monotonic() + 5
    while Path(f"/proc/{kept}/comm").read_text() != "sleep\n":
        assert time.monotonic() < deadline, "nohup has not become what it runs"
    try:
        client.call("end", name="main")
        assert gone_within(5, ended)
        assert is_alive(kept)
    finally:
        os.kill(kept, signal.SIGKILL)


def test_the_end_of_the_leader_ends_what_holds_its_terminal(client: Client) -> None:
    shell = client.shell(script="sleep 1000 & echo pid=$!; exit 0")
    assert shell.until_closed()["code"] == 0
    assert gone_within(5, int(shell.output.split(b"pid=")[1]))


def test_an_ended_terminal_is_replaced_and_a_running_one_is_not(client: Client) -> None:
    client.shell(script="exit 0").until_closed()
    assert client.shell().offset == 0
    assert client.error("spawn", name="main", argv=["sh"], cols=80, rows=24) == "exists"
    assert client.error("spawn", name="log", argv=["sh"], cols=80, rows=24) == "exists"


def test_a_terminal_is_forgotten_with_its_end_though_the_link_breaks(
    supervisor: SupervisorProcess, client: Client
) -> None:
    client.shell(script="trap '' HUP; echo ready; sleep 1000").until("ready")
    with supervisor.link() as other:
        call = {"id": 70, "method": "end", "params": {"name": "main", "grace": 1, "forget": True}}
        other.socket.sendall(message(Kind.CONTROL, 0, call))
        other.call("usage")
    client.event("terminals", lambda event: event["terminals"] == [])


def test_of_terminals_that_ended_unseen_the_last_are_kept(client: Client) -> None:
    seen = client.shell("seen", script="read line")
    client.shell("first", script="read line").close()
    for n in range(MOST_ENDED + 5):
        client.call("spawn", name=f"t{n}", argv=["true"], cols=80, rows=24)
        client.call("end", name=f"t{n}")
    client.call("end", name="first")
    seen.send("\n")
    seen.until_closed()
    names = {terminal["name"] for terminal in client.call("list")["terminals"]}
    assert names == {"seen", "first", *(f"t{n}" for n in range(6, MOST_ENDED + 5))}


def test_nothing_is_left_of_opened_and_dropped_terminals(supervisor: SupervisorProcess, client: Client) -> None:
    def counts() -> tuple[int, int]:
        pid = supervisor.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return len(os.listdir(f"/proc/{pid}/fd")), len(children)

    before = counts()
    for n in range(60):
        with supervisor.link() as link:
            stream = link.shell(name=f"t{n}", script=None if n % 2 else "sleep 1000")
            match n % 4:
                case 0:
                    link.call("end", name=f"t{n}", grace=1)
                case 1:
                    stream.send("exit\n")
                    stream.until_closed()
                case 2:
                    client.call("end", name=f"t{n}", grace=1)
        if n % 4 == 3:
            client.call("end", name=f"t{n}", grace=1)
    deadline = time.monotonic() + 10
    while counts() != before and time.monotonic() < deadline:
        client.call("usage")
    assert counts() == before


def test_orphans_are_reaped(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell(script="(setsid sh -c 'echo orphan=$$; exec sleep 0.2' &); sleep 0.05; exit 0")
    shell.until_closed()
    orphan = int(shell.output.split(b"orphan=")[1].split()[0])
    deadline = time.monotonic() + 5
    while Path(f"/proc/{orphan}").exists():
        assert time.monotonic() < deadline, "a zombie is left"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "x", "argv": [], "cols": 80, "rows": 24},
        {"name": "x", "argv": "sh", "cols": 80, "rows": 24},
        {"name": "x", "argv": ["a\0b"], "cols": 80, "rows": 24},
        {"name": "x", "argv": ["y" * 70_000], "cols": 80, "rows": 24},
        {"name": "x" * 129, "argv": ["sh"], "cols": 80, "rows": 24},
        {"name": 7, "argv": ["sh"], "cols": 80, "rows": 24},
        {"name": "x", "argv": ["sh"], "cols": 0, "rows": 24},
        {"name": "x", "argv": ["sh"], "cols": 80, "rows": 1001},
        {"name": "x", "argv": ["sh"], "cols": True, "rows": 24},
        {"name": "x", "argv": ["sh"], "cols": 80, "rows": 24, "env": {"A=B": "c"}},
        {"name": "x", "argv": ["sh"], "cols": 80, "rows": 24, "env": {"A": 1}},
    ],
)
def test_absurd_calls_are_refused(client: Client, params: dict[str, Any]) -> None:
    assert client.error("spawn", **params) == "invalid"
    assert client.call("list")["terminals"] == []


def test_an_unknown_method_and_channel_are_errors(client: Client) -> None:
    assert client.error("exec") == "invalid"
    assert client.error("attach", stream=50, name="nobody") == "not-found"
    assert client.error("end", name="nobody") == "not-found"


def test_an_ack_beyond_what_was_sent_ends_that_stream_alone(client: Client) -> None:
    first, second = client.shell("a"), client.shell("b")
    first.ack(10**9)
    assert first.until_closed()["type"] == "error"
    second.send("echo fine-$((1 + 1))\n")
    second.until("fine-2")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 9,
        b"\0\0\0\x02\0\0\0\0\0{}x" + b"\0" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x01\0\0\0\0\x00[",
        b"\0\x10\0\0\0\0\0\0\0",
        b"\0\0\0\0\0\0\0\0\x09",
    ],
)
def test_garbage_ends_the_link_and_nothing_else(supervisor: SupervisorProcess, client: Client, garbage: bytes) -> None:
    shell = client.shell()
    with supervisor.link() as hostile:
        hostile.socket.sendall(garbage)
        with pytest.raises((EOFError, ConnectionError)):
            hostile.next(1)
    shell.send("echo fine-$((1 + 1))\n")
    shell.until("fine-2")


def test_sigterm_ends_every_program(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        shell = client.shell(script="trap '' HUP; sleep 1000 & echo pid=$!; wait")
        child = int(shell.until("\r\n").split("pid=")[1])
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(timeout=8) == 0
        assert not is_alive(child)


def test_attach_waits_for_a_supervisor_that_is_still_starting(tmp_path: Path) -> None:
    starting = SupervisorProcess(tmp_path)
    command = [sys.executable, "-I", str(FOLDER), "attach", "--state", str(starting.state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin and process.stdout
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        with starting:
            process.stdin.write(message(Kind.CONTROL, 0, {"id": 1, "method": "usage", "params": {}}))
            assert b'"id":1' in process.stdout.read(65536)
            process.stdin.close()
            assert process.wait(timeout=5) == 0


def test_a_descriptor_pair_handed_over_is_a_link(supervisor: SupervisorProcess, client: Client) -> None:
    process = subprocess.Popen(
        [sys.executable, "-I", str(FOLDER), "attach", "--state", str(supervisor.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdin and process.stdout
    process.stdin.write(message(Kind.CONTROL, 0, {"id": 1, "method": "hello", "params": {"version": VERSION}}))
    decoder = Decoder()
    frames: list[tuple[Kind, int, bytes]] = []
    while not frames:
        frames += decoder.feed(process.stdout.read(65536))
    assert json.loads(frames[0][2])["result"]["boot"] == client.hello["boot"]
    process.stdin.close()
    assert process.wait(timeout=5) == 0
    process.stdout.close()


WRITES_BACK = """
import signal, sys, termios, time
resized = {signal.SIGWINCH}
signal.pthread_sigmask(signal.SIG_BLOCK, resized)
before = termios.tcgetwinsize(0)
print("ready", flush=True)
signal.sigwait(resized)
time.sleep(float(sys.argv[1]))
told = termios.tcgetwinsize(0)
termios.tcsetwinsize(0, before)
print("wrote over", *told, flush=True)
while termios.tcgetwinsize(0) == before: signal.sigwait(resized)
print("told again", *termios.tcgetwinsize(0), flush=True)
"""


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_size_over_which_the_program_wrote_the_one_before_is_set_again(
    client: Client, tmp_path: Path, seconds: float
) -> None:
    program = tmp_path / "writes_back.py"
    program.write_text(WRITES_BACK)
    shell = client.shell(script=f"exec python3 {program} {seconds}")
    shell.until("ready")
    shell.tell(type="resize", cols=101, rows=33)
    shell.until("wrote over 33 101\r\ntold again 33 101\r\n")
