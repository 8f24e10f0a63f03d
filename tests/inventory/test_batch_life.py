"""Batches frozen, thawed and voided: nothing of them is sold, and what buyers own stays theirs."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.inventory.domain.batches import BatchMoveError, BatchUnknownError
from services.inventory.domain.importing import ImportDuplicateError
from services.inventory.repository import batches as repository
from services.inventory.repository import cards
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.world import World, at_once, codes, order_of

REASON = {"reason": "供应商通知该批次泄露"}


async def shelved(world: World, count: int, **more: Any) -> tuple[UUID, UUID]:
    """A SKU with one batch of so many cards."""
    sku_id = await world.sku(**more)
    return sku_id, (await world.import_codes(sku_id, codes(count), cost_minor=700)).batch_id


def path_of(batch_id: UUID) -> str:
    return f"/v1/ops/batches/{batch_id}"


async def test_a_frozen_batch_is_not_sold_and_a_thawed_one_is(world: World, door: Door) -> None:
    sku_id, batch_id = await shelved(world, 3)
    bought = order_of((sku_id, 1))
    await world.reserve(bought)
    frozen = await door.post(f"{path_of(batch_id)}/freeze", REASON, expect=200)
    assert (frozen["state"], frozen["available"], frozen["frozen"], frozen["issued"]) == ("frozen", 0, 2, 1)
    assert await world.stock(sku_id) == (0, 0, 1)
    refused = order_of((sku_id, 1))
    await world.reserve(refused)
    assert await world.state(refused.component_id) == "rejected"
    (unit,) = await world.units(bought)
    assert (await door.reveal(unit, buyer(bought.member_id))).status_code == 200
    thawed = await door.post(f"{path_of(batch_id)}/unfreeze", REASON, expect=200)
    assert (thawed["state"], thawed["available"], thawed["frozen"]) == ("active", 2, 0)
    served = order_of((sku_id, 2))
    await world.reserve(served)
    assert await world.state(served.component_id) == "issued"
    await world.assert_counters_equal_rows()


async def test_a_void_batch_is_gone_and_its_codes_stay_known(world: World, door: Door) -> None:
    sku_id = await world.sku()
    rows = codes(3)
    batch_id = (await world.import_codes(sku_id, rows, cost_minor=700)).batch_id
    await world.reserve(order_of((sku_id, 1)))
    void = await door.post(f"{path_of(batch_id)}/void", REASON, expect=200)
    assert (void["state"], void["available"], void["frozen"], void["issued"]) == ("void", 0, 0, 1)
    (action,) = (await door.get(f"{path_of(batch_id)}/actions"))["items"]
    told = {name: action[name] for name in ("action", "reason", "units", "cost_minor")}
    assert told == {"action": "void", **REASON, "units": 2, "cost_minor": 1_400}
    with pytest.raises(ImportDuplicateError):
        await world.import_codes(sku_id, rows)
    for act in ("freeze", "unfreeze", "void"):
        assert (await door.post(f"{path_of(batch_id)}/{act}", REASON, expect=409))["code"] == "batch.state"
    await world.assert_counters_equal_rows()


async def test_every_act_is_written_down_for_good(world: World, door: Door) -> None:
    _, batch_id = await shelved(world, 2)
    assert (await door.post(f"{path_of(batch_id)}/freeze", {"reason": ""}, expect=422))["code"] == "body.invalid"
    assert (await door.post(f"{path_of(new_id())}/freeze", REASON, expect=404))["code"] == "batch.unknown"
    assert (await door.post(f"{path_of(batch_id)}/freeze", REASON, who=buyer(), expect=403))["code"]
    first = await door.post(f"{path_of(batch_id)}/freeze", REASON, expect=200, key="freeze-1")
    assert await door.post(f"{path_of(batch_id)}/freeze", REASON, expect=200, key="freeze-1") == first
    await world.unfreeze(batch_id)
    acts = (await door.get(f"{path_of(batch_id)}/actions"))["items"]
    assert [(act["action"], act["units"]) for act in acts] == [("unfreeze", 2), ("freeze", 2)]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.fetch("DELETE FROM batch_actions")


@pytest.mark.parametrize("act", ["freeze", "void"])
async def test_promises_that_cannot_be_kept_end_the_soonest_to_end_first(world: World, act: str) -> None:
    sku_id, batch_id = await shelved(world, 3)
    await world.import_codes(sku_id, codes(2))
    late, soon, paid = order_of((sku_id, 1)), order_of((sku_id, 2)), order_of((sku_id, 1))
    await world.hold(late, minutes=15)
    await world.hold(soon, minutes=5)
    await world.hold(paid, minutes=24 * 60)
    await getattr(world, act)(batch_id)
    assert await world.stock(sku_id) == (2, 2, 0)
    await world.reserve(soon)
    await world.reserve(late, paid)
    states = [await world.state(order.component_id) for order in (late, soon, paid)]
    assert states == ["issued", "rejected", "issued"]
    await world.assert_counters_equal_rows()


async def test_what_comes_back_goes_where_its_batch_is(world: World) -> None:
    sku_id, batch_id = await shelved(world, 3)
    first, second = order_of((sku_id, 1)), order_of((sku_id, 1))
    await world.reserve(first, second)
    await world.freeze(batch_id)
    await world.revoke(first)
    assert await world.stock(sku_id) == (0, 0, 1)
    await world.unfreeze(batch_id)
    assert await world.stock(sku_id) == (2, 0, 1)
    await world.void(batch_id)
    await world.revoke(second)
    assert await world.stock(sku_id) == (0, 0, 1)
    assert await world.kinds(second) == ["card.issued", "card.revoked"]
    await world.assert_counters_equal_rows()


@pytest.mark.parametrize("act", ["freeze", "void"])
async def test_64_buyers_while_the_batch_is_taken_off(world: World, act: str) -> None:
    """Each card is sold or taken off, and once that is committed no card of the batch is sold."""
    sku_id, batch_id = await shelved(world, 64)
    orders = [order_of((sku_id, 1)) for _ in range(64)]
    await world.hold(*orders)
    left: list[int] = []

    async def take_off() -> None:
        await asyncio.sleep(0.05)
        await getattr(world, act)(batch_id)
        left.append(await world.value("SELECT count(*) FROM shelf"))

    works: list[Any] = [lambda order=order: world.reserve(order) for order in orders]
    await at_once(world, [take_off, *works])
    assert left == [0]
    issued = await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'")
    frozen = await world.value("SELECT count(*) FROM frozen_cards")
    assert (issued + frozen == 64) if act == "freeze" else (frozen == 0)
    assert await world.stock(sku_id) == (0, 0, issued)
    await world.assert_counters_equal_rows()


async def test_a_card_that_is_laid_back_meanwhile_is_frozen_too(world: World) -> None:
    """An order that finds too few lays back what it took, while the freezing waits for just that card."""
    sku_id, batch_id = await shelved(world, 1)
    taken = asyncio.Event()

    async def take_one_and_lay_it_back() -> None:
        async with world.database.begin() as uow:
            claimed = await cards.claim_cards(uow, {sku_id: 1}, now=utc_now())
            taken.set()
            await asyncio.sleep(0.3)
            await cards.put_back(uow, claimed)

    taking = asyncio.create_task(take_one_and_lay_it_back())
    await taken.wait()
    await world.freeze(batch_id)
    await taking
    assert await world.value("SELECT count(*) FROM shelf") == 0
    assert await world.value("SELECT count(*) FROM frozen_cards") == 1
    await world.assert_counters_equal_rows()


async def test_refunds_while_the_batch_is_frozen_and_thawed(world: World) -> None:
    sku_id, batch_id = await shelved(world, 24)
    orders = [order_of((sku_id, 1)) for _ in range(24)]
    await world.reserve(*orders)

    async def freeze_and_thaw() -> None:
        for _ in range(4):
            await world.freeze(batch_id)
            await world.unfreeze(batch_id)
        await world.freeze(batch_id)

    works: list[Any] = [lambda order=order: world.revoke(order) for order in orders]
    await at_once(world, [freeze_and_thaw, *works])
    assert await world.value("SELECT count(*) FROM shelf") == 0
    assert await world.value("SELECT count(*) FROM frozen_cards") == 24
    assert await world.stock(sku_id) == (0, 0, 0)
    await world.assert_counters_equal_rows()


async def test_two_operators_at_once(world: World) -> None:
    sku_id, batch_id = await shelved(world, 50)

    async def freeze() -> str:
        try:
            await world.freeze(batch_id)
        except BatchMoveError:
            return "refused"
        return "frozen"

    assert sorted(await at_once(world, [freeze] * 8)) == ["frozen"] + ["refused"] * 7
    assert await world.stock(sku_id) == (0, 0, 0)
    with pytest.raises(BatchUnknownError):
        await world.void(new_id())


async def test_a_batch_is_taken_off_in_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "CHUNK", 7)
    sku_id, batch_id = await shelved(world, 30)
    other = await world.import_codes(sku_id, codes(5))
    await world.freeze(batch_id)
    assert await world.stock(sku_id) == (5, 0, 0)
    await world.unfreeze(batch_id)
    assert await world.stock(sku_id) == (35, 0, 0)
    await world.freeze(other.batch_id)
    assert await world.stock(sku_id) == (30, 0, 0)
    await world.assert_counters_equal_rows()
