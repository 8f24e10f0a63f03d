"""Fulfilment kinds: what is made when it is paid for, links, cash vouchers, QR codes alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.inventory import jobs
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.codes import CodePattern, check_sign
from services.inventory.domain.goods import FaceValue, Goods, LinkRule, Validity, goods_row
from services.inventory.usecases import issuing
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer, partner
from tests.inventory.test_vouchers import qr_of
from tests.inventory.world import Order, World, at_once, order_of

REDEEM = "/v1/partner/redemptions"
HOSTS = ("brand.example", "m.brand.example")
MADE = Goods(code=CodePattern())
WORTH = Goods(value=FaceValue(2_000, 10_000), validity=Validity(days=30))


async def bought(
    world: World, kind: SkuKind, goods: Goods, *, quantity: int = 1, stock_cap: int | None = None
) -> tuple[UUID, Order, list[UUID]]:
    """A brand, and what somebody bought of goods that are made for him."""
    partner_id = new_id()
    order, units = await world.issued(
        cards=0, quantity=quantity, kind=kind, goods=goods, partner_id=partner_id, stock_cap=stock_cap
    )
    return partner_id, order, units


async def shown(door: Door, order: Order, unit: UUID) -> dict[str, Any]:
    answer = await door.reveal(unit, buyer(order.member_id))
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_key_is_made_for_its_buyer_and_honoured_once(world: World, door: Door) -> None:
    pattern = CodePattern(prefix="SUMMER")
    partner_id, order, units = await bought(world, SkuKind.GENERATED_KEY, Goods(code=pattern), quantity=3)
    assert len(units) == 3
    made = [(await shown(door, order, unit))["code"] for unit in units]
    assert len(set(made)) == 3
    for code in made:
        body = code.removeprefix("SUMMER-").replace("-", "")
        assert len(body) == pattern.length
        assert check_sign(body[:-1], alphabet=pattern.alphabet) == body[-1]
    stored = await world.fetch("SELECT sealed, masked FROM cards")
    assert not any(code.encode() in row["sealed"] for code in made for row in stored)
    assert {row["masked"] for row in stored} == {f"****{code[-4:]}" for code in made}
    await door.post(REDEEM, {"code": made[0].lower().replace("-", " ")}, who=partner(partner_id))
    assert (await door.post(REDEEM, {"code": made[0]}, who=partner(partner_id), expect=409))["code"] == (
        "redemption.already_redeemed"
    )
    said = await world.events("card", order.order_id)
    issued = said[0]
    assert (issued["type"], issued["quantity"]) == ("card.issued", 3)
    assert not any(code in str(said) for code in made)


async def test_made_without_limit_or_up_to_a_cap_and_given_back_unseen(world: World, door: Door) -> None:
    _, order, _units = await bought(world, SkuKind.GENERATED_KEY, MADE, quantity=2, stock_cap=2)
    sku_id = order.parts[0][1]
    assert await world.stock(sku_id) == (0, 0, 2)
    late = order_of((sku_id, 1))
    await world.reserve(late, kind=SkuKind.GENERATED_KEY)
    assert await world.kinds(late) == ["card.rejected"]
    seen = await world.value("SELECT masked FROM cards ORDER BY card_id LIMIT 1")
    await world.revoke(order)
    assert await world.stock(sku_id) == (2, 0, 0)
    assert await world.value("SELECT count(*) FROM shelf") == 0, "a code that was made is never sold again"
    again = order_of((sku_id, 1))
    await world.reserve(again, kind=SkuKind.GENERATED_KEY)
    (unit,) = await world.units(again)
    assert not (await shown(door, again, unit))["code"].endswith(seen[-4:])
    await world.assert_counters_equal_rows()
    unlimited = order_of((await world.sku(kind=SkuKind.GENERATED_KEY, goods=MADE), 5))
    await world.reserve(unlimited, kind=SkuKind.GENERATED_KEY)
    assert len(await world.units(unlimited)) == 5


async def test_of_a_cap_no_more_is_made_by_many_at_once(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.GENERATED_KEY, goods=MADE, stock_cap=5)
    orders = [order_of((sku_id, 1)) for _ in range(16)]
    await at_once(world, [lambda order=order: world.reserve(order, kind=SkuKind.GENERATED_KEY) for order in orders])  # type: ignore[misc]
    kinds = [kind for order in orders for kind in await world.kinds(order)]
    assert (kinds.count("card.issued"), kinds.count("card.rejected")) == (5, 11)
    assert await world.stock(sku_id) == (0, 0, 5)
    await world.assert_counters_equal_rows()


async def test_the_same_command_twice_makes_no_second_key(world: World) -> None:
    _, order, units = await bought(world, SkuKind.GENERATED_KEY, MADE)
    await world.reserve(order, kind=SkuKind.GENERATED_KEY)
    assert await world.units(order) == units
    assert await world.value("SELECT count(*) FROM cards") == 1
    assert await world.kinds(order) == ["card.issued", "card.issued"], "the outcome is said once more"


async def test_what_is_over_is_not_made_and_leaves_the_shelf(world: World, door: Door) -> None:
    soon = utc_now() + timedelta(hours=1)
    goods = Goods(code=CodePattern(), validity=Validity(until=soon))
    sku_id = await world.sku(kind=SkuKind.GENERATED_KEY, goods=goods)
    product_id = await world.value("SELECT product_id FROM skus WHERE sku_id = $1", sku_id)
    assert (await door.get(f"/v1/products/{product_id}"))["skus"][0]["goods"]["validity"]["days"] is None
    past = goods_row(Goods(code=CodePattern(), validity=Validity(until=utc_now() - timedelta(seconds=1))))
    async with world.database.begin() as uow:
        await uow.raw.execute("UPDATE skus SET goods = $2, ends_at = now() WHERE sku_id = $1", sku_id, past)
    order = order_of((sku_id, 1))
    await world.reserve(order, kind=SkuKind.GENERATED_KEY)
    (said,) = await world.events("card", order.order_id)
    assert (said["type"], said["reason"]) == ("card.rejected", "over")
    await jobs.announce_shelf(world.database)
    announced = (await world.events("product"))[-1]
    assert announced["skus"][0]["on_sale"] is False
    await door.get(f"/v1/products/{product_id}", expect=404)


async def test_links_are_taken_by_line_shown_as_links_and_masked_to_their_host(world: World, door: Door) -> None:
    sku_id = await world.sku(kind=SkuKind.REDEEM_LINK, goods=Goods(link=LinkRule(HOSTS)))
    good = f"https://brand.example/r/{new_id().hex}"
    lines = [
        good,
        "http://brand.example/r/plain-text",
        "https://evil.example/r/other-host",
        "https://brand.example@evil.example/r/host-in-disguise",
        "https://brand.example:8443/r/another-port",
        "JUST-A-CODE-0001",
    ]
    refused = await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": lines}, expect=422)
    assert [(line["line"], line["reason"]) for line in refused["lines"]] == [
        (2, "link_invalid"),
        (3, "link_host_not_allowed"),
        (4, "link_invalid"),
        (5, "link_invalid"),
        (6, "link_invalid"),
    ]
    assert not any(line in str(refused) for line in lines)
    await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": [good]})
    order = order_of((sku_id, 1))
    await world.reserve(order, kind=SkuKind.REDEEM_LINK)
    (unit,) = await world.units(order)
    (owned,) = (await door.get("/v1/wallet/entitlements", who=buyer(order.member_id)))["items"]
    assert owned["masked"] == "brand.example/****"
    assert (await shown(door, order, unit)) == {"link": good}
    assert good not in str(await world.events("card", order.order_id))


async def test_links_are_made_by_template(world: World, door: Door) -> None:
    link = LinkRule(HOSTS, "https://m.brand.example/r?c={code}")
    _, order, (unit,) = await bought(world, SkuKind.REDEEM_LINK, Goods(code=CodePattern(), link=link))
    made = (await shown(door, order, unit))["link"]
    assert made.startswith("https://m.brand.example/r?c=")
    assert await world.value("SELECT masked FROM cards") == "m.brand.example/****"


@pytest.mark.parametrize("imported", [True, False])
async def test_a_cash_voucher_tells_the_till_what_it_is_worth(
    world: World,
    door: Door,
    imported: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    partner_id = new_id()
    goods = WORTH if imported else Goods(CodePattern(), None, WORTH.value, WORTH.validity)
    order, (unit,) = await world.issued(
        cards=1 if imported else 0, kind=SkuKind.CASH_VOUCHER, goods=goods, partner_id=partner_id
    )
    card = await shown(door, order, unit)
    ends_at = await world.value("SELECT expires_at FROM entitlements")
    assert timedelta(days=29) < ends_at - utc_now() <= timedelta(days=30)
    (owned,) = (await door.get("/v1/wallet/entitlements", who=buyer(order.member_id)))["items"]
    assert owned["goods"]["value"] == {"face_minor": 2_000, "threshold_minor": 10_000}
    till = partner(partner_id)
    honoured = await door.post(f"{REDEEM}/batch", {"items": [{"code": card["code"]}] * 2}, who=till, expect=200)
    assert honoured["items"][0]["value"] == {"face_minor": 2_000, "threshold_minor": 10_000}
    assert honoured["items"][1]["code"] == "redemption.already_redeemed"
    sku_id = order.parts[0][1]
    worthless = {"goods": {"value": {"face_minor": 1}, "validity": {"days": 30}}}
    changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json=worthless)
    assert (changed.status_code, changed.json()["code"]) == (422, "sku_goods.invalid")


async def test_a_qr_code_alone_has_no_code_and_is_honoured_and_taken_back(world: World, door: Door) -> None:
    partner_id, order, units = await bought(world, SkuKind.OFFLINE_QR, Goods(), quantity=2, stock_cap=9)
    owner = buyer(order.member_id)
    hidden = await door.reveal(units[0], owner)
    assert (hidden.status_code, hidden.json()["code"]) == (409, "entitlement.no_code")
    assert await world.value("SELECT count(*) FROM cards") == 0
    qr = await qr_of(door, units[0], owner)
    redeemed = await door.post(REDEEM, {"qr": qr}, who=partner(partner_id))
    assert redeemed["masked"] == "QR"
    await world.revoke(order)
    assert (await world.kinds(order))[-1] == "card.revoke_refused", "one of them was used"
    _, other, _ = await bought(world, SkuKind.OFFLINE_QR, Goods(), stock_cap=9)
    await world.revoke(other)
    assert (await world.kinds(other))[-1] == "card.revoked"
    assert await world.stock(other.parts[0][1]) == (9, 0, 0)
    await world.assert_counters_equal_rows()


async def test_a_qr_code_alone_is_accepted_without_a_network_and_kept_from_a_refund(world: World, door: Door) -> None:
    _, order, (unit,) = await bought(world, SkuKind.OFFLINE_QR, Goods())
    answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/offline-qr", who=buyer(order.member_id))
    assert answer.status_code == 200, answer.text
    await world.revoke(order)
    refused = (await world.events("card", order.order_id))[-1]
    assert (refused["type"], refused["reason"]) == ("card.revoke_refused", "offline_voucher")


async def test_a_bundle_of_all_kinds_is_issued_whole(world: World) -> None:
    goods = {
        SkuKind.CARD_KEY: Goods(),
        SkuKind.GENERATED_KEY: MADE,
        SkuKind.CASH_VOUCHER: Goods(CodePattern(), None, WORTH.value, WORTH.validity),
        SkuKind.REDEEM_LINK: Goods(CodePattern(), LinkRule(HOSTS, "https://brand.example/{code}")),
        SkuKind.OFFLINE_QR: Goods(),
    }
    parts = {
        kind: await world.sku(kind=kind, goods=own, cards=1 if kind is SkuKind.CARD_KEY else 0)
        for kind, own in goods.items()
    }
    order = order_of(*((sku_id, 1) for sku_id in parts.values()))
    await world.hold(order)
    async with world.database.begin() as uow:
        wanted = [
            next(each for each in order.reservations(kind) if each.sku_id == sku_id) for kind, sku_id in parts.items()
        ]
        await issuing.reserve(uow, wanted, sealer=world.sealer, now=utc_now())
    assert await world.kinds(order) == ["card.issued"] * len(goods)
    await world.assert_counters_equal_rows()
