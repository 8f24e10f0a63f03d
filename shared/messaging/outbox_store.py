"""The relay's side of the outbox tables. Every statement runs on the connection that holds the relay's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.database import Connection, UnitOfWork
from shared.messaging.outbox import CHANNEL
from shared.messaging.publisher import Partition, Published

PENDING_COUNTED_MAX = 100_000
"""Counting stops here: by then the exact number helps nobody."""

SEARCH_TIMEOUT_S = 120
"""Finding where a moment begins reads the table: time is no index of it."""

_ROW = "id, event_id, topic, key, dataschema, payload, traceparent, headers"
_CLAIM = f"SELECT {_ROW} FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1"  # noqa: S608  (constants)
_CLAIM_RANGE = f"SELECT {_ROW} FROM outbox WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3"  # noqa: S608
_MARK = """
WITH marked AS (
    UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[]) AND published_at IS NULL
)
INSERT INTO outbox_positions (topic, partition, last_offset, cluster_id)
SELECT topic, partition, last_offset, $5
FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS position (topic, partition, last_offset)
ON CONFLICT (topic, partition) DO UPDATE SET last_offset = excluded.last_offset, cluster_id = excluded.cluster_id
"""
_PENDING = """
SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest_s
FROM (SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1) AS waiting
"""
_REFILL = """
INSERT INTO outbox_refill (next_id, last_id, reason)
SELECT first_id, last_id, $1 FROM ({span}) AS span (first_id, last_id) WHERE first_id IS NOT NULL
ON CONFLICT (id) DO UPDATE SET
    next_id = least(outbox_refill.next_id, excluded.next_id),
    last_id = greatest(outbox_refill.last_id, excluded.last_id),
    reason = excluded.reason
RETURNING last_id - next_id + 1
"""
_REFILL_ALL = _REFILL.format(span="SELECT min(id), max(id) FROM outbox")
_REFILL_SINCE = _REFILL.format(span="SELECT min(id), max(id) FROM outbox WHERE created_at >= $2")


@dataclass(frozen=True, slots=True)
class Refill:
    """A range of ids, both ends included, that is being published once more."""

    next_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Pending:
    """How much waits to be published (counted up to PENDING_COUNTED_MAX), and for how long."""

    count: int
    oldest_s: float


async def claim(raw: Connection, *, limit: int) -> Sequence[Any]:
    """The oldest rows that are not published yet. Never a cursor: a lower id may be committed after a higher one."""
    return await raw.fetch(_CLAIM, limit)


async def claim_range(raw: Connection, refill: Refill, *, limit: int) -> Sequence[Any]:
    """Rows of a range of ids, published or not."""
    return await raw.fetch(_CLAIM_RANGE, refill.next_id, refill.last_id, limit)


async def mark(raw: Connection, published: Published, *, cluster_id: str | None) -> None:
    """Write down what the broker acknowledged, and how far each partition has come."""
    topics = [topic for topic, _ in published.last_offsets]
    partitions = [partition for _, partition in published.last_offsets]
    offsets = list(published.last_offsets.values())
    await raw.execute(_MARK, published.ids, topics, partitions, offsets, cluster_id)


async def read_positions(raw: Connection) -> tuple[dict[Partition, int], set[str]]:
    """The last offset written to each partition, and the clusters (one, unless it was replaced) that gave them."""
    rows = await raw.fetch("SELECT topic, partition, last_offset, cluster_id FROM outbox_positions")
    clusters = {row["cluster_id"] for row in rows if row["cluster_id"] is not None}
    return {(row["topic"], row["partition"]): row["last_offset"] for row in rows}, clusters


async def read_refill(raw: Connection) -> Refill | None:
    row = await raw.fetchrow("SELECT next_id, last_id FROM outbox_refill")
    return Refill(row["next_id"], row["last_id"]) if row else None


async def advance_refill(raw: Connection, *, next_id: int) -> None:
    """All rows below `next_id` are in the broker again. A request that came meanwhile may have widened the range."""
    await raw.execute("UPDATE outbox_refill SET next_id = $1 WHERE next_id <= $1", next_id)
    await raw.execute("DELETE FROM outbox_refill WHERE next_id > last_id")


async def forget_broker(raw: Connection, *, reason: str) -> int:
    """The broker lost what it had: have everything that is still in the outbox published again."""
    async with raw.transaction():
        await raw.execute("DELETE FROM outbox_positions")
        return await raw.fetchval(_REFILL_ALL, reason) or 0


async def request_refill(uow: UnitOfWork, *, since: datetime, reason: str) -> int:
    """Have what was announced since then published again; answers how many ids that may be."""
    await uow.raw.execute(f"SET LOCAL statement_timeout = '{SEARCH_TIMEOUT_S}s'")
    ids: int = await uow.raw.fetchval(_REFILL_SINCE, reason, since) or 0
    uow.after_commit(lambda: uow.database.ring(CHANNEL))
    return ids


async def count_pending(raw: Connection) -> Pending:
    row = await raw.fetchrow(_PENDING, PENDING_COUNTED_MAX)
    return Pending(count=row["pending"], oldest_s=row["oldest_s"]) if row else Pending(0, 0.0)
