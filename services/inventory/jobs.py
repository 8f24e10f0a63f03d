"""What the clock starts: expiries, announcements, calls to suppliers, forgetting."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.supply import LeasedTask
from services.inventory.usecases import holds, listing, supplying, upkeep
from services.inventory.usecases.issuing import TASKS_CHANNEL
from services.inventory.usecases.supplying import Answered
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import Coalescer, Database, TransientDatabaseError
from shared.http import Background, every, prune_idempotency
from shared.messaging import prune_inbox, prune_outbox
from shared.observability import get_logger

log = get_logger(__name__)

EXPIRE_HOLDS_S = 5.0
EXPIRE_HOLDS_MAX = 1_000
ANNOUNCE_STOCK_S = 1.0
ANNOUNCE_SHELF_S = 5.0
EXPIRE_CARDS_S = 60.0
REWRAP_KEYS_S = 60.0
PRUNE_S = 600.0
PRUNE_ROWS = 5_000
PRUNE_ROUNDS_MAX = 100
IDEMPOTENCY_KEPT = timedelta(days=7)

CALLS_MAX = 64
"""Calls to suppliers in flight from one process."""

LOOK_AGAIN_S = 0.5
"""How long a task that became due may wait for somebody to look."""


def periodic(database: Database, keyring: Keyring) -> Sequence[Background]:
    """The jobs that run once in a while. Replicas do not collide: each takes what no other has locked."""
    return (
        every(EXPIRE_HOLDS_S, lambda: expire_holds(database), name="expire_holds"),
        every(ANNOUNCE_STOCK_S, lambda: announce_stock(database), name="announce_stock"),
        every(ANNOUNCE_SHELF_S, lambda: announce_shelf(database), name="announce_shelf"),
        every(EXPIRE_CARDS_S, lambda: expire_cards(database), name="expire_cards"),
        every(REWRAP_KEYS_S, lambda: rewrap_keys(database, keyring), name="rewrap_keys"),
        every(PRUNE_S, lambda: prune(database), name="prune"),
    )


async def expire_holds(database: Database) -> None:
    """Whatever was held for orders that nobody paid can be sold again."""
    released = EXPIRE_HOLDS_MAX
    while released == EXPIRE_HOLDS_MAX:
        async with database.begin() as uow:
            released = await holds.release_expired(uow, now=utc_now(), limit=EXPIRE_HOLDS_MAX)
        if released:
            log.info("holds.expired", components=released)


async def announce_stock(database: Database) -> None:
    """One event per SKU that changed since the last time, however often it did."""
    async with database.begin() as uow:
        await upkeep.announce_stock(uow, now=utc_now())


async def announce_shelf(database: Database) -> None:
    """Products that come or go by the clock, and SKUs that have cards again."""
    async with database.begin() as uow:
        await listing.announce_shelf(uow, now=utc_now())


async def expire_cards(database: Database) -> None:
    async with database.begin() as uow:
        await upkeep.take_expired_cards(uow, now=utc_now())


async def rewrap_keys(database: Database, keyring: Keyring) -> None:
    """After a new key-encryption key came into the keyring, all data keys move under it."""
    moved = True
    while moved:
        async with database.begin() as uow:
            moved = await upkeep.rewrap_keys(uow, keyring=keyring) > 0


async def prune(database: Database) -> None:
    """Forget what is past its retention, in small transactions, by one process at a time."""
    async with database.exclusive("inventory.prune") as mine:
        if not mine:
            return
        await _in_rounds(database, lambda uow: prune_outbox(uow, now=utc_now(), limit=PRUNE_ROWS))
        await _in_rounds(database, lambda uow: prune_inbox(uow, now=utc_now(), limit=PRUNE_ROWS))
        async with database.begin() as uow:
            await prune_idempotency(uow, before=utc_now() - IDEMPOTENCY_KEPT, limit=PRUNE_ROWS)
            await upkeep.forget_buyer_fields(uow, now=utc_now())


async def _in_rounds(database: Database, prune_some: Callable[..., Awaitable[int]]) -> None:
    for _ in range(PRUNE_ROUNDS_MAX):
        async with database.begin() as uow:
            pruned = await prune_some(uow)
        if pruned < PRUNE_ROWS:
            return


class SupplierWorker:
    """Calls suppliers for tasks that are due, many at a time, each under a lease, and records the answers in sets."""

    name = "suppliers"

    def __init__(self, database: Database, client: SupplierClient, keyring: Keyring) -> None:
        self._database = database
        self._client = client
        self._keyring = keyring
        self._records: Coalescer[Answered, None] = Coalescer(self._record, max_batch=CALLS_MAX)
        self._calls: set[asyncio.Task[None]] = set()

    async def __call__(self, stop: asyncio.Event) -> None:
        """Until stopped; calls in flight are finished and recorded, or cut off and asked about by the next process."""
        async with self._database.listen(TASKS_CHANNEL) as bell:
            while not stop.is_set():
                bell.clear()
                if await self.start_due() == 0:
                    await self._wait(stop, bell)
            await self.finish()

    async def finish(self) -> None:
        """Wait for the calls in flight and their records."""
        if self._calls:
            await asyncio.wait(self._calls)

    async def start_due(self) -> int:
        """Start a call for every due task there is room for; answers how many."""
        room = CALLS_MAX - len(self._calls)
        if room == 0:
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            return 1
        async with self._database.begin() as uow:
            taken = await supplying.take_due_tasks(uow, limit=room, now=utc_now())
        for leased in taken:
            call = asyncio.create_task(self._work(leased))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return len(taken)

    async def _wait(self, stop: asyncio.Event, bell: asyncio.Event) -> None:
        waiters = [asyncio.create_task(stop.wait()), asyncio.create_task(bell.wait())]
        try:
            await asyncio.wait(waiters, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waiter

    async def _work(self, leased: LeasedTask) -> None:
        """Whatever fails here, the lease runs out, and then the supplier is asked: nothing is lost but this answer."""
        try:
            order = supplying.open_order(leased, keyring=self._keyring)
            answer = await self._client.ask(order, step=leased.step, now=utc_now())
            log.info("supplier.answered", task_id=leased.task.task_id, step=leased.step.value, answer=answer.kind.value)
            await self._records.submit(Answered(leased, answer))
        except TransientDatabaseError:
            log.warning("supplier.answer_not_recorded", task_id=leased.task.task_id)
        except Exception:
            log.exception("supplier.task_failed", task_id=leased.task.task_id)

    async def _record(self, answered: Sequence[Answered]) -> Sequence[None]:
        async with self._database.begin() as uow:
            await supplying.record_answers(uow, answered, now=utc_now())
        return [None] * len(answered)
