"""Many concurrent requests, one set-based transaction: what arrives while a batch is in flight forms the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from shared.database.errors import DatabaseUnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")

WAITING_MAX = 10_000


class CoalescerFullError(DatabaseUnavailableError):
    """More requests wait than can be served in time."""


class Coalescer(Generic[Item, Result]):
    """Joins concurrent submissions into batches, without a timer: a lone request waits for nobody.

    `run` gets the items of a batch and answers one result or exception for each, in their order. When it raises, each
    item of the batch is run again by itself, so that one bad item fails alone; when the database is unavailable, all fail.
    At most `lanes` batches are in flight. A batch runs outside its submitters' tasks and contexts: one that is cancelled
    gives up waiting, not the work of others. What a batch needs of its submitter's context (the trace) is part of the item.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_batch: int = 64,
        lanes: int = 1,
        max_waiting: int = WAITING_MAX,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._lanes = lanes
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: set[asyncio.Task[None] | None] = set()

    async def submit(self, item: Item) -> Result:
        """The item's result.

        :raises CoalescerFullError: too many wait already.
        :raises Exception: whatever `run` answered or raised for this item.
        """
        if len(self._waiting) >= self._max_waiting:
            raise CoalescerFullError(f"{self._max_waiting} requests wait already")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._running) < self._lanes:
            lane = asyncio.get_running_loop().create_task(self._lane(), context=Context())
            self._running.add(lane)
        return await future

    async def _lane(self) -> None:
        try:
            await self._serve()
        finally:  # not in a callback: who submits again as soon as it is answered must not count on a lane that has ended
            self._running.discard(asyncio.current_task())

    async def _serve(self) -> None:
        while batch := self._next_batch():
            items = [item for item, _ in batch]
            futures = [future for _, future in batch]
            try:
                results = await self._results(items)
            except BaseException:  # the loop is ending: nobody may be left waiting for an answer
                for future in futures:
                    future.cancel()
                raise
            for future, result in zip(futures, results, strict=True):
                _settle(future, result)

    def _next_batch(self) -> list[tuple[Item, "asyncio.Future[Result]"]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < self._max_batch:
            item, future = self._waiting.popleft()
            if not future.done():  # its submitter was cancelled
                batch.append((item, future))
        return batch

    async def _results(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            results = await self._run(items)
        except Exception as error:  # noqa: BLE001  (handed to the submitters, whose edge handles it)
            if len(items) == 1 or isinstance(error, DatabaseUnavailableError):
                return [error] * len(items)
            return [(await self._results([item]))[0] for item in items]
        if len(results) != len(items):
            wrong = RuntimeError(f"{len(items)} items were run, {len(results)} results came back")
            return [wrong] * len(items)
        return results


def _settle(future: "asyncio.Future[Result]", result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
        return
    future.set_result(result)
