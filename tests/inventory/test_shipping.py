"""What is sent by hand: promised, sent once, received, taken back before it leaves or after it came back."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from services.inventory import jobs
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.goods import Goods, Shipping
from services.inventory.domain.shipment_files import read_shipped
from services.inventory.domain.shipping import SIGNED_AFTER, Parcel
from services.inventory.queries import shipping as queries
from services.inventory.usecases import holds, shipping, upkeep
from services.inventory.usecases.shipping import ToShip
from services.inventory.usecases.upkeep import BUYER_FIELDS_KEPT
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.world import Order, World, at_once, order_of

OPS = "/v1/ops/shipments"
PARCEL = {"carrier": "顺丰速运", "tracking_no": "SF1234567890123"}
ADDRESS = {
    "recipient": "=李雷",
    "phone": "13800138000",
    "province": "上海市",
    "city": "上海市",
    "detail": "南京西路 1 号",
}
GOODS = Goods(shipping=Shipping(within_days=2), cost_minor=300)


async def hold(world: World, order: Order, fields: dict[str, str]) -> Any:
    now = utc_now()
    request = order.hold_request(now + timedelta(minutes=20), fields=fields)
    async with world.database.begin() as uow:
        (decision,) = await holds.hold(uow, [request], keyring=world.keyring, now=now)
    return decision


async def promised(world: World, *, sku_id: UUID | None = None, quantity: int = 1, stock_cap: int = 5) -> Order:
    """Something that was paid for and is to be sent."""
    sku_id = sku_id or await world.sku(kind=SkuKind.PHYSICAL, goods=GOODS, stock_cap=stock_cap)
    order = order_of((sku_id, quantity))
    assert await hold(world, order, {"address": orjson.dumps(ADDRESS).decode()}) is None
    await world.reserve(order, kind=SkuKind.PHYSICAL)
    return order


async def ship(world: World, order: Order, parcel: Parcel | None = None) -> None:
    async with world.database.begin() as uow:
        wanted = ToShip(order.component_id, parcel or Parcel(**PARCEL))
        await shipping.ship_one(uow, wanted, shipped_by="operator:1", now=utc_now())


async def shipment(world: World, order: Order) -> dict[str, Any]:
    (row,) = await world.fetch("SELECT * FROM shipments WHERE component_id = $1", order.component_id)
    return row


async def test_nothing_is_sent_to_nowhere(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.PHYSICAL, stock_cap=5)
    order = order_of((sku_id, 1))
    assert "address" in str(await hold(world, order, {"account": "x"}))
    assert await world.stock(sku_id) == (5, 0, 0)
    await world.reserve(order, kind=SkuKind.PHYSICAL)
    (said,) = await world.events("card", order.order_id)
    assert (said["type"], said["reason"]) == ("card.rejected", "buyer_fields_missing")


async def test_it_is_issued_when_it_is_sent(world: World, door: Door) -> None:
    order = await promised(world, quantity=2)
    sku_id = order.parts[0][1]
    assert await world.state(order.component_id) == "awaiting_shipment"
    assert await world.stock(sku_id) == (3, 0, 2)
    (said,) = await world.events("card", order.order_id)
    assert said["type"] == "shipment.promised"
    await world.reserve(order, kind=SkuKind.PHYSICAL)
    assert await world.kinds(order) == ["shipment.promised"] * 2, "asked again, it is promised again"
    owner = buyer(order.member_id)
    (waiting,) = (await door.get("/v1/wallet/shipments", who=owner))["items"]
    assert (waiting["state"], waiting["quantity"], "tracking_no" in waiting) == ("awaiting", 2, True)
    assert (await door.get("/v1/wallet/shipments", who=buyer()))["items"] == []
    await door.post(f"{OPS}/{order.component_id}/ship", PARCEL, expect=204)
    issued = (await world.events("card", order.order_id))[-1]
    assert (issued["type"], issued["quantity"], issued["cost_minor"]) == ("card.issued", 2, 600)
    assert len(await world.units(order)) == 2
    (sent,) = (await door.get("/v1/wallet/shipments", who=owner))["items"]
    assert (sent["state"], sent["carrier"], sent["tracking_no"]) == ("shipped", *PARCEL.values())
    (owned, _) = (await door.get("/v1/wallet/entitlements", who=owner))["items"]
    assert (owned["kind"], owned["qr_offered"]) == ("physical", False)
    path = f"/v1/wallet/shipments/{order.component_id}/confirm-receipt"
    assert (await door.post(path, {}, who=buyer(), expect=404))["code"] == "shipment.unknown"
    await door.post(path, {}, who=owner, expect=204)
    assert (await shipment(world, order))["state"] == "signed"
    outbox = str(await world.fetch("SELECT payload FROM outbox"))
    assert not any(text in outbox for text in (*ADDRESS.values(), "SF12"))
    await world.assert_counters_equal_rows()


async def test_before_it_is_sent_a_refund_cancels_it(world: World, door: Door) -> None:
    order = await promised(world)
    await world.revoke(order)
    assert (await world.kinds(order))[-1] == "card.revoked"
    assert await world.stock(order.parts[0][1]) == (5, 0, 0)
    refused = await door.post(f"{OPS}/{order.component_id}/ship", PARCEL, expect=409)
    assert refused["code"] == "shipment.state"
    assert (await shipment(world, order))["state"] == "cancelled"
    assert await world.units(order) == []
    await world.assert_counters_equal_rows()


async def test_once_it_is_sent_only_what_came_back_is_refunded(world: World, door: Door) -> None:
    back, lost = await promised(world), await promised(world)
    for order, ending, left in ((back, "returned", (5, 0, 0)), (lost, "lost", (4, 0, 1))):
        await ship(world, order)
        await world.revoke(order)
        refused = (await world.events("card", order.order_id))[-1]
        assert (refused["type"], refused["reason"]) == ("card.revoke_refused", "shipped")
        await door.post(f"{OPS}/{order.component_id}/{ending}", {}, expect=204)
        await door.post(f"{OPS}/{order.component_id}/{ending}", {}, expect=204)
        await world.revoke(order)
        revoked = (await world.events("card", order.order_id))[-1]
        assert revoked["type"] == "card.revoked"
        assert (revoked.get("restocked") or {}).get("cost_minor") == (300 if ending == "returned" else None)
        assert await world.stock(order.parts[0][1]) == left
        again = await door.post(f"{OPS}/{order.component_id}/ship", PARCEL, expect=409)
        assert again["code"] == "shipment.state", "its money went back"
    await world.assert_counters_equal_rows()


async def test_what_was_lost_is_sent_again_without_being_issued_twice(world: World, door: Door) -> None:
    order = await promised(world)
    await ship(world, order)
    await door.post(f"{OPS}/{order.component_id}/lost", {}, expect=204)
    await ship(world, order, Parcel("中通快递", "ZT1"))
    assert (await world.kinds(order)).count("card.issued") == 1
    assert len(await world.units(order)) == 1
    row = await shipment(world, order)
    assert (row["state"], row["tracking_no"], row["ended_at"]) == ("shipped", "ZT1", None)


async def test_a_list_is_answered_line_by_line(world: World, door: Door) -> None:
    sku_id = await world.sku(kind=SkuKind.PHYSICAL, goods=GOODS, stock_cap=9)
    first, second, gone = [await promised(world, sku_id=sku_id) for _ in range(3)]
    await world.revoke(gone)
    file = await door.call("POST", f"{OPS}/addresses", json={"sku_id": str(sku_id)})
    assert file.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["component_id"] for row in rows] == [f"`{order.component_id}" for order in (first, second)]
    assert (rows[0]["收件人"], rows[0]["详细地址"]) == ("'=李雷", "南京西路 1 号")
    assert await world.fetch("SELECT what, buyers FROM personal_reads") == [{"what": "shipping_addresses", "buyers": 2}]
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0].keys())
    writer.writeheader()
    writer.writerow({**rows[0], **PARCEL})
    writer.writerow(rows[1])
    for component_id in (gone.component_id, new_id(), "nonsense"):
        writer.writerow({"component_id": component_id, **PARCEL})
    answer = await door.call("POST", f"{OPS}/ship", content=table.getvalue().encode(), content_type="text/csv")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["shipped"], report["refused"]) == (1, 3)
    assert [(line["line"], line.get("code")) for line in report["lines"]] == [
        (2, None),
        (4, "shipment.state"),
        (5, "shipment.unknown"),
        (6, "shipment.line_invalid"),
    ]
    same = {"component_id": str(first.component_id), **PARCEL}
    other = {**same, "tracking_no": "ANOTHER"}
    answer = await door.call("POST", f"{OPS}/ship", json={"items": [same, other]})
    assert [line.get("code") for line in answer.json()["lines"]] == [None, "shipment.state"]
    assert (await shipment(world, second))["state"] == "awaiting"
    assert (await world.kinds(first)).count("card.issued") == 1
    wrong = await door.call("POST", f"{OPS}/ship", content=b"a,b\n1,2", content_type="text/csv")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "shipments.unreadable")


async def test_sent_and_taken_back_at_once_is_one_of_them(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.PHYSICAL, goods=GOODS, stock_cap=40)
    orders = [await promised(world, sku_id=sku_id) for _ in range(12)]

    async def send(order: Order) -> None:
        async with world.database.begin() as uow:
            await shipping.ship(uow, [ToShip(order.component_id, Parcel(**PARCEL))], shipped_by="o", now=utc_now())

    works: list[Callable[[], Awaitable[Any]]] = []
    for order in orders:
        works += [partial(send, order), partial(world.revoke, order)]
    await at_once(world, works)
    for order in orders:
        kinds = await world.kinds(order)
        assert kinds[1:] in (["card.issued", "card.revoke_refused"], ["card.revoked"]), kinds
    await world.assert_counters_equal_rows()


async def test_what_was_sent_long_ago_counts_as_received(world: World, door: Door) -> None:
    old, fresh = await promised(world), await promised(world)
    for order in (old, fresh):
        await ship(world, order)
    await world.fetch(
        "UPDATE shipments SET shipped_at = $2 WHERE component_id = $1",
        old.component_id,
        utc_now() - SIGNED_AFTER,
    )
    await jobs.sign_shipments(world.database)
    assert [(await shipment(world, order))["state"] for order in (old, fresh)] == ["signed", "shipped"]
    late = await promised(world)
    await world.fetch(
        "UPDATE shipments SET ship_before = now() - interval '1 hour' WHERE component_id = $1", late.component_id
    )
    (listed,) = (await door.get(OPS, overdue="true"))["items"]
    assert (listed["component_id"], listed["overdue"]) == (str(late.component_id), True)
    assert await _figures(world) == {"awaiting": 1, "overdue": 1}


async def _figures(world: World) -> dict[str, int]:
    async with world.database.read() as read:
        return await queries.read_figures(read, now=utc_now())


async def test_an_address_is_kept_for_as_long_as_something_is_to_be_sent_there(world: World) -> None:
    waiting, sent = await promised(world), await promised(world)
    await ship(world, sent)
    await world.fetch("UPDATE buyer_fields SET created_at = $1", utc_now() - BUYER_FIELDS_KEPT - timedelta(days=1))
    async with world.database.begin() as uow:
        await upkeep.forget_buyer_fields(uow, now=utc_now())
    assert await world.fetch("SELECT component_id FROM buyer_fields") == [{"component_id": waiting.component_id}]


def test_lines_that_were_not_filled_in_are_passed_over() -> None:
    text = "component_id,carrier,tracking_no\n`019,,\n"
    assert list(read_shipped(text)) == []


async def test_pages_of_operators_go_on_with_the_oldest(world: World, door: Door) -> None:
    sku_id = await world.sku(kind=SkuKind.PHYSICAL, goods=GOODS, stock_cap=9)
    orders = [await promised(world, sku_id=sku_id) for _ in range(3)]
    first = await door.get(OPS, state="awaiting", limit=2)
    rest = await door.get(OPS, state="awaiting", limit=2, cursor=first["next_cursor"])
    seen = [item["component_id"] for item in (*first["items"], *rest["items"])]
    assert seen == [str(order.component_id) for order in sorted(orders, key=lambda order: order.component_id)]
