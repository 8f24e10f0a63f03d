"""Orders are paid: payments are opened, and what providers report is settled, in sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.order.domain import purchase as moves
from services.order.domain.orders import Order
from services.order.domain.payments import (
    OrderNotPayableError,
    PayableOrder,
    Payment,
    PaymentMismatchError,
    PaymentOutcome,
    PaymentStatus,
    PaymentUnknownError,
    PaymentWanted,
    Receipt,
    TooManyPaymentsError,
    outcome_of,
)
from services.order.domain.refunds import Refund, RefundReason
from services.order.domain.states import OrderStatus
from services.order.events import inventory_reserve, order_paid, surplus_paid
from services.order.repository import payments
from services.order.repository.payments import DueQuery, SettledPayment, ask_soon, close_payments, take_due_queries
from services.order.repository.refunds import add_refunds
from services.order.usecases.changes import Changes, OrderNotFoundError
from services.order.usecases.checkout import CheckoutInProgressError, KeyReusedError
from services.order.usecases.limits import give_back_orders, take_up_again
from services.order.usecases.refunds import SYSTEM, begin_refunds, refund_of_payment
from shared.contracts import Event
from shared.database import UnitOfWork
from shared.messaging import OutboxRows, outbox_rows
from shared.observability import Counter, continue_trace, get_logger

__all__ = [
    "DueQuery",
    "Reported",
    "ask_soon",
    "close_payments",
    "open_payments",
    "settle_reports",
    "take_due_queries",
]

LATE_GRACE = timedelta(minutes=30)
"""A payment this much after the time to pay still gets its goods, if there are any; later it goes back."""

_NO_GRACE = timedelta(days=-1)
"""A payment for an order that was cancelled goes back: its buyer has had in other orders what one buyer may have, or is a
channel, which was told that it is cancelled and may have bought elsewhere."""

_NOT_TAKEN_UP = frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDING})

SURPLUS = {
    PaymentOutcome.PAID_TWICE_REFUNDED: RefundReason.PAID_TWICE,
    PaymentOutcome.NOT_AS_AGREED_REFUNDED: RefundReason.NOT_AS_AGREED,
}
"""Money that does not become its order's payment. All of it goes back, whatever the order goes on to be."""

log = get_logger(__name__)

_OUTCOMES = Counter("payments_settled_total", "Payments by what became of the money", ["outcome"])
_OUTCOME = {outcome: _OUTCOMES.labels(outcome.value) for outcome in PaymentOutcome}


@dataclass(frozen=True, slots=True)
class Reported:
    """What a provider reports, and the trace it belongs to. `asked`: it is the answer to our question."""

    receipt: Receipt
    traceparent: str | None
    asked: bool = False


async def open_payments(
    uow: UnitOfWork, wanted: Sequence[PaymentWanted], *, now: datetime
) -> list[PayableOrder | Exception]:
    """Open payments, in one statement. Each is answered by itself.

    Answers `OrderNotFoundError`, `OrderNotPayableError`, `TooManyPaymentsError`, `KeyReusedError` or
    `CheckoutInProgressError` where it cannot be.
    """
    opened = await payments.open_payments(uow, wanted, now=now)
    return [_opened(each, payable, now) for each, payable in zip(wanted, opened, strict=True)]


async def settle_reports(
    uow: UnitOfWork, reports: Sequence[Reported], *, now: datetime
) -> list[PaymentOutcome | Exception]:
    """Take what providers report as received into the orders. Each is answered by itself.

    A report of money that is already booked changes nothing and answers `DUPLICATE`. Answers `PaymentUnknownError` or
    `PaymentMismatchError` where the report is not of what was agreed; nothing changes then, unless the provider was asked.
    """
    locked, orders = await payments.lock_payments(uow, [report.receipt.payment_id for report in reports])
    cancelled = [order_id for order_id, order in orders.items() if order.status is OrderStatus.CANCELLED]
    batch = _Batch(Changes(orders), dict(locked), barred=await take_up_again(uow, cancelled, now=now))
    answers = [batch.take(report, now) for report in reports]
    await give_back_orders(uow, [order_id for order_id in cancelled if batch.changes[order_id].status in _NOT_TAKEN_UP])
    if batch.settled:
        outbox = OutboxRows.joined(batch.outbox)
        await payments.settle_payments(uow, batch.settled, batch.changes.pairs, outbox, now=now)
        await batch.give_back(uow, now)
    for answer in answers:
        if isinstance(answer, PaymentOutcome):
            _OUTCOME[answer].inc()
    return answers


class _Batch:
    """The reports of one transaction, one after another: a second one sees what the first has changed."""

    def __init__(self, changes: Changes, locked: dict[UUID, Payment], *, barred: set[UUID]) -> None:
        self.changes = changes
        self._barred = barred
        self.settled: list[SettledPayment] = []
        self.outbox: list[OutboxRows] = []
        self._payments = locked
        self._late: list[Order] = []
        self._surplus: list[Refund] = []

    def take(self, report: Reported, now: datetime) -> PaymentOutcome | Exception:
        receipt = report.receipt
        payment = self._payments.get(receipt.payment_id)
        if payment is None:
            return PaymentUnknownError(str(receipt.payment_id))
        order = self.changes[payment.order_id]
        barred = order.order_id in self._barred or order.channel_id is not None
        late_grace = _NO_GRACE if barred else LATE_GRACE
        try:
            outcome = outcome_of(order, payment, receipt, asked=report.asked, now=now, late_grace=late_grace)
        except (PaymentUnknownError, PaymentMismatchError) as error:
            return error
        if outcome is PaymentOutcome.DUPLICATE:
            return outcome
        paid = self._payments[payment.payment_id] = _paid(payment, receipt)
        self.settled.append(SettledPayment(receipt, outcome))
        if outcome in SURPLUS:
            self._keep_surplus(order, paid, report, outcome, now)
        else:
            self._pay(order, report, outcome, now)
        return outcome

    async def give_back(self, uow: UnitOfWork, now: datetime) -> None:
        """Refund what came too late, twice, or not as agreed."""
        if self._surplus:
            await add_refunds(uow, self._surplus)
        going_back = [(order.order_id, part.component_id) for order in self._late for part in order.components]
        await begin_refunds(uow, self.changes, going_back, reason=RefundReason.PAID_LATE, requested_by=SYSTEM, now=now)

    def _pay(self, order: Order, report: Reported, outcome: PaymentOutcome, now: datetime) -> None:
        receipt = report.receipt
        late = outcome is PaymentOutcome.PAID_LATE_REFUNDED
        move = moves.pay_too_late if late else moves.pay
        paid = self.changes.step(order.order_id, partial(move, payment_id=receipt.payment_id, now=now))
        announced: list[Event] = [order_paid(paid, provider=receipt.provider, fee_minor=receipt.fee_minor)]
        if paid.reserving:
            announced.append(inventory_reserve(paid))
        self._announce(report, announced, now)
        if late:
            self._late.append(paid)

    def _keep_surplus(
        self, order: Order, payment: Payment, report: Reported, outcome: PaymentOutcome, now: datetime
    ) -> None:
        log.warning("payment.surplus", order_id=order.order_id, payment_id=payment.payment_id, outcome=outcome.value)
        refund = refund_of_payment(payment, reason=SURPLUS[outcome], now=now)
        self._surplus.append(refund)
        self._announce(report, [surplus_paid(order, refund, report.receipt, paid_at=now)], now)

    def _announce(self, report: Reported, announced: Sequence[Event], now: datetime) -> None:
        with continue_trace(report.traceparent):
            self.outbox.append(outbox_rows(announced, now=now))


def _paid(payment: Payment, receipt: Receipt) -> Payment:
    return Payment(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        provider=payment.provider,
        amount_minor=receipt.amount_minor,
        currency=receipt.currency,
        status=PaymentStatus.PAID,
    )


def _opened(wanted: PaymentWanted, payable: PayableOrder | None, now: datetime) -> PayableOrder | Exception:
    if payable is None:
        return OrderNotFoundError(str(wanted.order_id))
    if payable.payment_id is not None:
        return payable if payable.provider == wanted.provider else KeyReusedError(wanted.key)
    if payable.status != OrderStatus.PENDING_PAYMENT:
        return OrderNotPayableError(f"the order is {payable.status}")
    if payable.pay_before <= now:
        return OrderNotPayableError("the time to pay is over")
    if payable.attempts >= payments.PAYMENTS_PER_ORDER_MAX:
        return TooManyPaymentsError(f"{payable.attempts} payments were begun for this order")
    return CheckoutInProgressError(wanted.key)  # another transaction is opening it under this very key
