"""What a provider's word on a payment means for the order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.order.domain.orders import Order
from services.order.domain.states import OrderStatus


class PaymentStatus(StrEnum):
    """`closed`: it was not paid in time and the provider says so too."""

    PENDING = "pending"
    PAID = "paid"
    CLOSED = "closed"


class PaymentOutcome(StrEnum):
    """What became of money that came in. None of it is ever lost."""

    PAID = "paid"
    PAID_LATE_RESERVED = "paid_late_reserved"
    PAID_LATE_REFUNDED = "paid_late_refunded"
    PAID_TWICE_REFUNDED = "paid_twice_refunded"
    NOT_AS_AGREED_REFUNDED = "not_as_agreed_refunded"
    DUPLICATE = "duplicate"


class OrderNotPayableError(Exception):
    """Paid, cancelled, over, or nothing to pay."""


class TooManyPaymentsError(Exception):
    """An order may be tried to be paid only so often."""


class PaymentUnknownError(Exception):
    """No payment of that number was ever begun with this provider."""


class PaymentMismatchError(Exception):
    """The provider speaks of another amount, currency, merchant or order than was agreed. `code` says which."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order, as it was agreed with the provider; once paid, as the money came."""

    payment_id: UUID
    order_id: UUID
    provider: str
    amount_minor: int
    currency: str
    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider says it has received, from a notify or a query; its signature has been checked.

    `fee_minor` is what the provider keeps.
    """

    provider: str
    payment_id: UUID
    provider_trade_no: str
    amount_minor: int
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentWanted:
    """Somebody wants to pay an order. `member_id` is the buyer's, None for the guest who holds the order's token."""

    payment_id: UUID
    order_id: UUID
    member_id: UUID | None
    provider: str
    key: str


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """The order somebody wants to pay, and the payment that was opened, or had been, if it may be paid."""

    order_id: UUID
    order_no: str
    total_minor: int
    currency: str
    status: str
    pay_before: datetime
    payment_id: UUID | None
    provider: str
    attempts: int


def check_receipt(payment: Payment, receipt: Receipt) -> None:
    """Compare what came with what was agreed, exactly.

    :raises PaymentUnknownError: the payment was begun with another provider.
    :raises PaymentMismatchError: another amount or currency.
    """
    if payment.provider != receipt.provider:
        raise PaymentUnknownError(str(receipt.payment_id))
    if payment.currency != receipt.currency:
        raise PaymentMismatchError(
            "payment.currency_mismatch", f"paid in {receipt.currency}, agreed in {payment.currency}"
        )
    if payment.amount_minor != receipt.amount_minor:
        raise PaymentMismatchError(
            "payment.amount_mismatch", f"{receipt.amount_minor} came, {payment.amount_minor} was agreed"
        )


def outcome_of(
    order: Order, payment: Payment, receipt: Receipt, *, asked: bool, now: datetime, late_grace: timedelta
) -> PaymentOutcome:
    """What to do with money that came in for this order.

    `asked`: the provider answers our question. What it reports of itself may be a slip; what it answers is its word, and
    if that is of another amount, then such money is there. `late_grace` is how long after `pay_before` a cancelled order
    is taken up again instead of the money going back.

    :raises PaymentUnknownError: the payment was begun with another provider.
    :raises PaymentMismatchError: another amount or currency, of which we did not ask or which contradicts what is booked.
    """
    try:
        check_receipt(payment, receipt)
    except PaymentMismatchError:
        if asked and payment.status is not PaymentStatus.PAID:
            return PaymentOutcome.NOT_AS_AGREED_REFUNDED
        raise
    if payment.status is PaymentStatus.PAID:
        return PaymentOutcome.DUPLICATE
    if order.status is OrderStatus.PENDING_PAYMENT:
        return PaymentOutcome.PAID
    if order.status is not OrderStatus.CANCELLED:
        return PaymentOutcome.PAID_TWICE_REFUNDED
    if now < order.pay_before + late_grace:
        return PaymentOutcome.PAID_LATE_RESERVED
    return PaymentOutcome.PAID_LATE_REFUNDED
