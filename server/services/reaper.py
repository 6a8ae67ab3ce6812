"""Stops the containers that nobody uses.

Used means: someone typed, saved, ran or looked at a preview, or a terminal wrote something. An open page alone does not
count, and neither does an app that nobody asks anything of.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from server.errors import AppError
from server.services.workspaces import Workspaces

logger = logging.getLogger(__name__)


class Reaper:
    """Looks at every running project from time to time. `clock` gives seconds since the epoch."""

    def __init__(self, workspaces: Workspaces, clock: Callable[[], float] = time.time) -> None:
        self._workspaces = workspaces
        self._clock = clock

    async def watch(self) -> None:
        """Sweep for ever; returns at once when containers are never stopped for idleness."""
        idle_stop = self._workspaces.idle_stop
        while idle_stop:
            await asyncio.sleep(min(60, max(1, idle_stop / 4)))
            await self.sweep()

    async def sweep(self) -> None:
        """Stop each project that was idle for too long, and tell its open pages why."""
        for id in self._workspaces.running():
            try:
                await self._workspaces.refresh_terminals(id)
                if self._clock() - self._workspaces.active_at(id) < self._workspaces.idle_stop:
                    continue
                await self._workspaces.stop(id, container=True)
            except AppError as error:
                logger.warning("project %s is idle but could not be stopped: %s", id, error)
                continue
            logger.info("project %s stopped after %d s without use", id, self._workspaces.idle_stop)
            text = f"Stopped after {self._workspaces.idle_stop // 60} minutes without use. Run starts it again."
            self._workspaces.notify(id, {"type": "notice", "level": "info", "text": text})
