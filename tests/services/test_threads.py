import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from server.services.threads import MOST_OF_ONE, MOST_THREADS, Lane

PATIENCE = 10.0


class Gate:
    """Work that tells when a thread has begun it, and ends when it is opened."""

    def __init__(self) -> None:
        self._begun: SimpleQueue[int] = SimpleQueue()
        self._open = threading.Event()

    def work(self) -> int:
        self._begun.put(threading.get_ident())
        assert self._open.wait(PATIENCE)
        return 7

    async def begun(self, count: int) -> None:
        """Wait until so many calls are at work."""
        for _ in range(count):
            await asyncio.to_thread(self._begun.get, timeout=PATIENCE)

    def is_quiet(self) -> bool:
        """Whether no call more has begun than were waited for."""
        return self._begun.empty()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST_THREADS) as pool:
        yield pool


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


async def cancelled(task: asyncio.Task[int]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_is_done_in_a_thread_of_the_pool(pool: ThreadPoolExecutor) -> None:
    assert await Lane(pool).run(threading.get_ident) != threading.get_ident()


async def test_what_the_work_raises_is_raised(pool: ThreadPoolExecutor) -> None:
    disposed: list[int] = []
    lane = Lane(pool)
    for _ in range(MOST_OF_ONE + 1):
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(lane.run(lambda: 1 // 0, disposed.append), PATIENCE)
    assert disposed == []


async def test_what_is_taken_is_not_disposed_of(pool: ThreadPoolExecutor) -> None:
    disposed: list[int] = []
    assert await Lane(pool).run(lambda: 3, disposed.append) == 3
    assert disposed == []


async def test_one_lane_has_few_threads_and_leaves_the_others_theirs(pool: ThreadPoolExecutor, gate: Gate) -> None:
    busy, other = Lane(pool), Lane(pool)
    waiting = [asyncio.create_task(busy.run(gate.work)) for _ in range(2 * MOST_THREADS)]
    await gate.begun(MOST_OF_ONE)
    assert await asyncio.wait_for(other.run(lambda: 1), PATIENCE) == 1
    assert gate.is_quiet()
    gate.open()
    assert await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE) == [7] * len(waiting)


async def test_cancelled_work_goes_on_and_is_disposed_of_once(pool: ThreadPoolExecutor, gate: Gate) -> None:
    disposed: SimpleQueue[int] = SimpleQueue()
    task = asyncio.create_task(Lane(pool).run(gate.work, disposed.put))
    await gate.begun(1)
    await cancelled(task)
    assert disposed.empty()
    gate.open()
    assert await asyncio.to_thread(disposed.get, timeout=PATIENCE) == 7
    pool.shutdown()
    assert disposed.empty()


async def test_cancelled_work_keeps_its_place_until_it_ends(pool: ThreadPoolExecutor, gate: Gate) -> None:
    lane = Lane(pool)
    working = [asyncio.create_task(lane.run(gate.work)) for _ in range(MOST_OF_ONE)]
    await gate.begun(MOST_OF_ONE)
    for task in working:
        await cancelled(task)
    late = asyncio.create_task(lane.run(gate.work))
    # The other lane's turn is over only after the late one had every chance to begin.
    await asyncio.wait_for(Lane(pool).run(lambda: None), PATIENCE)
    assert gate.is_quiet()
    gate.open()
    assert await asyncio.wait_for(late, PATIENCE) == 7


async def test_who_is_cancelled_while_waiting_takes_no_place(pool: ThreadPoolExecutor, gate: Gate) -> None:
    lane = Lane(pool)
    working = [asyncio.create_task(lane.run(gate.work)) for _ in range(MOST_OF_ONE)]
    await gate.begun(MOST_OF_ONE)
    late = Gate()
    impatient = [asyncio.create_task(lane.run(late.work)) for _ in range(MOST_OF_ONE)]
    await asyncio.sleep(0)
    for task in impatient:
        await cancelled(task)
    gate.open()
    await asyncio.gather(*working)
    again = [lane.run(threading.get_ident) for _ in range(2 * MOST_OF_ONE)]
    await asyncio.wait_for(asyncio.gather(*again), PATIENCE)
    assert late.is_quiet()


async def test_failed_work_that_nobody_waits_for_is_no_noise(pool: ThreadPoolExecutor, gate: Gate) -> None:
    disposed: list[int] = []
    noise: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))

    def fail() -> int:
        gate.work()
        raise OSError("disk")

    lane = Lane(pool)
    task = asyncio.create_task(lane.run(fail, disposed.append))
    await gate.begun(1)
    await cancelled(task)
    gate.open()
    pool.shutdown()
    del task
    await settled()
    assert (disposed, noise) == ([], [])


async def settled() -> None:
    """After all that threads have handed to the loop before now, and what its garbage has to say."""
    handed = asyncio.Event()
    asyncio.get_running_loop().call_soon_threadsafe(handed.set)
    await handed.wait()
    await asyncio.sleep(0)
    gc.collect()


async def test_to_finish_needs_no_place_of_the_lane(pool: ThreadPoolExecutor, gate: Gate) -> None:
    lane = Lane(pool)
    working = [asyncio.create_task(lane.run(gate.work)) for _ in range(MOST_OF_ONE)]
    await gate.begun(MOST_OF_ONE)
    await asyncio.wait_for(lane.finish(lambda: None), PATIENCE)
    gate.open()
    await asyncio.gather(*working)


async def test_what_is_to_be_finished_is_done_even_if_cancelled_before_its_turn(gate: Gate) -> None:
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        lane = Lane(pool)

        async def finish() -> int:
            await lane.finish(done.set)
            return 0

        working = asyncio.create_task(lane.run(gate.work))
        await gate.begun(1)
        finishing = asyncio.create_task(finish())
        await asyncio.sleep(0)
        await cancelled(finishing)
        assert not done.is_set()
        gate.open()
        await working
    assert done.is_set()


async def test_a_pool_that_is_closed_gives_the_place_back() -> None:
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    lane = Lane(closed)
    for _ in range(MOST_OF_ONE + 1):
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(lane.run(lambda: 1), PATIENCE)


def test_work_may_outlive_the_loop(pool: ThreadPoolExecutor, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        task = asyncio.create_task(Lane(pool).run(gate.work))
        await gate.begun(1)
        await cancelled(task)

    asyncio.run(leave())
    gate.open()
    pool.shutdown()
    assert caplog.records == []
