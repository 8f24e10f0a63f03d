"""What other services ask order."""

from typing import Any

import httpx

from services.order.usecases.housekeeping import CANCEL_SLACK
from shared.clock import new_id
from shared.http import Identity, Role
from tests.order.shop import Shop, offer
from tests.order.test_payments import jobs

INVENTORY = Identity(Role.SERVICE, "inventory")


async def live(shop: Shop, *order_ids: Any) -> set[str]:
    body = {"order_ids": [str(order_id) for order_id in order_ids]}
    answer = await shop.http.post("/internal/live-orders", json=body, headers=shop.signed(INVENTORY))
    assert answer.status_code == 200, answer.text
    return set(answer.json()["order_ids"])


async def test_orders_live_until_they_are_cancelled(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    """Paid ones live on, whatever becomes of them: their goods go by an event. One that was never made does not live."""
    sold = offer()
    await shop.sells(sold)
    paid = (await shop.paid_order((sold, 1)))["order_id"]
    open_order = (await shop.orders((sold, 1))).json()["order_id"]
    assert await live(shop, paid, open_order, new_id()) == {paid, open_order}
    await jobs(shop, provider_http, later=shop.desk.pay_window + CANCEL_SLACK * 2).cancel_unpaid()
    assert await live(shop, paid, open_order) == {paid}


async def test_buyers_do_not_ask(shop: Shop) -> None:
    answer = await shop.http.post("/internal/live-orders", json={"order_ids": []}, headers=shop.headers(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
