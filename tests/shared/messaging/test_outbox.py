import asyncio
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.clock import new_id, utc_now
from shared.contracts import OrderCancelledV1, decode
from shared.contracts.topics import BY_NAME
from shared.database import Database
from shared.messaging import EventTooLargeError, OutboxRows, announce, outbox_insert, outbox_rows, prune_outbox
from shared.messaging.outbox import ring_outbox
from shared.messaging.partitioning import partition_of
from shared.observability import continue_trace
from tests.shared.messaging.house import eventually, fetchval, make_relay, numbered, running, say, unpublished
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


async def records_of(broker: TestBroker, key: str) -> list[tuple[str, dict[str, bytes]]]:
    """The notes and headers of a key's records, in the order of its partition."""
    place = TopicPartition("order", partition_of(key, BY_NAME["order"].partitions))
    client = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        client.assign([place])
        await client.seek_to_beginning(place)
        end = (await client.end_offsets([place]))[place]
        found: list[tuple[str, dict[str, bytes]]] = []
        while await client.position(place) < end:
            records = (await client.getmany(timeout_ms=500)).get(place, ())
            found.extend(
                (decode(record.value, OrderCancelledV1).data.reason, dict(record.headers))
                for record in records
                if record.key == key.encode()
            )
        return found
    finally:
        await client.stop()


async def until_published(house: Database) -> None:
    async def met() -> bool:
        return await unpublished(house) == 0

    await eventually(met)


async def test_what_is_rolled_back_was_never_said(house: Database, broker: TestBroker) -> None:
    order_id = new_id()
    with pytest.raises(LookupError):
        async with house.begin() as uow:
            announce(uow, OrderCancelledV1(order_id=order_id, reason="no"), now=utc_now())
            raise LookupError
    await say(house, order_id, "yes")
    async with running(make_relay(house, broker)):
        await until_published(house)
    assert [note for note, _ in await records_of(broker, str(order_id))] == ["yes"]


async def test_order_per_key_and_headers_reach_the_topic(house: Database, broker: TestBroker) -> None:
    orders = [new_id() for _ in range(5)]
    async with running(make_relay(house, broker)):
        for note in numbered(20):
            with continue_trace(TRACE):
                await asyncio.gather(*(say(house, order_id, note, note + "b") for order_id in orders))
        await until_published(house)
    for order_id in orders:
        found = await records_of(broker, str(order_id))
        assert [note for note, _ in found] == [note + tail for note in numbered(20) for tail in ("", "b")]
        assert found[0][1]["dataschema"] == b"order.cancelled/v1"
        assert found[0][1]["traceparent"] == TRACE.encode()
        assert len({headers["id"] for _, headers in found}) == 40


async def test_a_row_committed_late_with_a_low_id_is_published_too(house: Database, broker: TestBroker) -> None:
    """Ids are given before the commit: a cursor would pass over the one that commits later."""
    late, early = new_id(), new_id()
    async with running(make_relay(house, broker)):
        async with house.begin() as uow:
            announce(uow, OrderCancelledV1(order_id=late, reason="late"), now=utc_now())
            await uow.flush()
            await say(house, early, "early")
            await until_published(house)
            assert len(await records_of(broker, str(early))) == 1
        await until_published(house)
    assert len(await records_of(broker, str(late))) == 1


async def test_a_hot_statement_may_write_its_rows_itself(house: Database, broker: TestBroker) -> None:
    orders = [new_id(), new_id()]
    rows = OutboxRows.joined(
        outbox_rows([OrderCancelledV1(order_id=order_id, reason="hot")], now=utc_now()) for order_id in orders
    )
    async with house.read() as uow:
        await uow.raw.execute(
            f"WITH event AS ({outbox_insert(2)}) INSERT INTO effects (order_id, note) SELECT order_id, 'hot' FROM unnest($1::uuid[]) AS order_id",
            orders,
            *rows.arrays,
        )
        ring_outbox(uow)
    assert await fetchval(house, "SELECT count(*) FROM effects") == 2
    async with running(make_relay(house, broker)):
        await until_published(house)
    assert len(await records_of(broker, str(orders[1]))) == 1


async def test_one_statement_writes_all_events_of_a_unit_of_work(house: Database) -> None:
    async with house.begin() as uow:
        for note in numbered(10):
            announce(uow, OrderCancelledV1(order_id=new_id(), reason=note), now=utc_now())
        assert await uow.raw.fetchval("SELECT count(*) FROM outbox") == 0
    assert await fetchval(house, "SELECT count(*) FROM outbox") == 10
    assert await fetchval(house, "SELECT count(DISTINCT xmin::text) FROM outbox") == 1


async def test_an_event_that_kafka_would_refuse_fails_where_it_is_made(house: Database) -> None:
    with pytest.raises(EventTooLargeError):
        async with house.begin() as uow:
            announce(uow, OrderCancelledV1(order_id=new_id(), reason="x" * 600_000), now=utc_now())
    assert await fetchval(house, "SELECT count(*) FROM outbox") == 0


async def test_large_events_go_out_in_several_rounds_in_their_order(house: Database, broker: TestBroker) -> None:
    """Together they do not fit one batch of their partition."""
    order_id = new_id()
    notes = [f"{number}{'x' * 300_000}" for number in range(8)]
    await say(house, order_id, *notes)
    async with running(make_relay(house, broker)):
        await until_published(house)
    assert [note for note, _ in await records_of(broker, str(order_id))] == notes


async def test_one_relay_publishes_and_another_takes_over(
    house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    other = Database.connect(scratch_database.url, application_name="other")
    order_id = new_id()
    stop = asyncio.Event()
    try:
        first = asyncio.create_task(make_relay(house, broker).run(stop))
        await say(house, order_id, *numbered(10))
        await until_published(house)
        async with running(make_relay(other, broker), make_relay(other, broker)):
            await say(house, order_id, *numbered(10))
            await until_published(house)
            stop.set()
            await first
            await say(house, order_id, *numbered(10))
            await until_published(house)
    finally:
        await other.close()
    assert [note for note, _ in await records_of(broker, str(order_id))] == [*numbered(10)] * 3


async def test_a_relay_that_loses_its_lock_stops_and_begins_again(house: Database, broker: TestBroker) -> None:
    order_id = new_id()
    lockers = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    async with running(make_relay(house, broker)):
        await say(house, order_id, "before")
        await until_published(house)
        assert await fetchval(house, lockers)
        await say(house, order_id, "after")
        await until_published(house)
    assert [note for note, _ in await records_of(broker, str(order_id))] == ["before", "after"]


async def test_a_lone_event_leaves_at_once(house: Database, broker: TestBroker) -> None:
    """Woken, not polled: the relay would sleep for a minute otherwise."""
    async with running(make_relay(house, broker, poll_s=60.0)):
        await say(house, new_id(), "first")
        await until_published(house)
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
        await say(house, new_id(), "second")
        await until_published(house)
        assert asyncio.get_running_loop().time() - started < 2.0


async def test_pruning_takes_only_what_is_published_and_old(house: Database) -> None:
    await say(house, new_id(), *numbered(30))
    async with house.begin() as uow:
        await uow.raw.execute("UPDATE outbox SET published_at = now() - interval '8 days' WHERE id % 3 = 0")
        await uow.raw.execute("UPDATE outbox SET published_at = now() - interval '6 days' WHERE id % 3 = 1")
    now = utc_now()
    async with house.begin() as uow:
        assert await prune_outbox(uow, now=now, limit=15) == 5
        assert await prune_outbox(uow, now=now) == 5
        assert await prune_outbox(uow, now=now + timedelta(days=2)) == 10
        assert await prune_outbox(uow, now=now + timedelta(days=2)) == 0
    assert await unpublished(house) == 10
