"""How long each step of an order may take before somebody looks."""

from datetime import datetime, timedelta

from services.order.domain.orders import Order
from services.order.domain.states import OrderStatus

STEP_LIMIT = timedelta(seconds=60)
"""Issue, points and shares take well under a second each; a supplier may take tens of seconds."""

SHIPMENT_ASKED_EVERY = timedelta(days=1)
"""How often inventory is asked again about what somebody has to send. Whether he is late, inventory counts."""

NUDGE_INTERVAL_MAX = timedelta(hours=1)
_DOUBLINGS_MAX = 6

_WAITING_FOR_MACHINES = frozenset(
    {OrderStatus.PAID, OrderStatus.FULFILLING, OrderStatus.FULFILLED, OrderStatus.REFUNDING}
)


def due_at(order: Order, *, now: datetime) -> datetime | None:
    """When the step that begins now is overdue; None where the order has ended or waits for a person."""
    if order.status is OrderStatus.PENDING_PAYMENT:
        return order.pay_before
    if order.waits_for_shipment and order.status in _WAITING_FOR_MACHINES:
        return now + SHIPMENT_ASKED_EVERY
    return now + STEP_LIMIT if order.status in _WAITING_FOR_MACHINES else None


def next_nudge_at(*, nudges: int, now: datetime) -> datetime:
    """When to look again at an order that was nudged so often already: twice as long each time, an hour at most."""
    doublings = min(nudges, _DOUBLINGS_MAX)
    return now + min(STEP_LIMIT * (1 << doublings), NUDGE_INTERVAL_MAX)
