"""The consumer puts a record behind a parked one at the very moment when an operator ends the wait of that key."""

import asyncio
from dataclasses import dataclass

import pytest

from shared.clock import new_id, utc_now
from shared.contracts import OrderCancelledV1
from shared.database import Database
from shared.messaging import Consumer, outbox_rows, replay
from shared.messaging.delivery import Delivery
from shared.messaging.parking import blocked_keys, store_parked, store_waiting
from tests.shared.messaging.house import effects, fetchval, note_effects

CONSUMER = "house"
ORDER = new_id()


def delivery(note: str) -> Delivery:
    rows = outbox_rows([OrderCancelledV1(order_id=ORDER, reason=note)], now=utc_now())
    return Delivery("order", 0, 0, rows.keys[0], rows.event_ids[0], rows.schemas[0], rows.payloads[0], None)


@dataclass
class Desk:
    consumer: Consumer
    parked_id: int


@pytest.fixture
async def desk(house: Database) -> Desk:
    async with house.begin() as uow:
        await store_parked(uow, CONSUMER, delivery("parked"), reason="test", attempts=1)
    consumer = Consumer(house, "nowhere:1", "kafka", CONSUMER, {OrderCancelledV1: note_effects})
    return Desk(consumer, await fetchval(house, "SELECT id FROM parked_records"))


async def test_a_replay_waits_for_the_consumer_and_takes_its_record_too(house: Database, desk: Desk) -> None:
    late = delivery("late")
    async with house.begin() as uow:
        assert await blocked_keys(uow, CONSUMER, [late]) == {late.ordering_key}
        replaying = asyncio.create_task(replay(desk.consumer, desk.parked_id))
        await asyncio.sleep(0.3)
        await store_waiting(uow, CONSUMER, [late])
    assert (await replaying).replayed == 2
    assert await effects(house, ORDER) == ["parked", "late"]
    assert await fetchval(house, "SELECT count(*) FROM parked_records WHERE state = 'waiting'") == 0


async def test_the_consumer_waits_for_a_replay_and_finds_the_key_free(house: Database, desk: Desk) -> None:
    late = delivery("late")
    async with house.begin() as replaying:
        await replaying.raw.execute("SELECT FROM parked_records WHERE id = $1 FOR UPDATE", desk.parked_id)

        async def decide() -> set[tuple[str, str]]:
            async with house.begin() as uow:
                return await blocked_keys(uow, CONSUMER, [late])

        deciding = asyncio.create_task(decide())
        await asyncio.sleep(0.3)
        assert not deciding.done()
        await replaying.raw.execute("UPDATE parked_records SET state = 'replayed' WHERE id = $1", desk.parked_id)
    assert await deciding == set()


async def test_one_of_two_replays_takes_effect(house: Database, desk: Desk) -> None:
    async with house.begin() as uow:
        await store_waiting(uow, CONSUMER, [delivery(note) for note in ("one", "two", "three")])
    outcomes = await asyncio.gather(*(replay(desk.consumer, desk.parked_id) for _ in range(3)), return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert await effects(house, ORDER) == ["parked", "one", "two", "three"]
