"""What runs beside requests: it goes on after errors, comes back after crashes, and ends when asked."""

import asyncio

import pytest

from shared.http import background, every
from shared.http.background import BackgroundTasks, task_name, wait_for


async def until(condition: "asyncio.Event", timeout_s: float = 2.0) -> None:
    async with asyncio.timeout(timeout_s):
        await condition.wait()


async def test_a_job_runs_at_once_and_again_after_an_error() -> None:
    runs = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            third.set()
        raise LookupError("the second wall")

    tasks = BackgroundTasks([every(0.01, work, name="sweeper")])
    tasks.start()
    await until(third)
    await tasks.finish()


async def test_a_task_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_RESTART_S", 0.01)
    starts = 0
    again = asyncio.Event()

    async def relay(stop: asyncio.Event) -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise ConnectionError("lost")
        again.set()
        await stop.wait()

    tasks = BackgroundTasks([relay])
    tasks.start()
    await until(again)
    await tasks.finish()
    assert starts == 2


async def test_stopping_waits_for_what_is_begun() -> None:
    finished = asyncio.Event()

    async def consumer(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0.05)
        finished.set()

    tasks = BackgroundTasks([consumer])
    tasks.start()
    await asyncio.sleep(0.01)
    await tasks.finish()
    assert finished.is_set()


async def test_what_does_not_end_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_WITHIN_S", 0.05)
    cancelled = asyncio.Event()

    async def deaf(stop: asyncio.Event) -> None:
        del stop
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    tasks = BackgroundTasks([deaf])
    tasks.start()
    await asyncio.sleep(0.01)
    await tasks.finish()
    assert cancelled.is_set()


async def test_a_sleep_ends_with_the_stop() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    async with asyncio.timeout(1):
        assert await wait_for(stop, 60)
    assert not await wait_for(asyncio.Event(), 0.001)


class Relay:
    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()


async def test_tasks_have_names_for_the_metrics() -> None:
    async def nothing() -> None:
        """A job."""

    assert task_name(every(1, nothing, name="sweeper"), 0) == "sweeper"
    assert task_name(Relay().run, 0) == "relay"
