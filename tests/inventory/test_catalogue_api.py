"""Products and SKUs over HTTP."""

from typing import Any

import pytest

from shared.clock import new_id
from tests.inventory.door import ANYONE, ORDER_SERVICE, Door, buyer
from tests.inventory.world import World


async def test_a_product_is_made_seen_and_announced(door: Door, world: World) -> None:
    product_id = await door.product("音乐会员", description="每天都能听")
    sku_id = await door.sku(product_id, price_minor=1_500, partner_id=str(new_id()))
    seen = await door.get(f"/v1/products/{product_id}", who=ANYONE)
    assert seen["name"] == "音乐会员"
    (sku,) = seen["skus"]
    told = {
        "sku_id": sku_id,
        "name": "月卡",
        "kind": "card_key",
        "price_minor": 1_500,
        "currency": "CNY",
        "max_per_order": 10,
        "stock": 0,
        "stock_unlimited": False,
        "components": None,
    }
    assert {name: sku[name] for name in told} == told
    versions = [event["version"] for event in await world.events("product")]
    assert versions == [1, 2]


async def test_a_bundle_has_the_stock_of_its_scarcest_part(door: Door, world: World) -> None:
    product_id = await door.product()
    video, music = await door.sku(product_id, name="视频"), await door.sku(product_id, name="音乐")
    parts = [{"sku_id": video, "quantity": 1, "weight": 3}, {"sku_id": music, "quantity": 2, "weight": 2}]
    bundle = await door.sku(product_id, name="联名", kind="bundle", price_minor=3_000, components=parts)
    await _import(door, video, 9)
    await _import(door, music, 7)
    seen = await door.get(f"/v1/products/{product_id}", who=ANYONE)
    stock = {sku["sku_id"]: sku["stock"] for sku in seen["skus"]}
    assert stock == {video: 9, music: 7, bundle: 3}
    (offer,) = [sku for sku in (await world.events("product"))[-1]["skus"] if sku["sku_id"] == bundle]
    assert [(part["sku_id"], part["quantity"], part["weight"]) for part in offer["components"]] == [
        (video, 1, 3),
        (music, 2, 2),
    ]


async def test_a_change_of_a_part_is_announced_for_the_bundles_with_it(door: Door, world: World) -> None:
    parts_product, bundle_product = await door.product("零件"), await door.product("组合")
    part = await door.sku(parts_product)
    await door.sku(bundle_product, kind="bundle", components=[{"sku_id": part}])
    answer = await door.call("PATCH", f"/v1/ops/skus/{part}", json={"name": "新名字", "price_minor": 2_100})
    assert answer.json()["price_minor"] == 2_100
    last = {event["product_id"]: event for event in await world.events("product")}
    assert last[bundle_product]["version"] == 3
    assert last[bundle_product]["skus"][0]["components"][0]["name"] == "新名字"


async def test_what_is_off_the_shelf_is_not_shown(door: Door, world: World) -> None:
    product_id = await door.product("藏起来")
    other = await door.product("看得见")
    sku_id = await door.sku(other)
    await door.call("PATCH", f"/v1/ops/products/{product_id}", json={"on_shelf": False})
    await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"on_sale": False})
    await door.get(f"/v1/products/{product_id}", who=ANYONE, expect=404)
    listed = await door.get("/v1/products", who=ANYONE, category="video")
    assert [(product["name"], product["skus"]) for product in listed["items"]] == [("看得见", [])]
    assert len((await door.get("/v1/ops/products"))["items"]) == 2
    assert (await world.events("product", None))[-1]["skus"][0]["on_sale"] is False


async def test_products_are_found_by_name_and_paged(door: Door) -> None:
    for number in range(3):
        await door.product(f"Video {number}")
    await door.product("Music")
    found = await door.get("/v1/products", who=ANYONE, q="video", limit=2)
    assert [product["name"] for product in found["items"]] == ["Video 2", "Video 1"]
    rest = await door.get("/v1/products", who=ANYONE, q="video", limit=2, cursor=found["next_cursor"])
    assert [product["name"] for product in rest["items"]] == ["Video 0"]
    await door.get("/v1/products", who=ANYONE, cursor="nonsense", expect=422)


async def test_a_write_repeated_with_its_key_happens_once(door: Door, world: World) -> None:
    body = {"name": "一次", "category": "video"}
    first = await door.call("POST", "/v1/ops/products", key="once", json=body)
    again = await door.call("POST", "/v1/ops/products", key="once", json=body)
    other = await door.call("POST", "/v1/ops/products", key="once", json={**body, "name": "二次"})
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    assert await world.value("SELECT count(*) FROM products") == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"price_minor": -1}, 422, "body.invalid"),
        ({"price_minor": 1.5}, 422, "body.invalid"),
        ({"currency": "yuan"}, 422, "body.invalid"),
        ({"max_per_order": 0}, 422, "body.invalid"),
        ({"kind": "nft"}, 422, "body.invalid"),
        ({"product_id": "01a200a1-0000-7000-8000-000000000000"}, 404, "product.unknown"),
        ({"price_floor_minor": 9_999}, 409, "price.below_floor"),
        ({"stock_cap": 5}, 409, "stock.cap_refused"),
        ({"kind": "bundle"}, 422, "bundle.invalid"),
        ({"kind": "bundle", "components": [{"sku_id": "01a200a1-0000-7000-8000-000000000000"}]}, 422, "bundle.invalid"),
    ],
)
async def test_a_sku_that_cannot_be_is_refused(
    door: Door, world: World, change: dict[str, Any], status: int, code: str
) -> None:
    product_id = await door.product()
    body = {"product_id": product_id, "name": "月卡", "kind": "card_key", "price_minor": 1_900, **change}
    answer = await door.call("POST", "/v1/ops/skus", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await world.value("SELECT count(*) FROM skus") == 0


async def test_a_price_never_goes_below_its_floor(door: Door) -> None:
    sku_id = await door.sku(await door.product(), price_minor=1_900, price_floor_minor=1_500)
    refused = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"price_minor": 1_499})
    assert (refused.status_code, refused.json()["code"]) == (409, "price.below_floor")
    assert (await door.get(f"/v1/ops/skus/{sku_id}"))["price_minor"] == 1_900


async def test_only_operators_make_products(door: Door) -> None:
    body = {"name": "x", "category": "y"}
    for who, status in ((buyer(), 403), (ORDER_SERVICE, 403), (ANYONE, 401)):
        assert (await door.call("POST", "/v1/ops/products", who=who, json=body)).status_code == status


async def _import(door: Door, sku_id: str, count: int) -> None:
    await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": [f"{sku_id}-{number}" for number in range(count)]})
