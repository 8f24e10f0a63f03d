"""Shipments, as buyers and as operators see them."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.owners import Owner
from services.inventory.domain.shipping import ShipmentState
from services.inventory.queries.pages import after, page
from services.inventory.schemas.shipping import ShipmentOpsOut, ShipmentOut
from shared.database import UnitOfWork
from shared.http import Page

_COLUMNS = """
SELECT shipment.component_id, shipment.order_id, shipment.member_id, shipment.sku_id, sku.name, shipment.quantity,
       shipment.state, shipment.ship_before, shipment.carrier, shipment.tracking_no, shipment.created_at,
       shipment.shipped_at, shipment.shipped_by, shipment.ended_at, shipment.ended_by,
       shipment.state = 'awaiting' AND shipment.ship_before <= $1 AS overdue
FROM shipments shipment JOIN skus sku ON sku.sku_id = shipment.sku_id
"""
_NEWEST = """
AND shipment.component_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY shipment.component_id DESC LIMIT $4
"""
_OF_MEMBER = _COLUMNS + "WHERE shipment.member_id = $2" + _NEWEST
_OF_ORDER = _COLUMNS + "WHERE shipment.order_id = $2" + _NEWEST

# The oldest first: what waits for longest is sent first.
_ALL = (
    _COLUMNS
    + """
WHERE ($2::text IS NULL OR shipment.state = $2) AND ($3::uuid IS NULL OR shipment.sku_id = $3)
  AND ($4::uuid IS NULL OR shipment.order_id = $4)
  AND (NOT $5 OR shipment.state = 'awaiting' AND shipment.ship_before <= $1)
  AND ($6::uuid IS NULL OR shipment.component_id > $6)
ORDER BY shipment.component_id LIMIT $7
"""
)

_FIGURES = """
SELECT count(*) AS awaiting, count(*) FILTER (WHERE ship_before <= $1) AS overdue FROM shipments WHERE state = 'awaiting'
"""


async def list_owned(
    read: UnitOfWork, owner: Owner, *, now: datetime, cursor: str | None, limit: int
) -> Page[ShipmentOut]:
    """What is sent to somebody, the newest first."""
    statement = _OF_MEMBER if owner.member_id else _OF_ORDER
    rows = await read.raw.fetch(statement, now, owner.member_id or owner.order_id, after(cursor), limit + 1)
    return page([ShipmentOut(**row) for row in rows], limit=limit, key=lambda entry: entry.component_id)


async def list_all(
    read: UnitOfWork,
    *,
    state: ShipmentState | None,
    sku_id: UUID | None,
    order_id: UUID | None,
    overdue: bool,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Page[ShipmentOpsOut]:
    """What is sent by hand, the oldest first."""
    named = None if state is None else state.value
    rows = await read.raw.fetch(_ALL, now, named, sku_id, order_id, overdue, after(cursor), limit + 1)
    return page([ShipmentOpsOut(**row) for row in rows], limit=limit, key=lambda entry: entry.component_id)


async def read_figures(read: UnitOfWork, *, now: datetime) -> dict[str, int]:
    """How many are to be sent, and how many should have been."""
    return dict(await read.raw.fetchrow(_FIGURES, now) or {})
