"""QR codes instead of codes: signed, for one brand, for a minute, once."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.inventory.domain.owners import Owner
from services.inventory.domain.vouchers import PREFIX
from services.inventory.usecases.vouchers import QR_LIFETIME, make_qr
from shared.clock import new_id, utc_now
from shared.http import Identity
from tests.inventory.door import Door, buyer, guest, partner
from tests.inventory.world import Order, World

PATH = "/v1/partner/redemptions"


async def qr_of(door: Door, unit: UUID, who: Identity) -> str:
    answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/qr", who=who)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["qr"])


async def at_brand(world: World, **sku: Any) -> tuple[UUID, Order, UUID]:
    """A brand, and what somebody bought of it."""
    partner_id = new_id()
    order, (unit,) = await world.issued(partner_id=partner_id, redeemable_here=True, **sku)
    return partner_id, order, unit


async def untouched(world: World, unit: UUID) -> bool:
    return bool(
        await world.value("SELECT state = 'active' AND reveals = 0 FROM entitlements WHERE entitlement_id = $1", unit)
        and await world.value("SELECT count(*) = 0 FROM redemptions")
    )


async def test_a_qr_code_is_honoured_without_the_code(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    owner = buyer(order.member_id)
    qr = await qr_of(door, unit, owner)
    code = (await door.reveal(unit, owner)).json()["code"]
    raw = base64.urlsafe_b64decode(qr.removeprefix(PREFIX) + "==")
    assert code.encode() not in raw
    assert len(raw) == 137
    made = await door.post(PATH, {"qr": qr, "store": "静安寺店"}, who=partner(partner_id))
    (listed,) = (await door.get(PATH, who=partner(partner_id)))["items"]
    assert (listed["redemption_id"], listed["channel"]) == (made["redemption_id"], "qr")
    assert (await door.post(PATH, {"code": code}, who=partner(partner_id), expect=409))["code"] == (
        "redemption.already_redeemed"
    )
    again = await door.call("POST", f"/v1/wallet/entitlements/{unit}/qr", who=owner)
    assert (again.status_code, again.json()["code"]) == (409, "entitlement.not_redeemable")


async def test_each_qr_code_is_another_and_all_are_good_until_one_is_used(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    first, second = [await qr_of(door, unit, buyer(order.member_id)) for _ in range(2)]
    assert first != second
    await door.post(PATH, {"qr": first}, who=partner(partner_id))
    for qr, code in ((first, "redemption.qr_used"), (second, "redemption.already_redeemed")):
        assert (await door.post(PATH, {"qr": qr}, who=partner(partner_id), expect=409))["code"] == code


async def test_a_changed_qr_code_is_none_of_ours(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await qr_of(door, unit, buyer(order.member_id))
    raw = bytearray(base64.urlsafe_b64decode(qr.removeprefix(PREFIX) + "=="))
    for place in range(len(raw)):
        changed = bytes((*raw[:place], raw[place] ^ 1, *raw[place + 1 :]))
        text = PREFIX + base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        refused = await door.call("POST", PATH, json={"qr": text}, who=partner(partner_id))
        assert (refused.status_code, refused.json()["code"]) == (422, "redemption.qr_invalid"), place
        assert text not in refused.text
    for text in (PREFIX, f"{PREFIX}!!", qr[:-8], qr + "AAAA"):
        assert (await door.post(PATH, {"qr": text}, who=partner(partner_id), expect=422))["code"] == (
            "redemption.qr_invalid"
        )
    assert await untouched(world, unit)


async def test_an_old_qr_code_and_another_brands_are_refused(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    async with world.database.begin() as uow:
        old = await make_qr(
            uow,
            unit,
            owner=Owner(member_id=order.member_id),
            keyring=world.keyring,
            now=utc_now() - QR_LIFETIME - timedelta(seconds=1),
        )
    qr = await qr_of(door, unit, buyer(order.member_id))
    for text, who, code in (
        (old.text.reveal(), partner_id, "redemption.qr_expired"),
        (qr, new_id(), "redemption.other_brand"),
    ):
        assert (await door.post(PATH, {"qr": text}, who=partner(who), expect=409))["code"] == code
    assert await untouched(world, unit)
    await world.fetch("UPDATE entitlements SET expires_at = now() - interval '1 second'")
    expired = await door.post(PATH, {"qr": qr}, who=partner(partner_id), expect=409)
    assert expired["code"] == "redemption.expired"


async def test_a_key_of_another_purpose_signs_no_voucher(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await qr_of(door, unit, buyer(order.member_id))
    await world.fetch("UPDATE data_keys SET purpose = 'buyer_fields' WHERE purpose = 'voucher'")
    refused = await door.post(PATH, {"qr": qr}, who=partner(partner_id), expect=422)
    assert refused["code"] == "redemption.qr_invalid"


async def test_only_the_owner_gets_one_and_only_where_it_is_honoured_here(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    for stranger in (buyer(), guest(new_id())):
        answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/qr", who=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "entitlement.not_found")
    assert (await door.call("POST", f"/v1/wallet/entitlements/{unit}/qr", who=partner(partner_id))).status_code == 403
    assert await qr_of(door, unit, guest(order.order_id))
    for sku in ({"partner_id": partner_id}, {"redeemable_here": True}):
        elsewhere, (other,) = await world.issued(**sku)
        answer = await door.call("POST", f"/v1/wallet/entitlements/{other}/qr", who=buyer(elsewhere.member_id))
        assert (answer.status_code, answer.json()["code"]) == (409, "entitlement.not_redeemable")
    await world.revoke(order)
    answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/qr", who=buyer(order.member_id))
    assert answer.json()["code"] == "entitlement.not_redeemable"


async def test_of_many_tills_with_qr_codes_and_the_code_one_gets_it(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    owner = buyer(order.member_id)
    code = (await door.reveal(unit, owner)).json()["code"]
    same, other = await qr_of(door, unit, owner), await qr_of(door, unit, owner)
    shown = [{"qr": same}, {"qr": same}, {"qr": other}, {"code": code}] * 16
    answers = await asyncio.gather(*(door.call("POST", PATH, json=body, who=partner(partner_id)) for body in shown))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 63
    assert (await world.kinds(order)).count("card.redeemed") == 1
