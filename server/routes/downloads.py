"""Answers with what a project's programs have written: streamed, and never let run on the IDE's origin."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import quote_from_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

SANDBOX: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class Stream(StreamingResponse):
    """A streamed answer that lets go of its source, even when the client goes before it begins."""

    def __init__(
        self, content: AsyncIterator[bytes], close: Callable[[], Awaitable[None]], status: int = 200, **options: Any
    ) -> None:
        super().__init__(content, status, **options)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._close()


async def chained(first: T, rest: AsyncIterator[T]) -> AsyncIterator[T]:
    """What was taken already to see whether it can be answered at all, then the rest."""
    yield first
    async for item in rest:
        yield item


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What `work` comes to; it is cancelled when the client goes. Raises ClientDisconnect then."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnection(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _disconnection(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def disposition(name: bytes, *, inline: bool) -> str:
    plain = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\%' else "_" for byte in name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote_from_bytes(name, safe='')}"
