"""What time does to points: they become available, they expire, and what all hold is added up."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.points import usecases
from shared.clock import Clock
from shared.database import Database, Lease, UnitOfWork
from shared.http import prune_idempotency
from shared.messaging import prune_inbox, prune_outbox

ROWS_PER_TRANSACTION = 1_000
TRANSACTIONS_PER_TICK = 200
"""Two hundred thousand lots a tick: the first of a month expires a whole month's, and others want the database too."""

ANSWERS_KEPT = timedelta(days=2)

Step = Callable[[UnitOfWork, datetime], Awaitable[int]]


async def roll(database: Database, clock: Clock) -> None:
    """Make available what has waited long enough, then expire what is over: in this order, as buyers expect it."""
    async with database.exclusive("points.roll") as ours:
        for step in (_activate, _expire):
            await _drain(database, ours, clock, step)


async def measure(database: Database, clock: Clock) -> None:
    """Refresh the figures for the dashboard."""
    async with database.exclusive("points.measure") as ours:
        if ours:
            async with database.begin() as uow:
                await usecases.measure(uow, now=clock())


async def forget(database: Database, clock: Clock) -> None:
    """Forget what messaging and idempotency keep only for a while."""
    async with database.exclusive("points.forget") as ours:
        await _drain(database, ours, clock, _forget)


async def _drain(database: Database, ours: Lease, clock: Clock, step: Step) -> None:
    for _ in ours.rounds(TRANSACTIONS_PER_TICK):
        async with database.begin() as uow:
            found = await step(uow, clock())
        if found < ROWS_PER_TRANSACTION:
            return


async def _activate(uow: UnitOfWork, now: datetime) -> int:
    return await usecases.activate_due(uow, now=now, limit=ROWS_PER_TRANSACTION)


async def _expire(uow: UnitOfWork, now: datetime) -> int:
    return await usecases.expire_due(uow, now=now, limit=ROWS_PER_TRANSACTION)


async def _forget(uow: UnitOfWork, now: datetime) -> int:
    await prune_idempotency(uow, before=now - ANSWERS_KEPT, limit=ROWS_PER_TRANSACTION)
    return max(
        await prune_outbox(uow, now=now, limit=ROWS_PER_TRANSACTION),
        await prune_inbox(uow, now=now, limit=ROWS_PER_TRANSACTION),
    )
