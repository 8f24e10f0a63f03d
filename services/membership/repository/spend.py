"""Spend by order and by business day. Sets only: payments come by the hundred."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record
from sqlalchemy import delete, select

from services.membership.domain.spend import Payment, Refund, SpendChange
from services.membership.tables import ORDERS, REFUNDS, SPEND_DAYS
from shared.database import UnitOfWork

_NOTE_PAYMENTS = """
WITH noted AS (
    INSERT INTO orders AS o (order_id, member_id, paid_on, paid_minor, refunded_minor, held)
    SELECT u.order_id, u.member_id, u.paid_on, u.paid_minor, 0, u.held
      FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[], $5::boolean[])
           AS u (order_id, member_id, paid_on, paid_minor, held)
    ON CONFLICT (order_id) DO UPDATE
       SET paid_on = excluded.paid_on, paid_minor = excluded.paid_minor, held = excluded.held
     WHERE o.paid_on IS NULL
    RETURNING member_id, paid_on, paid_minor - refunded_minor AS net_minor, held
)
SELECT member_id, paid_on AS day, sum(net_minor)::bigint AS amount_minor FROM noted WHERE NOT held GROUP BY 1, 2
"""
"""A refund that came first has its row already: only what is left of the payment counts then."""

_NOTE_REFUNDS = """
WITH fresh AS (
    INSERT INTO refunds (refund_id, order_id, member_id, amount_minor, noted_at)
    SELECT u.*, $5 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS u
    ON CONFLICT DO NOTHING
    RETURNING order_id, member_id, amount_minor
), summed AS (
    SELECT order_id, member_id, sum(amount_minor)::bigint AS amount_minor FROM fresh GROUP BY 1, 2
), noted AS (
    INSERT INTO orders AS o (order_id, member_id, paid_minor, refunded_minor, held)
    SELECT order_id, member_id, 0, amount_minor, false FROM summed
    ON CONFLICT (order_id) DO UPDATE SET refunded_minor = o.refunded_minor + excluded.refunded_minor
    RETURNING order_id, member_id, paid_on, held
)
SELECT noted.member_id, noted.paid_on AS day, -sum(summed.amount_minor)::bigint AS amount_minor
  FROM noted JOIN summed USING (order_id)
 WHERE noted.paid_on IS NOT NULL AND NOT noted.held
 GROUP BY 1, 2
"""

_RELEASE = """
WITH released AS (
    UPDATE orders SET held = false WHERE order_id = ANY($1::uuid[]) AND held
    RETURNING member_id, paid_on, paid_minor - refunded_minor AS net_minor
)
SELECT member_id, paid_on AS day, sum(net_minor)::bigint AS amount_minor FROM released GROUP BY 1, 2
"""

_ADD_DAYS = """
INSERT INTO spend_days AS d (member_id, day, amount_minor)
SELECT u.* FROM unnest($1::uuid[], $2::date[], $3::bigint[]) AS u
ON CONFLICT (member_id, day) DO UPDATE SET amount_minor = d.amount_minor + excluded.amount_minor
"""

_DROP_DAYS = """
WITH dropped AS (
    DELETE FROM spend_days WHERE member_id = ANY($1::uuid[]) AND day < $2 RETURNING member_id, amount_minor
)
SELECT member_id, sum(amount_minor)::bigint AS amount_minor FROM dropped GROUP BY 1
"""


async def note_payments(uow: UnitOfWork, payments: Sequence[Payment]) -> list[SpendChange]:
    """Note payments that were not noted before. Order ids must differ.

    :returns: what they change; held ones change nothing yet.
    """
    rows = await uow.raw.fetch(
        _NOTE_PAYMENTS,
        [payment.order_id for payment in payments],
        [payment.member_id for payment in payments],
        [payment.paid_on for payment in payments],
        [payment.paid_minor for payment in payments],
        [payment.held for payment in payments],
    )
    return _changes(rows)


async def note_refunds(uow: UnitOfWork, refunds: Sequence[Refund], *, now: datetime) -> list[SpendChange]:
    """Note refunds that were not noted before. Refund ids must differ.

    :returns: what they change; nothing where the payment is not known yet, or is held.
    """
    rows = await uow.raw.fetch(
        _NOTE_REFUNDS,
        [refund.refund_id for refund in refunds],
        [refund.order_id for refund in refunds],
        [refund.member_id for refund in refunds],
        [refund.amount_minor for refund in refunds],
        now,
    )
    return _changes(rows)


async def release_held(uow: UnitOfWork, order_ids: Sequence[UUID]) -> list[SpendChange]:
    """Let held payments count from now on; orders that were not held change nothing."""
    return _changes(await uow.raw.fetch(_RELEASE, order_ids))


async def add_to_days(uow: UnitOfWork, changes: Sequence[SpendChange]) -> None:
    """Add to the days' sums. The members' standings are locked, and no day is named twice for one member."""
    await uow.raw.execute(
        _ADD_DAYS,
        [change.member_id for change in changes],
        [change.day for change in changes],
        [change.amount_minor for change in changes],
    )


async def members_with_days_before(uow: UnitOfWork, first_day: date, *, limit: int) -> list[UUID]:
    """Members who have spend of before that day. Not locked."""
    statement = select(SPEND_DAYS.c.member_id).where(SPEND_DAYS.c.day < first_day).distinct().limit(limit)
    return list((await uow.sql.execute(statement)).scalars())


async def drop_days_before(uow: UnitOfWork, member_ids: Iterable[UUID], first_day: date) -> dict[UUID, int]:
    """Forget the days before that one; what each member's spend loses by it. Their standings are locked."""
    rows = await uow.raw.fetch(_DROP_DAYS, list(member_ids), first_day)
    return {row["member_id"]: row["amount_minor"] for row in rows}


async def prune_orders(uow: UnitOfWork, *, paid_before: date, limit: int) -> int:
    """Forget orders that no refund will come for any more; how many went."""
    old = select(ORDERS.c.order_id).where(ORDERS.c.paid_on < paid_before).limit(limit)
    return (await uow.sql.execute(delete(ORDERS).where(ORDERS.c.order_id.in_(old)))).rowcount


async def prune_refunds(uow: UnitOfWork, *, noted_before: datetime, limit: int) -> int:
    """Forget refunds whose orders are forgotten too; how many went."""
    old = select(REFUNDS.c.refund_id).where(REFUNDS.c.noted_at < noted_before).limit(limit)
    return (await uow.sql.execute(delete(REFUNDS).where(REFUNDS.c.refund_id.in_(old)))).rowcount


def _changes(rows: Iterable[Record]) -> list[SpendChange]:
    return [SpendChange(**row) for row in rows if row["amount_minor"]]
