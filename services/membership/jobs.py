"""What time does to members: days leave the spend window, tiers end, and what nobody asks for any more is forgotten."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.membership.usecases import housekeeping, spending
from shared.clock import Clock
from shared.database import Database, Lease, UnitOfWork

MEMBERS_PER_TRANSACTION = 500
TRANSACTIONS_PER_TICK = 200
"""A hundred thousand members a tick, so that a change of the tiers does not hold the database for long."""

Step = Callable[[UnitOfWork, datetime], Awaitable[int]]


async def keep_tiers(database: Database, clock: Clock, *, grace: timedelta) -> None:
    """Move the window, apply new tiers, then take away tiers whose time is over: in this order."""

    async def roll(uow: UnitOfWork, now: datetime) -> int:
        return await spending.roll_window(uow, now=now, grace=grace, limit=MEMBERS_PER_TRANSACTION)

    async def apply(uow: UnitOfWork, now: datetime) -> int:
        return await spending.apply_table(uow, now=now, grace=grace, limit=MEMBERS_PER_TRANSACTION)

    async def take_back(uow: UnitOfWork, now: datetime) -> int:
        return await spending.take_back_tiers(uow, now=now, limit=MEMBERS_PER_TRANSACTION)

    async with database.exclusive("membership.keep_tiers") as ours:
        for step in (roll, apply, take_back):
            await _drain(database, ours, clock, step)


async def forget(database: Database, clock: Clock) -> None:
    """Forget what has served its time: ended sessions, old failures, orders of before the window."""

    async def prune(uow: UnitOfWork, now: datetime) -> int:
        return await housekeeping.prune(uow, now=now, limit=MEMBERS_PER_TRANSACTION)

    async with database.exclusive("membership.forget") as ours:
        await _drain(database, ours, clock, prune)


async def _drain(database: Database, ours: Lease, clock: Clock, step: Step) -> None:
    for _ in ours.rounds(TRANSACTIONS_PER_TICK):
        async with database.begin() as uow:
            found = await step(uow, clock())
        if found < MEMBERS_PER_TRANSACTION:
            return
