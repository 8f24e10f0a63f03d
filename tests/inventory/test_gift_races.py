"""Gifts against everybody else who would use the entitlement at the same moment. Each was seen failing with its protection taken out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.inventory.door import Door, buyer
from tests.inventory.neighbours import Risk
from tests.inventory.test_gifts import CLAIM, WALLET, claim, give
from tests.inventory.world import World, at_once


async def test_of_many_who_claim_one_gets_it(world: World, door: Door) -> None:
    made = [await world.issued() for _ in range(4)]
    gifts = [await give(door, unit, buyer(order.member_id)) for order, (unit,) in made]
    claimants = [buyer() for _ in range(8)]
    works: list[Callable[[], Awaitable[Any]]] = [
        lambda g=gift, w=who: door.call("POST", CLAIM, json={"token": g["claim_token"]}, who=w)  # type: ignore[misc]
        for gift in gifts
        for who in claimants
    ]
    answers = await at_once(world, works)
    for number in range(len(gifts)):
        statuses = sorted(answer.status_code for answer in answers[number * 8 : number * 8 + 8])
        assert statuses == [200] + [409] * 7
    owners = await world.fetch(
        "SELECT unit.member_id = gift.claimed_by AS agrees FROM entitlements unit JOIN gifts gift USING (entitlement_id)"
    )
    assert [row["agrees"] for row in owners] == [True] * 4


async def test_a_code_shown_to_its_giver_is_never_the_new_owners(world: World, door: Door, risk: Risk) -> None:
    """The claim is committed between the giver's question and the showing: risk is still thinking. Nothing is shown."""
    order, (unit,) = await world.issued()
    giver, heir = buyer(order.member_id), buyer()
    risk.delay_s = 1.0
    asked = asyncio.create_task(door.reveal(unit, giver))
    while not risk.asked:  # noqa: ASYNC110  # the server has no bell
        await asyncio.sleep(0.01)
    made = await give(door, unit, giver)
    await claim(door, heir, token=made["claim_token"])
    shown = await asked
    assert (shown.status_code, shown.json()["code"]) == (409, "entitlement.revoked")
    assert await world.value("SELECT count(*) FROM reveals") == 0
    risk.delay_s = 0.0
    assert (await door.reveal(unit, heir)).status_code == 200
    assert await world.value("SELECT reveals FROM entitlements") == 1


async def test_shown_and_given_at_once_is_one_of_them(world: World, door: Door) -> None:
    made = [await world.issued() for _ in range(12)]
    works: list[Callable[[], Awaitable[Any]]] = []
    for order, (unit,) in made:
        who = buyer(order.member_id)
        works += [
            lambda u=unit, w=who: door.reveal(u, w),  # type: ignore[misc]
            lambda u=unit, w=who: door.call("POST", f"{WALLET}/{u}/gifts", json={}, who=w),  # type: ignore[misc]
        ]
    answers = await at_once(world, works)
    for shown, gift in zip(answers[::2], answers[1::2], strict=True):
        assert {shown.status_code, gift.status_code} in ({200, 409}, {409, 201})


async def test_claimed_and_refunded_at_once_is_one_of_them(world: World, door: Door) -> None:
    made = [await world.issued() for _ in range(12)]
    works: list[Callable[[], Awaitable[Any]]] = []
    for order, (unit,) in made:
        gift = await give(door, unit, buyer(order.member_id))
        works += [
            lambda t=gift["claim_token"]: door.call("POST", CLAIM, json={"token": t}, who=buyer()),  # type: ignore[misc]
            lambda o=order: world.revoke(o),  # type: ignore[misc]
        ]
    answers = await at_once(world, works)
    for (order, _), claimed in zip(made, answers[::2], strict=True):
        last = (await world.kinds(order))[-1]
        assert last == ("card.revoke_refused" if claimed.status_code == 200 else "card.revoked")
    assert await world.value("SELECT count(*) FROM gifts WHERE state = 'pending'") == 0
    assert await world.value("SELECT count(*) FROM entitlements WHERE gift_id IS NOT NULL") == 0
    await world.assert_counters_equal_rows()
