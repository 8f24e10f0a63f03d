"""Seats at an event: as many as there are, numbered in order, let in once."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.goods import Goods, SeatedEvent
from services.inventory.usecases import catalogue, holds, upkeep
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer, partner
from tests.inventory.test_vouchers import qr_of
from tests.inventory.world import Order, World, at_once, order_of

ATTENDEE = {"attendee": "韩梅梅", "phone": "13800138000"}


def event(*, numbered: bool = True) -> Goods:
    starts_at = utc_now() + timedelta(days=3)
    return Goods(event=SeatedEvent(starts_at, starts_at + timedelta(hours=3), "上海体育馆", numbered, "A-"))


async def booked(world: World, sku_id: UUID, *, quantity: int = 1) -> Order:
    order = order_of((sku_id, quantity))
    request = order.hold_request(utc_now() + timedelta(minutes=20), fields=ATTENDEE)
    async with world.database.begin() as uow:
        await holds.hold(uow, [request], keyring=world.keyring, now=utc_now())
    await world.reserve(order, kind=SkuKind.EVENT_SEAT)
    return order


async def seats_of(world: World, order: Order) -> list[str]:
    rows = await world.fetch(
        "SELECT masked FROM entitlements WHERE order_id = $1 AND state = 'active' ORDER BY masked", order.order_id
    )
    return [row["masked"] for row in rows]


async def test_seats_are_numbered_in_order_and_free_again_when_taken_back(world: World, door: Door) -> None:
    partner_id = new_id()
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(), stock_cap=4, partner_id=partner_id)
    first = await booked(world, sku_id, quantity=2)
    second = await booked(world, sku_id)
    assert (await seats_of(world, first), await seats_of(world, second)) == (["A-1", "A-2"], ["A-3"])
    await world.revoke(first)
    third = await booked(world, sku_id)
    assert await seats_of(world, third) == ["A-1"]
    assert await world.stock(sku_id) == (2, 0, 2)
    (owned,) = (await door.get("/v1/wallet/entitlements", who=buyer(third.member_id)))["items"]
    assert (owned["masked"], owned["goods"]["event"]["place"]) == ("A-1", "上海体育馆")
    (unit,) = await world.units(third)
    ticket = await qr_of(door, unit, buyer(third.member_id))
    let_in = await door.post("/v1/partner/redemptions", {"qr": ticket}, who=partner(partner_id))
    assert let_in["masked"] == "A-1"
    await world.revoke(third)
    assert (await world.kinds(third))[-1] == "card.revoke_refused"
    await world.assert_counters_equal_rows()


async def test_no_seat_is_given_to_two_however_many_want_one(world: World) -> None:
    """Held before they are paid for, so that no counter makes them wait for each other."""
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(), stock_cap=10)
    orders = [order_of((sku_id, 1)) for _ in range(10)]
    assert await world.hold(*orders, fields=ATTENDEE) == [None] * 10
    orders += [order_of((sku_id, 1)) for _ in range(4)]
    await at_once(world, [lambda order=order: world.reserve(order, kind=SkuKind.EVENT_SEAT) for order in orders])  # type: ignore[misc]
    taken = [seat for order in orders for seat in await seats_of(world, order)]
    assert sorted(taken) == sorted(f"A-{number}" for number in range(1, 11))
    assert await world.stock(sku_id) == (0, 0, 10)
    assert await world.value("SELECT count(*) FROM seats WHERE entitlement_id IS NULL") == 0


async def test_more_or_fewer_seats_are_laid_with_the_cap(world: World, door: Door) -> None:
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(), stock_cap=3)
    await booked(world, sku_id)
    for cap, numbers in ((4, [2, 3, 4, 5]), (1, [2])):
        changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"stock_cap": cap})
        assert changed.status_code == 200, changed.text
        rows = await world.fetch("SELECT number FROM seats WHERE entitlement_id IS NULL ORDER BY number")
        assert [row["number"] for row in rows] == numbers
    unlimited = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"stock_cap": None})
    assert (unlimited.status_code, unlimited.json()["code"]) == (409, "stock.cap_refused")


async def test_a_seat_needs_to_know_who_comes(world: World, door: Door) -> None:
    product_id = await door.product()
    times: dict[str, Any] = {"starts_at": "2027-05-01T19:30:00+08:00", "ends_at": "2027-05-01T22:00:00+08:00"}
    sku_id = await door.sku(product_id, kind="event_seat", goods={"event": {**times, "place": "上海"}}, stock_cap=100)
    seen = await door.get(f"/v1/products/{product_id}")
    assert [field["kind"] for field in seen["skus"][0]["buyer_fields"]] == ["name", "phone"]
    order = order_of((UUID(sku_id), 1))
    request = order.hold_request(utc_now() + timedelta(minutes=20), fields={"attendee": "韩梅梅"})
    async with world.database.begin() as uow:
        (refused,) = await holds.hold(uow, [request], keyring=world.keyring, now=utc_now())
    assert "phone" in str(refused)
    fewer = {"buyer_fields": [{"name": "attendee", "label_zh": "人", "label_en": "Who", "kind": "name"}]}
    changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json=fewer)
    assert (changed.status_code, changed.json()["code"]) == (422, "sku_terms.invalid")


async def test_operators_have_a_list_for_the_door_and_let_in_by_it_once(world: World, door: Door) -> None:
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(), stock_cap=4, partner_id=new_id())
    first, gone = await booked(world, sku_id, quantity=2), await booked(world, sku_id)
    await world.revoke(gone)
    path = f"/v1/ops/skus/{sku_id}/attendees"
    file = await door.call("POST", path)
    assert file.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [(row["座位"], row["姓名"], row["手机号"], row["已入场"]) for row in rows] == [
        ("A-1", "韩梅梅", "13800138000", ""),
        ("A-2", "韩梅梅", "13800138000", ""),
    ]
    assert await world.fetch("SELECT what, buyers FROM personal_reads") == [{"what": "attendees", "buyers": 2}]
    check_in = f"/v1/ops/entitlements/{rows[0]['entitlement_id'].lstrip('`')}/check-in"
    answers = await asyncio.gather(*(door.call("POST", check_in, json={"store": "北门"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    (redeemed,) = [said for said in await world.events("card", first.order_id) if said["type"] == "card.redeemed"]
    assert (redeemed["channel"], redeemed["store"]) == ("operator", "北门")
    again = await door.call("POST", path)
    assert [row["已入场"] for row in csv.DictReader(io.StringIO(again.content.decode("utf-8-sig")))] == ["是", ""]


async def test_who_comes_is_known_until_the_event_is_over(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(), stock_cap=4)
    await booked(world, sku_id)
    await world.revoke(await booked(world, sku_id))
    await world.fetch("UPDATE buyer_fields SET created_at = $1", utc_now() - timedelta(days=400))
    for now, left in ((utc_now(), 1), (utc_now() + timedelta(days=100), 0)):
        async with world.database.begin() as uow:
            await upkeep.forget_buyer_fields(uow, now=now)
        assert await world.value("SELECT count(*) FROM buyer_fields") == left


async def test_after_the_beginning_no_seat_is_sold(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.EVENT_SEAT, goods=event(numbered=False), stock_cap=5)
    begun = Goods(event=SeatedEvent(utc_now() - timedelta(minutes=1), utc_now() + timedelta(hours=1), "上海"))
    async with world.database.begin() as uow:
        await catalogue.change_sku(uow, sku_id, changes={"goods": begun}, now=utc_now())
    order = await booked(world, sku_id)
    assert await world.kinds(order) == ["card.rejected"]
    assert await world.stock(sku_id) == (5, 0, 0)
