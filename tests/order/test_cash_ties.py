"""What settlement has booked with the provider is the provider's bill: every success is cash in, every refund cash out."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.payment.provider import Provider
from services.order.clients.sandbox import signature
from shared.clock import business_day, new_id, utc_now
from shared.contracts import (
    BY_SCHEMA,
    Event,
    OrderPaidV1,
    OrderRefundedV1,
    OrderRefundRequestedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
    SettlementReversedV1,
    decode,
)
from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.order.shop import Shop, bundle
from tests.order.test_payments import jobs
from tests.settlement.house import House

CASH = OrderPaidV1 | OrderRefundedV1 | OrderSurplusPaidV1 | OrderSurplusRefundedV1

KNOWN = """
SELECT (SELECT coalesce(sum(amount_minor - fee_minor), 0) FROM payments WHERE status = 'paid')::bigint
     - (SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE status = 'refunded')::bigint AS owed,
       (SELECT coalesce(sum(fee_minor), 0) FROM payments WHERE status = 'paid')::bigint AS fees
"""
"""What order has heard from the provider so far."""

NOT_GIVEN_BACK = """
SELECT coalesce(sum(amount_minor), 0)::bigint FROM order_components JOIN orders USING (order_id)
WHERE paid_at IS NOT NULL AND order_components.status <> 'refunded'
"""

LAST = timedelta(hours=5)
"""Later than anything that a step does."""

Step = tuple[str, int]
"""What happens, and to which payment."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "pay other", "notify", "notify", "ask", "cancel", "refund", "hear"]),
        st.integers(0, 5),
    ),
    min_size=5,
    max_size=20,
)


@dataclass
class Street:
    """A shop, its provider and its ledger, with nothing but messages between them."""

    shop: Shop
    provider: Provider
    provider_http: httpx.AsyncClient
    house: House
    links: list[str] = field(default_factory=list)
    order_ids: list[str] = field(default_factory=list)
    heard_up_to: int = 0
    days: set[date] = field(default_factory=set)

    async def open(self) -> None:
        """Two orders with three payments begun for each."""
        self.days.add(business_day(utc_now()))
        sold = bundle(2, 1)
        await self.shop.sells(sold)
        self.order_ids = [(await self.shop.orders((sold, 1))).json()["order_id"] for _ in range(2)]
        begun = [await self.shop.begins_payment(order_id, member=None) for order_id in self.order_ids * 3]
        self.links = [each.json()["pay_url"] for each in begun]

    async def take(self, step: Step) -> None:
        what, which = step
        link = dict(httpx.URL(self.links[which]).params)
        if what == "pay":
            self._pays(link)
        elif what == "pay other":
            self._pays({**link, "amount_minor": "999"})
        elif what == "notify":
            await self._notifies(link["out_trade_no"])
        elif what == "cancel":
            await self._jobs(later=self.shop.desk.pay_window + timedelta(minutes=1)).cancel_unpaid()
        elif what == "refund":
            headers = self.shop.headers(None, order_id=UUID(self.order_ids[which % 2]))
            await self.shop.http.post(f"/v1/orders/{self.order_ids[which % 2]}/refunds", json={}, headers=headers)
        elif what == "hear":
            await self._hears_that_all_is_back()
        else:
            await self._jobs(later=timedelta(seconds=30) if which < 3 else timedelta(hours=3)).query_payments()

    async def settle(self) -> None:
        """The provider reports what it has, is asked where it is not believed, and gives back what is to go back."""
        for link in self.links:
            await self._notifies(dict(httpx.URL(link).params)["out_trade_no"])
        await self._jobs().query_payments()
        await self._hears_that_all_is_back()
        await self._jobs(later=LAST).send_refunds()

    async def told(self) -> list[Event]:
        """What order has said of cash since this was asked last."""
        async with self.shop.database.read() as uow:
            rows = await uow.raw.fetch(
                "SELECT id, dataschema, payload FROM outbox WHERE id > $1 ORDER BY id", self.heard_up_to
            )
        self.heard_up_to = max((row["id"] for row in rows), default=self.heard_up_to)
        said = [decode(row["payload"], BY_SCHEMA[row["dataschema"]]).data for row in rows]
        return [event for event in said if isinstance(event, CASH)]

    def billed(self) -> tuple[int, int]:
        """By the provider's bill: what it owes us, and the fees it has kept."""
        owed = fees = 0
        for day in self.days | {business_day(utc_now())}:
            asked = {
                "merchant_id": "kaquan-sandbox",
                "timestamp": str(int(utc_now().timestamp())),
                "date": day.isoformat(),
            }
            bill = self.provider.bill({**asked, "sign": signature(self.shop.provider_key, asked)})
            for row in csv.DictReader(io.StringIO(bill)):
                sign = 1 if row["kind"] == "payment" else -1
                owed += sign * int(row["amount_minor"]) - int(row["fee_minor"])
                fees += int(row["fee_minor"])
        return owed, fees

    async def known(self) -> tuple[int, int]:
        """The same by what order has heard."""
        async with self.shop.database.read() as uow:
            row = await uow.raw.fetchrow(KNOWN)
        assert row is not None
        return row["owed"], row["fees"]

    async def booked(self) -> tuple[int, int]:
        """The same by our ledger: what settlement was told."""
        balances = await self.house.balances()
        return balances.get("provider_receivable:sandbox:CNY", 0), balances.get("provider_fees:sandbox:CNY", 0)

    def _jobs(self, *, later: timedelta = timedelta(0)) -> Any:
        return jobs(self.shop, self.provider_http, later=later)

    def _pays(self, link: dict[str, str]) -> None:
        """As a buyer does; a second time it is the first time again."""
        known = self.provider._store.trade(link["out_trade_no"])
        if known is None:
            self.provider.pay(link)

    async def _notifies(self, number: str) -> None:
        trade = self.provider._store.trade(number)
        if trade is not None:
            await self.shop.notify({**self.provider.notices.receipt(trade), "notify_id": new_id().hex})

    async def _hears_that_all_is_back(self) -> None:
        """The other services answer for every refund there is."""
        for asked in await self.shop.announced(OrderRefundRequestedV1):
            await self.shop.hear(
                *(
                    SettlementReversedV1(
                        order_id=asked.order_id,
                        refund_id=asked.refund_id,
                        component_id=part.component_id,
                        currency="CNY",
                        legs=(),
                    )
                    for part in asked.components
                )
            )


@pytest.fixture
async def street(
    shop: Shop, provider: Provider, provider_http: httpx.AsyncClient, service_database: ServiceDatabaseMaker
) -> AsyncIterator[Street]:
    database = Database.connect((await service_database("settlement")).url, application_name="tests")
    yield Street(shop, provider, provider_http, House(database))
    await database.close()


async def assert_all_ties(street: Street) -> None:
    assert await street.booked() == await street.known() == street.billed()
    async with street.shop.database.read() as uow:
        not_given_back = await uow.raw.fetchval(NOT_GIVEN_BACK)
    assert (await street.house.balances()).get("unearned::CNY", 0) == -not_given_back, "a surplus leaves nothing behind"


_EACH = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@_EACH
@given(steps=STEPS)
async def test_cash_is_what_the_provider_said_after_every_step(street: Street, steps: Sequence[Step]) -> None:
    await street.open()
    for step in steps:
        await street.take(step)
        await street.house.deliver(*await street.told())
        assert await street.booked() == await street.known()
    await street.settle()
    await street.house.deliver(*await street.told())
    await assert_all_ties(street)


@_EACH
@given(steps=STEPS, seed=st.integers(0, 1_000_000))
async def test_and_whatever_order_it_is_heard_in_and_how_often(
    street: Street, steps: Sequence[Step], seed: int
) -> None:
    await street.open()
    for step in steps:
        await street.take(step)
    await street.settle()
    told = await street.told()
    random = Random(seed)
    told += random.sample(told, k=len(told) // 2)
    random.shuffle(told)
    for start in range(0, len(told), 3):
        await street.house.deliver(*told[start : start + 3])
    await assert_all_ties(street)
