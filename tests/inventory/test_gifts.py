"""Members give what they own to one another: nobody can use it in between, and it is had once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.offline import OFFLINE_LIFETIME, UPLOAD_WITHIN
from services.inventory.jobs import expire_gifts
from services.inventory.settings import Settings
from shared.clock import new_id
from shared.http import Identity
from tests.inventory.conftest import open_door
from tests.inventory.door import Door, buyer, guest, partner
from tests.inventory.neighbours import Risk
from tests.inventory.test_offline import line, offline_qr, older, upload
from tests.inventory.test_vouchers import PATH as REDEEM
from tests.inventory.test_vouchers import at_brand, qr_of
from tests.inventory.world import Order, World

WALLET = "/v1/wallet/entitlements"
GIFTS = "/v1/wallet/gifts"
CLAIM = "/v1/gifts/claim"


async def give(door: Door, unit: UUID, who: Identity, *, expect: int = 201, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await door.post(f"{WALLET}/{unit}/gifts", body, who=who, expect=expect)
    return answer


async def claim(door: Door, who: Identity, *, expect: int = 200, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await door.post(CLAIM, body, who=who, expect=expect)
    return answer


async def given(door: Door, unit: UUID, order: Order) -> Identity:
    """The entitlement, given away by a link; answers who has it now."""
    made = await give(door, unit, buyer(order.member_id))
    heir = buyer()
    await claim(door, heir, token=made["claim_token"])
    return heir


async def owned(door: Door, who: Identity) -> list[dict[str, Any]]:
    return list((await door.get(WALLET, who=who))["items"])


async def listed(door: Door, who: Identity, direction: str = "sent") -> list[dict[str, Any]]:
    return list((await door.get(GIFTS, who=who, direction=direction))["items"])


async def test_a_gift_by_link_is_had_by_whoever_brings_it_first(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    giver, heir = buyer(order.member_id), buyer()
    made = await give(door, unit, giver, message="生日快乐！")
    token = made["claim_token"]
    assert made["claim_url"].endswith(f"#{token}")
    assert (
        await world.value("SELECT count(*) FROM idempotency_keys WHERE position($1::bytea IN body) > 0", token.encode())
        == 0
    )
    assert await world.value("SELECT count(*) FROM gifts WHERE gifts::text LIKE '%' || $1 || '%'", token) == 0
    assert (await claim(door, giver, expect=409, token=token))["code"] == "gift.to_self"
    assert (await claim(door, heir, token=token))["state"] == "claimed"
    for late in (heir, buyer()):
        assert (await claim(door, late, expect=409, token=token))["code"] == "gift.over"
    assert (await claim(door, heir, expect=404, token=f"{token}x"))["code"] == "gift.unknown"
    assert [item["entitlement_id"] for item in await owned(door, heir)] == [str(unit)]
    assert await owned(door, giver) == []
    (sent,), (received,) = await listed(door, giver), await listed(door, heir, "received")
    assert sent == received
    assert (sent["state"], sent["message"], sent["claimed_by"]) == ("claimed", "生日快乐！", heir.subject)
    (kept,) = (await door.get(f"/v1/ops/entitlements/{unit}/gifts"))["items"]
    assert (kept["from_member_id"], kept["claimed_by"]) == (giver.subject, heir.subject)


async def test_asked_again_with_the_same_key_the_token_is_not_told_again(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    path, who = f"{WALLET}/{unit}/gifts", buyer(order.member_id)
    first = await door.post(path, {}, who=who, key="gift-1")
    again = await door.post(path, {}, who=who, key="gift-1")
    assert again["gift_id"] == first["gift_id"]
    assert "claim_token" not in again


async def test_the_new_owner_uses_it_and_the_old_one_does_not(world: World, door: Door, risk: Risk) -> None:
    order, (unit,) = await world.issued()
    giver = buyer(order.member_id)
    link = (await door.post(f"{WALLET}/{unit}/link", who=giver))["token"]
    heir = await given(door, unit, order)
    for stranger in (giver, guest(order.order_id)):
        assert (await door.reveal(unit, stranger)).status_code == 404
        assert (await door.call("POST", f"{WALLET}/{unit}/qr", who=stranger)).status_code == 404
        assert (await door.call("POST", f"{WALLET}/{unit}/link", who=stranger)).status_code == 404
        report = await door.call("POST", f"{WALLET}/{unit}/report", json={"fault": "invalid"}, who=stranger)
        assert report.status_code == 404
        assert await owned(door, stranger) == []
    assert (await door.call("POST", "/v1/wallet/links", json={"token": link}, who=giver)).status_code == 404
    assert risk.asked == []
    assert (await door.reveal(unit, heir)).status_code == 200
    (event,) = [event for event in await world.events("card", order.order_id) if event["type"] == "card.revealed"]
    assert event["member_id"] == heir.subject
    (seen,) = (await door.get("/v1/ops/entitlements", order_id=str(order.order_id)))["items"]
    assert seen["member_id"] == heir.subject


async def test_while_it_waits_nobody_uses_it(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    giver = buyer(order.member_id)
    qr = await qr_of(door, unit, giver)
    link = (await door.post(f"{WALLET}/{unit}/link", who=giver))["token"]
    made = await give(door, unit, giver)
    for path, code in (
        (f"{WALLET}/{unit}/reveal", "gift.pending"),
        (f"{WALLET}/{unit}/link", "gift.pending"),
        (f"{WALLET}/{unit}/qr", "entitlement.not_redeemable"),
        (f"{WALLET}/{unit}/offline-qr", "entitlement.not_redeemable"),
    ):
        refused = await door.call("POST", path, json={}, who=giver)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert (await door.post("/v1/wallet/links", {"token": link}, who=giver, expect=409))["code"] == "gift.pending"
    assert (await give(door, unit, giver, expect=409))["code"] == "gift.not_allowed"
    refused = await door.post(REDEEM, {"qr": qr}, who=partner(partner_id), expect=409)
    assert refused["code"] == "redemption.gift_pending"
    (shown,) = await owned(door, giver)
    assert (shown["gift_id"], shown["qr_offered"]) == (made["gift_id"], False)
    assert (await door.post(f"{GIFTS}/{made['gift_id']}/cancel", who=giver, expect=200))["state"] == "cancelled"
    assert (await claim(door, buyer(), expect=409, token=made["claim_token"]))["code"] == "gift.over"
    assert (await door.reveal(unit, giver)).status_code == 200


async def test_what_the_giver_showed_dies_with_the_gift(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await qr_of(door, unit, buyer(order.member_id))
    heir = await given(door, unit, order)
    assert (await door.post(REDEEM, {"qr": qr}, who=partner(partner_id), expect=409))["code"] == "redemption.qr_expired"
    await world.fetch("UPDATE entitlements SET given_at = given_at - interval '2 seconds'")
    await door.post(REDEEM, {"qr": await qr_of(door, unit, heir)}, who=partner(partner_id))


async def test_a_voucher_for_stores_without_a_network_keeps_it_from_being_given(world: World, door: Door) -> None:
    """As long as a terminal may bring what it accepted; what comes later still is a conflict, not the new owner's loss."""
    partner_id, order, unit = await at_brand(world)
    qr = await offline_qr(door, unit, order)
    assert (await give(door, unit, buyer(order.member_id), expect=409))["code"] == "gift.not_allowed"
    await older(world, OFFLINE_LIFETIME + UPLOAD_WITHIN + timedelta(minutes=1))
    heir = await given(door, unit, order)
    await world.fetch(
        "UPDATE offline_vouchers SET issued_at = issued_at + interval '2 days', expires_at = now() + interval '1 day'"
    )
    await world.fetch("UPDATE offline_vouchers SET issued_at = issued_at - interval '10 minutes'")
    (late,) = await upload(door, partner_id, line(qr))
    assert late["code"] == "redemption.revoked"
    (conflict,) = (await door.get("/v1/ops/redemptions/conflicts"))["items"]
    assert conflict["reason"] == "taken_back"
    assert (await door.reveal(unit, heir)).status_code == 200


async def test_only_what_nobody_has_seen_or_used_is_given(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    giver = buyer(order.member_id)
    assert (await give(door, unit, giver, expect=409, to_member_id=giver.subject))["code"] == "gift.to_self"
    for stranger, status in ((buyer(), 404), (guest(order.order_id), 403), (partner(new_id()), 403)):
        refused = await door.call("POST", f"{WALLET}/{unit}/gifts", json={}, who=stranger)
        assert refused.status_code == status
    for body in ({"message": ""}, {"message": "x" * 201}, {"to_member_id": "me"}, {"phone": "13800000000"}):
        assert (await give(door, unit, giver, expect=422, **body))["code"] == "body.invalid"
    await door.reveal(unit, giver)
    assert (await give(door, unit, giver, expect=409))["code"] == "gift.not_allowed"
    for change in ("state = 'revoked', revoked_at = now()", "expires_at = now() - interval '1 second'"):
        other, (another,) = await world.issued()
        await world.fetch(f"UPDATE entitlements SET {change} WHERE entitlement_id = $1", another)
        assert (await give(door, another, buyer(other.member_id), expect=409))["code"] == "gift.not_allowed"
    other, (kept,) = await world.issued(giftable=False)
    assert (await give(door, kept, buyer(other.member_id), expect=409))["code"] == "gift.not_allowed"
    sku_id = await world.sku()
    await world.import_codes(sku_id, [{"code": "SHARED-0001", "uses": 2}])
    shared, (one_use,) = await world.issued_of(sku_id)
    assert (await give(door, one_use, buyer(shared.member_id), expect=409))["code"] == "gift.not_allowed"
    assert await world.value("SELECT count(*) FROM gifts") == 0


async def test_a_named_member_takes_it_or_declines(world: World, door: Door) -> None:
    order, units = await world.issued(cards=2, quantity=2)
    giver, heir = buyer(order.member_id), buyer()
    first, second = [await give(door, unit, giver, to_member_id=heir.subject) for unit in units]
    assert "claim_token" not in first
    assert {gift["gift_id"] for gift in await listed(door, heir, "received")} == {first["gift_id"], second["gift_id"]}
    for who in (giver, buyer()):
        assert (await claim(door, who, expect=404, gift_id=first["gift_id"]))["code"] == "gift.unknown"
        assert (await door.post(f"{GIFTS}/{first['gift_id']}/decline", who=who, expect=404))["code"] == "gift.unknown"
    assert (await door.post(f"{GIFTS}/{first['gift_id']}/cancel", who=heir, expect=404))["code"] == "gift.unknown"
    for body in ({}, {"token": "x" * 30, "gift_id": first["gift_id"]}):
        assert (await claim(door, heir, expect=422, **body))["code"] == "body.invalid"
    await claim(door, heir, gift_id=first["gift_id"])
    await door.post(f"{GIFTS}/{second['gift_id']}/decline", who=heir, expect=200)
    for path in ("cancel", "decline"):
        who = giver if path == "cancel" else heir
        assert (await door.post(f"{GIFTS}/{second['gift_id']}/{path}", who=who, expect=409))["code"] == "gift.over"
    assert [item["entitlement_id"] for item in await owned(door, heir)] == [str(units[0])]
    assert [item["entitlement_id"] for item in await owned(door, giver)] == [str(units[1])]
    again = await give(door, units[0], heir, to_member_id=giver.subject)
    await claim(door, giver, gift_id=again["gift_id"])
    assert len(await owned(door, giver)) == 2


async def test_what_nobody_claims_goes_back(world: World, door: Door) -> None:
    order, units = await world.issued(cards=2, quantity=2)
    giver = buyer(order.member_id)
    made = await give(door, units[0], giver)
    waiting = await give(door, units[1], giver)
    await world.fetch(
        "UPDATE gifts SET expires_at = now() - interval '1 second' WHERE gift_id = $1", UUID(made["gift_id"])
    )
    assert (await claim(door, buyer(), expect=409, token=made["claim_token"]))["code"] == "gift.over"
    for _ in range(2):
        await expire_gifts(world.database)
    states = {gift["gift_id"]: gift["state"] for gift in await listed(door, giver)}
    assert states == {made["gift_id"]: "expired", waiting["gift_id"]: "pending"}
    assert (await door.reveal(units[0], giver)).status_code == 200


async def test_a_member_does_not_give_without_end(world: World, settings: Settings) -> None:
    order, units = await world.issued(cards=8, quantity=8)
    giver = buyer(order.member_id)
    async with open_door(settings.model_copy(update={"gifts_per_day": 3})) as door:
        answers = await asyncio.gather(
            *(door.call("POST", f"{WALLET}/{unit}/gifts", json={}, who=giver) for unit in units)
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
        assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"gift.too_many"}
        await world.fetch("UPDATE gifts SET made_at = made_at - interval '25 hours'")
        left = next(unit for unit, answer in zip(units, answers, strict=True) if answer.status_code == 429)
        await give(door, left, giver)


async def test_the_buyers_refund_ends_a_gift_that_waits_and_not_one_that_was_claimed(world: World, door: Door) -> None:
    order, (unit,) = await world.issued(redeemable_here=True, partner_id=new_id())
    heir = await given(door, unit, order)
    await world.revoke(order)
    refused = (await world.events("card", order.order_id))[-1]
    assert (refused["type"], refused["reason"]) == ("card.revoke_refused", "given")
    assert (await door.reveal(unit, heir)).status_code == 200
    waiting, (pending,) = await world.issued()
    made = await give(door, pending, buyer(waiting.member_id))
    await world.revoke(waiting)
    assert (await world.kinds(waiting))[-1] == "card.revoked"
    assert (await claim(door, buyer(), expect=409, token=made["claim_token"]))["code"] == "gift.over"
    assert [gift["state"] for gift in await listed(door, buyer(waiting.member_id))] == ["taken_back"]
    assert (await world.stock(waiting.parts[0][1]))[0] == 1
    await world.assert_counters_equal_rows()


async def test_a_voided_batch_leaves_the_new_owner_what_is_his(world: World, door: Door) -> None:
    order, (unit,) = await world.issued(cards=2)
    heir = await given(door, unit, order)
    batch_id = await world.value("SELECT batch_id FROM card_batches")
    await world.freeze(batch_id)
    await world.void(batch_id)
    assert (await door.reveal(unit, heir)).status_code == 200


async def test_top_ups_are_not_given(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    await world.fetch("UPDATE skus SET kind = $1, giftable = true", SkuKind.DIRECT_TOP_UP.value)
    assert (await give(door, unit, buyer(order.member_id), expect=409))["code"] == "gift.not_allowed"
