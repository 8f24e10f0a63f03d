"""Which card is sold next, and that the order costs nothing: neither time nor a card."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.inventory import jobs
from services.inventory.domain.picking import PickOrder, rank_of
from services.inventory.repository import cards as repository
from services.inventory.usecases import upkeep
from shared.clock import utc_now
from tests.inventory.door import Door
from tests.inventory.world import World, at_once, codes, order_of

AT_ONCE = 64
LATER = datetime(2099, 1, 1, tzinfo=UTC)


async def choose(door: Door, sku_id: UUID, order: PickOrder) -> None:
    answer = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"pick_order": order.value})
    assert (answer.status_code, answer.json()["pick_order"]) == (200, order.value)


async def sold(world: World, sku_id: UUID, count: int) -> list[str]:
    """The masked forms of the next cards, sold one after the other."""
    masks = []
    for _ in range(count):
        order = order_of((sku_id, 1))
        await world.reserve(order)
        masks += [event["masked"][0] for event in await world.events("card", order.order_id)]
    return masks


def cards(*numbers: int, days: Sequence[int | None] = ()) -> list[object]:
    """Cards that end with these numbers and expire so many days after 2099 has begun."""
    expiries = [None if day is None else (LATER + timedelta(days=day)).isoformat() for day in days] or [None] * len(
        numbers
    )
    return [{"code": f"PICK-CODE-{n:04d}", "expires_at": when} for n, when in zip(numbers, expiries, strict=True)]


async def test_cards_are_sold_in_the_order_of_their_import_unless_told_otherwise(world: World) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, cards(3, 1, 2, days=(3, 2, 1)))
    assert await sold(world, sku_id, 3) == ["****0003", "****0001", "****0002"]


async def test_the_earliest_expiry_goes_first(world: World, door: Door) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, cards(1, 2, 3, days=(None, 5, 3)))
    await choose(door, sku_id, PickOrder.EARLIEST_EXPIRY)
    await jobs.sort_shelf(world.database)
    await world.import_codes(sku_id, cards(4, 5, days=(4, None)))
    assert await sold(world, sku_id, 5) == ["****0003", "****0004", "****0002", "****0001", "****0005"]


async def test_a_batch_of_lower_priority_goes_first(world: World, door: Door) -> None:
    sku_id = await world.sku()
    await choose(door, sku_id, PickOrder.BATCH_PRIORITY)
    await world.import_codes(sku_id, cards(1, 2))
    urgent = await world.import_codes(sku_id, cards(3, 4))
    answer = await door.call("PATCH", f"/v1/ops/batches/{urgent.batch_id}", json={"priority": 1, "reason": "临期"})
    assert (answer.status_code, answer.json()["priority"]) == (200, 1)
    await jobs.sort_shelf(world.database)
    assert await sold(world, sku_id, 3) == ["****0003", "****0004", "****0001"]


async def test_random_is_neither_the_order_of_import_nor_of_the_last_time(world: World, door: Door) -> None:
    sku_id = await world.sku()
    await choose(door, sku_id, PickOrder.RANDOM)
    await jobs.sort_shelf(world.database)
    await world.import_codes(sku_id, cards(*range(40)))
    first = await sold(world, sku_id, 20)
    assert first != sorted(first)
    assert len(set(first)) == 20
    await choose(door, sku_id, PickOrder.SEQUENTIAL)
    await jobs.sort_shelf(world.database)
    rest = await sold(world, sku_id, 20)
    assert rest == sorted(rest)
    await world.assert_counters_equal_rows()


@pytest.mark.parametrize("order", [PickOrder.SEQUENTIAL, PickOrder.EARLIEST_EXPIRY, PickOrder.BATCH_PRIORITY])
async def test_a_rank_is_the_same_whoever_makes_it(world: World, door: Door, order: PickOrder) -> None:
    sku_id = await world.sku()
    await choose(door, sku_id, order)
    await world.import_codes(sku_id, cards(1, 2, days=(1, None)))
    imported = await world.fetch("SELECT card_id, rank, expires_at FROM shelf ORDER BY card_id")
    await jobs.sort_shelf(world.database)
    assert await world.fetch("SELECT card_id, rank, expires_at FROM shelf ORDER BY card_id") == imported
    assert [row["rank"] for row in imported] == [rank_of(order, expires_at=row["expires_at"]) for row in imported]


@pytest.mark.parametrize("order", list(PickOrder))
async def test_64_buyers_of_a_hot_sku_in_each_order(world: World, door: Door, order: PickOrder) -> None:
    """No card to two, and nobody is told `sold out` while there is one left: there are as many as buyers."""
    sku_id = await world.sku()
    await choose(door, sku_id, order)
    await jobs.sort_shelf(world.database)
    days = [number % 7 or None for number in range(AT_ONCE)]
    await world.import_codes(sku_id, cards(*range(AT_ONCE), days=days))
    orders = [order_of((sku_id, 1)) for _ in range(AT_ONCE)]
    await world.hold(*orders)
    await at_once(world, [lambda bought=bought: world.reserve(bought) for bought in orders])  # type: ignore[misc]
    assert await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'") == AT_ONCE
    assert await world.stock(sku_id) == (0, 0, AT_ONCE)
    await world.assert_counters_equal_rows()


async def test_nobody_misses_a_card_while_the_shelf_is_laid_anew(world: World, door: Door) -> None:
    sku_id = await world.sku(cards=AT_ONCE)
    orders = [order_of((sku_id, 1)) for _ in range(AT_ONCE)]
    await world.hold(*orders)

    async def sort_again_and_again() -> None:
        for chosen in (PickOrder.RANDOM, PickOrder.SEQUENTIAL) * 12:
            await choose(door, sku_id, chosen)
            async with world.database.begin() as uow:
                await upkeep.sort_shelf(uow)

    works: list[Any] = [lambda bought=bought: world.reserve(bought) for bought in orders]
    await at_once(world, [sort_again_and_again, *works])
    assert await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'") == AT_ONCE
    await world.assert_counters_equal_rows()


async def test_who_waits_while_the_shelf_is_laid_anew_is_served(world: World, door: Door) -> None:
    """All cards are taken and laid anew in one transaction: who waited for one of them must look again."""
    sku_id = await world.sku(cards=2)
    bought = order_of((sku_id, 1))
    await world.hold(bought)
    await choose(door, sku_id, PickOrder.RANDOM)
    laid = asyncio.Event()

    async def lay_anew_slowly() -> None:
        async with world.database.begin() as uow:
            await upkeep.sort_shelf(uow)
            laid.set()
            await asyncio.sleep(0.3)

    laying = asyncio.create_task(lay_anew_slowly())
    await laid.wait()
    await world.reserve(bought)
    await laying
    assert await world.state(bought.component_id) == "issued"
    await world.assert_counters_equal_rows()


@pytest.mark.parametrize("order", list(PickOrder))
async def test_the_order_is_read_from_an_index(world: World, door: Door, order: PickOrder) -> None:
    """What a claim reads does not grow with the shelf."""
    sku_id, other = await world.sku(), await world.sku(cards=500)
    await choose(door, sku_id, order)
    await jobs.sort_shelf(world.database)
    await world.import_codes(sku_id, codes(5_000))
    await world.fetch("ANALYZE shelf")
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {repository._CLAIM_FREE}"
    async with world.database.begin() as uow:
        (plan,) = await uow.raw.fetchval(explain, [sku_id, other], [3, 3], utc_now())
    assert plan["Plan"]["Shared Hit Blocks"] < 100
    assert "Seq Scan" not in str(plan)
    assert "'Sort'" not in str(plan)
