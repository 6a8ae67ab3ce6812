import asyncio

import pytest

from server.services.events import MOST_NOTICES, MOST_PATHS, Publisher


async def test_only_the_newest_status_is_kept_for_a_slow_reader() -> None:
    publisher = Publisher()
    subscription = publisher.subscribe()
    for n in range(1000):
        publisher.publish({"type": "status", "n": n})
    assert await subscription.next() == {"type": "status", "n": 999}


async def test_changed_paths_are_gathered_and_too_many_become_the_root() -> None:
    publisher = Publisher()
    subscription = publisher.subscribe()
    publisher.publish({"type": "tree", "paths": ["a"]})
    publisher.publish({"type": "tree", "paths": ["b", "a"]})
    assert await subscription.next() == {"type": "tree", "paths": ["a", "b"]}
    for n in range(MOST_PATHS + 1):
        publisher.publish({"type": "tree", "paths": [f"{n}"]})
    assert (await subscription.next())["paths"] == [""]


async def test_notices_are_kept_in_order_and_bounded() -> None:
    publisher = Publisher()
    subscription = publisher.subscribe()
    for n in range(MOST_NOTICES + 5):
        publisher.publish({"type": "notice", "text": str(n)})
    first = await subscription.next()
    assert first["text"] == "5"


async def test_waiting_ends_with_the_event_and_cancelling_loses_none() -> None:
    publisher = Publisher()
    subscription = publisher.subscribe()
    waiting = asyncio.ensure_future(subscription.next())
    await asyncio.sleep(0)
    waiting.cancel()
    publisher.publish({"type": "status"})
    assert await asyncio.wait_for(subscription.next(), 1) == {"type": "status"}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(subscription.next(), 0.01)


async def test_an_unsubscribed_reader_is_forgotten() -> None:
    publisher = Publisher()
    subscription = publisher.subscribe()
    assert publisher
    publisher.unsubscribe(subscription)
    assert not publisher
