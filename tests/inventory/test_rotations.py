"""A batch moves to a new data key while its cards are sold and shown, whatever dies on the way."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.inventory import jobs
from services.inventory.domain.rotations import RotationUnderWayError
from services.inventory.repository import rotations
from services.inventory.usecases import rotating
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.world import Order, World, at_once, codes, kill_after_progress, order_of

REASON = {"reason": "年度密钥轮换"}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "RESEAL_AT_ONCE", 7)


async def sold_batch(world: World, count: int) -> tuple[UUID, list[Order], list[str]]:
    """A batch of which every card is sold, with its orders and codes, in the same order."""
    sku_id = await world.sku()
    rows = codes(count)
    batch_id = (await world.import_codes(sku_id, rows)).batch_id
    orders = [order_of((sku_id, 1)) for _ in range(count)]
    await world.reserve(*orders)
    return batch_id, orders, rows


async def show(world: World, door: Door, order: Order) -> Any:
    answer = await door.reveal((await world.units(order))[0], buyer(order.member_id))
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


async def keys_of(world: World, batch_id: UUID) -> set[UUID]:
    rows = await world.fetch(
        "SELECT DISTINCT coalesce(cards.key_id, card_batches.key_id) AS key_id FROM cards JOIN card_batches"
        " USING (batch_id) WHERE batch_id = $1",
        batch_id,
    )
    return {row["key_id"] for row in rows}


async def test_all_cards_move_and_the_old_key_is_gone(world: World, door: Door) -> None:
    batch_id, orders, rows = await sold_batch(world, 20)
    (old,) = await keys_of(world, batch_id)
    before = {row["card_id"]: row["sealed"] for row in await world.fetch("SELECT card_id, sealed FROM cards")}
    path = f"/v1/ops/batches/{batch_id}/rotations"
    begun = await door.post(path, REASON, expect=202)
    assert (begun["cards"], begun["resealed"], begun["ended_at"]) == (20, 0, None)
    assert (await door.post(path, REASON, expect=409))["code"] == "rotation.under_way"
    await jobs.rotate_keys(world.database, world.keyring)
    (rotation,) = (await door.get(path))["items"]
    assert rotation["resealed"] == 20
    assert rotation["ended_at"] is not None
    (new,) = await keys_of(world, batch_id)
    assert new != old
    assert await world.value("SELECT count(*) FROM data_keys WHERE key_id = $1", old) == 0
    assert await world.value("SELECT key_id FROM card_batches") == new
    for row in await world.fetch("SELECT card_id, sealed FROM cards"):
        assert row["sealed"] != before[row["card_id"]]
    assert [await show(world, door, order) for order in orders] == rows
    assert [act["action"] for act in (await door.get(f"/v1/ops/batches/{batch_id}/actions"))["items"]] == ["rotate"]
    await door.post(path, REASON, expect=202)
    await jobs.rotate_keys(world.database, world.keyring)
    assert await show(world, door, orders[3]) == rows[3]
    assert (await door.post(f"/v1/ops/batches/{new_id()}/rotations", REASON, expect=404))["code"] == "batch.unknown"


async def test_codes_are_shown_while_the_job_is_killed_again_and_again(world: World, door: Door) -> None:
    batch_id, orders, rows = await sold_batch(world, 60)
    await door.post(f"/v1/ops/batches/{batch_id}/rotations", REASON, expect=202)
    mixed = 0
    for seed in range(6):
        await kill_after_progress(
            lambda: jobs.rotate_keys(world.database, world.keyring),
            lambda: world.value("SELECT resealed FROM key_rotations"),
            seed=seed,
        )
        mixed += len(await keys_of(world, batch_id)) == 2
        for chosen in (seed, 30 + seed, 59 - seed):
            assert await show(world, door, orders[chosen]) == rows[chosen]
    assert mixed, "no kill came in the middle"
    await jobs.rotate_keys(world.database, world.keyring)
    assert len(await keys_of(world, batch_id)) == 1
    assert [await show(world, door, order) for order in orders] == rows


async def test_a_chunk_is_sealed_anew_and_noted_or_neither(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job dies between the two: a card under the new key that is not noted would never be opened again."""
    batch_id, orders, rows = await sold_batch(world, 20)
    await door.post(f"/v1/ops/batches/{batch_id}/rotations", REASON, expect=202)
    with monkeypatch.context() as patch:
        patch.setattr(
            rotations, "_GO_ON", "SELECT 1 / 0 WHERE $1::uuid IS NOT NULL AND $2::uuid IS NOT NULL AND $3::int > 0"
        )
        with pytest.raises(asyncpg.DivisionByZeroError):
            await jobs.rotate_keys(world.database, world.keyring)
    assert [await show(world, door, order) for order in orders] == rows
    await jobs.rotate_keys(world.database, world.keyring)
    assert [await show(world, door, order) for order in orders] == rows


async def test_reveals_and_jobs_at_once(world: World, door: Door) -> None:
    batch_id, orders, rows = await sold_batch(world, 40)
    await door.post(f"/v1/ops/batches/{batch_id}/rotations", REASON, expect=202)
    works: list[Any] = [lambda: jobs.rotate_keys(world.database, world.keyring)] * 4
    works += [lambda order=order: show(world, door, order) for order in orders]
    answers = await at_once(world, works)
    assert answers[4:] == rows
    await jobs.rotate_keys(world.database, world.keyring)
    assert await world.value("SELECT resealed FROM key_rotations") == 40
    assert [await show(world, door, order) for order in orders] == rows


async def test_a_batch_is_rotated_once_however_many_ask(world: World) -> None:
    batch_id, _, _ = await sold_batch(world, 3)

    async def ask() -> str:
        try:
            async with world.database.begin() as uow:
                await rotating.begin_rotation(
                    uow, batch_id, keyring=world.keyring, operator="operator", reason="asked", now=utc_now()
                )
        except RotationUnderWayError:
            return "refused"
        return "begun"

    assert sorted(await at_once(world, [ask] * 6)) == ["begun"] + ["refused"] * 5
    assert await world.value("SELECT count(*) FROM data_keys") == 2
