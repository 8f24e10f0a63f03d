"""Many at once, in two processes of the service that share only the database and the neighbours."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import httpx

from services.order.jobs import Jobs
from services.order.usecases.housekeeping import CANCEL_SLACK
from shared.clock import new_id, utc_now
from shared.contracts import (
    InventoryReserveV1,
    OrderCancelledV1,
    OrderCreatedV1,
    OrderPaidV1,
    OrderRefundRequestedV1,
    OrderSurplusPaidV1,
)
from tests.order.facts import components
from tests.order.shop import Shop, bundle, offer

RACERS = 64
DAY = timedelta(days=1)


async def test_sixty_four_equal_checkouts_make_one_order_and_one_hold(shop: Shop, replica: Shop) -> None:
    sold, member = offer(), new_id()
    await shop.sells(sold)
    await replica.desk.catalogue.refresh()
    shop.inventory.delay_s = 0.05
    replicas = [shop, replica]
    answers = await asyncio.gather(
        *(replicas[racer % 2].orders((sold, 1), member=member, key="race") for racer in range(RACERS))
    )
    counted = Counter(answer.status_code for answer in answers)
    assert counted[201] + counted[409] == RACERS
    assert counted[201] >= 1
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency.in_progress"}
    assert (shop.inventory.calls["hold"], len(shop.inventory.holds)) == (1, 1)
    assert len(await shop.announced(OrderCreatedV1)) == 1
    final = await replica.orders((sold, 1), member=member, key="race")
    assert final.status_code == 201


async def test_sixty_four_different_checkouts_at_once_share_their_writes(shop: Shop, replica: Shop) -> None:
    sold = bundle(3, 2)
    await shop.sells(sold)
    await replica.desk.catalogue.refresh()
    replicas = [shop, replica]
    answers = await asyncio.gather(*(replicas[racer % 2].orders((sold, 1), member=new_id()) for racer in range(RACERS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order_no"] for answer in answers}) == RACERS
    assert len(await shop.announced(OrderCreatedV1)) == len(shop.inventory.holds) == RACERS


async def test_sixty_four_notifies_pay_once(shop: Shop, replica: Shop) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    order_id = (await shop.orders((sold, 1))).json()["order_id"]
    message = shop.receipt((await shop.begins_payment(order_id, member=None)).json()["pay_url"])
    replicas = [shop, replica]
    answers = await asyncio.gather(*(replicas[racer % 2].notify(message) for racer in range(RACERS)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "success")}
    assert len(await shop.announced(OrderPaidV1)) == len(await shop.announced(InventoryReserveV1)) == 1
    assert await shop.announced(OrderRefundRequestedV1) == []


async def test_two_payments_of_one_order_at_once_give_one_back(shop: Shop, replica: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    for _ in range(10):
        order_id = (await shop.orders((sold, 1))).json()["order_id"]
        links = [(await shop.begins_payment(order_id, member=None)).json()["pay_url"] for _ in range(2)]
        await asyncio.gather(
            *(each.notify(each.receipt(link)) for each, link in zip([shop, replica], links, strict=True))
        )
        paid = await shop.announced(OrderPaidV1, key=UUID(order_id))
        surplus = await shop.announced(OrderSurplusPaidV1, key=UUID(order_id))
        assert (len(paid), len(surplus)) == (1, 1)
        assert paid[0].payment_id != surplus[0].payment_id
        async with shop.database.read() as uow:
            given_back = await uow.raw.fetch("SELECT * FROM refunds WHERE order_id = $1", UUID(order_id))
        assert [(row["reason"], row["amount_minor"], row["status"]) for row in given_back] == [
            ("paid_twice", 1000, "sending")
        ]


async def test_paying_and_cancelling_at_once_loses_nothing(shop: Shop, replica: Shop) -> None:
    """Whoever comes first wins; a payment that comes second takes the order up again."""
    sold = offer()
    await shop.sells(sold)
    late = utc_now() + shop.desk.pay_window + CANCEL_SLACK * 2
    jobs = Jobs(replica.database, replica.desk.providers, replica.desk.risk, DAY, lambda: late)
    for racer in range(20):
        order_id = (await shop.orders((sold, 1))).json()["order_id"]
        message = shop.receipt((await shop.begins_payment(order_id, member=None)).json()["pay_url"])
        answer, _ = await asyncio.gather(_after(racer % 4 * 0.002, shop.notify(message)), jobs.cancel_unpaid())
        assert answer.status_code == 200
        order = await shop.order(order_id, member=None)
        paid = await shop.announced(OrderPaidV1, key=UUID(order_id))
        commands = await shop.announced(InventoryReserveV1, key=UUID(order_id))
        assert (order["status"], order["cancelled_at"], len(paid), len(commands)) == ("paid", None, 1, 1)
        assert len(await shop.announced(OrderCancelledV1, key=UUID(order_id))) <= 1


async def test_refunds_of_one_component_at_once_are_one(shop: Shop, replica: Shop) -> None:
    sold, member = bundle(1, 1), new_id()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    part = components(order)[0]
    body = {"lines": [{"line_id": order["lines"][0]["line_id"], "components": [part["component_id"]]}]}
    replicas = [shop, replica]
    answers = await asyncio.gather(
        *(
            replicas[racer % 2].http.post(
                f"/v1/orders/{order['order_id']}/refunds", json=body, headers=shop.headers(member)
            )
            for racer in range(16)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 15}
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1


async def _after(seconds: float, work: Awaitable[httpx.Response]) -> httpx.Response:
    await asyncio.sleep(seconds)
    return await work
