"""From a hold to an issued card."""

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.stock import StockInsufficientError
from shared.clock import new_id
from tests.inventory.world import World, order_of


async def test_a_held_order_gets_its_cards(world: World) -> None:
    sku_id = await world.sku(cards=5)
    order = order_of((sku_id, 2))
    assert await world.hold(order) == [None]
    assert await world.stock(sku_id) == (5, 2, 0)

    await world.reserve(order)

    assert await world.stock(sku_id) == (3, 0, 2)
    assert await world.state(order.component_id) == "issued"
    (event,) = await world.events("card", order.order_id)
    units = await world.units(order)
    assert event["type"] == "card.issued"
    assert event["entitlement_ids"] == [str(unit) for unit in units]
    assert event["cost_minor"] == 1_400
    await world.assert_counters_equal_rows()


async def test_the_oldest_cards_go_first(world: World) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, ["OLDEST-CARD-0001", "NEXT-CARD-00002"])
    await world.import_codes(sku_id, ["LATER-CARD-00003"])
    first, second = order_of((sku_id, 1)), order_of((sku_id, 2))
    await world.reserve(first, second)
    masked = [event["masked"] for event in await world.events("card")]
    assert masked == [["****0001"], ["****0002", "****0003"]]


async def test_an_order_is_held_whole_or_not_at_all(world: World) -> None:
    plenty, scarce = await world.sku(cards=5), await world.sku(cards=1)
    order = order_of((plenty, 1), (scarce, 2))
    (decision,) = await world.hold(order)
    assert isinstance(decision, StockInsufficientError)
    assert decision.extra == {"sku_id": str(scarce), "available": 1}
    assert await world.stock(plenty) == (5, 0, 0)


async def test_a_repeated_hold_changes_nothing(world: World) -> None:
    sku_id = await world.sku(cards=2)
    order = order_of((sku_id, 2))
    assert await world.hold(order) == [None]
    assert await world.hold(order, order) == [None, None]
    assert await world.stock(sku_id) == (2, 2, 0)


async def test_those_who_come_first_are_served_first(world: World) -> None:
    sku_id = await world.sku(cards=3)
    early, too_much, late = order_of((sku_id, 2)), order_of((sku_id, 2)), order_of((sku_id, 1))
    decisions = await world.hold(early, too_much, late)
    assert [decision is None for decision in decisions] == [True, False, True]


async def test_a_payment_without_a_hold_is_served_while_stock_is_free(world: World) -> None:
    sku_id = await world.sku(cards=2)
    holder, late, later = order_of((sku_id, 1)), order_of((sku_id, 1)), order_of((sku_id, 1))
    await world.hold(holder)
    await world.reserve(late, later)
    assert await world.state(late.component_id) == "issued"
    assert await world.state(later.component_id) == "rejected"
    await world.reserve(holder)
    assert await world.state(holder.component_id) == "issued"
    await world.assert_counters_equal_rows()


async def test_what_cannot_be_had_is_rejected_with_its_reason(world: World) -> None:
    sku_id = await world.sku(cards=1)
    unknown, too_much = order_of((new_id(), 1)), order_of((sku_id, 2))
    await world.reserve(unknown, too_much)
    assert [event["reason"] for event in await world.events("card")] == ["sku_unknown", "out_of_stock"]
    assert await world.stock(sku_id) == (1, 0, 0)
    await world.assert_counters_equal_rows()


async def test_a_repeated_command_issues_nothing_and_repeats_the_answer(world: World) -> None:
    sku_id = await world.sku(cards=3)
    order, refused = order_of((sku_id, 1)), order_of((sku_id, 9))
    await world.reserve(order, refused)
    await world.reserve(order, refused)
    (first, second) = await world.events("card", order.order_id)
    assert first["entitlement_ids"] == second["entitlement_ids"]
    assert await world.kinds(refused) == ["card.rejected", "card.rejected"]
    assert await world.stock(sku_id) == (2, 0, 1)


async def test_cards_past_their_time_are_not_issued(world: World) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, [{"code": "ABCDEFGH", "expires_at": "2099-01-01"}])
    await world.fetch("UPDATE shelf SET expires_at = now() - interval '1 second'")
    order = order_of((sku_id, 1))
    await world.hold(order)
    await world.reserve(order)
    assert await world.state(order.component_id) == "rejected"
    assert await world.stock(sku_id) == (1, 0, 0)


async def test_a_bundle_is_issued_part_by_part(world: World) -> None:
    there, gone = await world.sku(cards=1), await world.sku(kind=SkuKind.CARD_KEY)
    order = order_of((there, 1), (gone, 1))
    await world.reserve(order)
    assert sorted(await world.kinds(order)) == ["card.issued", "card.rejected"]
