"""What the risk service hears: held orders, refunded orders, first reveals, new members; in sets."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from services.risk import usecases
from services.risk.usecases import HeldOrder
from shared.clock import utc_now
from shared.contracts import (
    CardRevealedV1,
    Envelope,
    Event,
    MemberRegisteredV1,
    OrderPaidV1,
    OrderRefundedV1,
    OrderRefundRequestedV1,
)
from shared.database import UnitOfWork
from shared.messaging import Handler


def handlers(*, case_due_after: timedelta) -> Mapping[type[Event], Handler[Any]]:
    """Every event this service acts on, with what it does."""

    async def on_order_paid(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderPaidV1]]) -> None:
        held = [_held(envelope.data) for envelope in envelopes if envelope.data.held]
        await usecases.open_cases(uow, held, due_after=case_due_after, now=utc_now())

    return {
        OrderPaidV1: on_order_paid,
        OrderRefundRequestedV1: on_refund_requested,
        OrderRefundedV1: on_order_refunded,
        CardRevealedV1: on_card_revealed,
        MemberRegisteredV1: on_member_registered,
    }


async def on_refund_requested(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderRefundRequestedV1]]) -> None:
    """An order whose review took too long is given back: a word on it would come too late."""
    order_ids = [envelope.data.order_id for envelope in envelopes if envelope.data.review_expired]
    await usecases.drop_cases(uow, order_ids, note="nobody decided in time: the order is refunded", now=utc_now())


async def on_order_refunded(uow: UnitOfWork, envelopes: Sequence[Envelope[OrderRefundedV1]]) -> None:
    """A whole order that was refunded needs nobody's word any more."""
    order_ids = [envelope.data.order_id for envelope in envelopes if envelope.data.whole]
    await usecases.drop_cases(uow, order_ids, note="the whole order was refunded", now=utc_now())


async def on_card_revealed(uow: UnitOfWork, envelopes: Sequence[Envelope[CardRevealedV1]]) -> None:
    """Only what a member saw for the first time counts."""
    seen = [
        (fact.entitlement_id, fact.member_id, fact.revealed_at)
        for fact in (envelope.data for envelope in envelopes)
        if fact.first and fact.member_id is not None
    ]
    await usecases.record_reveals(uow, seen)


async def on_member_registered(uow: UnitOfWork, envelopes: Sequence[Envelope[MemberRegisteredV1]]) -> None:
    """How old accounts are."""
    accounts = [(envelope.data.member_id, envelope.data.registered_at) for envelope in envelopes]
    await usecases.record_accounts(uow, accounts)


def _held(event: OrderPaidV1) -> HeldOrder:
    return HeldOrder(
        order_id=event.order_id,
        member_id=event.member_id,
        amount_minor=event.paid_minor,
        currency=event.currency,
    )
