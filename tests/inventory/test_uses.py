"""A card that several buyers get, such as a licence key for several machines: as often as it says, and no more."""

from uuid import UUID

import pytest

from services.inventory import jobs
from shared.clock import new_id
from tests.inventory.door import Door, buyer, partner
from tests.inventory.world import World, at_once, order_of

KEY = "LICENCE-KEY-0001"
AT_ONCE = 64


async def test_a_key_of_five_uses_is_sold_five_times(world: World, door: Door) -> None:
    sku_id = await world.sku()
    result = await world.import_codes(sku_id, [{"code": KEY, "uses": 5}, {"code": "SINGLE-KEY-0002"}])
    assert result.accepted == 2
    assert await world.stock(sku_id) == (6, 0, 0)
    orders = [order_of((sku_id, 1)) for _ in range(7)]
    for order in orders:
        await world.reserve(order)
    assert [await world.state(order.component_id) for order in orders] == ["issued"] * 6 + ["rejected"]
    shown = [
        (await door.reveal((await world.units(order))[0], buyer(order.member_id))).json()["code"]
        for order in orders[:6]
    ]
    assert shown == [KEY] * 5 + ["SINGLE-KEY-0002"]
    await world.assert_counters_equal_rows()


async def test_64_buyers_of_one_key_for_40(world: World) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, [{"code": KEY, "uses": 40}])
    orders = [order_of((sku_id, 1)) for _ in range(AT_ONCE)]
    await at_once(world, [lambda order=order: world.reserve(order) for order in orders])  # type: ignore[misc]
    states = [await world.state(order.component_id) for order in orders]
    assert (states.count("issued"), states.count("rejected")) == (40, 24)
    assert await world.stock(sku_id) == (0, 0, 40)
    await world.assert_counters_equal_rows()


async def test_a_use_that_nobody_saw_is_sold_again_and_a_seen_one_is_not(world: World, door: Door) -> None:
    sku_id = await world.sku()
    await world.import_codes(sku_id, [{"code": KEY, "uses": 3}])
    seen, unseen = order_of((sku_id, 1)), order_of((sku_id, 2))
    await world.reserve(seen, unseen)
    await door.reveal((await world.units(seen))[0], buyer(seen.member_id))
    await world.revoke(seen)
    await world.revoke(unseen)
    assert await world.kinds(seen) == ["card.issued", "card.revealed", "card.revoke_refused"]
    assert await world.stock(sku_id) == (2, 0, 1)
    again = order_of((sku_id, 2))
    await world.reserve(again)
    assert await world.state(again.component_id) == "issued"
    await world.assert_counters_equal_rows()


async def test_each_use_is_redeemed_once(world: World, door: Door) -> None:
    brand = new_id()
    sku_id = await world.sku(partner_id=brand, redeemable_here=True)
    await world.import_codes(sku_id, [{"code": KEY, "uses": 3}])
    await world.reserve(order_of((sku_id, 2)))

    async def redeem() -> int:
        answer = await door.call("POST", "/v1/partner/redemptions", json={"code": KEY}, who=partner(brand))
        return answer.status_code

    assert sorted(await at_once(world, [redeem] * 4)) == [201, 201, 409, 409]
    await world.reserve(order_of((sku_id, 1)))
    assert [await redeem(), await redeem()] == [201, 409]


async def test_uses_come_in_files_too(world: World, door: Door) -> None:
    sku_id = await world.sku()
    path = f"/v1/ops/skus/{sku_id}/imports"
    body = f"code,uses\n{KEY},7\nOTHER-KEY-0002,\n"
    await door.call("POST", path, content=body, content_type="text/csv")
    await jobs.take_in_files(world.database)
    assert await world.stock(sku_id) == (8, 0, 0)
    await world.assert_counters_equal_rows()


@pytest.mark.parametrize("uses", [0, -1, 1_001, "many", "1.5"])
async def test_uses_that_cannot_be_are_refused(door: Door, world: World, uses: object) -> None:
    sku_id: UUID = await world.sku()
    problem = await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": [{"code": KEY, "uses": uses}]}, expect=422)
    assert problem["lines"] == [{"line": 1, "reason": "uses_invalid"}]


@pytest.mark.parametrize("frozen", [False, True], ids=["shelved", "frozen"])
async def test_of_a_bad_key_no_use_is_sold_any_more(world: World, door: Door, *, frozen: bool) -> None:
    """Not to who reported it, not from the shelf, and not when another buyer gives an unseen use back."""
    sku_id = await world.sku(redeemable_here=True)
    batch_id = (await world.import_codes(sku_id, [{"code": KEY, "uses": 4}])).batch_id
    first, second = order_of((sku_id, 1)), order_of((sku_id, 1))
    await world.reserve(first, second)
    await world.import_codes(sku_id, [{"code": "SINGLE-KEY-0002"}])
    if frozen:
        await world.freeze(batch_id)
    (unit,) = await world.units(first)
    owner = buyer(first.member_id)
    await door.reveal(unit, owner)
    report = await door.post(f"/v1/wallet/entitlements/{unit}/report", {"fault": "invalid"}, who=owner, expect=201)
    assert report["state"] == "replaced"
    assert (await door.reveal(unit, owner)).json()["code"] == "SINGLE-KEY-0002"
    assert await world.stock(sku_id) == (0, 0, 2)
    (listed,) = (await door.get("/v1/ops/entitlements/reports"))["items"]
    assert listed["uses_dropped"] == 2
    await world.revoke(second)
    assert await world.stock(sku_id) == (0, 0, 2)
    assert await world.value("SELECT count(*) FROM frozen_cards") == 0
    await world.assert_counters_equal_rows()


async def test_a_bad_key_is_not_replaced_by_another_use_of_itself(world: World, door: Door) -> None:
    """The report waits for other cards, and what was on the shelf stays there until somebody has decided."""
    sku_id = await world.sku(redeemable_here=True)
    await world.import_codes(sku_id, [{"code": KEY, "uses": 3}])
    order = order_of((sku_id, 1))
    await world.reserve(order)
    (unit,) = await world.units(order)
    owner = buyer(order.member_id)
    await door.reveal(unit, owner)
    report = await door.post(f"/v1/wallet/entitlements/{unit}/report", {"fault": "invalid"}, who=owner, expect=201)
    assert report["state"] == "open"
    assert await world.stock(sku_id) == (2, 0, 1)
    await world.assert_counters_equal_rows()
