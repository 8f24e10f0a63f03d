"""Watching orders change: one look for all watched orders of a process, however many watch."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from services.order.queries.orders import read_orders, read_versions
from services.order.queries.waiting import first_of
from services.order.repository.orders import CHANGED_CHANNEL
from shared.database import Database, TransientDatabaseError
from shared.observability import Gauge, get_logger

POLL_INTERVAL_S = 0.25
"""A change whose doorbell was lost is seen this much later."""

LOOK_INTERVAL_S = 0.04
"""Doorbells closer together than this are one look."""

WATCHES_MAX = 20_000
"""Streams open at once in one process; who comes then is asked to poll."""

Json = dict[str, Any]

log = get_logger(__name__)

_WATCHES = Gauge("order_watches", "Open order status streams")


class TooManyWatchesError(Exception):
    """No more streams are taken; ask again later, or poll."""


class Watch:
    """One stream's view of one order: the newest state that it has not yet taken."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.closed = False
        self._newest: Json | None = None
        self._news = asyncio.Event()

    def put(self, order: Json) -> None:
        """Show a newer state; one that was not taken in time is skipped."""
        if order["version"] > self.version:
            self.version = order["version"]
            self._newest = order
            self._news.set()

    async def next(self, *, within_s: float) -> Json | None:
        """The next state, or None if there is none in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        newest, self._newest = self._newest, None
        return newest

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self._news.set()


class Watchers:
    """All streams of this process, fed by one background task.

    `alone`: what changes orders runs in this process too, so that rings need not leave it; were there a replica after
    all, its watchers would see changes by looking now and then.
    """

    def __init__(self, database: Database, *, alone: bool = False) -> None:
        self._database = database
        self._alone = alone
        self._watches: dict[UUID, set[Watch]] = defaultdict(set)
        self._count = 0
        self._somebody = asyncio.Event()
        self._stopped = False

    @asynccontextmanager
    async def watch(self, order_id: UUID, *, version: int) -> AsyncIterator[Watch]:
        """Watch one order from a version on.

        :raises TooManyWatchesError: this process has its fill.
        """
        if self._count >= WATCHES_MAX:
            raise TooManyWatchesError(f"{WATCHES_MAX} streams are open")
        watch = Watch(version)
        if self._stopped:
            watch.close()
        self._watches[order_id].add(watch)
        self._count += 1
        _WATCHES.set(self._count)
        self._somebody.set()
        try:
            yield watch
        finally:
            self._count -= 1
            _WATCHES.set(self._count)
            self._watches[order_id].discard(watch)
            if not self._watches[order_id]:
                del self._watches[order_id]

    async def run(self, stop: asyncio.Event) -> None:
        """Look whenever the doorbell rings, and now and then without, as long as anybody watches."""
        try:
            await self._look_again_and_again(stop)
        finally:
            self._stopped = stop.is_set()
            for watches in tuple(self._watches.values()):
                for watch in tuple(watches):
                    watch.close()

    async def _look_again_and_again(self, stop: asyncio.Event) -> None:
        alone = self._database.answering(CHANGED_CHANNEL) if self._alone else contextlib.nullcontext()
        with alone:
            await self._look_at_each_ring(stop)

    async def _look_at_each_ring(self, stop: asyncio.Event) -> None:
        async with self._database.listen(CHANGED_CHANNEL) as bell:
            while not stop.is_set():
                if not self._watches:
                    self._somebody.clear()
                    await first_of(self._somebody, stop)
                    continue
                await first_of(bell, stop, within_s=POLL_INTERVAL_S)
                bell.clear()
                await self._look()
                await asyncio.sleep(LOOK_INTERVAL_S)

    async def _look(self) -> None:
        try:
            async with self._database.read() as uow:
                versions = await read_versions(uow, list(self._watches))
                changed = [order_id for order_id, version in versions.items() if self._is_news(order_id, version)]
                orders = await read_orders(uow, changed) if changed else {}
        except TransientDatabaseError as error:
            log.warning("watch.behind", reason=str(error))
            return
        for order_id, order in orders.items():
            for watch in tuple(self._watches.get(order_id, ())):
                watch.put(order)

    def _is_news(self, order_id: UUID, version: int) -> bool:
        return any(watch.version < version for watch in self._watches.get(order_id, ()))
