"""What order asks in after-sale: whether goods were seen, and the exchange of a ticket's card, once."""

import asyncio
from typing import Any
from uuid import UUID

from shared.clock import new_id
from shared.http import Identity
from tests.inventory.door import OPERATOR, ORDER_SERVICE, Door, buyer, guest
from tests.inventory.test_reports import OPS, code_of, report, seen
from tests.inventory.world import Order, World

BASE = "/internal/after-sale"


async def exchange(
    door: Door,
    order: Order,
    unit: UUID,
    *,
    ticket_id: UUID | None = None,
    approved_by: str | None = None,
    member_id: UUID | None = None,
    expect: int = 200,
) -> Any:
    body = {
        "ticket_id": str(ticket_id or new_id()),
        "entitlement_id": str(unit),
        "order_id": str(order.order_id),
        "member_id": str(member_id or order.member_id),
        "fault": "already_used",
        "approved_by": approved_by,
    }
    return await door.post(f"{BASE}/exchanges", body, who=ORDER_SERVICE, expect=expect)


async def test_order_learns_whether_goods_were_seen(world: World, door: Door) -> None:
    order, (unit,) = await world.issued(cards=1)
    (component_id, _, _) = order.parts[0]

    async def look(component: UUID) -> bool:
        body = {"order_id": str(order.order_id), "component_id": str(component)}
        return bool((await door.post(f"{BASE}/looks", body, who=ORDER_SERVICE, expect=200))["seen"])

    assert await look(component_id) is False
    assert await look(new_id()) is True, "what nobody knows counts as seen"
    await door.reveal(unit, buyer(order.member_id))
    assert await look(component_id) is True


async def test_a_person_s_word_exchanges_the_card_once(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door, cards=4)
    ticket_id = new_id()
    assert (await exchange(door, order, unit, ticket_id=ticket_id))["state"] == "open"
    answers = await asyncio.gather(
        *(exchange_or_busy(door, order, unit, ticket_id=ticket_id, approved_by="operator:7") for _ in range(8))
    )
    assert {state for state in answers if state} == {"replaced"}
    assert (await exchange(door, order, unit, ticket_id=ticket_id, approved_by="operator:7"))["state"] == "replaced"
    assert await code_of(door, unit, owner) != bad
    assert await world.value("SELECT count(*) FROM card_reports WHERE state = 'replaced'") == 1
    assert await world.value("SELECT decided_by FROM card_reports") == "operator:7"
    await world.assert_counters_equal_rows()


async def exchange_or_busy(door: Door, order: Order, unit: UUID, *, ticket_id: UUID, approved_by: str) -> str | None:
    body = {
        "ticket_id": str(ticket_id),
        "entitlement_id": str(unit),
        "order_id": str(order.order_id),
        "member_id": str(order.member_id),
        "fault": "already_used",
        "approved_by": approved_by,
    }
    answer = await door.call("POST", f"{BASE}/exchanges", who=ORDER_SERVICE, json=body)
    if answer.status_code == 409:
        assert answer.json()["code"] == "idempotency.in_progress"
        return None
    return str(answer.json()["state"])


async def test_the_rule_and_the_owners_own_report_are_one_path(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door, partner_id=new_id(), redeemable_here=True)
    assert (await exchange(door, order, unit))["state"] == "replaced"
    assert await code_of(door, unit, owner) != bad
    other, second, holder, _ = await seen(world, door)
    made = await report(door, second, holder)
    assert (await exchange(door, other, second, approved_by="operator:7"))["state"] == "replaced"
    assert (await door.post(f"{OPS}/{made['report_id']}/approve", expect=409))["code"] == "report.decided"


async def test_only_its_owner_s_and_only_by_a_service(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door)
    refused = await exchange(door, order, unit, member_id=new_id(), approved_by="operator:7", expect=404)
    assert refused["code"] == "entitlement.not_found"
    await report(door, unit, owner)
    refused = await exchange(door, order, unit, member_id=new_id(), approved_by="operator:7", expect=404)
    assert refused["code"] == "entitlement.not_found"
    callers: tuple[Identity, ...] = (OPERATOR, owner, guest(order.order_id))
    for caller in callers:
        for path in ("looks", "exchanges"):
            await door.post(f"{BASE}/{path}", {}, who=caller, expect=403)
    assert await code_of(door, unit, owner) == bad


async def test_without_stock_nothing_changes(world: World, door: Door) -> None:
    order, unit, owner, bad = await seen(world, door, cards=1)
    refused = await exchange(door, order, unit, approved_by="operator:7", expect=409)
    assert refused["code"] == "stock.insufficient"
    assert await code_of(door, unit, owner) == bad
    assert await world.value("SELECT count(*) FROM card_reports") == 0
