"""Fills a new project from a repository elsewhere, in the background, with its progress as a step of the project."""

import asyncio
import logging
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from server.errors import AppError
from server.models import ProjectId, Step, StepState
from server.services.git import Git
from server.services.workspaces import Workspaces

logger = logging.getLogger(__name__)

TELL_EVERY: Final = 0.25
_PROGRESS: Final = re.compile(r"([A-Z][a-z]+ [a-z]+|[A-Z][a-z]+): +(\d{1,3})%")


class Cloning:
    """What is being cloned. A clone that the server's end interrupts can be begun again: the folder is still empty."""

    def __init__(self, workspaces: Workspaces, git: Git) -> None:
        self._workspaces = workspaces
        self._git = git
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, id: ProjectId, url: str) -> None:
        """Start the project's container and clone `url`, as checked by `git_remotes.check_url`, into its folder."""
        self._workspaces.set_preparing(id, Step("clone", StepState.RUNNING, datetime.now(UTC)))
        task = asyncio.create_task(self._clone(id, url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _clone(self, id: ProjectId, url: str) -> None:
        step = Step("clone", StepState.RUNNING, datetime.now(UTC))
        told = 0.0

        def heard(piece: bytes) -> None:
            nonlocal told
            found = _PROGRESS.findall(piece.decode(errors="replace"))
            if found and time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                self._workspaces.set_preparing(id, replace(step, detail=f"{found[-1][0]}: {found[-1][1]} %"))

        state, detail = StepState.DONE, None
        try:
            await self._workspaces.start(id)
            await self._git.clone(id, url, heard)
        except AppError as error:
            state, detail = StepState.FAILED, f"The repository could not be cloned: {error.detail}"
            logger.info("project %s could not be cloned: %s", id, error.detail)
        ended = replace(step, state=state, ended_at=datetime.now(UTC), detail=detail)
        self._workspaces.set_preparing(id, ended)
        self._workspaces.notify(id, {"type": "tree", "paths": [""]})
