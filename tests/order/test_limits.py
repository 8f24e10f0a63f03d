"""One buyer has no more of a SKU than one may, however he goes about it."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

from services.order.domain.limits import LOST_AFTER, Taking
from services.order.jobs import Jobs
from services.order.usecases.housekeeping import CANCEL_SLACK
from services.order.usecases.limits import forget_lost, take_limits
from services.order.usecases.refunds import record_money_sent
from shared.clock import business_day, new_id, utc_now
from shared.contracts.inventory import SkuOffer
from tests.order import facts
from tests.order.facts import components
from tests.order.shop import Json, Shop, bundle, offer

RACERS = 64


async def test_sixty_four_orders_of_one_member_with_limit_one_are_one(shop: Shop, replica: Shop) -> None:
    sold, member = offer(max_per_member=1), new_id()
    await shop.sells(sold)
    await replica.desk.catalogue.refresh()
    replicas = [shop, replica]
    answers = await asyncio.gather(
        *(replicas[racer % 2].orders((sold, 1), member=member, key=f"race-{racer}") for racer in range(RACERS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["limit"], refused["left"], refused["period"]) == ("purchase.limit", 1, 0, "total")
    assert len(shop.inventory.holds) == 1
    assert (await shop.orders((sold, 1), member=new_id())).status_code == 201


async def test_the_day_s_limit_and_the_whole_one_count_apart(shop: Shop) -> None:
    sold, member = offer(max_per_member=3, max_per_member_day=2), new_id()
    await shop.sells(sold)
    assert (await shop.orders((sold, 1), (sold, 1), member=member)).status_code == 201
    assert (await shop.orders((sold, 1), member=member)).json()["period"] == "day"
    async with shop.database.begin() as uow:
        await uow.raw.execute("UPDATE limited_purchases SET day = day - 1")
    assert (await shop.orders((sold, 2), member=member)).json()["period"] == "total"
    assert (await shop.orders((sold, 1), member=member)).status_code == 201


async def test_a_guest_is_known_by_each_way_to_reach_him(shop: Shop) -> None:
    sold = offer(max_per_member=1)
    await shop.sells(sold)
    both = {"email": "Guest@example.org", "phone": "138 0013 8000"}
    assert (await shop.orders((sold, 1), contact=both)).status_code == 201
    for contact in ({"email": "guest@example.org"}, {"phone": "13800138000"}):
        assert (await shop.orders((sold, 1), contact=contact)).json()["code"] == "purchase.limit"
    assert (await shop.orders((sold, 1), contact={"email": "other@example.org"})).status_code == 201
    async with shop.database.read() as uow:
        kept = await uow.raw.fetch("SELECT buyer FROM limited_purchases")
    assert not any("example" in row["buyer"] or "138" in row["buyer"][:20] for row in kept)


async def test_what_comes_to_nothing_does_not_count(shop: Shop) -> None:
    sold, member = offer(max_per_member=1), new_id()
    await shop.sells(sold)
    shop.inventory.stock = 0
    assert (await shop.orders((sold, 1), member=member)).json()["code"] == "stock.insufficient"
    shop.inventory.stock = 9
    shop.risk.decision = "deny"
    assert (await shop.orders((sold, 1), member=member)).json()["code"] == "risk.denied"
    shop.risk.decision = "allow"
    assert (await shop.orders((sold, 1), member=member)).status_code == 201


async def test_a_checkout_that_died_counts_for_ten_minutes(shop: Shop) -> None:
    sold, member = offer(max_per_member=1), new_id()
    await shop.sells(sold)
    now = utc_now()
    dead = Taking(new_id(), new_id(), sold.sku_id, f"member:{member}", business_day(now), 1, 1, None)
    async with shop.database.begin() as uow:
        await take_limits(uow, [dead], now=now)
    assert (await shop.orders((sold, 1), member=member)).status_code == 409
    async with shop.database.begin() as uow:
        assert await forget_lost(uow, now=now, limit=10) == 0
        assert await forget_lost(uow, now=now + LOST_AFTER + timedelta(seconds=1), limit=10) == 1
    placed = await shop.orders((sold, 1), member=member)
    assert placed.status_code == 201
    async with shop.database.begin() as uow:
        assert await forget_lost(uow, now=now + timedelta(hours=1), limit=10) == 0  # an order's are kept


async def test_a_cancelled_order_gives_back_and_a_late_payment_takes_again_only_what_is_left(shop: Shop) -> None:
    sold, member = offer(max_per_member=1), new_id()
    await shop.sells(sold)
    first, first_link = await _ordered(shop, sold, member)
    await _cancel_unpaid(shop)
    assert (await shop.notify(shop.receipt(first_link))).status_code == 200
    assert (await shop.order(first, member=member))["status"] == "paid"
    assert (await shop.orders((sold, 1), member=member)).status_code == 409  # taken again by the late payment

    other = new_id()
    lost, lost_link = await _ordered(shop, sold, other)
    await _cancel_unpaid(shop)
    kept, _ = await _ordered(shop, sold, other)
    assert (await shop.notify(shop.receipt(lost_link))).status_code == 200
    assert (await shop.order(lost, member=other))["status"] == "refunding"
    assert (await shop.order(kept, member=other))["status"] == "pending_payment"


async def test_what_risk_refuses_late_does_not_count(shop: Shop) -> None:
    sold, member = offer(max_per_member=1), new_id()
    await shop.sells(sold)
    shop.risk.broken = True
    assert (await shop.orders((sold, 1), member=member)).status_code == 201
    shop.risk.broken, shop.risk.decision = False, "deny"
    await Jobs(shop.database, shop.desk.providers, shop.desk.risk, timedelta(days=1), utc_now).ask_risk_again()
    shop.risk.decision = "allow"
    assert (await shop.orders((sold, 1), member=member)).status_code == 201


async def test_a_line_counts_until_all_of_it_is_refunded(shop: Shop) -> None:
    sold, member = bundle(1, 1).model_copy(update={"max_per_member": 1}), new_id()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    for part, answer in zip(components(order), (409, 201), strict=True):
        await _refund(shop, order, part, member)
        assert (await shop.orders((sold, 1), member=member)).status_code == answer


async def _ordered(shop: Shop, sold: SkuOffer, member: UUID) -> tuple[str, str]:
    placed = await shop.orders((sold, 1), member=member)
    assert placed.status_code == 201, placed.text
    order_id = placed.json()["order_id"]
    return order_id, (await shop.begins_payment(order_id, member=member)).json()["pay_url"]


async def _cancel_unpaid(shop: Shop) -> None:
    late = utc_now() + shop.desk.pay_window + CANCEL_SLACK * 2
    await Jobs(shop.database, shop.desk.providers, shop.desk.risk, timedelta(days=1), lambda: late).cancel_unpaid()


async def _refund(shop: Shop, order: Json, part: Json, member: UUID) -> None:
    """One component, all the way back."""
    body = {"lines": [{"line_id": order["lines"][0]["line_id"], "components": [part["component_id"]]}]}
    path = f"/v1/orders/{order['order_id']}/refunds"
    asked = await shop.http.post(path, json=body, headers=shop.headers(member))
    assert asked.status_code == 202, asked.text
    refund_id = asked.json()["refund_id"]
    await shop.hear(facts.revoked(order, part, refund_id), facts.reversed_(order, part, refund_id))
    async with shop.database.begin() as uow:
        sent = {UUID(refund_id): UUID(order["order_id"])}
        await record_money_sent(uow, sent, provider_of={UUID(refund_id): "sandbox"}, now=utc_now())
