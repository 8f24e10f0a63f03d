"""Stores without a network: vouchers that a terminal verifies by itself, and lists that are settled later."""

import asyncio
import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.inventory.domain.offline import OFFLINE_LIFETIME, UPLOAD_WITHIN
from services.inventory.domain.owners import Owner
from services.inventory.domain.vouchers import NotRedeemableHereError, read_voucher
from services.inventory.usecases import vouchers
from services.inventory.usecases.offline import make_offline_voucher
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer, partner
from tests.inventory.test_vouchers import at_brand, qr_of
from tests.inventory.world import Order, World, at_once

PATH = "/v1/partner/redemptions/offline"


async def offline_qr(door: Door, unit: UUID, order: Order) -> str:
    answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/offline-qr", who=buyer(order.member_id))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["qr"])


def line(qr: str, *, store: str = "A", at: datetime | None = None) -> dict[str, str]:
    return {"qr": qr, "store": store, "terminal": "POS-1", "accepted_at": (at or utc_now()).isoformat()}


async def upload(door: Door, partner_id: UUID, *items: dict[str, str]) -> list[dict[str, Any]]:
    answer = await door.post(PATH, {"items": list(items)}, who=partner(partner_id), expect=200)
    return list(answer["items"])


async def older(world: World, age: timedelta) -> None:
    """The voucher that is out was made that long ago."""
    await world.fetch(
        "UPDATE offline_vouchers SET issued_at = issued_at - $1::interval, expires_at = expires_at - $1::interval", age
    )


async def test_a_terminal_verifies_by_the_published_key_and_settles_later(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await offline_qr(door, unit, order)
    assert await offline_qr(door, unit, order) == qr
    keys = (await door.get("/v1/partner/redemptions/voucher-keys", who=partner(partner_id)))["items"]
    read = read_voucher(qr)
    (key,) = [key for key in keys if key["key_id"] == str(read.voucher.key_id)]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"])).verify(read.signature, read.signed)
    assert (read.voucher.partner_id, read.voucher.entitlement_id) == (partner_id, unit)
    accepted_at = utc_now() - timedelta(minutes=3)
    (result,) = await upload(door, partner_id, line(qr, at=accepted_at))
    assert result["outcome"] == "redeemed"
    assert datetime.fromisoformat(result["redeemed_at"]) == accepted_at
    (listed,) = (await door.get("/v1/partner/redemptions", who=partner(partner_id)))["items"]
    assert (listed["channel"], listed["store"], listed["terminal"]) == ("offline", "A", "POS-1")


async def test_a_line_that_comes_again_is_settled_once_and_answered_the_same(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    entry = line(await offline_qr(door, unit, order))
    first = await upload(door, partner_id, entry)
    answers = await asyncio.gather(*(upload(door, partner_id, entry, entry) for _ in range(8)))
    assert {item["redemption_id"] for answer in answers for item in answer} == {first[0]["redemption_id"]}
    assert (await world.kinds(order)).count("card.redeemed") == 1
    assert (await door.get("/v1/ops/redemptions/conflicts"))["items"] == []


async def test_the_first_store_to_arrive_wins_and_the_other_is_a_conflict(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await offline_qr(door, unit, order)
    at = utc_now()
    stores = [line(qr, store=f"store-{number}", at=at) for number in range(16)]
    answers = await asyncio.gather(*(upload(door, partner_id, entry) for entry in stores))
    results = [answer[0] for answer in answers]
    assert sorted(result["outcome"] for result in results) == ["redeemed"] + ["refused"] * 15
    assert {result.get("code") for result in results} == {None, "redemption.qr_used"}
    await asyncio.gather(*(upload(door, partner_id, entry) for entry in stores))
    conflicts = (await door.get("/v1/ops/redemptions/conflicts", partner_id=str(partner_id)))["items"]
    assert len(conflicts) == 15
    assert {conflict["reason"] for conflict in conflicts} == {"accepted_twice"}
    first = await door.get("/v1/ops/redemptions/conflicts", limit=10)
    rest = await door.get("/v1/ops/redemptions/conflicts", limit=10, cursor=first["next_cursor"])
    assert [*first["items"], *rest["items"]] == conflicts


async def test_what_was_redeemed_or_taken_back_meanwhile_is_a_conflict(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await offline_qr(door, unit, order)
    await door.post(
        "/v1/partner/redemptions", {"qr": await qr_of(door, unit, buyer(order.member_id))}, who=partner(partner_id)
    )
    refunded_at, other, gone = await at_brand(world)
    late = await offline_qr(door, gone, other)
    await older(world, OFFLINE_LIFETIME + UPLOAD_WITHIN)
    await world.revoke(other)
    assert (await upload(door, partner_id, line(qr)))[0]["code"] == "redemption.already_redeemed"
    assert (await upload(door, refunded_at, line(late)))[0]["code"] == "redemption.revoked"
    conflicts = (await door.get("/v1/ops/redemptions/conflicts"))["items"]
    assert [conflict["reason"] for conflict in conflicts] == ["taken_back", "redeemed"]


async def test_lines_that_no_terminal_can_have_accepted_are_refused(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr, online = await offline_qr(door, unit, order), await qr_of(door, unit, buyer(order.member_id))
    now = utc_now()
    lines = [
        line(qr, at=now + timedelta(hours=1)), line(qr, at=now - timedelta(hours=1)), line(qr, at=now + timedelta(hours=25)),
        line(online), line("KQ1.AAAA"), line("SOME-CODE"),
    ]  # fmt: skip
    results = await upload(door, partner_id, *lines)
    wrong_time, invalid = "redemption.accepted_at_wrong", "redemption.qr_invalid"
    assert [result["code"] for result in results] == [
        wrong_time, wrong_time, "redemption.qr_expired", invalid, invalid, invalid,
    ]  # fmt: skip
    assert (await upload(door, new_id(), line(qr)))[0]["code"] == "redemption.other_brand"
    assert (await door.get("/v1/ops/redemptions/conflicts"))["items"] == []
    assert await world.value("SELECT state FROM entitlements WHERE entitlement_id = $1", unit) == "active"


async def test_no_refund_while_a_voucher_is_out(world: World, door: Door) -> None:
    _, order, unit = await at_brand(world)
    await offline_qr(door, unit, order)
    await world.revoke(order)
    await older(world, OFFLINE_LIFETIME + UPLOAD_WITHIN - timedelta(minutes=5))
    await world.revoke(order)
    refused = [event for event in await world.events("card", order.order_id) if event["type"] == "card.revoke_refused"]
    assert [event["reason"] for event in refused] == ["offline_voucher"] * 2
    await older(world, timedelta(minutes=6))
    await world.revoke(order)
    assert (await world.kinds(order))[-1] == "card.revoked"


async def test_of_a_refund_and_a_voucher_one_is_had(world: World) -> None:
    """Twenty orders, each asked for a voucher and a refund at once: never both."""
    bought = [await at_brand(world) for _ in range(20)]

    async def take(order: Order, unit: UUID) -> None:
        async with world.database.begin() as uow:
            owner = Owner(member_id=order.member_id)
            await make_offline_voucher(uow, unit, owner=owner, keyring=world.keyring, now=utc_now())

    async def try_take(order: Order, unit: UUID) -> None:
        try:
            await take(order, unit)
        except NotRedeemableHereError:
            return

    works = [
        work
        for _, order, unit in bought
        for work in (lambda o=order, u=unit: try_take(o, u), lambda o=order: world.revoke(o))
    ]
    await at_once(world, works)
    both = await world.value(
        "SELECT count(*) FROM offline_vouchers JOIN entitlements USING (entitlement_id) WHERE state = 'revoked'"
    )
    assert both == 0
    assert (
        await world.value("SELECT count(*) FROM offline_vouchers")
        + await world.value("SELECT count(*) FROM entitlements WHERE state = 'revoked'")
        == 20
    )


async def test_a_new_key_signs_only_after_terminals_could_fetch_it(world: World) -> None:
    now = utc_now()

    async def signing_key(at: datetime) -> UUID:
        async with world.database.begin() as uow:
            return (await vouchers.find_signing_key(uow, keyring=world.keyring, now=at)).key_id

    first = await signing_key(now)
    old = now + vouchers.KEY_LIFETIME + timedelta(hours=1)
    assert await signing_key(old) == first
    assert await world.value("SELECT count(*) FROM data_keys WHERE purpose = 'voucher'") == 2
    assert await signing_key(old + vouchers.KEY_PUBLISHED_BEFORE - timedelta(minutes=1)) == first
    second = await signing_key(old + vouchers.KEY_PUBLISHED_BEFORE)
    assert second != first
    async with world.database.begin() as uow:
        published = await vouchers.list_public_keys(
            uow, keyring=world.keyring, now=old + vouchers.KEY_PUBLISHED_BEFORE + timedelta(minutes=1)
        )
    assert [key.key_id for key in published] == [second, first]
