"""Redemptions that are undone: the row is marked and kept."""

from datetime import datetime, timedelta
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.undoing import Undo, UndoFacts
from shared.database import UnitOfWork

_ENTITLEMENT_OF = """
SELECT entitlement_id FROM redemptions WHERE redemption_id = $1 AND ($2::uuid IS NULL OR partner_id = $2)
"""

_FACTS = """
SELECT redemption.redemption_id, redemption.partner_id, redemption.redeemed_at, redemption.undone_at IS NOT NULL AS undone,
       unit.entitlement_id, unit.component_id, unit.order_id, unit.member_id, unit.sku_id, unit.state, unit.expires_at,
       delivery.quantity, sku.undo_within_minutes
FROM redemptions redemption
JOIN entitlements unit ON unit.entitlement_id = redemption.entitlement_id
JOIN deliveries delivery ON delivery.component_id = unit.component_id
JOIN skus sku ON sku.sku_id = unit.sku_id
WHERE redemption.redemption_id = $1
"""

_UNDO = """
WITH undone AS (
    UPDATE redemptions SET undone_at = $2, undone_by = $3, undone_subject = $4, undo_reason = $5
    WHERE redemption_id = $1 RETURNING entitlement_id
)
UPDATE entitlements SET state = 'active', redeemed_at = NULL FROM undone
WHERE entitlements.entitlement_id = undone.entitlement_id
"""


async def find_entitlement(uow: UnitOfWork, redemption_id: UUID, *, partner_id: UUID | None) -> UUID | None:
    """What was redeemed, by this partner if one is named; it never becomes another."""
    entitlement_id: UUID | None = await uow.raw.fetchval(_ENTITLEMENT_OF, redemption_id, partner_id)
    return entitlement_id


async def find_facts(uow: UnitOfWork, redemption_id: UUID) -> UndoFacts:
    """What undoing has to know. Ask with the entitlement locked, so that it stays true."""
    row = await uow.raw.fetchrow(_FACTS, redemption_id)
    assert row is not None  # noqa: S101  # redemptions are never deleted
    facts = dict(row)
    minutes = facts.pop("undo_within_minutes")
    within = None if minutes is None else timedelta(minutes=minutes)
    return UndoFacts(**{**facts, "state": EntitlementState(facts["state"])}, within=within)


async def undo(uow: UnitOfWork, redemption_id: UUID, undo: Undo, *, now: datetime) -> None:
    """Mark it, and make its locked entitlement active again."""
    await uow.raw.execute(_UNDO, redemption_id, now, undo.by.value, undo.subject, undo.reason)
