"""Fast and slow viewers of one terminal, on both runtimes: who can't follow holds up nobody, and is told."""

import asyncio

from server.supervisor.protocol import MAX_DATA, VIEWER_WINDOW
from tests.support.server import Server, wait_for
from tests.support.terminal import Terminal

LINES = 280_000
NUMBERS = f"stty -echo -onlcr; echo go-$((1 + 1)); read line; seq -f %08.0f {LINES}; echo all-$((1 + 1))\n"
LINE = 9


async def ready(server: Server, project: str, name: str) -> tuple[Terminal, int]:
    """A terminal that prints numbers once it gets a line, and the offset of the first; the caller closes it."""
    terminal = await Terminal(server, project, f"terminals/{name}").__aenter__()
    await terminal.type(NUMBERS)
    await terminal.read_until("go-2\n")
    return terminal, terminal.offset


async def read_window(terminal: Terminal) -> None:
    """Everything that is sent without an ack: until it is a window, and then no more."""
    until = terminal.offset + VIEWER_WINDOW
    terminal.acks = False
    while terminal.offset < until:
        await terminal.read_frame()
    assert terminal.offset == until


async def test_a_slow_viewer_holds_up_nobody_and_goes_on_at_the_right_byte(
    lasting_server: Server, idle_project: str
) -> None:
    fast, first = await ready(lasting_server, idle_project, "raced")
    async with fast.socket, Terminal(lasting_server, idle_project, f"terminals/raced?offset={first}") as slow:
        await fast.type("\n")
        reading = asyncio.create_task(read_window(slow))
        await fast.read_until("all-2", seconds=60)
        await reading
        assert fast.output.count(b"\n") >= LINES, "the fast one has every line"
        begin = fast.offset - len(fast.output)
        slow.acks, slow.output = True, b""
        await slow.tell(type="ack", offset=slow.offset)
        gap = (await slow.read_message("gap"))["offset"]
        assert slow.offset == gap > first + VIEWER_WINDOW, "it is told where it goes on"
        await slow.read_until("all-2")
        length = min(len(slow.output), fast.offset - gap)
        assert [message["type"] for message in slow.messages] == ["ready", "gap"]
        assert slow.output[:length] == fast.output[gap - begin :][:length], "and gets the bytes from there"


async def test_output_is_held_back_only_while_every_viewer_is_behind(lasting_server: Server, idle_project: str) -> None:
    def printed() -> int:
        with lasting_server.client() as client:
            listed = client.get(f"/api/projects/{idle_project}/terminals").raise_for_status().json()
        offset: int = next(item["offset"] for item in listed if item["name"] == "held")
        return offset

    first, begin = await ready(lasting_server, idle_project, "held")
    async with first.socket, Terminal(lasting_server, idle_project, f"terminals/held?offset={begin}") as second:
        await first.type("\n")
        await asyncio.gather(read_window(first), read_window(second))
        # A piece of output is taken whole, and has at most 64 KiB.
        assert begin + VIEWER_WINDOW <= second.offset <= begin + VIEWER_WINDOW + MAX_DATA
        second.acks = True
        await second.tell(type="ack", offset=second.offset)
        await second.read_until("all-2", seconds=60)
        assert second.output.count(b"\n") >= LINES


async def test_ctrl_c_overtakes_the_output_that_a_slow_viewer_holds_up(
    lasting_server: Server, idle_project: str
) -> None:
    mark = lasting_server.folder / "workspaces" / idle_project / "interrupted"
    async with Terminal(lasting_server, idle_project, "terminals/stuck") as slow:
        await slow.type("stty -echo; PS1=ba; PS1=${PS1}ck-; echo go-$((1 + 1))\n")
        await slow.read_until("back-")
        await slow.type(f"bash -c 'trap \"echo > {mark.name}; exit\" INT; while :; do echo {'y' * 200}; done'\n")
        await read_window(slow)
        await slow.type("\x03")
        await asyncio.to_thread(wait_for, "the interrupt, though not a byte of the output moves", mark.exists)
        slow.output, slow.acks = b"", True
        await slow.tell(type="ack", offset=slow.offset)
        await slow.read_until("back-")
        await slow.type("echo still-$((1 + 1))\n")
        await slow.read_until("still-2")
