"""What product pages say, when products are on the shelf, and what is never on it."""

from datetime import timedelta
from typing import Any

import pytest

from services.inventory.domain.listing import FORBIDDEN, ListingForbiddenError, check_listing
from services.inventory.usecases import listing, upkeep
from shared.clock import utc_now
from tests.inventory.door import ANYONE, Door, buyer
from tests.inventory.world import World, codes, order_of

PAGE = {
    "included": ["月卡 1 张", "季卡 1 张"],
    "worth_minor": 10_700,
    "why": "打包立省 8 元",
    "instructions": "付款后在权益中心查看",
    "images": ["https://img.example.com/a.png"],
}


async def test_a_page_says_what_is_included_what_it_is_worth_and_why(door: Door) -> None:
    product_id = await door.product("礼包", **PAGE)
    seen = await door.get(f"/v1/products/{product_id}", who=ANYONE)
    assert {name: seen[name] for name in PAGE} == PAGE
    change = {"included": ["年卡"], "worth_minor": None}
    changed = await door.call("PATCH", f"/v1/ops/products/{product_id}", json=change)
    assert (changed.json()["included"], changed.json()["worth_minor"], changed.json()["why"]) == (
        ["年卡"],
        None,
        PAGE["why"],
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"images": ["javascript:alert(1)"]}, "body.invalid"),
        ({"worth_minor": -1}, "body.invalid"),
        ({"on_shelf_from": "2027-01-02T00:00:00Z", "on_shelf_until": "2027-01-01T00:00:00Z"}, "shelf_times.invalid"),
        ({"on_shelf_from": "2027-01-02T00:00:00"}, "body.invalid"),
        ({"name": "澳门 赌·场 充值"}, "listing.forbidden"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(door: Door, world: World, body: dict[str, Any], code: str) -> None:
    answer = await door.call("POST", "/v1/ops/products", json={"name": "x", "category": "video", **body})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await world.value("SELECT count(*) FROM products") == 0


async def test_the_clock_opens_and_closes_the_shelf_and_the_job_says_so(door: Door, world: World) -> None:
    now = utc_now()
    opens, closes = now + timedelta(hours=1), now + timedelta(hours=2)
    product_id = await door.product(on_shelf_from=opens.isoformat(), on_shelf_until=closes.isoformat())
    await door.get(f"/v1/products/{product_id}", who=ANYONE, expect=404)
    assert (await door.get("/v1/products", who=ANYONE))["items"] == []
    for moment in (now, opens, opens + timedelta(minutes=1), closes, closes):
        async with world.database.begin() as uow:
            await listing.announce_shelf(uow, now=moment)
    said = [(event["on_shelf"], event["listed"]) for event in await world.events("product")]
    assert said == [(False, True), (True, True), (False, True)]
    change = {"on_shelf_from": None}
    assert (await door.call("PATCH", f"/v1/ops/products/{product_id}", json=change)).status_code == 200
    await door.get(f"/v1/products/{product_id}", who=ANYONE)
    late = {"on_shelf_from": (closes + timedelta(hours=1)).isoformat()}
    refused = await door.call("PATCH", f"/v1/ops/products/{product_id}", json=late)
    assert refused.json()["code"] == "shelf_times.invalid"


async def test_categories_have_two_levels_and_hold_together(door: Door) -> None:
    free = await door.product("before there was a list", category="whatever")
    await _put(door, "members", name="会员")
    await _put(door, "video", name="视频会员", parent_code="members", position=2)
    await _put(door, "music", name="音乐会员", parent_code="members", position=1)
    listed = await door.get("/v1/categories", who=ANYONE)
    assert [(top["code"], [child["code"] for child in top["children"]]) for top in listed["items"]] == [
        ("members", ["music", "video"])
    ]
    assert await _put(door, "third", name="x", parent_code="video") == "category.refused"
    assert await _put(door, "members", name="x", parent_code="video") == "category.refused"
    assert await _put(door, "x", name="x", parent_code="nowhere") == "category.unknown"
    product_id = await door.product("在列", category="video")
    found = await door.get("/v1/products", who=ANYONE, category="members")
    assert [product["product_id"] for product in found["items"]] == [product_id]
    refused = await door.call("POST", "/v1/ops/products", json={"name": "x", "category": "whatever"})
    assert (refused.status_code, refused.json()["code"]) == (422, "category.unknown")
    assert (await door.call("PATCH", f"/v1/ops/products/{free}", json={"name": "y"})).status_code == 200
    for code, status in (("members", 409), ("video", 409), ("music", 204), ("music", 422)):
        assert (await door.call("DELETE", f"/v1/ops/categories/{code}")).status_code == status


async def test_a_new_forbidden_word_clears_the_shelf_and_stays(door: Door, world: World) -> None:
    exam, other = await door.product("代考服务"), await door.product("视频会员")
    hidden = await door.product("普通", on_shelf=False)
    await door.sku(other, name="月卡")
    sku_id = await door.sku(hidden, name="月卡")
    assert await door.post("/v1/ops/forbidden-words", {"word": "代考"}, expect=200) == {"products_taken_off": 1}
    await door.get(f"/v1/products/{exam}", who=ANYONE, expect=404)
    assert [event["on_shelf"] for event in await world.events("product") if event["product_id"] == exam] == [
        True,
        False,
    ]
    for path, change in (
        (f"/v1/ops/products/{exam}", {"on_shelf": True}),
        (f"/v1/ops/skus/{sku_id}", {"name": "代 考"}),
        (f"/v1/ops/products/{other}", {"included": ["代-考"]}),
    ):
        refused = await door.call("PATCH", path, json=change)
        assert (refused.status_code, refused.json()["code"], refused.json()["word"]) == (
            422,
            "listing.forbidden",
            "代考",
        )
    assert "代考" in (await door.get("/v1/ops/forbidden-words"))["added"]
    assert (await door.call("DELETE", "/v1/ops/forbidden-words/代考")).status_code == 204
    assert (
        await door.call("DELETE", "/v1/ops/forbidden-words/赌博")
    ).status_code == 422  # nobody takes away the closed list
    assert (await door.call("PATCH", f"/v1/ops/products/{exam}", json={"on_shelf": True})).status_code == 200
    assert (await door.call("POST", "/v1/ops/forbidden-words", who=buyer(), json={"word": "x"})).status_code == 403


@pytest.mark.parametrize(
    "text", ["在线博彩", "博 彩", "Online CASINO chips", "online-casino", "ＣＡＳＩＮＯ", "博\u200b彩"]
)
def test_forbidden_kinds_are_found_however_they_are_written(text: str) -> None:
    with pytest.raises(ListingForbiddenError):
        check_listing([text])


def test_honest_goods_are_not_taken_for_forbidden_ones() -> None:
    check_listing(["腾讯视频 VIP 月卡", "Occasinoal gift", "说笑气氛组", "麻烦大麻烦小", "Q 币 100"])
    assert set(FORBIDDEN) >= {"gambling", "pornography", "drugs"}


async def test_goods_whose_stock_all_expires_leave_the_shelf_and_come_back_with_new_cards(
    door: Door, world: World
) -> None:
    product_id = await door.product()
    sku_id, bundle_product = await door.sku(product_id), await door.product("组合")
    bundle = await door.sku(bundle_product, kind="bundle", components=[{"sku_id": sku_id}])
    await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": codes(2)})
    await _let_expire(world, cards=2)
    for gone in (product_id, bundle_product):
        await door.get(f"/v1/products/{gone}", who=ANYONE, expect=404)
    last = {event["product_id"]: event["skus"] for event in await world.events("product")}
    assert [sku["on_sale"] for skus in (last[product_id], last[bundle_product]) for sku in skus] == [False, False]
    await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": codes(1, prefix="NEW")})
    (seen,) = (await door.get(f"/v1/products/{bundle_product}", who=ANYONE))["skus"]
    assert (seen["sku_id"], seen["stock"]) == (bundle, 1)
    async with world.database.begin() as uow:
        assert await listing.announce_shelf(uow, now=utc_now()) == 2
        assert await listing.announce_shelf(uow, now=utc_now()) == 0
    last = {event["product_id"]: event["skus"] for event in await world.events("product")}
    assert last[product_id][0]["on_sale"]


async def test_goods_that_only_sold_out_stay_on_the_shelf(door: Door, world: World) -> None:
    order, _ = await world.issued(cards=1)
    await _let_expire(world, cards=0)
    sku_id = order.parts[0][1]
    assert [sku["stock"] for sku in (await door.get("/v1/products", who=ANYONE))["items"][0]["skus"]] == [0]
    held = order_of((sku_id, 1))
    await world.import_codes(sku_id, codes(2))
    await world.hold(held)
    await _let_expire(world, cards=1)  # the other one is held
    assert await world.value("SELECT count(*) FROM skus WHERE expired_at IS NOT NULL") == 0


@pytest.mark.parametrize("cap", [None, 5])
async def test_what_a_supplier_can_deliver_stays_on_sale_when_its_cards_expire(world: World, cap: int | None) -> None:
    sku_id = await world.sku(supplied=True, stock_cap=cap)
    await world.import_codes(sku_id, codes(2))
    await _let_expire(world, cards=2)
    assert await world.value("SELECT count(*) FROM shelf") == 0
    assert await world.value("SELECT count(*) FROM skus WHERE expired_at IS NOT NULL") == 0


async def _let_expire(world: World, *, cards: int) -> None:
    later = utc_now() + timedelta(days=1)
    async with world.database.begin() as uow:
        await uow.raw.execute("UPDATE shelf SET expires_at = $1", utc_now())
        assert await upkeep.take_expired_cards(uow, now=later) == cards


async def _put(door: Door, code: str, **body: Any) -> str | None:
    answer = await door.call("PUT", f"/v1/ops/categories/{code}", json=body)
    refused: str | None = answer.json().get("code")
    return refused
