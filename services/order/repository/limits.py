"""What counts against purchase limits. A buyer's purchases of one SKU are counted by one transaction at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.order.domain.limits import Taken, Taking
from shared.database import UnitOfWork

# By name, because there may be no row yet; in one order, so that two checkouts never wait in a circle.
_LOCK = """
SELECT pg_advisory_xact_lock(name) FROM (
    SELECT DISTINCT hashtextextended('limit|' || buyer || '|' || sku_id::text, 0) AS name
    FROM unnest($1::text[], $2::uuid[]) AS u(buyer, sku_id) ORDER BY name
) AS names
"""

_TAKEN = """
SELECT u.buyer, u.sku_id, coalesce(sum(p.quantity), 0)::int AS in_all,
    coalesce(sum(p.quantity) FILTER (WHERE p.day = u.day), 0)::int AS on_the_day
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::uuid[], $3::date[]) AS u(buyer, sku_id, day)) u
LEFT JOIN limited_purchases p
    ON p.buyer = u.buyer AND p.sku_id = u.sku_id AND p.taken AND p.order_id <> ALL($4::uuid[])
GROUP BY u.buyer, u.sku_id
"""

# Whoever takes a dead checkout over counts the same lines again.
_TAKE = """
INSERT INTO limited_purchases AS p (order_id, line_id, buyer, sku_id, day, quantity, limit_in_all, limit_a_day, taken_at)
SELECT *, $9::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::date[], $6::int[], $7::int[], $8::int[])
ON CONFLICT (order_id, line_id, buyer) DO UPDATE SET taken = true, taken_at = excluded.taken_at
"""

_DROP = """
DELETE FROM limited_purchases WHERE order_id = $1 AND NOT EXISTS (SELECT FROM orders WHERE orders.order_id = $1)
"""

_GIVE_BACK = "UPDATE limited_purchases SET taken = false WHERE order_id = ANY($1::uuid[]) AND taken"

_GIVE_BACK_LINES = """
UPDATE limited_purchases SET taken = false WHERE order_id = ANY($1::uuid[]) AND line_id = ANY($2::uuid[]) AND taken
"""

_GIVEN_BACK = """
SELECT order_id, line_id, sku_id, buyer, day, quantity, limit_in_all, limit_a_day
FROM limited_purchases WHERE order_id = ANY($1::uuid[]) AND NOT taken
"""

_FORGET_LOST = """
DELETE FROM limited_purchases WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM limited_purchases p
    WHERE taken_at BETWEEN $1 AND $2 AND NOT EXISTS (SELECT FROM orders WHERE orders.order_id = p.order_id) LIMIT $3
))
"""


async def lock_taken(uow: UnitOfWork, takings: Sequence[Taking]) -> dict[tuple[str, UUID], Taken]:
    """What the buyers of these have so far in other orders; nobody else counts theirs until this transaction ends."""
    buyers, sku_ids = [taking.buyer for taking in takings], [taking.sku_id for taking in takings]
    await uow.raw.execute(_LOCK, buyers, sku_ids)
    rows = await uow.raw.fetch(
        _TAKEN,
        buyers,
        sku_ids,
        [taking.day for taking in takings],
        list({taking.order_id for taking in takings}),
    )
    return {(row["buyer"], row["sku_id"]): Taken(row["in_all"], row["on_the_day"]) for row in rows}


async def take(uow: UnitOfWork, takings: Sequence[Taking], *, now: datetime) -> None:
    """Count these."""
    await uow.raw.execute(
        _TAKE,
        [taking.order_id for taking in takings],
        [taking.line_id for taking in takings],
        [taking.buyer for taking in takings],
        [taking.sku_id for taking in takings],
        [taking.day for taking in takings],
        [taking.quantity for taking in takings],
        [taking.limit_in_all for taking in takings],
        [taking.limit_a_day for taking in takings],
        now,
    )


async def drop(uow: UnitOfWork, order_id: UUID) -> None:
    """Count nothing for a checkout that came to nothing; an order that was written keeps what it has."""
    await uow.raw.execute(_DROP, order_id)


async def give_back(uow: UnitOfWork, order_ids: Collection[UUID], *, line_ids: Collection[UUID] | None = None) -> None:
    """These orders, or these lines of them, count no more."""
    if line_ids is None:
        await uow.raw.execute(_GIVE_BACK, list(order_ids))
    else:
        await uow.raw.execute(_GIVE_BACK_LINES, list(order_ids), list(line_ids))


async def given_back(uow: UnitOfWork, order_ids: Collection[UUID]) -> list[Taking]:
    """What these orders counted before."""
    return [Taking(**row) for row in await uow.raw.fetch(_GIVEN_BACK, list(order_ids))]


async def forget_lost(uow: UnitOfWork, *, since: datetime, before: datetime, limit: int) -> int:
    """Count no more what was counted in that time for checkouts that made no order; answers how many lines."""
    done: str = await uow.raw.execute(_FORGET_LOST, since, before, limit)
    return int(done.rpartition(" ")[2])
