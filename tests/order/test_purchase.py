"""One purchase as the order service lives it, its neighbours played by the test."""

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import new_id, utc_now
from shared.contracts import (
    CardIssuedV1,
    InventoryReserveV1,
    OrderCompletedV1,
    OrderCreatedV1,
    OrderFulfilledV1,
    OrderPaidV1,
    SettlementSplitV1,
)
from tests.order.shop import Shop, bundle, offer

Json = dict[str, Any]


def issued(order: Json, line: Json, component: Json) -> CardIssuedV1:
    return CardIssuedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(component["component_id"]),
        sku_id=UUID(component["sku_id"]),
        line_id=UUID(line["line_id"]),
        quantity=component["quantity"],
        entitlement_ids=(new_id(),),
        masked=("****1234",),
        currency="CNY",
        amount_minor=component["amount_minor"],
        cost_minor=1,
        issued_at=utc_now(),
    )


def split(order: Json, component: Json) -> SettlementSplitV1:
    return SettlementSplitV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(component["component_id"]),
        journal_id=new_id(),
        currency="CNY",
        legs=(),
    )


async def test_a_member_buys_a_bundle(shop: Shop) -> None:
    member = new_id()
    sold = bundle(1, 1, 1, price_minor=1000)
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    assert order["status"] == "paid"
    (line,) = order["lines"]
    assert [part["amount_minor"] for part in line["components"]] == [334, 333, 333]
    for part in line["components"]:
        await shop.hear(issued(order, line, part))
    order = await shop.order(order["order_id"], member=member)
    assert order["status"] == "fulfilled"
    await shop.hear(*[split(order, part) for part in line["components"]])
    order = await shop.order(order["order_id"], member=member)
    assert order["status"] == "completed"
    assert [part["status"] for part in order["lines"][0]["components"]] == ["settled"] * 3
    assert [type(event) for event in await shop.announced()] == [
        OrderCreatedV1,
        OrderPaidV1,
        InventoryReserveV1,
        OrderFulfilledV1,
        OrderCompletedV1,
    ]


async def test_a_guest_buys_with_the_token_of_the_order(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    placed = (await shop.orders((sold, 2))).json()
    assert placed["access_token"].startswith("g1.")
    assert datetime.fromisoformat(placed["pay_before"]) > utc_now()
    seen = await shop.order(placed["order_id"], member=None)
    assert seen["status"] == "pending_payment"
    assert seen["total_minor"] == 2000
