import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import BadGateway, NotFound
from server.runtimes.link import Link
from server.runtimes.stream import ACK_AFTER, Stream
from server.supervisor.protocol import (
    MAX_DATA,
    RELAY_WINDOW,
    VIEWER_WINDOW,
    Kind,
    ack,
    frame,
    message,
    parse_json,
    parse_offset,
)
from tests.runtimes.peer import Peer, linked, relay, viewer


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Link, Peer]]:
    async with linked() as both:
        yield both


async def _taken(peer: Peer, size: int) -> bytes:
    """`size` bytes of DATA that the link sent."""
    data = b""
    while len(data) < size:
        kind, _, payload = await peer.frame()
        assert kind is Kind.DATA
        data += payload
    assert len(data) == size
    return data


async def _received(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        item = await stream.receive()
        assert isinstance(item, bytes)
        data += item
    return data


async def _settled(link: Link, peer: Peer) -> None:
    """Once this has gone to and fro, the link has taken everything that the peer wrote before."""
    asking = asyncio.create_task(link.call("list"))
    await peer.answer("list", {})
    await asking


async def test_output_that_comes_with_the_reply_is_not_lost(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    opening = asyncio.create_task(link.attach("log", 7))
    call = await peer.call()
    assert call["params"] == {"stream": 1, "name": "log", "offset": 7, "viewOnly": False}
    reply = message(Kind.CONTROL, 0, {"id": call["id"], "result": {"offset": 9, "ended": True}})
    peer.writer.write(reply + frame(Kind.DATA, 1, b"at once"))
    stream = await opening
    assert (stream.offset, stream.ended) == (9, True)
    assert await stream.receive() == b"at once"


async def test_small_pieces_that_wait_are_joined_in_order(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    text = bytes(index % 251 for index in range(3000))
    peer.writer.write(b"".join(frame(Kind.DATA, stream.id, text[index : index + 1]) for index in range(3000)))
    peer.writer.write(frame(Kind.DATA, stream.id, b"y" * MAX_DATA))
    peer.writer.write(message(Kind.MESSAGE, stream.id, {"type": "exit", "code": 3, "signal": None}))
    peer.writer.write(frame(Kind.CLOSE, stream.id))
    await _settled(link, peer)
    assert await stream.receive() == text
    assert await stream.receive() == b"y" * MAX_DATA
    assert await stream.receive() == {"type": "exit", "code": 3, "signal": None}
    assert await stream.receive() is None
    assert await stream.receive() is None
    await stream.send(b"typed after the end")
    stream.message({"type": "resize", "cols": 1, "rows": 1})
    await _settled(link, peer)


async def test_acks_go_forward_only_and_not_beyond_what_came(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer, offset=100)
    peer.writer.write(frame(Kind.DATA, stream.id, b"x" * 50))
    await stream.receive()
    for offset in (99, 100, 120, 110, 120, 10**9):
        stream.ack(offset)
    # Small ones are told as one.
    kind, _, payload = await peer.frame()
    assert (kind, parse_offset(payload)) == (Kind.ACK, 150)
    stream.ack(150)
    await _settled(link, peer)


async def test_much_that_was_consumed_is_acked_at_once(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    peer.writer.write(frame(Kind.DATA, stream.id, b"x" * MAX_DATA))
    await stream.receive()
    for offset in (10, ACK_AFTER - 1, ACK_AFTER, ACK_AFTER + 1):
        stream.ack(offset)
    stream.close()
    kind, _, payload = await peer.frame()
    assert (kind, parse_offset(payload)) == (Kind.ACK, ACK_AFTER)
    assert (await peer.frame())[0] is Kind.CLOSE


async def test_a_viewer_goes_on_behind_a_gap(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    piece = frame(Kind.DATA, stream.id, b"x" * MAX_DATA)
    peer.writer.write(piece * (VIEWER_WINDOW // MAX_DATA))
    peer.writer.write(message(Kind.MESSAGE, stream.id, {"type": "gap", "offset": 10**7}))
    await _received(stream, VIEWER_WINDOW)
    assert await stream.receive() == {"type": "gap", "offset": 10**7}
    peer.writer.write(frame(Kind.DATA, stream.id, b"later"))
    assert await stream.receive() == b"later"
    stream.ack(10**7 + 5)
    assert parse_offset((await peer.frame())[2]) == 10**7 + 5


async def test_of_sizes_that_wait_only_the_newest_is_kept(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    for cols in range(1, 500):
        peer.writer.write(message(Kind.MESSAGE, stream.id, {"type": "size", "cols": cols, "rows": 24}))
    peer.writer.write(frame(Kind.DATA, stream.id, b"later"))
    await _settled(link, peer)
    assert await stream.receive() == {"type": "size", "cols": 499, "rows": 24}
    assert await stream.receive() == b"later"


async def test_only_data_that_finds_its_reader_waiting_passes_it_by(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    offered: list[bytes] = []

    def take(data: bytes) -> bool:
        if data != b"refused":
            offered.append(data)
        return data != b"refused"

    stream.direct = take
    peer.writer.write(frame(Kind.DATA, stream.id, b"nobody waits"))
    await _settled(link, peer)
    assert (await stream.receive(), offered) == (b"nobody waits", [])
    receiving = asyncio.create_task(stream.receive())
    await asyncio.sleep(0)
    pieces = (b"taken", b"refused", b"behind it")
    peer.writer.write(b"".join(frame(Kind.DATA, stream.id, piece) for piece in pieces))
    assert (await receiving, offered) == (b"refusedbehind it", [b"taken"])


async def test_a_cancelled_receive_loses_nothing(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    waiting = asyncio.create_task(stream.receive())
    await _settled(link, peer)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    peer.writer.write(frame(Kind.DATA, stream.id, b"kept"))
    assert await stream.receive() == b"kept"


async def test_two_receivers_are_refused(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    waiting = asyncio.create_task(stream.receive())
    await _settled(link, peer)
    with pytest.raises(RuntimeError, match="another task"):
        await stream.receive()
    stream.close()
    assert await waiting is None


async def test_a_channel_that_does_not_exist_is_not_found(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    opening = asyncio.create_task(link.attach("terminal/1", None))
    peer.control({"id": (await peer.call())["id"], "error": {"code": "not-found", "detail": "no such terminal"}})
    with pytest.raises(NotFound):
        await opening


async def test_input_waits_here_while_its_program_does_not_read(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await viewer(link, peer)
    stream.feed(b"i" * 10 * MAX_DATA)
    assert stream.unsent == 9 * MAX_DATA
    await _taken(peer, MAX_DATA)
    # Nothing more is on its way, and a resize is not behind what waits.
    stream.message({"type": "resize", "cols": 90, "rows": 30})
    kind, _, payload = await peer.frame()
    assert (kind, parse_json(payload)["cols"]) == (Kind.MESSAGE, 90)
    peer.writer.write(ack(stream.id, MAX_DATA))
    assert await _taken(peer, MAX_DATA) == b"i" * MAX_DATA
    assert stream.unsent == 8 * MAX_DATA


async def test_a_relay_keeps_to_its_window_both_ways(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    sending = asyncio.create_task(stream.send(b"u" * (RELAY_WINDOW + 10)))
    await _taken(peer, RELAY_WINDOW)
    await _settled(link, peer)
    assert not sending.done()
    peer.writer.write(ack(stream.id, 4))
    await _taken(peer, 4)
    peer.writer.write(ack(stream.id, RELAY_WINDOW))
    await _taken(peer, 6)
    await sending
    peer.writer.write(frame(Kind.DATA, stream.id, b"d" * MAX_DATA))
    assert await _received(stream, MAX_DATA) == b"d" * MAX_DATA
    kind, _, payload = await peer.frame()
    assert (kind, parse_offset(payload)) == (Kind.ACK, MAX_DATA)


async def test_what_is_not_received_is_not_acked(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    peer.writer.write(frame(Kind.DATA, stream.id, b"d" * MAX_DATA) * 4)
    await _settled(link, peer)
    await stream.receive()
    assert (await peer.frame())[0] is Kind.ACK
    await _settled(link, peer)


async def test_each_side_of_a_relay_ends_by_itself(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    await stream.send_eof()
    assert (await peer.frame())[0] is Kind.CLOSE
    with pytest.raises(RuntimeError, match="closed already"):
        await stream.send(b"more")
    peer.writer.write(frame(Kind.DATA, stream.id, b"answer") + frame(Kind.CLOSE, stream.id))
    assert await stream.receive() == b"answer"
    assert await stream.receive() is None
    stream.close()
    await _settled(link, peer)


async def test_the_app_ends_first_and_we_go_on(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    peer.writer.write(frame(Kind.CLOSE, stream.id))
    assert await stream.receive() is None
    await stream.send(b"still heard")
    assert await _taken(peer, 11) == b"still heard"
    stream.close()
    assert (await peer.frame())[0] is Kind.CLOSE
    await _settled(link, peer)


async def test_giving_a_relay_up_cuts_the_connection(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    stream.close()
    stream.close()
    kind, _, payload = await peer.frame()
    assert (kind, parse_json(payload)) == (Kind.MESSAGE, {"type": "reset"})
    assert (await peer.frame())[0] is Kind.CLOSE
    assert await stream.receive() is None
    await _settled(link, peer)


async def test_a_reset_by_the_app_is_told_and_ends_sending(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    stream = await relay(link, peer)
    sending = asyncio.create_task(stream.send(b"u" * (RELAY_WINDOW + 1)))
    await _taken(peer, RELAY_WINDOW)
    peer.writer.write(message(Kind.MESSAGE, stream.id, {"type": "reset"}) + frame(Kind.CLOSE, stream.id))
    with pytest.raises(BadGateway):
        await sending
    assert await stream.receive() == {"type": "reset"}
    assert await stream.receive() is None


async def test_a_slow_link_makes_senders_wait_and_then_go_on(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    streams = [await relay(link, peer) for _ in range(8)]
    sending = [asyncio.create_task(stream.send(b"u" * RELAY_WINDOW)) for stream in streams]
    done, _ = await asyncio.wait(sending, timeout=0.2)
    assert len(done) < len(sending)
    total = 0
    while total < len(streams) * RELAY_WINDOW:
        total += len((await peer.frame())[2])
    await asyncio.gather(*sending)
