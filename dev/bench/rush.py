"""The rush: far more buyers than cards, all at once. Not one card too many, not one too few."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.purchase import Buyer, Shop, pay, place, read_code, with_order_token

AT_ONCE = 400


@dataclass(frozen=True)
class Rush:
    """`sold` counts different codes that buyers have read; `units` is what was there to sell."""

    buyers: int
    units: int
    sold: int
    refused: int
    errors: int
    placed_in_s: float


async def run(shop: Shop, buyers: Sequence[Buyer], sku_id: str, *, units: int) -> Rush:
    """Every buyer orders one unit at once; those who get an order pay and read their code."""
    places = asyncio.Semaphore(AT_ONCE)
    began = time.perf_counter()
    orders = await asyncio.gather(*(_place(places, shop, buyer, sku_id) for buyer in buyers), return_exceptions=True)
    placed_in_s = time.perf_counter() - began
    won = [(buyer, order) for buyer, order in zip(buyers, orders, strict=True) if isinstance(order, dict)]
    codes = await asyncio.gather(*(_finish(places, shop, buyer, order) for buyer, order in won), return_exceptions=True)
    return Rush(
        buyers=len(buyers),
        units=units,
        sold=len({code for code in codes if isinstance(code, str)}),
        refused=sum(order is None for order in orders),
        errors=sum(isinstance(answer, BaseException) for answer in [*orders, *codes]),
        placed_in_s=placed_in_s,
    )


async def _place(places: asyncio.Semaphore, shop: Shop, buyer: Buyer, sku_id: str) -> dict[str, object] | None:
    async with places:
        return await place(shop, buyer, sku_id)


async def _finish(places: asyncio.Semaphore, shop: Shop, buyer: Buyer, order: dict[str, object]) -> str:
    buyer = with_order_token(buyer, order)
    async with places:
        await pay(shop, buyer, str(order["order_id"]))
        return await read_code(shop, buyer, str(order["order_id"]))
