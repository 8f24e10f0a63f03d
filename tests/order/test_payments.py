"""Money comes in: as agreed, forged, wrong, late, twice, or never heard of."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from sandbox.payment.provider import Provider
from services.order.clients.providers import Providers
from services.order.clients.sandbox import SandboxProvider
from services.order.domain.payments import PaymentOutcome
from services.order.jobs import Jobs
from services.order.usecases.payments import LATE_GRACE, Reported, settle_reports
from shared.clock import new_id, utc_now
from shared.contracts import InventoryReserveV1, OrderCancelledV1, OrderPaidV1, OrderRefundRequestedV1
from shared.contracts.order import RefundReason
from tests.order.shop import Shop, offer

Json = dict[str, Any]
PROVIDER = "http://provider"


def jobs(shop: Shop, http: httpx.AsyncClient, *, later: timedelta = timedelta(0)) -> Jobs:
    """The jobs of the service at a later moment, with the sandbox behind them."""
    provider = SandboxProvider(
        return_url="http://shop.example/orders",
        base_url=PROVIDER,
        notify_url="http://127.0.0.1:1/notify",
        merchant_id="kaquan-sandbox",
        key=shop.provider_key,
        http=http,
        clock=utc_now,
    )
    return Jobs(
        shop.database, Providers({"sandbox": provider}), shop.desk.risk, timedelta(days=1), lambda: utc_now() + later
    )


async def begun(shop: Shop, *, price_minor: int = 1000) -> tuple[str, str]:
    """An order that is being paid, and its link."""
    sold = offer(price_minor=price_minor)
    await shop.sells(sold)
    order_id = (await shop.orders((sold, 1))).json()["order_id"]
    return order_id, (await shop.begins_payment(order_id, member=None)).json()["pay_url"]


async def anomalies(shop: Shop) -> list[tuple[str, int]]:
    async with shop.database.read() as uow:
        rows = await uow.raw.fetch("SELECT code, seen FROM payment_anomalies ORDER BY first_at")
    return [(row["code"], row["seen"]) for row in rows]


async def refunds(shop: Shop, order_id: str) -> list[Json]:
    async with shop.database.read() as uow:
        rows = await uow.raw.fetch("SELECT * FROM refunds WHERE order_id = $1 ORDER BY refund_id", UUID(order_id))
    return [dict(row) for row in rows]


async def test_a_payment_is_begun_once_per_key(shop: Shop) -> None:
    order_id, _ = await begun(shop)
    first = await shop.begins_payment(order_id, member=None, key="pay")
    again = await shop.begins_payment(order_id, member=None, key="pay")
    other = await shop.begins_payment(order_id, member=None)
    assert first.json()["payment_id"] == again.json()["payment_id"] != other.json()["payment_id"]
    for _ in range(7):
        assert (await shop.begins_payment(order_id, member=None)).status_code == 201
    refused = await shop.begins_payment(order_id, member=None)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment.too_many")


async def test_what_cannot_be_paid_is_refused(shop: Shop) -> None:
    order_id, link = await begun(shop)
    headers = shop.headers(None, order_id=UUID(order_id))
    unknown = await shop.http.post(f"/v1/orders/{order_id}/payments", json={"provider": "nobody"}, headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "payment.provider_unknown")
    await shop.notify(shop.receipt(link))
    paid = await shop.begins_payment(order_id, member=None)
    assert (paid.status_code, paid.json()["code"]) == (409, "order.not_payable")
    gift = offer(price_minor=0)
    await shop.sells(gift)
    free = (await shop.orders((gift, 1))).json()["order_id"]
    assert (await shop.begins_payment(free, member=None)).json()["code"] == "order.not_payable"


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"amount_minor": 999}, "payment.amount_mismatch"),
        ({"amount_minor": 1001}, "payment.amount_mismatch"),
        ({"amount_minor": "1000"}, "payment.unknown"),
        ({"amount_minor": 1000.0}, "payment.unknown"),
        ({"currency": "USD"}, "payment.currency_mismatch"),
        ({"merchant_id": "somebody"}, "payment.merchant_mismatch"),
        ({"out_trade_no": uuid4().hex}, "payment.unknown"),
        ({"out_trade_no": "nonsense"}, "payment.unknown"),
        ({"status": "failed"}, "payment.notify_unreadable"),
    ],
)
async def test_a_notify_that_is_not_what_was_agreed_changes_nothing(shop: Shop, other: Json, code: str) -> None:
    order_id, link = await begun(shop)
    before = await shop.order(order_id, member=None)
    answer = await shop.notify(shop.receipt(link, **other))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await shop.order(order_id, member=None) == before
    assert await shop.announced(OrderPaidV1) == []
    assert await anomalies(shop) == [(code, 1)]


async def test_a_forged_notify_changes_nothing_and_a_flood_of_them_fills_one_row(shop: Shop) -> None:
    order_id, link = await begun(shop)
    for _ in range(5):
        answer = await shop.notify(shop.receipt(link, notify_id=uuid4().hex), sign="0" * 64)
        assert (answer.status_code, answer.json()["code"]) == (400, "payment.signature_invalid")
    assert (await shop.order(order_id, member=None))["status"] == "pending_payment"
    assert await anomalies(shop) == [("payment.signature_invalid", 5)]
    for body in (b"", b"[]", b"{", b"{}", b"x" * 5000):
        headers = shop.headers(None)
        answer = await shop.http.post("/v1/payments/sandbox/notify", content=body, headers=headers)
        assert answer.status_code == 400
    unknown = await shop.http.post("/v1/payments/nobody/notify", content=b"{}", headers=shop.headers(None))
    assert unknown.status_code == 404


async def test_the_receipt_of_another_order_pays_that_order(shop: Shop) -> None:
    first_id, first = await begun(shop)
    second_id, _ = await begun(shop)
    assert (await shop.notify(shop.receipt(first))).status_code == 200
    assert (await shop.order(first_id, member=None))["status"] == "paid"
    assert (await shop.order(second_id, member=None))["status"] == "pending_payment"


async def test_a_repeated_notify_is_answered_as_before_and_changes_nothing(shop: Shop) -> None:
    order_id, link = await begun(shop)
    message = shop.receipt(link)
    first = await shop.notify(message)
    before = await shop.order(order_id, member=None)
    again = await shop.notify(message)
    assert (first.status_code, first.text) == (again.status_code, again.text) == (200, "success")
    assert await shop.order(order_id, member=None) == before
    (paid,) = await shop.announced(OrderPaidV1)
    assert (paid.paid_minor, paid.fee_minor, paid.provider) == (1000, 1, "sandbox")


async def cancelled(shop: Shop, http: httpx.AsyncClient) -> tuple[str, str]:
    order_id, link = await begun(shop)
    await jobs(shop, http, later=shop.desk.pay_window + timedelta(minutes=1)).cancel_unpaid()
    assert (await shop.order(order_id, member=None))["status"] == "cancelled"
    assert len(await shop.announced(OrderCancelledV1)) == 1
    return order_id, link


async def test_a_late_payment_takes_the_order_up_again(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    order_id, link = await cancelled(shop, provider_http)
    assert (await shop.notify(shop.receipt(link))).status_code == 200
    order = await shop.order(order_id, member=None)
    assert (order["status"], order["cancelled_at"]) == ("paid", None)
    assert len(await shop.announced(InventoryReserveV1)) == 1


async def test_a_payment_that_is_far_too_late_goes_back(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    order_id, link = await cancelled(shop, provider_http)
    receipt = shop.desk.providers["sandbox"].read_notify(shop.signed_notify(shop.receipt(link)))
    much_later = utc_now() + shop.desk.pay_window + LATE_GRACE + timedelta(seconds=1)
    async with shop.database.begin() as uow:
        outcomes = await settle_reports(uow, [Reported(receipt, None)], now=much_later)
    assert outcomes == [PaymentOutcome.PAID_LATE_REFUNDED]
    order = await shop.order(order_id, member=None)
    assert order["status"] == "refunding"
    assert await shop.announced(InventoryReserveV1) == []
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    assert (asked.reason, len(await shop.announced(OrderPaidV1))) == (RefundReason.PAID_LATE, 1)
    assert (await shop.notify(shop.receipt(link))).text == "success"
    assert len(await refunds(shop, order_id)) == 1


async def test_a_lost_notify_is_asked_for(shop: Shop, provider: Provider, provider_http: httpx.AsyncClient) -> None:
    paid_id, link = await begun(shop)
    provider.pay(provider.read_link(dict(httpx.URL(link).params)))
    unpaid_id, _ = await begun(shop)
    await jobs(shop, provider_http).query_payments()
    assert (await shop.order(paid_id, member=None))["status"] == "pending_payment", "it is not yet time to ask"
    await jobs(shop, provider_http, later=timedelta(seconds=30)).query_payments()
    assert (await shop.order(paid_id, member=None))["status"] == "paid"
    assert (await shop.order(unpaid_id, member=None))["status"] == "pending_payment"
    await jobs(shop, provider_http, later=timedelta(hours=3)).query_payments()
    async with shop.database.read() as uow:
        rows = await uow.raw.fetch("SELECT status, next_query_at FROM payments ORDER BY payment_id")
    assert [(row["status"], row["next_query_at"]) for row in rows] == [("paid", None), ("closed", None)]


async def test_a_provider_that_does_not_answer_is_asked_again(shop: Shop) -> None:
    order_id, _ = await begun(shop)

    async def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as http:
        await jobs(shop, http, later=timedelta(hours=3)).query_payments()
    async with shop.database.read() as uow:
        row = await uow.raw.fetchrow("SELECT status, queries, next_query_at FROM payments")
    assert row is not None
    assert (row["status"], row["queries"]) == ("pending", 1)
    assert row["next_query_at"] > utc_now()
    assert (await shop.order(order_id, member=None))["status"] == "pending_payment"


async def test_an_amount_the_provider_mistakes_in_its_notify_is_mended_by_asking(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    order_id, link = await begun(shop)
    provider.pay(provider.read_link(dict(httpx.URL(link).params)))
    assert (await shop.notify(shop.receipt(link, amount_minor=1001))).status_code == 400
    await jobs(shop, provider_http, later=timedelta(seconds=30)).query_payments()
    assert (await shop.order(order_id, member=None))["status"] == "paid"


async def test_reports_of_one_batch_are_answered_each_by_itself(shop: Shop) -> None:
    _, first = await begun(shop)
    _, second = await begun(shop)
    read = shop.desk.providers["sandbox"].read_notify
    good = read(shop.signed_notify(shop.receipt(first)))
    wrong = read(shop.signed_notify(shop.receipt(second, amount_minor=5)))
    unknown = read(shop.signed_notify(shop.receipt(first, out_trade_no=new_id().hex)))
    async with shop.database.begin() as uow:
        reports = [Reported(each, None) for each in (unknown, good, wrong, good)]
        outcomes = await settle_reports(uow, reports, now=utc_now())
    assert [type(each).__name__ for each in outcomes] == [
        "PaymentUnknownError",
        "PaymentOutcome",
        "PaymentMismatchError",
        "PaymentOutcome",
    ]
    assert [outcomes[1], outcomes[3]] == [PaymentOutcome.PAID, PaymentOutcome.DUPLICATE]
