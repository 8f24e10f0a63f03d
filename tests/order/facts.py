"""What the other services would say of an order's components."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.clock import new_id, utc_now
from shared.contracts import (
    CardIssuedV1,
    CardRejectedV1,
    CardRevokedV1,
    CardRevokeRefusedV1,
    RiskDeniedV1,
    RiskReleasedV1,
    SettlementReversedV1,
    SettlementSplitV1,
    ShipmentPromisedV1,
)

Json = dict[str, Any]


def components(order: Json) -> list[Json]:
    """All components of an order as its owner sees it."""
    return [part for line in order["lines"] for part in line["components"]]


def statuses(order: Json) -> list[str]:
    return [part["status"] for part in components(order)]


def issued(order: Json, part: Json) -> CardIssuedV1:
    line = next(line for line in order["lines"] if part in line["components"])
    return CardIssuedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        sku_id=UUID(part["sku_id"]),
        line_id=UUID(line["line_id"]),
        quantity=part["quantity"],
        entitlement_ids=tuple(new_id() for _ in range(part["quantity"])),
        masked=("****1234",) * part["quantity"],
        currency="CNY",
        amount_minor=part["amount_minor"],
        cost_minor=1,
        issued_at=utc_now(),
    )


def promised(order: Json, part: Json) -> ShipmentPromisedV1:
    return ShipmentPromisedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        sku_id=UUID(part["sku_id"]),
        ship_before=utc_now() + timedelta(days=3),
    )


def rejected(order: Json, part: Json) -> CardRejectedV1:
    return CardRejectedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        sku_id=UUID(part["sku_id"]),
        reason="out_of_stock",
    )


def split(order: Json, part: Json) -> SettlementSplitV1:
    return SettlementSplitV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        journal_id=new_id(),
        currency="CNY",
        legs=(),
    )


def revoked(order: Json, part: Json, refund_id: str) -> CardRevokedV1:
    return CardRevokedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        sku_id=UUID(part["sku_id"]),
        refund_id=UUID(refund_id),
        entitlement_ids=(),
    )


def refused(order: Json, part: Json, refund_id: str) -> CardRevokeRefusedV1:
    return CardRevokeRefusedV1(
        order_id=UUID(order["order_id"]),
        component_id=UUID(part["component_id"]),
        sku_id=UUID(part["sku_id"]),
        refund_id=UUID(refund_id),
        reason="redeemed",
    )


def reversed_(order: Json, part: Json, refund_id: str) -> SettlementReversedV1:
    return SettlementReversedV1(
        order_id=UUID(order["order_id"]),
        refund_id=UUID(refund_id),
        component_id=UUID(part["component_id"]),
        currency="CNY",
        legs=(),
    )


def released(order: Json) -> RiskReleasedV1:
    order_id = UUID(order["order_id"])
    return RiskReleasedV1(subject_id=order_id, order_id=order_id, decision_id=new_id(), decided_at=utc_now())


def denied(order: Json) -> RiskDeniedV1:
    order_id = UUID(order["order_id"])
    return RiskDeniedV1(subject_id=order_id, order_id=order_id, decision_id=new_id(), decided_at=utc_now())
