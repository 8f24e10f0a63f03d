"""Events from others, turned into use cases. The runtime opened the unit of work and knows what came twice."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import RefundOrder
from services.inventory.domain.issuing import Reservation
from services.inventory.usecases import holds, issuing, revoking
from services.inventory.usecases.importing import CardSealer
from shared.clock import utc_now
from shared.contracts import (
    Envelope,
    Event,
    InventoryReserveV1,
    OrderCancelledV1,
    OrderRefundRequestedV1,
)
from shared.database import UnitOfWork
from shared.messaging import Handler


async def on_reserve(uow: UnitOfWork, events: Sequence[Envelope[InventoryReserveV1]], *, sealer: CardSealer) -> None:
    reservations = [
        Reservation(
            component_id=component.component_id,
            order_id=envelope.data.order_id,
            line_id=component.line_id,
            member_id=envelope.data.member_id,
            sku_id=component.sku_id,
            kind=SkuKind(component.kind.value),
            quantity=component.quantity,
            amount_minor=component.amount_minor,
            currency=envelope.data.currency,
            accept_substitutes=component.accept_substitutes,
        )
        for envelope in events
        for component in envelope.data.components
    ]
    await issuing.reserve(uow, reservations, sealer=sealer, now=utc_now())


async def on_cancelled(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
    await holds.release_orders(uow, [event.data.order_id for event in events])


async def on_refund_requested(uow: UnitOfWork, events: Sequence[Envelope[OrderRefundRequestedV1]]) -> None:
    refunds = [
        RefundOrder(
            component_id=component.component_id,
            order_id=envelope.data.order_id,
            sku_id=component.sku_id,
            member_id=envelope.data.member_id,
            amount_minor=component.amount_minor,
            currency=envelope.data.currency,
            refund_id=envelope.data.refund_id,
        )
        for envelope in events
        for component in envelope.data.components
    ]
    await revoking.revoke(uow, refunds, now=utc_now())


def handlers(sealer: CardSealer) -> Mapping[type[Event], Handler[Any]]:
    """Who takes in which event. `sealer` seals the codes that we make ourselves."""
    return {
        InventoryReserveV1: partial(on_reserve, sealer=sealer),
        OrderCancelledV1: on_cancelled,
        OrderRefundRequestedV1: on_refund_requested,
    }
