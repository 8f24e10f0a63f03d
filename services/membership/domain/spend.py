"""What counts as spend: money that was paid and not given back, on the day it was paid, once risk has let it pass."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Payment:
    """An order that was paid. A held one counts when it is fulfilled: money under suspicion buys no tier."""

    order_id: UUID
    member_id: UUID
    paid_on: date
    paid_minor: int
    held: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back. It is taken off the day of the payment, wherever that stands in the window."""

    refund_id: UUID
    order_id: UUID
    member_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class SpendChange:
    """What a member's spend of one business day changes by."""

    member_id: UUID
    day: date
    amount_minor: int
