"""A supplier that does not answer gets no new orders until it is well again, and everybody can see it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.inventory.domain.health import (
    CALLS_MIN,
    OPEN_FOR,
    OPEN_FOR_MAX,
    Calls,
    Circuit,
    CircuitState,
    begin_probe,
    judge,
    new_circuit,
)
from services.inventory.domain.supply import LeasedTask
from services.inventory.usecases import supplying
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.suppliers import Market, Side, running_market
from tests.inventory.world import World, at_once

DEAD = {"kind": "dead", "step": "any"}
UNTIL_PASSED = "UPDATE supplier_circuits SET until = now() - interval '1 second' WHERE state = 'open'"


@pytest.fixture
async def market(world: World, tmp_path: Path) -> AsyncIterator[Market]:
    async with running_market(world, tmp_path) as market:
        yield market


async def health(door: Door, side: Side) -> dict[str, Any]:
    found: dict[str, Any] = await door.get(f"/v1/ops/suppliers/{side.supplier_id}/health")
    return found


async def kill_first(market: Market) -> None:
    """So many orders are lost at the first supplier that its circuit opens."""
    await market.first.faults(DEAD)
    for _ in range(CALLS_MIN):
        await market.buy()
    await market.supply.work()


async def test_a_supplier_that_does_not_answer_gets_no_new_orders(market: Market, world: World, door: Door) -> None:
    await kill_first(market)
    seen = await health(door, market.first)
    assert (seen["circuit"], seen["reason"]) == ("open", "5_of_5_calls_lost")
    assert (seen["calls"], seen["not_understood"], seen["success_rate_bp"]) == (5, 5, 0)
    assert (seen["open_tasks"], seen["unknown_tasks"]) == (5, 5)
    orders = [await market.buy() for _ in range(3)]
    await market.supply.work()
    assert [await world.kinds(order) for order in orders] == [["card.issued"]] * 3
    assert market.charged() == [0, 3]
    well = await health(door, market.second)
    assert (well["circuit"], well["calls"], well["success_rate_bp"]) == ("closed", 3, 10_000)


async def test_orders_that_were_waiting_for_it_go_elsewhere_too(market: Market, world: World, door: Door) -> None:
    order = await market.buy()
    path = f"/v1/ops/suppliers/{market.first.supplier_id}/circuit"
    await door.post(path, {"closed": False, "reason": "maintenance"}, expect=204)
    await market.supply.work()
    await market.supply.work()
    assert await world.kinds(order) == ["card.issued"]
    assert market.charged() == [0, 1]
    assert (await health(door, market.first))["calls"] == 0


async def test_questions_go_through_an_open_circuit(market: Market, world: World) -> None:
    await kill_first(market)
    await market.first.faults()
    await market.supply.settle()
    assert await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'") == CALLS_MIN
    assert sum(market.charged()) == CALLS_MIN


async def test_one_order_finds_out_whether_it_is_well_again(market: Market, world: World, door: Door) -> None:
    await kill_first(market)
    await market.first.faults()
    await world.fetch(UNTIL_PASSED)
    orders = [await market.buy() for _ in range(4)]
    await market.supply.work()
    await market.supply.work()
    assert (await health(door, market.first))["circuit"] == "closed"
    assert [await world.kinds(order) for order in orders] == [["card.issued"]] * 4
    assert market.charged() == [1, 3]


async def test_a_probe_that_is_lost_keeps_it_closed_off(market: Market, world: World, door: Door) -> None:
    await kill_first(market)
    await world.fetch(UNTIL_PASSED)
    await market.buy()
    await market.supply.work()
    seen = await health(door, market.first)
    assert (seen["circuit"], seen["reason"]) == ("open", "probe_lost")
    assert await world.value("SELECT trips FROM supplier_circuits") == 2


async def test_of_many_processes_one_probes(market: Market, world: World) -> None:
    await kill_first(market)
    await world.fetch("DELETE FROM supplier_skus WHERE supplier_id = $1", market.second.supplier_id)
    await world.fetch(UNTIL_PASSED)
    await world.fetch("UPDATE supplier_tasks SET due_at = now() + interval '1 hour'")
    for _ in range(16):
        await market.buy()

    async def take() -> list[LeasedTask]:
        async with world.database.begin() as uow:
            leased = await supplying.take_due_tasks(uow, limit=1, now=utc_now())
            await asyncio.sleep(0.05)
            return leased

    taken = [entry for some in await at_once(world, [take] * 16) for entry in some]
    assert len(taken) == 16
    assert sum(not entry.held_back for entry in taken) == 1


async def test_an_operator_opens_and_closes_by_hand(market: Market, door: Door) -> None:
    path = f"/v1/ops/suppliers/{market.first.supplier_id}/circuit"
    await door.post(path, {"closed": False, "reason": "maintenance"}, expect=204)
    seen = await health(door, market.first)
    assert (seen["circuit"], seen["by_hand"], seen["probe_after"]) == ("open", True, None)
    await market.buy()
    await market.supply.work()
    assert market.charged() == [0, 1]
    await door.post(path, {"closed": True, "reason": "back"}, expect=204)
    await market.buy()
    await market.supply.work()
    assert market.charged() == [1, 1]
    assert (await door.post(path, {"closed": True}, expect=422))["code"] == "body.invalid"
    assert (await door.call("GET", f"{path[:-8]}/health", who=buyer())).status_code == 403
    unknown = f"/v1/ops/suppliers/{new_id()}"
    assert (await door.get(f"{unknown}/health", expect=404))["code"] == "supplier.unknown"
    body = {"closed": True, "reason": "back"}
    assert (await door.post(f"{unknown}/circuit", body, expect=404))["code"] == "supplier.unknown"


async def test_with_nobody_else_an_order_waits_a_while_and_is_refused_in_the_end(market: Market, world: World) -> None:
    await world.fetch("DELETE FROM supplier_skus WHERE supplier_id = $1", market.second.supplier_id)
    await kill_first(market)
    order = await market.buy()
    for _ in range(6):
        await market.supply.work()
        await market.supply.make_due()
    assert await world.kinds(order) == ["card.rejected"]
    assert (await market.supply.task(order))["last_reason"] == "circuit_open"


def test_an_open_circuit_stays_so_longer_each_time_but_not_for_ever() -> None:
    now = utc_now()
    circuit, pauses = new_circuit(new_id()), []
    lost = Calls(unreachable=CALLS_MIN)
    for _ in range(8):
        circuit = judge(circuit, lost, answered=0, lost=1, now=now)
        assert circuit.until is not None
        pauses.append(circuit.until - now)
        circuit = begin_probe(circuit, now=now)
    assert pauses[:2] == [OPEN_FOR, 2 * OPEN_FOR]
    assert pauses[-1] == OPEN_FOR_MAX > timedelta(0)


@pytest.mark.parametrize(
    ("calls", "opens"),
    [
        (Calls(unreachable=4), False),
        (Calls(answered=6, not_understood=5), False),
        (Calls(answered=5, not_understood=5), True),
        (Calls(failed=20), False),
    ],
)
def test_what_opens_a_circuit(calls: Calls, *, opens: bool) -> None:
    circuit: Circuit = judge(new_circuit(new_id()), calls, answered=0, lost=calls.lost, now=utc_now())
    assert (circuit.state is CircuitState.OPEN) is opens
