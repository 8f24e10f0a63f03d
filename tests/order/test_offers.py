"""What inventory announces of products, and what order makes of it at checkout."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clock import new_id, utc_now
from shared.contracts import MemberTierChangedV1
from shared.contracts.inventory import BuyerField, BuyerFieldKind, BuyerFieldPattern, LadderStep, SkuPeriod
from tests.order.shop import Shop, offer, product


async def test_the_clock_opens_and_closes_the_shelf_whatever_was_announced(shop: Shop) -> None:
    now, hour = utc_now(), timedelta(hours=1)
    early, late, open_now = offer(), offer(), offer()
    await shop.hear(
        product(early, on_shelf=True, listed=True, on_shelf_from=now + hour),
        product(late, on_shelf=True, listed=True, on_shelf_until=now - hour),
        product(open_now, on_shelf=False, listed=True, on_shelf_from=now - hour, on_shelf_until=now + hour),
    )
    await shop.desk.catalogue.refresh()
    answers = [await shop.orders((sold, 1), member=new_id()) for sold in (early, late, open_now)]
    assert [answer.status_code for answer in answers] == [409, 409, 201]
    assert answers[0].json()["code"] == "sku.off_shelf"


async def test_a_quote_explains_ladder_and_tier_line_by_line(shop: Shop) -> None:
    sold = offer(
        price_minor=1_900,
        period=SkuPeriod.MONTH,
        ladder=(LadderStep(quantity_from=10, unit_minor=1_800),),
        floor_minor=10,
    )
    member = await _member(shop, "gold", price_bp=9_000)
    await shop.sells(sold)
    body = {"lines": [{"sku_id": str(sold.sku_id), "quantity": 10}]}
    quoted = (await shop.http.post("/v1/quotes", json=body, headers=shop.headers(member))).json()
    assert [(step["kind"], step["amount_minor"]) for step in quoted["adjustments"]] == [
        ("ladder", 1_000),
        ("tier", 1_800),
    ]
    assert (quoted["list_minor"], quoted["total_minor"], quoted["lines"][0]["period"]) == (19_000, 16_200, "month")
    assert quoted["lines"][0]["adjustments"] == quoted["adjustments"]
    placed = await shop.orders((sold, 10), member=member, expected_total_minor=16_200)
    assert placed.json()["adjustments"] == quoted["adjustments"]


async def test_goods_for_some_tiers_are_sold_to_them_alone(shop: Shop) -> None:
    sold = offer(tiers=("gold", "platinum"))
    await shop.sells(sold)
    gold, silver = await _member(shop, "gold"), await _member(shop, "silver")
    assert (await shop.orders((sold, 1), member=gold)).status_code == 201
    for buyer in (silver, new_id(), None):
        refused = await shop.orders((sold, 1), member=buyer)
        assert (refused.status_code, refused.json()["code"]) == (403, "tier.required")
        assert refused.json()["tiers"] == ["gold", "platinum"]
    body = {"lines": [{"sku_id": str(sold.sku_id), "quantity": 1}]}
    assert (await shop.http.post("/v1/quotes", json=body, headers=shop.headers(silver))).status_code == 403


async def test_high_tiers_buy_before_the_public(shop: Shop) -> None:
    later, earlier = utc_now() + timedelta(hours=1), utc_now() - timedelta(hours=1)
    soon, begun = (offer(early_tiers=("platinum",), public_from=moment) for moment in (later, earlier))
    await shop.sells(soon, begun)
    platinum, gold = await _member(shop, "platinum"), await _member(shop, "gold")
    answers = [(await shop.orders((sold, 1), member=buyer)) for sold in (soon, begun) for buyer in (platinum, gold)]
    assert [answer.status_code for answer in answers] == [201, 403, 201, 201]
    assert datetime.fromisoformat(answers[1].json()["public_from"]) == later


async def test_each_field_that_is_wrong_is_named_and_its_value_is_not(shop: Shop) -> None:
    asked = (
        _field("phone", BuyerFieldKind.PHONE, pattern=BuyerFieldPattern.CN_MOBILE),
        _field("region", BuyerFieldKind.CHOICE, choices=("cn", "hk")),
        _field("remark", BuyerFieldKind.TEXT, required=False),
    )
    part = offer().components[0].model_copy(update={"buyer_fields": asked})
    sold, free = offer(components=(part,)), offer()
    await shop.sells(sold, free)

    async def told(**fields: str) -> Any:
        lines = [
            {"sku_id": str(free.sku_id), "quantity": 1, "buyer_fields": {"whatever": "x"}},
            {"sku_id": str(sold.sku_id), "quantity": 1, "buyer_fields": fields},
        ]
        return await shop.http.post("/v1/orders", json={"lines": lines}, headers=shop.headers(new_id()))

    refused = await told(phone="secret-12345", region="us", extra="x")
    assert (refused.status_code, refused.json()["code"]) == (422, "buyer_fields.invalid")
    assert refused.json()["errors"] == [
        {"line": 1, "field": "phone", "code": "malformed"},
        {"line": 1, "field": "region", "code": "not_a_choice"},
        {"line": 1, "field": "extra", "code": "unknown"},
    ]
    assert "secret" not in refused.text
    assert [fault["code"] for fault in (await told(phone="")).json()["errors"]] == ["missing", "missing"]
    assert (await told(phone="+8613800138000", region="hk")).status_code == 201
    (hold,) = shop.inventory.holds.values()
    assert hold["components"][1]["buyer_fields"] == {"phone": "+8613800138000", "region": "hk"}


def _field(name: str, kind: BuyerFieldKind, **more: Any) -> BuyerField:
    return BuyerField(name=name, label_zh=name, label_en=name, kind=kind, **more)


async def _member(shop: Shop, tier: str, *, price_bp: int = 10_000) -> UUID:
    member_id = new_id()
    await shop.hear(
        MemberTierChangedV1(member_id=member_id, sequence=1, tier=tier, price_bp=price_bp, changed_at=utc_now())
    )
    return member_id
