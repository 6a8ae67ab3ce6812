"""Counts wrong secrets, so that nobody can go on guessing."""

from collections.abc import Callable
from typing import Final

from server.errors import TooMany

ATTEMPTS: Final = 10
"""Wrong secrets in a row from one source before it has to wait."""
ATTEMPT_EVERY: Final = 6.0
"""Seconds after which one more attempt is allowed."""
MOST_REMEMBERED: Final = 4096


class Attempts:
    """Wrong secrets per source: `ATTEMPTS` at once, then one every `ATTEMPT_EVERY` seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # When the source will be clean again; each failure moves it further away.
        self._clean_at: dict[str, float] = {}

    def check(self, source: str) -> None:
        """Raises TooMany when `source`, an address, has to wait."""
        excess = self._clean_at.get(source, 0.0) - self._clock() - (ATTEMPTS - 1) * ATTEMPT_EVERY
        if excess > 0:
            raise TooMany("too many wrong tokens; wait a little", retry_after=int(excess) + 1)

    def note_failure(self, source: str) -> None:
        """Count one more."""
        now = self._clock()
        if len(self._clean_at) >= MOST_REMEMBERED:
            self._clean_at = {source: until for source, until in self._clean_at.items() if until > now}
        if len(self._clean_at) < MOST_REMEMBERED or source in self._clean_at:
            self._clean_at[source] = max(self._clean_at.get(source, 0.0), now) + ATTEMPT_EVERY
