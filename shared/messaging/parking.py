"""Where records wait that a consumer gave up on, with those that come later for the same key."""

from collections.abc import Mapping, Sequence

import orjson

from shared.clock import new_id
from shared.contracts.topics import DEAD_LETTER_SUFFIX
from shared.database import UnitOfWork
from shared.messaging import metrics
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import ring_outbox
from shared.messaging.tables import ParkedState

REASON_LENGTH_MAX = 500

# FOR SHARE: a replay that is ending this key's wait must be finished before we decide, and no new one may begin.
_BLOCKED = """
SELECT DISTINCT topic, key FROM (
    SELECT topic, key FROM parked_records
    WHERE consumer = $1 AND state IN ('parked', 'waiting')
      AND (topic, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))
    ORDER BY id FOR SHARE
) AS open
"""
_COUNT_OPEN = "SELECT state, count(*) FROM parked_records WHERE state IN ('parked', 'waiting') GROUP BY state"
_STORE = """
INSERT INTO parked_records
    (consumer, topic, partition, record_offset, key, event_id, dataschema, payload, traceparent, reason, attempts, state)
SELECT $1::text, *, $10::text, $11::integer, $12::text FROM unnest(
    $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::bytea[], $9::text[])
"""
_DEAD_LETTER = """
INSERT INTO outbox (event_id, topic, key, dataschema, payload, traceparent, headers)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def blocked_keys(uow: UnitOfWork, consumer: str, deliveries: Sequence[Delivery]) -> set[tuple[str, str]]:
    """Which of these records' keys (with their topics) are parked. They stay so until this unit of work ends."""
    keys = {delivery.ordering_key for delivery in deliveries}
    rows = await uow.raw.fetch(_BLOCKED, consumer, [topic for topic, _ in keys], [key for _, key in keys])
    return {(row["topic"], row["key"]) for row in rows}


async def store_waiting(uow: UnitOfWork, consumer: str, deliveries: Sequence[Delivery]) -> None:
    """Keep records behind the parked one of their key."""
    await _store(
        uow,
        consumer,
        deliveries,
        reason="an earlier record of this key is parked",
        attempts=0,
        state=ParkedState.WAITING,
    )


async def store_parked(uow: UnitOfWork, consumer: str, delivery: Delivery, *, reason: str, attempts: int) -> None:
    """Give up on a record for now: keep it, and have its dead-letter topic show it."""
    reason = readable(reason)
    await _store(uow, consumer, [delivery], reason=reason, attempts=attempts, state=ParkedState.PARKED)
    headers: Mapping[str, str | int] = {
        "reason": orjson.dumps(reason).decode(),
        "attempts": attempts,
        "consumer": consumer,
        "original-id": str(delivery.event_id),
        "original-topic": delivery.topic,
        "original-partition": delivery.partition,
        "original-offset": delivery.offset,
    }
    topic = delivery.topic + DEAD_LETTER_SUFFIX
    await uow.raw.execute(
        _DEAD_LETTER,
        new_id(),
        topic,
        delivery.key,
        delivery.dataschema,
        delivery.payload,
        delivery.traceparent,
        headers,
    )
    ring_outbox(uow)


async def count_open(uow: UnitOfWork) -> dict[ParkedState, int]:
    """How many records are parked, and how many wait behind them; shown as a metric too."""
    counted = {row["state"]: row["count"] for row in await uow.raw.fetch(_COUNT_OPEN)}
    found = {state: counted.get(state, 0) for state in (ParkedState.PARKED, ParkedState.WAITING)}
    for state, count in found.items():
        metrics.PARKED_RECORDS.labels(state.value).set(count)
    return found


def readable(reason: str) -> str:
    """A reason cut to a length that an operator reads, without what PostgreSQL cannot keep."""
    return reason[:REASON_LENGTH_MAX].replace("\x00", "\ufffd")


async def _store(
    uow: UnitOfWork, consumer: str, deliveries: Sequence[Delivery], *, reason: str, attempts: int, state: ParkedState
) -> None:
    await uow.raw.execute(
        _STORE,
        consumer,
        [delivery.topic for delivery in deliveries],
        [delivery.partition for delivery in deliveries],
        [delivery.offset for delivery in deliveries],
        [delivery.key for delivery in deliveries],
        [delivery.event_id for delivery in deliveries],
        [delivery.dataschema for delivery in deliveries],
        [delivery.payload for delivery in deliveries],
        [delivery.traceparent for delivery in deliveries],
        reason,
        attempts,
        state.value,
    )
