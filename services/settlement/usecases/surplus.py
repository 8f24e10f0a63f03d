"""Buyers' money that bought nothing: it came in all the same, and goes back. What providers bill is what is booked."""

from collections.abc import Sequence
from datetime import datetime

from services.settlement.domain import journals
from services.settlement.repository import ledger
from services.settlement.usecases.books import Books
from shared.contracts import OrderSurplusPaidV1, OrderSurplusRefundedV1
from shared.database import UnitOfWork


async def record_surplus(
    uow: UnitOfWork, books: Books, surplus: Sequence[OrderSurplusPaidV1], *, now: datetime
) -> None:
    """Book the money in, with the provider's fee, once per payment.

    :raises FeeError: the fee exceeds it.
    """
    cash = [
        journals.surplus_in(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            currency=payment.currency,
            paid_minor=payment.paid_minor,
            fee_minor=payment.fee_minor,
            provider=payment.provider,
        )
        for payment in surplus
    ]
    await ledger.post(uow, books.accounts, cash, now=now)


async def record_surplus_refunds(
    uow: UnitOfWork, books: Books, refunds: Sequence[OrderSurplusRefundedV1], *, now: datetime
) -> None:
    """Book the money out again, once per refund. The provider keeps its fee."""
    cash = [
        journals.surplus_out(
            refund_id=refund.refund_id,
            order_id=refund.order_id,
            currency=refund.currency,
            amount_minor=refund.amount_minor,
            provider=refund.provider,
        )
        for refund in refunds
    ]
    await ledger.post(uow, books.accounts, cash, now=now)
