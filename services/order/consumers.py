"""What this service hears, and which use case takes it. One transaction and one set of facts per call."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.order.usecases import channels, messages, read_models, refunds, reviews, saga
from shared.clock import utc_now
from shared.contracts import (
    CardIssuedV1,
    CardRejectedV1,
    CardRevokedV1,
    CardRevokeRefusedV1,
    ContractPublishedV1,
    EntitlementExpiringV1,
    Envelope,
    Event,
    MemberTierChangedV1,
    ProductChangedV1,
    RiskDeniedV1,
    RiskReleasedV1,
    SettlementReversedV1,
    SettlementSplitV1,
    ShipmentPromisedV1,
    StockChangedV1,
)
from shared.database import UnitOfWork
from shared.messaging import Handler


async def on_product_changed(uow: UnitOfWork, heard: Sequence[Envelope[ProductChangedV1]]) -> None:
    await read_models.learn_products(uow, [each.data for each in heard], now=utc_now())


async def on_stock_changed(uow: UnitOfWork, heard: Sequence[Envelope[StockChangedV1]]) -> None:
    await channels.learn_stock(uow, [each.data for each in heard], now=utc_now())


async def on_tier_changed(uow: UnitOfWork, heard: Sequence[Envelope[MemberTierChangedV1]]) -> None:
    await read_models.learn_tiers(uow, [each.data for each in heard])


async def on_contract_published(uow: UnitOfWork, heard: Sequence[Envelope[ContractPublishedV1]]) -> None:
    await read_models.learn_contracts(uow, [each.data for each in heard])


async def on_card_issued(uow: UnitOfWork, heard: Sequence[Envelope[CardIssuedV1]]) -> None:
    await saga.note_issued(uow, [each.data for each in heard], now=utc_now())


async def on_card_rejected(uow: UnitOfWork, heard: Sequence[Envelope[CardRejectedV1]]) -> None:
    await saga.note_rejected(uow, [each.data for each in heard], now=utc_now())


async def on_shipment_promised(uow: UnitOfWork, heard: Sequence[Envelope[ShipmentPromisedV1]]) -> None:
    await saga.note_promised(uow, [each.data for each in heard], now=utc_now())


async def on_settlement_split(uow: UnitOfWork, heard: Sequence[Envelope[SettlementSplitV1]]) -> None:
    await saga.note_split(uow, [each.data for each in heard], now=utc_now())


async def on_risk_released(uow: UnitOfWork, heard: Sequence[Envelope[RiskReleasedV1]]) -> None:
    await reviews.note_released(uow, [each.data for each in heard], now=utc_now())


async def on_risk_denied(uow: UnitOfWork, heard: Sequence[Envelope[RiskDeniedV1]]) -> None:
    await reviews.note_denied(uow, [each.data for each in heard], now=utc_now())


async def on_card_revoked(uow: UnitOfWork, heard: Sequence[Envelope[CardRevokedV1]]) -> None:
    await refunds.note_revoked(uow, [each.data for each in heard], now=utc_now())


async def on_revoke_refused(uow: UnitOfWork, heard: Sequence[Envelope[CardRevokeRefusedV1]]) -> None:
    await refunds.note_revoke_refused(uow, [each.data for each in heard], now=utc_now())


async def on_settlement_reversed(uow: UnitOfWork, heard: Sequence[Envelope[SettlementReversedV1]]) -> None:
    await refunds.note_reversed(uow, [each.data for each in heard], now=utc_now())


async def on_entitlement_expiring(uow: UnitOfWork, heard: Sequence[Envelope[EntitlementExpiringV1]]) -> None:
    await messages.note_expiring(uow, [each.data for each in heard], now=utc_now())


HANDLERS: Mapping[type[Event], Handler[Any]] = {
    ProductChangedV1: on_product_changed,
    StockChangedV1: on_stock_changed,
    MemberTierChangedV1: on_tier_changed,
    ContractPublishedV1: on_contract_published,
    CardIssuedV1: on_card_issued,
    CardRejectedV1: on_card_rejected,
    ShipmentPromisedV1: on_shipment_promised,
    CardRevokedV1: on_card_revoked,
    CardRevokeRefusedV1: on_revoke_refused,
    EntitlementExpiringV1: on_entitlement_expiring,
    SettlementSplitV1: on_settlement_split,
    SettlementReversedV1: on_settlement_reversed,
    RiskReleasedV1: on_risk_released,
    RiskDeniedV1: on_risk_denied,
}
