"""The states of an order and of its components, and the only moves there are between them."""

from collections.abc import Mapping
from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands, as the buyer sees it."""

    PENDING_PAYMENT = "pending_payment"
    PAID = "paid"
    FULFILLING = "fulfilling"
    FULFILLED = "fulfilled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    HELD = "held"


class ComponentStatus(StrEnum):
    """Where one component stands. `awaiting_shipment` waits for somebody to send it, for days perhaps; `review` for a person:
    the goods were used and a refund was asked for.
    """

    PENDING = "pending"
    RESERVING = "reserving"
    AWAITING_SHIPMENT = "awaiting_shipment"
    ISSUED = "issued"
    REJECTED = "rejected"
    SETTLED = "settled"
    REVOKING = "revoking"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    REVIEW = "review"


class IllegalMoveError(Exception):
    """Something was asked of an order or a component that its state does not allow."""

    def __init__(self, before: StrEnum, after: StrEnum) -> None:
        super().__init__(f"from {before.value} there is no way to {after.value}")
        self.before = before
        self.after = after


_O = OrderStatus
_C = ComponentStatus

_LIVE = frozenset({_O.PAID, _O.FULFILLING, _O.FULFILLED, _O.COMPLETED})

ORDER_MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    _O.PENDING_PAYMENT: frozenset({_O.PAID, _O.HELD, _O.CANCELLED}),
    # Money that comes too late is taken for the order again, or goes back.
    _O.CANCELLED: frozenset({_O.PAID, _O.HELD, _O.REFUNDING}),
    _O.HELD: frozenset({_O.PAID, _O.REFUNDING}),
    _O.PAID: frozenset({_O.FULFILLING, _O.FULFILLED, _O.COMPLETED, _O.REFUNDING}),
    _O.FULFILLING: frozenset({_O.FULFILLED, _O.COMPLETED, _O.REFUNDING}),
    _O.FULFILLED: frozenset({_O.COMPLETED, _O.REFUNDING}),
    _O.COMPLETED: frozenset({_O.REFUNDING}),
    # After a refund of some components the order goes on with the others; the last one ends it.
    _O.REFUNDING: _LIVE | {_O.HELD, _O.REFUNDED},
    _O.REFUNDED: frozenset(),
}

COMPONENT_MOVES: Mapping[ComponentStatus, frozenset[ComponentStatus]] = {
    _C.PENDING: frozenset({_C.RESERVING, _C.REVOKING}),
    _C.RESERVING: frozenset({_C.AWAITING_SHIPMENT, _C.ISSUED, _C.REJECTED, _C.REVOKING}),
    _C.AWAITING_SHIPMENT: frozenset({_C.ISSUED, _C.REVOKING}),
    _C.ISSUED: frozenset({_C.SETTLED, _C.REVOKING}),
    _C.SETTLED: frozenset({_C.REVOKING}),
    _C.REJECTED: frozenset({_C.REVOKING}),
    _C.REVOKING: frozenset({_C.REVOKED, _C.REVIEW}),
    _C.REVOKED: frozenset({_C.REFUNDED}),
    # A person says no to the refund: back to what it was.
    _C.REVIEW: frozenset({_C.ISSUED, _C.SETTLED}),
    _C.REFUNDED: frozenset(),
}


def check_order_move(before: OrderStatus, after: OrderStatus) -> None:
    """Refuse a move that is not in the table.

    :raises IllegalMoveError: it is not.
    """
    if after not in ORDER_MOVES[before]:
        raise IllegalMoveError(before, after)


def check_component_move(before: ComponentStatus, after: ComponentStatus) -> None:
    """Refuse a move that is not in the table.

    :raises IllegalMoveError: it is not.
    """
    if after not in COMPONENT_MOVES[before]:
        raise IllegalMoveError(before, after)
