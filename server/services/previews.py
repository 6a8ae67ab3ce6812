"""Previews: their names, who may see them, and how that is proved where the session does not reach.

A preview lives on a host of its own, `{port}-{id}.{domain}`, where the IDE's cookie is never sent. There a person is
known by a grant: a signed note that they, in the session that they have, may reach this one port of this one project.
It comes by a ticket, good once and for seconds, which the IDE hands out. On a path preview the grant stands in the URL.
"""

import asyncio
import hmac
import logging
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

from server.errors import AppError, NotFound
from server.models import PROJECT_ID, Port, ProjectId, ShareLink
from server.services.accounts import Accounts, Actor, Ending
from server.services.dialing import Dialer, Ways
from server.services.domains import neighbour_conflict
from server.services.share_links import ShareLinks
from server.services.tickets import Ticket, Tickets
from server.services.upstream import PATIENCE, Upstream
from server.services.upstream_socket import UpstreamSocket, open_socket

logger = logging.getLogger(__name__)

GRANT_LIFETIME: Final = 12 * 3600
RENEW_BELOW: Final = GRANT_LIFETIME / 2
"""A grant with less left than this is renewed by the next page that is opened with it."""
TRUST_FOR: Final = 3.0
"""Seconds for which a grant that was found good is not examined again; the end of its session takes as long."""
MOST_REMEMBERED: Final = 4096
MOST_SIBLINGS: Final = 8
"""Ports that a browser is introduced to on one way: browsers follow 20 redirects."""
TICKET_PATH: Final = "/.hutch/ticket"
ASK_FOR_THEIR_PORT: Final = frozenset({"webpack"})
"""Processes whose pages open sockets to the port on which the process listens, whatever port the page came from."""
READY_WAIT: Final = 5.0
"""Seconds that a waiting page's question is held open: below what proxies allow a silent connection."""

_LABEL: Final = re.compile(rf"([1-9][0-9]{{0,4}})-({PROJECT_ID.pattern})", re.ASCII)
_HOLDER: Final = "[0-9a-f]{64}|-|link[0-9a-f]{16}"
_GRANT: Final = re.compile(rf"([hfp])\.([1-9][0-9]{{9,10}})\.({_HOLDER})\.([A-Za-z0-9_-]{{43}})", re.ASCII)


class Workspaces(Ways, Protocol):
    """What previews need of the one owner of what runs."""

    def ports(self, id: ProjectId) -> tuple[Port, ...]: ...

    async def wait_for_port(self, id: ProjectId, port: int, seconds: float) -> bool: ...


class Kind(StrEnum):
    """Where a grant counts: in the cookie of a preview's host, in a tab or a frame, or in the path of one by path."""

    HOST = "h"
    FRAME = "f"
    PATH = "p"


@dataclass(frozen=True)
class Target:
    """A port of a project. What connects to it resolves the project by its id, so nothing else can be meant."""

    project: ProjectId
    port: int

    @property
    def label(self) -> str:
        return f"{self.port}-{self.project}"


@dataclass(frozen=True)
class Grant:
    """Leave to reach a target, for someone signed in or for whoever has a share link. `expires` is in seconds."""

    holder: Actor | ShareLink
    expires: int
    kind: Kind


def parse_target(label: str) -> Target | None:
    """The target that `{port}-{id}` names, None for everything that is not exactly that."""
    match = _LABEL.fullmatch(label)
    if match is None or int(match[1]) > 65535:
        return None
    return Target(ProjectId(match[2]), int(match[1]))


class Previews:
    """Names previews, grants access to them and reaches the apps. `close` before the loop ends.

    `ide` is the address of the IDE where it was set. `now` (seconds since the epoch) and `patience` (seconds for an app
    to answer) are set by tests. `closing` is told that the server is to end, before all else: what only waits for an
    app, or never ends, is then to make an end of itself.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        accounts: Accounts,
        links: ShareLinks,
        *,
        domain: str,
        ide: str | None = None,
        now: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self.domain = domain.lower().rstrip(".")
        self._dialer = Dialer(workspaces)
        self.upstream = Upstream(self._dialer, patience=patience)
        self.ide = ide
        self.closing = Ending()
        self._workspaces = workspaces
        self._accounts = accounts
        self._links = links
        self._now = now
        self._patience = patience
        self._key = accounts.derive_key("preview grants")
        self._tickets = Tickets(now)
        self._introduced: dict[tuple[Actor, Target, bool], float] = {}
        self._allowed: dict[tuple[Actor, ProjectId], float] = {}
        self._examined: dict[tuple[str, Target, Kind], tuple[Grant, float]] = {}

    # ---- names

    def parse_host(self, host: str) -> Target | None:
        """The target whose preview is at `host`, None when it is no name of previews.

        Raises NotFound for a name within the domain that is none of a preview.
        """
        name = host.lower().rstrip(".")
        if name != self.domain and not name.endswith("." + self.domain):
            return None
        target = parse_target(host.lower().removesuffix("." + self.domain))
        if target is None:
            raise NotFound("there is no preview of that name")
        return target

    def origin(self, target: Target, near: str) -> str:
        """Where the preview is for someone who reaches this server at the origin `near`: same scheme, same port."""
        parts = urlsplit(near)
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{target.label}.{self.domain}{port}"

    def url(self, project: ProjectId, port: int, near: str) -> str:
        """The address of the preview of a port, for the lists that the API gives."""
        return self.origin(Target(project, port), near) + "/"

    def note_ide(self, origin: str) -> None:
        """Remember where a signed-in browser found the IDE: that is where its previews send it to get in."""
        if self.ide != origin and (conflict := neighbour_conflict(urlsplit(origin).hostname or "", self.domain)):
            logger.warning("%s", conflict)
        self.ide = origin

    # ---- leave to see them

    def issue_ticket(self, actor: Actor, target: Target, path: str) -> str:
        """A secret that is good once, within 30 s, on the target's host; then the browser goes on to `path`."""
        return self._tickets.issue(actor, target.label, path)

    def redeem_ticket(self, secret: str, target: Target) -> Ticket:
        """What a ticket's secret stands for. Raises NotSignedIn for one used, old or of another host."""
        return self._tickets.redeem(secret, target.label)

    def introduce(self, actor: Actor, target: Target, near: str, onward: str, *, framed: bool) -> str:
        """Where to send a browser that is at `target`, so that the project's other ports know it too.

        A page may then fetch from them: a browser has a cookie for each host, and what is no page can't fetch one. The
        way leads through each port that listens, once, and ends at `onward`, which alone is left where all know it.
        `framed` says that it is shown in a frame, where browsers keep other cookies.
        """
        now, project = self._now(), target.project
        self._met(actor, target, framed, now)
        for port in sorted({item.port for item in self._workspaces.ports(project)}, reverse=True)[-MOST_SIBLINGS:]:
            sibling = Target(project, port)
            if self._met(actor, sibling, framed, now):
                continue
            secret = self._tickets.issue(actor, sibling.label, onward)
            onward = f"{self.origin(sibling, near)}{TICKET_PATH}?ticket={secret}"
        return onward

    def _met(self, actor: Actor, target: Target, framed: bool, now: float) -> bool:
        """Whether that browser was sent to that host lately; from now on it was."""
        key = (actor, target, framed)
        if self._introduced.get(key, 0.0) > now:
            return True
        if len(self._introduced) >= MOST_REMEMBERED:
            self._introduced.clear()
        self._introduced[key] = now + RENEW_BELOW
        return False

    def grant(self, actor: Actor, target: Target, kind: Kind) -> str:
        """A new grant, for a cookie or a path. It ends with the actor's session, and after 12 hours."""
        return self._signed(kind, int(self._now()) + GRANT_LIFETIME, actor.session or "-", target)

    def grant_by(self, link: ShareLink, kind: Kind) -> tuple[str, int]:
        """The grant for the cookie of a browser that opened a share link, and the seconds until both end."""
        expires, target = int(link.expires_at.timestamp()), Target(link.project, link.port)
        return self._signed(kind, expires, f"link{link.id}", target), int(expires - self._now())

    async def require(self, actor: Actor, target: Target) -> None:
        """Return when `actor` may reach `target`; the answer is kept for 3 s. Raises NotFound or Forbidden."""
        key, now = (actor, target.project), self._now()
        if self._allowed.get(key, 0.0) > now:
            return
        await self._accounts.require(actor, "preview.open", target.project)
        if len(self._allowed) >= MOST_REMEMBERED:
            self._allowed.clear()
        self._allowed[key] = now + TRUST_FOR

    async def examine(self, text: str, target: Target, kind: Kind) -> Grant | None:
        """The grant that `text` is, None when it is not good, or not any longer, for this target."""
        known = self._examined.get((text, target, kind))
        if known is not None and known[1] > self._now():
            return known[0]
        found = await self._examine(text, target, kind)
        # What is known of a link is kept with the links, where revoking it is noticed at once.
        if found is not None and isinstance(found.holder, Actor):
            if len(self._examined) >= MOST_REMEMBERED:
                self._examined.clear()
            self._examined[text, target, kind] = found, min(self._now() + TRUST_FOR, found.expires)
        return found

    def is_due(self, grant: Grant) -> bool:
        """Whether it is time for a new one."""
        return grant.expires - self._now() < RENEW_BELOW

    async def _examine(self, text: str, target: Target, kind: Kind) -> Grant | None:
        match = _GRANT.fullmatch(text)
        if match is None or match[1] != kind or int(match[2]) <= self._now():
            return None
        if not hmac.compare_digest(text, self._signed(kind, int(match[2]), match[3], target)):
            return None
        if match[3].startswith("link"):
            link = await self._links.find(match[3].removeprefix("link"))
            return None if link is None else Grant(link, int(match[2]), kind)
        actor = Actor() if match[3] == "-" else await self._accounts.resume(match[3])
        try:
            if actor is None:
                return None
            await self.require(actor, target)
        except AppError:
            return None
        return Grant(actor, int(match[2]), kind)

    def _signed(self, kind: Kind, expires: int, session: str, target: Target) -> str:
        claim = f"{kind}.{expires}.{session}"
        mac = hmac.digest(self._key, f"{claim} {target.label}.{self.domain}".encode(), "sha256")
        return f"{claim}.{urlsafe_b64encode(mac).decode().rstrip('=')}"

    # ---- the apps

    def asks_for_its_port(self, target: Target) -> bool:
        """Whether the app's pages need to be told where their sockets are reached."""
        ports = self._workspaces.ports(target.project)
        return any(item.port == target.port and item.process in ASK_FOR_THEIR_PORT for item in ports)

    async def wait_until_ready(self, target: Target) -> bool:
        """Whether the port listens now, or comes to within `READY_WAIT`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as wait:
                forget = self.closing.watch(lambda: wait.reschedule(0))
                try:
                    return await self._workspaces.wait_for_port(target.project, target.port, READY_WAIT)
                finally:
                    forget()
        return False

    async def open_socket(
        self, target: Target, path: str, headers: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> tuple[UpstreamSocket, list[tuple[str, str]]]:
        """Open a WebSocket to the app; also the headers of its answer. The caller closes the socket.

        Raises what `upstream_socket.open_socket` does.
        """
        return await open_socket(
            self._dialer,
            target.project,
            target.port,
            path,
            headers,
            subprotocols=subprotocols,
            patience=self._patience,
        )

    async def close(self) -> None:
        """Cut every connection to the apps."""
        self.upstream.close()
        await asyncio.shield(self._dialer.close())


def is_grant(text: str) -> bool:
    """Whether `text` has the form of a grant, good or not."""
    return _GRANT.fullmatch(text) is not None
