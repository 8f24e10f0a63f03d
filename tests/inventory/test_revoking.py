"""What a refund takes back, and what it does not."""

import pytest

from services.inventory.consumers import on_refund_requested
from shared.clock import new_id, utc_now
from shared.contracts import OrderRefundRequestedV1, wrap
from shared.contracts.order import RefundComponent, RefundReason
from tests.inventory.door import Door, buyer, partner
from tests.inventory.world import PRICE_MINOR, Order, World, order_of


async def test_a_card_nobody_saw_is_sold_again(world: World) -> None:
    order, units = await world.issued()
    sku_id = order.parts[0][1]
    refund_id = await world.revoke(order)
    event = (await world.events("card", order.order_id))[-1]
    assert event["type"] == "card.revoked"
    assert event["refund_id"] == str(refund_id)
    assert event["entitlement_ids"] == [str(unit) for unit in units]
    assert event["restocked"] == {"currency": "CNY", "cost_minor": 700}
    assert await world.stock(sku_id) == (1, 0, 0)
    await world.assert_counters_equal_rows()

    next_buyer = order_of((sku_id, 1))
    await world.reserve(next_buyer)
    assert await world.state(next_buyer.component_id) == "issued"
    await world.assert_counters_equal_rows()


async def test_a_card_that_was_seen_is_refused_where_it_may_be_used_elsewhere(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    await door.reveal(unit, buyer(order.member_id))
    await world.revoke(order)
    event = (await world.events("card", order.order_id))[-1]
    assert (event["type"], event["reason"]) == ("card.revoke_refused", "revealed")
    assert (await door.reveal(unit, buyer(order.member_id))).status_code == 200


async def test_a_card_that_only_our_partners_honour_is_taken_back_and_never_sold_again(
    world: World, door: Door
) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(redeemable_here=True, partner_id=partner_id)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    await world.revoke(order)
    event = (await world.events("card", order.order_id))[-1]
    assert (event["type"], event.get("restocked")) == ("card.revoked", None)
    assert await world.stock(order.parts[0][1]) == (0, 0, 1)
    refused = await door.post("/v1/partner/redemptions", {"code": code}, who=partner(partner_id), expect=409)
    assert refused["code"] == "redemption.revoked"
    await world.assert_counters_equal_rows()


async def test_of_three_units_the_unseen_ones_are_sold_again(world: World, door: Door) -> None:
    order, (seen, _, _) = await world.issued(cards=3, quantity=3, redeemable_here=True)
    await door.reveal(seen, buyer(order.member_id))
    await world.revoke(order)
    event = (await world.events("card", order.order_id))[-1]
    assert event["restocked"] == {"currency": "CNY", "cost_minor": 1_400}
    assert await world.stock(order.parts[0][1]) == (2, 0, 1)
    await world.assert_counters_equal_rows()


async def test_what_was_redeemed_is_not_taken_back(world: World, door: Door) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(redeemable_here=True, partner_id=partner_id)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    await door.post("/v1/partner/redemptions", {"code": code}, who=partner(partner_id))
    await world.revoke(order)
    event = (await world.events("card", order.order_id))[-1]
    assert (event["type"], event["reason"]) == ("card.revoke_refused", "redeemed")


async def test_what_was_never_issued_never_will_be(world: World) -> None:
    sku_id = await world.sku(cards=1)
    order = order_of((sku_id, 1))
    await world.hold(order)
    await world.revoke(order)
    assert await world.stock(sku_id) == (1, 0, 0)
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["entitlement_ids"], event.get("restocked")) == ("card.revoked", [], None)
    await world.reserve(order)
    assert await world.kinds(order) == ["card.revoked"]
    await world.assert_counters_equal_rows()


async def test_what_could_not_be_had_is_taken_back_without_more(world: World) -> None:
    order = order_of((await world.sku(), 1))
    await world.reserve(order)
    await world.revoke(order)
    assert await world.kinds(order) == ["card.rejected", "card.revoked"]


async def test_asked_again_the_answer_is_the_same(world: World) -> None:
    """Also when the card has found its next buyer meanwhile."""
    order, units = await world.issued()
    sku_id = order.parts[0][1]
    refund_id = await world.revoke(order)
    await world.reserve(order_of((sku_id, 1)))
    await world.revoke(order, refund_id=refund_id)
    first, second = (await world.events("card", order.order_id))[-2:]
    assert first == second
    assert await world.stock(sku_id) == (0, 0, 1)
    assert len(units) == 1


@pytest.mark.parametrize("reveal_first", [True, False])
async def test_the_parts_of_a_bundle_are_judged_apart(world: World, door: Door, *, reveal_first: bool) -> None:
    video, music = await world.sku(cards=1), await world.sku(cards=1)
    order = order_of((video, 1), (music, 1))
    await world.reserve(order)
    (unit, _) = await world.units(order)
    if reveal_first:
        await door.reveal(unit, buyer(order.member_id))
    await _request_refund(world, order)
    expected = ["card.revoke_refused", "card.revoked"] if reveal_first else ["card.revoked", "card.revoked"]
    assert sorted((await world.kinds(order))[-2:]) == expected


async def _request_refund(world: World, order: Order) -> None:
    event = OrderRefundRequestedV1(
        order_id=order.order_id,
        member_id=order.member_id,
        refund_id=new_id(),
        reason=RefundReason.BUYER,
        currency="CNY",
        components=tuple(
            RefundComponent(component_id=component_id, sku_id=sku_id, amount_minor=PRICE_MINOR)
            for component_id, sku_id, _ in order.parts
        ),
    )
    async with world.database.begin() as uow:
        await on_refund_requested(uow, [wrap(event, event_id=new_id(), source="/order", time=utc_now())])
