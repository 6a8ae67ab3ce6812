"""Ways into previews: secrets in an address that are good once, for seconds, for one person and one host."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.errors import NotSignedIn
from server.services.accounts import Actor

TICKET_LIFETIME: Final = 30.0
MOST_TICKETS: Final = 1000


@dataclass(frozen=True)
class Ticket:
    """Leave for `actor` to enter the preview `host`, and then go on to `onward`. `expires` is in seconds."""

    host: str
    actor: Actor
    onward: str
    expires: float


class Tickets:
    """Those that were given out and not used yet. `now` is in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tickets: dict[str, Ticket] = {}

    def issue(self, actor: Actor, host: str, onward: str) -> str:
        """The secret of a new ticket, good for 30 s."""
        now = self._now()
        if len(self._tickets) >= MOST_TICKETS:
            self._tickets = {key: ticket for key, ticket in self._tickets.items() if ticket.expires > now}
            while len(self._tickets) >= MOST_TICKETS:
                self._tickets.pop(next(iter(self._tickets)))
        secret = secrets.token_urlsafe(24)
        self._tickets[_digest(secret)] = Ticket(host, actor, onward, now + TICKET_LIFETIME)
        return secret

    def redeem(self, secret: str, host: str) -> Ticket:
        """The ticket, which is good no more. Raises NotSignedIn for one used, old or of another host."""
        ticket = self._tickets.pop(_digest(secret), None)
        if ticket is None or ticket.expires <= self._now() or ticket.host != host:
            raise NotSignedIn("this way in was used already or is too old; open the preview again from the IDE")
        return ticket


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
