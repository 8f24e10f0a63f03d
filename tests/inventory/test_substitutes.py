"""What cannot be had is delivered as something of its worth, if shop and buyer allow it: once, and taken back as what it was."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.inventory.domain.catalogue import ComponentSpec, SkuKind
from services.inventory.domain.codes import CodePattern
from services.inventory.domain.goods import Goods
from services.inventory.domain.substitutes import SubstituteRefusedError
from services.inventory.domain.supply import SupplierOffer
from services.inventory.usecases import issuing, substituting, suppliers
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.supply import COST_MINOR, Supply, running_supply
from tests.inventory.world import Order, World, at_once, order_of

MADE = Goods(code=CodePattern(), cost_minor=120)


@pytest.fixture
async def supply(world: World, tmp_path: Path) -> AsyncIterator[Supply]:
    async with running_supply(world, tmp_path) as supply:
        yield supply


async def name(world: World, sku_id: UUID, *substitutes: UUID, other_partners: bool = False) -> None:
    async with world.database.begin() as uow:
        await substituting.name_substitutes(
            uow, sku_id, substitutes, other_partners=other_partners, operator="operator:1"
        )


async def reserve(world: World, order: Order, *, accept: bool = True, kind: SkuKind = SkuKind.CARD_KEY) -> None:
    wanted = [replace(entry, accept_substitutes=accept) for entry in order.reservations(kind)]
    async with world.database.begin() as uow:
        await issuing.reserve(uow, wanted, sealer=world.sealer, now=utc_now())


async def said(world: World, order: Order) -> list[dict[str, Any]]:
    return await world.events("card", order.order_id)


async def test_the_first_that_can_be_had_is_delivered_instead(world: World, door: Door) -> None:
    ordered, empty, stocked = await world.sku(cards=1), await world.sku(), await world.sku(cards=2)
    await name(world, ordered, empty, stocked)
    first, second = order_of((ordered, 1)), order_of((ordered, 1), (stocked, 1))
    await reserve(world, first)
    await reserve(world, second)
    assert [event.get("delivered_sku_id") for event in await said(world, first)] == [None]
    by_component = {event["component_id"]: event for event in await said(world, second)}
    instead = by_component[str(second.component_id)]
    assert (instead["type"], instead["sku_id"]) == ("card.issued", str(ordered))
    assert (instead["delivered_sku_id"], instead["delivered_name"]) == (str(stocked), "一个月")
    assert "delivered_sku_id" not in by_component[str(second.parts[1][0])]
    assert await world.stock(stocked) == (0, 0, 2)
    assert await world.stock(ordered) == (0, 0, 1)
    await reserve(world, second)
    again = (await said(world, second))[2:]
    assert {event.get("delivered_sku_id") for event in again} == {str(stocked), None}, "said again as it was"
    owned = (await door.get("/v1/wallet/entitlements", who=buyer(second.member_id)))["items"]
    assert {unit["sku_id"] for unit in owned} == {str(stocked)}
    await world.revoke(second)
    assert await world.stock(stocked) == (2, 0, 0), "what comes back is what was delivered"
    await world.assert_counters_equal_rows()


async def test_neither_without_the_buyers_leave_nor_for_what_the_buyer_left_out(world: World) -> None:
    ordered, stocked = await world.sku(), await world.sku(cards=3)
    await name(world, ordered, stocked)
    order = order_of((ordered, 1))
    await reserve(world, order, accept=False)
    (event,) = await said(world, order)
    assert (event["type"], event["reason"]) == ("card.rejected", "out_of_stock")
    assert await world.stock(stocked) == (3, 0, 0)


async def test_one_that_nothing_stands_in_for_does_not_block_the_others(world: World) -> None:
    ordered, alone, stocked = await world.sku(), await world.sku(), await world.sku(cards=1)
    await name(world, ordered, stocked)
    order = order_of((ordered, 1), (alone, 1))
    await reserve(world, order)
    assert sorted(await world.kinds(order)) == ["card.issued", "card.rejected"]
    await world.assert_counters_equal_rows()


async def test_the_last_one_stands_in_once_however_many_want_it(world: World) -> None:
    ordered, stocked = await world.sku(), await world.sku(cards=3)
    await name(world, ordered, stocked)
    orders = [order_of((ordered, 1)) for _ in range(12)]
    await at_once(world, [partial(reserve, world, order) for order in orders])
    kinds = [kind for order in orders for kind in await world.kinds(order)]
    assert (kinds.count("card.issued"), kinds.count("card.rejected")) == (3, 9)
    assert await world.stock(stocked) == (0, 0, 3)
    await world.assert_counters_equal_rows()


async def test_what_a_supplier_fails_to_deliver_is_made_here(world: World, supply: Supply) -> None:
    made = await world.sku(kind=SkuKind.GENERATED_KEY, goods=MADE, stock_cap=1)
    other = await world.sku(kind=SkuKind.DIRECT_TOP_UP, stock_cap=5)
    async with world.database.begin() as uow:
        offers = [SupplierOffer(sku_id, "TOPUP-10", COST_MINOR) for sku_id in (supply.sku_id, other)]
        await suppliers.map_skus(uow, supply.supplier_id, offers)
    await name(world, supply.sku_id, other, made)
    await supply.faults({"kind": "fails"})
    first, second = await supply.buy(), await supply.buy()
    await supply.settle()
    outcomes = sorted(await world.kinds(first) + await world.kinds(second))
    assert outcomes == ["card.issued", "card.rejected"], "one is made, of which there is one; nothing is ordered again"
    (issued,) = [event for order in (first, second) for event in await said(world, order) if "cost_minor" in event]
    assert (issued["sku_id"], issued["delivered_sku_id"]) == (str(supply.sku_id), str(made))
    assert (issued["cost_minor"], issued.get("supplier_id")) == (120, None)
    assert await world.stock(supply.sku_id) == (1_000, 0, 0)
    assert await world.stock(made) == (0, 0, 1)
    (delivered,) = await world.fetch(
        "SELECT sku_id, ordered_sku_id, supplier_id FROM deliveries WHERE state = 'issued'"
    )
    assert delivered == {"sku_id": made, "ordered_sku_id": supply.sku_id, "supplier_id": None}


async def test_what_stands_in_and_fails_is_not_stood_in_for(world: World, supply: Supply) -> None:
    made = await world.sku(kind=SkuKind.GENERATED_KEY, goods=MADE)
    ordered = await world.sku(kind=SkuKind.DIRECT_TOP_UP, stock_cap=5)
    await name(world, supply.sku_id, made)
    await name(world, ordered, supply.sku_id)
    await supply.faults({"kind": "fails"})
    order = order_of((ordered, 1))
    assert await world.hold(order, account="13800001111") == [None]
    await reserve(world, order, kind=SkuKind.DIRECT_TOP_UP)
    (waiting,) = await world.fetch("SELECT state, sku_id, ordered_sku_id FROM deliveries")
    assert waiting == {"state": "awaiting_supplier", "sku_id": supply.sku_id, "ordered_sku_id": ordered}
    await supply.settle()
    (event,) = await said(world, order)
    assert (event["type"], event["sku_id"]) == ("card.rejected", str(ordered))
    assert [await world.stock(sku_id) for sku_id in (ordered, supply.sku_id)] == [(5, 0, 0), (1_000, 0, 0)]
    assert await world.value("SELECT count(*) FROM entitlements") == 0


async def test_what_stands_in_is_worth_it_of_the_brand_and_leads_nowhere_back(world: World, door: Door) -> None:
    partner_id = new_id()
    ordered, other, foreign = [await world.sku(cards=1, partner_id=each) for each in (partner_id, partner_id, new_id())]
    top_up = await world.sku(kind=SkuKind.DIRECT_TOP_UP, partner_id=partner_id)
    bundle = await world.sku(
        kind=SkuKind.BUNDLE,
        partner_id=partner_id,
        components=[ComponentSpec(ordered, 1, 1), ComponentSpec(other, 1, 1)],
    )
    path = f"/v1/ops/skus/{ordered}/substitutes"
    for wrong in ([ordered], [other, other], [foreign], [top_up], [bundle]):
        answer = await door.call("PUT", path, json={"sku_ids": [str(each) for each in wrong]})
        assert (answer.status_code, answer.json()["code"]) == (422, "substitute.refused"), wrong
    missing = await door.call("PUT", path, json={"sku_ids": [str(new_id())]})
    assert (missing.status_code, missing.json()["code"]) == (404, "sku.unknown")
    await world.fetch("UPDATE skus SET price_minor = price_minor - 1 WHERE sku_id = $1", other)
    cheap = await door.call("PUT", path, json={"sku_ids": [str(other)]})
    assert cheap.status_code == 422
    await world.fetch("UPDATE skus SET price_minor = price_minor + 1 WHERE sku_id = $1", other)
    named = await door.call("PUT", path, json={"sku_ids": [str(other), str(foreign)], "other_partners": True})
    assert named.json()["substitutes"] == [str(other), str(foreign)]
    for back in (other, foreign):
        with pytest.raises(SubstituteRefusedError):
            await name(world, back, ordered, other_partners=True)
    assert (await door.call("PUT", path, json={"sku_ids": []})).json()["substitutes"] == []
    await name(world, other, ordered)


async def test_two_named_at_once_lead_in_no_circle(world: World) -> None:
    skus = [await world.sku() for _ in range(6)]

    async def point(place: int) -> bool:
        try:
            await name(world, skus[place], skus[(place + 1) % len(skus)])
        except SubstituteRefusedError:
            return False
        return True

    named = await at_once(world, [partial(point, place) for place in range(len(skus))])
    assert named.count(False) == 1


async def test_what_became_cheaper_stands_in_no_more(world: World) -> None:
    ordered, stocked = await world.sku(), await world.sku(cards=1)
    await name(world, ordered, stocked)
    await world.fetch("UPDATE skus SET price_minor = price_minor - 1 WHERE sku_id = $1", stocked)
    order = order_of((ordered, 1))
    await reserve(world, order)
    assert await world.kinds(order) == ["card.rejected"]
