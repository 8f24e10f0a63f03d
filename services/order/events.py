"""What happened here, as the contracts say it. Pure."""

from collections.abc import Sequence
from datetime import datetime

from services.order.domain import refunds
from services.order.domain.checkouts import NewOrder
from services.order.domain.orders import Component, Order
from services.order.domain.payments import Receipt
from services.order.domain.refunds import Refund, RefundPart
from services.order.domain.returns import NotPaidError
from services.order.domain.states import ComponentStatus
from shared.contracts import (
    Event,
    InventoryReserveV1,
    OrderCancelledV1,
    OrderCompletedV1,
    OrderCreatedV1,
    OrderFulfilledV1,
    OrderPaidV1,
    OrderRefundedV1,
    OrderRefundRequestedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
)
from shared.contracts.order import (
    Adjustment,
    ComponentKind,
    OrderComponent,
    OrderLine,
    RefundComponent,
    RefundReason,
    ReserveComponent,
    SurplusReason,
)


def order_created(new: NewOrder) -> OrderCreatedV1:
    """Price, shares and stock are locked."""
    order = new.order
    return OrderCreatedV1(
        order_id=order.order_id,
        member_id=order.member_id,
        order_no=new.order_no,
        channel=new.channel,
        channel_id=order.channel_id,
        currency=order.currency,
        total_minor=order.total_minor,
        pay_before=order.pay_before,
        lines=tuple(
            OrderLine(
                line_id=line.line_id,
                product_id=line.product_id,
                sku_id=line.sku_id,
                quantity=line.quantity,
                list_minor=line.list_minor,
                total_minor=line.total_minor,
                components=tuple(_component(part) for part in order.components if part.line_id == line.line_id),
            )
            for line in new.lines
        ),
        adjustments=tuple(
            Adjustment(kind=step.kind, label=step.label, amount_minor=step.amount_minor, rule=step.rule)
            for step in new.adjustments
        ),
    )


def order_paid(order: Order, *, provider: str | None, fee_minor: int) -> OrderPaidV1:
    """Money is in; 0 for an order that cost nothing.

    :raises NotPaidError: it is not.
    """
    if order.paid_at is None:
        raise NotPaidError(order.status.value)
    return OrderPaidV1(
        order_id=order.order_id,
        member_id=order.member_id,
        currency=order.currency,
        paid_minor=order.total_minor,
        fee_minor=fee_minor,
        provider=provider,
        payment_id=order.payment_id,
        paid_at=order.paid_at,
        held=order.held,
        components=tuple(_component(part) for part in order.components),
    )


def surplus_paid(order: Order, refund: Refund, receipt: Receipt, *, paid_at: datetime) -> OrderSurplusPaidV1:
    """Money is in that buys nothing; `refund` gives it back."""
    return OrderSurplusPaidV1(
        order_id=order.order_id,
        member_id=order.member_id,
        payment_id=receipt.payment_id,
        provider=receipt.provider,
        reason=SurplusReason(refund.reason.value),
        currency=receipt.currency,
        paid_minor=receipt.amount_minor,
        fee_minor=receipt.fee_minor,
        paid_at=paid_at,
    )


def inventory_reserve(order: Order) -> InventoryReserveV1:
    """The command to issue whatever of this order inventory has not answered for.

    :raises NotPaidError: the order is not paid.
    """
    if order.paid_at is None:
        raise NotPaidError(order.status.value)
    return InventoryReserveV1(
        order_id=order.order_id,
        member_id=order.member_id,
        currency=order.currency,
        paid_at=order.paid_at,
        components=tuple(
            ReserveComponent(
                component_id=part.component_id,
                line_id=part.line_id,
                sku_id=part.sku_id,
                kind=ComponentKind(part.kind),
                quantity=part.quantity,
                amount_minor=part.amount_minor,
                accept_substitutes=part.accept_substitutes,
            )
            for part in order.reserving
        ),
    )


def order_cancelled(order: Order, *, reason: str) -> OrderCancelledV1:
    """Never paid."""
    return OrderCancelledV1(order_id=order.order_id, member_id=order.member_id, reason=reason)


def milestones(before: Order, after: Order) -> list[Event]:
    """`order.fulfilled` and `order.completed`, each the one time it comes true."""
    announced: list[Event] = []
    if before.fulfilled_at is None and after.fulfilled_at is not None:
        announced.append(
            OrderFulfilledV1(order_id=after.order_id, member_id=after.member_id, fulfilled_at=after.fulfilled_at)
        )
    if before.completed_at is None and after.completed_at is not None:
        announced.append(
            OrderCompletedV1(order_id=after.order_id, member_id=after.member_id, completed_at=after.completed_at)
        )
    return announced


def refund_requested(order: Order, refund: Refund) -> OrderRefundRequestedV1:
    """These components are to be taken back.

    That a review ended without a word is said beside the reason: consumers of the previous release know no such reason.
    """
    expired = refund.reason is refunds.RefundReason.REVIEW_EXPIRED
    return OrderRefundRequestedV1(
        order_id=order.order_id,
        member_id=order.member_id,
        refund_id=refund.refund_id,
        reason=RefundReason.NOT_FULFILLED if expired else RefundReason(refund.reason.value),
        review_expired=expired,
        currency=refund.currency,
        components=_refund_components(refund.parts),
    )


def order_refunded(
    order: Order, refund: Refund, *, paid_parts: Sequence[RefundPart], provider: str | None, refunded_at: datetime
) -> OrderRefundedV1:
    """The money for these parts is back. `whole` says that nothing of the order is left."""
    return OrderRefundedV1(
        order_id=order.order_id,
        member_id=order.member_id,
        refund_id=refund.refund_id,
        currency=refund.currency,
        amount_minor=refund.amount_minor,
        provider=provider,
        components=_refund_components(paid_parts),
        whole=all(part.status is ComponentStatus.REFUNDED for part in order.components),
        refunded_at=refunded_at,
    )


def surplus_refunded(
    order: Order, refund: Refund, *, provider: str | None, refunded_at: datetime
) -> OrderSurplusRefundedV1:
    """Money that bought nothing is back.

    :raises NotPaidError: it never came, or nobody has sent it.
    """
    if refund.payment_id is None or provider is None:
        raise NotPaidError(str(refund.refund_id))
    return OrderSurplusRefundedV1(
        order_id=order.order_id,
        member_id=order.member_id,
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        provider=provider,
        currency=refund.currency,
        amount_minor=refund.amount_minor,
        refunded_at=refunded_at,
    )


def _component(part: Component) -> OrderComponent:
    return OrderComponent(
        component_id=part.component_id,
        sku_id=part.sku_id,
        name=part.name,
        kind=ComponentKind(part.kind),
        quantity=part.quantity,
        amount_minor=part.amount_minor,
        contract_id=part.contract_id,
        contract_version=part.contract_version,
        contract_hash=part.contract_hash,
    )


def _refund_components(parts: Sequence[RefundPart]) -> tuple[RefundComponent, ...]:
    return tuple(
        RefundComponent(component_id=part.component_id, sku_id=part.sku_id, amount_minor=part.amount_minor)
        for part in parts
    )
