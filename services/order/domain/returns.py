"""The way back: components are revoked, and their money goes to the buyer. Every function returns a new order."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from services.order.domain.orders import Component, Order, UnknownComponentError, change, settle, with_component
from services.order.domain.states import ComponentStatus

_C = ComponentStatus

_REFUNDABLE = frozenset({_C.PENDING, _C.RESERVING, _C.AWAITING_SHIPMENT, _C.ISSUED, _C.SETTLED, _C.REJECTED})


class NotRefundableError(Exception):
    """The component is not in a state to be given back: refunded, on its way back, or waiting for a person."""


class NotPaidError(Exception):
    """There is no money to give back."""


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
    components = order.components
    for component_id in component_ids:
        component = order.component(component_id)
        if component.status not in _REFUNDABLE:
            raise NotRefundableError(f"{component_id} is {component.status.value}")
        components = with_component(components, component.to(_C.REVOKING))
    return settle(order, components, held=order.held, now=now)


def revoke(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """The goods are back, or settlement said so first. Heard again, or of a component not going back, no change."""
    if order.component(component_id).status is not _C.REVOKING:
        return order
    return change(order, component_id, lambda component: component.to(_C.REVOKED), now=now)


def refuse_revoke(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """The goods were used: a person has to look at it."""
    if order.component(component_id).status is not _C.REVOKING:
        return order
    return change(order, component_id, lambda component: component.to(_C.REVIEW), now=now)


def dismiss_review(order: Order, *, component_id: UUID, now: datetime) -> Order:
    """A person decided: no refund for what was used.

    :raises IllegalMoveError: nobody was asked.
    """

    def back(component: Component) -> Component:
        return component.to(_C.ISSUED if component.split_at is None else _C.SETTLED)

    return change(order, component_id, back, now=now)


def refund(order: Order, *, component_ids: Collection[UUID], now: datetime) -> Order:
    """The money for these components is back with the buyer.

    :raises IllegalMoveError: the goods of one are not back.
    """
    components = order.components
    for component_id in component_ids:
        components = with_component(components, order.component(component_id).to(_C.REFUNDED))
    return settle(order, components, held=order.held, now=now)
