"""Partners honour codes, once."""

import asyncio

from shared.clock import new_id
from tests.inventory.door import Door, buyer, partner
from tests.inventory.world import World, order_of

PATH = "/v1/partner/redemptions"


async def test_a_partner_honours_a_code(world: World, door: Door) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(cards=2, quantity=1, partner_id=partner_id)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    answer = await door.post(PATH, {"code": f" {code.lower()} ", "store": "静安寺店"}, who=partner(partner_id))
    assert answer["masked"] == f"****{code[-4:]}"
    event = (await world.events("card", order.order_id))[-1]
    assert event["type"] == "card.redeemed"
    assert (event["partner_id"], event["store"], event["units"]) == (str(partner_id), "静安寺店", 1)
    assert code not in str(event)
    (listed,) = (await door.get(PATH, who=partner(partner_id)))["items"]
    assert listed["redemption_id"] == answer["redemption_id"]
    assert (await door.get(PATH, who=partner(new_id())))["items"] == []
    (owned,) = (await door.get("/v1/wallet/entitlements", who=buyer(order.member_id)))["items"]
    assert owned["status"] == "redeemed"


async def test_a_code_is_honoured_once(world: World, door: Door) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(partner_id=partner_id)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    await door.post(PATH, {"code": code}, who=partner(partner_id), key="till-1")
    assert await door.post(PATH, {"code": code}, who=partner(partner_id), key="till-1")
    again = await door.post(PATH, {"qr": code}, who=partner(partner_id), expect=409)
    assert again["code"] == "redemption.already_redeemed"


async def test_of_64_tills_one_gets_it(world: World, door: Door) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(partner_id=partner_id)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    answers = await asyncio.gather(
        *(door.call("POST", PATH, json={"code": code}, who=partner(partner_id)) for _ in range(64))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 63
    assert (await world.kinds(order)).count("card.redeemed") == 1


async def test_codes_that_are_not_this_partners_to_honour_are_unknown(world: World, door: Door) -> None:
    partner_id = new_id()
    sku_id = await world.sku(partner_id=partner_id)
    await world.import_codes(sku_id, ["SOLD-CODE-0001", "SHELF-CODE-0002"])
    await world.reserve(order_of((sku_id, 1)))
    for who, code in (
        (new_id(), "SOLD-CODE-0001"),
        (partner_id, "SHELF-CODE-0002"),
        (partner_id, "NO-SUCH"),
        (partner_id, "--"),
    ):
        refused = await door.post(PATH, {"code": code}, who=partner(who), expect=404)
        assert refused["code"] == "redemption.code_unknown"
        assert code not in str(refused)


async def test_an_expired_code_is_refused(world: World, door: Door) -> None:
    partner_id = new_id()
    await world.issued(partner_id=partner_id)
    await world.fetch("UPDATE entitlements SET expires_at = now() - interval '1 second'")
    sku_id = await world.sku(partner_id=partner_id)
    await world.import_codes(sku_id, ["LATE-CODE-0001"])
    await world.reserve(order_of((sku_id, 1)))
    await world.fetch("UPDATE entitlements SET expires_at = now() - interval '1 second'")
    refused = await door.post(PATH, {"code": "LATE-CODE-0001"}, who=partner(partner_id), expect=409)
    assert refused["code"] == "redemption.expired"


async def test_a_redemption_names_one_code(door: Door) -> None:
    for body in ({}, {"code": "A", "qr": "B"}, {"code": ""}, {"code": "A" * 600}, {"code": "A", "till": 1}):
        assert (await door.post(PATH, body, who=partner(new_id()), expect=422))["code"] == "body.invalid"
    assert (await door.call("POST", PATH, json={"code": "A"}, who=buyer())).status_code == 403
