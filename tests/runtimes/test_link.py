import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from server.errors import AppError, Conflict, Invalid, LinkLost, NotFound, TooMany, Unavailable
from server.runtimes import link as link_module
from server.runtimes.link import FREE_FRAMES, Link
from server.runtimes.roads import over_socket
from server.supervisor.protocol import HEADER, MAX_PAYLOAD, VIEWER_WINDOW, Kind, ack, frame, message
from tests.runtimes.peer import Peer, linked, relay, viewer


@pytest.fixture(params=["socket", "pipe"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Link, Peer]]:
    async with linked(pipe=request.param == "pipe") as both:
        yield both


async def test_the_greeting_is_kept(ends: tuple[Link, Peer]) -> None:
    link, _ = ends
    assert link.boot == "b1"
    assert link.hello["ports"] == []


async def test_replies_find_their_calls_in_any_order(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    first, second = asyncio.create_task(link.call("list")), asyncio.create_task(link.call("usage"))
    ids = {call["method"]: call["id"] for call in (await peer.call(), await peer.call())}
    peer.control({"id": ids["usage"], "result": {"memory": 1}})
    peer.control({"id": ids["list"], "result": {"terminals": []}})
    assert await second == {"memory": 1}
    assert await first == {"terminals": []}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("not-found", NotFound),
        ("exists", Conflict),
        ("refused", Conflict),
        ("invalid", Invalid),
        ("limit", TooMany),
        ("failed", Unavailable),
        ("never heard of", Unavailable),
        (["list"], Unavailable),
    ],
)
async def test_error_codes_become_our_errors(ends: tuple[Link, Peer], code: Any, error: type[AppError]) -> None:
    link, peer = ends
    calling = asyncio.create_task(link.call("spawn"))
    peer.control({"id": (await peer.call())["id"], "error": {"code": code, "detail": "a sentence"}})
    with pytest.raises(error, match="a sentence"):
        await calling


async def test_a_call_too_long_for_a_frame_is_invalid(ends: tuple[Link, Peer]) -> None:
    with pytest.raises(Invalid, match="too long"):
        await ends[0].call("spawn", argv=["x" * MAX_PAYLOAD])


async def test_a_call_without_reply_ends_but_the_link_lives_when_it_is_heard_of(
    ends: tuple[Link, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    link, peer = ends
    monkeypatch.setattr(link_module, "CALL_TIMEOUT", 0.2)
    calling = asyncio.create_task(link.call("list"))
    await peer.call()
    peer.control({"event": "ports", "ports": []})
    with pytest.raises(Unavailable, match="did not answer"):
        await calling
    monkeypatch.undo()
    again = asyncio.create_task(link.call("list"))
    await peer.answer("list", {"terminals": []})
    assert await again == {"terminals": []}


async def test_a_link_that_says_nothing_at_all_is_given_up(
    ends: tuple[Link, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    link, _ = ends
    monkeypatch.setattr(link_module, "CALL_TIMEOUT", 0.1)
    with pytest.raises(Unavailable):
        await link.call("list")
    await link.wait_closed()


async def test_events_before_anyone_listens_are_kept_by_kind(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    for port in (1, 2):
        peer.control({"event": "ports", "ports": [{"port": port}]})
    calling = asyncio.create_task(link.call("list"))
    await peer.answer("list", {})
    await calling
    seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    link.on_event = seen.put_nowait
    assert (await seen.get())["ports"] == [{"port": 2}]
    peer.control({"event": "run", "run": {}})
    assert (await seen.get())["event"] == "run"
    assert seen.empty()


async def test_everything_that_waits_fails_when_the_link_breaks(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    view, wire = await viewer(link, peer), await relay(link, peer)
    waiting = [asyncio.create_task(item) for item in (link.call("list"), view.receive(), wire.receive())]
    await peer.call()
    peer.writer.close()
    for task in waiting:
        with pytest.raises(LinkLost):
            await task
    await link.wait_closed()
    for attempt in (link.call("list"), link.attach("log", None), link.connect(1), wire.send(b"x")):
        with pytest.raises(LinkLost):
            await attempt
    view.close()
    view.ack(1)


async def test_what_came_before_the_break_is_still_received(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    view = await viewer(link, peer)
    peer.writer.write(frame(Kind.DATA, view.id, b"last words"))
    peer.writer.close()
    await link.wait_closed()
    assert await view.receive() == b"last words"
    with pytest.raises(LinkLost):
        await view.receive()


async def test_close_is_seen_by_the_peer_and_may_be_repeated(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    closing = asyncio.create_task(link.wait_closed())
    await link.close()
    await link.close()
    await closing
    await peer.closed()


def _deep(stream: int) -> bytes:
    bomb = b'{"a":' + b"[" * 200_000
    return frame(Kind.CONTROL, stream, bomb)


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "random bytes": lambda stream: b"\xff" * 64,
    "an HTTP answer": lambda stream: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a frame of 4 GiB": lambda stream: HEADER.pack(2**32 - 1, stream, Kind.DATA),
    "an unknown kind": lambda stream: HEADER.pack(0, stream, 9),
    "a stream never opened": lambda stream: frame(Kind.DATA, stream + 1, b"x"),
    "an ack for a stream never opened": lambda stream: ack(stream + 1, 0),
    "data on stream 0": lambda stream: frame(Kind.DATA, 0, b"x"),
    "control on a stream": lambda stream: message(Kind.CONTROL, stream, {}),
    "no JSON": lambda stream: frame(Kind.CONTROL, 0, b"{"),
    "no object": lambda stream: frame(Kind.CONTROL, 0, b"[1]"),
    "no UTF-8": lambda stream: frame(Kind.CONTROL, 0, b'{"a":"\xff\xfe"}'),
    "a number of 200,000 digits": lambda stream: frame(Kind.CONTROL, 0, b'{"a":' + b"9" * 200_000 + b"}"),
    "JSON nested 200,000 deep": _deep,
    "a message of 100 kB": lambda stream: message(Kind.MESSAGE, stream, {"a": "x" * 100_000}),
    "a gap backwards": lambda stream: message(Kind.MESSAGE, stream, {"type": "gap", "offset": -1}),
    "a gap to nowhere": lambda stream: message(Kind.MESSAGE, stream, {"type": "gap", "offset": 2**63}),
    "a gap without offset": lambda stream: message(Kind.MESSAGE, stream, {"type": "gap"}),
    "a short ack": lambda stream: frame(Kind.ACK, stream, b"1"),
    "an ack of what was not sent": lambda stream: ack(stream, 1),
    "data beyond the window": lambda stream: frame(Kind.DATA, stream, b"x" * 2**16) * (VIEWER_WINDOW // 2**15 + 1),
    "messages without end": lambda stream: message(Kind.MESSAGE, stream, {"type": "?"}) * 1025,
    "events without end": lambda stream: message(Kind.CONTROL, 0, {"event": "ports"}) * (FREE_FRAMES + 1),
    "long events": lambda stream: message(Kind.CONTROL, 0, {"event": "x" * 250_000}) * 40,
    "replies that nobody waits for": lambda stream: message(Kind.CONTROL, 0, {"id": 7}) * (FREE_FRAMES + 1),
    "ids of another type": lambda stream: message(Kind.CONTROL, 0, {"id": [1]}) * (FREE_FRAMES + 1),
    "empty data without end": lambda stream: frame(Kind.DATA, stream) * (FREE_FRAMES + 1),
    "acks without end": lambda stream: ack(stream, 0) * (FREE_FRAMES + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_peer_costs_its_link_and_no_more(ends: tuple[Link, Peer], name: str) -> None:
    link, peer = ends
    view = await viewer(link, peer)
    peer.writer.write(HOSTILE[name](view.id))
    async with asyncio.timeout(5):
        await link.wait_closed()
        with pytest.raises(LinkLost):
            while True:
                await view.receive()


async def test_a_reply_without_result_breaks_the_link(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    calling = asyncio.create_task(link.call("list"))
    peer.control({"id": (await peer.call())["id"], "result": "text"})
    with pytest.raises(LinkLost):
        await calling


async def test_an_offset_that_is_none_breaks_the_link(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    opening = asyncio.create_task(link.attach("log", None))
    await peer.answer("attach", {"offset": "12", "ended": False})
    with pytest.raises(LinkLost):
        await opening


async def test_output_before_the_reply_breaks_the_link(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    opening = asyncio.create_task(link.attach("log", None))
    peer.writer.write(frame(Kind.DATA, (await peer.call())["params"]["stream"], b"early"))
    with pytest.raises(LinkLost):
        await opening


async def test_late_data_for_a_closed_stream_is_dropped_up_to_its_window(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    view = await viewer(link, peer)
    view.close()
    peer.writer.write(frame(Kind.DATA, view.id, b"x" * 2**16) * 8 + frame(Kind.CLOSE, view.id))
    calling = asyncio.create_task(link.call("list"))
    assert (await peer.frame())[0] is Kind.CLOSE
    await peer.answer("list", {})
    await calling
    peer.writer.write(frame(Kind.DATA, view.id, b"x" * 2**16) * 9)
    await link.wait_closed()


async def test_another_version_of_the_supervisor_is_refused() -> None:
    ours, theirs = socket.socketpair()
    peer = Peer(*await asyncio.open_unix_connection(sock=theirs))
    opening = asyncio.create_task(over_socket("p1", ours))
    await peer.answer("hello", {"version": 99})
    with pytest.raises(Unavailable, match="another version"):
        await opening
    await peer.closed()
    peer.writer.close()


async def test_a_peer_that_hangs_up_at_once_is_told_from_one_that_is_silent() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(LinkLost):
        await over_socket("p1", ours)


async def test_a_peer_that_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "HELLO_TIMEOUT", 0.1)
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(Unavailable) as caught:
        await over_socket("p1", ours)
    assert not isinstance(caught.value, LinkLost)


VALUES: tuple[Any, ...] = (
    0,
    1,
    -1,
    2**63,
    2**64,
    1.5,
    True,
    None,
    "",
    "gap",
    "reset",
    "exit",
    [],
    [1],
    {},
    {"code": []},
)


def _noise(chance: random.Random, stream: int) -> bytes:
    """A frame that is right in some parts and absurd in others."""
    kind = chance.choice(list(Kind))
    to = chance.choice((0, stream, stream, stream, stream + 1))
    if kind in (Kind.CONTROL, Kind.MESSAGE):
        keys = ("id", "event", "result", "error", "type", "offset", "code", "detail", "stream")
        return message(kind, to, {chance.choice(keys): chance.choice(VALUES) for _ in range(3)})
    return frame(kind, to, chance.randbytes(chance.choice((0, 1, 8, 8, 100))))


async def test_noise_never_raises_out_of_the_link() -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
    for seed in range(150):
        chance = random.Random(seed)
        async with linked() as (link, peer):
            seen: list[object] = []
            link.on_event = seen.append
            view, wire = await viewer(link, peer), await relay(link, peer)
            peer.writer.write(b"".join(_noise(chance, chance.choice((view.id, wire.id))) for _ in range(12)))
            peer.writer.write_eof()
            for stream in (view, wire):
                with pytest.raises(LinkLost):
                    while await stream.receive() is not None:
                        pass
                    raise LinkLost("ended in order")
            await link.wait_closed()
    assert problems == []
