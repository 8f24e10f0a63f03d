"""Entitlements whose owners are to be reminded."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.reminders import Expiring
from shared.database import UnitOfWork

_TAKE = """
UPDATE entitlements SET reminded_at = $1 WHERE entitlement_id = ANY(ARRAY(
    SELECT entitlement_id FROM entitlements
    WHERE state = 'active' AND reminded_at IS NULL AND expires_at > $1 AND expires_at <= $2
    ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
))
RETURNING entitlement_id, component_id, order_id, member_id, sku_id, expires_at
"""


async def take_expiring(uow: UnitOfWork, *, now: datetime, until: datetime, limit: int) -> list[Expiring]:
    """Active entitlements that end by then and were not reminded of, marked so; those that others lock come later."""
    rows = await uow.raw.fetch(_TAKE, now, until, limit)
    return sorted((Expiring(**row) for row in rows), key=_by_end)


def _by_end(expiring: Expiring) -> tuple[datetime, UUID]:
    return expiring.expires_at, expiring.entitlement_id
