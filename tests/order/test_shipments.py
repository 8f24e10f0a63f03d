"""What somebody has to send: the order waits for days and is not stuck, and can be taken back before it leaves."""

from datetime import timedelta
from typing import Any

import httpx
import orjson

from services.order.domain.deadlines import SHIPMENT_ASKED_EVERY
from shared.clock import new_id
from shared.contracts import InventoryReserveV1, OrderFulfilledV1
from shared.contracts.inventory import BuyerField, BuyerFieldKind, SkuComponent, SkuOffer
from shared.contracts.order import ComponentKind
from tests.order.facts import components, issued, promised, split, statuses
from tests.order.shop import Shop, offer
from tests.order.test_payments import jobs

ADDRESS = {
    "recipient": "李雷",
    "phone": "13800138000",
    "province": "上海市",
    "city": "上海市",
    "detail": "南京西路 1 号",
}


def gift_bundle() -> SkuOffer:
    """A code, and a gift that is sent."""
    asked = BuyerField(name="address", label_zh="地址", label_en="Address", kind=BuyerFieldKind.ADDRESS)
    gift = SkuComponent(
        sku_id=new_id(), name="礼品", kind=ComponentKind.PHYSICAL, quantity=1, weight=1, buyer_fields=(asked,)
    )
    code = offer().components[0]
    return offer(components=(code, gift))


async def bought(shop: Shop) -> Any:
    sold = gift_bundle()
    await shop.sells(sold)
    member = new_id()
    line = {"sku_id": str(sold.sku_id), "quantity": 1, "buyer_fields": {"address": ADDRESS}}
    placed = await shop.http.post("/v1/orders", json={"lines": [line]}, headers=shop.headers(member))
    assert placed.status_code == 201, placed.text
    order_id = placed.json()["order_id"]
    begun = await shop.begins_payment(order_id, member=member)
    await shop.notify(shop.receipt(begun.json()["pay_url"]))
    return await shop.order(order_id, member=member), member


async def figures(shop: Shop) -> tuple[int, dict[str, int]]:
    shop.desk.figures._read_at = None  # they are kept for some seconds
    told = (await shop.http.get("/internal/figures", headers=shop.operator_headers())).json()
    return told["stuck"], told["orders_by_state"]


async def test_a_parcel_is_waited_for_without_being_stuck(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    order, member = await bought(shop)
    code, gift = components(order)
    await shop.hear(issued(order, code), split(order, code), promised(order, gift))
    seen = await shop.order(order["order_id"], member=member)
    assert (seen["status"], statuses(seen)) == ("fulfilling", ["settled", "awaiting_shipment"])
    await jobs(shop, provider_http, later=timedelta(hours=20)).nudge_overdue()
    assert len(await shop.announced(InventoryReserveV1)) == 1, "an order is not late for days"
    assert await figures(shop) == (0, {"fulfilling": 1})
    await jobs(shop, provider_http, later=SHIPMENT_ASKED_EVERY + timedelta(minutes=1)).nudge_overdue()
    _, asked = await shop.announced(InventoryReserveV1)
    assert [str(part.component_id) for part in asked.components] == [gift["component_id"]]
    await shop.hear(promised(order, gift))
    assert await figures(shop) == (0, {"fulfilling": 1}), "what is promised again is not stuck"
    await shop.hear(issued(order, gift))
    assert len(await shop.announced(OrderFulfilledV1)) == 1
    await shop.hear(promised(order, gift), split(order, gift))
    done = await shop.order(order["order_id"], member=member)
    assert (done["status"], statuses(done)) == ("completed", ["settled", "settled"])


async def test_codes_are_told_of_before_the_gift_is_sent(shop: Shop) -> None:
    order, member = await bought(shop)
    code, gift = components(order)
    await shop.hear(issued(order, code))
    inbox = (await shop.http.get("/v1/me/messages", headers=shop.headers(member))).json()["items"]
    assert inbox == [], "what the gift comes to is not known yet"
    await shop.hear(promised(order, gift), issued(order, gift))
    (told,) = (await shop.http.get("/v1/me/messages", headers=shop.headers(member))).json()["items"]
    assert told["occasion"] == "fulfilled"
    assert code["name"] in str(told)
    assert gift["name"] not in str(told)


async def test_while_a_code_is_late_the_order_is_watched_by_the_minute(
    shop: Shop, provider_http: httpx.AsyncClient
) -> None:
    order, _ = await bought(shop)
    await shop.hear(promised(order, components(order)[1]))
    await jobs(shop, provider_http, later=timedelta(minutes=2)).nudge_overdue()
    assert len(await shop.announced(InventoryReserveV1)) == 2


async def test_before_it_leaves_it_can_be_taken_back(shop: Shop) -> None:
    order, member = await bought(shop)
    line, (_, gift) = order["lines"][0], components(order)
    await shop.hear(promised(order, gift))
    asked = {"lines": [{"line_id": line["line_id"], "components": [gift["component_id"]]}], "reason": "不要了"}
    answer = await shop.http.post(f"/v1/orders/{order['order_id']}/refunds", json=asked, headers=shop.headers(member))
    assert answer.status_code == 202, answer.text
    seen = await shop.order(order["order_id"], member=member)
    assert statuses(seen) == ["reserving", "revoking"]


async def test_an_address_is_told_in_parts_and_each_fault_is_named(shop: Shop) -> None:
    sold = gift_bundle()
    await shop.sells(sold)

    async def told(address: object) -> httpx.Response:
        line = {"sku_id": str(sold.sku_id), "quantity": 1, "buyer_fields": {"address": address}}
        return await shop.http.post("/v1/orders", json={"lines": [line]}, headers=shop.headers(new_id()))

    async def faults(address: object) -> list[tuple[str, str]]:
        refused = await told(address)
        assert (refused.status_code, refused.json()["code"]) == (422, "buyer_fields.invalid"), refused.text
        assert "李雷" not in refused.text
        return [(fault["field"], fault["code"]) for fault in refused.json()["errors"]]

    assert await faults({**ADDRESS, "phone": "call me", "postcode": "x"}) == [
        ("address.phone", "malformed"),
        ("address.postcode", "malformed"),
    ]
    assert await faults({**ADDRESS, "detail": ""}) == [("address.detail", "missing")]
    assert await faults("南京西路 1 号") == [("address.recipient", "missing")]
    assert (await told({**ADDRESS, "planet": "earth"})).status_code == 422
    assert (await told(ADDRESS)).status_code == 201
    (hold,) = shop.inventory.holds.values()
    assert orjson.loads(hold["components"][1]["buyer_fields"]["address"]) == ADDRESS
