"""Places in a file that is too large to be looked through anywhere but here: lines by number, and text."""

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, TypeVar

from server.errors import GatewayTimeout
from server.services.documents import OpenDocument

T = TypeVar("T")

SECONDS: Final = 30.0
"""Of looking, after which GatewayTimeout is raised by each of the functions. All can be cancelled."""
_STEP: Final = 4 * 1024 * 1024
"""Bytes looked at by a thread in one go: a few milliseconds, for the interpreter does nothing else meanwhile."""


async def start_of_line(document: OpenDocument, number: int) -> tuple[int, int]:
    """The number of a line, from 1, and the offset where it begins: the last line where there are fewer."""
    before, last, looking = 0, (1, 0), _Looking(document)
    for start in range(0, document.entry.size, _STEP):
        missing = number - 1 - before
        count, offset = await looking.at(start, _STEP, partial(_nth_end, most=missing))
        before += count
        if offset:
            last = (before + 1, start + offset)
        if before == number - 1:
            break
    return last


async def line_of(document: OpenDocument, offset: int) -> int:
    """The number of the line, from 1, in which the byte at `offset` is."""
    end, looking = min(offset, document.entry.size), _Looking(document)
    return 1 + sum([await looking.at(at, min(_STEP, end - at), _ends) for at in range(0, end, _STEP)])


async def find(document: OpenDocument, text: bytes, start: int, *, case: bool, backwards: bool) -> int | None:
    """Where `text` is found next: from `start` on or, backwards, ending there at the latest; None for nowhere.

    Without `case` the letters of ASCII are the same in both cases.
    """
    wanted, looking = text if case else text.lower(), _Looking(document)

    def look(piece: bytes) -> int:
        whole = piece if case else piece.lower()
        return whole.rfind(wanted) if backwards else whole.find(wanted)

    async for at, size in _steps(document.entry.size, start, len(text), backwards=backwards):
        found = await looking.at(at, size, look)
        if found >= 0:
            return at + found
    return None


class _Looking:
    """A bounded time of looking at a file."""

    def __init__(self, document: OpenDocument) -> None:
        self._document = document
        self._deadline = time.monotonic() + SECONDS

    async def at(self, start: int, size: int, look: Callable[[bytes], T]) -> T:
        if time.monotonic() > self._deadline:
            raise GatewayTimeout(f"the file is too large to be looked through within {SECONDS:g} s")
        return await self._document.examine(start, size, look)


async def _steps(size: int, start: int, overlap: int, *, backwards: bool) -> AsyncIterator[tuple[int, int]]:
    """Offsets and lengths of what is looked at in turn, each reaching into the next by what may be cut between them."""
    if backwards:
        end = min(start, size)
        while end > 0:
            at = max(0, end - _STEP)
            yield at, end - at
            end = at + overlap - 1 if at else 0
    else:
        for at in range(start, size, _STEP):
            yield at, _STEP + overlap - 1


def _ends(piece: bytes) -> int:
    return piece.count(b"\n")


def _nth_end(piece: bytes, most: int) -> tuple[int, int]:
    """How many line ends there are, `most` at most, and the offset after the last of them; 0 for none."""
    count = piece.count(b"\n")
    if count <= most:
        return count, piece.rfind(b"\n") + 1
    at = 0
    for _ in range(most):
        at = piece.index(b"\n", at) + 1
    return most, at
