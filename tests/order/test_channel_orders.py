"""Resellers order by API: once per number of theirs, paid at once or not at all, whatever is lost on the way."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import BaseModel

from services.order.schemas.channels import ChannelGoodsOut, ChannelOrderIn, ChannelOrderOut, TermsIn
from services.order.schemas.webhooks import WebhookIn, WebhookMessageOut
from shared.clock import utc_now
from shared.contracts import InventoryReserveV1, OrderCancelledV1, OrderCreatedV1, OrderPaidV1, OrderRefundedV1
from shared.http import Identity, Role
from tests.order import facts
from tests.order.reseller import Reseller, open_reseller
from tests.order.shop import Shop, bundle, offer

TOGETHER = 24


async def rows(shop: Shop, table: str) -> int:
    async with shop.database.read() as uow:
        return int(await uow.raw.fetchval(f"SELECT count(*) FROM {table}"))  # named in this file


async def test_an_order_is_paid_from_the_account_and_goes_the_ordinary_way(shop: Shop) -> None:
    reseller = await open_reseller(shop, price_bp=9_000)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    placed = await reseller.orders("X-1", (sold, 2))
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert (order["status"], order["total_minor"], order["external_id"]) == ("paid", 1_800, "X-1")
    assert shop.settlement.balance_minor == 1_000_000 - 1_800
    (created,) = await shop.announced(OrderCreatedV1)
    assert (created.channel, created.channel_id, created.member_id) == ("reseller", reseller.channel_id, None)
    (paid,) = await shop.announced(OrderPaidV1)
    assert (paid.provider, paid.paid_minor, paid.fee_minor, paid.held) == ("account", 1_800, 0, False)
    assert len(await shop.announced(InventoryReserveV1)) == 1
    assert shop.risk.asked == []


async def test_the_same_number_again_is_the_same_order_and_other_content_is_refused(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer()
    await shop.sells(sold)
    first = (await reseller.orders("X-1", (sold, 1))).json()
    again = await reseller.orders("X-1", (sold, 1))
    assert (again.status_code, again.json()["order_id"]) == (201, first["order_id"])
    async with shop.database.begin() as uow:
        await uow.raw.execute("DELETE FROM checkouts")  # as after two days
    much_later = await reseller.orders("X-1", (sold, 1))
    assert much_later.json()["order_id"] == first["order_id"]
    for _ in range(2):
        other = await reseller.orders("X-1", (sold, 2))
        assert (other.status_code, other.json()["code"]) == (422, "external_id.reused")
    assert await rows(shop, "orders") == 1
    assert len(shop.settlement.purchases) == 1


async def test_many_at_once_with_one_number_are_one_order_one_hold_and_one_payment(shop: Shop, replica: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer()
    await shop.sells(sold)
    await replica.desk.catalogue.refresh()
    twin = Reseller(replica, reseller.channel_id)
    await asyncio.gather(*(each.get("products") for each in (reseller, twin) for _ in range(4)))
    shop.inventory.delay_s = 0.05
    answers = await asyncio.gather(
        *((reseller if place % 2 else twin).orders("X-1", (sold, 1)) for place in range(TOGETHER))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 1
    assert (await rows(shop, "orders"), await rows(shop, "payments")) == (1, 1)
    assert len(shop.inventory.holds) == 1
    assert shop.settlement.balance_minor == 1_000_000 - 1_000


async def test_too_little_money_changes_nothing_and_the_number_stays_free(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    shop.settlement.balance_minor = 999
    refused = await reseller.orders("X-1", (sold, 1))
    assert (refused.status_code, refused.json()["code"]) == (402, "account.insufficient")
    assert refused.json()["available_minor"] == 999
    assert (await rows(shop, "orders"), await shop.announced(), shop.inventory.holds) == (0, [], {})
    shop.settlement.balance_minor = 1_000
    assert (await reseller.orders("X-1", (sold, 1))).json()["status"] == "paid"


@pytest.mark.parametrize("code", ["account.insufficient", "account.daily_limit"])
async def test_an_account_that_will_not_pay_after_all_ends_the_order_at_once(shop: Shop, code: str) -> None:
    shop.settlement.refuses_by = code
    reseller = await open_reseller(shop)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    shop.settlement.balance_minor, shop.settlement.shown_minor = 10, 1_000_000
    refused = await reseller.orders("X-1", (sold, 1))
    assert (refused.status_code, refused.json()["code"]) == (402, code)
    (cancelled,) = await shop.announced(OrderCancelledV1)
    assert cancelled.reason == "account_refused"
    assert (await reseller.get("orders/X-1")).status_code == 404
    shop.settlement.balance_minor = 1_000_000
    assert (await reseller.orders("X-1", (sold, 1))).json()["status"] == "paid"
    assert await shop.announced(OrderPaidV1, key=cancelled.order_id) == []


async def test_a_payment_whose_answer_is_lost_is_found_by_the_job_or_by_asking_again(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    shop.settlement.deaf = True
    for number in ("X-1", "X-2"):
        assert (await reseller.orders(number, (sold, 1))).status_code == 503
        assert (await reseller.order(number))["status"] == "pending_payment"
    shop.settlement.deaf = False
    assert (await reseller.orders("X-2", (sold, 1))).json()["status"] == "paid"
    await reseller.jobs().query_payments()
    assert (await reseller.order("X-1"))["status"] == "paid"
    assert shop.settlement.balance_minor == 1_000_000 - 2_000
    assert len(await shop.announced(OrderPaidV1)) == 2


async def test_money_found_after_the_order_was_cancelled_goes_back(shop: Shop) -> None:
    """The channel was told `cancelled` and may have bought elsewhere: the order is not taken up again."""
    reseller = await open_reseller(shop)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    shop.settlement.deaf = True
    assert (await reseller.orders("X-1", (sold, 1))).status_code == 503
    shop.settlement.deaf = False
    late = utc_now() + timedelta(minutes=16)
    await reseller.jobs(at=late).cancel_unpaid()
    assert (await reseller.order("X-1"))["status"] == "cancelled"
    await reseller.jobs(at=late).query_payments()
    order = await reseller.order("X-1")
    assert (order["status"], await shop.announced(InventoryReserveV1)) == ("refunding", [])
    await _take_back(shop, reseller, order)
    assert shop.settlement.balance_minor == 1_000_000


async def test_a_cancelled_order_is_paid_back_to_the_account_once(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = bundle(2, 1, price_minor=900)
    await shop.sells(sold)
    await reseller.orders("X-1", (sold, 1))
    asked = await reseller.cancels("X-1")
    assert (asked.status_code, asked.json()["amount_minor"]) == (202, 900)
    shop.settlement.deaf = True  # done, but not answered: it is asked about, not done twice
    await _take_back(shop, reseller, await reseller.order("X-1"))
    shop.settlement.deaf = False
    await reseller.jobs(at=utc_now() + timedelta(minutes=5)).send_refunds()
    assert (await reseller.order("X-1"))["status"] == "refunded"
    assert (shop.settlement.balance_minor, len(shop.settlement.refunds)) == (1_000_000, 1)
    (refunded,) = await shop.announced(OrderRefundedV1)
    assert (refunded.provider, refunded.amount_minor) == ("account", 900)
    again = await reseller.cancels("X-1")
    assert (again.status_code, again.json()["code"]) == (409, "refund.nothing_left")


async def test_codes_are_shown_on_demand_to_the_channel_alone(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = bundle(1, 1)
    await shop.sells(sold)
    order = (await reseller.orders("X-1", (sold, 1))).json()
    assert (await reseller.get("orders/X-1?reveal=true")).json()["lines"][0]["components"][0]["codes"] == []
    assert shop.inventory.looks == []
    first, second = facts.components(order)
    await shop.hear(facts.issued(order, first))
    await shop.hear(facts.rejected(order, second))
    masked = facts.components(await reseller.order("X-1"))
    assert [part.get("codes") for part in masked] == [None, None]
    assert (masked[0]["masked"], masked[1]["reason"]) == (["****1234"], "out_of_stock")
    shown = await reseller.get("orders/X-1?reveal=true")
    assert shown.headers["cache-control"] == "no-store"
    parts = facts.components(shown.json())
    assert [len(part["codes"]) for part in parts] == [1, 0]
    (look,) = shop.inventory.looks
    assert look["channel_id"] == str(reseller.channel_id)
    assert (look["order_id"], look["ip"]) == (order["order_id"], "203.0.113.9")

    buyer = Identity(Role.BUYER, str(reseller.channel_id), "203.0.113.9")
    for path in ("orders/X-1?reveal=true", "products"):
        refused = await shop.http.get(f"/v1/channel/{path}", headers=shop.signed(buyer))
        assert refused.status_code == 403
    other = await open_reseller(shop)
    assert (await other.get("orders/X-1?reveal=true")).status_code == 404
    assert (await other.cancels("X-1")).status_code == 404
    assert len(shop.inventory.looks) == 1


async def test_buyers_cannot_pay_by_an_account(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order_id = (await shop.orders((sold, 1))).json()["order_id"]
    headers = shop.headers(None, order_id=UUID(order_id))
    answer = await shop.http.post(f"/v1/orders/{order_id}/payments", json={"provider": "account"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "payment.provider_unknown")
    told = await shop.http.post("/v1/payments/account/notify", content=b"{}", headers=headers)
    assert told.status_code == 404
    assert await rows(shop, "payments") == 0


async def test_orders_are_found_by_their_channel(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer()
    await shop.sells(sold)
    await shop.orders((sold, 1), channel="reseller")
    order = (await reseller.orders("X-1", (sold, 1))).json()
    path = f"/v1/ops/orders?channel_id={reseller.channel_id}"
    found = (await shop.http.get(path, headers=shop.operator_headers())).json()["items"]
    assert [(each["order_id"], each["channel"]) for each in found] == [(order["order_id"], "reseller")]


async def _take_back(shop: Shop, reseller: Reseller, order: facts.Json) -> None:
    """Goods and shares come back, and the money is sent."""
    refund_id = order["refunds"][0]["refund_id"]
    for part in facts.components(order):
        await shop.hear(facts.revoked(order, part, refund_id), facts.reversed_(order, part, refund_id))
    await reseller.jobs().send_refunds()


@pytest.mark.parametrize(
    "model", [ChannelOrderIn, ChannelOrderOut, ChannelGoodsOut, TermsIn, WebhookIn, WebhookMessageOut]
)
def test_the_published_examples_are_what_the_models_take(model: type[BaseModel]) -> None:
    for example in model.model_json_schema()["examples"]:
        model.model_validate(example)
