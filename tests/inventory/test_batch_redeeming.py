"""Many codes in one call, each for itself."""

import asyncio
import random
from typing import Any
from uuid import UUID

from shared.clock import new_id
from shared.http import Identity
from tests.inventory.door import Door, buyer, partner
from tests.inventory.test_vouchers import qr_of
from tests.inventory.world import Order, World, codes, order_of

PATH = "/v1/partner/redemptions/batch"


async def sold(world: World, count: int, partner_id: UUID) -> tuple[Order, list[str]]:
    """Codes of a brand, all with one buyer."""
    sku_id = await world.sku(partner_id=partner_id, redeemable_here=True)
    texts = codes(count)
    await world.import_codes(sku_id, texts)
    order = order_of((sku_id, count))
    await world.reserve(order)
    return order, texts


async def redeem(door: Door, who: Identity, items: list[dict[str, str]], *, key: str | None = None) -> Any:
    return await door.post(PATH, {"items": items}, who=who, expect=200, key=key)


async def test_each_item_is_answered_for(world: World, door: Door) -> None:
    partner_id = new_id()
    order, texts = await sold(world, 3, partner_id)
    (unit, *_) = await world.units(order)
    revoked, lost = await sold(world, 1, partner_id)
    await world.revoke(revoked)
    _, foreign = await sold(world, 1, new_id())
    qr = await qr_of(door, unit, buyer(order.member_id))
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    rest = [text for text in texts if text != code]
    shown = [{"qr": qr, "store": "A"}, {"code": rest[0]}, {"code": rest[0].lower()}, {"code": code}, {"code": lost[0]}]
    shown += [{"code": foreign[0]}, {"code": "NO-SUCH"}, {"code": "--"}, {"qr": "KQ1.AAAA"}, {"qr": rest[1]}]
    answer = await redeem(door, partner(partner_id), shown)
    refusal = "redemption.already_redeemed"
    assert [item.get("code") for item in answer["items"]] == [
        None, None, refusal, refusal, "redemption.code_unknown", "redemption.code_unknown", "redemption.code_unknown",
        "redemption.code_unknown", "redemption.qr_invalid", None,
    ]  # fmt: skip
    assert [item["position"] for item in answer["items"]] == list(range(10))
    assert (answer["redeemed"], answer["refused"]) == (3, 7)
    listed = (await door.get("/v1/partner/redemptions", who=partner(partner_id), channel="batch"))["items"]
    assert {item["redemption_id"] for item in listed} == {
        item["redemption_id"] for item in answer["items"] if item["outcome"] == "redeemed"
    }
    assert (await world.kinds(order)).count("card.redeemed") == 3
    assert all(text not in str(answer) for text in (*texts, qr))


async def test_the_same_call_again_is_answered_the_same(world: World, door: Door) -> None:
    partner_id = new_id()
    order, texts = await sold(world, 2, partner_id)
    items = [{"code": text} for text in texts]
    first = await redeem(door, partner(partner_id), items, key="night-1")
    assert await redeem(door, partner(partner_id), items, key="night-1") == first
    assert first["redeemed"] == 2
    assert (await redeem(door, partner(partner_id), items, key="night-2"))["redeemed"] == 0
    assert (await world.kinds(order)).count("card.redeemed") == 2


async def test_a_batch_has_its_bounds(door: Door) -> None:
    wrong: list[list[dict[str, str]]] = [[], [{"code": "A"}] * 501, [{}], [{"code": "A", "qr": "B"}]]
    for items in wrong:
        refused = await door.post(PATH, {"items": items}, who=partner(new_id()), expect=422)
        assert refused["code"] == "body.invalid"
    full = await redeem(door, partner(new_id()), [{"code": "X" * 512, "store": "店" * 200}] * 500)
    assert full["refused"] == 500


async def test_tills_that_share_codes_in_any_order_honour_each_once(world: World, door: Door) -> None:
    partner_id = new_id()
    order, texts = await sold(world, 60, partner_id)
    piles = []
    for number in range(8):
        pile = [{"code": text} for text in texts]
        random.Random(number).shuffle(pile)  # a shuffle, not a secret
        piles.append(pile)
    answers = await asyncio.gather(*(redeem(door, partner(partner_id), pile) for pile in piles))
    assert sum(answer["redeemed"] for answer in answers) == 60
    assert (await world.kinds(order)).count("card.redeemed") == 60
