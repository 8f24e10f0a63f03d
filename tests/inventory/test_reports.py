"""Bad cards: reported within rules, replaced once, never sold again."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.inventory.domain.reports import REPORT_WITHIN, REPORTS_MAX, ReportDecidedError
from services.inventory.domain.stock import StockInsufficientError
from services.inventory.usecases.reports import approve_report
from shared.clock import new_id, utc_now
from shared.http import Identity
from tests.inventory.door import Door, buyer, guest, partner
from tests.inventory.world import Order, World, at_once, codes, order_of

OPS = "/v1/ops/entitlements/reports"
TAKEN_AGAIN = """
SELECT card_id FROM card_reports report WHERE state = 'replaced' AND (
    EXISTS (SELECT FROM shelf WHERE shelf.card_id = report.card_id)
    OR EXISTS (SELECT FROM frozen_cards frozen WHERE frozen.card_id = report.card_id)
    OR EXISTS (SELECT FROM entitlements unit WHERE unit.card_id = report.card_id
               AND (unit.entitlement_id = report.entitlement_id OR unit.issued_at > report.decided_at)))
"""
"""Bad cards that are for sale, or with somebody who did not have a use of them before."""


async def report(door: Door, unit: UUID, who: Identity, *, expect: int = 201) -> Any:
    return await door.post(f"/v1/wallet/entitlements/{unit}/report", {"fault": "already_used"}, who=who, expect=expect)


async def code_of(door: Door, unit: UUID, who: Identity) -> str:
    return str((await door.reveal(unit, who)).json()["code"])


async def seen(world: World, door: Door, *, cards: int = 2, **sku: Any) -> tuple[Order, UUID, Identity, str]:
    """A card that its owner has seen, with others on the shelf."""
    order, (unit,) = await world.issued(cards=cards, **sku)
    owner = buyer(order.member_id)
    return order, unit, owner, await code_of(door, unit, owner)


async def test_an_operator_replaces_a_bad_card(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door)
    (_, sku_id, _) = order.parts[0]
    reported = await report(door, unit, owner)
    assert reported["state"] == "open"
    assert await code_of(door, unit, owner) == bad
    (listed,) = (await door.get(OPS, state="open"))["items"]
    assert (listed["report_id"], listed["cost_minor"]) == (reported["report_id"], 700)
    await door.post(f"{OPS}/{reported['report_id']}/approve", expect=204)
    fresh = await code_of(door, unit, owner)
    assert fresh != bad
    (decided,) = (await door.get(OPS, batch_id=listed["batch_id"]))["items"]
    assert (decided["state"], decided["new_cost_minor"]) == ("replaced", 700)
    assert decided["decided_by"].startswith("operator:")
    assert await world.stock(sku_id) == (0, 0, 1)
    await world.assert_counters_equal_rows()
    assert await world.fetch(TAKEN_AGAIN) == []
    await world.revoke(order)
    assert (await world.kinds(order))[-1] == "card.revoke_refused"
    assert all(text not in str(decided) for text in (bad, fresh))


async def test_a_card_of_a_sku_without_limit_is_replaced_from_the_shelf(world: World, door: Door) -> None:
    """What suppliers deliver may be sold without limit; the cards of it that lie here serve all the same."""
    _, unit, owner, bad = await seen(world, door, supplied=True)
    reported = await report(door, unit, owner)
    await door.post(f"{OPS}/{reported['report_id']}/approve", expect=204)
    assert await code_of(door, unit, owner) != bad


async def test_what_is_honoured_here_alone_is_replaced_by_rule(world: World, door: Door) -> None:
    partner_id = new_id()
    order, unit, owner, bad = await seen(world, door, partner_id=partner_id, redeemable_here=True)
    assert (await report(door, unit, owner))["state"] == "replaced"
    fresh = await code_of(door, unit, owner)
    till = "/v1/partner/redemptions"
    assert (await door.post(till, {"code": bad}, who=partner(partner_id), expect=404))["code"] == (
        "redemption.code_unknown"
    )
    await door.post(till, {"code": fresh}, who=partner(partner_id))
    assert (await report(door, unit, owner, expect=409))["code"] == "report.not_allowed"
    assert (await world.kinds(order)).count("card.redeemed") == 1


async def test_a_replaced_card_that_is_refunded_stays_off_the_shelf(world: World, door: Door) -> None:
    order, unit, owner, _ = await seen(world, door, partner_id=new_id(), redeemable_here=True)
    await report(door, unit, owner)
    await world.revoke(order)
    assert (await world.kinds(order))[-1] == "card.revoked"
    assert await world.value("SELECT count(*) FROM shelf") == 0
    await world.assert_counters_equal_rows()


async def test_only_within_the_rules(world: World, door: Door) -> None:
    order, (unit,) = await world.issued(cards=2)
    owner = buyer(order.member_id)
    assert (await report(door, unit, owner, expect=409))["code"] == "report.not_allowed"
    await door.reveal(unit, owner)
    for stranger in (buyer(), guest(new_id())):
        assert (await report(door, unit, stranger, expect=404))["code"] == "entitlement.not_found"
    past = utc_now() - REPORT_WITHIN - timedelta(minutes=1)
    await world.fetch("UPDATE entitlements SET first_revealed_at = $1", past)
    assert (await report(door, unit, owner, expect=409))["code"] == "report.not_allowed"
    await world.fetch("UPDATE entitlements SET first_revealed_at = now()")
    made = await report(door, unit, owner)
    assert (await report(door, unit, owner, expect=409))["code"] == "report.not_allowed"
    await door.post(f"{OPS}/{made['report_id']}/refuse", expect=204)
    for verb in ("refuse", "approve"):
        assert (await door.post(f"{OPS}/{made['report_id']}/{verb}", expect=409))["code"] == "report.decided"
        assert (await door.post(f"{OPS}/{new_id()}/{verb}", expect=404))["code"] == "report.unknown"
    wrong = await door.post(f"/v1/wallet/entitlements/{unit}/report", {"fault": "CODE-1"}, who=owner, expect=422)
    assert "CODE-1" not in str(wrong)


async def test_nobody_reports_more_than_the_limit_even_at_once(world: World, door: Door) -> None:
    sku_id = await world.sku(cards=8)
    order = order_of((sku_id, 8))
    await world.reserve(order)
    owner = buyer(order.member_id)
    units = await world.units(order)
    await asyncio.gather(*(door.reveal(unit, owner) for unit in units))
    answers = await asyncio.gather(
        *(
            door.call("POST", f"/v1/wallet/entitlements/{unit}/report", json={"fault": "invalid"}, who=owner)
            for unit in units
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * REPORTS_MAX + [429] * (8 - REPORTS_MAX)


async def test_what_is_promised_to_others_replaces_nothing(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door, partner_id=new_id(), redeemable_here=True)
    (_, sku_id, _) = order.parts[0]
    await world.hold(order_of((sku_id, 1)))
    reported = await report(door, unit, owner)
    assert reported["state"] == "open"
    approve = f"{OPS}/{reported['report_id']}/approve"
    assert (await door.post(approve, expect=409))["code"] == "stock.insufficient"
    assert await code_of(door, unit, owner) == bad
    await world.import_codes(sku_id, codes(1))
    await door.post(approve, expect=204)
    assert await code_of(door, unit, owner) != bad
    await world.assert_counters_equal_rows()


async def test_of_many_approvals_and_a_refund_and_a_till_the_books_are_right(world: World, door: Door) -> None:
    partner_id = new_id()
    sku_id = await world.sku(cards=10, partner_id=partner_id, redeemable_here=True)
    reports: list[UUID] = []
    texts: list[str] = []
    orders = [order_of((sku_id, 1)) for _ in range(10)]
    await world.reserve(*orders)
    for order in orders:
        (unit,) = await world.units(order)
        owner = buyer(order.member_id)
        texts.append(await code_of(door, unit, owner))
        reports.append(UUID((await report(door, unit, owner))["report_id"]))
    await world.import_codes(sku_id, codes(5))

    async def approve(report_id: UUID) -> None:
        try:
            async with world.database.begin() as uow:
                await approve_report(uow, report_id, decided_by="operator:1", now=utc_now())
        except (ReportDecidedError, StockInsufficientError):
            return

    async def honour(code: str) -> None:
        answer = await door.call("POST", "/v1/partner/redemptions", json={"code": code}, who=partner(partner_id))
        assert answer.status_code in {201, 404, 409}, answer.text

    works: list[Any] = []
    for report_id, order, text in zip(reports, orders, texts, strict=True):
        works += [lambda r=report_id: approve(r)] * 3
        works += [lambda o=order: world.revoke(o), lambda t=text: honour(t)]
    await at_once(world, works)
    await world.assert_counters_equal_rows()
    assert await world.fetch(TAKEN_AGAIN) == []
    replaced = await world.value("SELECT count(*) FROM card_reports WHERE state = 'replaced'")
    assert await world.value("SELECT count(*) FROM shelf") == 5 - replaced
    both = "SELECT count(*) FROM redemptions JOIN entitlements USING (entitlement_id) WHERE state <> 'redeemed'"
    assert await world.value(both) == 0
