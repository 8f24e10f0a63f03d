"""Stock that runs low and cards that will expire."""

from datetime import datetime, timedelta
from uuid import UUID

from services.inventory.queries.pages import after, page
from services.inventory.schemas import ExpiringOut, LowStockOut
from shared.database import UnitOfWork
from shared.http import Page

FIGURE_DAYS = (7, 30)

_LOW = """
SELECT sku.sku_id, sku.name, stock.on_hand - stock.held AS available, sku.low_stock_below
FROM stock JOIN skus sku USING (sku_id)
WHERE stock.on_hand - stock.held < sku.low_stock_below AND sku.on_sale
  AND sku.sku_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY sku.sku_id DESC LIMIT $2
"""

_EXPIRING = """
SELECT shelf.batch_id, shelf.sku_id, sku.name, count(*) AS units, sum(shelf.cost_minor)::bigint AS cost_minor,
       min(shelf.expires_at) AS first_expires_at
FROM shelf JOIN skus sku USING (sku_id)
WHERE shelf.expires_at <= $1 AND shelf.batch_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
GROUP BY shelf.batch_id, shelf.sku_id, sku.name ORDER BY shelf.batch_id DESC LIMIT $3
"""

_EXPIRING_FIGURE = "SELECT count(*) FROM shelf WHERE expires_at <= $1"


async def list_low(read: UnitOfWork, *, cursor: str | None, limit: int) -> Page[LowStockOut]:
    """SKUs on sale of which less is left than wanted."""
    rows = await read.raw.fetch(_LOW, after(cursor), limit + 1)
    return page([LowStockOut(**row) for row in rows], limit=limit, key=lambda entry: entry.sku_id)


async def list_expiring(read: UnitOfWork, *, before: datetime, cursor: str | None, limit: int) -> Page[ExpiringOut]:
    """Batches with unsold cards that expire until then, the newest first."""
    rows = await read.raw.fetch(_EXPIRING, before, after(cursor), limit + 1)
    return page([ExpiringOut(**row) for row in rows], limit=limit, key=_batch_of)


async def count_expiring(read: UnitOfWork, *, now: datetime) -> dict[str, int]:
    """How many cards on the shelf expire within a week and a month."""
    return {
        f"within_{days}_days": await read.raw.fetchval(_EXPIRING_FIGURE, now + timedelta(days=days))
        for days in FIGURE_DAYS
    }


def _batch_of(entry: ExpiringOut) -> UUID:
    return entry.batch_id
