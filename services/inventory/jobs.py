"""What the clock starts: expiries, announcements, calls to suppliers, forgetting."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from services.inventory.clients.orders import OrdersClient, OrdersUnavailableError
from services.inventory.clients.supplier import NotListedError, SupplierClient
from services.inventory.domain.health import HELD_BACK
from services.inventory.domain.supply import LeasedTask, SupplierAnswer
from services.inventory.usecases import (
    alerts,
    exporting,
    file_imports,
    gifting,
    health,
    holds,
    listing,
    reminding,
    rotating,
    shipping,
    supplying,
    syncing,
    upkeep,
)
from services.inventory.usecases.bought import Answered, seal_answer
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.issuing import TASKS_CHANNEL
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import Coalescer, Database, Lease, TransientDatabaseError
from shared.http import Background, every, prune_idempotency
from shared.messaging import prune_inbox, prune_outbox
from shared.observability import get_logger

log = get_logger(__name__)

EXPIRE_HOLDS_S = 5.0
EXPIRE_ORDERS_MAX = 500
EXPIRE_ROUNDS_MAX = 20
ANNOUNCE_STOCK_S = 1.0
ANNOUNCE_LOW_STOCK_S = 5.0
ANNOUNCE_SHELF_S = 5.0
EXPIRE_CARDS_S = 60.0
TAKE_IN_FILES_S = 1.0
SORT_SHELF_S = 2.0
REWRAP_KEYS_S = 60.0
ROTATE_KEYS_S = 5.0
EXPIRE_GIFTS_S = 30.0
EXPIRE_GIFTS_MAX = 500
REMIND_S = 300.0
SIGN_SHIPMENTS_S = 600.0
SIGN_SHIPMENTS_MAX = 500
REMIND_MAX = 500
SYNC_SUPPLIERS_S = 10.0
PRUNE_S = 600.0
PRUNE_ROWS = 5_000
PRUNE_ROUNDS_MAX = 100
IDEMPOTENCY_KEPT = timedelta(days=7)

CALLS_MAX = 64
"""Calls to suppliers in flight from one process."""

LOOK_AGAIN_S = 0.5
"""How long a task that became due may wait for somebody to look."""


def periodic(
    database: Database, keyring: Keyring, orders: OrdersClient, suppliers: SupplierClient
) -> Sequence[Background]:
    """The jobs that run once in a while. Replicas do not collide: each takes what no other has locked."""
    return (
        every(EXPIRE_HOLDS_S, lambda: expire_holds(database, orders, now=utc_now()), name="expire_holds"),
        every(ANNOUNCE_STOCK_S, lambda: announce_stock(database), name="announce_stock"),
        every(ANNOUNCE_LOW_STOCK_S, lambda: announce_low_stock(database), name="announce_low_stock"),
        every(ANNOUNCE_SHELF_S, lambda: announce_shelf(database), name="announce_shelf"),
        every(EXPIRE_CARDS_S, lambda: expire_cards(database), name="expire_cards"),
        every(TAKE_IN_FILES_S, lambda: take_in_files(database), name="take_in_files"),
        every(SORT_SHELF_S, lambda: sort_shelf(database), name="sort_shelf"),
        every(REWRAP_KEYS_S, lambda: rewrap_keys(database, keyring), name="rewrap_keys"),
        every(ROTATE_KEYS_S, lambda: rotate_keys(database, keyring), name="rotate_keys"),
        every(SIGN_SHIPMENTS_S, lambda: sign_shipments(database), name="sign_shipments"),
        every(EXPIRE_GIFTS_S, lambda: expire_gifts(database), name="expire_gifts"),
        every(REMIND_S, lambda: announce_expiring(database), name="announce_expiring"),
        every(SYNC_SUPPLIERS_S, lambda: sync_suppliers(database, keyring, suppliers), name="sync_suppliers"),
        every(PRUNE_S, lambda: prune(database), name="prune"),
    )


async def expire_holds(database: Database, orders: OrdersClient, *, now: datetime) -> None:
    """Whatever was held for orders that nobody paid can be sold again.

    Whether somebody paid, order alone knows: the news may wait in its outbox, in Kafka, or behind a parked record of ours.
    """
    for _ in range(EXPIRE_ROUNDS_MAX):
        async with database.read() as uow:
            order_ids = await holds.find_overdue(uow, now=now, limit=EXPIRE_ORDERS_MAX)
        if not order_ids:
            return
        try:
            live = await orders.live(order_ids)
        except OrdersUnavailableError as error:
            holds.note_unanswered(order_ids, reason=str(error))
            return
        async with database.begin() as uow:
            await holds.end_overdue(uow, order_ids, live=live, now=now)


async def announce_stock(database: Database) -> None:
    """One event per SKU that changed since the last time, however often it did."""
    async with database.begin() as uow:
        await upkeep.announce_stock(uow, now=utc_now())


async def announce_low_stock(database: Database) -> None:
    """One event per SKU that has begun to run low."""
    async with database.begin() as uow:
        await alerts.announce_low_stock(uow, now=utc_now())


async def announce_shelf(database: Database) -> None:
    """Products that come or go by the clock, and SKUs that have cards again."""
    async with database.begin() as uow:
        await listing.announce_shelf(uow, now=utc_now())


async def expire_cards(database: Database) -> None:
    async with database.begin() as uow:
        await upkeep.take_expired_cards(uow, now=utc_now())


async def take_in_files(database: Database) -> None:
    """Files of cards that were received go to the shelf, one small transaction after the other."""
    advanced = True
    while advanced:
        async with database.begin() as uow:
            advanced = await file_imports.advance(uow, now=utc_now())


async def sort_shelf(database: Database) -> None:
    """After the pick order of a SKU changed, its cards get the ranks of the new one."""
    sorted_some = True
    while sorted_some:
        async with database.begin() as uow:
            sorted_some = await upkeep.sort_shelf(uow)


async def announce_expiring(database: Database) -> None:
    """Owners hear once that something of theirs ends soon."""
    announced = REMIND_MAX
    while announced == REMIND_MAX:
        async with database.begin() as uow:
            announced = await reminding.announce_expiring(uow, now=utc_now(), limit=REMIND_MAX)
        if announced:
            log.info("entitlements.expiring", entitlements=announced)


async def sign_shipments(database: Database) -> None:
    """What was sent long ago and nobody complained about counts as received."""
    signed = SIGN_SHIPMENTS_MAX
    while signed == SIGN_SHIPMENTS_MAX:
        async with database.begin() as uow:
            signed = await shipping.sign_old(uow, limit=SIGN_SHIPMENTS_MAX, now=utc_now())


async def expire_gifts(database: Database) -> None:
    """What nobody claimed in time goes back to its giver."""
    async with database.begin() as uow:
        await gifting.expire_gifts(uow, now=utc_now(), limit=EXPIRE_GIFTS_MAX)


async def rewrap_keys(database: Database, keyring: Keyring) -> None:
    """After a new key-encryption key came into the keyring, all data keys move under it."""
    moved = True
    while moved:
        async with database.begin() as uow:
            moved = await upkeep.rewrap_keys(uow, keyring=keyring) > 0


async def rotate_keys(database: Database, keyring: Keyring) -> None:
    """Batches that were given a new data key are sealed anew, some cards at a time."""
    advanced = True
    while advanced:
        async with database.begin() as uow:
            advanced = await rotating.advance(uow, keyring=keyring, now=utc_now())


async def sync_suppliers(database: Database, keyring: Keyring, client: SupplierClient) -> None:
    """Read lists and balances of suppliers whose time has come. One that cannot be read is read the next time."""
    async with database.begin() as uow:
        due = await syncing.take_due(uow, now=utc_now())
    for sealed in due:
        access = syncing.open_access(sealed, keyring=keyring)
        try:
            listed = await client.list_goods(access, now=utc_now())
            balance_minor = await client.read_balance(access, now=utc_now())
        except NotListedError as error:
            log.info("supplier.not_listed", supplier_id=access.supplier_id, reason=str(error))
            continue
        async with database.begin() as uow:
            await syncing.take_list(uow, access.supplier_id, listed, now=utc_now())
            await syncing.note_balance(uow, access.supplier_id, balance_minor=balance_minor)


async def prune(database: Database) -> None:
    """Forget what is past its retention, in small transactions, by one process at a time."""
    async with database.exclusive("inventory.prune") as ours:
        await _in_rounds(database, ours, lambda uow: prune_outbox(uow, now=utc_now(), limit=PRUNE_ROWS))
        await _in_rounds(database, ours, lambda uow: prune_inbox(uow, now=utc_now(), limit=PRUNE_ROWS))
        if ours:
            async with database.begin() as uow:
                await prune_idempotency(uow, before=utc_now() - IDEMPOTENCY_KEPT, limit=PRUNE_ROWS)
                await upkeep.forget_buyer_fields(uow, now=utc_now())
                await exporting.expire_files(uow, now=utc_now())
                await health.forget_calls(uow, now=utc_now())


async def _in_rounds(database: Database, ours: Lease, prune_some: Callable[..., Awaitable[int]]) -> None:
    for _ in ours.rounds(PRUNE_ROUNDS_MAX):
        async with database.begin() as uow:
            pruned = await prune_some(uow)
        if pruned < PRUNE_ROWS:
            return


class SupplierWorker:
    """Calls suppliers for tasks that are due, many at a time, each under a lease, and records the answers in sets."""

    name = "suppliers"

    def __init__(self, database: Database, client: SupplierClient, keyring: Keyring, sealer: CardSealer) -> None:
        self._database = database
        self._client = client
        self._keyring = keyring
        self._sealer = sealer
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
            started = time.perf_counter()
            answer = HELD_BACK if leased.held_back else await self._ask(leased)
            latency_ms = round((time.perf_counter() - started) * 1_000)
            log.info("supplier.answered", task_id=leased.task.task_id, step=leased.step.value, answer=answer.kind.value)
            await self._records.submit(seal_answer(leased, answer, latency_ms=latency_ms, sealer=self._sealer))
        except TransientDatabaseError:
            log.warning("supplier.answer_not_recorded", task_id=leased.task.task_id)
        except Exception:
            log.exception("supplier.task_failed", task_id=leased.task.task_id)

    async def _ask(self, leased: LeasedTask) -> SupplierAnswer:
        order = supplying.open_order(leased, keyring=self._keyring)
        return await self._client.ask(order, step=leased.step, now=utc_now())

    async def _record(self, answered: Sequence[Answered]) -> Sequence[None]:
        async with self._database.begin() as uow:
            await supplying.record_answers(uow, answered, sealer=self._sealer, now=utc_now())
        return [None] * len(answered)
