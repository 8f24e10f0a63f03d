"""Refunds with their parts: written, locked and saved in sets. Lock the orders first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.order.domain.refunds import PartStatus, Refund, RefundPart, RefundReason, RefundStatus
from shared.database import UnitOfWork

# What is asked back is set aside on the payment at once: a payment never gives back more than came in.
_INSERT = """
WITH new_refunds AS (
    INSERT INTO refunds (refund_id, order_id, payment_id, reason, currency, amount_minor, status, requested_by,
        requested_at, next_try_at, note)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
        $8::text[], $9::timestamptz[], $10::timestamptz[], $16::text[])
), new_parts AS (
    INSERT INTO refund_parts (refund_id, component_id, sku_id, amount_minor, status)
    SELECT * FROM unnest($11::uuid[], $12::uuid[], $13::uuid[], $14::bigint[], $15::text[])
)
UPDATE payments p SET refunded_minor = p.refunded_minor + asked.amount_minor
FROM (SELECT u.payment_id, sum(u.amount_minor) AS amount_minor FROM unnest($3::uuid[], $6::bigint[])
    AS u(payment_id, amount_minor) GROUP BY u.payment_id) asked
WHERE p.payment_id = asked.payment_id
"""

_LOCK = """
SELECT r.refund_id, r.order_id, r.payment_id, r.reason, r.currency, r.amount_minor, r.status, r.requested_by,
    r.requested_at, r.ended_at, part.component_id, part.sku_id, part.amount_minor AS part_minor,
    part.status AS part_status
FROM refunds r LEFT JOIN refund_parts part USING (refund_id)
WHERE r.refund_id = ANY($1::uuid[])
ORDER BY r.refund_id, part.component_id
FOR NO KEY UPDATE OF r
"""

_OPEN = "SELECT refund_id FROM refunds WHERE order_id = ANY($1::uuid[]) AND status = 'revoking'"

_SAVE = """
WITH changed AS (
    UPDATE refunds r SET status = u.status, amount_minor = u.amount_minor, ended_at = u.ended_at,
        next_try_at = u.next_try_at, note = coalesce(u.note, r.note)
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[])
        AS u(refund_id, status, amount_minor, ended_at, next_try_at, note)
    WHERE r.refund_id = u.refund_id
), parts AS (
    UPDATE refund_parts part SET status = u.status
    FROM unnest($7::uuid[], $8::uuid[], $9::text[]) AS u(refund_id, component_id, status)
    WHERE part.refund_id = u.refund_id AND part.component_id = u.component_id
)
UPDATE payments p SET refunded_minor = p.refunded_minor - freed.amount_minor
FROM (SELECT u.payment_id, sum(u.amount_minor) AS amount_minor FROM unnest($10::uuid[], $11::bigint[])
    AS u(payment_id, amount_minor) GROUP BY u.payment_id) freed
WHERE p.payment_id = freed.payment_id AND freed.amount_minor <> 0
"""

# Booked before the provider is asked: should this process die then, the next look knows that it may have been asked.
_TAKE_DUE = """
WITH due AS (
    SELECT refund_id, tries FROM refunds WHERE next_try_at <= $1
    ORDER BY next_try_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE refunds r SET tries = r.tries + 1,
    next_try_at = $1 + least(interval '10 seconds' * power(2, least(r.tries, 10)), interval '1 hour')
FROM due, payments p WHERE r.refund_id = due.refund_id AND p.payment_id = r.payment_id
RETURNING r.refund_id, r.order_id, r.payment_id, r.amount_minor, r.currency, due.tries, p.provider,
    p.amount_minor AS payment_minor
"""


@dataclass(frozen=True, slots=True)
class DueRefund:
    """Money to be sent back. `tries` is how often the provider may have been asked already."""

    refund_id: UUID
    order_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    tries: int
    provider: str
    payment_minor: int


async def add_refunds(uow: UnitOfWork, refunds: Sequence[Refund]) -> None:
    """Write new refunds.

    :raises asyncpg.UniqueViolationError: a component of one is in a refund already (`uq_refund_parts_component_id`).
    :raises asyncpg.CheckViolationError: a payment would give back more than came in.
    """
    parts = [(refund.refund_id, part) for refund in refunds for part in refund.parts]
    await uow.raw.execute(
        _INSERT,
        [refund.refund_id for refund in refunds],
        [refund.order_id for refund in refunds],
        [refund.payment_id for refund in refunds],
        [refund.reason for refund in refunds],
        [refund.currency for refund in refunds],
        [refund.amount_minor for refund in refunds],
        [refund.status for refund in refunds],
        [refund.requested_by for refund in refunds],
        [refund.requested_at for refund in refunds],
        [_next_try_at(refund, refund.requested_at) for refund in refunds],
        [refund_id for refund_id, _ in parts],
        [part.component_id for _, part in parts],
        [part.sku_id for _, part in parts],
        [part.amount_minor for _, part in parts],
        [part.status for _, part in parts],
        [refund.note for refund in refunds],
    )


async def lock_refunds(uow: UnitOfWork, refund_ids: Iterable[UUID]) -> dict[UUID, Refund]:
    """These refunds, locked until the transaction ends. Unknown ids are left out."""
    rows = await uow.raw.fetch(_LOCK, list(set(refund_ids)))
    grouped: dict[UUID, list[Record]] = {}
    for row in rows:
        grouped.setdefault(row["refund_id"], []).append(row)
    return {refund_id: _refund_of(group) for refund_id, group in grouped.items()}


async def open_refund_ids(uow: UnitOfWork, order_ids: Sequence[UUID]) -> list[UUID]:
    """Refunds of these orders that wait for goods, points or shares."""
    return [row["refund_id"] for row in await uow.raw.fetch(_OPEN, order_ids)]


async def save_refunds(
    uow: UnitOfWork, changes: Sequence[tuple[Refund, Refund]], *, now: datetime, note: str | None = None
) -> None:
    """Write what has changed between each pair of before and after, and free on the payment what will not be sent."""
    if not changes:
        return
    parts = [
        (after.refund_id, new)
        for before, after in changes
        for old, new in zip(before.parts, after.parts, strict=True)
        if new is not old
    ]
    await uow.raw.execute(
        _SAVE,
        [after.refund_id for _, after in changes],
        [after.status for _, after in changes],
        [after.amount_minor for _, after in changes],
        [after.ended_at for _, after in changes],
        [_next_try_at(after, now) for _, after in changes],
        [note for _ in changes],
        [refund_id for refund_id, _ in parts],
        [part.component_id for _, part in parts],
        [part.status for _, part in parts],
        [after.payment_id for _, after in changes],
        [_set_aside(before) - _set_aside(after) for before, after in changes],
    )


async def take_due_refunds(uow: UnitOfWork, *, now: datetime, limit: int) -> list[DueRefund]:
    """Refunds whose money is to be sent now; each is looked at again later, should nobody record an answer."""
    return [DueRefund(*row) for row in await uow.raw.fetch(_TAKE_DUE, now, limit)]


def _set_aside(refund: Refund) -> int:
    return 0 if refund.status is RefundStatus.DISMISSED else refund.amount_minor


def _next_try_at(refund: Refund, now: datetime) -> datetime | None:
    return now if refund.status is RefundStatus.SENDING else None


def _refund_of(rows: Sequence[Record]) -> Refund:
    first = rows[0]
    return Refund(
        refund_id=first["refund_id"],
        order_id=first["order_id"],
        payment_id=first["payment_id"],
        reason=RefundReason(first["reason"]),
        currency=first["currency"],
        amount_minor=first["amount_minor"],
        status=RefundStatus(first["status"]),
        parts=tuple(
            RefundPart(row["component_id"], row["sku_id"], row["part_minor"], PartStatus(row["part_status"]))
            for row in rows
            if row["component_id"] is not None
        ),
        requested_by=first["requested_by"],
        requested_at=first["requested_at"],
        ended_at=first["ended_at"],
    )
