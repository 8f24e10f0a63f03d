"""Partitioning and waves: no database, no broker."""

from collections import defaultdict

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as murmur2_of_the_client
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import new_id, utc_now
from shared.contracts import EVENTS, Envelope, Event, OrderCancelledV1, OrderCompletedV1, OrderFulfilledV1, wrap
from shared.messaging import retention
from shared.messaging.partitioning import murmur2, partition_of
from shared.messaging.waves import waves

RANKS = {kind: rank for rank, kind in enumerate(EVENTS)}
KINDS: tuple[type[Event], ...] = (OrderCancelledV1, OrderFulfilledV1, OrderCompletedV1)


@given(st.binary(max_size=64))
def test_keys_are_hashed_as_every_kafka_client_does(data: bytes) -> None:
    assert murmur2(data) == murmur2_of_the_client(data)


@given(st.uuids().map(str), st.integers(min_value=1, max_value=64))
def test_keys_find_the_partition_that_the_client_would_choose(key: str, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key.encode(), every, every)


def envelope(kind: type[Event], number: int) -> Envelope[Event]:
    order_id, now = new_id(), utc_now()
    event: Event
    if kind is OrderCancelledV1:
        event = OrderCancelledV1(order_id=order_id, reason=str(number))
    elif kind is OrderFulfilledV1:
        event = OrderFulfilledV1(order_id=order_id, fulfilled_at=now)
    else:
        event = OrderCompletedV1(order_id=order_id, completed_at=now)
    return wrap(event, event_id=order_id, source="/order", time=now)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(KINDS)), max_size=40))
def test_waves_lose_nothing_and_keep_the_order_of_each_key(batch: list[tuple[str, type[Event]]]) -> None:
    entries = [(("order", key), envelope(kind, number)) for number, (key, kind) in enumerate(batch)]
    key_of = {entry.id: key for key, entry in entries}
    handled: dict[tuple[str, str], list[Envelope[Event]]] = defaultdict(list)
    for kind, group in waves(entries, RANKS):
        assert {type(event.data) for event in group} == {kind}
        for event in group:
            handled[key_of[event.id]].append(event)
    expected: dict[tuple[str, str], list[Envelope[Event]]] = defaultdict(list)
    for key, entry in entries:
        expected[key].append(entry)
    assert handled == expected


def test_keys_at_different_steps_meet_in_few_calls() -> None:
    steps: list[tuple[str, type[Event]]] = [
        ("a", OrderCancelledV1),
        ("a", OrderFulfilledV1),
        ("b", OrderFulfilledV1),
        ("b", OrderCompletedV1),
    ]
    entries = [(("order", key), envelope(kind, 0)) for key, kind in steps]
    assert [(kind, len(group)) for kind, group in waves(entries, RANKS)] == [
        (OrderCancelledV1, 1),
        (OrderFulfilledV1, 2),
        (OrderCompletedV1, 1),
    ]


def test_what_can_be_delivered_again_is_remembered_long_enough() -> None:
    """A row may be published again at the end of its stay in the outbox, and then stay in Kafka as long as any other."""
    assert retention.OUTBOX + retention.TOPICS + retention.SEGMENTS < retention.INBOX
