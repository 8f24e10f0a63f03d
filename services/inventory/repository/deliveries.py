"""Deliveries: one row per component, the wall against issuing twice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import (
    Delivery,
    DeliveryFacts,
    DeliveryState,
    RefundOrder,
    RefuseReason,
    RejectReason,
    UnitFacts,
)
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.issuing import Reservation
from services.inventory.domain.kinds import Source
from services.inventory.domain.offline import UPLOAD_WITHIN
from services.inventory.domain.shipping import AWAY, ShipmentState
from services.inventory.domain.substitutes import Substitute
from services.inventory.domain.supply import TaskState
from services.inventory.repository import offline, restocking, shipping
from services.inventory.repository.sources import seen_by_somebody, source
from shared.database import UnitOfWork

# Optimistic: what we have or make is there for nearly all, so rows are written as issued, and the few that fail are changed after.
_OPEN = f"""
WITH wanted AS (
    SELECT asked.*, coalesce({source("sku")}, CASE asked.kind WHEN 'direct_top_up' THEN 'supplier' ELSE 'shelf' END) AS source
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::bigint[], $9::text[],
                $11::bool[])
         AS asked (component_id, order_id, line_id, sku_id, member_id, kind, quantity, amount_minor, currency,
                   accept_substitutes)
    LEFT JOIN skus sku ON sku.sku_id = asked.sku_id
), opened AS (
    INSERT INTO deliveries (component_id, order_id, line_id, sku_id, member_id, kind, quantity, amount_minor, currency,
                            accept_substitutes, state, created_at, issued_at)
    SELECT component_id, order_id, line_id, sku_id, member_id, kind, quantity, amount_minor, currency,
           accept_substitutes,
           CASE source WHEN 'supplier' THEN 'awaiting_supplier' WHEN 'hand' THEN 'awaiting_shipment' ELSE 'issued' END,
           $10::timestamptz, CASE WHEN source NOT IN ('supplier', 'hand') THEN $10::timestamptz END
    FROM wanted ORDER BY component_id
    ON CONFLICT (component_id) DO NOTHING
    RETURNING component_id
)
SELECT component_id, wanted.source FROM opened JOIN wanted USING (component_id)
"""  # noqa: S608  # composed of the table of kinds

_REJECT = """
UPDATE deliveries SET state = 'rejected', reason = wanted.reason, issued_at = NULL
FROM unnest($1::uuid[], $2::text[]) AS wanted (component_id, reason)
WHERE deliveries.component_id = wanted.component_id
"""

_SUBSTITUTE = """
UPDATE deliveries SET sku_id = instead.sku_id, kind = instead.kind, ordered_sku_id = deliveries.sku_id,
                      supplier_id = NULL,
                      state = CASE instead.source WHEN 'supplier' THEN 'awaiting_supplier' WHEN 'hand' THEN 'awaiting_shipment'
                                                  ELSE 'issued' END,
                      issued_at = CASE WHEN instead.source NOT IN ('supplier', 'hand') THEN $5::timestamptz END
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS instead (component_id, sku_id, kind, source)
WHERE deliveries.component_id = instead.component_id
"""

_SET_SUPPLIER = """
UPDATE deliveries SET supplier_id = wanted.supplier_id
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (component_id, supplier_id)
WHERE deliveries.component_id = wanted.component_id
"""

_FIND = """
SELECT component_id, order_id, line_id, member_id, sku_id, kind, quantity, amount_minor, currency, state, reason,
       supplier_id, refund_id, issued_at, accept_substitutes, ordered_sku_id
FROM deliveries WHERE component_id = ANY($1::uuid[]) ORDER BY component_id
"""
_LOCK = _FIND + " FOR UPDATE"

_MARK_ISSUED = """
UPDATE deliveries SET state = 'issued', issued_at = $2 WHERE component_id = ANY($1::uuid[])
"""

_REVOKE = """
UPDATE deliveries SET state = 'revoked', refund_id = wanted.refund_id
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (component_id, refund_id)
WHERE deliveries.component_id = wanted.component_id
"""

_WANT_REFUND = """
UPDATE deliveries SET refund_id = wanted.refund_id
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (component_id, refund_id)
WHERE deliveries.component_id = wanted.component_id
"""

_VOID = """
INSERT INTO deliveries (component_id, order_id, sku_id, member_id, amount_minor, currency, state, refund_id, created_at)
SELECT wanted.component_id, wanted.order_id, wanted.sku_id, wanted.member_id, wanted.amount_minor, wanted.currency,
       'revoked', wanted.refund_id, $8
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::uuid[])
     AS wanted (component_id, order_id, sku_id, member_id, amount_minor, currency, refund_id)
ORDER BY wanted.component_id
ON CONFLICT (component_id) DO NOTHING
RETURNING component_id
"""

_UNITS = f"""
SELECT entitlement_id, component_id, state, cost_minor, restocked, given_at IS NOT NULL AS given,
       {seen_by_somebody("entitlements")} AS revealed
FROM entitlements
WHERE order_id = ANY($1::uuid[]) AND component_id = ANY($2::uuid[]) ORDER BY entitlement_id FOR UPDATE
"""  # noqa: S608  # composed of a constant

_TASKS = """
SELECT component_id, state FROM supplier_tasks WHERE component_id = ANY($1::uuid[]) ORDER BY component_id FOR UPDATE
"""

_REDEEMABLE = "SELECT sku_id FROM skus WHERE sku_id = ANY($1::uuid[]) AND redeemable_here"


async def open_deliveries(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> dict[UUID, Source]:
    """Begin a delivery for each component that has none; answers those. All others were dealt with before.

    What a supplier delivers waits for him, what is sent by hand to be sent. Anything else is written down as issued at once: whoever opens it must give the
    units out or reject it.
    """
    opened = await uow.raw.fetch(
        _OPEN,
        [reservation.component_id for reservation in reservations],
        [reservation.order_id for reservation in reservations],
        [reservation.line_id for reservation in reservations],
        [reservation.sku_id for reservation in reservations],
        [reservation.member_id for reservation in reservations],
        [reservation.kind.value for reservation in reservations],
        [reservation.quantity for reservation in reservations],
        [reservation.amount_minor for reservation in reservations],
        [reservation.currency for reservation in reservations],
        now,
        [reservation.accept_substitutes for reservation in reservations],
    )
    return {row["component_id"]: Source(row["source"]) for row in opened}


async def reject_deliveries(uow: UnitOfWork, rejected: Sequence[tuple[UUID, RejectReason]]) -> None:
    """These components cannot be had."""
    await uow.raw.execute(
        _REJECT, [component_id for component_id, _ in rejected], [reason.value for _, reason in rejected]
    )


async def substitute(uow: UnitOfWork, instead: Sequence[tuple[UUID, Substitute]], *, now: datetime) -> None:
    """Something else is delivered, and the delivery begins as one of it: by component."""
    await uow.raw.execute(
        _SUBSTITUTE,
        [component_id for component_id, _ in instead],
        [substitute.sku_id for _, substitute in instead],
        [substitute.kind.value for _, substitute in instead],
        [substitute.source.value for _, substitute in instead],
        now,
    )


async def set_suppliers(uow: UnitOfWork, suppliers: Sequence[tuple[UUID, UUID]]) -> None:
    """Who supplies each component, as `(component_id, supplier_id)`."""
    await uow.raw.execute(_SET_SUPPLIER, [pair[0] for pair in suppliers], [pair[1] for pair in suppliers])


async def find_deliveries(uow: UnitOfWork, component_ids: Sequence[UUID]) -> list[Delivery]:
    """What is known of these components, without a lock."""
    return [_delivery(row) for row in await uow.raw.fetch(_FIND, component_ids)]


async def lock_deliveries(uow: UnitOfWork, component_ids: Sequence[UUID]) -> list[Delivery]:
    """The same, locked in the order of the ids: nobody else decides about them until this transaction ends."""
    return [_delivery(row) for row in await uow.raw.fetch(_LOCK, component_ids)]


async def mark_issued(uow: UnitOfWork, component_ids: Sequence[UUID], *, now: datetime) -> None:
    """The supplier has delivered."""
    await uow.raw.execute(_MARK_ISSUED, component_ids, now)


async def mark_revoked(uow: UnitOfWork, refunds: Sequence[tuple[UUID, UUID]]) -> None:
    """Taken back, as `(component_id, refund_id)`."""
    await uow.raw.execute(_REVOKE, [pair[0] for pair in refunds], [pair[1] for pair in refunds])


async def want_refund(uow: UnitOfWork, refunds: Sequence[tuple[UUID, UUID]]) -> None:
    """To be taken back as soon as the supplier's word is known, as `(component_id, refund_id)`."""
    await uow.raw.execute(_WANT_REFUND, [pair[0] for pair in refunds], [pair[1] for pair in refunds])


async def void_deliveries(uow: UnitOfWork, refunds: Sequence[RefundOrder], *, now: datetime) -> set[UUID]:
    """Write down components as revoked that were never reserved, so that a later command does nothing; answers those."""
    voided = await uow.raw.fetch(
        _VOID,
        [refund.component_id for refund in refunds],
        [refund.order_id for refund in refunds],
        [refund.sku_id for refund in refunds],
        [refund.member_id for refund in refunds],
        [refund.amount_minor for refund in refunds],
        [refund.currency for refund in refunds],
        [refund.refund_id for refund in refunds],
        now,
    )
    return {row["component_id"] for row in voided}


async def lock_refund_facts(
    uow: UnitOfWork, deliveries: Sequence[Delivery], *, now: datetime
) -> dict[UUID, DeliveryFacts]:
    """What a refund has to know of locked deliveries: their tasks and units, locked too, by component."""
    component_ids = [delivery.component_id for delivery in deliveries]
    tasks = {row["component_id"]: TaskState(row["state"]) for row in await uow.raw.fetch(_TASKS, component_ids)}
    units: dict[UUID, list[UnitFacts]] = {component_id: [] for component_id in component_ids}
    order_ids = list({delivery.order_id for delivery in deliveries})
    rows = await uow.raw.fetch(_UNITS, order_ids, component_ids)
    kept = await _find_kept(uow, [row["entitlement_id"] for row in rows], now=now)
    sellable = await restocking.lock_sellable(uow, [row["entitlement_id"] for row in rows if not row["revealed"]])
    for row in rows:
        units[row["component_id"]].append(
            UnitFacts(
                entitlement_id=row["entitlement_id"],
                state=EntitlementState(row["state"]),
                revealed=row["revealed"],
                cost_minor=row["cost_minor"],
                restocked=row["restocked"],
                given=row["given"],
                sellable=row["entitlement_id"] in sellable,
                kept_for=kept.get(row["entitlement_id"]),
            )
        )
    sent = [delivery.component_id for delivery in deliveries if delivery.kind is SkuKind.PHYSICAL]
    shipments = await shipping.find_states(uow, sent) if sent else {}
    sku_ids = [delivery.sku_id for delivery in deliveries]
    redeemable = {row["sku_id"] for row in await uow.raw.fetch(_REDEEMABLE, sku_ids)}
    return {
        delivery.component_id: DeliveryFacts(
            component_id=delivery.component_id,
            kind=delivery.kind,
            state=delivery.state,
            redeemable_here=delivery.sku_id in redeemable,
            task_state=tasks.get(delivery.component_id),
            units=tuple(units[delivery.component_id]),
            away=shipments.get(delivery.component_id) in AWAY,
            lost=shipments.get(delivery.component_id) is ShipmentState.LOST,
        )
        for delivery in deliveries
    }


async def _find_kept(uow: UnitOfWork, entitlement_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, RefuseReason]:
    """Locked entitlements that somebody may have a claim on: a store without a network may have honoured them."""
    out = await offline.find_vouchers_out(uow, entitlement_ids, ended_after=now - UPLOAD_WITHIN)
    return dict.fromkeys(out, RefuseReason.OFFLINE_VOUCHER)


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        component_id=row["component_id"],
        order_id=row["order_id"],
        line_id=row["line_id"],
        member_id=row["member_id"],
        sku_id=row["sku_id"],
        kind=row["kind"] and SkuKind(row["kind"]),
        quantity=row["quantity"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        state=DeliveryState(row["state"]),
        reason=row["reason"] and RejectReason(row["reason"]),
        supplier_id=row["supplier_id"],
        refund_id=row["refund_id"],
        issued_at=row["issued_at"],
        accept_substitutes=row["accept_substitutes"],
        ordered_sku_id=row["ordered_sku_id"],
    )
