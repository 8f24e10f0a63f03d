"""What runs beside the requests: relay, consumer, jobs. A task that dies is started again and shows in the metrics."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from shared.observability import Counter, Gauge, get_logger

log = get_logger(__name__)

Background = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then ends by itself within `STOP_WITHIN_S`."""

STOP_WITHIN_S = 4.0
"""Time to finish what is begun once asked to stop; then the task is cancelled."""

FIRST_RESTART_S = 0.5
LAST_RESTART_S = 30.0
STEADY_AFTER_S = 60.0
"""A task that ran this long starts its back-off anew when it dies."""

_UP = Gauge("background_up", "Whether a background task runs", ["task"])
_CRASHES = Counter("background_crashes_total", "Background tasks that died and were started again", ["task"])
_TICKS = Counter("job_runs_total", "Runs of periodic jobs", ["job", "outcome"])
_TICK_SECONDS = Gauge("job_last_seconds", "How long the last run of a periodic job took", ["job"])


class Every:
    """A job that runs once in a while. An error is logged and counted, and the next tick goes on."""

    def __init__(self, seconds: float, work: Callable[[], Awaitable[object]], *, name: str) -> None:
        self._seconds = seconds
        self._work = work
        self.name = name

    async def __call__(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._run_once()
            # Replicas started together drift apart, so that they do not queue for the same advisory lock.
            pause_s = self._seconds * random.uniform(0.9, 1.1)
            await wait_for(stop, pause_s)

    async def _run_once(self) -> None:
        started = time.perf_counter()
        try:
            await self._work()
        except Exception:
            _TICKS.labels(self.name, "failed").inc()
            log.exception("job.failed", job=self.name)
        else:
            _TICKS.labels(self.name, "done").inc()
        _TICK_SECONDS.labels(self.name).set(time.perf_counter() - started)


def every(seconds: float, work: Callable[[], Awaitable[object]], *, name: str) -> Background:
    """Run `work` at once and then about every `seconds`, counted from the end of one run to the start of the next."""
    return Every(seconds, work, name=name)


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but not through a stop. Whether it was a stop that ended it."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


class BackgroundTasks:
    """The background tasks of one process, started and stopped together."""

    def __init__(self, tasks: Sequence[Background]) -> None:
        self.stop = asyncio.Event()
        self._works = tasks
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start them all."""
        for position, work in enumerate(self._works):
            name = task_name(work, position)
            self._running.append(asyncio.create_task(self._keep_running(work, name), name=name))

    async def finish(self) -> None:
        """Ask them all to stop, wait for a while, and cancel what is left."""
        self.stop.set()
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=STOP_WITHIN_S)
        for task in late:
            log.warning("background.cancelled", task=task.get_name())
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _keep_running(self, work: Background, name: str) -> None:
        pause_s = FIRST_RESTART_S
        while not self.stop.is_set():
            started = time.monotonic()
            _UP.labels(name).set(1)
            try:
                await work(self.stop)
            except Exception:
                _CRASHES.labels(name).inc()
                log.exception("background.crashed", task=name)
            finally:
                _UP.labels(name).set(0)
            if time.monotonic() - started > STEADY_AFTER_S:
                pause_s = FIRST_RESTART_S
            await wait_for(self.stop, pause_s)
            pause_s = min(pause_s * 2, LAST_RESTART_S)


def task_name(work: Background, position: int) -> str:
    """A name for metrics: the job's own, or the class whose `run` it is."""
    own = getattr(work, "name", None)
    if isinstance(own, str):
        return own
    owner = getattr(work, "__self__", None)
    if owner is not None:
        return type(owner).__name__.lower()
    return getattr(work, "__name__", f"task-{position}")
