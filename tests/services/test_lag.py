import asyncio
import time

from server.services.lag import BOUNDS, LoopLag


def test_a_lag_counts_in_every_bucket_that_is_as_large() -> None:
    lag = LoopLag()
    for seconds in (0.0005, 0.005, 0.3, 2):
        lag.note(seconds)
    assert dict(zip((*BOUNDS, None), lag.counts, strict=True)) == {
        0.001: 1,
        0.005: 2,
        0.025: 2,
        0.1: 2,
        0.5: 3,
        None: 4,
    }
    assert lag.total == 2.3055


async def test_what_blocks_the_loop_is_seen() -> None:
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251
    while not lag.counts[-1]:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    watching.cancel()
    assert lag.counts[3] == 0 and lag.total > 0.1
