"""The one home of what services say to one another: event contracts, their envelope, the topics they travel by."""

from shared.contracts._base import Event
from shared.contracts.envelope import Envelope, dataschema, decode, encode, wrap
from shared.contracts.inventory import (
    CardIssuedV1,
    CardRedeemedV1,
    CardRejectedV1,
    CardRevealedV1,
    CardRevokedV1,
    CardRevokeRefusedV1,
    ProductChangedV1,
    StockChangedV1,
)
from shared.contracts.membership import MemberRegisteredV1, MemberTierChangedV1
from shared.contracts.order import (
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
from shared.contracts.points import PointsAccruedV1, PointsReversedV1
from shared.contracts.risk import RiskChallengedV1, RiskDeniedV1, RiskReleasedV1
from shared.contracts.settlement import ContractPublishedV1, SettlementReversedV1, SettlementSplitV1, StatementReadyV1
from shared.contracts.topics import TOPICS, Topic

EVENTS: tuple[type[Event], ...] = (
    OrderCreatedV1,
    OrderPaidV1,
    OrderSurplusPaidV1,
    OrderCancelledV1,
    OrderFulfilledV1,
    OrderCompletedV1,
    OrderRefundRequestedV1,
    OrderRefundedV1,
    OrderSurplusRefundedV1,
    InventoryReserveV1,
    CardIssuedV1,
    CardRejectedV1,
    CardRevealedV1,
    CardRedeemedV1,
    CardRevokedV1,
    CardRevokeRefusedV1,
    PointsAccruedV1,
    PointsReversedV1,
    SettlementSplitV1,
    SettlementReversedV1,
    StatementReadyV1,
    RiskReleasedV1,
    RiskDeniedV1,
    RiskChallengedV1,
    MemberRegisteredV1,
    MemberTierChangedV1,
    ProductChangedV1,
    StockChangedV1,
    ContractPublishedV1,
)
"""Every contract there is, in the order of a purchase."""

BY_SCHEMA: dict[str, type[Event]] = {dataschema(event_type): event_type for event_type in EVENTS}

__all__ = [
    "BY_SCHEMA",
    "EVENTS",
    "TOPICS",
    "CardIssuedV1",
    "CardRedeemedV1",
    "CardRejectedV1",
    "CardRevealedV1",
    "CardRevokeRefusedV1",
    "CardRevokedV1",
    "ContractPublishedV1",
    "Envelope",
    "Event",
    "InventoryReserveV1",
    "MemberRegisteredV1",
    "MemberTierChangedV1",
    "OrderCancelledV1",
    "OrderCompletedV1",
    "OrderCreatedV1",
    "OrderFulfilledV1",
    "OrderPaidV1",
    "OrderRefundRequestedV1",
    "OrderRefundedV1",
    "OrderSurplusPaidV1",
    "OrderSurplusRefundedV1",
    "PointsAccruedV1",
    "PointsReversedV1",
    "ProductChangedV1",
    "RiskChallengedV1",
    "RiskDeniedV1",
    "RiskReleasedV1",
    "SettlementReversedV1",
    "SettlementSplitV1",
    "StatementReadyV1",
    "StockChangedV1",
    "Topic",
    "dataschema",
    "decode",
    "encode",
    "wrap",
]
