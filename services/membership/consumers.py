"""What the membership service hears: money in and out, and held orders that went through. Guests' orders count for nobody."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.membership.domain.spend import Payment, Refund
from services.membership.usecases import spending
from shared.clock import business_day, utc_now
from shared.contracts import Envelope, Event, OrderFulfilledV1, OrderPaidV1, OrderRefundedV1
from shared.database import UnitOfWork
from shared.messaging import Handler


async def on_order_paid(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderPaidV1]]) -> None:
    """Spend of members; zero-yuan orders bring none."""
    payments = [
        Payment(
            order_id=event.order_id,
            member_id=event.member_id,
            paid_on=business_day(event.paid_at),
            paid_minor=event.paid_minor,
            held=event.held,
        )
        for event in (envelope.data for envelope in envelopes)
        if event.member_id is not None and event.paid_minor
    ]
    await spending.count_payments(uow, payments, now=utc_now())


async def on_order_refunded(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderRefundedV1]]) -> None:
    """Spend of members that never was."""
    refunds = [
        Refund(
            refund_id=event.refund_id,
            order_id=event.order_id,
            member_id=event.member_id,
            amount_minor=event.amount_minor,
        )
        for event in (envelope.data for envelope in envelopes)
        if event.member_id is not None and event.amount_minor
    ]
    await spending.count_refunds(uow, refunds, now=utc_now())


async def on_order_fulfilled(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderFulfilledV1]]) -> None:
    """A held order that is fulfilled was released: its spend counts from now on."""
    order_ids = [envelope.data.order_id for envelope in envelopes if envelope.data.member_id is not None]
    await spending.count_released(uow, order_ids, now=utc_now())


HANDLERS: Mapping[type[Event], Handler[Any]] = {
    OrderPaidV1: on_order_paid,
    OrderRefundedV1: on_order_refunded,
    OrderFulfilledV1: on_order_fulfilled,
}
"""Every event this service acts on, with what it does."""
