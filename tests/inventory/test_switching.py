"""Several suppliers of one SKU: who is asked, who is asked next, and that nobody else is while a fate is unknown."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from services.inventory.domain.choosing import Offer, choose
from services.inventory.domain.delivery import RejectReason
from shared.clock import new_id
from tests.inventory.door import Door
from tests.inventory.suppliers import NOBODY, Market, running_market
from tests.inventory.supply import COST_MINOR
from tests.inventory.world import World


@pytest.fixture
async def market(world: World, tmp_path: Path) -> AsyncIterator[Market]:
    async with running_market(world, tmp_path) as market:
        yield market


def offer_of(supplier_id: UUID, *, priority: int = 1, weight: int = 1, cost_minor: int = 900) -> Offer:
    return Offer(UUID(int=1), supplier_id, "X", cost_minor, priority, weight, guarded=True)


def test_equals_share_the_orders_by_weight_and_an_order_always_falls_to_the_same() -> None:
    small, large, last = (offer_of(new_id(), weight=weight) for weight in (1, 3, 1))
    offers = [small, large, offer_of(last.supplier_id, priority=2)]
    components = [new_id() for _ in range(4_000)]
    fell: Counter[Offer | RejectReason] = Counter()
    for component_id in components:
        chosen = choose(offers, component_id=component_id, quantity=1, amount_minor=1_000)
        assert chosen == choose(offers[::-1], component_id=component_id, quantity=1, amount_minor=1_000)
        fell[chosen] += 1
    assert set(fell) == {small, large}
    assert 2_850 < fell[large] < 3_150


def test_who_is_too_dear_or_was_tried_is_passed_over() -> None:
    dear, cheap = offer_of(new_id(), cost_minor=1_001), offer_of(new_id(), priority=9)

    def ask(*offers: Offer, tried: frozenset[UUID] = frozenset()) -> Offer | RejectReason:
        return choose(offers, component_id=new_id(), quantity=1, amount_minor=1_000, tried=tried)

    assert ask(dear, cheap) == cheap
    assert ask(dear, cheap, tried=frozenset({cheap.supplier_id})) is RejectReason.PRICE_GUARD
    assert ask(cheap, tried=frozenset({cheap.supplier_id})) is RejectReason.NO_SUPPLIER


async def test_when_the_first_certainly_failed_the_second_delivers(market: Market, world: World, door: Door) -> None:
    await market.first.faults({"kind": "fails"})
    order = await market.buy()
    await market.supply.settle()
    (event,) = await world.events("card", order.order_id)
    assert event["type"] == "card.issued"
    assert event["supplier_id"] == str(market.second.supplier_id)
    assert market.charged() == [0, 1]
    listed = (await door.get("/v1/ops/suppliers/tasks", state="succeeded"))["items"]
    (earlier,) = listed[0]["earlier"]
    assert (earlier["supplier_id"], earlier["last_reason"]) == (str(market.first.supplier_id), "failed")
    assert earlier["out_order_no"] != listed[0]["out_order_no"]


@pytest.mark.parametrize("kind", ["stock_lies", "price_doubles"])
async def test_what_the_first_refuses_the_second_delivers(market: Market, world: World, kind: str) -> None:
    await market.first.faults({"kind": kind})
    order = await market.buy()
    await market.supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert market.charged() == [0, 1]
    assert (await market.supply.task(order))["cost_minor"] == COST_MINOR


async def test_when_the_first_cannot_be_reached_the_buyer_does_not_wait(market: Market, world: World) -> None:
    await market.move(market.first, NOBODY)
    began = time.monotonic()
    order = await market.buy()
    await market.supply.work()
    await market.supply.work()
    assert await world.kinds(order) == ["card.issued"]
    assert market.charged() == [0, 1]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", ["error_after", "garbage", "never", "says_failed", "dead", "says_twice", "lost"])
async def test_nobody_else_is_asked_while_the_first_may_deliver(market: Market, world: World, kind: str) -> None:
    await market.first.faults({"kind": kind, "times": 1}, {"kind": "error", "step": "query", "times": 3})
    order = await market.buy()
    for _ in range(3):
        await market.supply.work()
        assert (await market.supplier_of(order)) == market.first
        await world.fetch("UPDATE supplier_tasks SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL")
    await market.supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert sum(market.charged()) == 1


async def test_when_all_fail_it_is_rejected_once_and_its_stock_is_free(market: Market, world: World) -> None:
    await market.first.faults({"kind": "fails"})
    await market.second.faults({"kind": "fails"})
    order = await market.buy()
    await market.supply.settle()
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["reason"]) == ("card.rejected", "supplier_failed")
    assert await world.stock(market.sku_id) == (10_000, 0, 0)
    assert (await market.supply.task(order))["tries"] == 2


async def test_an_offer_above_what_was_paid_is_not_asked_next(market: Market, world: World) -> None:
    await market.offer(market.second, priority=2, cost_minor=1_001)
    await market.first.faults({"kind": "fails"})
    order = await market.buy()
    await market.supply.settle()
    assert await world.kinds(order) == ["card.rejected"]
    assert market.charged() == [0, 0]


async def test_a_refund_that_waited_ends_it_and_nobody_else_is_asked(market: Market, world: World) -> None:
    await market.first.faults({"kind": "fails"}, {"kind": "error", "step": "query", "times": 1})
    order = await market.buy()
    await market.supply.work()
    await world.revoke(order)
    await market.supply.settle()
    assert await world.kinds(order) == ["card.revoked"]
    assert market.charged() == [0, 0]
    assert (await market.supply.task(order))["tries"] == 1


async def test_a_refund_between_two_suppliers_cancels_it(market: Market, world: World) -> None:
    await market.move(market.first, NOBODY)
    order = await market.buy()
    assert await market.supply.worker.start_due() == 1
    await market.supply.worker.finish()
    assert (await market.supply.task(order))["state"] == "new"
    assert await market.supplier_of(order) == market.second
    await world.revoke(order)
    await market.supply.settle()
    assert await world.kinds(order) == ["card.revoked"]
    assert market.charged() == [0, 0]
