"""Which SKUs have begun to run low since it was last looked."""

from uuid import UUID

from shared.database import UnitOfWork

# What crosses its limit is turned over, either way; of that, what runs low now is answered.
_TURN_LOW = """
WITH crossed AS (
    SELECT stock.sku_id, stock.on_hand - stock.held AS available, sku.low_stock_below, NOT stock.low_announced AS low
    FROM stock JOIN skus sku ON sku.sku_id = stock.sku_id
    WHERE stock.low_announced <> coalesce(sku.on_sale AND stock.on_hand - stock.held < sku.low_stock_below, false)
    ORDER BY stock.sku_id LIMIT $1 FOR NO KEY UPDATE OF stock SKIP LOCKED
)
UPDATE stock SET low_announced = crossed.low FROM crossed WHERE stock.sku_id = crossed.sku_id
RETURNING stock.sku_id, crossed.available, crossed.low_stock_below, crossed.low
"""


async def turn_low(uow: UnitOfWork, *, limit: int) -> list[tuple[UUID, int, int]]:
    """SKUs of which too little is left since now, as `(sku_id, available, low_stock_below)`, noted as told."""
    crossed = await uow.raw.fetch(_TURN_LOW, limit)
    return [(row["sku_id"], row["available"], row["low_stock_below"]) for row in crossed if row["low"]]
