"""Payments: opened and settled in sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.order.domain.orders import Order
from services.order.domain.payments import PayableOrder, Payment, PaymentOutcome, PaymentStatus, PaymentWanted, Receipt
from services.order.repository.orders import (
    ORDER_COLUMNS,
    UPDATE_COMPONENTS,
    UPDATE_ORDERS,
    change_arguments,
    orders_of,
    ring_changed,
)
from shared.database import UnitOfWork
from shared.messaging import OutboxRows, outbox_insert, ring_outbox

PAYMENTS_PER_ORDER_MAX = 10
"""Attempts to pay one order; more are a mistake or mischief."""

FIRST_QUERY_AFTER = timedelta(seconds=20)
"""How long a notify is waited for before the provider is asked."""

QUERIED_AFTER_EXPIRY = timedelta(hours=1)
"""How long after its time a payment may still turn out to have been made."""

_OPEN = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
        WITH ORDINALITY AS w(payment_id, order_id, member_id, provider, key, place)
), made AS (
    INSERT INTO payments (payment_id, order_id, provider, amount_minor, currency, status, idempotency_key, created_at,
        expires_at, next_query_at)
    SELECT DISTINCT ON (w.order_id, w.key) w.payment_id, w.order_id, w.provider, o.total_minor, o.currency, 'pending',
        w.key, $6::timestamptz, o.pay_before, $7::timestamptz
    FROM wanted w JOIN orders o ON o.order_id = w.order_id AND o.member_id IS NOT DISTINCT FROM w.member_id
    WHERE o.status = 'pending_payment' AND o.pay_before > $6
        AND (SELECT count(*) FROM payments p WHERE p.order_id = o.order_id) < $8
    ORDER BY w.order_id, w.key, w.place
    ON CONFLICT (order_id, idempotency_key) DO NOTHING
    RETURNING payment_id, order_id, idempotency_key
)
SELECT o.order_id, o.order_no, o.total_minor, o.currency, o.status, o.pay_before,
    coalesce(made.payment_id, kept.payment_id) AS payment_id,
    coalesce(kept.provider, w.provider) AS provider,
    (SELECT count(*) FROM payments p WHERE p.order_id = o.order_id) AS attempts
FROM wanted w
LEFT JOIN orders o ON o.order_id = w.order_id AND o.member_id IS NOT DISTINCT FROM w.member_id
LEFT JOIN payments kept ON kept.order_id = o.order_id AND kept.idempotency_key = w.key
LEFT JOIN made ON made.order_id = o.order_id AND made.idempotency_key = w.key
ORDER BY w.place
"""

# Orders first, as everywhere.
_LOCK = f"""
SELECT {ORDER_COLUMNS}, p.payment_id AS this_payment_id, p.provider AS payment_provider,
    p.amount_minor AS payment_minor, p.currency AS payment_currency, p.status AS payment_status
FROM payments p JOIN orders o USING (order_id) JOIN order_components c USING (order_id)
WHERE p.payment_id = ANY($1::uuid[])
ORDER BY o.order_id, p.payment_id, c.position
FOR NO KEY UPDATE OF o, p, c
"""  # noqa: S608

_SETTLE = f"""
WITH changed_orders AS ({UPDATE_ORDERS}), changed_components AS ({UPDATE_COMPONENTS}), settled AS (
    UPDATE payments p SET status = 'paid', outcome = u.outcome, paid_at = $23, provider_trade_no = u.trade_no,
        amount_minor = u.amount_minor, fee_minor = u.fee_minor, currency = u.currency, next_query_at = NULL
    FROM unnest($17::uuid[], $18::text[], $19::text[], $20::bigint[], $21::bigint[], $22::text[])
        AS u(payment_id, outcome, trade_no, amount_minor, fee_minor, currency)
    WHERE p.payment_id = u.payment_id
)
{outbox_insert(24)}
"""  # noqa: S608


_TAKE_QUERIES = """
WITH due AS (
    SELECT payment_id FROM payments WHERE next_query_at <= $1 ORDER BY next_query_at LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE payments p SET queries = p.queries + 1,
    next_query_at = $1 + least(interval '20 seconds' * power(2, least(p.queries, 10)), interval '10 minutes')
FROM due WHERE p.payment_id = due.payment_id
RETURNING p.payment_id, p.provider, p.expires_at < $2 AS over
"""
_CLOSE = """
UPDATE payments SET status = 'closed', next_query_at = NULL
WHERE payment_id = ANY($1::uuid[]) AND status <> 'paid'
"""
_ASK_SOON = "UPDATE payments SET next_query_at = $2 WHERE payment_id = $1 AND status <> 'paid'"


@dataclass(frozen=True, slots=True)
class SettledPayment:
    """Money that came in, and what becomes of it."""

    receipt: Receipt
    outcome: PaymentOutcome


async def open_payments(
    uow: UnitOfWork, wanted: Sequence[PaymentWanted], *, now: datetime
) -> list[PayableOrder | None]:
    """Open a payment for each order that may be paid, once per key; None where the order is not the caller's."""
    rows = await uow.raw.fetch(
        _OPEN,
        [each.payment_id for each in wanted],
        [each.order_id for each in wanted],
        [each.member_id for each in wanted],
        [each.provider for each in wanted],
        [each.key for each in wanted],
        now,
        now + FIRST_QUERY_AFTER,
        PAYMENTS_PER_ORDER_MAX,
    )
    return [None if row["order_id"] is None else PayableOrder(*row) for row in rows]


async def lock_payments(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> tuple[dict[UUID, Payment], dict[UUID, Order]]:
    """Payments by id and their orders by order id, all locked. Unknown ids are left out."""
    rows = await uow.raw.fetch(_LOCK, payment_ids)
    payments = {
        row["this_payment_id"]: Payment(
            payment_id=row["this_payment_id"],
            order_id=row["order_id"],
            provider=row["payment_provider"],
            amount_minor=row["payment_minor"],
            currency=row["payment_currency"],
            status=PaymentStatus(row["payment_status"]),
        )
        for row in rows
    }
    return payments, orders_of(rows)


async def settle_payments(
    uow: UnitOfWork,
    settled: Sequence[SettledPayment],
    changes: Sequence[tuple[Order, Order]],
    outbox: OutboxRows,
    *,
    now: datetime,
) -> None:
    """Write the payments, what they change in their orders, and what is announced, in one statement."""
    no_words: Mapping[UUID, Any] = {}
    await uow.raw.execute(
        _SETTLE,
        *change_arguments(changes, now=now, told=no_words),
        [each.receipt.payment_id for each in settled],
        [each.outcome for each in settled],
        [each.receipt.provider_trade_no for each in settled],
        [each.receipt.amount_minor for each in settled],
        [each.receipt.fee_minor for each in settled],
        [each.receipt.currency for each in settled],
        now,
        *outbox.arrays,
    )
    ring_outbox(uow)
    ring_changed(uow)


@dataclass(frozen=True, slots=True)
class DueQuery:
    """A payment whose provider is to be asked. `over`: long after its time, this is the last look."""

    payment_id: UUID
    provider: str
    over: bool


async def take_due_queries(uow: UnitOfWork, *, now: datetime, limit: int) -> list[DueQuery]:
    """Payments to ask about now; each is asked about again later, ever more rarely."""
    return [DueQuery(*row) for row in await uow.raw.fetch(_TAKE_QUERIES, now, now - QUERIED_AFTER_EXPIRY, limit)]


async def close_payments(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> None:
    """Stop asking about payments that were never made. A notify that comes all the same is still taken."""
    await uow.raw.execute(_CLOSE, payment_ids)


async def ask_soon(uow: UnitOfWork, payment_id: UUID, *, now: datetime) -> None:
    """Have the provider asked about a payment at once, also one that nobody asked about any more; not one that is booked."""
    await uow.raw.execute(_ASK_SOON, payment_id, now)
