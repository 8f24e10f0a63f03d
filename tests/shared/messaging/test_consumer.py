import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer

from shared.clock import new_id, utc_now
from shared.contracts import Envelope, OrderCancelledV1, OrderCompletedV1, OrderFulfilledV1, encode, wrap
from shared.database import Database, UnitOfWork
from shared.messaging import announce, prune_inbox
from shared.observability import continue_trace
from tests.shared.messaging.house import (
    fetchval,
    make_consumer,
    make_relay,
    new_group,
    note_completions,
    note_effects,
    numbered,
    running,
    say,
    until_effects,
)
from tests.support.brokers import TestBroker

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


async def test_each_event_takes_effect_once_and_in_order_per_key(house: Database, broker: TestBroker) -> None:
    orders = [new_id() for _ in range(20)]
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
        for note in numbered(15):
            await asyncio.gather(*(say(house, order_id, note, note + "b") for order_id in orders))
        for order_id in orders:
            assert await until_effects(house, order_id, 30) == [
                note + tail for note in numbered(15) for tail in ("", "b")
            ]


async def test_a_second_delivery_has_no_second_effect(house: Database, broker: TestBroker) -> None:
    """The same records come again: by the outbox, in one batch, and to a group that has lost its offsets."""
    group, order_id = new_group(), new_id()
    consumer = make_consumer(house, broker, group)
    async with running(make_relay(house, broker), consumer):
        await say(house, order_id, *numbered(10))
        await until_effects(house, order_id, 10)
        async with house.begin() as uow:
            await uow.raw.execute("UPDATE outbox SET published_at = NULL")
        await say(house, order_id, "last")
        await until_effects(house, order_id, 11)
    async with running(make_consumer(house, broker, new_group(), inbox_of=group)):
        await say(house, order_id, "after")
        async with running(make_relay(house, broker)):
            assert await until_effects(house, order_id, 12) == [*numbered(10), "last", "after"]


async def test_a_copy_within_one_batch_is_recognised(house: Database, broker: TestBroker) -> None:
    order_id = new_id()
    event = wrap(OrderCancelledV1(order_id=order_id, reason="once"), event_id=new_id(), source="/order", time=utc_now())
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=50)
    await producer.start()
    headers = [("id", str(event.id).encode()), ("dataschema", event.dataschema.encode())]
    for _ in range(3):
        await producer.send("order", key=str(order_id).encode(), value=encode(event), headers=headers)
    await producer.stop()
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
        await say(house, order_id, "then")
        assert await until_effects(house, order_id, 2) == ["once", "then"]


async def test_handlers_get_many_events_of_one_type_and_other_types_are_passed_over(
    house: Database, broker: TestBroker
) -> None:
    calls: list[int] = []

    async def handler(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
        calls.append(len(events))
        await note_effects(uow, events)

    orders = [new_id() for _ in range(100)]
    now = utc_now()
    async with house.begin() as uow:
        for order_id in orders:
            announce(uow, OrderCancelledV1(order_id=order_id, reason="first"), now=now)
            announce(uow, OrderFulfilledV1(order_id=order_id, fulfilled_at=now), now=now)
            announce(uow, OrderCompletedV1(order_id=order_id, completed_at=now), now=now)
    handlers = {OrderCancelledV1: handler, OrderCompletedV1: note_completions}
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group(), handlers)):
        for order_id in orders:
            assert await until_effects(house, order_id, 2) == ["first", "completed"]
    assert max(calls) > 10
    assert await fetchval(house, "SELECT count(*) FROM inbox WHERE consumer LIKE 'house-%'") >= 200


async def test_what_follows_from_a_record_continues_its_trace(house: Database, broker: TestBroker) -> None:
    """Two records with traces of their own are handled at once; what each causes keeps to its own."""

    async def answer(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
        await note_effects(uow, events)
        now = utc_now()
        announce(uow, *(OrderCompletedV1(order_id=event.data.order_id, completed_at=now) for event in events), now=now)

    orders = {new_id(): TRACE, new_id(): TRACE.replace("0af7", "1111")}
    for order_id, trace in orders.items():
        with continue_trace(trace):
            await say(house, order_id, "x")
    async with running(
        make_relay(house, broker), make_consumer(house, broker, new_group(), {OrderCancelledV1: answer})
    ):
        for order_id, trace in orders.items():
            await until_effects(house, order_id, 1)
            statement = "SELECT traceparent FROM outbox WHERE key = $1 AND dataschema = 'order.completed/v1'"
            assert await fetchval(house, statement, str(order_id)) == trace


async def test_a_handler_that_meets_contention_is_tried_again(house: Database, broker: TestBroker) -> None:
    tries = 0

    async def contended(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await uow.raw.execute("DO $$ BEGIN RAISE serialization_failure; END $$")
        await note_effects(uow, events)

    order_id = new_id()
    async with running(
        make_relay(house, broker), make_consumer(house, broker, new_group(), {OrderCancelledV1: contended})
    ):
        await say(house, order_id, "x")
        assert await until_effects(house, order_id, 1) == ["x"]
    assert await fetchval(house, "SELECT count(*) FROM parked_records") == 0


async def test_a_stopped_consumer_goes_on_where_it_was(house: Database, broker: TestBroker) -> None:
    """Offsets are committed on the way out: the second run sees nothing of the first."""
    group, order_id = new_group(), new_id()
    async with running(make_relay(house, broker)):
        async with running(make_consumer(house, broker, group)):
            await say(house, order_id, *numbered(5))
            await until_effects(house, order_id, 5)
        async with house.begin() as uow:
            await uow.raw.execute("DELETE FROM inbox")  # a repetition would now take effect again
        async with running(make_consumer(house, broker, group)):
            await say(house, order_id, "more")
            assert await until_effects(house, order_id, 6) == [*numbered(5), "more"]


@pytest.mark.needs_kafka
async def test_two_members_share_the_partitions(house: Database, broker: TestBroker) -> None:
    group = new_group()
    orders = [new_id() for _ in range(40)]
    async with running(
        make_relay(house, broker),
        make_consumer(house, broker, group, instance="0"),
        make_consumer(house, broker, group, instance="1"),
    ):
        for note in numbered(5):
            await asyncio.gather(*(say(house, order_id, note) for order_id in orders))
            await asyncio.sleep(0.1)
        for order_id in orders:
            assert await until_effects(house, order_id, 5) == numbered(5)


async def test_the_inbox_is_pruned_by_age(house: Database) -> None:
    async with house.begin() as uow:
        await uow.raw.execute("INSERT INTO inbox SELECT 'house', gen_random_uuid() FROM generate_series(1, 20)")
        await uow.raw.execute(
            "INSERT INTO inbox SELECT 'house', gen_random_uuid(), now() - interval '17 days' FROM generate_series(1, 20)"
        )
        assert await prune_inbox(uow, now=utc_now()) == 20
        assert await prune_inbox(uow, now=utc_now()) == 0
