"""What becomes of a flagged order: cleared by a late answer, released, denied, or given back because nobody decided."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.order.domain import purchase as moves
from services.order.domain.checkouts import Verdict
from services.order.domain.refunds import RefundReason
from services.order.domain.states import ComponentStatus, OrderStatus
from services.order.events import inventory_reserve, order_cancelled
from services.order.repository.orders import lock_orders, lock_unreviewed, save_orders
from services.order.repository.risk_questions import DueQuestion, note_answers, take_due_questions
from services.order.usecases import limits
from services.order.usecases.changes import Changes
from services.order.usecases.refunds import SYSTEM, begin_refunds
from shared.contracts import RiskDeniedV1, RiskReleasedV1
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

__all__ = [
    "DueQuestion",
    "expire_reviews",
    "note_denied",
    "note_late_verdicts",
    "note_released",
    "take_due_questions",
]

log = get_logger(__name__)

_EXPIRED = Counter("order_reviews_expired_total", "Held orders that were refunded because nobody decided in time")


async def note_late_verdicts(uow: UnitOfWork, verdicts: Mapping[UUID, Verdict], *, now: datetime) -> None:
    """Risk has answered after all. An order that is not paid yet goes on as if the answer had come in time.

    Of one that is paid, and held, risk says the same to all by `risk.released` or `risk.denied`, or a person will.
    """
    changes = Changes(await lock_orders(uow, verdicts))
    denied, answered = [], []
    for order_id, verdict in verdicts.items():
        order = changes[order_id]
        if verdict.decision == "allow":
            order = moves.clear(order)
        elif verdict.decision == "deny" and order.status is OrderStatus.PENDING_PAYMENT:
            order = changes.step(order_id, partial(moves.cancel, now=now))
            denied.append(order)
        answered.append((order, verdict.decision_id))
    await save_orders(uow, changes.pairs, now=now)
    await limits.give_back_orders(uow, [order.order_id for order in denied])
    await note_answers(uow, answered)
    announce(uow, *(order_cancelled(order, reason="risk_denied") for order in denied), now=now)


async def note_released(uow: UnitOfWork, released: Sequence[RiskReleasedV1], *, now: datetime) -> None:
    """Risk lets held orders go: they are released for issue.

    :raises OrderNotFoundError: one is of an order we never had.
    """
    order_ids = [fact.order_id for fact in released if fact.order_id is not None]
    changes = Changes(await lock_orders(uow, order_ids))
    for order_id in order_ids:
        changes.step(order_id, partial(moves.release, now=now))
    await save_orders(uow, changes.pairs, now=now)
    reserves = [inventory_reserve(after) for _, after in changes.pairs if after.reserving]
    announce(uow, *reserves, now=now)


async def note_denied(uow: UnitOfWork, denied: Sequence[RiskDeniedV1], *, now: datetime) -> None:
    """Risk refuses held orders: the money goes back.

    :raises OrderNotFoundError: one is of an order we never had.
    """
    order_ids = [fact.order_id for fact in denied if fact.order_id is not None]
    changes = Changes(await lock_orders(uow, order_ids))
    await _turn_back(uow, changes, order_ids, reason=RefundReason.RISK_DENIED, now=now)


async def expire_reviews(uow: UnitOfWork, *, within: timedelta, now: datetime, limit: int) -> int:
    """Give back the orders that nobody decided about `within` this time of their payment; answers how many.

    One that is being released or denied at this moment is left alone: whoever has its row first decides.
    """
    changes = Changes(await lock_unreviewed(uow, paid_before=now - within, limit=limit))
    order_ids = list(changes)
    await _turn_back(uow, changes, order_ids, reason=RefundReason.REVIEW_EXPIRED, now=now)
    for order_id in order_ids:
        log.warning("order.review_expired", order_id=order_id)
    _EXPIRED.inc(len(order_ids))
    return len(order_ids)


async def _turn_back(
    uow: UnitOfWork, changes: Changes, order_ids: Iterable[UUID], *, reason: RefundReason, now: datetime
) -> None:
    """Refund what is held of these orders. One that is not held is past deciding, and stays as it is."""
    going_back = []
    for order_id in order_ids:
        before = changes[order_id]
        after = changes.step(order_id, partial(moves.deny, now=now))
        going_back += [
            (order_id, new.component_id)
            for old, new in zip(before.components, after.components, strict=True)
            if new is not old and new.status is ComponentStatus.REVOKING
        ]
    await save_orders(uow, changes.pairs, now=now)
    await begin_refunds(uow, changes, going_back, reason=reason, requested_by=SYSTEM, now=now)
