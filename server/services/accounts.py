"""Who someone is, and what they may do: sessions, the token, and the one table of actions.

There is one person now. Routes ask `require` and nothing else, so that more people change this module alone.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from weakref import WeakValueDictionary

from server.errors import NotFound, NotSignedIn
from server.models import PROJECT_ID, ProjectId
from server.services.attempts import Attempts
from server.storage.database import Database, Session

SESSION_LIFETIME: Final = timedelta(days=30)
"""Counted from the last use."""
TOUCH_EVERY: Final = timedelta(hours=1)
"""A use is written down no oftener: a page makes many requests, and each write is synced to the disk."""
TRUST_FOR: Final = 3.0
"""Seconds for which a session found in the database is not looked up again; another server's sign-out takes as long."""
MOST_REMEMBERED: Final = 4096


@dataclass(frozen=True)
class Action:
    """Something a person may be allowed. `on_project` says that it is always about one project."""

    description: str
    on_project: bool


ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "projects.list": Action("See the list of projects and templates", on_project=False),
        "projects.create": Action("Create a project", on_project=False),
        "project.read": Action("See a project: its files, log, status and events", on_project=True),
        "project.write": Action("Change a project's files and name", on_project=True),
        "project.run": Action("Run, stop and restart a project", on_project=True),
        "project.terminal": Action("Use a project's terminals", on_project=True),
        "project.share": Action("Choose who else reaches a project's ports", on_project=True),
        "project.delete": Action("Delete a project with its files", on_project=True),
        "preview.open": Action("Reach the ports on which a project listens", on_project=True),
        "git.accounts": Action("See and change one's name and accounts for Git", on_project=False),
        "session.end": Action("Sign out", on_project=False),
    }
)


@dataclass(frozen=True)
class Actor:
    """Someone who is known. `session` is the hash of the browser's session, None for a program with the token."""

    session: str | None = None


class Ending:
    """Calls back once when a session ends, so that what was opened in its name can be closed."""

    def __init__(self) -> None:
        self._callbacks: set[Callable[[], None]] = set()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called at the end of the session; returns what takes it back."""
        self._callbacks.add(callback)
        return lambda: self._callbacks.discard(callback)

    def fire(self) -> None:
        for callback in tuple(self._callbacks):
            callback()


class Accounts:
    """Signs people in and out and decides what they may do.

    `now` and `clock` (seconds, monotonic) are replaced by tests. All methods are safe to cancel.
    """

    def __init__(
        self,
        database: Database,
        token: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._token = token.encode()
        self._now = now
        self._clock = clock
        self._trusted: dict[str, tuple[Session, float]] = {}
        self._endings: WeakValueDictionary[str, Ending] = WeakValueDictionary()
        self._attempts = Attempts(clock)

    async def authenticate(self, *, session: str | None = None, bearer: str | None = None) -> Actor | None:
        """Who presents this, None when nobody known does. With a bearer token a session does not count."""
        if bearer is not None:
            return Actor() if self._is_token(bearer) else None
        if session is None or len(session) > 128:
            return None
        return await self.resume(self._hash(session))

    async def resume(self, id_hash: str) -> Actor | None:
        """The person of a session known by its hash, None when it has ended."""
        found = await self._find(id_hash)
        if found is None or found.expires_at <= self._now():
            return None
        await self._touch(found)
        return Actor(id_hash)

    async def require(self, actor: Actor | None, action: str, target: ProjectId | None = None) -> None:
        """Return when `actor` may do `action` to `target`.

        Raises NotSignedIn for nobody, NotFound for a project that does not exist or is another's, Forbidden otherwise.
        """
        rule = ACTIONS[action]
        if rule.on_project is (target is None):
            raise ValueError(f"{action} {'needs a' if rule.on_project else 'has no'} project")
        if actor is None:
            raise NotSignedIn("sign in with the link that the server printed, or send the token as a bearer")
        if target is not None and not await self.exists(target):
            raise NotFound("there is no such project")

    async def exists(self, id: ProjectId) -> bool:
        """Whether there is such a project, whoever asks."""
        return PROJECT_ID.fullmatch(id) is not None and await self._database.projects.get(id) is not None

    async def sign_in(self, token: str, *, source: str, replacing: str | None = None) -> str:
        """A new session's secret, for the browser's cookie; `replacing` is the one it presented, which ends.

        `source` is the address that attempts are counted by. Raises NotSignedIn, or TooMany, the token not looked at.
        """
        self._attempts.check(source)
        if not self._is_token(token):
            self._attempts.note_failure(source)
            raise NotSignedIn("this is not the token; use the link that the server printed")
        if replacing is not None:
            await self._end(self._hash(replacing))
        secret, now = secrets.token_urlsafe(32), self._now()
        await self._database.sessions.add(Session(self._hash(secret), now, now + SESSION_LIFETIME, now))
        return secret

    async def sign_out(self, actor: Actor) -> None:
        """End the actor's session and everything that is open in its name. A program's token has none to end."""
        if actor.session is not None:
            await self._end(actor.session)

    def ending(self, actor: Actor) -> Ending:
        """Tells of the end of the actor's session; hold on to it for as long as that matters."""
        return self._endings.setdefault(actor.session or "", Ending())

    async def sweep(self) -> int:
        """Forget the sessions that have expired; returns how many."""
        return await self._database.sessions.delete_expired(self._now())

    def derive_key(self, purpose: str) -> bytes:
        """A secret for one purpose that changes with the token and outlives the server."""
        return hmac.digest(self._token, b"hutch " + purpose.encode(), "sha256")

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token)

    def _hash(self, secret: str) -> str:
        # Keyed by the token: with a new token every session that the old one opened is gone.
        return hmac.new(self._token, secret.encode(), hashlib.sha256).hexdigest()

    async def _find(self, id_hash: str) -> Session | None:
        trusted = self._trusted.get(id_hash)
        if trusted and trusted[1] > self._clock():
            return trusted[0]
        session = await self._database.sessions.get(id_hash)
        if session is None:
            self._trusted.pop(id_hash, None)
        else:
            self._trust(session)
        return session

    def _trust(self, session: Session) -> None:
        if len(self._trusted) >= MOST_REMEMBERED:
            self._trusted.clear()
        self._trusted[session.id_hash] = (session, self._clock() + TRUST_FOR)

    async def _touch(self, session: Session) -> None:
        now = self._now()
        if now - session.last_seen_at < TOUCH_EVERY:
            return
        touched = Session(session.id_hash, session.created_at, now + SESSION_LIFETIME, now)
        # Before the write, so that the page's other requests don't all write too.
        self._trust(touched)
        await self._database.sessions.touch(touched.id_hash, seen_at=now, expires_at=touched.expires_at)

    async def _end(self, id_hash: str) -> None:
        await self._database.sessions.delete(id_hash)
        self._trusted.pop(id_hash, None)
        if ending := self._endings.pop(id_hash, None):
            ending.fire()
