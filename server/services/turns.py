"""Requests to a language server that can't take many at once.

nil works on twice as many at a time as it has processors. When one more comes it waits for one of them to end, does
nothing else meanwhile, not even end them, and so never answers again. A project may have half a processor.
"""

import asyncio
from typing import Any, Final

from server.services.diagnostics import parsed

LONGEST: Final = 10.0
"""Seconds that a request is held back: one before it may be left without an answer."""


class Turns:
    """Holds requests back while a server works on `most` of them. One task may send and one receive."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asked = 0
        self._answered = asyncio.Event()

    async def sending(self, message: dict[str, Any]) -> None:
        """Wait until the server may have this message. Others after it wait too, for they are to come in order."""
        if "id" not in message or "method" not in message:
            return
        try:
            async with asyncio.timeout(LONGEST):
                while self._asked >= self._most:
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            self._asked = 0
        self._asked += 1

    def received(self, text: str) -> None:
        """Note what the server has said."""
        if self._asked and "method" not in parsed(text):
            self._asked -= 1
            self._answered.set()
