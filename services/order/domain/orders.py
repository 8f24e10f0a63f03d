"""An order and its components, and what may happen to them. Every function returns a new order.

Facts come from several topics in any order: a component remembers what it was told (`issued_at`, `split_at`) and moves
as far as these facts allow. A fact told twice changes nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.order.domain.states import (
    ComponentStatus,
    IllegalMoveError,
    OrderStatus,
    check_component_move,
    check_order_move,
)

_C = ComponentStatus
_O = OrderStatus

_GOING_BACK = frozenset({_C.REVOKING, _C.REVOKED})
_WAITING = frozenset({_C.PENDING, _C.RESERVING})
_REFUNDABLE = frozenset({_C.PENDING, _C.RESERVING, _C.ISSUED, _C.SETTLED, _C.REJECTED})
_UNPAID = frozenset({_O.PENDING_PAYMENT, _O.CANCELLED})


class UnknownComponentError(Exception):
    """The order has no such component or line."""


class NotRefundableError(Exception):
    """The component is not in a state to be given back: refunded, on its way back, or waiting for a person."""


class NotPaidError(Exception):
    """There is no money to give back."""


@dataclass(frozen=True, slots=True)
class Component:
    """The unit of fulfilment, refund and share. `amount_minor` is its part of the price paid."""

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    name: str
    kind: str
    quantity: int
    amount_minor: int
    contract_id: UUID | None
    contract_version: int
    contract_hash: str | None
    status: ComponentStatus = _C.PENDING
    issued_at: datetime | None = None
    split_at: datetime | None = None

    def to(self, status: ComponentStatus) -> "Component":
        """:raises IllegalMoveError: there is no such move."""
        check_component_move(self.status, status)
        return replace(self, status=status)


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the saga sees it. `flagged`: risk wants to look before anything is issued; `held`: it is looking."""

    order_id: UUID
    member_id: UUID | None
    currency: str
    total_minor: int
    status: OrderStatus
    flagged: bool
    held: bool
    pay_before: datetime
    payment_id: UUID | None
    components: tuple[Component, ...]
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    fulfilled_at: datetime | None = None
    completed_at: datetime | None = None

    def component(self, component_id: UUID) -> Component:
        """:raises UnknownComponentError: it is not in this order."""
        for component in self.components:
            if component.component_id == component_id:
                return component
        raise UnknownComponentError(str(component_id))

    @property
    def reserving(self) -> tuple[Component, ...]:
        """What inventory was told to issue and has not answered for."""
        return tuple(component for component in self.components if component.status is _C.RESERVING)


def pay(order: Order, *, payment_id: UUID | None, now: datetime) -> Order:
    """Money is in. A flagged order waits for risk; any other is released for issue at once.

    A cancelled order may be paid too: whether its buyer is not too late is the caller's to judge.

    :raises IllegalMoveError: the order is already paid.
    """
    status = _O.HELD if order.flagged else _O.PAID
    if order.status not in _UNPAID:  # the table alone would let a refunded part bring an order back to paid
        raise IllegalMoveError(order.status, status)
    paid = replace(order, status=status, held=order.flagged, paid_at=now, payment_id=payment_id, cancelled_at=None)
    return paid if order.flagged else _release_components(paid)


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


def release(order: Order, *, now: datetime) -> Order:
    """Risk lets a held order go. Said to an order that is not held, it changes nothing."""
    return _settle(_release_components(replace(order, held=False)), now=now) if order.held else order


def deny(order: Order, *, now: datetime) -> Order:
    """Risk denies a held order: whatever of it is not already on its way back goes back."""
    if not order.held:
        return order
    pending = [component.component_id for component in order.components if component.status is _C.PENDING]
    return begin_refund(replace(order, held=False), component_ids=pending, now=now)


def issue(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Inventory has issued the component. One that is on its way back stays on it."""
    return _change(order, component_id, lambda component: _issued(component, now), now=now)


def reject(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Inventory cannot issue the component: it goes back at once. One that is on its way back stays on it."""
    if order.component(component_id).status is not _C.RESERVING:
        return order
    return _change(order, component_id, lambda component: component.to(_C.REJECTED).to(_C.REVOKING), now=now)


def split(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """Settlement has shared the component's money. May be heard before the issue itself."""
    return _change(order, component_id, lambda component: _shared(component, now), now=now)


def select_for_refund(order: Order, lines: Mapping[UUID, Collection[UUID] | None] | None) -> list[UUID]:
    """The components that a wish for a refund means: those it names, and whatever can be given back of what it leaves open.

    :raises NotPaidError: the order is not paid.
    :raises UnknownComponentError: a line or component is not in this order.
    """
    if order.paid_at is None:
        raise NotPaidError(order.status.value)
    if lines is None:
        return [part.component_id for part in order.components if part.status in _REFUNDABLE]
    selected: list[UUID] = []
    for line_id, named in lines.items():
        parts = {part.component_id: part for part in order.components if part.line_id == line_id}
        unknown = {line_id} if not parts else set(named or ()) - parts.keys()
        if unknown:
            raise UnknownComponentError(str(next(iter(unknown))))
        open_parts = [component_id for component_id, part in parts.items() if part.status in _REFUNDABLE]
        selected += open_parts if named is None else dict.fromkeys(named)
    return selected


def begin_refund(order: Order, *, component_ids: Collection[UUID], now: datetime) -> Order:
    """Take these components back: first the goods, then the points and shares, then the money goes.

    :raises NotPaidError: the order is not paid.
    :raises UnknownComponentError: one of them is not in this order.
    :raises NotRefundableError: one of them is refunded, on its way back, or waits for a person.
    """
    if order.paid_at is None:
        raise NotPaidError(order.status.value)
    for component_id in component_ids:
        component = order.component(component_id)
        if component.status not in _REFUNDABLE:
            raise NotRefundableError(f"{component_id} is {component.status.value}")
        order = _replaced(order, component.to(_C.REVOKING))
    return _settle(order, now=now)


def revoke(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """The goods are back, or settlement said so first. Heard again, or of a component not going back, no change."""
    if order.component(component_id).status is not _C.REVOKING:
        return order
    return _change(order, component_id, lambda component: component.to(_C.REVOKED), now=now)


def refuse_revoke(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """The goods were used: a person has to look at it."""
    if order.component(component_id).status is not _C.REVOKING:
        return order
    return _change(order, component_id, lambda component: component.to(_C.REVIEW), now=now)


def dismiss_review(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """A person decided: no refund for what was used.

    :raises IllegalMoveError: nobody was asked.
    """

    def back(component: Component) -> Component:
        return component.to(_C.ISSUED if component.split_at is None else _C.SETTLED)

    return _change(order, component_id, back, now=now)


def refund(order: Order, *, component_ids: Collection[UUID], now: datetime) -> Order:
    """The money for these components is back with the buyer.

    :raises IllegalMoveError: the goods of one are not back.
    """
    for component_id in component_ids:
        order = _replaced(order, order.component(component_id).to(_C.REFUNDED))
    return _settle(order, now=now)


def derive_status(order: Order) -> OrderStatus:
    """What the components of a paid order say about the whole."""
    statuses = [component.status for component in order.components]
    if any(status in _GOING_BACK for status in statuses):
        return _O.REFUNDING
    live = [component for component in order.components if component.status is not _C.REFUNDED]
    if not live:
        return _O.REFUNDED
    if order.held:
        return _O.HELD
    if any(status in _WAITING for status in statuses):
        return _O.PAID if all(component.issued_at is None for component in live) else _O.FULFILLING
    return _O.COMPLETED if all(component.split_at is not None for component in live) else _O.FULFILLED


def _settle(order: Order, *, now: datetime) -> Order:
    """Move the order to where its components are, and note the first time it is fulfilled and completed."""
    status = derive_status(order)
    if status is not order.status:
        check_order_move(order.status, status)
        order = replace(order, status=status)
    if order.fulfilled_at is None and _all_ended(order):
        order = replace(order, fulfilled_at=now)
    if order.completed_at is None and status is _O.COMPLETED:
        order = replace(order, completed_at=now)
    return order


def _all_ended(order: Order) -> bool:
    """Whether every component is issued or ended, and at least one was issued."""
    if any(component.status in _WAITING for component in order.components):
        return False
    return any(component.issued_at is not None for component in order.components)


def _release_components(order: Order) -> Order:
    released = tuple(
        component.to(_C.RESERVING) if component.status is _C.PENDING else component for component in order.components
    )
    return replace(order, components=released)


def _issued(component: Component, now: datetime) -> Component:
    if component.issued_at is not None:
        return component
    component = replace(component, issued_at=now)
    if component.status is not _C.RESERVING:
        return component
    issued = component.to(_C.ISSUED)
    return issued if component.split_at is None else issued.to(_C.SETTLED)


def _shared(component: Component, now: datetime) -> Component:
    if component.split_at is not None:
        return component
    component = replace(component, split_at=now)
    return component.to(_C.SETTLED) if component.status is _C.ISSUED else component


def _change(order: Order, component_id: UUID, step: Callable[[Component], Component], *, now: datetime) -> Order:
    before = order.component(component_id)
    after = step(before)
    return order if after is before else _settle(_replaced(order, after), now=now)


def _replaced(order: Order, changed: Component) -> Order:
    return replace(
        order,
        components=tuple(
            changed if component.component_id == changed.component_id else component for component in order.components
        ),
    )
