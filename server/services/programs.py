"""Programs in a project that are run to their end, with their input, output and time bounded."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from server.errors import GatewayTimeout
from server.runtimes.link import Stream


@dataclass(frozen=True)
class Output:
    """What a program left. `code` is None when a signal ended it; `cut` says that there was more output than wanted."""

    code: int | None
    out: bytes
    errors: str
    cut: bool = False


async def finish(
    stream: Stream,
    *,
    given: bytes = b"",
    most: int,
    seconds: float,
    heard: Callable[[bytes], None] | None = None,
) -> Output:
    """Give the program its input, and take what it says until it ends; then it is gone, whatever happened.

    At most the first `most` bytes are kept, and the program is ended when there are more. `heard` gets each piece.
    Raises GatewayTimeout after `seconds`, LinkLost. Cancelling ends the program.
    """
    feeding = asyncio.create_task(_feed(stream, given))
    try:
        async with asyncio.timeout(seconds):
            return await _take(stream, most, heard)
    except TimeoutError:
        raise GatewayTimeout(f"it took longer than {seconds:g} s, so it was ended") from None
    finally:
        stream.close()
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(stream: Stream, given: bytes) -> None:
    if given:
        await stream.send(given)
    await stream.send_eof()


async def _take(stream: Stream, most: int, heard: Callable[[bytes], None] | None) -> Output:
    out = bytearray()
    while True:
        item = await stream.receive()
        if isinstance(item, bytes):
            out += item
            if heard:
                heard(item)
            if len(out) > most:
                return Output(None, bytes(out[:most]), "", cut=True)
        else:
            code, said = (item or {}).get("code"), (item or {}).get("stderr")
            return Output(code if isinstance(code, int) else None, bytes(out), said if isinstance(said, str) else "")
