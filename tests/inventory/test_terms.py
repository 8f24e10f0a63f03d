"""The terms on which SKUs are sold: what operators may set, what buyers see, what is announced."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.inventory.domain.stock import HoldRequest, WantedComponent, needed_fields
from services.inventory.usecases import holds
from shared.clock import new_id, utc_now
from tests.inventory.door import ANYONE, Door
from tests.inventory.world import World, codes

PHONE = {"name": "account", "label_zh": "手机号", "label_en": "Mobile", "kind": "phone", "pattern": "cn_mobile"}
REMARK = {"name": "remark", "label_zh": "留言", "label_en": "Remark", "kind": "text", "required": False}
TERMS: dict[str, Any] = {
    "price_floor_minor": 1_500,
    "max_per_order": 100,
    "period": "month",
    "ladder": [{"quantity_from": 10, "unit_minor": 1_800}, {"quantity_from": 50, "unit_minor": 1_600}],
    "min_per_order": 2,
    "order_step": 2,
    "max_per_member": 20,
    "max_per_member_day": 10,
    "tiers": ["gold", "platinum"],
    "public_from": "2027-01-01T00:00:00Z",
    "early_tiers": ["platinum"],
    "buyer_fields": [{**REMARK, "pattern": "any", "choices": []}],
}


async def test_terms_are_set_seen_and_announced(door: Door, world: World) -> None:
    product_id = await door.product()
    sku_id = await door.sku(product_id, **TERMS)
    (seen,) = (await door.get(f"/v1/products/{product_id}", who=ANYONE))["skus"]
    shown = {name: value for name, value in TERMS.items() if name != "price_floor_minor"}
    assert {name: seen[name] for name in shown} == shown
    (offer,) = (await world.events("product"))[-1]["skus"]
    assert (offer["floor_minor"], offer["period"], offer["ladder"]) == (1_500, "month", TERMS["ladder"])
    assert (offer["tiers"], offer["early_tiers"]) == (TERMS["tiers"], ["platinum"])
    assert [field["name"] for field in offer["components"][0]["buyer_fields"]] == ["remark"]
    change: dict[str, Any] = {
        "ladder": [],
        "max_per_member": None,
        "early_tiers": [],
        "public_from": None,
        "min_per_order": 4,
    }
    changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json=change)
    assert {name: changed.json()[name] for name in change} == change
    assert changed.json()["max_per_member_day"] == 10


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ladder": [{"quantity_from": 10, "unit_minor": 1_900}]}, 422, "sku_terms.invalid"),
        ({"ladder": [*reversed(TERMS["ladder"])]}, 422, "sku_terms.invalid"),
        (
            {"ladder": [{"quantity_from": 10, "unit_minor": 1_400}], "price_floor_minor": 1_500},
            409,
            "price.below_floor",
        ),
        ({"ladder": [{"quantity_from": 1, "unit_minor": 1_400}]}, 422, "body.invalid"),
        ({"order_step": 2}, 422, "sku_terms.invalid"),
        ({"min_per_order": 11}, 422, "sku_terms.invalid"),
        ({"min_per_order": 2, "max_per_member": 1}, 422, "sku_terms.invalid"),
        ({"early_tiers": ["gold"]}, 422, "sku_terms.invalid"),
        ({"period": "week"}, 422, "body.invalid"),
        ({"buyer_fields": [REMARK, REMARK]}, 422, "sku_terms.invalid"),
        ({"buyer_fields": [{**REMARK, "kind": "choice"}]}, 422, "sku_terms.invalid"),
        ({"buyer_fields": [{**REMARK, "pattern": "(a+)+$"}]}, 422, "body.invalid"),
        ({"kind": "direct_top_up", "buyer_fields": [REMARK]}, 422, "sku_terms.invalid"),
    ],
)
async def test_terms_that_contradict_each_other_are_refused(
    door: Door, world: World, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"product_id": await door.product(), "name": "月卡", "kind": "card_key", "price_minor": 1_900, **change}
    answer = await door.call("POST", "/v1/ops/skus", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await world.value("SELECT count(*) FROM skus") == 0


async def test_a_change_is_judged_together_with_what_stays(door: Door) -> None:
    sku_id = await door.sku(await door.product(), **TERMS)
    for change, code in (
        ({"price_minor": 1_700}, "sku_terms.invalid"),
        ({"price_floor_minor": 1_700}, "price.below_floor"),
        ({"min_per_order": 3}, "sku_terms.invalid"),
    ):
        refused = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json=change)
        assert refused.json()["code"] == code


async def test_a_bundle_asks_for_what_its_parts_need_once(door: Door) -> None:
    product_id = await door.product()
    phone = await door.sku(product_id, kind="direct_top_up", buyer_fields=[PHONE])
    plain = await door.sku(product_id, kind="direct_top_up")
    card = await door.sku(product_id, buyer_fields=[REMARK])
    parts = [{"sku_id": sku_id} for sku_id in (phone, plain, card)]
    bundle = await door.sku(product_id, kind="bundle", components=parts)
    skus = {sku["sku_id"]: sku for sku in (await door.get(f"/v1/products/{product_id}", who=ANYONE))["skus"]}
    asked = {sku_id: [field["name"] for field in sku["buyer_fields"]] for sku_id, sku in skus.items()}
    assert asked == {phone: ["account"], plain: ["account"], card: ["remark"], bundle: ["account", "remark"]}
    refused = await door.call("PATCH", f"/v1/ops/skus/{bundle}", json={"buyer_fields": [REMARK]})
    assert refused.json()["code"] == "sku_terms.invalid"


async def test_what_the_goods_ask_for_is_kept_sealed_and_nothing_else(world: World, door: Door) -> None:
    asking = UUID(await door.sku(await door.product(), buyer_fields=[REMARK]))
    silent = UUID(await door.sku(await door.product()))
    told = {"remark": "for my sister", "diary": "private"}
    components = tuple(WantedComponent(new_id(), new_id(), sku_id, 1, told) for sku_id in (asking, silent))
    for sku_id in (asking, silent):
        await world.import_codes(sku_id, codes(1))
    async with world.database.begin() as uow:
        request = HoldRequest(new_id(), None, utc_now() + timedelta(minutes=5), components)
        assert await holds.hold(uow, [request], keyring=world.keyring, now=utc_now()) == [None]
    kept = await world.fetch("SELECT component_id, sealed FROM buyer_fields")
    assert [row["component_id"] for row in kept] == [components[0].component_id]
    assert b"sister" not in kept[0]["sealed"]
    assert needed_fields(components[0], asked={"remark"}, top_up=False) == {"remark": "for my sister"}
