"""Batches, what became of their cards, and what operators did to them."""

from uuid import UUID

from services.inventory.queries.pages import after, page
from services.inventory.schemas import BatchActionOut, BatchOut
from shared.database import UnitOfWork
from shared.http import Page

# A batch's cards have ids between its own and its last card's: the shelf is read in that range alone.
_BATCHES = """
SELECT batch.batch_id, batch.sku_id, batch.imported_by, batch.created_at AS imported_at, batch.accepted, batch.refused,
       batch.cost_minor, batch.state, batch.priority, shelved.available, frozen.frozen,
       coalesce(given.issued, 0) AS issued, coalesce(given.revealed, 0) AS revealed,
       coalesce(given.redeemed, 0) AS redeemed, coalesce(given.revoked, 0) AS revoked
FROM card_batches batch
CROSS JOIN LATERAL (
    SELECT count(*) AS available FROM shelf
    WHERE shelf.sku_id = batch.sku_id AND shelf.card_id > batch.batch_id AND shelf.batch_id = batch.batch_id
      AND shelf.card_id <= (SELECT card_id FROM cards WHERE cards.batch_id = batch.batch_id ORDER BY card_id DESC LIMIT 1)
) AS shelved
CROSS JOIN LATERAL (SELECT count(*) AS frozen FROM frozen_cards WHERE frozen_cards.batch_id = batch.batch_id) AS frozen
CROSS JOIN LATERAL (
    SELECT count(*) AS issued, count(*) FILTER (WHERE unit.reveals > 0) AS revealed,
           count(*) FILTER (WHERE unit.state = 'redeemed') AS redeemed,
           count(*) FILTER (WHERE unit.state = 'revoked') AS revoked
    FROM cards JOIN entitlements unit ON unit.card_id = cards.card_id AND NOT unit.restocked
    WHERE cards.batch_id = batch.batch_id
) AS given
"""

_OF_SKU = (
    _BATCHES
    + """
WHERE batch.sku_id = $1 AND batch.batch_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY batch.batch_id DESC LIMIT $3
"""
)

_ONE = _BATCHES + "WHERE batch.batch_id = $1"

_ACTIONS = """
SELECT action_id, action, operator, reason, units, cost_minor, acted_at FROM batch_actions
WHERE batch_id = $1 AND action_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY action_id DESC LIMIT $3
"""


async def list_batches(read: UnitOfWork, sku_id: UUID, *, cursor: str | None, limit: int) -> Page[BatchOut]:
    """Imports of a SKU with what became of their cards, the newest first."""
    rows = await read.raw.fetch(_OF_SKU, sku_id, after(cursor), limit + 1)
    return page([BatchOut(**row) for row in rows], limit=limit, key=lambda batch: batch.batch_id)


async def find_batch(read: UnitOfWork, batch_id: UUID) -> BatchOut | None:
    """One batch with what became of its cards."""
    row = await read.raw.fetchrow(_ONE, batch_id)
    return None if row is None else BatchOut(**row)


async def list_actions(read: UnitOfWork, batch_id: UUID, *, cursor: str | None, limit: int) -> Page[BatchActionOut]:
    """What operators did to a batch, the newest first."""
    rows = await read.raw.fetch(_ACTIONS, batch_id, after(cursor), limit + 1)
    return page([BatchActionOut(**row) for row in rows], limit=limit, key=lambda entry: entry.action_id)
