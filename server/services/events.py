"""What changes in a project, told to every open IDE of it.

A subscriber that reads slowly costs a bounded amount of memory: only the newest status and list of ports is kept for
it, changed paths are gathered, and past `MOST_PATHS` of them it is told that anything may have changed.
"""

import asyncio
from typing import Any

MOST_PATHS = 100
MOST_NOTICES = 20


class Subscription:
    """One subscriber's pending events. `next` is safe to cancel: an event is taken only when it is returned."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[str, Any]] = {}
        self._notices: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()

    def put(self, event: dict[str, Any]) -> None:
        """Keep `event` for the subscriber, in place of an older one of its type where only the newest counts."""
        kind = event["type"]
        if kind == "notice":
            self._notices = [*self._notices, event][-MOST_NOTICES:]
        elif kind == "tree" and kind in self._latest:
            paths = list(dict.fromkeys([*self._latest[kind]["paths"], *event["paths"]]))
            # The root's path stands for "read everything again".
            self._latest[kind] = {**event, "paths": paths if len(paths) <= MOST_PATHS else [""]}
        else:
            self._latest[kind] = event
        self._arrived.set()

    async def next(self) -> dict[str, Any]:
        """The oldest pending event, as soon as there is one."""
        await self._arrived.wait()
        event = self._notices.pop(0) if self._notices else self._latest.pop(next(iter(self._latest)))
        if not self._notices and not self._latest:
            self._arrived.clear()
        return event


class Publisher:
    """The subscriptions of one project."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def __bool__(self) -> bool:
        return bool(self._subscriptions)

    def subscribe(self) -> Subscription:
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def publish(self, event: dict[str, Any]) -> None:
        for subscription in self._subscriptions:
            subscription.put(event)
