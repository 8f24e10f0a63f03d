"""Holds, suppliers and figures over HTTP."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.clock import new_id, utc_now
from tests.inventory.door import ANYONE, OPERATOR, ORDER_SERVICE, Door, buyer
from tests.inventory.supply import SECRET, running_supply
from tests.inventory.world import World, order_of

HOLDS = "/internal/holds"
SUPPLIERS = "/v1/ops/suppliers"


def hold_body(*parts: tuple[Any, int], **more: Any) -> dict[str, Any]:
    components = [
        {"component_id": str(new_id()), "line_id": str(new_id()), "sku_id": str(sku_id), "quantity": quantity}
        for sku_id, quantity in parts
    ]
    expires_at = (utc_now() + timedelta(minutes=20)).isoformat()
    return {"order_id": str(new_id()), "expires_at": expires_at, "components": components, **more}


async def test_the_order_service_holds_and_lets_go(world: World, door: Door) -> None:
    sku_id = await world.sku(cards=3)
    body = hold_body((sku_id, 2))
    assert await door.post(HOLDS, body, who=ORDER_SERVICE) == {}
    assert await door.post(HOLDS, body, who=ORDER_SERVICE) == {}
    refused = await door.post(HOLDS, hold_body((sku_id, 2)), who=ORDER_SERVICE, expect=409)
    assert refused["code"] == "stock.insufficient"
    assert (refused["sku_id"], refused["available"]) == (str(sku_id), 1)
    for _ in range(2):
        answer = await door.call("DELETE", f"{HOLDS}/{body['order_id']}", who=ORDER_SERVICE)
        assert answer.status_code == 204
    assert await world.stock(sku_id) == (3, 0, 0)


async def test_many_checkouts_at_once_are_few_transactions(world: World, door: Door) -> None:
    sku_id = await world.sku(cards=100)
    answers = await asyncio.gather(
        *(door.call("POST", HOLDS, json=hold_body((sku_id, 1)), who=ORDER_SERVICE) for _ in range(120))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 100 + [409] * 20
    transactions = await world.value("SELECT count(DISTINCT xmin::text) FROM holds")
    assert transactions <= 20


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"components": []}, 422, "body.invalid"),
        ({"expires_at": "2026-11-22T10:00:00"}, 422, "body.invalid"),
        ({"order_id": "7"}, 422, "body.invalid"),
        ({"gift": True}, 422, "body.invalid"),
    ],
)
async def test_a_hold_that_cannot_be_read_is_refused(
    world: World, door: Door, change: dict[str, Any], status: int, code: str
) -> None:
    body = hold_body((await world.sku(cards=1), 1)) | change
    assert (await door.post(HOLDS, body, who=ORDER_SERVICE, expect=status))["code"] == code


async def test_quantities_and_skus_that_cannot_be_are_refused(world: World, door: Door) -> None:
    sku_id = await world.sku(cards=1)
    for quantity in (0, -1, 10_001, 1.5, "many"):
        body = hold_body((sku_id, quantity))  # type: ignore[arg-type]  # on purpose
        assert (await door.post(HOLDS, body, who=ORDER_SERVICE, expect=422))["code"] == "body.invalid"
    unknown = await door.post(HOLDS, hold_body((new_id(), 1)), who=ORDER_SERVICE, expect=404)
    assert unknown["code"] == "sku.unknown"
    assert await world.stock(sku_id) == (1, 0, 0)


async def test_only_services_hold(world: World, door: Door) -> None:
    body = hold_body((await world.sku(cards=1), 1))
    for who in (buyer(), ANYONE):
        assert (await door.call("POST", HOLDS, json=body, who=who)).status_code == 403


async def test_suppliers_are_kept_without_showing_their_secret(world: World, door: Door, tmp_path: Path) -> None:
    async with running_supply(world, tmp_path) as supply:
        offer = {"sku_id": str(supply.sku_id), "supplier_sku": "TOPUP-10", "cost_minor": 950}
        unchanged = {"paused_reason": None, "price_rule": "alert", "margin_bp": None, "stock": None}
        body = {"name": "第二家", "base_url": supply.url, "secret": SECRET, "skus": [offer]}
        supplier_id = (await door.post(SUPPLIERS, body))["supplier_id"]
        listed = await door.get(SUPPLIERS)
        assert [supplier["name"] for supplier in listed["items"]] == ["第二家", "sandbox"]
        assert listed["items"][0]["skus"] == [{**offer, "priority": 1, "weight": 1, **unchanged}]
        assert SECRET not in str(listed)
        assert (await door.post(SUPPLIERS, body, expect=409))["code"] == "supplier.exists"

        path = f"{SUPPLIERS}/{supplier_id}"
        assert (await door.call("PATCH", path, json={"active": False})).status_code == 204
        changed = {"skus": [{**offer, "cost_minor": 900, "priority": 2}]}
        assert (await door.call("PUT", f"{path}/skus", json=changed)).status_code == 204
        (first, _) = (await door.get(SUPPLIERS))["items"]
        assert (first["active"], first["skus"][0]["cost_minor"]) == (False, 900)


async def test_suppliers_that_cannot_be_are_refused(world: World, door: Door) -> None:
    offer = {"sku_id": str(new_id()), "supplier_sku": "X", "cost_minor": 1}
    good = {"name": "x", "base_url": "http://127.0.0.1:1", "secret": SECRET}
    assert (await door.post(SUPPLIERS, {**good, "skus": [offer]}, expect=404))["code"] == "sku.unknown"
    for wrong in ({"base_url": "ftp://x"}, {"base_url": "http://user:pw@x"}, {"secret": "short"}, {"name": ""}):
        assert (await door.post(SUPPLIERS, {**good, **wrong}, expect=422))["code"] == "body.invalid"
    path = f"{SUPPLIERS}/{new_id()}"
    assert (await door.call("PATCH", path, json={"active": True})).json()["code"] == "supplier.unknown"
    sku_id = str(await world.sku())
    answer = await door.call("PUT", f"{path}/skus", json={"skus": [{**offer, "sku_id": sku_id}]})
    assert answer.json()["code"] == "supplier.unknown"
    assert (await door.post(f"{SUPPLIERS}/tasks/{new_id()}/resolve", {"outcome": "delivered"}, expect=404))["code"]


async def test_a_cap_limits_top_ups(door: Door) -> None:
    sku_id = await door.sku(await door.product(), kind="direct_top_up")
    seen = await door.get(f"/v1/ops/skus/{sku_id}")
    assert (seen["stock_unlimited"], seen["on_hand"]) == (True, None)
    await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"stock_cap": 3})
    fields = {"account": "13800001111"}
    body = hold_body((sku_id, 2))
    body["components"][0]["buyer_fields"] = fields
    await door.post(HOLDS, body, who=ORDER_SERVICE)
    refused = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"stock_cap": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock.cap_refused")
    missing = await door.post(HOLDS, hold_body((sku_id, 1)), who=ORDER_SERVICE, expect=422)
    assert missing["code"] == "buyer_fields.missing"


async def test_figures_for_the_dashboard(world: World, door: Door) -> None:
    product_id = await door.product()
    low = await door.sku(product_id, name="快没了", low_stock_below=5)
    await door.post(f"/v1/ops/skus/{low}/batches", {"codes": ["AAAA-0001", "AAAA-0002"]})
    await world.issued(cards=3)
    await world.hold(order_of((await world.sku(cards=1), 1)))
    figures = await door.get("/internal/figures", who=OPERATOR)
    assert figures["low_stock"] == [{"sku_id": low, "name": "快没了", "available": 2, "low_stock_below": 5}]
    assert figures["cards"] == {"on_hand": 5, "held": 1, "sold": 1}
    assert (figures["supplier_tasks"], figures["low_balances"]) == ({}, [])
    assert figures["holds"] == 1
    assert (await door.call("GET", "/internal/figures", who=buyer())).status_code == 403
