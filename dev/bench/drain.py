"""The drain: orders were paid while inventory did not listen; now it listens again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.purchase import Buyer, Shop, pay, place
from dev.client import Api
from dev.stack.parts import PartControl

DEAF = {"KAQUAN_ROLES": "api,relay"}
AT_ONCE = 128
LOOK_EVERY_S = 0.1
DRAIN_WITHIN_S = 120


@dataclass(frozen=True)
class Drain:
    """`per_s` counts from the first order that was fulfilled to the last that was completed."""

    orders: int
    drained: int
    per_s: float
    issued_per_s: float


async def run(
    parts: PartControl, desk: Api, shop: Shop, buyers: Sequence[Buyer], skus: Sequence[str], *, orders: int
) -> Drain:
    """Pay `orders` orders with inventory deaf, then let it hear, and watch them end."""
    before = await _counts(desk)
    await asyncio.to_thread(parts.restart, "inventory", with_variables=DEAF)
    places = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(
        *(_paid_order(places, shop, buyers[n % len(buyers)], skus[n % len(skus)]) for n in range(orders))
    )
    waiting = (await _counts(desk)).paid - before.paid
    await asyncio.to_thread(parts.restart, "inventory")
    return await _watch(desk, before, waiting)


@dataclass(frozen=True)
class _Counts:
    """Orders by how far they are."""

    paid: int
    issued: int
    completed: int


async def _watch(desk: Api, before: _Counts, waiting: int) -> Drain:
    began = issued_at = time.perf_counter()
    deadline, now = began + DRAIN_WITHIN_S, before
    while time.perf_counter() < deadline and now.completed - before.completed < waiting:
        await asyncio.sleep(LOOK_EVERY_S)
        now = await _counts(desk)
        if now.issued == before.issued:
            began = issued_at = time.perf_counter()  # nothing has moved yet: it is still joining its group
        elif now.issued - before.issued < waiting:
            issued_at = time.perf_counter()
    drained = now.completed - before.completed
    return Drain(
        orders=waiting,
        drained=drained,
        per_s=drained / (time.perf_counter() - began),
        issued_per_s=(now.issued - before.issued) / max(issued_at - began, LOOK_EVERY_S),
    )


async def _paid_order(places: asyncio.Semaphore, shop: Shop, buyer: Buyer, sku_id: str) -> None:
    async with places:
        order = await place(shop, buyer, sku_id)
        if order is not None:
            await pay(shop, buyer, str(order["order_id"]))


async def _counts(desk: Api) -> _Counts:
    figures = await desk.get("/v1/ops/dashboard")
    states = figures["orders"]["by_state"]
    issued = states.get("fulfilled", 0) + states.get("completed", 0)
    paid = issued + states.get("paid", 0) + states.get("fulfilling", 0)
    return _Counts(paid=paid, issued=issued, completed=states.get("completed", 0))
