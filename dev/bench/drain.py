"""The drain: orders were paid while inventory did not listen; now it listens again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from dev.bench.purchase import Buyer, Shop, pay, place
from dev.stack.parts import PartControl
from shared.clock import new_id

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

DEAF = {"KAQUAN_ROLES": "api,relay"}
AT_ONCE = 128
LOOK_EVERY_S = 0.2
PAID_WITHIN_S = 20
DRAIN_WITHIN_S = 120


@dataclass(frozen=True)
class Drain:
    """`per_s` counts from the first order that was fulfilled to the last that was completed."""

    orders: int
    drained: int
    per_s: float
    issued_per_s: float


async def run(
    parts: PartControl, order_dsn: str, shop: Shop, buyers: Sequence[Buyer], skus: Sequence[str], *, orders: int
) -> Drain:
    """Pay `orders` orders with inventory deaf, then let it hear, and watch them end in the order service's database."""
    await asyncio.to_thread(parts.restart, "inventory", with_variables=DEAF)
    first_id = new_id()  # ids grow with time: the orders of this run are those above
    places = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(
        *(_paid_order(places, shop, buyers[n % len(buyers)], skus[n % len(skus)]) for n in range(orders))
    )
    watcher = await asyncpg.connect(order_dsn)
    try:
        look = _Look(watcher, first_id)
        waiting = await _all_paid(look, orders)
        since = await watcher.fetchval("SELECT now()")
        await asyncio.to_thread(parts.restart, "inventory")
        return await _watch(look, since, waiting)
    finally:
        await watcher.close()


@dataclass(frozen=True)
class _Counts:
    """Orders that are paid and wait for their cards; and, since a moment, those issued and those completed."""

    waiting: int
    issued: int = 0
    completed: int = 0


async def _all_paid(look: "_Look", orders: int) -> int:
    """How many orders wait for their cards, once the provider has told of all payments, or no more come."""
    deadline, waiting = time.perf_counter() + PAID_WITHIN_S, 0
    while waiting < orders and time.perf_counter() < deadline:
        await asyncio.sleep(LOOK_EVERY_S)
        waiting = (await look.counts()).waiting
    return waiting


async def _watch(look: "_Look", since: datetime, waiting: int) -> Drain:
    began = issued_at = time.perf_counter()
    deadline, now = began + DRAIN_WITHIN_S, _Counts(waiting)
    while time.perf_counter() < deadline and now.completed < waiting:
        await asyncio.sleep(LOOK_EVERY_S)
        now = await look.counts(since)
        if now.issued == 0:
            began = issued_at = time.perf_counter()  # nothing has moved yet: it is still joining its group
        elif now.issued < waiting:
            issued_at = time.perf_counter()
    return Drain(
        orders=waiting,
        drained=now.completed,
        per_s=now.completed / (time.perf_counter() - began),
        issued_per_s=now.issued / max(issued_at - began, LOOK_EVERY_S),
    )


async def _paid_order(places: asyncio.Semaphore, shop: Shop, buyer: Buyer, sku_id: str) -> None:
    async with places:
        order = await place(shop, buyer, sku_id)
        if order is not None:
            await pay(shop, buyer, str(order["order_id"]))


@dataclass(frozen=True)
class _Look:
    """How far the orders of this run have come. Only they are looked at: counting all there are would slow the drain."""

    watcher: Connection
    first_id: UUID

    async def counts(self, since: datetime | None = None) -> _Counts:
        row = await self.watcher.fetchrow(_COUNT, since, self.first_id)
        return _Counts(*row) if row is not None else _Counts(0)


_COUNT = """
SELECT count(*) FILTER (WHERE status IN ('paid', 'fulfilling')),
       count(*) FILTER (WHERE fulfilled_at > $1),
       count(*) FILTER (WHERE completed_at > $1)
FROM orders WHERE order_id >= $2
"""
