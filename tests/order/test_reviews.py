"""Held orders: a word lets them go or back, and without one their time ends."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.order.jobs import Jobs
from shared.clock import utc_now
from shared.contracts import InventoryReserveV1, OrderRefundRequestedV1
from shared.contracts.order import RefundReason
from tests.order.facts import components, released, statuses
from tests.order.shop import Shop, bundle, offer

Json = dict[str, Any]

REVIEW_WITHIN = timedelta(hours=24)


def jobs(shop: Shop, *, later: timedelta = timedelta(0)) -> Jobs:
    """The jobs of the service at a later moment."""
    return Jobs(shop.database, shop.desk.providers, shop.desk.risk, REVIEW_WITHIN, lambda: utc_now() + later)


async def held_order(shop: Shop) -> Json:
    """A paid order of two components that risk wants a person to look at."""
    sold = bundle(1, 1)
    await shop.sells(sold)
    shop.risk.decision = "review"
    order = await shop.paid_order((sold, 1))
    assert order["status"] == "held"
    return order


async def test_a_review_has_an_end(shop: Shop) -> None:
    order = await held_order(shop)
    await jobs(shop, later=REVIEW_WITHIN - timedelta(minutes=1)).expire_reviews()
    assert (await shop.order(order["order_id"], member=None))["status"] == "held"
    late = jobs(shop, later=REVIEW_WITHIN + timedelta(minutes=1))
    await late.expire_reviews()
    await late.expire_reviews()
    seen = await shop.order(order["order_id"], member=None)
    assert (seen["status"], statuses(seen)) == ("refunding", ["revoking"] * 2)
    assert [(refund["reason"], refund["amount_minor"]) for refund in seen["refunds"]] == [("review_expired", 1000)]
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    assert (asked.reason, asked.review_expired, len(asked.components)) == (RefundReason.NOT_FULFILLED, True, 2)
    path = f"/v1/ops/orders/{order['order_id']}"
    detail = (await shop.http.get(path, headers=shop.operator_headers())).json()
    assert ("order.refund_requested", "review_expired") in [
        (step["what"], step["detail"]) for step in detail["timeline"]
    ]


async def test_a_word_after_the_end_changes_nothing(shop: Shop) -> None:
    order = await held_order(shop)
    await jobs(shop, later=REVIEW_WITHIN * 2).expire_reviews()
    await shop.hear(released(order))
    assert (await shop.order(order["order_id"], member=None))["status"] == "refunding"
    assert await shop.announced(InventoryReserveV1) == []


async def test_what_is_on_its_way_back_is_not_given_back_twice(shop: Shop) -> None:
    order = await held_order(shop)
    body = {"lines": [{"line_id": order["lines"][0]["line_id"], "components": [components(order)[0]["component_id"]]}]}
    headers = shop.headers(None, order_id=UUID(order["order_id"]))
    answer = await shop.http.post(f"/v1/orders/{order['order_id']}/refunds", json=body, headers=headers)
    assert answer.status_code == 202
    await jobs(shop, later=REVIEW_WITHIN * 2).expire_reviews()
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1, "while a part goes back, the order is not held"


async def test_reviews_near_their_end_are_counted(shop: Shop) -> None:
    await held_order(shop)
    second = await held_order(shop)
    async with shop.database.read() as uow:
        earlier = utc_now() - timedelta(hours=19)
        await uow.raw.execute("UPDATE orders SET paid_at = $2 WHERE order_id = $1", UUID(second["order_id"]), earlier)
    figures = (await shop.http.get("/internal/figures", headers=shop.operator_headers())).json()
    assert (figures["orders_by_state"], figures["reviews_ending"]) == ({"held": 2}, 1)


async def test_a_word_and_the_end_at_once_are_one_of_them(shop: Shop, replica: Shop) -> None:
    """Exactly one wins. Seen failing without the row locks: orders were released for issue and refunded too."""
    orders = [await held_order(shop) for _ in range(24)]
    ending = asyncio.create_task(jobs(replica, later=REVIEW_WITHIN * 2).expire_reviews())
    await asyncio.gather(ending, *(shop.hear(released(order)) for order in orders))
    for order in orders:
        order_id = UUID(order["order_id"])
        let_go = await shop.announced(InventoryReserveV1, key=order_id)
        given_back = await shop.announced(OrderRefundRequestedV1, key=order_id)
        status = (await shop.order(order["order_id"], member=None))["status"]
        assert (len(let_go), len(given_back), status) in {(1, 0, "paid"), (0, 1, "refunding")}


async def test_an_order_that_nobody_holds_has_no_review_to_end(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    await jobs(shop, later=REVIEW_WITHIN * 2).expire_reviews()
    assert (await shop.order(order["order_id"], member=None))["status"] == "paid"
