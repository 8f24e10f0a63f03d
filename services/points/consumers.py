"""What the points service hears: delivered and revoked components, in sets."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.points import usecases
from services.points.domain.earning import Delivery, Revocation, Terms
from shared.clock import utc_now
from shared.contracts import CardIssuedV1, CardRevokedV1, Envelope, Event
from shared.database import UnitOfWork
from shared.messaging import Handler


def handlers(terms: Terms) -> Mapping[type[Event], Handler[Any]]:
    """Every event this service acts on, with what it does."""

    async def on_card_issued(uow: UnitOfWork, envelopes: Sequence[Envelope[CardIssuedV1]]) -> None:
        deliveries = [_delivery(envelope.data) for envelope in envelopes]
        await usecases.accrue(uow, deliveries, terms=terms, now=utc_now())

    async def on_card_revoked(uow: UnitOfWork, envelopes: Sequence[Envelope[CardRevokedV1]]) -> None:
        revocations = [_revocation(envelope.data) for envelope in envelopes]
        await usecases.reverse(uow, revocations, now=utc_now())

    return {CardIssuedV1: on_card_issued, CardRevokedV1: on_card_revoked}


def _delivery(event: CardIssuedV1) -> Delivery:
    return Delivery(
        order_id=event.order_id,
        component_id=event.component_id,
        member_id=event.member_id,
        amount_minor=event.amount_minor,
        currency=event.currency,
        issued_at=event.issued_at,
    )


def _revocation(event: CardRevokedV1) -> Revocation:
    return Revocation(
        order_id=event.order_id,
        component_id=event.component_id,
        member_id=event.member_id,
        refund_id=event.refund_id,
    )
