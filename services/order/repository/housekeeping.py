"""Late orders and old rows."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.order.domain.deadlines import next_nudge_at
from shared.database import UnitOfWork

_OVERDUE = """
SELECT order_id FROM orders
WHERE due_at <= $1 AND status <> 'pending_payment'
ORDER BY due_at LIMIT $2
FOR NO KEY UPDATE SKIP LOCKED
"""
_NUDGES = "SELECT order_id, nudges, due_at IS NOT NULL AS waits FROM orders WHERE order_id = ANY($1::uuid[])"
_NOTE = """
UPDATE orders o SET nudges = least(o.nudges + 1, 1000), due_at = u.due_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS u(order_id, due_at) WHERE o.order_id = u.order_id
"""
_PAYMENTS = """
SELECT o.order_id, p.provider, p.fee_minor
FROM orders o JOIN payments p USING (payment_id) WHERE o.order_id = ANY($1::uuid[])
"""
_PRUNE_CHECKOUTS = """
DELETE FROM checkouts WHERE ctid = ANY(ARRAY(SELECT ctid FROM checkouts WHERE created_at < $1 LIMIT $2))
"""


async def overdue(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """Paid orders whose step is late, locked; those somebody is working on are left out."""
    return [row["order_id"] for row in await uow.raw.fetch(_OVERDUE, now, limit)]


async def note_nudges(uow: UnitOfWork, order_ids: Sequence[UUID], *, now: datetime) -> None:
    """Count a nudge for each order that waits for something, and say when to look again."""
    rows = [row for row in await uow.raw.fetch(_NUDGES, order_ids) if row["waits"]]
    await uow.raw.execute(
        _NOTE,
        [row["order_id"] for row in rows],
        [next_nudge_at(nudges=row["nudges"], now=now) for row in rows],
    )


async def payments_of(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, tuple[str, int]]:
    """Provider and fee of the payment that paid each order."""
    rows = await uow.raw.fetch(_PAYMENTS, order_ids)
    return {row["order_id"]: (row["provider"], row["fee_minor"]) for row in rows}


async def prune_checkouts(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Forget keys of checkouts made before a moment, at most `limit`; answers how many went."""
    done: str = await uow.raw.execute(_PRUNE_CHECKOUTS, before, limit)
    return int(done.rpartition(" ")[2])
