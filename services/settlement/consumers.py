"""Which event leads to which use case. The runtime has opened the unit of work and done the inbox."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.settlement.usecases.books import Books
from services.settlement.usecases.facts import record_issues, record_payments, record_points
from services.settlement.usecases.redemptions import record_redemptions, record_undoings
from services.settlement.usecases.refunds import record_refunds, return_cards, reverse_shares
from services.settlement.usecases.surplus import record_surplus, record_surplus_refunds
from shared.clock import Clock
from shared.contracts import (
    CardIssuedV1,
    CardRedeemedV1,
    CardRedemptionUndoneV1,
    CardRevokedV1,
    Envelope,
    Event,
    OrderPaidV1,
    OrderRefundedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
    PointsAccruedV1,
    PointsReversedV1,
)
from shared.database import UnitOfWork
from shared.messaging import Handler


def handlers(books: Books, *, clock: Clock) -> Mapping[type[Event], Handler[Any]]:
    """Every event this service acts on, with what it does."""

    def to(usecase: Callable[..., Awaitable[None]]) -> Handler[Any]:
        async def handle(uow: UnitOfWork, envelopes: Sequence[Envelope[Event]]) -> None:
            now: datetime = clock()
            await usecase(uow, books, [envelope.data for envelope in envelopes], now=now)

        return handle

    return {
        OrderPaidV1: to(record_payments),
        CardIssuedV1: to(record_issues),
        PointsAccruedV1: to(record_points),
        CardRedeemedV1: to(record_redemptions),
        CardRedemptionUndoneV1: to(record_undoings),
        CardRevokedV1: to(return_cards),
        PointsReversedV1: to(reverse_shares),
        OrderRefundedV1: to(record_refunds),
        OrderSurplusPaidV1: to(record_surplus),
        OrderSurplusRefundedV1: to(record_surplus_refunds),
    }
