"""Makes the events of a purchase as the other services would say them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from services.settlement.domain.contracts import SplitContract
from shared.clock import new_id
from shared.contracts import (
    CardIssuedV1,
    CardRedeemedV1,
    CardRedemptionUndoneV1,
    CardRevokedV1,
    OrderPaidV1,
    OrderRefundedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
    PointsAccruedV1,
    PointsReversedV1,
)
from shared.contracts.inventory import RestockedCards
from shared.contracts.order import ComponentKind, OrderComponent, RefundComponent, SurplusReason

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""Midday in Shanghai."""


@dataclass(frozen=True)
class Surplus:
    """A payment that bought nothing."""

    paid_minor: int = 1_999
    fee_minor: int = 12
    order_id: UUID = field(default_factory=new_id)
    payment_id: UUID = field(default_factory=new_id)
    refund_id: UUID = field(default_factory=new_id)

    def paid(self) -> OrderSurplusPaidV1:
        return OrderSurplusPaidV1(
            order_id=self.order_id,
            payment_id=self.payment_id,
            provider="sandbox",
            reason=SurplusReason.PAID_TWICE,
            currency="CNY",
            paid_minor=self.paid_minor,
            fee_minor=self.fee_minor,
            paid_at=NOON,
        )

    def refunded(self) -> OrderSurplusRefundedV1:
        return OrderSurplusRefundedV1(
            order_id=self.order_id,
            refund_id=self.refund_id,
            payment_id=self.payment_id,
            provider="sandbox",
            currency="CNY",
            amount_minor=self.paid_minor,
            refunded_at=NOON,
        )


@dataclass(frozen=True)
class Purchase:
    """One order with one component."""

    amount_minor: int = 1_999
    contract: SplitContract | None = None
    units: int = 1
    fee_minor: int = 12
    paid_by: str = "sandbox"
    cost_minor: int = 700
    points_cost_minor: int = 19
    supplier_id: UUID | None = None
    sku_id: UUID = field(default_factory=new_id)
    order_id: UUID = field(default_factory=new_id)
    component_id: UUID = field(default_factory=new_id)
    refund_id: UUID = field(default_factory=new_id)
    entitlement_ids: Sequence[UUID] = ()

    def __post_init__(self) -> None:
        if not self.entitlement_ids:
            object.__setattr__(self, "entitlement_ids", tuple(new_id() for _ in range(self.units)))
        if self.contract is not None:
            object.__setattr__(self, "sku_id", self.contract.sku_id)

    @property
    def provider(self) -> str | None:
        return self.paid_by if self.amount_minor else None

    def paid(self, *, contract_hash: str | None = None, contract_version: int | None = None) -> OrderPaidV1:
        locked = self.contract
        version = contract_version if contract_version is not None else (locked.version if locked else 0)
        return OrderPaidV1(
            order_id=self.order_id,
            currency="CNY",
            paid_minor=self.amount_minor,
            fee_minor=self.fee_minor if self.amount_minor else 0,
            provider=self.provider,
            payment_id=new_id(),
            paid_at=NOON,
            components=(
                OrderComponent(
                    component_id=self.component_id,
                    sku_id=self.sku_id,
                    name="视频会员月卡",
                    kind=ComponentKind.CARD_KEY,
                    quantity=self.units,
                    amount_minor=self.amount_minor,
                    contract_id=locked.contract_id if locked else None,
                    contract_version=version,
                    contract_hash=contract_hash or (locked.sha256() if locked else None),
                ),
            ),
        )

    def issued(self) -> CardIssuedV1:
        return CardIssuedV1(
            order_id=self.order_id,
            component_id=self.component_id,
            sku_id=self.sku_id,
            line_id=new_id(),
            quantity=self.units,
            entitlement_ids=tuple(self.entitlement_ids),
            masked=tuple("****" for _ in self.entitlement_ids),
            currency="CNY",
            amount_minor=self.amount_minor,
            cost_minor=self.cost_minor,
            supplier_id=self.supplier_id,
            issued_at=NOON,
        )

    def accrued(self) -> PointsAccruedV1:
        return PointsAccruedV1(
            order_id=self.order_id,
            component_id=self.component_id,
            points=self.points_cost_minor,
            currency="CNY",
            cost_minor=self.points_cost_minor,
        )

    def redeemed(self, unit: int = 0, *, redemption_id: UUID | None = None) -> CardRedeemedV1:
        return CardRedeemedV1(
            redemption_id=redemption_id,
            order_id=self.order_id,
            component_id=self.component_id,
            sku_id=self.sku_id,
            entitlement_id=self.entitlement_ids[unit],
            partner_id=new_id(),
            units=self.units,
            redeemed_at=NOON,
        )

    def undone(self, redemption_id: UUID, unit: int = 0) -> CardRedemptionUndoneV1:
        return CardRedemptionUndoneV1(
            order_id=self.order_id,
            component_id=self.component_id,
            sku_id=self.sku_id,
            entitlement_id=self.entitlement_ids[unit],
            partner_id=new_id(),
            redemption_id=redemption_id,
            units=self.units,
            by="partner",
            undone_at=NOON,
        )

    def revoked(self, *, restocked_minor: int | None = None) -> CardRevokedV1:
        """Taken back; what the cards cost that nobody has seen, None: all were seen."""
        restocked = None if restocked_minor is None else RestockedCards(currency="CNY", cost_minor=restocked_minor)
        return CardRevokedV1(
            order_id=self.order_id,
            component_id=self.component_id,
            sku_id=self.sku_id,
            refund_id=self.refund_id,
            entitlement_ids=tuple(self.entitlement_ids),
            restocked=restocked,
        )

    def reversed(self) -> PointsReversedV1:
        return PointsReversedV1(
            order_id=self.order_id,
            refund_id=self.refund_id,
            component_id=self.component_id,
            points=self.points_cost_minor,
            currency="CNY",
            cost_minor=self.points_cost_minor,
        )

    def refunded(self) -> OrderRefundedV1:
        part = RefundComponent(component_id=self.component_id, sku_id=self.sku_id, amount_minor=self.amount_minor)
        return OrderRefundedV1(
            order_id=self.order_id,
            refund_id=self.refund_id,
            currency="CNY",
            amount_minor=self.amount_minor,
            provider=self.provider,
            components=(part,),
            whole=True,
            refunded_at=NOON,
        )
