"""Codes of a channel's order are shown through order: the order's alone, audited first, never a member's or a taken one."""

from typing import Any

import pytest

from shared.clock import new_id
from shared.http import Identity
from tests.inventory.door import ANYONE, OPERATOR, ORDER_SERVICE, Door, buyer
from tests.inventory.world import World, order_of

PATH = "/internal/channel-reveals"


async def bought(world: World, *, units: int = 2) -> tuple[Any, list[Any]]:
    sku_id = await world.sku()
    await world.import_codes(sku_id, [{"code": f"AAAA-BBBB-{place:04}", "password": "77"} for place in range(units)])
    order = order_of((sku_id, units), guest=True)
    await world.reserve(order)
    return order, await world.units(order)


async def test_all_codes_are_shown_in_one_call_and_each_look_is_audited(world: World, door: Door) -> None:
    order, units = await bought(world)
    channel_id = new_id()
    body = _body(order, units, channel_id=channel_id)
    shown = (await door.post(PATH, body, who=ORDER_SERVICE, expect=200))["items"]
    assert {item["entitlement_id"] for item in shown} == {str(unit) for unit in units}
    assert sorted(item["code"] for item in shown) == ["AAAA-BBBB-0000", "AAAA-BBBB-0001"]
    assert {item["password"] for item in shown} == {"77"}
    audits = await world.fetch("SELECT role, subject, ip FROM reveals")
    assert audits == [{"role": "channel", "subject": str(channel_id), "ip": "203.0.113.9"}] * 2


async def test_another_orders_or_a_members_codes_are_not(world: World, door: Door) -> None:
    order, units = await bought(world)
    members_order, (members,) = await world.issued()
    assert members_order.member_id is not None
    for body in (
        _body(order, [*units, members]),
        _body(members_order, [members]),
        _body(order, [new_id()]),
        {**_body(order, units), "order_id": str(new_id())},
    ):
        answer = await door.call("POST", PATH, who=ORDER_SERVICE, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "entitlement.not_found")
    assert await world.value("SELECT count(*) FROM reveals") == 0


@pytest.mark.parametrize("who", [ANYONE, OPERATOR, buyer()])
async def test_only_a_service_may_ask(world: World, door: Door, who: Identity) -> None:
    order, units = await bought(world)
    answer = await door.call("POST", PATH, who=who, json=_body(order, units))
    assert answer.status_code in {401, 403}
    assert await world.value("SELECT count(*) FROM reveals") == 0


async def test_what_was_taken_back_is_left_out(world: World, door: Door) -> None:
    order, units = await bought(world)
    taken = "UPDATE entitlements SET state = 'revoked', revoked_at = now() WHERE entitlement_id = $1 RETURNING 1"
    await world.value(taken, units[0])
    shown = (await door.post(PATH, _body(order, units), who=ORDER_SERVICE, expect=200))["items"]
    assert [item["entitlement_id"] for item in shown] == [str(units[1])]
    assert await world.value("SELECT count(*) FROM reveals") == 1


def _body(order: Any, units: list[Any], **other: Any) -> dict[str, Any]:
    body = {"order_id": order.order_id, "channel_id": new_id(), "entitlement_ids": units, "ip": "203.0.113.9", **other}
    return {
        name: [str(each) for each in value] if isinstance(value, list) else str(value) for name, value in body.items()
    }
