"""A job stops between two rounds when its lease is lost: another replica goes on, and nothing is done twice for long."""

from datetime import timedelta

import httpx
import pytest

from sandbox.payment.provider import Provider
from services.order import jobs as order_jobs
from services.order.usecases import housekeeping
from services.order.usecases.payments import take_due_queries
from services.order.usecases.refunds import take_due_refunds
from shared.contracts import OrderCancelledV1, OrderPaidV1
from tests.order.shop import Shop
from tests.order.test_payments import begun, jobs
from tests.support.leases import losing_the_lease


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_jobs, "PER_TRANSACTION", 1)


def pay(provider: Provider, link: str) -> None:
    provider.pay(provider.read_link(dict(httpx.URL(link).params)))


async def test_orders_are_ended_while_the_lease_lasts(
    shop: Shop, provider_http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await begun(shop)
    later = shop.desk.pay_window + timedelta(minutes=1)
    with monkeypatch.context() as patched:
        patched.setattr(housekeeping, "cancel_unpaid", losing_the_lease(housekeeping.cancel_unpaid))
        await jobs(shop, provider_http, later=later).cancel_unpaid()
    assert len(await shop.announced(OrderCancelledV1)) == 1
    await jobs(shop, provider_http, later=later).cancel_unpaid()
    assert len(await shop.announced(OrderCancelledV1)) == 3


async def test_providers_are_asked_while_the_lease_lasts(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        _, link = await begun(shop)
        pay(provider, link)
    later = timedelta(minutes=1)
    with monkeypatch.context() as patched:
        patched.setattr(order_jobs, "take_due_queries", losing_the_lease(take_due_queries))
        await jobs(shop, provider_http, later=later).query_payments()
    assert len(await shop.announced(OrderPaidV1)) == 1
    await jobs(shop, provider_http, later=later).query_payments()
    assert len(await shop.announced(OrderPaidV1)) == 3


async def test_money_is_sent_back_while_the_lease_lasts(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        order_id, first = await begun(shop)
        second = (await shop.begins_payment(order_id, member=None)).json()["pay_url"]
        for link in (first, second):
            pay(provider, link)
            await shop.notify(shop.receipt(link))
    with monkeypatch.context() as patched:
        patched.setattr(order_jobs, "take_due_refunds", losing_the_lease(take_due_refunds))
        await jobs(shop, provider_http).send_refunds()
    assert await sent_back(shop) == 1
    await jobs(shop, provider_http).send_refunds()
    assert await sent_back(shop) == 3


async def sent_back(shop: Shop) -> int:
    async with shop.database.read() as uow:
        count: int = await uow.raw.fetchval("SELECT count(*) FROM refunds WHERE status = 'refunded'")
    return count
