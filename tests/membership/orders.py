"""Orders as the order service announces them."""

from datetime import UTC, datetime
from uuid import UUID

from shared.clock import new_id
from shared.contracts import OrderFulfilledV1, OrderPaidV1, OrderRefundedV1

PAID_AT = datetime(2026, 11, 21, 8, tzinfo=UTC)


def a_payment(
    paid_minor: int, *, member_id: UUID | None, paid_at: datetime = PAID_AT, held: bool = False
) -> OrderPaidV1:
    """An order that was paid; without a member id by a guest."""
    return OrderPaidV1(
        order_id=new_id(),
        member_id=member_id,
        currency="CNY",
        paid_minor=paid_minor,
        paid_at=paid_at,
        held=held,
        components=(),
    )


def a_refund(payment: OrderPaidV1, amount_minor: int | None = None) -> OrderRefundedV1:
    """Its money given back, all of it unless said otherwise."""
    return OrderRefundedV1(
        order_id=payment.order_id,
        member_id=payment.member_id,
        refund_id=new_id(),
        currency="CNY",
        amount_minor=payment.paid_minor if amount_minor is None else amount_minor,
        components=(),
        whole=amount_minor is None,
        refunded_at=PAID_AT,
    )


def a_fulfilment(payment: OrderPaidV1) -> OrderFulfilledV1:
    """Everything of the order is delivered."""
    return OrderFulfilledV1(order_id=payment.order_id, member_id=payment.member_id, fulfilled_at=PAID_AT)
