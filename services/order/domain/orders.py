"""An order and its components, and how the whole follows from its parts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.order.domain.states import (
    ComponentStatus,
    OrderStatus,
    check_component_move,
    check_order_move,
)

_C = ComponentStatus
_O = OrderStatus

_GOING_BACK = frozenset({_C.REVOKING, _C.REVOKED})
_WAITING = frozenset({_C.PENDING, _C.RESERVING, _C.AWAITING_SHIPMENT})
_UNISSUED = frozenset({_C.RESERVING, _C.AWAITING_SHIPMENT})
_AT_REST = frozenset({_C.AWAITING_SHIPMENT, _C.SETTLED, _C.REVIEW, _C.REFUNDED})


class UnknownComponentError(Exception):
    """The order has no such component or line."""


@dataclass(frozen=True, slots=True)
class Component:
    """The unit of fulfilment, refund and share. `amount_minor` is its part of the price paid.

    `accept_substitutes`: where it cannot be had, something else of its worth may be delivered.
    """

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
    accept_substitutes: bool = True

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
    channel_id: UUID | None = None

    def component(self, component_id: UUID) -> Component:
        """:raises UnknownComponentError: it is not in this order."""
        for component in self.components:
            if component.component_id == component_id:
                return component
        raise UnknownComponentError(str(component_id))

    @property
    def reserving(self) -> tuple[Component, ...]:
        """What inventory was told to issue, and neither issued nor refused."""
        return tuple(component for component in self.components if component.status in _UNISSUED)

    @property
    def is_there(self) -> bool:
        """Whether all that a machine delivers is issued or ended, and something is issued."""
        waiting = any(component.status in (_C.PENDING, _C.RESERVING) for component in self.components)
        return not waiting and any(component.issued_at is not None for component in self.components)

    @property
    def waits_for_shipment(self) -> bool:
        """Whether nothing is waited for but that somebody sends something."""
        statuses = {component.status for component in self.components}
        return _C.AWAITING_SHIPMENT in statuses and statuses <= _AT_REST


def settle(order: Order, components: tuple[Component, ...], *, held: bool, now: datetime) -> Order:
    """Move the order to where its components are, and note the first time it is fulfilled and completed.

    One new value for all of it: this is what every fact about an order comes down to.
    """
    status = _status_of(components, held=held)
    if status is not order.status:
        check_order_move(order.status, status)
    fulfilled = order.fulfilled_at is None and _all_ended(components)
    completed = order.completed_at is None and status is _O.COMPLETED
    return replace(
        order,
        components=components,
        status=status,
        held=held,
        fulfilled_at=now if fulfilled else order.fulfilled_at,
        completed_at=now if completed else order.completed_at,
    )


def change(order: Order, component_id: UUID, step: Callable[[Component], Component], *, now: datetime) -> Order:
    before = order.component(component_id)
    after = step(before)
    if after is before:
        return order
    return settle(order, with_component(order.components, after), held=order.held, now=now)


def with_component(components: tuple[Component, ...], changed: Component) -> tuple[Component, ...]:
    return tuple(changed if part.component_id == changed.component_id else part for part in components)


def _status_of(components: Collection[Component], *, held: bool) -> OrderStatus:
    """What the components of a paid order say about the whole."""
    statuses = {component.status for component in components}
    if statuses & _GOING_BACK:
        return _O.REFUNDING
    live = [component for component in components if component.status is not _C.REFUNDED]
    if not live:
        return _O.REFUNDED
    if held:
        return _O.HELD
    if statuses & _WAITING:
        return _O.PAID if all(component.issued_at is None for component in live) else _O.FULFILLING
    return _O.COMPLETED if all(component.split_at is not None for component in live) else _O.FULFILLED


def _all_ended(components: Collection[Component]) -> bool:
    """Whether every component is issued or ended, and at least one was issued."""
    if any(component.status in _WAITING for component in components):
        return False
    return any(component.issued_at is not None for component in components)
