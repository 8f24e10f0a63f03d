"""The way there: an order is paid, released, issued and shared. Every function returns a new order.

Facts come from several topics in any order: a component remembers what it was told (`issued_at`, `split_at`) and moves
as far as these facts allow. A fact told twice changes nothing.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.order.domain.orders import Component, Order, change, settle
from services.order.domain.returns import begin_refund
from services.order.domain.states import (
    ComponentStatus,
    IllegalMoveError,
    OrderStatus,
    check_component_move,
    check_order_move,
)

_C = ComponentStatus
_O = OrderStatus

_BEFORE_ISSUE = frozenset({_C.PENDING, _C.RESERVING, _C.AWAITING_SHIPMENT})
_PROMISABLE = frozenset({_C.RESERVING, _C.AWAITING_SHIPMENT})
_UNPAID = frozenset({_O.PENDING_PAYMENT, _O.CANCELLED})


def pay(order: Order, *, payment_id: UUID | None, now: datetime) -> Order:
    """Money is in. A flagged order waits for risk; any other is released for issue at once.

    A cancelled order may be paid too: whether its buyer is not too late is the caller's to judge.

    :raises IllegalMoveError: the order is already paid.
    """
    status = _O.HELD if order.flagged else _O.PAID
    if order.status not in _UNPAID:  # the table alone would let a refunded part bring an order back to paid
        raise IllegalMoveError(order.status, status)
    return replace(
        order,
        status=status,
        held=order.flagged,
        paid_at=now,
        payment_id=payment_id,
        cancelled_at=None,
        components=order.components if order.flagged else _released(order.components),
    )


def pay_too_late(order: Order, *, payment_id: UUID, now: datetime) -> Order:
    """Money came for a cancelled order that is not taken up again: all of it goes back.

    :raises IllegalMoveError: the order is not cancelled.
    """
    if order.status is not _O.CANCELLED:
        raise IllegalMoveError(order.status, _O.REFUNDING)
    paid = replace(order, paid_at=now, payment_id=payment_id, cancelled_at=None)
    return begin_refund(paid, component_ids=[component.component_id for component in order.components], now=now)


def cancel(order: Order, *, now: datetime) -> Order:
    """It was never paid.

    :raises IllegalMoveError: it was.
    """
    check_order_move(order.status, _O.CANCELLED)
    return replace(order, status=_O.CANCELLED, cancelled_at=now)


def clear(order: Order) -> Order:
    """Risk, whose answer was late, has nothing against it: it will not be held. One that is paid is for `release`."""
    return replace(order, flagged=False) if order.status in _UNPAID else order


def release(order: Order, *, now: datetime) -> Order:
    """Risk lets a held order go. Said to an order that is not held, it changes nothing."""
    return settle(order, _released(order.components), held=False, now=now) if order.held else order


def deny(order: Order, *, now: datetime) -> Order:
    """A held order is not let go: whatever of it is not already on its way back goes back. Any other stays as it is."""
    if not order.held:
        return order
    pending = [component.component_id for component in order.components if component.status is _C.PENDING]
    return begin_refund(replace(order, held=False), component_ids=pending, now=now)


def issue(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Inventory has issued the component. One that is on its way back stays on it.

    :raises IllegalMoveError: nobody asked for it.
    """
    return change(order, component_id, lambda component: _issued(component, now), now=now)


def promise(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Inventory will have the component sent. Said again, the order is as it was, and its time begins anew.

    One that is issued, or on its way back, stays what it is.
    """
    if order.component(component_id).status not in _PROMISABLE:
        return order
    return change(order, component_id, lambda part: replace(part, status=_C.AWAITING_SHIPMENT), now=now)


def reject(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Inventory cannot issue the component: it goes back at once. One that is on its way back stays on it."""
    if order.component(component_id).status is not _C.RESERVING:
        return order
    return change(order, component_id, lambda component: component.to(_C.REJECTED).to(_C.REVOKING), now=now)


def split(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Settlement has shared the component's money. May be heard before the issue itself."""
    return change(order, component_id, lambda component: _shared(component, now), now=now)


def _released(components: Collection[Component]) -> tuple[Component, ...]:
    return tuple(part.to(_C.RESERVING) if part.status is _C.PENDING else part for part in components)


def _issued(component: Component, now: datetime) -> Component:
    if component.issued_at is not None:
        return component
    status = component.status
    if status in _BEFORE_ISSUE:
        check_component_move(status, _C.ISSUED)  # what was never released for issue is not
        status = _C.ISSUED if component.split_at is None else _C.SETTLED
    return replace(component, issued_at=now, status=status)


def _shared(component: Component, now: datetime) -> Component:
    if component.split_at is not None:
        return component
    status = _C.SETTLED if component.status is _C.ISSUED else component.status
    return replace(component, split_at=now, status=status)
