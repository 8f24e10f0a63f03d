"""A storm: both suppliers do everything wrong that suppliers do. Every order is delivered once or refused, to the cent."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.inventory.suppliers import Market, running_market
from tests.inventory.supply import COST_MINOR
from tests.inventory.world import World

PLACING = (
    "slow",
    "error",
    "error_after",
    "garbage",
    "bad_signature",
    "never",
    "lost",
    "says_failed",
    "says_twice",
    "fails",
    "stock_lies",
    "price_doubles",
    "dead",
)
ASKING = ("error", "garbage", "slow", "dead", "says_twice", "bad_signature")

STORM: list[dict[str, Any]] = [
    *({"kind": kind, "share": 0.06, "delay_s": 0.02} for kind in PLACING),
    {"kind": "buys_twice"},
    *({"kind": kind, "step": "query", "share": 0.06, "delay_s": 0.02} for kind in ASKING),
]


@pytest.fixture
async def market(world: World, tmp_path: Path) -> AsyncIterator[Market]:
    async with running_market(world, tmp_path) as market:
        yield market


@pytest.mark.parametrize("orders", [200, pytest.param(2_000, marks=[pytest.mark.soak, pytest.mark.timeout(0)])])
async def test_every_order_is_delivered_once_or_refused_and_booked_as_charged(
    market: Market, world: World, orders: int
) -> None:
    await market.offer(market.first, priority=1, weight=2)
    await market.offer(market.second, priority=1)
    for side in (market.first, market.second):
        await side.faults(*STORM)
    # Half of the buyers paid enough for a doubled price, and for them it is paid; for the others the guard refuses.
    bought = [await market.buy(amount_minor=COST_MINOR * (1 + number % 2) + 100) for number in range(orders)]
    await market.supply.settle(rounds=100)

    events = await world.events("card")
    told = {str(order.order_id): 0 for order in bought}
    for event in events:
        assert event["type"] in {"card.issued", "card.rejected"}
        told[event["order_id"]] += 1
    assert set(told.values()) == {1}
    issued = [event for event in events if event["type"] == "card.issued"]
    for side in (market.first, market.second):
        charges = side.books.charges()
        mine = [event["cost_minor"] for event in issued if event["supplier_id"] == str(side.supplier_id)]
        assert charges.twice == 0
        assert (charges.orders, charges.charged_minor) == (len(mine), sum(mine))
    assert await world.stock(market.sku_id) == (10_000 - len(issued), 0, len(issued))
    assert len(issued) > 0
    assert await world.value("SELECT count(*) FROM supplier_tries") > 0
