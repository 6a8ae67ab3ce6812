"""Links that let whoever has them reach a private port, until they expire or are revoked."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from server.errors import Conflict, Invalid, NotFound, NotSignedIn
from server.models import ProjectId, ShareLink
from server.services.accounts import Ending
from server.services.attempts import Attempts
from server.storage.database import Database
from server.storage.sharing import ShareLinkTable

SHORTEST: Final = 60
LONGEST: Final = 30 * 86400
"""Seconds for which a link may be good."""
MOST_LINKS: Final = 100
"""Good links of one project."""
TRUST_FOR: Final = 3.0
"""Seconds for which a link that was found is not looked up again; another server's revocation takes as long."""
MOST_REMEMBERED: Final = 4096


class ShareLinks:
    """Makes, finds and revokes share links.

    `now` and `clock` (seconds, monotonic) are replaced by tests. All methods are safe to cancel.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = ShareLinkTable(database)
        self._now = now
        self._clock = clock
        self._attempts = Attempts(clock)
        self._known: dict[str, tuple[ShareLink, float]] = {}
        self._endings: dict[str, Ending] = {}
        self._revocations = 0

    async def create(self, project: ProjectId, port: int, expires_in: object) -> tuple[str, ShareLink]:
        """A new link and the secret that opens it, which is kept nowhere. `expires_in` is in seconds.

        Raises Invalid, Conflict when the project has too many, NotFound.
        """
        if type(expires_in) is not int or not SHORTEST <= expires_in <= LONGEST:
            raise Invalid(f"expiresIn is a whole number of seconds from {SHORTEST} to {LONGEST}", field="expiresIn")
        now = self._now()
        if await self._table.count(project, now) >= MOST_LINKS:
            raise Conflict(f"a project has at most {MOST_LINKS} share links; revoke one that is no longer needed")
        secret = secrets.token_urlsafe(32)
        link = ShareLink(secrets.token_hex(8), project, port, now, now + timedelta(seconds=expires_in))
        if not await self._table.add(link, _hash(secret)):
            raise NotFound("there is no such project")
        return secret, link

    async def of(self, project: ProjectId, port: int) -> list[ShareLink]:
        """The links that are good, newest first."""
        return [link for link in await self._table.of(project, port) if link.expires_at > self._now()]

    async def revoke(self, project: ProjectId, port: int, id: str) -> None:
        """End a link: its next request is refused, and what is open by it is cut. Raises NotFound."""
        link = await self._table.get(id)
        if link is None or (link.project, link.port) != (project, port):
            raise NotFound("there is no such share link")
        await self._table.delete(id)
        self._revocations += 1
        self._end(id)

    async def redeem(self, secret: str, project: ProjectId, port: int, *, source: str) -> ShareLink:
        """The link that a secret opens. `source` is the address that attempts are counted by.

        Raises NotSignedIn for none that is good for this port, and TooMany, the secret not looked at.
        """
        self._attempts.check(source)
        link = await self._table.find(_hash(secret))
        if link is None or (link.project, link.port) != (project, port) or link.expires_at <= self._now():
            self._attempts.note_failure(source)
            raise NotSignedIn("this link has expired or was revoked; ask for a new one")
        return link

    async def find(self, id: str) -> ShareLink | None:
        """A link that is good; None for any other."""
        known = self._known.get(id)
        link = known[0] if known and known[1] > self._clock() else await self._read(id)
        return link if link is not None and link.expires_at > self._now() else None

    def ending(self, link: ShareLink) -> Ending:
        """Tells when a link expires or is revoked."""
        ending = self._endings.get(link.id)
        if ending is None:
            ending = self._endings[link.id] = Ending()
            left = (link.expires_at - self._now()).total_seconds()
            asyncio.get_running_loop().call_later(left, self._end, link.id)
        return ending

    async def sweep(self) -> None:
        """Forget the links that have expired."""
        await self._table.delete_expired(self._now())

    async def _read(self, id: str) -> ShareLink | None:
        revocations = self._revocations
        link = await self._table.get(id)
        if revocations != self._revocations:
            # Perhaps this one, and what was read is from before.
            return await self._read(id)
        if link is not None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[id] = link, self._clock() + TRUST_FOR
        return link

    def _end(self, id: str) -> None:
        self._known.pop(id, None)
        if ending := self._endings.pop(id, None):
            ending.fire()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
