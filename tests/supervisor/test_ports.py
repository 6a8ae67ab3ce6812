import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.runtimes.link import CALL_TIMEOUT
from server.supervisor import ports, relay
from server.supervisor.loop import Loop
from server.supervisor.protocol import MAX_DATA, RELAY_WINDOW, Kind, frame, message
from tests.supervisor.client import Client, SupervisorProcess

SERVER = """
import socket, sys
family, address = (socket.AF_INET6, "::1") if ":" in sys.argv[1] else (socket.AF_INET, sys.argv[1])
listener = socket.socket(family)
listener.bind((address, 0))
listener.listen()
print("port", listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    {serve}
"""
ECHO = """
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.close()
"""


def serve(client: Client, serve: str, address: str = "127.0.0.1") -> int:
    """A listener in a terminal of the project. Returns its port."""
    program = SERVER.format(serve=serve.strip())
    client.call("spawn", name="server", argv=["python3", "-c", program, address], cols=80, rows=24)
    output = client.attach("server", 0)
    return int(output.until("\r\n").split()[-1])


def reported(client: Client, port: int) -> dict[str, Any]:
    event = client.event("ports", lambda event: any(item["port"] == port for item in event["ports"]))
    found: dict[str, Any] = next(item for item in event["ports"] if item["port"] == port)
    return found


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_port_is_reported_and_relayed_whatever_it_is_bound_to(client: Client, address: str) -> None:
    port = serve(client, ECHO, address)
    found = reported(client, port)
    assert (found["address"], found["process"]) == (address, "python3")
    stream = client.connect(port)
    stream.send("hello")
    assert stream.until("hello") == "hello"
    stream.close()
    stream.until_closed()
    assert stream.messages == []


def test_a_port_that_is_gone_is_reported_gone(client: Client) -> None:
    port = serve(client, ECHO)
    reported(client, port)
    client.call("end", name="server", grace=1)
    client.event("ports", lambda event: all(item["port"] != port for item in event["ports"]))


def test_ports_of_other_peoples_processes_are_not_reported(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = serve(client, ECHO)
        reported(client, port)
        event = client.event("ports", lambda event: True) if client.events else {"ports": []}
        assert foreign.getsockname()[1] not in [item["port"] for item in event["ports"]]
        assert client.error("connect", stream=9, port=foreign.getsockname()[1]) == "refused"


def test_nobody_there_is_refused(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert client.error("connect", stream=9, port=port) == "refused"
    assert client.error("connect", stream=9, port=0) == "invalid"
    assert client.error("connect", stream=9, port=65536) == "invalid"
    assert client.error("connect", stream=9, port="22") == "invalid"


def test_a_half_closed_connection_still_answers(client: Client) -> None:
    port = serve(
        client,
        """
    data = b""
    while more := connection.recv(999):
        data += more
    connection.sendall(data[::-1])
    connection.close()""",
    )
    stream = client.connect(port)
    stream.send("abc")
    stream.close()
    stream.until_closed()
    assert stream.output == b"cba"


def test_a_reset_is_told(client: Client) -> None:
    linger = struct.pack("ii", 1, 0)
    abort = f"connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, {linger!r})\n    connection.close()"
    stream = client.connect(serve(client, "connection.recv(1)\n    " + abort))
    stream.send("x")
    assert stream.until_closed() == {"type": "reset"}


def test_both_directions_keep_to_their_windows(client: Client) -> None:
    port = serve(client, "import time\n    connection.sendall(b'x' * 4_000_000)\n    time.sleep(1000)")
    stream = client.connect(port)
    stream.acks = False
    while stream.offset < RELAY_WINDOW:
        stream.step()
    client.call("usage")
    assert stream.offset == RELAY_WINDOW
    stream.acks = True
    stream.ack(stream.offset)
    while stream.offset < 4_000_000:
        stream.step()
    # The app never reads: past its socket's buffers and the window the stream is refused, not buffered.
    for _ in range(200):
        stream.send(b"y" * MAX_DATA)
        if stream.closed:
            break
    assert stream.until_closed()["type"] == "error"


def test_a_large_body_passes_whole_both_ways(client: Client) -> None:
    port = serve(client, ECHO)
    stream = client.connect(port)
    sent, body = 0, bytes(range(256)) * 8192
    while stream.offset < len(body):
        while sent < len(body) and sent - stream.acked_input < RELAY_WINDOW - MAX_DATA:
            stream.send(body[sent : sent + MAX_DATA])
            sent += MAX_DATA
        stream.step()
    assert stream.output == body


# A program too busy to accept: two wait, and the kernel answers no third.
FULL = """
import socket, time
listener = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = [socket.socket() for _ in range(3)]
for connection in waiting:
    connection.setblocking(False)
    connection.connect_ex(listener.getsockname())
print("port", listener.getsockname()[1], flush=True)
time.sleep(1000)
"""


def test_a_stream_that_is_closed_while_it_connects_leaves_nothing(
    supervisor: SupervisorProcess, client: Client
) -> None:
    client.call("spawn", name="busy", argv=["python3", "-c", FULL], cols=80, rows=24)
    port = int(client.attach("busy", 0).until("\r\n").split()[-1])
    reported(client, port)
    open_files = Path(f"/proc/{supervisor.process.pid}/fd")
    before = len(list(open_files.iterdir()))
    call = {"id": 70, "method": "connect", "params": {"stream": 9, "port": port}}
    reset = message(Kind.MESSAGE, 9, {"type": "reset"}) + frame(Kind.CLOSE, 9)
    client.socket.sendall(message(Kind.CONTROL, 0, call))
    client.call("usage")
    assert len(list(open_files.iterdir())) == before + 1, "it connects"
    client.socket.sendall(reset)
    assert "closed" in client.answered(70)["error"]["detail"]
    assert len(list(open_files.iterdir())) == before
    with supervisor.link() as other:
        other.socket.sendall(message(Kind.CONTROL, 0, call))
        other.call("usage")
    client.call("usage")
    client.call("usage")
    assert len(list(open_files.iterdir())) == before, "a link takes along what it was connecting"


def test_a_listener_that_accepts_nothing_is_waited_for_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert relay.PATIENCE < CALL_TIMEOUT, "the server must hear of it"
    monkeypatch.setattr(relay, "PATIENCE", 0.2)
    answers: list[tuple[socket.socket | None, str]] = []
    with subprocess.Popen([sys.executable, "-c", FULL], stdout=subprocess.PIPE, text=True) as busy:
        assert busy.stdout
        port = int(busy.stdout.readline().split()[1])
        loop = Loop()

        def done(connection: socket.socket | None, why: str) -> None:
            answers.append((connection, why))
            loop.stop()

        relay.Connecting(loop, 1, port, done).start()
        loop.run()
        busy.kill()
    assert answers == [(None, f"no connection to port {port}: its program accepted none within 0.2 s")]


def test_usage_counts_what_the_project_uses(client: Client) -> None:
    before = client.call("usage")
    client.shell(script="python3 -c 'x = bytearray(50_000_000); print(len(x)); input()'").until("50000000")
    after = client.call("usage")
    assert after["memory"] > before["memory"] + 45_000_000
    assert after["cpuSeconds"] >= before["cpuSeconds"]


def test_both_ways_to_ask_for_listeners_agree() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("::", 0), family=socket.AF_INET6) as second,
    ):
        for sock, family, name in ((first, socket.AF_INET, "tcp"), (second, socket.AF_INET6, "tcp6")):
            inode = os.fstat(sock.fileno()).st_ino
            assert ports._asked(family)[inode] == ports._read(family, name)[inode] == sock.getsockname()[:2]


def test_the_listeners_are_read_from_proc_where_the_kernel_is_not_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "NETLINK_SOCK_DIAG", 31)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        with pytest.raises(OSError):
            ports._asked(socket.AF_INET)
        assert ports._listeners()[os.fstat(sock.fileno()).st_ino] == sock.getsockname()


def test_a_port_is_found_though_a_walk_missed_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    program = SERVER.format(serve="connection.close()")
    owner = subprocess.Popen([sys.executable, "-c", program, "127.0.0.1"], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout
        port = int(owner.stdout.readline().split()[-1])
        watched = ports.Ports()
        with monkeypatch.context() as patch:
            patch.setattr(ports, "descendants", lambda root: [])
            assert watched.look() == []
        assert [entry["port"] for entry in watched.look()] == [port]
        owner.kill()
