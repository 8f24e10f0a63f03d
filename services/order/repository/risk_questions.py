"""Questions that risk did not answer at checkout: kept until it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.order.domain.orders import Order
from shared.database import UnitOfWork

# Booked before risk is asked, so that one question which is never answered does not stand before the others.
_TAKE_DUE = """
WITH due AS (
    SELECT order_id FROM risk_questions WHERE next_ask_at <= $1 ORDER BY next_ask_at LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE risk_questions q SET asks = least(q.asks + 1, 1000),
    next_ask_at = $1 + least(interval '1 second' * power(2, least(q.asks, 10)), interval '1 minute')
FROM due WHERE q.order_id = due.order_id
RETURNING q.order_id, q.question
"""
_ANSWERED = """
WITH answered AS (
    DELETE FROM risk_questions WHERE order_id = ANY($1::uuid[])
)
UPDATE orders o SET flagged = u.flagged, risk_decision_id = u.decision_id
FROM unnest($1::uuid[], $2::bool[], $3::uuid[]) AS u(order_id, flagged, decision_id) WHERE o.order_id = u.order_id
"""
_PRUNE = """
DELETE FROM risk_questions q USING orders o
WHERE o.order_id = q.order_id AND NOT o.held AND o.status <> 'pending_payment' AND o.pay_before < $1
"""


@dataclass(frozen=True, slots=True)
class DueQuestion:
    """What is to be asked of risk once more about an order."""

    order_id: UUID
    question: Mapping[str, Any]


async def take_due_questions(uow: UnitOfWork, *, now: datetime, limit: int) -> list[DueQuestion]:
    """Questions to ask now; each is asked again later, ever more rarely, should nobody record an answer."""
    return [DueQuestion(*row) for row in await uow.raw.fetch(_TAKE_DUE, now, limit)]


async def note_answers(uow: UnitOfWork, answers: Sequence[tuple[Order, UUID | None]]) -> None:
    """Write by which decision each locked order is flagged, or is not any more, and forget its question."""
    await uow.raw.execute(
        _ANSWERED,
        [order.order_id for order, _ in answers],
        [order.flagged for order, _ in answers],
        [decision_id for _, decision_id in answers],
    )


async def prune(uow: UnitOfWork, *, pay_before: datetime) -> None:
    """Forget questions about orders that have ended and had to be paid before then: what was asked names an address."""
    await uow.raw.execute(_PRUNE, pay_before)
