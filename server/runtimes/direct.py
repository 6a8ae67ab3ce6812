"""The way to a container's ports past its supervisor, where server and containers share a machine."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from server.errors import AppError

LOOK_AGAIN: Final = 1.0
"""Seconds after which the engine is asked again where the container is."""
CONNECT_WITHIN: Final = 1.0
USELESS_FOR: Final = 30.0
"""Seconds after which a way that led nowhere is tried again: perhaps this machine only had too much to do."""


class Place(NamedTuple):
    """A container's address, and that of the host on the same network, in numbers."""

    address: str
    gateway: str


class Direct:
    """Opens connections to one container for as long as its link lasts.

    `look` asks the engine where the container is now, None when it is nowhere. Nobody else is believed: least of all
    the container, which could name a neighbour's address. `is_useless` says that the way was found to lead nowhere a
    moment ago, as from within another container.
    """

    def __init__(self, look: Callable[[], Awaitable[Place | None]]) -> None:
        self._look = look
        self._place: Place | None = None
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._useless_until = float("-inf")

    @property
    def is_useless(self) -> bool:
        return asyncio.get_running_loop().time() < self._useless_until

    async def open(self, port: int, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Connect `protocol` to `port`. Raises OSError: ConnectionRefusedError when nothing listens, or on loopback."""
        if self.is_useless:
            raise OSError("the container's network is not reached from here")
        address, gateway = await self._where()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                # From the gateway's address: it is this machine's for as long as the network is there, so that
                # nothing ever leaves for another network that has the same addresses.
                transport, _ = await loop.create_connection(lambda: protocol, address, port, local_addr=(gateway, 0))
        except ConnectionRefusedError:
            raise
        except OSError:
            self._useless_until = loop.time() + USELESS_FOR
            raise
        return transport

    async def _where(self) -> Place:
        loop = asyncio.get_running_loop()
        async with self._looking:
            if loop.time() - self._looked_at > LOOK_AGAIN:
                try:
                    self._place = await self._look()
                except AppError as error:
                    raise ConnectionError(error.detail) from error
                self._looked_at = loop.time()
        if self._place is None:
            raise ConnectionError("the engine knows no address of the container")
        return self._place
