"""What happened here, as the shared contracts say it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.inventory.domain.catalogue import UNLIMITED_STOCK
from services.inventory.domain.delivery import Delivery, RefundOrder, RefuseReason, RejectReason, UnitFacts
from services.inventory.domain.issuing import Entitlement, Reservation
from services.inventory.domain.offers import OfferedComponent, OfferedProduct, OfferedSku
from services.inventory.domain.redeeming import Redeemable, Redemption
from services.inventory.domain.reminders import Expiring
from services.inventory.domain.shipping import Promise
from services.inventory.domain.terms import BuyerField
from services.inventory.domain.undoing import Undo, UndoFacts
from shared.contracts import (
    CardCanaryTouchedV1,
    CardIssuedV1,
    CardRedeemedV1,
    CardRedemptionUndoneV1,
    CardRejectedV1,
    CardRevealedV1,
    CardRevokedV1,
    CardRevokeRefusedV1,
    EntitlementExpiringV1,
    ProductChangedV1,
    ShipmentPromisedV1,
    StockChangedV1,
    StockLowV1,
)
from shared.contracts.inventory import (
    BuyerField as BuyerFieldOffer,
)
from shared.contracts.inventory import (
    BuyerFieldKind,
    BuyerFieldPattern,
    ChoiceGroup,
    ChoiceOption,
    LadderStep,
    RestockedCards,
    SkuComponent,
    SkuOffer,
    SkuPeriod,
)
from shared.contracts.order import ComponentKind


def card_issued(
    component: Reservation,
    units: Sequence[Entitlement],
    *,
    supplier_id: UUID | None,
    issued_at: datetime,
    name: str | None = None,
) -> CardIssuedV1:
    """`name` is that of what was delivered instead of what was ordered."""
    return CardIssuedV1(
        order_id=component.order_id,
        component_id=component.component_id,
        sku_id=component.ordered_sku_id or component.sku_id,
        member_id=component.member_id,
        line_id=component.line_id,
        quantity=component.quantity,
        entitlement_ids=tuple(unit.entitlement_id for unit in units),
        masked=tuple(unit.masked for unit in units),
        currency=component.currency,
        amount_minor=component.amount_minor,
        cost_minor=sum(unit.cost_minor for unit in units),
        supplier_id=supplier_id,
        issued_at=issued_at,
        delivered_sku_id=component.sku_id if component.ordered_sku_id else None,
        delivered_name=name,
    )


def card_rejected(component: Reservation | Delivery, reason: RejectReason) -> CardRejectedV1:
    return CardRejectedV1(
        order_id=component.order_id,
        component_id=component.component_id,
        sku_id=component.ordered_sku_id or component.sku_id,
        member_id=component.member_id,
        reason=reason.value,
    )


def shipment_promised(component: Reservation, promise: Promise) -> ShipmentPromisedV1:
    return ShipmentPromisedV1(
        order_id=component.order_id,
        component_id=component.component_id,
        sku_id=component.ordered_sku_id or component.sku_id,
        member_id=component.member_id,
        ship_before=promise.ship_before,
    )


def card_revealed(
    *,
    order_id: UUID,
    component_id: UUID,
    sku_id: UUID,
    member_id: UUID | None,
    entitlement_id: UUID,
    first: bool,
    revealed_at: datetime,
) -> CardRevealedV1:
    return CardRevealedV1(
        order_id=order_id,
        component_id=component_id,
        sku_id=sku_id,
        member_id=member_id,
        entitlement_id=entitlement_id,
        revealed_at=revealed_at,
        first=first,
    )


def card_redeemed(unit: Redeemable, redemption: Redemption) -> CardRedeemedV1:
    return CardRedeemedV1(
        order_id=unit.order_id,
        component_id=unit.component_id,
        sku_id=unit.sku_id,
        member_id=unit.member_id,
        entitlement_id=unit.entitlement_id,
        partner_id=redemption.partner_id,
        redemption_id=redemption.redemption_id,
        store=redemption.till.store,
        channel=redemption.channel.value,
        units=unit.quantity,
        redeemed_at=redemption.redeemed_at,
    )


def card_redemption_undone(facts: UndoFacts, undo: Undo, *, undone_at: datetime) -> CardRedemptionUndoneV1:
    return CardRedemptionUndoneV1(
        order_id=facts.order_id,
        component_id=facts.component_id,
        sku_id=facts.sku_id,
        member_id=facts.member_id,
        entitlement_id=facts.entitlement_id,
        partner_id=facts.partner_id,
        redemption_id=facts.redemption_id,
        units=facts.quantity,
        by=undo.by.value,
        undone_at=undone_at,
    )


def card_revoked(refund: RefundOrder, *, units: Sequence[UnitFacts], restocked: Sequence[UnitFacts]) -> CardRevokedV1:
    cost_minor = sum(unit.cost_minor for unit in restocked)
    return CardRevokedV1(
        order_id=refund.order_id,
        component_id=refund.component_id,
        sku_id=refund.sku_id,
        member_id=refund.member_id,
        refund_id=refund.refund_id,
        entitlement_ids=tuple(unit.entitlement_id for unit in units),
        restocked=RestockedCards(currency=refund.currency, cost_minor=cost_minor) if restocked else None,
    )


def card_revoke_refused(delivery: Delivery, *, refund_id: UUID, reason: RefuseReason) -> CardRevokeRefusedV1:
    return CardRevokeRefusedV1(
        order_id=delivery.order_id,
        component_id=delivery.component_id,
        sku_id=delivery.ordered_sku_id or delivery.sku_id,
        member_id=delivery.member_id,
        refund_id=refund_id,
        reason=reason.value,
    )


def entitlement_expiring(unit: Expiring) -> EntitlementExpiringV1:
    return EntitlementExpiringV1(
        order_id=unit.order_id,
        component_id=unit.component_id,
        sku_id=unit.sku_id,
        member_id=unit.member_id,
        entitlement_id=unit.entitlement_id,
        expires_at=unit.expires_at,
    )


def product_changed(product: OfferedProduct, *, now: datetime) -> ProductChangedV1:
    return ProductChangedV1(
        product_id=product.product_id,
        version=product.version,
        name=product.name,
        category=product.category,
        on_shelf=product.on_shelf(now=now),
        skus=tuple(_offer(sku) for sku in product.skus),
        listed=product.listed,
        on_shelf_from=product.times.starts_at,
        on_shelf_until=product.times.ends_at,
    )


def _offer(sku: OfferedSku) -> SkuOffer:
    terms = sku.terms
    return SkuOffer(
        sku_id=sku.sku_id,
        name=sku.name,
        price_minor=terms.price_minor,
        currency=sku.currency,
        max_per_order=terms.max_per_order,
        on_sale=sku.on_sale,
        components=tuple(_component(part) for part in sku.components),
        period=SkuPeriod(terms.period.value) if terms.period else None,
        ladder=tuple(LadderStep(quantity_from=step.quantity_from, unit_minor=step.unit_minor) for step in terms.ladder),
        floor_minor=terms.price_floor_minor,
        min_per_order=terms.min_per_order,
        order_step=terms.order_step,
        max_per_member=terms.max_per_member,
        max_per_member_day=terms.max_per_member_day,
        tiers=terms.tiers,
        public_from=terms.public_from,
        early_tiers=terms.early_tiers,
        choices=tuple(
            ChoiceGroup(
                name=group.name,
                pick=group.pick,
                options=tuple(
                    ChoiceOption(**dict(_component(option)), extra_minor=extra_minor)
                    for option, extra_minor in group.options
                ),
            )
            for group in sku.choices
        ),
        stock_capped=sku.capped,
    )


def _component(part: OfferedComponent) -> SkuComponent:
    return SkuComponent(
        sku_id=part.sku_id,
        name=part.name,
        kind=ComponentKind(part.kind.value),
        quantity=part.quantity,
        weight=part.weight,
        partner_id=part.partner_id,
        buyer_fields=tuple(_buyer_field(field) for field in part.buyer_fields),
    )


def _buyer_field(field: BuyerField) -> BuyerFieldOffer:
    return BuyerFieldOffer(
        name=field.name,
        label_zh=field.label_zh,
        label_en=field.label_en,
        kind=BuyerFieldKind(field.kind.value),
        pattern=BuyerFieldPattern(field.pattern.value),
        required=field.required,
        choices=field.choices,
    )


def stock_changed(*, sku_id: UUID, free: int | None, version: int) -> StockChangedV1:
    available = UNLIMITED_STOCK if free is None else min(free, UNLIMITED_STOCK)
    return StockChangedV1(sku_id=sku_id, available=available, version=version)


def stock_low(*, sku_id: UUID, available: int, low_stock_below: int, noticed_at: datetime) -> StockLowV1:
    return StockLowV1(
        sku_id=sku_id, available=max(available, 0), low_stock_below=low_stock_below, noticed_at=noticed_at
    )


def canary_touched(
    *, export_id: UUID, batch_id: UUID, place: str, subject: str, touched_at: datetime
) -> CardCanaryTouchedV1:
    return CardCanaryTouchedV1(
        export_id=export_id, batch_id=batch_id, place=place, subject=subject, touched_at=touched_at
    )
