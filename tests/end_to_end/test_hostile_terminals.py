"""What a hostile or broken client sends to a terminal, on both runtimes: it is told what was wrong, others go on."""

import json
import os
import struct

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.neighbour import undisturbed
from tests.support.server import Server
from tests.support.terminal import Terminal

ADDRESSES = [
    *(f"terminals/a?{side}={size}" for side in ("cols", "rows") for size in ("0", "-1", "1000000000", "9" * 5000, "x")),
    *(f"terminals/a?offset={offset}" for offset in ("-1", "1e3", str(2**63), "9" * 5000)),
    *(f"terminals/{name}" for name in ("%2e%2e", "a%00b", "x" * 65, "x" * 8000, "%C3%A9", "%20", "-a")),
]
NO_ADDRESSES = ["..%2f..%2fetc", "%2f", "a%2fb", "../../healthz", "", "x" * 10_000]
NO_MESSAGES = [
    *("no json", "", "[]", "7", "null", '"ack"', "{}", "[" * 4000, '{"type":["ack"]}', '{"type":"exec"}'),
    *('{"type":"resize"}', '{"type":"resize","cols":80}', '{"type":"ack"}', '{"type":"signal"}'),
    *(
        json.dumps({"type": "resize", "cols": size, "rows": 24})
        for size in (0, -1, 10**9, True, "80", 80.5, None, float("nan"), [80])
    ),
    *(json.dumps({"type": "ack", "offset": offset}) for offset in (-1, 10**9, 2**63, 10**3000, True, "1", 1.5, None)),
    *(json.dumps({"type": "signal", "signal": name}) for name in ("SEGV", "int", "SIGINT", "KILL 1", 9, None, ["INT"])),
]


async def refused(terminal: Terminal, *codes: int) -> None:
    """The socket is closed with one of these codes, after a message that says what was wrong."""
    problem = await terminal.read_message("error")
    assert problem["title"] and len(problem["detail"]) > 10, problem
    await terminal.socket.wait_closed()
    assert terminal.socket.close_code in codes


async def test_addresses_that_make_no_sense_are_refused(lasting_server: Server, idle_project: str) -> None:
    async with undisturbed(lasting_server, idle_project):
        for address in ADDRESSES:
            async with Terminal(lasting_server, idle_project, address) as terminal:
                await refused(terminal, 4400)
        for address in NO_ADDRESSES:
            with pytest.raises(InvalidStatus, match="404|414"):
                await lasting_server.socket(f"{idle_project}/terminals/{address}")
    with lasting_server.client() as client:
        names = [item["name"] for item in client.get(f"/api/projects/{idle_project}/terminals").json()]
    assert "a" not in names, "nothing was started"


async def test_messages_that_make_no_sense_are_refused(lasting_server: Server, idle_project: str) -> None:
    async with undisturbed(lasting_server, idle_project):
        for message in NO_MESSAGES:
            async with Terminal(lasting_server, idle_project, "terminals/bad") as terminal:
                await terminal.socket.send(message)
                await refused(terminal, 4400)
        async with Terminal(lasting_server, idle_project, "terminals/bad") as terminal:
            await terminal.type("echo alive-$((1 + 1))\n")
            await terminal.read_until("alive-2")


@pytest.mark.parametrize("kind", ["binary", "text"])
async def test_a_frame_of_16_mib_is_refused(lasting_server: Server, idle_project: str, kind: str) -> None:
    data = b"[" * (16 * 1024 * 1024)
    async with undisturbed(lasting_server, idle_project):
        async with Terminal(lasting_server, idle_project, "terminals/bad") as terminal:
            await terminal.socket.send(data if kind == "binary" else data.decode())
            await refused(terminal, 1009)


RAW = {
    "a length that no memory holds": (b"\x82\xff" + struct.pack("!Q", 2**62) + b"mask", 1009),
    "a frame that is not masked": (b"\x82\x01x", 1002),
    "a kind of frame that there is not": (b"\x83\x80mask", 1002),
    "text that is none": (b"\x81\x82\0\0\0\0\xff\xfe", 1007),
    "a continuation of nothing": (b"\x80\x80mask", 1002),
    "a long ping": (b"\x89\xfe\x01\x00" + bytes(260), 1002),
}


@pytest.mark.parametrize("what", RAW)
async def test_bytes_that_are_no_frames_are_refused(lasting_server: Server, idle_project: str, what: str) -> None:
    sent, code = RAW[what]
    async with undisturbed(lasting_server, idle_project):
        async with Terminal(lasting_server, idle_project, "terminals/bad") as terminal:
            terminal.socket.transport.write(sent)
            await terminal.socket.wait_closed()
            assert terminal.socket.close_code == code


async def test_an_ack_that_goes_back_takes_nothing_away(lasting_server: Server, idle_project: str) -> None:
    async with Terminal(lasting_server, idle_project, "terminals/back") as terminal:
        await terminal.type("stty -echo; head -c 2000000 /dev/zero | tr '\\0' x; echo; echo all-$((1 + 1))\n")
        while b"all-2" not in terminal.output:
            await terminal.read_frame()
            await terminal.tell(type="ack", offset=0)
        assert terminal.output.count(b"x") >= 2_000_000


async def test_floods_of_small_frames_disturb_nobody(lasting_server: Server, idle_project: str) -> None:
    async with undisturbed(lasting_server, idle_project) as neighbour:
        async with Terminal(lasting_server, idle_project, "terminals/flooded") as terminal:
            await terminal.type("stty -echo; PS1=ba; PS1=${PS1}ck-; echo go-$((1 + 1)); cat >/dev/null\n")
            await terminal.read_until("go-2")
            for n in range(2000):
                await terminal.socket.send(b"x" if n % 70 else b"\n")
                await terminal.tell(type="ack", offset=0)
                await terminal.tell(type="resize", cols=80 + n % 2, rows=24)
                await terminal.socket.send(b"")
            await terminal.type("\x03")
            # What is typed before the prompt may still be read by the program that is just being interrupted.
            await terminal.read_until("back-")
            await terminal.type("echo still-$((1 + 1))\n")
            await terminal.read_until("still-2")
        await neighbour.goes_on()


async def test_input_that_nobody_reads_ends_that_socket_alone(lasting_server: Server, idle_project: str) -> None:
    async with undisturbed(lasting_server, idle_project):
        async with Terminal(lasting_server, idle_project, "terminals/deaf") as terminal:
            await terminal.type("stty raw -echo; echo deaf-$((1 + 1)); exec sleep 1000\n")
            await terminal.read_until("deaf-2")
            try:
                for _ in range(100):
                    await terminal.socket.send(os.urandom(200_000))
            except ConnectionClosed:
                pass
            await refused(terminal, 1009, 4400)
        async with Terminal(lasting_server, idle_project, "terminals/deaf?offset=0") as terminal:
            await terminal.tell(type="close")
            assert (await terminal.read_message("exit"))["signal"]


async def test_a_name_is_free_for_a_new_shell_as_soon_as_the_end_of_the_old_is_seen(
    lasting_server: Server, idle_project: str
) -> None:
    for _ in range(10):
        async with Terminal(lasting_server, idle_project, "terminals/again") as terminal:
            assert terminal.offset == 0
            await terminal.type("exit\n")
            await terminal.read_message("exit")
