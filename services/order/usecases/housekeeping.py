"""What the clock brings: unpaid orders end, late steps are nudged, old rows go."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.order.domain import purchase as moves
from services.order.domain.numbers import first_id
from services.order.domain.orders import Order
from services.order.domain.refunds import PartStatus, Refund, RefundStatus
from services.order.domain.states import OrderStatus
from services.order.events import inventory_reserve, order_cancelled, order_paid, refund_requested
from services.order.repository import anomalies, housekeeping, messages, risk_questions
from services.order.repository.orders import lock_orders, lock_overdue_unpaid, save_orders
from services.order.repository.refunds import lock_refunds, open_refund_ids
from services.order.usecases import limits
from services.order.usecases.changes import Changes, OrderNotFoundError
from services.order.usecases.payments import LATE_GRACE
from shared.contracts import Event
from shared.database import UnitOfWork
from shared.http import prune_idempotency
from shared.messaging import announce, prune_inbox, prune_outbox
from shared.observability import Counter, get_logger

CANCEL_SLACK = timedelta(seconds=10)
"""How long after the time to pay an order ends: a notify that was on its way still finds it open."""

CHECKOUTS_KEPT = timedelta(days=2)
ANSWERS_KEPT = timedelta(days=2)
ANOMALIES_KEPT = timedelta(days=90)
MESSAGES_KEPT = timedelta(days=365)

log = get_logger(__name__)

_CANCELLED = Counter("orders_cancelled_total", "Orders that were not paid in time")
_NUDGED = Counter("orders_nudged_total", "Orders whose step was late and was announced once more", ["status"])


async def cancel_unpaid(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """End orders that were not paid in time; answers how many. One that is being paid at this moment is left alone."""
    changes = Changes(await lock_overdue_unpaid(uow, before=now - CANCEL_SLACK, limit=limit))
    ended = [changes.step(order_id, partial(moves.cancel, now=now)) for order_id in list(changes)]
    await save_orders(uow, changes.pairs, now=now)
    await limits.give_back_orders(uow, [order.order_id for order in ended])
    announce(uow, *(order_cancelled(order, reason="unpaid") for order in ended), now=now)
    _CANCELLED.inc(len(ended))
    return len(ended)


async def nudge_overdue(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Announce the steps of late orders once more, under new event ids; answers how many orders were late.

    Whoever did not do its part does it now; whoever did knows the component and does nothing.
    """
    order_ids = await housekeeping.overdue(uow, now=now, limit=limit)
    await _announce_again(uow, order_ids, now=now)
    return len(order_ids)


async def nudge(uow: UnitOfWork, order_id: UUID, *, now: datetime) -> int:
    """Announce one order's step once more because a person asked; answers how many events that took.

    :raises OrderNotFoundError: no such order.
    """
    announced = await _announce_again(uow, [order_id], now=now)
    if order_id not in announced:
        raise OrderNotFoundError(str(order_id))
    return announced[order_id]


async def prune(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Forget what is kept only for a while; answers how many rows of the fullest table went."""
    gone = [
        await prune_outbox(uow, now=now, limit=limit),
        await prune_inbox(uow, now=now, limit=limit),
        await housekeeping.prune_checkouts(uow, before=now - CHECKOUTS_KEPT, limit=limit),
        await limits.forget_lost(uow, now=now, limit=limit),
        await messages.prune(uow, before=first_id(now - MESSAGES_KEPT), limit=limit),
    ]
    await prune_idempotency(uow, before=now - ANSWERS_KEPT, limit=limit)
    await anomalies.prune(uow, before=now - ANOMALIES_KEPT)
    await risk_questions.prune(uow, pay_before=now - LATE_GRACE)
    return max(gone)


async def _announce_again(uow: UnitOfWork, order_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, int]:
    orders = await lock_orders(uow, order_ids)
    payments = await housekeeping.payments_of(uow, list(orders))
    refunds = await lock_refunds(uow, await open_refund_ids(uow, list(orders)))
    counts = {}
    for order in orders.values():
        events = _step_of(order, refunds, payments)
        announce(uow, *events, now=now)
        counts[order.order_id] = len(events)
        _NUDGED.labels(order.status.value).inc()
        log.warning("order.nudged", order_id=order.order_id, status=order.status.value, events=len(events))
    await housekeeping.note_nudges(uow, list(orders), now=now)
    return counts


def _step_of(order: Order, refunds: Mapping[UUID, Refund], payments: Mapping[UUID, tuple[str, int]]) -> list[Event]:
    """What this order waits for, said again."""
    events: list[Event] = []
    if order.status in (OrderStatus.PAID, OrderStatus.FULFILLING, OrderStatus.FULFILLED, OrderStatus.HELD):
        provider, fee_minor = payments.get(order.order_id, (None, 0))
        events.append(order_paid(order, provider=provider, fee_minor=fee_minor))
    if order.reserving:
        events.append(inventory_reserve(order))
    events += [
        refund_requested(order, refund)
        for refund in refunds.values()
        if refund.order_id == order.order_id
        and refund.status is RefundStatus.REVOKING
        and any(part.status is PartStatus.REVOKING for part in refund.parts)
    ]
    return events
