"""Whether something else will do is the buyer's to say at checkout, and what it was is the buyer's to see."""

from uuid import UUID

from shared.clock import new_id
from shared.contracts import InventoryReserveV1
from tests.order.facts import components, issued
from tests.order.shop import Shop, bundle, offer


async def test_what_the_buyer_accepts_is_locked_and_told_with_the_command(shop: Shop) -> None:
    either, exactly = bundle(1, 1, price_minor=0), offer(price_minor=0)
    await shop.sells(either, exactly)
    lines = [
        {"sku_id": str(either.sku_id), "quantity": 1},
        {"sku_id": str(exactly.sku_id), "quantity": 1, "accept_substitutes": False},
    ]
    placed = await shop.http.post("/v1/orders", json={"lines": lines}, headers=shop.headers(new_id()))
    assert placed.status_code == 201, placed.text
    (command,) = await shop.announced(InventoryReserveV1)
    assert {part.sku_id: part.accept_substitutes for part in command.components} == {
        either.components[0].sku_id: True,
        either.components[1].sku_id: True,
        exactly.components[0].sku_id: False,
    }
    answer = await shop.http.post(
        f"/v1/ops/orders/{placed.json()['order_id']}/announcements", json={}, headers=shop.operator_headers()
    )
    assert answer.status_code == 202, answer.text
    _, again = await shop.announced(InventoryReserveV1)
    assert again == command


async def test_the_buyer_sees_what_was_delivered_instead(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    (part,) = components(order)
    other = new_id()
    await shop.hear(
        issued(order, part).model_copy(update={"delivered_sku_id": other, "delivered_name": "同级会员月卡"})
    )
    guest = shop.headers(None, order_id=UUID(order["order_id"]))
    seen = (await shop.http.get(f"/v1/orders/{order['order_id']}", headers=guest)).json()
    (delivered,) = components(seen)
    assert (delivered["substituted_sku_id"], delivered["substituted_name"]) == (str(other), "同级会员月卡")
    assert delivered["sku_id"] == part["sku_id"]
    assert len(delivered["masked"]) == 1
