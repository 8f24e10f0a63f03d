"""Money that does not become its order's payment: said when it comes, given back whole, said when it is back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from sandbox.payment.provider import Provider
from services.order.usecases.refunds import record_money_sent
from shared.clock import utc_now
from shared.contracts import OrderPaidV1, OrderRefundedV1, OrderSurplusPaidV1, OrderSurplusRefundedV1
from shared.contracts.order import SurplusReason
from tests.order.shop import Shop
from tests.order.test_payments import anomalies, begun, jobs, refunds

Json = dict[str, Any]


def takes(provider: Provider, link: str, **other: Any) -> None:
    """The provider takes the money of a link, or other money than the link says."""
    said = provider.read_link(dict(httpx.URL(link).params))
    provider.pay({**said, **{name: str(value) for name, value in other.items()}})


async def twice_paid(shop: Shop, provider: Provider) -> tuple[str, str]:
    """An order that was paid through two payments, and the second one's link."""
    order_id, first = await begun(shop)
    second = (await shop.begins_payment(order_id, member=None)).json()["pay_url"]
    for link in (first, second):
        takes(provider, link)
        assert (await shop.notify(shop.receipt(link, fee_minor=6))).status_code == 200
    return order_id, second


async def payment_rows(shop: Shop) -> list[tuple[str, str | None, int]]:
    async with shop.database.read() as uow:
        rows = await uow.raw.fetch("SELECT status, outcome, amount_minor FROM payments ORDER BY payment_id")
    return [tuple(row) for row in rows]


async def test_a_second_payment_of_a_paid_order_is_told_and_goes_back(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    order_id, second = await twice_paid(shop, provider)
    assert (await shop.notify(shop.receipt(second, fee_minor=6))).text == "success"
    (paid,) = await shop.announced(OrderPaidV1)
    (surplus,) = await shop.announced(OrderSurplusPaidV1)
    assert surplus.payment_id != paid.payment_id
    assert (surplus.order_id, surplus.reason, surplus.provider) == (UUID(order_id), "paid_twice", "sandbox")
    assert (surplus.paid_minor, surplus.fee_minor, surplus.currency) == (1000, 6, "CNY")
    assert await shop.announced(OrderSurplusRefundedV1) == [], "the provider has not sent it yet"
    for minutes in (0, 10):
        await jobs(shop, provider_http, later=timedelta(minutes=minutes)).send_refunds()
    (given_back,) = await refunds(shop, order_id)
    assert (given_back["reason"], given_back["status"], given_back["amount_minor"]) == ("paid_twice", "refunded", 1000)
    (back,) = await shop.announced(OrderSurplusRefundedV1)
    assert (back.refund_id, back.payment_id) == (given_back["refund_id"], surplus.payment_id)
    assert (back.amount_minor, back.provider) == (1000, "sandbox")
    assert await shop.announced(OrderRefundedV1) == []
    assert (await shop.order(order_id, member=None))["status"] == "paid"


async def test_a_refund_whose_answer_was_lost_is_asked_about_and_told_once(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    """Sent twice as far as we can tell: the provider is asked, and its word, heard again and again, is one event."""
    order_id, _ = await twice_paid(shop, provider)

    async def loses_answers(request: httpx.Request) -> httpx.Response:
        await provider_http.send(provider_http.build_request(request.method, request.url, content=request.content))
        raise httpx.ReadTimeout("the answer was lost")

    async with httpx.AsyncClient(transport=httpx.MockTransport(loses_answers)) as http:
        await jobs(shop, http).send_refunds()
    assert await shop.announced(OrderSurplusRefundedV1) == []
    await jobs(shop, provider_http, later=timedelta(minutes=5)).send_refunds()
    (given_back,) = await refunds(shop, order_id)
    refund_id = given_back["refund_id"]
    for _ in range(2):
        async with shop.database.begin() as uow:
            sent, by = {refund_id: UUID(order_id)}, {refund_id: "sandbox"}
            await record_money_sent(uow, sent, provider_of=by, now=utc_now())
    assert len(await shop.announced(OrderSurplusRefundedV1)) == 1


async def test_what_the_provider_will_not_give_back_waits_for_a_person(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    order_id, _ = await twice_paid(shop, provider)
    provider.set_faults({"refund_fails": True})
    await jobs(shop, provider_http).send_refunds()
    (waiting,) = await refunds(shop, order_id)
    assert (waiting["status"], await shop.announced(OrderSurplusRefundedV1)) == ("review", [])
    provider.clear_faults()
    path = f"/v1/ops/orders/{order_id}/refunds/{waiting['refund_id']}/attempts"
    assert (await shop.http.post(path, json={}, headers=shop.operator_headers())).status_code == 202
    await jobs(shop, provider_http).send_refunds()
    assert len(await shop.announced(OrderSurplusRefundedV1)) == 1


@pytest.mark.parametrize("came", [{"amount_minor": 999}, {"amount_minor": 1700}, {"currency": "USD"}])
async def test_another_amount_than_agreed_goes_back_once_the_provider_stands_by_it(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient, came: Json
) -> None:
    order_id, link = await begun(shop)
    takes(provider, link, **came)
    message = shop.receipt(link, **came)
    assert (await shop.notify(message)).status_code == 400
    assert await shop.announced(OrderSurplusPaidV1) == [], "its own report may be a slip"
    assert len(await anomalies(shop)) == 1
    await jobs(shop, provider_http).query_payments()  # at once: the report has made us doubt
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    (surplus,) = await shop.announced(OrderSurplusPaidV1)
    assert surplus.reason is SurplusReason.NOT_AS_AGREED
    assert (surplus.paid_minor, surplus.currency) == (came.get("amount_minor", 1000), came.get("currency", "CNY"))
    assert (await shop.order(order_id, member=None))["status"] == "pending_payment"
    assert (await shop.notify(message)).text == "success", "told again, it is known"
    await jobs(shop, provider_http).send_refunds()
    (back,) = await shop.announced(OrderSurplusRefundedV1)
    assert (back.amount_minor, back.currency) == (surplus.paid_minor, surplus.currency)
    right = (await shop.begins_payment(order_id, member=None)).json()["pay_url"]
    await shop.notify(shop.receipt(right))
    assert (await shop.order(order_id, member=None))["status"] == "paid"
    assert len(await shop.announced(OrderSurplusPaidV1)) == 1


async def test_other_money_is_found_by_asking_and_also_when_nobody_asked_any_more(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    _, link = await begun(shop)
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    assert await payment_rows(shop) == [("closed", None, 1000)]
    wrong = shop.receipt(link, amount_minor=999)
    assert (await shop.notify(wrong)).status_code == 400
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    async with shop.database.read() as uow:
        assert await uow.raw.fetchval("SELECT count(*) FROM payments WHERE next_query_at IS NOT NULL") == 0
    assert await payment_rows(shop) == [("closed", None, 1000)], "nothing came"
    takes(provider, link, amount_minor=999)
    assert (await shop.notify(wrong)).status_code == 400
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    assert await payment_rows(shop) == [("paid", "not_as_agreed_refunded", 999)]
    assert len(await shop.announced(OrderSurplusPaidV1)) == 1


async def test_a_report_that_contradicts_what_is_booked_changes_nothing(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    order_id, link = await begun(shop)
    takes(provider, link)
    await shop.notify(shop.receipt(link))
    assert (await shop.notify(shop.receipt(link, amount_minor=999))).status_code == 400
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    assert await payment_rows(shop) == [("paid", "paid", 1000)]
    assert await shop.announced(OrderSurplusPaidV1) == []
    assert await refunds(shop, order_id) == []
