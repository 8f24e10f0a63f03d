"""A redemption that was a mistake is undone: its entitlement can be used again, once."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.inventory.domain.undoing import RedemptionUndoneError, Undo, UndoneBy
from services.inventory.usecases.undoing import undo_redemption
from shared.clock import new_id, utc_now
from shared.http import Identity, Role
from tests.inventory.door import OPERATOR, Door, buyer, partner
from tests.inventory.test_offline import line, offline_qr, upload
from tests.inventory.test_vouchers import at_brand, qr_of
from tests.inventory.world import Order, World, at_once, order_of

PATH = "/v1/partner/redemptions"
OPS = "/v1/ops/redemptions"
WHY = {"reason": "收银员误操作"}


async def redeemed(world: World, door: Door, **sku: Any) -> tuple[UUID, Order, UUID, UUID, str]:
    """A brand, what somebody bought of it, its redemption by the code, and the code."""
    partner_id, order, unit = await at_brand(world, **sku)
    code = (await door.reveal(unit, buyer(order.member_id))).json()["code"]
    made = await door.post(PATH, {"code": code, "store": "A"}, who=partner(partner_id))
    return partner_id, order, unit, UUID(made["redemption_id"]), code


async def undo(
    door: Door, redemption_id: UUID, partner_id: UUID | None = None, *, expect: int = 200, **more: Any
) -> dict[str, Any]:
    """By the partner, or by an operator where none is named."""
    path, who = (OPS, OPERATOR) if partner_id is None else (PATH, partner(partner_id))
    answer: dict[str, Any] = await door.post(f"{path}/{redemption_id}/undo", WHY, who=who, expect=expect, **more)
    return answer


async def assert_rows_agree(world: World) -> None:
    """What is redeemed has one redemption that counts, and nothing else has one."""
    wrong = await world.fetch(
        "SELECT unit.entitlement_id, unit.state, count(counting.redemption_id) FROM entitlements unit"
        " LEFT JOIN redemptions counting ON counting.entitlement_id = unit.entitlement_id AND counting.undone_at IS NULL"
        " GROUP BY unit.entitlement_id"
        " HAVING count(counting.redemption_id) <> (CASE unit.state WHEN 'redeemed' THEN 1 ELSE 0 END)"
    )
    assert wrong == []


async def test_a_partner_undoes_and_the_code_is_honoured_once_more(world: World, door: Door) -> None:
    partner_id, order, unit, redemption_id, code = await redeemed(world, door)
    undone = await undo(door, redemption_id, partner_id, key="undo-1")
    assert (undone["undone_by"], undone["undo_reason"]) == ("partner", "收银员误操作")
    assert await undo(door, redemption_id, partner_id, key="undo-1") == undone
    event = (await world.events("card", order.order_id))[-1]
    assert event == {
        **event,
        "type": "card.redemption_undone",
        "redemption_id": str(redemption_id),
        "entitlement_id": str(unit),
        "partner_id": str(partner_id),
        "by": "partner",
        "units": 1,
    }
    assert WHY["reason"] not in str(event)
    (owned,) = (await door.get("/v1/wallet/entitlements", who=buyer(order.member_id)))["items"]
    assert (owned["status"], owned["redeemed_at"]) == ("active", None)
    again = await door.post(PATH, {"code": code}, who=partner(partner_id))
    assert again["redemption_id"] != str(redemption_id)
    assert (await door.post(PATH, {"code": code}, who=partner(partner_id), expect=409))["code"] == (
        "redemption.already_redeemed"
    )
    assert (await undo(door, redemption_id, partner_id, expect=409))["code"] == "redemption.undone"
    await assert_rows_agree(world)


async def test_lists_and_files_show_what_was_undone(world: World, door: Door) -> None:
    partner_id, _, _, redemption_id, code = await redeemed(world, door)
    await undo(door, redemption_id)
    kept = await door.post(PATH, {"code": code}, who=partner(partner_id))

    async def found(path: str = PATH, who: Identity | None = None, **query: Any) -> list[dict[str, Any]]:
        return list((await door.get(path, who=who or partner(partner_id), **query))["items"])

    assert [item["undone_at"] is None for item in await found()] == [True, False]
    assert [item["redemption_id"] for item in await found(undone=True)] == [str(redemption_id)]
    assert [item["redemption_id"] for item in await found(undone=False)] == [kept["redemption_id"]]
    (shown,) = await found(OPS, OPERATOR, undone=True)
    assert (shown["undone_by"], shown["undone_subject"]) == ("operator", OPERATOR.subject)
    assert all("undone_subject" not in item for item in await found())
    answer = await door.call("GET", f"{PATH}/export?undone=true", who=partner(partner_id))
    header, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    line_of = dict(zip(header, row, strict=True))
    assert (line_of["核销号"], line_of["撤销方"], line_of["撤销原因"]) == (f"`{redemption_id}", "平台", WHY["reason"])
    assert line_of["撤销时间"]


async def test_only_the_partner_that_redeemed_and_operators_may(world: World, door: Door) -> None:
    partner_id, order, _, redemption_id, _ = await redeemed(world, door)
    for wrong_id, who in ((redemption_id, new_id()), (new_id(), partner_id)):
        assert (await undo(door, wrong_id, who, expect=404))["code"] == "redemption.unknown"
    assert (await undo(door, new_id(), expect=404))["code"] == "redemption.unknown"
    for caller in (buyer(order.member_id), Identity(role=Role.OPERATOR, subject="x", scopes=frozenset({"catalogue"}))):
        for path in (PATH, OPS):
            refused = await door.call("POST", f"{path}/{redemption_id}/undo", json=WHY, who=caller)
            assert refused.status_code == 403
    for body in ({}, {"reason": ""}, {"reason": "x" * 201}, {**WHY, "force": True}):
        path = f"{PATH}/{redemption_id}/undo"
        assert (await door.post(path, body, who=partner(partner_id), expect=422))["code"] == "body.invalid"
    assert await world.value("SELECT count(*) FROM redemptions WHERE undone_at IS NOT NULL") == 0


async def test_a_partner_has_a_time_and_an_operator_has_not(world: World, door: Door) -> None:
    """The SKU's rule, or the setting where there is none; 0 is never."""
    for minutes, age, late in ((None, 29, False), (None, 31, True), (90, 80, False), (90, 91, True), (0, 0, True)):
        partner_id, _, _, redemption_id, _ = await redeemed(world, door, undo_within_minutes=minutes)
        await world.fetch(
            "UPDATE redemptions SET redeemed_at = redeemed_at - $2::interval WHERE redemption_id = $1",
            redemption_id,
            timedelta(minutes=age),
        )
        answer = await undo(door, redemption_id, partner_id, expect=409 if late else 200)
        if late:
            assert answer["code"] == "redemption.undo_too_late"
            assert (await undo(door, redemption_id))["undone_by"] == "operator"
    await assert_rows_agree(world)


async def test_the_rule_is_a_term_of_the_sku(door: Door) -> None:
    sku_id = await door.sku(await door.product(), undo_within_minutes=5)
    path = f"/v1/ops/skus/{sku_id}"
    assert (await door.get(path))["undo_within_minutes"] == 5
    for value in (0, None):
        changed = await door.call("PATCH", path, json={"undo_within_minutes": value})
        assert changed.json()["undo_within_minutes"] == value
    assert (await door.call("PATCH", path, json={"undo_within_minutes": -1})).status_code == 422


async def test_what_has_expired_is_not_given_back(world: World, door: Door) -> None:
    partner_id, _, _, redemption_id, _ = await redeemed(world, door)
    await world.fetch("UPDATE entitlements SET expires_at = now() - interval '1 second'")
    for who in (partner_id, None):
        assert (await undo(door, redemption_id, who, expect=409))["code"] == "redemption.undo_refused"
    await assert_rows_agree(world)


async def test_what_was_undone_is_refunded_and_a_code_that_a_till_saw_is_not_sold_again(
    world: World, door: Door
) -> None:
    """By the code the till has seen it, though its owner never asked us; by a QR code nobody has."""
    for channel, on_hand in (("code", 0), ("qr", 1)):
        partner_id = new_id()
        sku_id = await world.sku(partner_id=partner_id, redeemable_here=True)
        await world.import_codes(sku_id, [code := f"UNSEEN-{channel}-0001"])
        order = order_of((sku_id, 1))
        await world.reserve(order)
        (unit,) = await world.units(order)
        presented = {"code": code} if channel == "code" else {"qr": await qr_of(door, unit, buyer(order.member_id))}
        made = await door.post(PATH, presented, who=partner(partner_id))
        await world.revoke(order)
        assert (await world.kinds(order))[-1] == "card.revoke_refused"
        await undo(door, UUID(made["redemption_id"]), partner_id)
        await world.revoke(order)
        assert (await world.kinds(order))[-1] == "card.revoked"
        assert (await world.stock(sku_id))[0] == on_hand
    await world.assert_counters_equal_rows()


async def test_of_a_card_with_several_uses_one_is_given_back(world: World, door: Door) -> None:
    partner_id = new_id()
    sku_id = await world.sku(partner_id=partner_id, redeemable_here=True)
    await world.import_codes(sku_id, [{"code": "THREE-USES-0001", "uses": 3}])
    orders = [order_of((sku_id, 1)) for _ in range(3)]
    await world.reserve(*orders)
    made = [await door.post(PATH, {"code": "THREE-USES-0001"}, who=partner(partner_id)) for _ in range(3)]
    await door.post(PATH, {"code": "THREE-USES-0001"}, who=partner(partner_id), expect=409)
    await undo(door, UUID(made[1]["redemption_id"]), partner_id)
    await door.post(PATH, {"code": "THREE-USES-0001"}, who=partner(partner_id))
    await door.post(PATH, {"code": "THREE-USES-0001"}, who=partner(partner_id), expect=409)
    await assert_rows_agree(world)


async def test_a_qr_code_that_was_used_stays_used(world: World, door: Door) -> None:
    partner_id, order, unit = await at_brand(world)
    qr = await qr_of(door, unit, buyer(order.member_id))
    made = await door.post(PATH, {"qr": qr}, who=partner(partner_id))
    await undo(door, UUID(made["redemption_id"]), partner_id)
    assert (await door.post(PATH, {"qr": qr}, who=partner(partner_id), expect=409))["code"] == "redemption.qr_used"
    another = await qr_of(door, unit, buyer(order.member_id))
    (result,) = (await door.post(f"{PATH}/batch", {"items": [{"qr": another}]}, who=partner(partner_id), expect=200))[
        "items"
    ]
    assert result["outcome"] == "redeemed"


async def test_a_list_that_comes_again_does_not_redeem_what_was_undone(world: World, door: Door) -> None:
    """The line is answered the same again, another till's with the same voucher is a conflict, and the owner gets a new one."""
    partner_id, order, unit = await at_brand(world)
    qr = await offline_qr(door, unit, order)
    entry = line(qr)
    (first,) = await upload(door, partner_id, entry)
    await undo(door, UUID(first["redemption_id"]), partner_id)
    assert await upload(door, partner_id, entry) == [first]
    assert (await upload(door, partner_id, line(qr, store="B")))[0]["code"] == "redemption.qr_used"
    assert await world.value("SELECT state FROM entitlements") == "active"
    another = await offline_qr(door, unit, order)
    assert another != qr
    assert (await upload(door, partner_id, line(another)))[0]["outcome"] == "redeemed"
    await assert_rows_agree(world)


async def test_undone_and_redeemed_at_once_is_one_of_them(world: World, door: Door) -> None:
    """Ten entitlements, each undone by four at once while four tills redeem it anew: one undoing, and one redemption at most."""
    made = [await redeemed(world, door) for _ in range(10)]

    async def try_undo(redemption_id: UUID) -> bool:
        try:
            async with world.database.begin() as uow:
                await undo_redemption(
                    uow,
                    redemption_id,
                    Undo(UndoneBy.OPERATOR, "operator", "x"),
                    partner_id=None,
                    within=timedelta(0),
                    now=utc_now(),
                )
        except RedemptionUndoneError:
            return False
        return True

    async def try_redeem(partner_id: UUID, code: str) -> bool:
        await asyncio.sleep(0)
        return (await door.call("POST", PATH, json={"code": code}, who=partner(partner_id))).status_code == 201

    works: list[Callable[[], Awaitable[Any]]] = []
    for partner_id, _, _, redemption_id, code in made:
        works += [lambda r=redemption_id: try_undo(r), lambda p=partner_id, c=code: try_redeem(p, c)] * 4  # type: ignore[misc]
    outcomes = await at_once(world, works)
    for (_, order, *_), number in zip(made, range(0, len(outcomes), 8), strict=True):
        undone, again = outcomes[number : number + 8 : 2], outcomes[number + 1 : number + 8 : 2]
        assert undone.count(True) == 1
        assert again.count(True) <= 1
        kinds = await world.kinds(order)
        assert (kinds.count("card.redemption_undone"), kinds.count("card.redeemed")) == (1, 1 + again.count(True))
    await assert_rows_agree(world)


async def test_undone_and_refunded_at_once_is_refunded_or_kept(world: World, door: Door) -> None:
    made = [await redeemed(world, door) for _ in range(12)]
    works: list[Callable[[], Awaitable[Any]]] = []
    for _, order, _, redemption_id, _ in made:
        works += [lambda r=redemption_id: undo(door, r), lambda o=order: world.revoke(o)]  # type: ignore[misc]
    await at_once(world, works)
    for _, order, unit, _, _ in made:
        state = await world.value("SELECT state FROM entitlements WHERE entitlement_id = $1", unit)
        kinds = await world.kinds(order)
        assert kinds.count("card.redemption_undone") == 1
        assert (state, kinds.count("card.revoked")) in {("active", 0), ("revoked", 1)}
    await assert_rows_agree(world)
    await world.assert_counters_equal_rows()
