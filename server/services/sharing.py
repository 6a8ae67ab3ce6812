"""Who sees a project's ports besides its own people."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from weakref import WeakValueDictionary

from server.errors import Invalid, NotFound
from server.models import ProjectId, Visibility
from server.services.accounts import Ending
from server.storage.database import Database
from server.storage.sharing import PortTable

TRUST_FOR: Final = 3.0
"""Seconds for which what was read is not read again; what another server changes takes as long to be noticed."""
MOST_REMEMBERED: Final = 4096


class Sharing:
    """Keeps the visibility of every port. `clock` (seconds, monotonic) is set by tests. Safe to cancel."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ports = PortTable(database)
        self._clock = clock
        self._known: dict[ProjectId, tuple[Mapping[int, Visibility], float]] = {}
        self._changes = 0
        self._endings: WeakValueDictionary[tuple[ProjectId, int], Ending] = WeakValueDictionary()

    async def visibilities(self, project: ProjectId) -> Mapping[int, Visibility]:
        """The ports of a project that are not private."""
        known = self._known.get(project)
        if known is not None and known[1] > self._clock():
            return known[0]
        changes = self._changes
        found = await self._ports.of(project)
        if changes != self._changes:
            # Read before the change, perhaps: not to be told again.
            return found
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[project] = found, self._clock() + TRUST_FOR
        return found

    async def is_public(self, project: ProjectId, port: int) -> bool:
        """Whether everyone may reach the port, signed in or not."""
        return (await self.visibilities(project)).get(port) is Visibility.PUBLIC

    def ending(self, project: ProjectId, port: int) -> Ending:
        """Tells when a public port ceases to be one; hold on to it for as long as that matters."""
        return self._endings.setdefault((project, port), Ending())

    async def set_visibility(self, project: ProjectId, port: int, visibility: Visibility) -> None:
        """Decide who sees a port, from the next request on; what is open to strangers is cut. Raises NotFound."""
        if not await self._ports.set(project, port, visibility):
            raise NotFound("there is no such project")
        self._forget(project, () if visibility is Visibility.PUBLIC else (port,))

    async def make_private(self, project: ProjectId) -> None:
        """The same for all of the project's ports at once."""
        await self._ports.clear(project)
        self._forget(project, [port for owner, port in self._endings.keys() if owner == project])

    def _forget(self, project: ProjectId, ended: Iterable[int]) -> None:
        self._changes += 1
        self._known.pop(project, None)
        for port in ended:
            if ending := self._endings.pop((project, port), None):
                ending.fire()


def parse_visibility(value: object) -> Visibility:
    """Raises Invalid, saying what can be chosen."""
    if value == "organisation":
        raise Invalid("organisations come with accounts; until then a port is private or public", field="visibility")
    if not isinstance(value, str) or value not in list(Visibility):
        raise Invalid("visibility is either private or public", field="visibility")
    return Visibility(value)
